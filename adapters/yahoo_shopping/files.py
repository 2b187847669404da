"""The stock CSV of ストアクリエイターPro in and out: ``code,sub-code,quantity`` and the mall's own columns.

An item with 個別商品コード stands in the file as a parent row (sub-code blank), which is not stock, and a row each. Whether
a row without sub-code is a parent is only known when the file has ended, and the rows of one item are not promised to
stand together. So rows with a sub-code are given at once, and rows without wait in a temporary file until the end: the
memory needed is the digests of the codes (ROWS_MAX of them), whatever the size of the file.
"""

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import IO

from adapters.kit.mall import FileFormat, FileRow, MatchKey, NotThisFormat, Profile, RowProblem, RowReader
from adapters.kit.table import NotUnits, TableRefused, columns_of, units_of
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

_COLUMNS = {name: (name,) for name in ("code", "sub-code", "quantity", "allow-overdraft", "stock-close", "name", "mode")}
_REQUIRED = ("code", "sub-code", "quantity")


class FileTooLong(ValueError):
    """More rows than the mall takes in one stock CSV; write several files."""


def open_stock(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the rows under this header, or why it is not the header of a stock CSV."""
    assert profile is not None
    columns = columns_of(header, _COLUMNS, required=_REQUIRED)
    if isinstance(columns, NotThisFormat):
        return columns
    return lambda rows: _read(rows, columns)


STOCK_CSV = FileFormat(
    name="stock",
    label="在庫データCSV（ストアクリエイターPro > 在庫管理 > ダウンロード）",
    kind="stock",
    file_name_patterns=("quantity*.csv", "*stock*.csv"),
    delimiter=",",
    encodings=("utf-8-sig", "utf-8", "cp932"),
    open=open_stock,
)


def write_stock(levels: Iterable[ListingLevel], profile: Profile) -> Iterator[bytes]:
    """The bytes of one stock CSV to upload: absolute numbers (``mode`` blank), CP932, CRLF, at most FILE_ROWS_MAX rows.

    Raises FileTooLong at the first row too many. 在庫クローズ and allow-overdraft stay as the store has them.
    """
    assert profile is not None
    yield b"code,sub-code,quantity,mode\r\n"
    for count, level in enumerate(levels, start=1):
        assert level.units >= 0, level.units
        if count > FILE_ROWS_MAX:
            raise FileTooLong(f"row {count:,} of a stock CSV; expected at most {FILE_ROWS_MAX:,}: write the rest into another file")
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow([level.key.item, level.key.variant, level.units, ""])
        yield line.getvalue().encode(ENCODING)


# ------------------------------------------------------------------ reading


def _read(rows: Iterable[tuple[int, Sequence[str]]], columns: dict[str, int]) -> Iterator[FileRow | RowProblem]:
    seen: set[int] = set()
    items_with_variants: set[int] = set()
    with tempfile.SpooledTemporaryFile(WAITING_BYTES_IN_MEMORY_MAX, mode="w+", encoding="utf-8", newline="\n") as waiting:
        for count, (number, cells) in enumerate(rows, start=1):
            if count > ROWS_MAX:
                raise TableRefused(RowProblem(number, "", f"{count:,} rows", f"at most {ROWS_MAX:,} rows in one file"))
            row = _row(number, cells, columns)
            item = _item_with_variant(cells, columns)
            if item is not None:  # Also of a row that is a problem: its parent is still not stock.
                items_with_variants.add(_digest(item))
            if isinstance(row, FileRow):
                row = _stands_twice(row, seen) or row
            if isinstance(row, FileRow) and not row.key.variant:
                _wait(row, waiting)
            else:
                yield row
        waiting.seek(0)
        for line in waiting:
            row = _waited(line)
            if _digest(row.key.item) not in items_with_variants:
                yield row


def _item_with_variant(cells: Sequence[str], columns: dict[str, int]) -> str | None:
    code, sub_code = (cells[columns[name]].strip() if columns[name] < len(cells) else "" for name in ("code", "sub-code"))
    return code if sub_code and is_code(code) else None


def _stands_twice(row: FileRow, seen: set[int]) -> RowProblem | None:
    digest = _digest(joined(row.key))
    if digest in seen:
        column, value = ("sub-code", row.key.variant) if row.key.variant else ("code", row.key.item)
        return RowProblem(row.row, column, value, "each code and sub-code once in a file")
    seen.add(digest)
    return None


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("ascii"), digest_size=8).digest(), "big")


def _row(number: int, cells: Sequence[str], columns: dict[str, int]) -> FileRow | RowProblem:
    def cell(name: str) -> str:
        place = columns.get(name)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    if len(cells) <= max(columns[name] for name in _REQUIRED):
        return RowProblem(number, "", str(len(cells)), f"at least {max(columns[name] for name in _REQUIRED) + 1} cells")
    code, sub_code = cell("code"), cell("sub-code")
    if not is_code(code):
        return RowProblem(number, "code", code, CODE_EXPECTED)
    if sub_code and not is_code(sub_code):
        return RowProblem(number, "sub-code", sub_code, f"blank, or {CODE_EXPECTED}")
    if cell("mode"):
        return RowProblem(number, "mode", cell("mode"), "blank: a row with + or - says a difference, not the stock")
    units = units_of(cell("quantity"))
    if isinstance(units, NotUnits):
        return RowProblem(number, "quantity", cell("quantity"), units.expected)
    flags = _flags(number, cell)
    if isinstance(flags, RowProblem):
        return flags
    return _file_row(number, ListingKey(code, sub_code), units, cell("name"), flags)


def _flags(number: int, cell: Callable[[str], str]) -> frozenset[str] | RowProblem:
    flags: set[str] = set()
    for column, flag in (("allow-overdraft", "sells_at_zero"), ("stock-close", "closed")):
        value = cell(column)
        if value not in ("", "0", "1"):
            return RowProblem(number, column, value, "0, 1 or blank")
        if value == "1":
            flags.add(flag)
    return frozenset(flags)


def _file_row(number: int, key: ListingKey, units: int | None, name: str, flags: frozenset[str]) -> FileRow:
    matches = {"sub_code_or_code": key.variant or key.item, "code_and_sub_code": joined(key), "code": key.item}
    if key.variant:
        matches["sub_code"] = key.variant
    return FileRow(row=number, key=key, units=units, unlimited=units is None, matches=matches, name=name, flags=flags)


def _wait(row: FileRow, waiting: IO[str]) -> None:
    waiting.write(json.dumps([row.row, row.key.item, row.units, row.name, sorted(row.flags)]) + "\n")


def _waited(line: str) -> FileRow:
    number, item, units, name, flags = json.loads(line)
    return _file_row(number, ListingKey(item), units, name, frozenset(flags))
