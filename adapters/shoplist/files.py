"""Read SHOPLIST's item.csv and select.csv, and write the stock file for upload by hand.

item.csv has a row an item: its number, or 在庫タイプ "choices", whose numbers stand in select.csv, a row a choice
(horizontal × vertical child number). Column names and values are data (profile.toml): no file of the mall was seen.
"""

import csv
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, NamedTuple, TypeAlias

from adapters.kit.file_form import (
    FileFormat,
    FileRow,
    Joined,
    NotThisFormat,
    Parent,
    ReadParent,
    RowProblem,
    RowReader,
)
from adapters.kit.parents import parents_by
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, units_of
from adapters.shoplist.columns import children_of, columns, variant_of, written
from ledger.terms import CODE_CHARACTERS_MAX, ListingKey, ListingLevel

UNITS_MAX = 99_999  # NOTES.md "Files": five digits, as Rakuten had before; not verified
CHILD_CHARACTERS_MAX = 90  # two and a joiner stay within a code's 200 characters
MEMORY_BYTES_MAX = 1_000_000  # a written file above this waits on disk
CHUNK_BYTES = 65_536

_ITEM = ("control", "management_number", "number", "stock_type", "units", "name", "jan")
_SELECT = ("control", "management_number", "number", "choice_type", "horizontal", "vertical", "units")
_ITEM_WRITTEN = ("control", "management_number", "stock_type", "units")
_SELECT_WRITTEN = ("control", "management_number", "choice_type", "horizontal", "vertical", "units")
_CODE = f"1 to {CODE_CHARACTERS_MAX} characters on one line"
_JAN_DIGITS = frozenset((8, 12, 13, 14))


