"""The further domain cases (D12 to D33): what makes operators lose trust in the numbers. Named after their cases."""

from dataclasses import replace
from typing import Any

import pytest

from ledger import listing
from ledger.book import orders, serving, shops, stock
from ledger.booking import Recipe
from ledger.counting import OwedUnits
from ledger.facts.listing import ListingSettingsChanged
from ledger.listing import LINKED, Listing, Stopped
from ledger.terms import CancelReason, Door, ListingKey
from tests.ledger.given import Memory, given, open_units
from tests.ledger.words import (
    NUMBER,
    A,
    R,
    Y,
    at,
    cancel,
    counted,
    line,
    link,
    order,
    shipped,
    take,
    telling,
)

UNITS_MAX = 99_999


def wanted(ledger: Memory, shop: str, item: str, sku: str) -> int | None:
    """What the listing should show now, with no clock running."""
    one = replace(ledger.listing(shop, item), state=LINKED)
    return listing.wanted(one, ledger.stock(sku).free_units, units_max=UNITS_MAX)


def three_shops(*happened: object) -> Memory:
    """Rakuten, Yahoo! and Amazon sell X; then this happened."""
    linked = (link(R, "x", "X"), link(Y, "x", "X"), link(A, "x", "X"))
    return given(*linked, *happened, now=at("13:00"))  # type: ignore[arg-type]


# ------------------------------------------------------------------ D12 to D15


def test_d12_without_a_shipping_source_open_lines_close_after_their_days_and_available_stays() -> None:
    ledger = three_shops(counted("X", 100))
    for n in range(10):
        ledger.when(order(R, str(n), line("x", 3)))
    before = ledger.stock("X")
    assert (before.available_units, before.allocated_units, before.on_hand_units) == (70, 30, 100)
    for n in range(10):
        ledger.when(orders.assume_shipped(R, str(n), 14))
    after = ledger.stock("X")
    assert (after.available_units, after.allocated_units, after.on_hand_units) == (70, 0, 70)


def test_d13_a_component_that_is_owed_leaves_no_set_and_a_recipe_that_changed_gives_back_what_was_taken() -> None:
    ledger = given(counted("X", 1), stock.define_set("SET", ["X"], [2]), link(R, "set", "SET"), now=at("13:00"))
    ledger.when(order(R, NUMBER, line("set")))
    assert ledger.available("X") == -1
    assert listing.free_of([ledger.stock("X").free_units], Recipe(1, ("X",), (2,))) == 0
    ledger.when(stock.define_set("SET", ["X"], [3]))
    ledger.when(take(R, cancel("11:00", reason=CancelReason.BUYER)))
    assert ledger.available("X") == 1


def test_d14_ten_arrive_while_two_are_owed_and_the_operator_says_which_side_of_them() -> None:
    def owing() -> Memory:
        return three_shops(counted("X", 0), order(R, NUMBER, line("x", 2)))

    assert owing().available("X") == -2
    with pytest.raises(OwedUnits):
        owing().when(counted("X", 10, "12:00"))
    before, after = owing(), owing()
    before.when(counted("X", 10, "12:00", owed="before"))
    after.when(counted("X", 10, "12:00", owed="after"))
    assert (before.available("X"), before.stock("X").on_hand_units) == (8, 10)
    assert (after.available("X"), after.stock("X").on_hand_units) == (10, 12)


def test_d14_a_warehouse_count_is_of_the_shelf_and_not_of_what_may_be_sold() -> None:
    ledger = three_shops(counted("X", 12), order(R, NUMBER, line("x", 3)))
    ledger.when(counted("X", 10, "12:00", target="on_hand"))
    assert (ledger.available("X"), ledger.stock("X").on_hand_units, ledger.stock("X").allocated_units) == (7, 10, 3)


# ------------------------------------------------------------------ D19 to D22


def test_d19_who_is_served_is_decided_by_facts_of_the_orders() -> None:
    ledger = three_shops(counted("X", 0))
    for number in ("1", "2", "3"):
        ledger.when(order(R, number, line("x")))
    ledger.when(stock.receive("S-1", [("1", "X", 2)]))
    assert (ledger.available("X"), ledger.stock("X").short_units) == (-1, 1)
    ledger.when(serving.set_priority(R, "3", 1))
    ledger.when(serving.move_served(R, "1", "X", 1, R, "3"))
    moved = ledger.facts("ServedMoved")[0]
    assert (moved.units, moved.to_order, ledger.order(R, "3").priority) == (1, f"{R}:3", 1)
    assert ledger.available("X") == -1, "it serves another line; it changes no number"


