"""Holds (取り置き): units promised to the merchant's own number, strict, until a time (D25)."""

from datetime import timedelta

import pytest

from ledger import hold, keys
from ledger.book import Verb, stock
from ledger.hold import Hold, HoldNotAccepted
from ledger.stock import NotEnough, NumberMissing
from ledger.terms import UnitsNotAccepted
from tests.ledger.given import Memory, given, held_units
from tests.ledger.words import NUMBER, R, at, counted, line, link, take, telling

MIDNIGHT = at("15:00")  # 00:00 in Japan


def place(units: int = 3, *, hold_id: str = "h1", **more: object) -> Verb:
    usual = {"reference": "W-1001", "code": "X", "units": units, "ends_at": MIDNIGHT, "on_expiry": "ask"}
    return stock.place_hold(hold_id, **{**usual, **more})  # type: ignore[arg-type]


def shelf(units: int = 3, *happened: Verb) -> Memory:
    return given(counted("X", units), counted("Y", 5), link(R, "x", "X"), link(R, "y", "Y"), *happened, now=at("12:00"))


def hold_of(ledger: Memory, hold_id: str = "h1") -> Hold:
    found = ledger.state(keys.hold(hold_id), hold.FOLD)
    assert isinstance(found, Hold)
    return found


def test_a_hold_takes_from_what_is_free_and_not_from_available() -> None:
    ledger = shelf(3)
    assert ledger.when(place(2)) == {"hold": "h1", "free": 1}
    now = ledger.stock("X")
    assert (now.available_units, now.held_units, now.free_units) == (3, 2, 1)


def test_a_hold_is_never_more_than_is_free() -> None:
    ledger = shelf(3, place(2))
    for units, error in ((2, NotEnough), (0, UnitsNotAccepted), (-1, UnitsNotAccepted)):
        with pytest.raises(error):
            ledger.when(place(units, hold_id="h2"))
    with pytest.raises(NumberMissing):
        ledger.when(place(1, hold_id="h2", code="NEVER"))
    assert ledger.stock("X").held_units == 2


def test_two_holds_in_one_commit_cannot_take_the_same_unit() -> None:
    ledger = shelf(3)
    first, second = ledger.together(place(2), place(2, hold_id="h2"))
    assert first == {"hold": "h1", "free": 1}
    assert isinstance(second, NotEnough)


def test_an_order_consumes_its_hold_in_its_own_commit() -> None:
    ledger = shelf(3, place(3))
    ledger.when(take(R, telling(line("x", 3)), strict=True, hold="h1"))
    assert ledger.names() == ["HoldConsumed", "HoldReturned", "OrderTold", "StockAllocated"]
    now = ledger.stock("X")
    assert (now.available_units, now.held_units, hold_of(ledger).units) == (0, 0, 0)


def test_an_order_of_less_leaves_the_rest_held_and_an_order_of_more_takes_the_rest_from_what_is_free() -> None:
    ledger = shelf(5, place(3))
    ledger.when(take(R, telling(line("x", 2)), hold="h1"))
    assert (ledger.stock("X").held_units, ledger.available("X")) == (1, 3)
    ledger.when(take(R, telling(line("x", 3), number="2"), strict=True, hold="h1"))
    assert (ledger.stock("X").held_units, ledger.available("X")) == (0, 0)


def test_a_strict_order_of_more_than_its_hold_and_what_is_free_takes_nothing() -> None:
    ledger = shelf(3, place(2))
    with pytest.raises(NotEnough, match="X: 4 asked, 3 free"):
        ledger.when(take(R, telling(line("x", 4), line("y", 1)), strict=True, hold="h1"))
    now = ledger.stock("X")
    assert (now.held_units, now.allocated_units, held_units(ledger.order(R, NUMBER))) == (2, 0, {})
    assert ledger.last == []


