"""What a preview counted is what apply does, row by row, for any file over any stock."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from api.database import Database
from api.jobs import imports
from api.projecting import runner
from api.tables.imports import ImportFile
from ledger.book import shops, stock
from ledger.terms import ListingKey
from projections.runner import Runner
from tests.adapters.rakuten.sample_files import sku, table
from tests.api.import_rig import Imports, importing
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

    def stage(self, file: Sent) -> ImportFile:
        rows = [
            sku(f"{self.name}{one.item}", one.variant, "" if one.units is None else str(one.units), self.sku(one.code))
            for one in file.lines
        ]
        return self.ledger.stage(table(rows), self.ledger.rakuten, mode=file.mode, hours=file.hours, owed=file.owed)

    def apply(self, staged: ImportFile, file: Sent) -> imports.Applied:
        by = self.ledger.house.by("user:1")
        return imports.apply(self.ledger.house, staged.import_id, by, chunk_rows=file.chunk_rows)

    def sku(self, code: str) -> str:
        return f"{self.name}{code}" if code else ""

    def numbers(self) -> dict[str, int | None]:
        return {code: n for code, n in self.ledger.available().items() if code.startswith(self.name)}