def open_item(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the rows of item.csv: rows of items whose choices have the numbers are passed."""
    places = columns(header, profile, "item", _ITEM, required=("units",))
    if isinstance(places, NotThisFormat):
        return places
    if columns(header, profile, "select", ("horizontal", "vertical"), required=()):
        return NotThisFormat("a column of child numbers: that is select.csv, not item.csv")
    if "management_number" not in places and not {"number", "stock_type"} <= places.keys():
        return NotThisFormat(f"column {written(profile, 'item', 'management_number')} is missing")
    return _Reader(len(header), places, profile, "item", _item_row)


def open_select(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the rows of select.csv: rows of plain choices, which have no number, are passed."""
    places = columns(header, profile, "select", _SELECT, required=("horizontal", "vertical", "units"))
    if isinstance(places, NotThisFormat):
        return places
    if not {"management_number", "number"} & places.keys():
        return NotThisFormat(f"column {written(profile, 'select', 'management_number')} is missing")
    return _Reader(len(header), places, profile, "select", _select_row)


def parents_of(header: Sequence[str], profile: Profile) -> ReadParent | NotThisFormat:
    """What each row of item.csv says of its item, for select.csv."""
    return parents_by(
        header,
        key=profile.texts("file.item.management_number"),
        number=profile.texts("file.item.number"),
        name=profile.texts("file.item.name"),
        divided=profile.texts("file.item.stock_type"),
        divided_values=profile.texts("file.item.stock_type_choices"),
    )


def numbered(row: FileRow, parent: Parent, _profile: Profile) -> FileRow:
    """The choice with 商品番号 and the name of its item: the SKU begins with 商品番号."""
    children = row.matches["management_children"].removeprefix(row.key.item)
    number = parent.number or row.key.item
    return replace(
        row,
        matches={**row.matches, "number_children": number + children},
        codes=tuple(dict.fromkeys((number + children, row.key.item + children))),
        name=" ".join(one for one in (parent.name, children) if one) if parent.name else row.name,
        product=number,
    )


ITEM_CSV = FileFormat(
    name="item",
    label="SHOPLIST 商品CSV item.csv",
    kind="both",
    file_name_patterns=("item*.csv", "dl-item*.csv"),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_item,
    parents=parents_of,
)
SELECT_CSV = FileFormat(
    name="select",
    label="SHOPLIST 項目選択肢CSV select.csv",
    kind="both",
    file_name_patterns=("select*.csv", "dl-select*.csv"),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_select,
    joined=Joined(
        form="item",
        by="商品管理番号（商品URL）",
        fill=numbered,
        without="商品番号, with which the SKU begins, stands there: where select.csv has none, 商品管理番号 stands for it",
    ),
)


def write_stock(levels: Iterable[ListingLevel], profile: Profile) -> Iterator[bytes]:
    """select.csv, or item.csv when no level has a variant; when there are both, a zip with the two files.

    Absolute numbers, the encoding of the profile, CRLF, every cell quoted. 商品名, prices and all else stay as they are.
    """
    joiner, encoding = profile.text("file.variant_joiner"), profile.text("file.encoding")
    update = profile.text("file.control_update")
    own = profile.texts("file.item.stock_type_own")[0]
    choice = profile.texts("file.select.choice_type_stock")[0]
    items = _line([written(profile, "item", name) for name in _ITEM_WRITTEN], encoding)
    selects = _line([written(profile, "select", name) for name in _SELECT_WRITTEN], encoding)
    with (
        tempfile.SpooledTemporaryFile(MEMORY_BYTES_MAX) as item_file,
        tempfile.SpooledTemporaryFile(MEMORY_BYTES_MAX) as select_file,
    ):
        for level in levels:
            assert 0 <= level.units <= UNITS_MAX, level.units
            if level.key.variant:
                children = children_of(level.key.variant, joiner)
                cells = [update, level.key.item, choice, *children, str(level.units)]
                select_file.write((b"" if select_file.tell() else selects) + _line(cells, encoding))
            else:
                cells = [update, level.key.item, own, str(level.units)]
                item_file.write((b"" if item_file.tell() else items) + _line(cells, encoding))
        if item_file.tell() and select_file.tell():
            yield from _zipped({"item.csv": item_file, "select.csv": select_file})
        elif select_file.tell():
            yield from _chunks(select_file)
        else:
            item_file.write(b"" if item_file.tell() else items)
            yield from _chunks(item_file)


# ------------------------------------------------------------------ reading


class _Row(NamedTuple):  # made once a row, a million times: a third of a dataclass's cost
    """One row of either file, its cells by the names of the profile's columns; codes are in order.

    ``number`` is 商品番号, or 商品管理番号 where there is none.
    """

    line: int
    cells: Mapping[str, str]
    item: str
    number: str
    titles: Mapping[str, str]

    def problem(self, name: str, expected: str) -> RowProblem:
        return RowProblem(self.line, self.titles[name], self.cells[name][:50], expected)


ReadRow: TypeAlias = Callable[[_Row, "_Values"], FileRow | RowProblem | None]


@dataclass(frozen=True, slots=True)
class _Values:
    """The words of the cells, from the profile."""

    joiner: str
    delete: frozenset[str]
    own: frozenset[str]
    choices: frozenset[str]
    unlimited: frozenset[str]
    stock: frozenset[str]
    plain: frozenset[str]


class _Reader:
    """What both files have: codes, one row a listing, and rows that ask for a deletion."""

    def __init__(self, width: int, places: Mapping[str, int], profile: Profile, table: str, read: ReadRow) -> None:
        self._width = width
        self._names = tuple(places)
        self._places = tuple(places.values())
        self._titles = {name: written(profile, table, name) for name in places}
        self._missing = dict.fromkeys(_ITEM if table == "item" else _SELECT, "")
        self._values = _values(profile)
        self._read = read

    def __call__(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[FileRow | RowProblem]:
        """Every row with a number of its own, in the order of the file, and every row that is not understood."""
        # 64-bit hashes: a million keys as text would take 120 MB. Two keys of one file meeting: 3 in 100 million files.
        seen: set[int] = set()
        for line, cells in rows:
            read = self._row(line, cells) if any(cells) else None
            if isinstance(read, FileRow):
                key = hash((read.key.item, read.key.variant))
                if key in seen:
                    read = RowProblem(line, "", str(read.key), "one row for each listing; it stood in an earlier row")
                seen.add(key)
            if read is not None:
                yield read

    def _row(self, line: int, cells: Sequence[str]) -> FileRow | RowProblem | None:
        if len(cells) != self._width:
            return RowProblem(line, "", f"{len(cells)} cells", f"{self._width} cells as in the header")
        said = self._missing | dict(zip(self._names, [cells[at].strip() for at in self._places], strict=True))
        number = said["number"]
        item = said["management_number"] or number
        row = _Row(line, said, item, number or item, self._titles)
        if said["control"] in self._values.delete:
            return row.problem("control", "blank, or a row that is not deleted")
        for code, name in ((item, "management_number"), (row.number, "number")):
            if not code or len(code) > CODE_CHARACTERS_MAX or not code.isprintable():
                return row.problem(name if name in self._titles else "number", _CODE)
        return self._read(row, self._values)


def _item_row(row: _Row, values: _Values) -> FileRow | RowProblem | None:
    """None: the numbers of this item stand in select.csv."""
    stock_type = row.cells["stock_type"]
    if stock_type in values.choices:
        return None
    unlimited = stock_type in values.unlimited
    if stock_type and not unlimited and stock_type not in values.own:
        known = sorted(values.own | values.choices | values.unlimited)
        return row.problem("stock_type", f"blank or one of {', '.join(known)}")
    units = None if unlimited else units_of(row.cells["units"])
    if isinstance(units, NotUnits):
        return row.problem("units", units.expected)
    jan = row.cells["jan"]
    return FileRow(
        row.line,
        ListingKey(row.item),
        units,
        unlimited=unlimited,
        matches={"number_children": row.number, "management_children": row.item},
        codes=_codes(row, ""),
        name=" ".join(row.cells["name"].split()),
        jan=jan if len(jan) in _JAN_DIGITS and jan.isascii() and jan.isdigit() else "",
        product=row.number,
    )


def _select_row(row: _Row, values: _Values) -> FileRow | RowProblem | None:
    """None: a plain choice (名入れ, のし), which has no number."""
    choice_type = row.cells["choice_type"]
    if choice_type in values.plain:
        return None
    if "choice_type" in row.titles and choice_type not in values.stock:
        return row.problem("choice_type", f"one of {', '.join(sorted(values.stock | values.plain))}")
    horizontal, vertical = row.cells["horizontal"], row.cells["vertical"]
    for name, child in (("horizontal", horizontal), ("vertical", vertical)):
        if values.joiner in child or len(child) > CHILD_CHARACTERS_MAX or not child.isprintable():
            return row.problem(name, f"at most {CHILD_CHARACTERS_MAX} characters on one line without {values.joiner!r}")
    if not horizontal and not vertical:
        return row.problem("horizontal", "a child number: horizontal, vertical or both")
    units = units_of(row.cells["units"])
    if isinstance(units, NotUnits):
        return row.problem("units", units.expected)
    # A child number may begin with "-" already: nothing is put between (NOTES.md "Identity").
    children = horizontal + vertical
    return FileRow(
        row.line,
        ListingKey(row.item, variant_of(horizontal, vertical, values.joiner)),
        units,
        matches={"number_children": row.number + children, "management_children": row.item + children},
        codes=_codes(row, children),
        product=row.number,
    )


def _codes(row: _Row, children: str) -> tuple[str, ...]:
    """How a mail may name the listing: 商品番号 or 商品管理番号, each with the child numbers behind it."""
    return tuple(dict.fromkeys((row.number + children, row.item + children)))


def _values(profile: Profile) -> _Values:
    def said(name: str) -> frozenset[str]:
        return frozenset(profile.texts(f"file.{name}"))

    return _Values(
        joiner=profile.text("file.variant_joiner"),
        delete=said("control_delete"),
        own=said("item.stock_type_own"),
        choices=said("item.stock_type_choices"),
        unlimited=said("item.stock_type_unlimited"),
        stock=said("select.choice_type_stock"),
        plain=said("select.choice_type_plain"),
    )


# ------------------------------------------------------------------ writing


def _line(cells: Sequence[str], encoding: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode(encoding)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _zipped(files: Mapping[str, IO[bytes]]) -> Iterator[bytes]:
    """The files as one zip; always the same bytes for the same numbers."""
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES_MAX) as packed:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, file in files.items():
                with archive.open(zipfile.ZipInfo(name), "w") as entry:
                    for chunk in _chunks(file):
                        entry.write(chunk)
        yield from _chunks(packed)
