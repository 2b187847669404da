"""Orders of many lines, and commands that fail half-way, through the writer on PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from api.database import Database, connect_writer
from api.wiring import SystemClock
from ledger.book import Book, By, orders, shops, stock
from ledger.book.stock import everything_up_to
from ledger.terms import Door, ListingKey, OrderState, SkuNotAccepted, Telling, TellingLine
from ledger.writer import Writer

BY = By("tester", "trace")
TOLD_AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
LINES = 60


def telling(count: int, *, state: OrderState = OrderState.CONFIRMED) -> Telling:
    lines = tuple(TellingLine(f"item{n}", "", 1) for n in range(count))
    return Telling("N1", Door.API, TOLD_AT, state, complete=True, verified=True, lines=lines, parser_version=1)


@pytest.fixture
def book(database: Database) -> Iterator[Book]:
    clock = SystemClock()
    writer = Writer(lambda: connect_writer(database), database.schema, clock)
    yield Book(writer, clock.now)
    writer.close()


def test_an_order_of_sixty_skus_and_its_cancel_are_booked(book: Book) -> None:
    now = datetime.now(UTC)
    for n in range(LINES):
        book.do(stock.overwrite(f"S{n}", 10, covers=everything_up_to(now), counted_at=now), BY)
        book.do(shops.link_listing("shop", ListingKey(f"item{n}"), f"S{n}"), BY)
    book.do(stock.define_set("SET", ["S0", "S1"], [2, 1]), BY)
    book.do(shops.link_listing("shop", ListingKey("item2"), "SET"), BY)
    # No hint says which SKUs the lines are of: they are found, read and booked all the same.
    named = [orders.Named(ListingKey(f"item{n}")) for n in range(LINES)]
    taken = book.do(orders.take_order("shop", telling(LINES), named), BY)
    assert taken.answer["units"] == {"SET": 1} | {f"S{n}": 1 for n in range(LINES) if n != 2}
    cancel = Telling(
        "N1",
        Door.API,
        datetime.now(UTC),
        OrderState.CANCELLED,
        complete=True,
        verified=True,
        lines=(),
        parser_version=1,
    )
    assert book.do(orders.take_order("shop", cancel, []), BY).answer["state"] == "cancelled"


def test_a_command_whose_text_cannot_be_kept_leaves_nothing_of_itself(book: Book) -> None:
    book.do(stock.register_sku("A"), BY)
    broken = book.submit(stock.register_sku("B", name="half a character \ud800"), BY)
    sound = book.submit(stock.register_sku("C"), BY)
    book.do(stock.register_sku("D"), BY)
    with pytest.raises(ValueError, match="surrogates"):
        broken.result()
    assert sound.result().facts == 1
    with pytest.raises(SkuNotAccepted, match=r"U\+D800"):
        stock.register_sku("\ud800")