def test_an_order_of_other_skus_does_not_take_a_hold() -> None:
    ledger = given(counted("X", 5), link(R, "y", "Y"), link(R, "fba", "X", excluded=True), place(3), now=at("12:00"))
    for one in (line("y", 1), line("fba", 1)):
        with pytest.raises(HoldNotAccepted, match="the hold is of X"):
            ledger.when(take(R, telling(one), hold="h1"))
    with pytest.raises(HoldNotAccepted, match="not running"):
        ledger.when(take(R, telling(line("y", 1)), hold="never placed"))


def test_d25_at_its_end_a_cart_hold_is_released_and_a_manual_one_asks() -> None:
    cart, manual = shelf(3, place(3, on_expiry="release")), shelf(3, place(3))
    for ledger in (cart, manual):
        ledger.now = MIDNIGHT - timedelta(seconds=1)
        ledger.when(stock.end_hold("h1", expired=True))
        assert ledger.names() == []
        ledger.now = MIDNIGHT
        ledger.when(stock.end_hold("h1", expired=True))
    assert (cart.names(), cart.stock("X").held_units) == (["HoldExpired", "HoldReturned"], 0)
    assert (manual.names(), manual.stock("X").held_units) == (["HoldAsked"], 3)
    for ledger in (cart, manual):
        ledger.when(stock.end_hold("h1", expired=True))
        assert ledger.names() == []


def test_d25_a_customer_who_pays_after_the_end_of_a_manual_hold_still_gets_the_units() -> None:
    ledger = shelf(3, place(3))
    ledger.now = MIDNIGHT
    ledger.when(stock.end_hold("h1", expired=True))
    ledger.now = MIDNIGHT + timedelta(minutes=5)
    ledger.when(take(R, telling(line("x", 3)), strict=True, hold="h1"))
    assert (ledger.available("X"), ledger.stock("X").held_units) == (0, 0)


def test_a_hold_that_expires_while_an_order_consumes_it_goes_to_whoever_is_decided_first() -> None:
    first_the_order = shelf(3, place(3, on_expiry="release"))
    first_the_end = shelf(3, place(3, on_expiry="release"))
    consume, end = take(R, telling(line("x", 3)), strict=True, hold="h1"), stock.end_hold("h1", expired=True)
    for ledger in (first_the_order, first_the_end):
        ledger.now = MIDNIGHT
    assert not isinstance(first_the_order.together(consume, end)[1], Exception)
    assert first_the_order.stock("X").held_units == 0
    _, refused = first_the_end.together(end, consume)
    assert isinstance(refused, HoldNotAccepted)
    assert (first_the_order.available("X"), first_the_end.available("X")) == (0, 3)


def test_a_person_extends_or_releases_a_hold() -> None:
    ledger = shelf(3, place(3))
    ledger.when(stock.extend_hold("h1", MIDNIGHT + timedelta(days=1)))
    assert hold_of(ledger).ends_at == MIDNIGHT + timedelta(days=1)
    ledger.when(stock.extend_hold("h1", MIDNIGHT + timedelta(days=1)))
    assert ledger.names() == []
    ledger.when(stock.end_hold("h1", expired=False))
    assert ledger.names() == ["HoldReleased", "HoldReturned"]
    ledger.when(stock.end_hold("h1", expired=False))
    assert ledger.names() == []
    with pytest.raises(HoldNotAccepted, match="not running"):
        ledger.when(stock.extend_hold("h1", MIDNIGHT + timedelta(days=2)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"reference": ""},
        {"reference": "W" * 101},
        {"on_expiry": "sell"},
        {"ends_at": at("12:00")},
    ],
)
def test_a_hold_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(HoldNotAccepted):
        shelf().when(place(**wrong))  # type: ignore[arg-type]


def test_one_hold_id_is_one_hold_for_ever() -> None:
    ledger = shelf(3, place(1), stock.end_hold("h1", expired=False))
    with pytest.raises(HoldNotAccepted, match="exists already"):
        ledger.when(place(1))
