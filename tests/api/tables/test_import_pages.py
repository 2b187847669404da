"""Rows that the database calls plain or new are decided as the rules decide them from all that the rows say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import applying
from api.tables import import_pages
from api.tables.imports import ImportFile
from ledger import load
from ledger.book import loads, shops, stock
from ledger.book.stock import everything_up_to
from ledger.codec import Envelope
from ledger.load import AnyRow, LoadRow, NewRow, PlainRow
from ledger.reading import look
from ledger.terms import ListingKey
from tests.adapters.rakuten.sample_files import PREORDER, USUAL, Row, parent, sku, table
from tests.api.import_rig import OWN_FILE, Imports, importing
from tests.api.test_imports import from_worker

KNOWN = ("PLAIN", "MOVED", "NEWER", "RENAMED", "CODES", "BLANK", "PRE", "OUT", "TWICE", "RELINKED", "MANY", "ALLOCATED")


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found
        assert found.is_sound()


def of(code: str, units: object, *, name: str = "", number: str = "", preorder: str = "") -> list[Row]:
    item = code.lower()
    columns = {PREORDER: preorder}
    return [parent(item, number, name or f"商品 {code}"), sku(item, item, str(units), code, **columns)]


def file_of(*rows: list[Row]) -> bytes:
    return table([row for rows_of_one in rows for row in rows_of_one], (*USUAL, PREORDER))


def with_everything(given: Imports) -> ImportFile:
    """A file with a row of every kind, staged: most of its SKUs are known, and the listings table knows what was linked so far."""
    known = given.stage(file_of(*(of(code, 5) for code in KNOWN)), given.rakuten)
    given.apply(known)
    given.order(given.rakuten, "r-1", "ALLOCATED", 2, hours=-1)
    with given.house.pool.connection() as connection:
        connection.execute("DELETE FROM stock_changes")  # as retention does when they are old
    given.do(
        stock.define_set("SET-OF", ["PLAIN"], [2]),
        shops.link_listing(given.rakuten, ListingKey("set", "set"), "SET-OF"),
        shops.link_listing(given.rakuten, ListingKey("out", "out"), "OUT", excluded=True),
        shops.link_listing(given.rakuten, ListingKey("many", "many"), "MANY", units_per_listing=9_999),
        shops.link_listing(given.rakuten, ListingKey("twin", "twin"), "TWICE"),
    )
    from_worker(given)
    given.order(given.rakuten, "r-2", "MOVED", hours=1)
    given.do(
        shops.link_listing(given.rakuten, ListingKey("relinked", "relinked"), "ELSEWHERE"),
        stock.overwrite("NEWER", 9, covers=everything_up_to(given.at(9)), counted_at=given.at(9)),
    )
    return given.stage(
        file_of(
            *(of(code, 7) for code in ("PLAIN", "MOVED", "NEWER", "SET", "OUT", "RELINKED", "ALLOCATED")),
            of("RENAMED", 7, name="新しい名前"),
            of("CODES", 7, number="C-1"),
            of("BLANK", ""),
            of("PRE", 7, preorder="2027-01-01"),
            of("MANY", 99_999),
            of("TWICE", 7),
            [parent("twin", name="商品 TWICE"), sku("twin", "twin", "7", "TWICE")],
            of("NEW", 7),
            of("NEW-BLANK", ""),
            [parent("two", name="二つ"), sku("two", "a", "7", "TWO"), sku("two", "b", "7", "TWO")],
        ),
        given.rakuten,
        hours=3,
    )


def decided(given: Imports, file: ImportFile, *, full: bool) -> tuple[list[AnyRow], loads.Ahead]:
    """The file's rows and what is made of them, as the ledger stands now."""
    now, how = given.clock.now(), applying.how_of(file, 1)
    with given.house.pool.connection() as connection, look(connection, given.house.database.schema, now) as seen:
        rows = import_pages.page(connection, file, how, 0, 1_000, full=full)
        return rows, loads.decide_ahead(seen, how, rows, Envelope(given.at(4), "user:1", "trace"))


def test_plain_and_new_rows_are_decided_as_the_rules_decide_them(given: Imports) -> None:
    file = with_everything(given)
    rows, fast = decided(given, file, full=False)
    full_rows, slow = decided(given, file, full=True)
    assert all(isinstance(row, LoadRow) for row in full_rows)
    assert [row.row for row in rows] == [row.row for row in full_rows]
    assert (fast.outcomes, fast.skus) == (slow.outcomes, slow.skus)
    assert fast.made.facts == slow.made.facts
    assert (fast.made.skus, fast.listings) == (slow.made.skus, slow.listings)
    levels = slow.made.effects.levels
    for number in fast.made.effects.numbers:
        after = levels["main", number.sku]
        assert (after.stock.version, after.stock.on_hand_units, after.position) == number[1:4]
        assert (after.counted_position, after.counted_at, after.counted_by) == number[3:]
        assert after.counted_plainly
    others = {
        pair: level
        for pair, level in levels.items()
        if pair not in {("main", n.sku) for n in fast.made.effects.numbers}
    }
    assert others == fast.made.effects.levels


def test_what_is_plain_is_said_by_the_database_and_all_else_is_read_in_full(given: Imports) -> None:
    rows, _ = decided(given, with_everything(given), full=False)
    assert {row.sku for row in rows if isinstance(row, PlainRow)} == {"PLAIN", "ALLOCATED"}
    assert {row.sku for row in rows if isinstance(row, NewRow)} == {"NEW"}


def test_a_file_with_every_kind_of_row_is_applied_as_its_preview_says(given: Imports) -> None:
    file = with_everything(given)
    seen = given.preview(file)
    done = given.apply(file)
    assert (seen.changed, seen.unchanged, dict(seen.skipped)) == (done.changed, done.unchanged, done.skipped)
    assert (done.skipped[load.OLDER], given.available()["NEW"], given.available()["ALLOCATED"]) == (1, 7, 7)


def test_rows_of_our_own_form_are_plain_as_well(given: Imports) -> None:
    given.rakuten_file({"A": 5, "B": 5})
    text = "商品SKU,想定在庫数\r\nA,8\r\nNEW,3\r\n"
    file = given.stage(text.encode("cp932"), None, name=OWN_FILE, hours=1)
    rows, fast = decided(given, file, full=False)
    assert [type(row) for row in rows] == [PlainRow, LoadRow]
    assert fast.made.facts == decided(given, file, full=True)[1].made.facts
    given.apply(file)
    assert given.available() == {"A": 8, "B": 5, "NEW": 3}


def test_a_listing_linked_anew_to_the_sku_of_a_plain_row_is_decided_with_it(given: Imports) -> None:
    given.rakuten_file({"A": 5, "B": 5})
    from_worker(given)
    file = given.stage(file_of(of("A", 6), of("B", 7)), given.rakuten, hours=1)
    given.do(shops.link_listing(given.rakuten, ListingKey("b", "b"), "A"))
    with pytest.raises(loads.MovedTooMuch):
        decided(given, file, full=False)
    assert given.preview(file).skipped == {load.DISAGREES: 1}
    assert given.apply(file).skipped == {load.DISAGREES: 1}
    assert given.available()["A"] == 6
