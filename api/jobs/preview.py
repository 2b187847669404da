"""What an import would change, before it does: its very rows decided by the very rules of apply, and nothing recorded.

The counts and every SKU's number before and after are kept beside the staged file, so that a person can page through them,
and apply can say what moved since they were shown.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from psycopg import Connection

from adapters.kit.file_form import RowProblem
from api.cli.output import Cell
from api.jobs import set_up
from api.jobs.applying import how_of
from api.jobs.imports import PROBLEMS_SHOWN_MAX, Progress, ready, staged
from api.jobs.told_by_numbers import Told, ToldShops
from api.tables import import_differences, import_pages, imports
from api.tables.import_differences import Differences, Review
from api.tables.imports import ImportFile
from api.wiring import House
from ledger import load
from ledger.book import loads
from ledger.book.load_rows import Decided
from ledger.codec import Envelope
from ledger.facts.listing import ListingLinked, ListingStarted, ListingStopped
from ledger.facts.sku import SkuRegistered
from ledger.facts.stock import SetUpPartReplaced, StockAdded, StockOverwritten
from ledger.load import NewRow, PlainRow
from ledger.reading import look

PAGE_ROWS = 2_000


@dataclass
class Preview:
    """Rows by what would become of them. Mutable: it is counted row by row.

    ``first_numbers``: SKUs that get their first number; ``to_zero``: numbers that would fall to 0 or below;
    ``sells_at_zero``: rows whose page 0 does not stop. ``same_file``: another import of the same bytes. ``numbers_changed``:
    SKUs that have a number, which would be another one, of ``numbers`` that the shop (or our own form: everybody) has.
    ``switched``: listings that would be 連動 or 停止. ``told``: shop by shop, what running shops would be told.
    """

    rows: int
    problems: int
    same_file: str | None
    changed: int = 0
    unchanged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    new_listings: int = 0
    new_skus: int = 0
    first_numbers: int = 0
    to_zero: int = 0
    sells_at_zero: int = 0
    numbers: int = 0
    numbers_changed: int = 0
    switched: int = 0
    position: int = 0
    told: dict[str, Told] = field(default_factory=dict)
    page: Differences = field(default_factory=Differences)

    def take_plain(self, row: PlainRow) -> None:
        """One more row that sets a number and does nothing else."""
        self.changed += 1
        before = row.on_hand_units - row.allocated_units
        if before != row.units:
            self.numbers_changed += 1
            self.to_zero += row.units <= 0 < before
            self.page.add(row.sku, row.row, before, row.units)

    def take_new(self, row: NewRow) -> None:
        """One more row of a SKU and a listing that nobody knew."""
        self.changed += 1
        self.new_listings += 1
        self.new_skus += 1
        self.first_numbers += 1
        self.page.add(row.sku, row.row, None, row.units)

    def take(self, decided: Decided) -> None:
        """One more row."""
        outcome = decided.outcome
        if outcome == load.CHANGED:
            self.changed += 1
        elif outcome == load.UNCHANGED:
            self.unchanged += 1
        else:
            self.skipped[outcome] += 1
        for draft in decided.drafts:
            match draft.fact:
                case StockOverwritten() | StockAdded() | SetUpPartReplaced() as number:
                    before, after = number.before, number.after
                    self.first_numbers += before is None
                    self.numbers_changed += before is not None and before != after
                    self.to_zero += after is not None and after <= 0 < (before or 0)
                    if before != after:
                        self.page.add(decided.sku, number.row or 0, before, after)
                case ListingLinked():
                    self.new_listings += 1
                case SkuRegistered():
                    self.new_skus += 1
                case ListingStarted() | ListingStopped():
                    self.switched += 1
                case _:
                    pass

    def cells(self) -> dict[str, Cell]:
        """As the command line and the doors show it."""
        cells: dict[str, Cell] = {
            "rows": self.rows,
            "problems": self.problems,
            "newListings": self.new_listings,
            "newSkus": self.new_skus,
            "firstNumbers": self.first_numbers,
            "wouldChange": self.changed,
            "same": self.unchanged,
            "wouldSkip": dict(sorted(self.skipped.items())),
            "toZero": self.to_zero,
            "sellsAtZero": self.sells_at_zero,
            "numbers": self.numbers,
            "numbersChanged": self.numbers_changed,
            "switched": self.switched,
            "wouldTell": {shop: asdict(told) for shop, told in sorted(self.told.items())},
            "previewedAt": self.position,
        }
        if self.same_file is not None:
            cells["sameFileAs"] = self.same_file
        return cells


def preview(house: House, import_id: str, progress: Progress | None = None) -> Preview:
    """What applying the staged import would do now. Raises ImportNotKnown, FileRefused.

    Rows of one SKU are decided together, in the order of the file, as apply does it; so memory stays that of a page of rows.
    """
    file = staged(house, import_id)
    ready(house)
    now = house.clock.now()
    running, beside = set_up.pushing(house), set_up.lies_beside(house, file)
    with house.pool.connection() as connection:
        made = Preview(file.rows, file.problems, imports.same_file(connection, file))
        made.sells_at_zero = imports.selling_at_zero(connection, import_id)
        made.numbers = _numbers(connection, file)
        import_differences.begin(connection, import_id)
    with house.pool.connection() as connection, look(connection, house.database.schema, now) as seen:
        made.position = seen.view.position
        how, nobody = how_of(file, made.position, beside=beside), Envelope(now, "", "")
        told = ToldShops(connection, house.database.schema, running)
        with import_pages.by_sku(connection, file, how, PAGE_ROWS) as pages:
            done = 0
            for number, page in enumerate(pages, start=1):
                try:
                    loads.decide_ahead(seen.again(), how, page, nobody, seen=made)
                except loads.MovedTooMuch:
                    full = import_pages.in_full(connection, file, page)
                    loads.decide_ahead(seen.again(), how, full, nobody, seen=made)
                done += len(page)
                _page_done(house, import_id, number, made, told)
                if progress is not None:
                    progress(min(done, file.rows), file.rows)
        made.told = told.ended()
    with house.pool.connection() as connection:
        import_differences.end(connection, Review(import_id, made.position, now, made.cells()))
    return made


def _page_done(house: House, import_id: str, number: int, made: Preview, told: ToldShops) -> None:
    found, made.page = made.page, Differences()
    if not found.skus:
        return
    with house.pool.connection() as connection:
        import_differences.put(connection, import_id, number, found)
    told.add(found.skus, found.after)


def _numbers(connection: Connection[Any], file: ImportFile) -> int:
    """How many numbers there are that the file may speak of: those of the shop's listings, or all for our own form."""
    if file.shop is None:
        row = connection.execute("SELECT count(*) FROM stock_levels WHERE on_hand IS NOT NULL").fetchone()
    else:
        row = connection.execute("SELECT count(*) FROM listings WHERE shop = %s AND sku <> ''", (file.shop,)).fetchone()
    assert row is not None
    return int(row[0])


def problems(house: House, import_id: str) -> list[RowProblem]:
    """The first rows that were not understood, up to PROBLEMS_SHOWN_MAX."""
    with house.pool.connection() as connection:
        return list(imports.problems_of(connection, import_id, PROBLEMS_SHOWN_MAX))
