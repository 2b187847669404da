"""Order files (受注CSV) as malls give them out: cut, at the door, to the columns that say nothing of a person, order by order.

A form declares which columns are kept and what the rows of one order tell; everything else in the file is never looked at. The
rows of one order, so cut, are what is kept (sealed) and read by intake. Which column is which stands in the mall's profile.toml.
An order with one row that is not understood is refused whole: half an order would say that the other half was cancelled.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from adapters.kit.file_form import NotThisFormat, RowProblem
from adapters.kit.mall import Ignored, NotUnderstood, OrderReading
from adapters.kit.order_form import NUMBER, CellProblem, NotOurs, OrderForm, OrderRow
from adapters.kit.profile import Profile
from adapters.kit.table import HEAD_BYTES, TableRefused, cell_of, columns_of, open_table
from adapters.kit.table_writing import unmarked
from adapters.kit.workbook import as_table
from ledger.terms import Telling

NUMBER_CHARACTERS_MAX = 100
ROWS_MAX = 100_000  # of one file, held in memory cut to a few columns
LINES_MAX = 1_000  # rows of one order

# What a problem may quote: a short number, a date, a time. A name in Latin letters or a telephone number is none of these.
_SHOWN = re.compile(
    r"[-+]?\d{1,6}(?:[.,]\d{1,3})?|\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?|[!?*#.-]?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Offered:
    """A form with the profile it is read with."""

    form: OrderForm
    profile: Profile


@dataclass(frozen=True, slots=True)
class FileOrder:
    """One order of a file: its number, where its rows stand, what is kept of it, and what it tells."""

    number: str
    rows: tuple[int, ...]
    body: bytes = field(repr=False)
    reading: Telling | NotOurs


@dataclass(frozen=True, slots=True)
class OrdersRead:
    """What a file holds. Orders in the order of the file; problems by row."""

    form: OrderForm
    encoding: str
    rows: int
    orders: tuple[FileOrder, ...]
    problems: tuple[RowProblem, ...]


class OrderFileRefused(ValueError):
    """The file is no order file of this shop, or cannot be read on; nothing of it was taken."""


# ------------------------------------------------------------------ a file


def read_orders(
    name: str, chunks: Iterable[bytes], offered: Sequence[Offered], *, now: datetime, made_at: datetime | None = None
) -> OrdersRead:
    """Every order of the file, cut to what may be kept. ``made_at``: when the mall made it, where a person says so.

    What the rows do not date is of then, else of now. Raises OrderFileRefused.
    """
    try:
        source = iter(as_table(chunks))
        head = _head(source)
        chosen = _chosen(name, head, offered)
        table = open_table(chain([head], source), delimiter=chosen.form.delimiter, encodings=chosen.form.encodings)
        places = _places(table.header, chosen)
        assert not isinstance(places, NotThisFormat), places
        return _File(chosen, table.header, places, now, made_at).read(table.encoding, table.rows)
    except TableRefused as refused:
        raise OrderFileRefused(f"{name}: {_without_value(refused.problem)}") from None


def read_kept(body: bytes, offered: Sequence[Offered], received_at: datetime) -> OrderReading:
    """What a kept order tells, read again. Pure."""
    try:
        kept: object = json.loads(body)
    except (ValueError, RecursionError):
        return NotUnderstood("order")
    if not isinstance(kept, dict) or not isinstance(kept.get("rows"), list):
        return NotUnderstood("order")
    found = next((one for one in offered if one.form.name == kept.get("form")), None)
    if found is None:
        return NotUnderstood("form")
    made_at = datetime.fromisoformat(kept["made_at"]) if "made_at" in kept else received_at
    read = found.form.read(kept["rows"], found.profile, made_at)
    match read:
        case CellProblem(place=place, column=column):
            return NotUnderstood(column, place + 1)
        case NotOurs(kind=kind):
            return Ignored(kind)
        case _:
            return read


# ------------------------------------------------------------------ private


class _File:
    """One reading of one file. Mutable: orders are gathered row by row."""

    def __init__(
        self,
        chosen: Offered,
        header: Sequence[str],
        places: Mapping[str, int],
        now: datetime,
        made_at: datetime | None,
    ) -> None:
        self._chosen, self._header, self._places = chosen, header, places
        self._now, self._made_at = now, made_at
        self._rows: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self._broken: set[str] = set()
        self._problems: list[RowProblem] = []

    def read(self, encoding: str, rows: Iterable[tuple[int, Sequence[str]]]) -> OrdersRead:
        count, last = 0, ""
        for line, cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            count += 1
            if count > ROWS_MAX:
                raise TableRefused(RowProblem(line, "", "", f"at most {ROWS_MAX:,} rows in one order file: split it"))
            last = self._take(line, cells) or last
            if self._problems and self._problems[-1].row == line and last:
                self._broken.add(last)  # the row may be of the order above it
        orders = tuple(one for number in self._rows if (one := self._order(number)) is not None)
        problems = tuple(sorted(self._problems, key=lambda one: one.row))
        return OrdersRead(self._chosen.form, encoding, count, orders, problems)

    def _take(self, line: int, cells: Sequence[str]) -> str:
        """The row stands with its order, or is a problem; the answer is the order's number, "" when it is not known."""
        number = unmarked(cell_of(cells, self._places[NUMBER])).strip()
        if len(cells) != len(self._header):
            expected = f"{len(self._header)} cells as in the header"
            self._problems.append(RowProblem(line, "", f"{len(cells)} cells", expected))
            return number if number in self._rows else ""
        if not 0 < len(number) <= NUMBER_CHARACTERS_MAX or not number.isprintable():
            expected = f"an order number of 1 to {NUMBER_CHARACTERS_MAX} characters"
            self._problems.append(self._problem(line, NUMBER, number, expected))
            return ""
        cut = {name: text for name, at in self._places.items() if (text := unmarked(cell_of(cells, at)).strip())}
        self._rows.setdefault(number, []).append((line, cut))
        return number

    def _order(self, number: str) -> FileOrder | None:
        lines, rows = [line for line, _ in self._rows[number]], [row for _, row in self._rows[number]]
        if number in self._broken:
            expected = "every row of its order to be readable; another row of it, or the one above, is not"
            if not any(one.row in lines for one in self._problems):
                self._problems.append(RowProblem(lines[0], "", "", expected))
            return None
        if len(rows) > LINES_MAX:
            self._problems.append(RowProblem(lines[0], "", f"{len(rows)} rows", f"orders of at most {LINES_MAX} rows"))
            return None
        read = self._chosen.form.read(rows, self._chosen.profile, self._made_at or self._now)
        if isinstance(read, CellProblem):
            value = rows[read.place].get(read.column, "")
            self._problems.append(self._problem(lines[read.place], read.column, value, read.expected))
            return None
        return FileOrder(number, tuple(lines), self._kept(rows, read), read)

    def _kept(self, rows: Sequence[OrderRow], read: Telling | NotOurs) -> bytes:
        """The rows as they are kept: the same whenever the order says the same, so that it is not kept twice."""
        kept: dict[str, object] = {"form": self._chosen.form.name, "rows": list(rows)}
        if self._made_at is not None and isinstance(read, Telling) and read.told_at == self._made_at:
            kept["made_at"] = self._made_at.isoformat()
        return json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")

    def _problem(self, line: int, column: str, value: str, expected: str) -> RowProblem:
        at = self._places.get(column)
        label = self._chosen.profile.texts(f"order_file.{column}")[0] if at is None else self._header[at]
        return RowProblem(line, label, shown(value), expected)


