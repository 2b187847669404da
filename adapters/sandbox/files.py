"""The sandbox's one table: products and stock in one CSV, read and written.

Columns are found by name. A blank 在庫数 states no number; 無制限 is no number either, and is counted as unlimited.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from adapters.kit.file_form import FileFormat, FileRow, NotThisFormat, RowProblem, RowReader
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, cell_of, columns_of, units_of
from ledger.terms import CODE_CHARACTERS_MAX, ListingKey, ListingLevel

UNITS_MAX = 9_999_999
UNLIMITED = "無制限"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "item": ("商品コード",),
    "variant": ("枝番",),
    "units": ("在庫数",),
    "sku": ("商品SKU",),
    "name": ("商品名",),
    "jan": ("JANコード",),
}


def open_stock(header: Sequence[str], _profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the rows below this header, or the first column that does not fit."""
    places = columns_of(header, COLUMNS, required=("item", "variant", "units"))
    if isinstance(places, NotThisFormat):
        return places
    return lambda rows: _once(_row(line, cells, places) for line, cells in rows)


def write_stock(levels: Iterable[ListingLevel], _profile: Profile) -> Iterator[bytes]:
    """The stock file the sandbox takes: CP932, CRLF, one line a piece."""
    yield _line(["商品コード", "枝番", "在庫数"])
    for level in levels:
        assert 0 <= level.units <= UNITS_MAX, level.units
        yield _line([level.key.item, level.key.variant, str(level.units)])


STOCK = FileFormat(
    name="stock",
    label="在庫CSV",
    kind="both",
    file_name_patterns=("sandbox-stock*.csv",),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_stock,
)


def _once(rows: Iterable[FileRow | RowProblem]) -> Iterator[FileRow | RowProblem]:
    """The rows; one of a listing that stood in an earlier row is a problem."""
    seen: set[int] = set()
    for row in rows:
        if isinstance(row, FileRow):
            digest = hash((row.key.item, row.key.variant))
            if digest in seen:
                yield RowProblem(
                    row.row, "商品コード", row.key.item, "each listing once in a file; it stood in an earlier row"
                )
                continue
            seen.add(digest)
        yield row


def _row(line: int, cells: Sequence[str], places: Mapping[str, int]) -> FileRow | RowProblem:
    cell: Callable[[str], str] = lambda name: cell_of(cells, places.get(name))  # noqa: E731  (a word for this row)
    item = cell("item").strip()
    variant = cell("variant").strip()
    if not 1 <= len(item) <= CODE_CHARACTERS_MAX or not item.isprintable():
        return RowProblem(line, "商品コード", item[:50], f"1 to {CODE_CHARACTERS_MAX} characters on one line")
    if len(variant) > CODE_CHARACTERS_MAX or not variant.isprintable():
        return RowProblem(line, "枝番", variant[:50], f"at most {CODE_CHARACTERS_MAX} characters on one line")
    unlimited = cell("units").strip() == UNLIMITED
    units = None if unlimited else units_of(cell("units"), units_max=UNITS_MAX)
    if isinstance(units, NotUnits):
        return RowProblem(line, "在庫数", cell("units")[:50], units.expected)
    matches = {"sku": cell("sku"), "item_variant": f"{item}-{variant}" if variant else item}
    return FileRow(
        row=line,
        key=ListingKey(item, variant),
        units=units,
        unlimited=unlimited,
        matches={name: value for name, value in matches.items() if value},
        name=cell("name"),
        jan=cell("jan"),
    )


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode("cp932")
