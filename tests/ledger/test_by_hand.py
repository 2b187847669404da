"""Orders that a person takes by the merchant's own SKU, and orders that a person says are counted already."""

from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from ledger import keys
from ledger.book import Verb, stock
from ledger.book.orders import Named, take_order
from ledger.order import FOLD
from ledger.shop import Backlog
from ledger.terms import CancelReason, Door, OrderState, Telling, TellingLine, utc_text
from tests.ledger.given import Memory, given
from tests.ledger.words import R, at, counted, line, link, take, telling

T1 = "T-1"
CHOSEN = Backlog("counted", "", utc_text(at("10:30")), 7)


def by_hand(*lines: tuple[str, int], minute: int = 0, state: OrderState = OrderState.CONFIRMED) -> Verb:
    """A person's order of own SKUs, told at 10:00 and so many minutes."""
    cancelled = state is OrderState.CANCELLED
    told = Telling(
        order=T1,
        door=Door.PERSON,
        told_at=at(f"10:{minute:02}"),
        state=state,
        complete=not cancelled,
        verified=True,
        lines=tuple(TellingLine(sku, "", count, sku=sku) for sku, count in lines),
        parser_version=1,
        ordered_at=None if cancelled else at("10:00"),
    )
    return take_order(R, told, [Named(None, sku, own=True) for sku, _ in lines])


def shelf(*happened: Verb) -> Memory:
    return given(counted("X", 10, "09:00"), counted("Y", 10, "09:00"), link(R, "x", "X"), *happened, now=at("11:00"))


def test_an_order_of_own_skus_allocates_them_and_lowers_no_malls_number() -> None:
    ledger = shelf(by_hand(("X", 2), ("Y", 1)))
    assert (ledger.stock("X").available_units, ledger.stock("Y").available_units) == (8, 9)
    told = ledger.state(keys.order(R, T1), FOLD).kept[0].told
    assert (told.skus, told.units, told.listings) == (["X", "Y"], [2, 1], ["", ""])
    assert told.sold_listings == [], "no page of the shop sold it"


def test_a_set_taken_by_hand_takes_its_components() -> None:
    ledger = shelf(stock.define_set("SET", ["X", "Y"], [2, 1]), by_hand(("SET", 2)))
    assert (ledger.stock("X").available_units, ledger.stock("Y").available_units) == (6, 8)


@settings(max_examples=60, deadline=None)
@drawn(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=5), st.booleans())
def test_however_often_it_is_changed_by_hand_the_last_word_stands(said: list[tuple[int, int]], cancelled: bool) -> None:
    ledger = shelf()
    for minute, units in enumerate(said):
        lines = [(sku, count) for sku, count in zip(("X", "Y"), units, strict=True) if count]
        if lines:
            ledger.when(by_hand(*lines, minute=minute))
    if cancelled:
        ledger.when(by_hand(minute=30, state=OrderState.CANCELLED))
    last = next((units for units in reversed(said) if any(units)), (0, 0))
    left = (0, 0) if cancelled else last
    assert [ledger.stock(sku).allocated_units for sku in ("X", "Y")] == list(left)
    assert [ledger.stock(sku).available_units for sku in ("X", "Y")] == [10 - units for units in left]


def test_an_order_that_a_person_says_is_counted_leaves_available_as_it_is_also_when_it_is_told_again_and_cancelled() -> (
    None
):
    ledger = shelf()
    ledger.when(take(R, telling(line("x", 3)), counted=CHOSEN))
    assert ledger.names() == ["OrderTold", "AllocatedAsCounted"]
    now = ledger.stock("X")
    assert (now.available_units, now.on_hand_units, now.allocated_units) == (10, 13, 3)
    ledger.when(take(R, telling(line("x", 3), told="10:05", ordered="10:00", door=Door.API)))
    assert ledger.stock("X").available_units == 10, "another door tells the same order: nothing is booked"
    ledger.when(take(R, telling(line("x", 4), told="10:20", ordered="10:00", door=Door.API), counted=CHOSEN))
    assert ledger.stock("X").available_units == 10, "it was changed before the choice"
    ledger.when(take(R, telling(line("x", 5), told="10:40", ordered="10:00", door=Door.API), counted=CHOSEN))
    assert ledger.stock("X").available_units == 9, "what was added afterwards is not inside the number"


def test_a_cancel_of_the_counted_time_gives_nothing_back_to_the_number() -> None:
    ledger = shelf(take(R, telling(line("x", 3))))
    assert ledger.stock("X").available_units == 7
    gone = telling(told="10:30", state=OrderState.CANCELLED, reason=CancelReason.BUYER, complete=False)
    ledger.when(take(R, gone, counted=CHOSEN))
    now = ledger.stock("X")
    assert (now.available_units, now.allocated_units) == (7, 0), "the count knew that the units were back"
