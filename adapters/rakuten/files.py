"""Read Rakuten's new-format item file (dl-normal-item.csv) and write the stock file (normal-item.csv).

One file holds three kinds of rows under one header: a parent row an item (商品番号, 商品名), option rows, and one row a
SKU, which alone has a number. Columns stand where the merchant chose them, so they are found by name.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from adapters.kit.file_form import FileFormat, FileRow, NotThisFormat, RowProblem, RowReader
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, columns_of, units_of
from ledger.terms import CODE_CHARACTERS_MAX, ListingKey, ListingLevel

UNITS_MAX = 99_999  # InventoryAPI 2.0; NOTES.md "Outbound"
STOCK_FILE_ROWS_MAX = 60_000  # NOTES.md "Files"
CHUNK_ROWS = 1_000

ITEM = "商品管理番号（商品URL）"
VARIANT = "SKU管理番号"
UNITS = "在庫数"
ITEM_NUMBER = "商品番号"
MERCHANT_SKU = "システム連携用SKU番号"

_REQUIRED = (ITEM, VARIANT, UNITS)
_OPTIONAL = (
    ITEM_NUMBER,
    "商品名",
    MERCHANT_SKU,
    "選択肢タイプ",
    "カタログID",
    "在庫戻しフラグ",
    "在庫切れ時の注文受付",
    "予約商品発売日",
)
_ONCE = f"one row for each {ITEM} and {VARIANT}; this pair stood in an earlier row"
_CODE = f"1 to {CODE_CHARACTERS_MAX} characters on one line"
_JAN_DIGITS = frozenset((8, 12, 13, 14))


class StockFileTooLong(ValueError):
    """RMS takes at most 60,000 rows in one file; the numbers have to be split over several files."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each column stands; -1: the file does not have it."""

    width: int
    item: int
    variant: int
    units: int
    item_number: int
    name: int
    merchant_sku: int
    option_type: int
    catalog: int
    restores: int
    sells_at_zero: int
    preorder_on: int


@dataclass(frozen=True, slots=True)
class _Parent:
    """What the parent row says of the SKU rows below it."""

    item: str = ""
    number: str = ""
    name: str = ""
    preorder: bool = False


