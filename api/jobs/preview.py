"""What an import would change, before it does: its very rows decided by the very rules of apply, and nothing recorded."""

from collections import Counter
from dataclasses import dataclass, field

from adapters.kit.file_form import RowProblem
from api.cli.output import Cell
from api.jobs.imports import PROBLEMS_SHOWN_MAX, how_of, ready, staged
from api.tables import import_pages, imports
from api.wiring import House
from ledger import keys, load
from ledger.book import loads
from ledger.book.load_rows import Decided
from ledger.codec import Envelope
from ledger.facts.listing import ListingLinked
from ledger.facts.sku import SkuRegistered
from ledger.facts.stock import Left
from ledger.load import NewRow, PlainRow
from ledger.reading import look

LISTED_MAX = 100
PAGE_ROWS = 2_000


@dataclass
class Preview:
    """Rows by what would become of them. Mutable: it is counted row by row.

    ``first_numbers``: SKUs that get their first number; ``to_zero``: numbers that would fall to 0 or below;
    ``sells_at_zero``: rows whose page 0 does not stop. ``same_file``: another import of the same bytes.
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

    def take_plain(self, row: PlainRow) -> None:
        """One more row that sets a number and does nothing else."""
        self.changed += 1
        self.to_zero += row.units <= 0 < row.on_hand_units - row.allocated_units

    def take_new(self, row: NewRow) -> None:
        """One more row of a SKU and a listing that nobody knew."""
        del row  # its number is the first, so none falls
        self.changed += 1
        self.new_listings += 1
        self.new_skus += 1
        self.first_numbers += 1

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
                case Left(before=before, after=after):
                    self.first_numbers += before is None
                    self.to_zero += after is not None and after <= 0 < (before or 0)
                case ListingLinked():
                    self.new_listings += 1
                case SkuRegistered():
                    self.new_skus += 1
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
        }
        if self.same_file is not None:
            cells["sameFileAs"] = self.same_file
        return cells


def preview(house: House, import_id: str) -> Preview:
    """What applying the staged import would do now. Raises ImportNotKnown, FileRefused.

    Rows of one SKU are decided together, in the order of the file, as apply does it; so memory stays that of a page of rows.
    """
    file = staged(house, import_id)
    ready(house)
    now = house.clock.now()
    with house.pool.connection() as connection:
        made = Preview(file.rows, file.problems, imports.same_file(connection, file))
        made.sells_at_zero = imports.selling_at_zero(connection, import_id)
    with house.pool.connection() as connection, look(connection, house.database.schema, now) as seen:
        how, nobody = how_of(file, seen.view.position), Envelope(now, "", "")
        with import_pages.by_sku(connection, file, how, PAGE_ROWS) as pages:
            for page in pages:
                try:
                    loads.decide_ahead(seen.again(), how, page, nobody, seen=made)
                except loads.MovedTooMuch:
                    full = import_pages.in_full(connection, file, page)
                    loads.decide_ahead(seen.again(), how, full, nobody, seen=made)
    return made


def problems(house: House, import_id: str) -> list[RowProblem]:
    """The first rows that were not understood, up to PROBLEMS_SHOWN_MAX."""
    with house.pool.connection() as connection:
        return list(imports.problems_of(connection, import_id, PROBLEMS_SHOWN_MAX))


def listed(house: House) -> list[dict[str, Cell]]:
    """The newest imports, up to LISTED_MAX, newest first, with how far each came."""
    with house.pool.connection() as connection:
        rows = connection.execute(
            "SELECT import_id, shop, mall || ':' || format, mode, state, rows, problems, made_at, refused FROM import_files"
            " ORDER BY made_at DESC, import_id DESC LIMIT %s",
            (LISTED_MAX,),
        ).fetchall()
    names = ("import", "shop", "format", "mode", "state", "rows", "problems")
    found: list[dict[str, Cell]] = []
    for row in rows:
        cells: dict[str, Cell] = dict(zip(names, row[:7], strict=True))
        cells |= {"madeAt": row[7].isoformat(), "refused": row[8]}
        found.append(cells | _progress(house, row[0]) if row[4] == imports.STAGED else cells)
    return found


def _progress(house: House, import_id: str) -> dict[str, Cell]:
    state = house.look(keys.load(import_id), load.FOLD)
    if state.state == load.NOT_STARTED:
        return {}
    return {"state": state.state, "lastRow": state.last_row, "changed": state.changed, "skipped": state.skipped}
