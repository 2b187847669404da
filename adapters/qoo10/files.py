"""Qoo10's product and stock files in, and the price and stock file out.

GoodsList (items), the option grid, and the QSM templates for items and options, as CSV or as the CSV of their workbook;
columns are found by name. A template's rows 2 to 4 may be guide rows. Names not seen in a real file: ``profile.toml``.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from adapters.kit.file_form import FileFormat, FileRow, Joined, NotThisFormat, ReadParent, RowProblem, RowReader
from adapters.kit.japanese import label_key
from adapters.kit.mall import MatchKey
from adapters.kit.parents import parents_by
from adapters.kit.profile import Profile
from adapters.kit.table import units_of
from adapters.qoo10.codes import AXIS, ROW, is_item_code
from adapters.qoo10.file_rows import (
    Cells,
    RowOf,
    Seen,
    goods_row,
    grid_row,
    item_template_rows,
    option_template_row,
    price_stock_row,
    with_seller_code,
    words_of,
)
from ledger.terms import ListingLevel

CHUNK_ROWS = 1_000

MATCH_KEYS = (
    MatchKey("own_code", "販売者オプションコード（なければ販売者商品コード）"),
    MatchKey("seller_code", "販売者商品コード"),
    MatchKey("option_code", "販売者オプションコード"),
    MatchKey("seller_and_option", "販売者商品コード-販売者オプションコード"),
    MatchKey("item_code", "商品番号"),
)

_PRICE_STOCK = ("item_number", "seller_unique_item_id", "edit_type", "seller_unique_option_id", "Price", "quantity")
_AXES = (1, 2, 3)


class OptionWithoutCode(ValueError):
    """The price and stock file names an option by its 販売者オプションコード only; this one has none."""


@dataclass(frozen=True)
class _Reader:
    """Reads the rows below one header. ``guided``: rows 2 to 4 may be a template's guide rows."""

    cells: Cells
    row_of: RowOf
    profile: Profile
    guided: bool

    def __call__(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[FileRow | RowProblem]:
        """Every row that is stock, and every row that is not understood."""
        seen, words = Seen(), words_of(self.profile)
        for line, cells in self._without_guide(iter(rows)):
            if not any(cells) or not any(map(str.strip, cells)):
                continue
            for found in self.row_of(self.cells, line, cells, words):
                yield seen.checked(found) if isinstance(found, FileRow) else found

    def _without_guide(self, rows: Iterator[tuple[int, Sequence[str]]]) -> Iterator[tuple[int, Sequence[str]]]:
        """The rows without a template's guide rows: the first rows explain and say no stock, and the stock stands below them."""
        if not self.guided:
            yield from rows
            return
        last = self.profile.number("files.last_guide_row")
        first: list[tuple[int, Sequence[str]]] = []
        for line, cells in rows:
            first.append((line, cells))
            if line > last:
                break
        explaining = [cells for line, cells in first if line < last and not self._says_stock(cells)]
        is_guide = len(explaining) == last - 2 and first[-1][0] > last
        yield from (one for one in first if not is_guide or one[0] > last)
        yield from rows

    def _says_stock(self, cells: Sequence[str]) -> bool:
        kind = self.cells.text(cells, "edit_type").casefold()
        kinds = (*self.profile.texts("files.goods_edit_types"), *self.profile.texts("files.option_edit_types"))
        is_count = isinstance(units_of(self.cells.raw(cells, "units")), int)
        return is_count or kind in kinds or is_item_code(self.cells.text(cells, "item_code"))


def open_price_stock(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the price and stock file: one row an item (g) or an option (i)."""
    wanted = _common(profile) | {"edit_type": ("edit_type",)}
    return _opened(
        header, profile, wanted, price_stock_row, required=("seller_code", "edit_type", "units"), guided=True
    )


def open_item_template(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the item template: the options of an item stand in one cell."""
    wanted = _common(profile) | {"option_info": ("option_info",), "item_status": ("item_status_Y/N/D", "item_status")}
    required = ("item_code", "seller_code", "units", "option_info")
    return _opened(header, profile, wanted, item_template_rows, required=required, guided=True)


def open_option_template(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the option template: one row an option, its axes in columns of their own."""
    wanted = _common(profile) | _axes("option_title_{}", "option_name_{}") | {"inventory": ("q_inventory_id",)}
    wanted["units"] = ("option_quantity",)
    required = ("name1", "value1", "units", "option_code")
    return _opened(header, profile, wanted, option_template_row, required=required, guided=True)


def open_grid(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of InventoryManagement_gridInventory: one row an option, named by its code or by its texts."""
    texts = _axes("", "", profile)
    other = _first_of(header, "edit_type", "option_info")
    if other is not None:
        return NotThisFormat(f"column {other} is not in the grid")
    if _first_of(header, *profile.texts("files.option_code"), *texts["value1"]) is None:
        return NotThisFormat(f"column {profile.texts('files.option_code')[0]} is missing")
    return _opened(header, profile, _common(profile) | texts, grid_row, required=("item_code", "units"), guided=False)


def open_goods_list(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of GoodsList: one row an item; one whose stock stands with its options is passed."""
    of_options = (*profile.texts("files.option_code"), *_axes("", "", profile)["value1"])
    other = _first_of(header, "edit_type", "option_info", *of_options)
    if other is not None:
        return NotThisFormat(f"column {other} is not in GoodsList")
    wanted = _common(profile) | {"has_options": profile.texts("files.has_options")}
    return _opened(header, profile, wanted, goods_row, required=("item_code", "seller_code", "units"), guided=False)


def parents_of(header: Sequence[str], profile: Profile) -> ReadParent | NotThisFormat:
    """What each row of GoodsList says of its item, for the option grid."""
    return parents_by(
        header,
        key=profile.texts("files.item_code"),
        number=profile.texts("files.seller_code"),
        name=profile.texts("files.name"),
        divided=profile.texts("files.has_options"),
        divided_values=profile.texts("files.has_options_values"),
    )


def _format(
    name: str,
    label: str,
    kind: str,
    patterns: Sequence[str],
    opens: Callable[..., RowReader | NotThisFormat],
    *,
    guided: bool = False,
) -> FileFormat:
    return FileFormat(name, label, kind, tuple(patterns), ",", ("utf-8", "cp932"), opens, guided=guided)


PRICE_STOCK = _format(
    "price-stock",
    "QSM 価格・在庫の一括修正ファイル",
    "stock",
    ("*price*stock*", "*qty*", "*inventory*", "*価格*在庫*"),
    open_price_stock,
    guided=True,
)
ITEM_TEMPLATE = _format(
    "item-template",
    "QSM 商品一括登録・修正テンプレート",
    "both",
    ("*item*", "*goods*"),
    open_item_template,
    guided=True,
)
OPTION_TEMPLATE = _format(
    "option-template", "QSM オプションテンプレート", "both", ("*option*",), open_option_template, guided=True
)
GRID = replace(
    _format(
        "inventory-grid",
        "オプション在庫 InventoryManagement_gridInventory.csv",
        "both",
        ("*gridinventory*",),
        open_grid,
    ),
    joined=Joined(form="goods-list", by="商品番号", fill=with_seller_code),
)
GOODS_LIST = replace(
    _format("goods-list", "商品一覧 GoodsList.csv", "both", ("goodslist*",), open_goods_list), parents=parents_of
)

# The one with more columns of its own first; see kit.recognise.
STOCK_FILES = (PRICE_STOCK, ITEM_TEMPLATE, OPTION_TEMPLATE, GRID, GOODS_LIST)
PRODUCT_FILES = (ITEM_TEMPLATE, OPTION_TEMPLATE, GRID, GOODS_LIST)


# ------------------------------------------------------------------ columns


def _common(profile: Profile) -> dict[str, Sequence[str]]:
    names = ("item_code", "seller_code", "option_code", "units", "name", "jan")
    return {name: profile.texts(f"files.{name}") for name in names}


def _axes(title: str, name: str, profile: Profile | None = None) -> dict[str, Sequence[str]]:
    """The columns of the option texts: name1, value1 …; a column without a number is the first."""
    found: dict[str, Sequence[str]] = {}
    for axis in _AXES:
        for ours, form, kept in (("name", title, "files.option_name"), ("value", name, "files.option_value")):
            if profile is None:
                found[f"{ours}{axis}"] = (form.format(axis),)
            else:
                spellings = profile.texts(kept)
                numbered = tuple(f"{one}{axis}" for one in spellings) + tuple(f"{one}_{axis}" for one in spellings)
                found[f"{ours}{axis}"] = (*numbered, *spellings) if axis == 1 else numbered
    return found


def _opened(
    header: Sequence[str],
    profile: Profile,
    wanted: Mapping[str, Sequence[str]],
    row_of: RowOf,
    *,
    required: Sequence[str],
    guided: bool,
) -> RowReader | NotThisFormat:
    of_orders = _first_of(header, *profile.texts("files.order_columns"))
    if of_orders is not None:
        return NotThisFormat(f"column {of_orders}: a list of orders; expected a list of stock")
    places: dict[str, int] = {}
    names: dict[str, str] = {}
    for name, spellings in wanted.items():
        place = _place(header, spellings)
        if isinstance(place, NotThisFormat):
            return place
        if place is not None:
            places[name], names[name] = place, header[place]
        elif name in required:
            return NotThisFormat(f"column {spellings[0]} is missing")
    return _Reader(Cells(places, names), row_of, profile, guided)


def _first_of(header: Sequence[str], *spellings: str) -> str | None:
    """The first of the spellings that the header has."""
    return next((one for one in spellings if _place(header, (one,)) is not None), None)


def _place(header: Sequence[str], spellings: Sequence[str]) -> int | NotThisFormat | None:
    """Where the first of the spellings that the header has stands; NotThisFormat when it stands there twice."""
    keys = [label_key(cell) for cell in header]
    for spelling in spellings:
        found = [at for at, key in enumerate(keys) if key == label_key(spelling)]
        if len(found) > 1:
            return NotThisFormat(f"column {spelling} stands {len(found)} times; expected once")
        if found:
            return found[0]
    return None


# ------------------------------------------------------------------ out


def write_stock(levels: Iterable[ListingLevel], profile: Profile) -> Iterator[bytes]:
    """The price and stock file with absolute numbers and no prices, in UTF-8 with a mark, CRLF. Raises OptionWithoutCode."""
    goods, option = profile.texts("files.goods_edit_types")[0], profile.texts("files.option_edit_types")[0]
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_PRICE_STOCK)
    for count, level in enumerate(levels, start=1):
        assert level.units >= 0, level.units
        key = level.key
        codes = (key.item, "") if is_item_code(key.item) else ("", key.item)
        writer.writerow(
            (*codes, option if key.variant else goods, _option_code(key.variant, count + 1), "", level.units)
        )
        if count % CHUNK_ROWS == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _option_code(variant: str, row: int) -> str:
    if ROW in variant or AXIS in variant:
        raise OptionWithoutCode(
            f"row {row}: option {variant!r} has no 販売者オプションコード; expected one, because the file names options by it:"
            " set it in QSM, or let this shop be told by the API"
        )
    return variant
