"""Flows that the shapes of facts must carry, each a test; those without a verb yet are told by facts made by hand.

Others of them stand with their subject: a set order and a new recipe (``test_set.py``), an unknown push and a request of
400 listings (``test_push.py``), a sale while a push is in flight (``test_expected.py``), a hold that expires while an order
consumes it (``test_hold.py``), a first set-up of three files that disagree (``test_cases.py``).
"""

from dataclasses import replace

from ledger.facts.listing import AuctionEnded, ListingLinked
from ledger.facts.stock import AllocatedAsCounted, AuctionKept, AuctionReturned
from ledger.keys import listing as listing_stream
from ledger.keys import stock as stock_stream
from ledger.stock import around
from ledger.terms import Door, ListingKey, utc_text
from ledger.view import Draft
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
    mall_file,
    order,
    shipped,
    take,
    telling,
)


def three_shops(*happened: object) -> Memory:
    """Rakuten, Yahoo! and Amazon sell X; then this happened."""
    linked = (link(R, "x", "X"), link(Y, "x", "X"), link(A, "x", "X"))
    return given(*linked, *happened, now=at("13:00"))  # type: ignore[arg-type]


def test_mail_then_api_then_cancel() -> None:
    ledger = three_shops(counted("X", 10))
    ledger.when(order(R, NUMBER, line("x", 2), verified=False))
    ledger.when(take(R, telling(line("x", 3), told="10:10", door=Door.API)))
    assert ledger.available("X") == 7
    ledger.when(take(R, cancel("10:30", door=Door.API)))
    assert (ledger.available("X"), ledger.stated(R, NUMBER).state) == (10, "cancelled")


def test_an_order_placed_before_the_count_and_told_later_is_then_cancelled() -> None:
    ledger = three_shops(mall_file(R, "X", 8, "10:00"))
    ledger.when(take(R, telling(line("x"), told="10:20", ordered="09:55")))
    assert ledger.names() == ["OrderTold", "AllocatedAsCounted"]
    assert ledger.facts(AllocatedAsCounted)[0].after == 8
    ledger.when(take(R, cancel("10:40")))
    assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (9, 9)


def test_a_relisted_auction_carries_its_link_on() -> None:
    first, again = ListingKey("a100"), ListingKey("a101")
    ledger = three_shops(counted("X", 3))
    linked = ListingLinked(sku="X", state="linked", ends_at=utc_text(at("12:00")))
    ledger.record(
        Draft(listing_stream(A, first), linked),
        Draft(stock_stream("X"), AuctionKept(shop=A, listing="a100:", units=1, **around(ledger.stock("X")))),
    )
    assert (ledger.stock("X").free_units, ledger.available("X")) == (2, 3)
    ledger.record(
        Draft(listing_stream(A, first), AuctionEnded(winner=False, evidence="inbox-7")),
        Draft(listing_stream(A, again), replace(linked, carried_from="a100:", ends_at=utc_text(at("13:00")))),
    )
    assert ledger.listing(A, "a101").sku == "X"
    ledger.record(
        Draft(stock_stream("X"), AuctionReturned(shop=A, listing="a101:", units=1, **around(ledger.stock("X"))))
    )
    ledger.when(take(A, telling(line("a101"), told="12:50")))
    assert (ledger.stock("X").free_units, ledger.available("X")) == (2, 2)


def test_a_shipping_file_before_its_order_in_two_parcels() -> None:
    ledger = three_shops(counted("X", 9))
    ledger.when(shipped(scope="sku", skus=["X"], units=[2], cumulative=False, slip="p1"))
    ledger.when(shipped(scope="sku", skus=["X"], units=[1], cumulative=False, slip="p2"))
    ledger.when(order(R, NUMBER, line("x", 3)))
    assert (ledger.stock("X").on_hand_units, ledger.available("X"), open_units(ledger.order(R, NUMBER))) == (6, 6, {})
