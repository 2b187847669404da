"""Shipments (出荷): told per order, SKU or listing, cumulative or per parcel, before or after their order; and returns."""

import pytest

from ledger.book import orders
from ledger.book.orders import OrderNotAccepted
from ledger.facts.order import OrderTold, ReturnOpened
from ledger.facts.stock import AllocationReleased, StockAllocated, StockShipped
from ledger.terms import Door, OrderState
from tests.ledger.given import Memory, given, open_units
from tests.ledger.words import NUMBER, R, at, cancel, counted, line, link, order, shipped, take, telling


def shop_with_x_and_y() -> Memory:
    """Ten of X and ten of Y on hand; Rakuten sells x of X and y of Y."""
    return given(counted("X", 10), counted("Y", 10), link(R, "x", "X"), link(R, "y", "Y"), now=at("12:00"))


def test_a_shipment_before_its_order_waits_and_ships_it_when_it_comes() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(shipped(scope="sku", skus=["X"], units=[1], cumulative=False, slip="1"))
    ledger.when(shipped(scope="sku", skus=["X"], units=[2], cumulative=False, slip="2"))
    assert ledger.names() == ["ShipmentTold"]
    ledger.when(order(R, NUMBER, line("x", 4)))
    assert [type(f) for f in ledger.facts()] == [OrderTold, StockAllocated, StockShipped]
    assert open_units(ledger.order(R, NUMBER)) == {"X": 1}
    assert (ledger.stock("X").on_hand_units, ledger.available("X")) == (7, 6)


def test_the_same_parcel_again_records_nothing() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 4)))
    parcel = shipped(scope="sku", skus=["X"], units=[1], cumulative=False, slip="1")
    ledger.when(parcel)
    ledger.when(parcel)
    assert ledger.names() == []


def test_shipped_listings_count_by_the_units_of_the_listing() -> None:
    ledger = given(counted("X", 12), link(R, "x3", "X", 3), now=at("12:00"))
    ledger.when(order(R, NUMBER, line("x3", 2)))
    ledger.when(shipped(scope="listing", listings=["x3:"], units=[1]))
    assert (ledger.stock("X").on_hand_units, ledger.stock("X").allocated_units) == (9, 3)


def test_a_running_total_and_its_parcels_are_the_same_goods() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 5)))
    ledger.when(shipped(scope="sku", skus=["X"], units=[2], cumulative=False, slip="1"))
    ledger.when(shipped(scope="sku", skus=["X"], units=[3]))
    assert open_units(ledger.order(R, NUMBER)) == {"X": 2}


def test_more_shipped_than_ordered_ships_what_was_ordered_and_opens_a_check() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2)))
    answer = ledger.when(shipped(scope="sku", skus=["X"], units=[5]))
    assert (answer["reviews"], ledger.stock("X").on_hand_units) == (["shipped_more_than_ordered"], 8)


def test_a_telling_that_names_a_parcel_ships_that_and_orders_no_less() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 3), line("y")))
    ledger.when(take(R, telling(line("x", 1), told="11:00", state=OrderState.SHIPPED, complete=False)))
    assert open_units(ledger.order(R, NUMBER)) == {"X": 2, "Y": 1}
    ledger.when(take(R, telling(told="11:30", state=OrderState.SHIPPED, complete=False)))
    assert open_units(ledger.order(R, NUMBER)) == {}
    assert ledger.stated(R, NUMBER).state == "shipped"


def test_a_cancel_of_shipped_units_opens_a_return_whichever_was_told_first() -> None:
    for first, second in ((shipped(), take(R, cancel("11:00"))), (take(R, cancel("11:00")), shipped())):
        ledger = shop_with_x_and_y()
        ledger.when(order(R, NUMBER, line("x", 2)))
        ledger.when(first)
        ledger.when(second)
        (opened,) = ledger.facts(ReturnOpened)
        assert (opened.skus, opened.units, opened.assumed) == (["X"], [2], False)
        assert (ledger.stock("X").on_hand_units, ledger.available("X")) == (8, 8)
        ledger.when(take(R, cancel("11:05", door=Door.API)))
        assert ledger.facts(ReturnOpened) == []


def test_fewer_units_ordered_than_have_left_is_a_return_of_the_difference() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 3)))
    ledger.when(shipped(scope="sku", skus=["X"], units=[3]))
    ledger.when(take(R, telling(line("x", 2), told="11:00", door=Door.API)))
    assert ledger.facts(ReturnOpened)[0].units == [1]
    assert ledger.facts(AllocationReleased) == []


def test_units_only_assumed_shipped_come_back_with_a_check() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2)))
    ledger.when(orders.assume_shipped(R, NUMBER, 14))
    assert ledger.facts(StockShipped)[0].assumed
    ledger.when(orders.assume_shipped(R, NUMBER, 14))
    assert ledger.names() == []
    ledger.when(take(R, cancel("11:00")))
    assert ledger.facts(ReturnOpened)[0].assumed


def test_an_order_that_was_cancelled_is_not_assumed_to_have_left() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2)))
    ledger.when(take(R, cancel("11:00")))
    ledger.when(orders.assume_shipped(R, NUMBER, 14))
    assert (ledger.names(), ledger.available("X")) == ([], 10)


def test_a_parcel_without_its_slip_or_its_units_is_refused() -> None:
    for wrong, expected in (
        ({"scope": "sku", "skus": ["X"], "units": [1], "cumulative": False}, "without its slip"),
        ({"scope": "sku", "skus": ["X"], "units": []}, "0 units for sku"),
        ({"scope": "sku", "skus": ["X"], "units": [0]}, "0 units shipped"),
        ({"scope": "box"}, "scope 'box'"),
    ):
        with pytest.raises(OrderNotAccepted, match=expected):
            shipped(**wrong)