def test_d20_two_then_three_of_three_are_three_and_not_five() -> None:
    ledger = three_shops(counted("X", 9), order(A, NUMBER, line("x", 3)))
    ledger.when(shipped(shop=A, scope="sku", skus=["X"], units=[2]))
    ledger.when(shipped(shop=A, scope="sku", skus=["X"], units=[3]))
    assert (ledger.stock("X").on_hand_units, open_units(ledger.order(A, NUMBER))) == (6, {})
    ledger.when(shipped(shop=A))
    assert ledger.stock("X").on_hand_units == 6


def test_d20_a_shipped_order_closes_what_its_parcels_left_open() -> None:
    ledger = three_shops(counted("X", 9), order(R, NUMBER, line("x", 3)))
    ledger.when(shipped(scope="sku", skus=["X"], units=[1], cumulative=False, slip="p1"))
    assert open_units(ledger.order(R, NUMBER)) == {"X": 2}
    ledger.when(shipped())
    assert (open_units(ledger.order(R, NUMBER)), ledger.stock("X").on_hand_units) == ({}, 6)


def test_d21_a_newly_linked_listing_is_told_nothing_until_a_person_saw_both_numbers() -> None:
    ledger = three_shops(counted("X", 5), link(R, "new", "X"))
    assert listing.wanted(ledger.listing(R, "new"), 5, units_max=UNITS_MAX) is None
    ledger.when(shops.confirm_listings(R, {ListingKey("new"): (40, 5)}))
    assert listing.wanted(ledger.listing(R, "new"), 5, units_max=UNITS_MAX) == 5


# ------------------------------------------------------------------ D24, D25, D28, D32, D33


def test_d24_the_numbers_of_threshold_share_and_cap() -> None:
    def shown(free: int, stopped: Stopped | None = None, first: bool = False, **rules: Any) -> int | None:
        one = Listing("X", state=LINKED, settings=ListingSettingsChanged(first_choice=first, **rules))
        return listing.wanted(
            one,
            free,
            units_max=UNITS_MAX,
            stopped=stopped or Stopped(),
            now=at("12:30"),
            shares_floor_to_zero=free == 1,
        )

    assert shown(10, share_percent=30, stop_threshold=3) == 3
    assert shown(10, cap=3, stop_threshold=3) == 3
    assert [shown(1, share_percent=50, first=first) for first in (True, False)] == [1, 0]
    assert [shown(free, stop_threshold=2) for free in (3, 2, 0)] == [3, 0, 0]
    assert shown(3, Stopped(at("12:25")), stop_threshold=2) == 0
    assert shown(3, Stopped(at("12:20")), stop_threshold=2) == 3


def test_d25_a_held_unit_is_not_sold_to_another_and_not_allocated_twice() -> None:
    ledger = three_shops(counted("X", 3))
    ledger.when(stock.place_hold("h1", reference="W-7", code="X", units=3, ends_at=at("15:00")))
    assert wanted(ledger, R, "x", "X") == 0
    ledger.when(take(R, telling(line("x", 3), door=Door.PERSON), strict=True, hold="h1"))
    now = ledger.stock("X")
    assert (now.available_units, now.allocated_units, now.held_units) == (0, 3, 0)


def test_d28_typed_ten_while_two_were_sold_meanwhile_is_eight() -> None:
    ledger = three_shops(counted("X", 5))
    read_at = ledger.position
    ledger.when(order(R, NUMBER, line("x", 2), told="12:30"))
    verb = stock.overwrite("X", 10, covers=stock.everything_read_at(read_at), counted_at=at("12:59"))
    assert ledger.when(verb) == {"available": 8, "applied_on_top": -2}


def test_d32_a_sku_without_a_number_is_not_zero_its_orders_are_taken_and_looked_at() -> None:
    ledger = three_shops(stock.register_sku("X"))
    assert (ledger.available("X"), wanted(ledger, R, "x", "X")) == (None, None)
    answer = ledger.when(order(R, NUMBER, line("x", 2)))
    assert (answer["units"], answer["reviews"]) == ({"X": 2}, ["no_number:X"])
    assert (ledger.available("X"), ledger.stock("X").allocated_units) == (None, 2)
    assert ledger.stated(R, NUMBER).reviews == {"no_number:X"}
    ledger.when(counted("X", 8, "11:00"))
    assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (8, 10)
    assert ledger.when(orders.close_review(R, NUMBER, "no_number:X", "seen"))["reviews"] == []


def test_d33_a_missing_quantity_is_one_an_add_below_zero_is_taken_and_free_below_zero_shows_none() -> None:
    ledger = three_shops(counted("X", 3))
    answer = ledger.when(take(R, telling(line("x", 1, quantity_known=False))))
    assert (answer["units"], answer["reviews"]) == ({"X": 1}, ["quantity_unknown"])
    assert ledger.when(stock.add("X", -5)) == {"available": -3}
    ledger.when(stock.keep_back("X", 2))
    assert (ledger.stock("X").free_units, wanted(ledger, R, "x", "X")) == (-5, 0)