def open_normal_item(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the rows below this header, or the first thing that shows that the file is another one."""
    wanted = {name: (name,) for name in (*_REQUIRED, *_OPTIONAL)}
    found = columns_of(header, wanted, required=_REQUIRED)
    if isinstance(found, NotThisFormat):
        return found
    at = [found.get(name, -1) for name in (*_REQUIRED, *_OPTIONAL)]
    return _Reader(_Columns(len(header), *at), profile)


NORMAL_ITEM = FileFormat(
    name="normal-item",
    label="RMS 商品CSV（SKU形式）dl-normal-item.csv",
    kind="both",
    file_name_patterns=("dl-normal-item*.csv", "normal-item*.csv"),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_normal_item,
    name_time=r"normal-item\D*(\d{8}[_-]?\d{6}|\d{12})(?!\d)",  # NOTES.md: as in names of RMS; the plain name has no time
)


class _Sku(NamedTuple):  # made once a row, a million times: a third of a dataclass's cost
    """A SKU row whose own cells are in order; it waits until the next shows whether it is its item's only one."""

    line: int
    cells: Sequence[str]
    key: ListingKey
    units: int | None
    parent: _Parent


class _Reader:
    """Reads rows one after the other; keeps the last parent, one waiting SKU row and one number a key."""

    def __init__(self, columns: _Columns, profile: Profile) -> None:
        self._columns = columns
        self._joiner = profile.text("file.item_variant_joiner")
        self._restores = frozenset(profile.texts("file.restores_on_cancel_values"))
        self._sells = frozenset(profile.texts("file.sells_at_zero_values"))

    def __call__(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[FileRow | RowProblem]:
        """Every SKU row, in the order of the file, and every row that is not understood."""
        parent = _NO_PARENT
        # 64-bit hashes: a million keys as text would take 120 MB. Two keys of one file meeting: 3 in 100 million files.
        seen: set[int] = set()
        waiting: _Sku | None = None
        item = ""
        for line, cells in rows:
            read = self._row(line, cells, parent)
            if isinstance(read, _Sku):
                key = hash((read.key.item, read.key.variant))
                if key in seen:
                    yield RowProblem(line, VARIANT, read.key.variant, _ONCE)
                    continue
                seen.add(key)
                alone = read.key.item != item
                if waiting is not None:
                    yield self._file_row(waiting, alone=alone)
                    waiting = None
                if alone:
                    waiting, item = read, read.key.item
                else:
                    yield self._file_row(read, alone=False)
            elif isinstance(read, RowProblem):
                yield read
            elif read is not None:
                parent = read
        if waiting is not None:
            yield self._file_row(waiting, alone=True)

    def _row(self, line: int, cells: Sequence[str], parent: _Parent) -> _Sku | RowProblem | _Parent | None:
        columns = self._columns
        if len(cells) != columns.width:
            return (
                RowProblem(line, "", f"{len(cells)} cells", f"{columns.width} cells as in the header")
                if any(cells)
                else None
            )
        item = cells[columns.item].strip().lower()  # RMS lower-cases it by itself; NOTES.md "Identity"
        variant = cells[columns.variant].strip()
        if not variant:
            return self._above_the_skus(line, cells, item)
        if not item or len(item) > CODE_CHARACTERS_MAX or not item.isprintable():
            return RowProblem(line, ITEM, cells[columns.item], _CODE)
        if len(variant) > CODE_CHARACTERS_MAX or not variant.isprintable():
            return RowProblem(line, VARIANT, cells[columns.variant], _CODE)
        units = units_of(cells[columns.units])  # blank is None, which is not zero
        if isinstance(units, NotUnits):
            return RowProblem(line, UNITS, cells[columns.units], units.expected)
        return _Sku(line, cells, ListingKey(item, variant), units, parent if parent.item == item else _NO_PARENT)

    def _above_the_skus(self, line: int, cells: Sequence[str], item: str) -> RowProblem | _Parent | None:
        """A parent row, an option row (None) or an empty row (None)."""
        columns = self._columns
        if cells[columns.units].strip():
            return RowProblem(line, VARIANT, "", f"a {VARIANT} on a row with {UNITS}")
        if not item or _cell(cells, columns.option_type):
            return None
        name = " ".join(_cell(cells, columns.name).split())
        return _Parent(item, _cell(cells, columns.item_number), name, _cell(cells, columns.preorder_on) != "")

    def _file_row(self, sku: _Sku, *, alone: bool) -> FileRow:
        """``alone``: 商品番号 alone names it in a mail, and 商品管理番号 is its own code for want of another."""
        columns, cells, key, parent = self._columns, sku.cells, sku.key, sku.parent
        number = _cell(cells, columns.item_number) or parent.number
        merchant_sku = _cell(cells, columns.merchant_sku)
        catalog = _cell(cells, columns.catalog)
        both = f"{key.item}{self._joiner}{key.variant}"
        told = number or key.item
        codes = (told, f"{told}/{key.variant}") if alone else (f"{told}/{key.variant}",)
        return FileRow(
            sku.line,
            key,
            sku.units,
            matches={
                "own_code": merchant_sku or (key.item if alone else both),
                "merchant_sku": merchant_sku,
                "variant": key.variant,
                "item": key.item,
                "item_number": number,
                "item_variant": both,
            },
            codes=(*codes, merchant_sku) if merchant_sku and merchant_sku not in codes else codes,
            name=" ".join(_cell(cells, columns.name).split()) or parent.name,
            jan=catalog if len(catalog) in _JAN_DIGITS and catalog.isascii() and catalog.isdigit() else "",
            product=key.item,
            flags=self._flags(cells, parent),
        )

    def _flags(self, cells: Sequence[str], parent: _Parent) -> frozenset[str]:
        columns = self._columns
        restores = columns.restores >= 0 and cells[columns.restores].strip() in self._restores
        sells = columns.sells_at_zero >= 0 and cells[columns.sells_at_zero].strip() in self._sells
        preorder = parent.preorder or (columns.preorder_on >= 0 and cells[columns.preorder_on].strip() != "")
        if not (restores or sells or preorder):
            return _NO_FLAGS
        stated = (("restores_on_cancel", restores), ("sells_at_zero", sells), ("preorder", preorder))
        return frozenset(name for name, is_set in stated if is_set)


_NO_PARENT = _Parent()
_NO_FLAGS: frozenset[str] = frozenset()


def _cell(cells: Sequence[str], at: int) -> str:
    return cells[at].strip() if at >= 0 else ""


# ------------------------------------------------------------------ out


def write_stock(levels: Iterable[ListingLevel], profile: Profile) -> Iterator[bytes]:
    """normal-item.csv with absolute numbers, in CP932 with CRLF. Raises StockFileTooLong past 60,000 rows."""
    del profile  # the three columns are the least RMS needs; nothing of them is a setting
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((ITEM, VARIANT, UNITS))
    for count, level in enumerate(levels, start=1):
        assert 0 <= level.units <= UNITS_MAX, level.units
        if count > STOCK_FILE_ROWS_MAX:
            raise StockFileTooLong(
                f"row {count + 1}: more than {STOCK_FILE_ROWS_MAX:,} listings; expected at most {STOCK_FILE_ROWS_MAX:,} in one file"
            )
        writer.writerow((level.key.item.lower(), level.key.variant, level.units))
        if count % CHUNK_ROWS == 0:
            yield text.getvalue().encode("cp932")
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode("cp932")
