"""入荷 by a slip's CSV: each line of a slip counts once, for ever. Without a slip number the file's own digest stands for it.

The same file without a slip number again is booked again, as goods may well come in like that every week, and is said: a person
can take the slip back.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from adapters.kit.file_form import NotThisFormat, RowProblem
from adapters.kit.table import NotUnits, TableRefused, cell_of, columns_of, open_table, units_of
from adapters.kit.table_writing import unmarked
from adapters.kit.workbook import as_table
from api.cli.output import Cell
from api.jobs import runs
from api.jobs.file_bytes import Hashed
from api.jobs.imports import FileRefused, Progress
from api.wiring import House
from ledger import keys
from ledger.book import By, stock
from ledger.reading import selects_of, stock_levels
from ledger.terms import MAIN_PLACE

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "slip": ("伝票番号", "入荷伝票番号", "slip"),
    "line": ("行番号", "line"),
    "sku": ("商品SKU", "sku"),
    "units": ("入荷数", "数量", "units"),
}
LINES_AT_ONCE = 500  # of one slip in one commit
LINES_MAX = 100_000
SHOWN_MAX = 50
RECEIPTS = "receipts"
DIGEST_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Line:
    """One understood line: ``slip`` "" is that of the file."""

    row: int
    slip: str
    line: str
    sku: str
    units: int


@dataclass
class Received:
    """What came in, or with a dry run would. Mutable: counted slip by slip. ``already``: lines that were in before.

    ``same_as``: slips of the same file without a slip number, booked before.
    """

    rows: int = 0
    received: int = 0
    units: int = 0
    already: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    slips: list[str] = field(default_factory=list)
    same_as: list[str] = field(default_factory=list)
    position: int = 0

    def cells(self) -> dict[str, Cell]:
        """As the command line shows it."""
        cells: dict[str, Cell] = {
            "rows": self.rows,
            "received": self.received,
            "units": self.units,
            "already": self.already,
            "problems": len(self.problems),
            "slips": list(self.slips),
            "position": self.position,
        }
        if self.same_as:
            cells["sameFileAs"] = list(self.same_as)
        return cells


def receive_file(
    house: House,
    file_name: str,
    chunks: Iterable[bytes],
    by: By,
    *,
    slip: str = "",
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Received:
    """The lines of the file are in, each line of a slip once for ever. ``slip``: that of lines which say none.

    Rows that are not understood, or of a SKU that is not registered, are problems; the others are booked. Raises FileRefused, and
    what ``stock.receive`` raises.
    """
    hashed = Hashed(chunks)
    done = Received()
    lines = _lines(house, file_name, hashed, done)
    own = slip or f"file-{hashed.digest()[:DIGEST_CHARACTERS]}"
    if not slip and any(not line.slip for line in lines):
        while _is_known(house, own if not done.same_as else f"{own}-{len(done.same_as) + 1}"):
            done.same_as.append(own if not done.same_as else f"{own}-{len(done.same_as) + 1}")
        own = f"{own}-{len(done.same_as) + 1}" if done.same_as else own
    slips: dict[str, list[tuple[str, str, int]]] = {}
    for line in lines:
        slips.setdefault(line.slip or own, []).append((line.line, line.sku, line.units))
    done.slips = list(slips)
    if dry_run:
        done.received, done.units = len(lines), sum(line.units for line in lines)
        return done
    run_id = runs.begin(house, by, kind=RECEIPTS, what="receipt", file_name=file_name, shop=None)
    state = runs.STOPPED
    try:
        for number, of_slip in slips.items():
            _book(house, number, of_slip, by, done, progress)
        state = runs.FINISHED
    finally:
        runs.end(house, run_id, state=state, rows=done.rows, problems=len(done.problems), counts=done.cells())
    return done


def take_back(house: House, slip: str, by: By) -> Received:
    """Every line of the slip that is in goes out again. Twice is harmless."""
    done = house.book.do(stock.undo_receipt(slip), by)
    return Received(slips=[slip], received=-int(str(done.answer["undone"])), position=done.position)


def _book(
    house: House,
    slip: str,
    lines: Sequence[tuple[str, str, int]],
    by: By,
    done: Received,
    progress: Progress | None,
) -> None:
    for start in range(0, len(lines), LINES_AT_ONCE):
        few = lines[start : start + LINES_AT_ONCE]
        answer = house.book.do(stock.receive(slip, few), by)
        new, already = answer.answer["received"], answer.answer["already"]
        assert isinstance(new, int) and isinstance(already, int), answer.answer
        done.received, done.already, done.position = done.received + new, done.already + already, answer.position
        done.units += sum(units for _, _, units in few) if not already else 0
        if progress is not None:
            progress(done.received + done.already, done.rows)


def _is_known(house: House, slip: str) -> bool:
    with house.pool.connection() as connection:
        row = connection.execute(
            "SELECT 1 FROM ledger_events WHERE originator_id = %s LIMIT 1", (keys.receipt(slip),)
        ).fetchone()
    return row is not None


# ------------------------------------------------------------------ its lines


def _lines(house: House, file_name: str, chunks: Iterable[bytes], done: Received) -> list[Line]:
    """The lines that can be booked; the others are problems."""
    try:
        table = open_table(as_table(chunks))
        places = columns_of(table.header, COLUMNS, required=("sku", "units"))
        if isinstance(places, NotThisFormat):
            expected = ", ".join(f"{spellings[0]} ({name})" for name, spellings in COLUMNS.items())
            raise FileRefused(f"{file_name}: {places.reason}; expected the columns {expected}")
        read = list(islice(_read(table.rows, places), LINES_MAX + 1))
    except TableRefused as refused:
        raise FileRefused(f"{file_name}: {refused}") from None
    if len(read) > LINES_MAX:
        raise FileRefused(f"{file_name}: more than {LINES_MAX:,} lines; expected slips of at most so many: split it")
    done.rows = len(read)
    found = [one for one in read if isinstance(one, Line)]
    done.problems = [one for one in read if isinstance(one, RowProblem)]
    with house.pool.connection() as connection:
        pairs = [(MAIN_PLACE, sku) for sku in sorted({one.sku for one in found})]
        levels = stock_levels(connection, selects_of(house.database.schema), pairs) if pairs else {}
    known = {sku for (_, sku), level in levels.items() if level.sku_version}
    expected = "a SKU that is registered: import its product or register it first"
    done.problems += [
        RowProblem(one.row, COLUMNS["sku"][0], one.sku[:SHOWN_MAX], expected) for one in found if one.sku not in known
    ]
    done.problems.sort(key=lambda problem: problem.row)
    return [one for one in found if one.sku in known]


def _read(rows: Iterable[tuple[int, Sequence[str]]], places: Mapping[str, int]) -> Iterator[Line | RowProblem]:
    times: Counter[tuple[str, str]] = Counter()
    for row, cells in rows:
        said = {name: unmarked(cell_of(cells, place)).strip() for name, place in places.items()}
        if not any(said.values()):
            continue
        units = units_of(said["units"])
        if not isinstance(units, int) or units == 0:
            expected = units.expected if isinstance(units, NotUnits) else "how many came in, from 1"
            yield RowProblem(row, COLUMNS["units"][0], said["units"][:SHOWN_MAX], expected)
            continue
        if not said["sku"]:
            yield RowProblem(row, COLUMNS["sku"][0], "", "the SKU that came in")
            continue
        slip = said.get("slip", "")
        times[slip, said["sku"]] += 1
        nth = times[slip, said["sku"]]
        line = said.get("line") or (said["sku"] if nth == 1 else f"{said['sku']}#{nth}")
        yield Line(row, slip, line, said["sku"], units)
