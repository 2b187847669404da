"""The stock CSV of ストアクリエイターPro in and out: ``code,sub-code,quantity`` and the mall's own columns.

An item with 個別商品コード stands in the file as a parent row (sub-code blank), which is not stock, and a row each. Whether
a row without sub-code is a parent is only known when the file has ended, and the rows of one item are not promised to
stand together. So rows with a sub-code are given at once, and rows without wait in a temporary file until the end: the
memory needed is a hash for each code (ROWS_MAX of them), whatever the size of the file.
"""

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence

from adapters.kit.file_form import FileFormat, FileRow, Joined, NotThisFormat, RowProblem, RowReader
from adapters.kit.mall import MatchKey
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, TableRefused, cell_of, columns_of, units_of
from adapters.yahoo_shopping.codes import CODE_EXPECTED, is_code, joined
from ledger.terms import ListingKey, ListingLevel

ROWS_MAX = 2_000_000  # Ours; twice the largest file the product promises to take.
FILE_ROWS_MAX = 20_000  # The mall's: rows of one uploaded stock CSV (uploadStockFile).
WAITING_BYTES_IN_MEMORY_MAX = 4_000_000
ENCODING = "cp932"

MATCH_KEYS = (
    MatchKey("sub_code_or_code", "個別商品コード（なければ商品コード）"),
    MatchKey("code_and_sub_code", "商品コード:個別商品コード"),
    MatchKey("sub_code", "個別商品コード"),
    MatchKey("code", "商品コード"),
)

_COLUMNS = {
    name: (name,) for name in ("code", "sub-code", "quantity", "allow-overdraft", "stock-close", "name", "mode")
}
_REQUIRED = ("code", "sub-code", "quantity")
_FLAGS = (("allow-overdraft", "sells_at_zero"), ("stock-close", "closed"))


class FileTooLong(ValueError):
    """More rows than the mall takes in one stock CSV; write several files."""


