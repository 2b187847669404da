"""What a preview showed is what apply does, SKU by SKU, for any file over any stock; and taken back it is as it was."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from api.database import Database
from api.jobs import applying, undoing
from api.projecting import runner
from api.tables import import_differences
from api.tables.import_differences import Difference
from api.tables.imports import ImportFile
from ledger.book import shops, stock
from ledger.terms import ListingKey
from projections.runner import Runner
from tests.adapters.rakuten.sample_files import sku, table
from tests.api.import_rig import YAHOO_FILE, Imports, importing
from tests.ledger.rig import TIMES

EXAMPLES = 30 * TIMES
ITEMS, VARIANTS, CODES = ("i", "j", "k"), ("1", "2"), ("A", "B", "C", "")


@dataclass(frozen=True)
class Line:
    item: str
    variant: str
    code: str
    units: int | None


@dataclass(frozen=True)
class Sent:
    """A file: overwrite or add, made so many hours after ``then``; in its first chunk so many rows."""

    lines: Sequence[Line]
    mode: str
    hours: int
    owed: str | None
    chunk_rows: int
    shop: str = "rakuten"
    together: str | None = None


@dataclass(frozen=True)
class Ordered:
    code: str
    units: int
    hours: int


@dataclass(frozen=True)
class Linked:
    item: str
    variant: str
    code: str
    units_per_listing: int


@dataclass(frozen=True)
class MadeSet:
    code: str
    component: str


@dataclass(frozen=True)
class Read:
    """The listings table catches up."""


units = st.one_of(st.none(), st.integers(0, 4))
line = st.builds(Line, st.sampled_from(ITEMS), st.sampled_from(VARIANTS), st.sampled_from(CODES), units)
keyed = st.lists(line, min_size=1, max_size=6, unique_by=lambda one: (one.item, one.variant))
sent = st.builds(
    Sent,
    keyed,
    st.sampled_from(("overwrite", "overwrite", "add")),
    st.integers(0, 3),
    st.sampled_from((None, "before", "after")),
    st.integers(1, 4),
    st.sampled_from(("rakuten", "rakuten", "yahoo")),
    st.sampled_from((None, "same", "divided")),
)
code = st.sampled_from(CODES[:3])
happening = st.one_of(
    sent,
    st.builds(Ordered, code, st.integers(1, 3), st.integers(0, 3)),
    st.builds(Linked, st.sampled_from(ITEMS), st.sampled_from(VARIANTS), code, st.integers(1, 3)),
    st.builds(MadeSet, code, code),
    st.builds(Read),
)


def test_a_preview_counts_what_apply_then_does(database: Database, tmp_path: Path) -> None:
    """Every example has names of its own, so that none knows of another."""
    numbers = count()
    with importing(database, tmp_path) as ledger, tables_of(ledger) as tables:

        @settings(max_examples=EXAMPLES)
        @over(st.lists(happening, max_size=5), sent)
        def told_is_done(before: Sequence[object], file: Sent) -> None:
            world = World(ledger, tables, f"n{next(numbers)}")
            for one in before:
                world.happen(one)
            world.preview_is_apply(file)

        told_is_done()
        assert ledger.is_sound()


def test_an_import_that_is_taken_back_leaves_every_number_as_it_was(database: Database, tmp_path: Path) -> None:
    """Every example has names of its own, so that none knows of another."""
    numbers = count()
    with importing(database, tmp_path) as ledger, tables_of(ledger) as tables:

        @settings(max_examples=EXAMPLES)
        @over(st.lists(happening, max_size=5), sent)
        def undone_is_as_before(before: Sequence[object], file: Sent) -> None:
            world = World(ledger, tables, f"n{next(numbers)}")
            for one in before:
                world.happen(one)
            world.undo_is_as_before(file)

        undone_is_as_before()
        assert ledger.is_sound()


@contextmanager
def tables_of(ledger: Imports) -> Iterator[Runner]:
    made = runner(ledger.house)
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True)
class World:
    """SKUs and items whose names begin with ``name``."""

    ledger: Imports
    tables: Runner
    name: str

    def happen(self, one: object) -> None:
        shop = self.ledger.rakuten
        match one:
            case Sent():
                self.apply(self.stage(one), one)
            case Ordered(code=code, units=units, hours=hours):
                self.ledger.do(stock.register_sku(self.sku(code)))
                self.ledger.order(shop, f"{self.name}-{code}-{hours}-{units}", self.sku(code), units, hours=hours)
            case Linked(item=item, variant=variant, code=code, units_per_listing=each):
                key = ListingKey(f"{self.name}{item}", variant)
                self.ledger.do(shops.link_listing(shop, key, self.sku(code), units_per_listing=each))
            case MadeSet(code=code, component=component):
                try:
                    self.ledger.do(stock.define_set(self.sku(code), [self.sku(component)], [2]))
                except ValueError:
                    pass  # it has units, or is its own component
            case Read():
                self.tables.run_once()
            case _:
                raise AssertionError(one)

    def preview_is_apply(self, file: Sent) -> None:
        staged = self.stage(file)
        facts, numbers = self.ledger.facts(), self.numbers()
        seen = self.ledger.preview(staged)
        assert self.ledger.facts() == facts
        done = self.apply(staged, file)
        more = {name: n - facts.get(name, 0) for name, n in self.ledger.facts().items()}
        after = self.numbers()
        assert (seen.changed, seen.unchanged, dict(seen.skipped)) == (done.changed, done.unchanged, dict(done.skipped))
        assert seen.new_skus == more.get("SkuRegistered", 0)
        assert seen.new_listings == more.get("ListingLinked", 0)
        assert seen.changed == sum(
            more.get(name, 0) for name in ("StockOverwritten", "StockAdded", "SetUpPartReplaced")
        )
        first = [code for code, units in after.items() if units is not None and numbers.get(code) is None]
        assert seen.first_numbers == len(first)
        changes = {code: (numbers.get(code), n) for code, n in after.items() if n != numbers.get(code)}
        assert {one.sku: (one.before, one.after) for one in self.shown(staged)} == changes
        assert seen.numbers_changed == sum(before is not None for before, _ in changes.values())
        assert seen.to_zero == sum(n is not None and n <= 0 < (before or 0) for before, n in changes.values())

    def undo_is_as_before(self, file: Sent) -> None:
        """Nothing moves between an import and its undoing: every number, and what it knows, is as before it."""
        before, levels = self.numbers(), self.levels()
        staged = self.stage(file)
        self.apply(staged, file)
        done = undoing.undo(self.ledger.house, staged.import_id, self.ledger.house.by("user:1"))
        assert done.moved == []
        after = self.numbers()
        assert {code: n for code, n in after.items() if n is not None} == {
            code: n for code, n in before.items() if n is not None
        }
        known = {row[0] for row in levels}
        assert [row for row in self.levels() if row[0] in known] == levels
        facts = self.ledger.facts()
        undoing.undo(self.ledger.house, staged.import_id, self.ledger.house.by("user:1"))
        assert self.ledger.facts() == facts

    def shown(self, staged: ImportFile) -> list[Difference]:
        with self.ledger.house.pool.connection() as connection:
            return import_differences.page(connection, staged.import_id, first=100)[0]

    def levels(self) -> list[tuple[object, ...]]:
        """What stock says of these SKUs, and what their numbers know, but for versions and positions of the facts behind it."""
        with self.ledger.house.pool.connection() as connection:
            rows = connection.execute(
                "SELECT s.sku, s.on_hand, s.allocated, s.counted_position, s.counted_at, s.counted_by, s.counted_plainly,"
                " (SELECT array_agg((c.shop, c.up_to, c.position, c.part_units)::text ORDER BY c.shop) FROM stock_counts AS c"
                "  WHERE c.place = s.place AND c.sku = s.sku AND c.position >= s.counted_position AND c.position >= 0)"
                " FROM stock_levels AS s WHERE s.on_hand IS NOT NULL AND starts_with(s.sku, %s) ORDER BY s.sku",
                (self.name,),
            )
            return rows.fetchall()

    def stage(self, file: Sent) -> ImportFile:
        rows = [
            sku(f"{self.name}{one.item}", one.variant, "" if one.units is None else str(one.units), self.sku(one.code))
            for one in file.lines
        ]
        if file.shop == "yahoo":
            return self.of_yahoo(file)
        return self.ledger.stage(
            table(rows),
            self.ledger.rakuten,
            mode=file.mode,
            hours=file.hours,
            owed=file.owed,
            together=file.together,
        )

    def of_yahoo(self, file: Sent) -> ImportFile:
        """A stock file of the other mall, of the same codes, which makes no SKUs."""
        stated = {self.sku(one.code): one for one in file.lines if one.code}
        rows = "".join(f"{code},,{'' if one.units is None else one.units}\r\n" for code, one in stated.items())
        content = f"code,sub-code,quantity\r\n{rows}".encode()
        ledger = self.ledger
        return ledger.stage(content, ledger.yahoo, name=YAHOO_FILE, mode=file.mode, hours=file.hours, owed=file.owed)

    def apply(self, staged: ImportFile, file: Sent) -> applying.Applied:
        by = self.ledger.house.by("user:1")
        return applying.apply(self.ledger.house, staged.import_id, by, chunk_rows=file.chunk_rows)

    def sku(self, code: str) -> str:
        return f"{self.name}{code}" if code else ""

    def numbers(self) -> dict[str, int | None]:
        return {code: n for code, n in self.ledger.available().items() if code.startswith(self.name)}