def shown(value: str) -> str:
    """What a problem may quote of a cell: a short number or a time; else only how long it is. Never a person's text."""
    text = value.strip()
    return text if _SHOWN.fullmatch(text) else f"({len(text)} characters)"


def _without_value(problem: RowProblem) -> str:
    """The sentence of a refusal without what the cell says."""
    return str(RowProblem(problem.row, problem.column, shown(problem.value), problem.expected))


def _head(source: Iterator[bytes]) -> bytes:
    parts: list[bytes] = []
    while sum(map(len, parts)) < HEAD_BYTES and (chunk := next(source, None)) is not None:
        parts.append(chunk)
    return b"".join(parts)


def _chosen(name: str, head: bytes, offered: Sequence[Offered]) -> Offered:
    """The form whose required columns the header has; of several the one that requires the most."""
    reasons: list[str] = []
    fits: list[Offered] = []
    for one in offered:
        found = _fits(head, one)
        if found is None:
            fits.append(one)
        else:
            reasons.append(f"{one.form.label}: {found}")
    if not fits:
        raise OrderFileRefused(f"{name}: no order file of this shop; {'; '.join(reasons) or 'its mall has none'}")
    return max(fits, key=lambda one: len(one.form.required))


def _fits(head: bytes, one: Offered) -> str | None:
    """None, or why the file is not of this form."""
    end = head.find(b"\n") if not head.startswith((b"\xff\xfe", b"\xfe\xff")) else -1
    try:
        table = open_table([head[: end + 1] if end >= 0 else head], delimiter=one.form.delimiter)
    except TableRefused as refused:
        return _without_value(refused.problem)
    found = _places(table.header, one)
    return found.reason if isinstance(found, NotThisFormat) else None


def _places(header: Sequence[str], one: Offered) -> Mapping[str, int] | NotThisFormat:
    wanted = {column: one.profile.texts(f"order_file.{column}") for column in one.form.columns}
    return columns_of(header, wanted, required=one.form.required)