def open_stock(header: Sequence[str], _profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the rows under this header, or why it is not the header of a stock CSV."""
    columns = columns_of(header, _COLUMNS, required=_REQUIRED)
    if isinstance(columns, NotThisFormat):
        return columns
    return _Reader(columns)


STOCK_CSV = FileFormat(
    name="stock",
    label="在庫データCSV（ストアクリエイターPro > 在庫管理 > ダウンロード）",
    kind="stock",
    file_name_patterns=("quantity*.csv", "*stock*.csv"),
    delimiter=",",
    encodings=("utf-8-sig", "utf-8", "cp932"),
    open=open_stock,
    name_time=r"quantity(\d{12})(?!\d)",  # NOTES.md: quantity201704270937.csv
    joined=Joined(form="items", by="code"),
)


def write_stock(levels: Iterable[ListingLevel], _profile: Profile) -> Iterator[bytes]:
    """The bytes of one stock CSV to upload: absolute numbers (``mode`` blank), CP932, CRLF, at most FILE_ROWS_MAX rows.

    Raises FileTooLong at the first row too many. 在庫クローズ and allow-overdraft stay as the store has them.
    """
    yield b"code,sub-code,quantity,mode\r\n"
    for count, level in enumerate(levels, start=1):
        assert level.units >= 0, level.units
        if count > FILE_ROWS_MAX:
            raise FileTooLong(
                f"row {count:,} of a stock CSV; expected at most {FILE_ROWS_MAX:,}: write the rest into another file"
            )
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow([level.key.item, level.key.variant, level.units, ""])
        yield line.getvalue().encode(ENCODING)


# ------------------------------------------------------------------ reading


class _Reader:
    """Reads the rows below one header. Codes are remembered as 64-bit hashes: a million as text would take 120 MB."""

    def __init__(self, columns: dict[str, int], *, rows_max: int = ROWS_MAX) -> None:
        self._rows_max = rows_max
        self._width_min = max(columns[name] for name in _REQUIRED) + 1
        self._code, self._sub_code, self._quantity = (columns[name] for name in _REQUIRED)
        self._flags = [(column, columns[column], flag) for column, flag in _FLAGS if column in columns]
        self._mode, self._name = columns.get("mode"), columns.get("name")

    def __call__(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[FileRow | RowProblem]:
        """Every row that is stock, and every problem; rows without sub-code come last. Raises TableRefused for too many."""
        seen: set[int] = set()
        items_with_variants: set[int] = set()
        with tempfile.SpooledTemporaryFile(
            WAITING_BYTES_IN_MEMORY_MAX, mode="w+", encoding="utf-8", newline="\n"
        ) as waiting:
            for count, (number, cells) in enumerate(rows, start=1):
                if count > self._rows_max:
                    raise TableRefused(
                        RowProblem(number, "", f"{count:,} rows", f"at most {self._rows_max:,} rows in one file")
                    )
                row = self._row(number, cells)
                if isinstance(row, RowProblem):
                    items_with_variants.update(self._item_with_variant(cells))
                    yield row
                    continue
                digest = hash((row.key.item, row.key.variant))
                if digest in seen:
                    yield _twice(row)
                    continue
                seen.add(digest)
                if row.key.variant:
                    items_with_variants.add(hash(row.key.item))
                    yield row
                else:
                    waiting.write(json.dumps([row.row, row.key.item, row.units, row.name, sorted(row.flags)]) + "\n")
            waiting.seek(0)
            for line in waiting:
                number, item, units, name, flags = json.loads(line)
                if hash(item) not in items_with_variants:
                    yield _file_row(number, item, "", units, name, frozenset(flags))

    def _row(self, number: int, cells: Sequence[str]) -> FileRow | RowProblem:
        if len(cells) < self._width_min:
            return RowProblem(number, "", f"{len(cells)} cells", f"at least {self._width_min} cells")
        code, sub_code, quantity = cells[self._code].strip(), cells[self._sub_code].strip(), cells[self._quantity]
        if not is_code(code):
            return RowProblem(number, "code", code, CODE_EXPECTED)
        if sub_code and not is_code(sub_code):
            return RowProblem(number, "sub-code", sub_code, f"blank, or {CODE_EXPECTED}")
        mode = cell_of(cells, self._mode).strip()
        if mode:
            return RowProblem(number, "mode", mode, "blank: a row with + or - says a difference, not the stock")
        units = units_of(quantity)
        if isinstance(units, NotUnits):
            return RowProblem(number, "quantity", quantity, units.expected)
        said: set[str] = set()
        for column, place, flag in self._flags:
            value = cell_of(cells, place).strip()
            if value == "1":
                said.add(flag)
            elif value not in ("", "0"):
                return RowProblem(number, column, value, "0, 1 or blank")
        return _file_row(number, code, sub_code, units, cell_of(cells, self._name).strip(), frozenset(said))

    def _item_with_variant(self, cells: Sequence[str]) -> Iterator[int]:
        """The item of a variant's row that is a problem: its parent is still not stock."""
        if len(cells) > max(self._code, self._sub_code) and cells[self._sub_code].strip():
            yield hash(cells[self._code].strip())


def _twice(row: FileRow) -> RowProblem:
    column, value = ("sub-code", row.key.variant) if row.key.variant else ("code", row.key.item)
    return RowProblem(row.row, column, value, "each code and sub-code once in a file; it stood in an earlier row")


def _file_row(number: int, item: str, variant: str, units: int | None, name: str, flags: frozenset[str]) -> FileRow:
    key = ListingKey(item, variant)
    matches = {"sub_code_or_code": variant or item, "code_and_sub_code": joined(key), "code": item}
    if variant:
        matches["sub_code"] = variant
    return FileRow(row=number, key=key, units=units, unlimited=units is None, matches=matches, name=name, flags=flags)
