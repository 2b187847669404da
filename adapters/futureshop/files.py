"""futureshop's CSVs in (goods, goodsVariation, the two stock files) and its stock CSV out. Columns are found by name.

通常 and 予約 stock of one row are two listings. A product with variations has no stock of its own: its row in goods.csv is
passed over where the file says so. Which column is called how is data.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from adapters.futureshop.codes import BRANCH_BYTES_MAX, ITEM_BYTES_MAX, branch_of, is_branch, is_item, key_of, sku_names
from adapters.futureshop.push import UNITS_MAX
from adapters.kit.file_form import FileFormat, FileRow, Joined, NotThisFormat, ReadParent, RowProblem, RowReader
from adapters.kit.japanese import label_key
from adapters.kit.mall import MatchKey
from adapters.kit.parents import parents_by
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, columns_of, units_of
from ledger.terms import UNITS_MAX as LEDGER_UNITS_MAX
from ledger.terms import ListingLevel

FILE_PRODUCTS_MAX = 1_000  # 在庫数（バリエーション）一括登録: products of one upload
CHUNK_ROWS = 1_000

# The first is the default; the reasons stand in NOTES.md, "Files".
MATCH_KEYS = (
    MatchKey("item_branches", "商品番号+横軸枝番+縦軸枝番"),
    MatchKey("item_branches_vertical_first", "商品番号+縦軸枝番+横軸枝番"),
    MatchKey("item", "商品番号"),
    MatchKey("jan", "JANコード"),
)

_GOODS = ("control", "item", "name", "units", "preorder_units", "jan", "counts", "has_variations")
_STOCK = ("control", "item", "name", "units", "preorder_units")
_AXES = ("vertical", "horizontal")
_VARIATION = (*_STOCK, *_AXES, "vertical_name", "horizontal_name", "jan")


class StockFileTooLong(ValueError):
    """More products than futureshop takes in one upload; write several files."""


class PreorderNotWritten(ValueError):
    """A listing of 予約 stock, for which this file has no column; leave it out."""


def open_goods(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of goods.csv (ccGoods.csv), or why the header is not of one."""
    return _opened(header, profile, _GOODS, required=("control", "item", "name"), axes=False)


def open_stock(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the stock file of products without variations, or why the header is not of one."""
    columns = columns_of(header, {"name": profile.texts("files.name")}, required=())
    if isinstance(columns, NotThisFormat):
        return columns
    if columns:
        return NotThisFormat(f"column {header[columns['name']]}; expected a file of numbers alone")
    return _opened(header, profile, _STOCK, required=("control", "item", "units"), axes=False)


def open_variations(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of goodsVariation.csv, goodsVariationStock.csv and their like, or why the header is not of one."""
    return _opened(header, profile, _VARIATION, required=("item",), axes=True)


def parents_of(header: Sequence[str], profile: Profile) -> ReadParent | NotThisFormat:
    """What each row of goods.csv says of its product, for the files of variations."""
    return parents_by(
        header,
        key=profile.texts("files.item"),
        name=profile.texts("files.name"),
        divided=profile.texts("files.has_variations"),
        divided_values=profile.texts("files.has_variations_values"),
    )


def _format(name: str, label: str, kind: str, patterns: tuple[str, ...], open_it: object) -> FileFormat:
    assert callable(open_it), name
    return FileFormat(name, label, kind, patterns, ",", ("utf-8", "cp932"), open_it)


GOODS = replace(
    _format(
        "goods",
        "商品一括登録用ファイル（運用 > 商品管理 > 商品データ一括取得）goods.csv、ccGoods.csv",
        "both",
        ("goods.csv", "goods_*.csv", "goods2*.csv", "ccgoods*.csv"),
        open_goods,
    ),
    parents=parents_of,
)
STOCK = _format("stock", "在庫数登録用ファイル goodsStock.csv", "stock", ("goodsstock*.csv", "stock*.csv"), open_stock)
VARIATIONS = replace(
    _format(
        "variations",
        "バリエーション登録用ファイル goodsVariation.csv、在庫数（バリエーション）登録用ファイル goodsVariationStock.csv",
        "both",
        ("goodsvariation*.csv",),
        open_variations,
    ),
    joined=Joined(form="goods", by="商品番号"),
)


def write_stock(levels: Iterable[ListingLevel], profile: Profile) -> Iterator[bytes]:
    """The numbers as goodsVariationStock.csv: control column blank (update), CP932, CRLF, at most FILE_PRODUCTS_MAX products.

    Raises StockFileTooLong at the first product too many and PreorderNotWritten for 予約 stock.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(
        [profile.texts(f"files.{name}")[0] for name in ("control", "item", "horizontal", "vertical", "units")]
    )
    products: set[str] = set()
    for count, level in enumerate(levels, start=1):
        assert 0 <= level.units <= UNITS_MAX, level.units
        branch = branch_of(level.key.variant)
        if branch.preorder:
            raise PreorderNotWritten(f"row {count + 1}: {level.key} is 予約 stock; expected 通常 stock: leave it out")
        products.add(level.key.item)
        if len(products) > FILE_PRODUCTS_MAX:
            raise StockFileTooLong(
                f"row {count + 1}: product {FILE_PRODUCTS_MAX + 1:,}; expected at most {FILE_PRODUCTS_MAX:,} in one file: "
                "write the rest into another file"
            )
        writer.writerow(["", level.key.item, branch.horizontal, branch.vertical, level.units])
        if count % CHUNK_ROWS == 0:
            yield text.getvalue().encode("cp932")
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode("cp932")


# ------------------------------------------------------------------ private


def _opened(
    header: Sequence[str], profile: Profile, names: Sequence[str], *, required: Sequence[str], axes: bool
) -> RowReader | NotThisFormat:
    keys = {label_key(cell): cell for cell in header}
    other = next((keys[key] for key in map(label_key, profile.texts("files.not_ours")) if key in keys), None)
    if other is not None:
        return NotThisFormat(f"column {other}; that is a file of another mall")
    known = (*names, *(axis for axis in _AXES if axis not in names))
    columns = columns_of(header, {name: profile.texts(f"files.{name}") for name in known}, required=required)
    if isinstance(columns, NotThisFormat):
        return columns
    has_axes = any(axis in columns for axis in _AXES)
    if has_axes and not axes:
        return NotThisFormat("columns of variations; expected a file of products")
    if axes and not has_axes:
        return NotThisFormat(f"column {profile.texts('files.horizontal')[0]} is missing")
    return _Reader(header, columns, profile)


class _Reader:
    """Reads the rows below one header; remembers a 64-bit hash for each listing, to name one that stands there twice."""

    def __init__(self, header: Sequence[str], columns: Mapping[str, int], profile: Profile) -> None:
        self._at = {name: columns.get(name, -1) for name in (*_GOODS, *_VARIATION)}
        self._described = [
            self._at[name] for name in ("name", "horizontal_name", "vertical_name") if self._at[name] >= 0
        ]
        self._width_min = max(columns[name] for name in columns if name in ("item", "units", *_AXES)) + 1
        self._label = {name: header[at] for name, at in columns.items()}
        self._joiner = profile.text("files.joiner")
        self._letters = frozenset(profile.texts("files.control_letters"))
        self._counts_not = frozenset(profile.texts("files.counts_not_values"))
        self._has_variations = frozenset(profile.texts("files.has_variations_values"))

    def __call__(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[FileRow | RowProblem]:
        """Every listing in the order of the file, 通常 before 予約, and every row that is not understood."""
        seen: set[int] = set()
        for line, cells in rows:
            for read in self._row(line, cells):
                if isinstance(read, RowProblem):
                    yield read
                    continue
                digest = hash((read.key.item, read.key.variant))
                if digest in seen:
                    expected = "each listing once in a file; it stood in an earlier row"
                    yield RowProblem(line, self._label["item"], str(read.key)[:50], expected)
                    continue
                seen.add(digest)
                yield read

    def _row(self, line: int, cells: Sequence[str]) -> Sequence[FileRow | RowProblem]:
        """The listings of one row: none for an empty one, two for one with 予約 stock."""
        if not any(cells):
            return ()
        if len(cells) < self._width_min:
            return (RowProblem(line, "", f"{len(cells)} cells", "as many cells as the header has columns"),)
        at = self._at
        letter = _cell(cells, at["control"])
        if letter not in self._letters:
            expected = "n, u or blank: another letter changes the shop"
            return (RowProblem(line, self._label["control"], letter[:50], expected),)
        item, down, across = _cell(cells, at["item"]), _cell(cells, at["vertical"]), _cell(cells, at["horizontal"])
        if not (is_item(item) and is_branch(down) and is_branch(across)):
            expected = (
                f"half-width codes, 商品番号 of 1 to {ITEM_BYTES_MAX} bytes, branches of up to {BRANCH_BYTES_MAX}"
            )
            return (RowProblem(line, self._label["item"], str(key_of(item, down, across))[:50], expected),)
        if at["has_variations"] >= 0 and _cell(cells, at["has_variations"]) in self._has_variations:
            return ()
        unlimited = at["counts"] >= 0 and _cell(cells, at["counts"]) in self._counts_not
        units = None if unlimited else units_of(_cell(cells, at["units"]), units_max=min(UNITS_MAX, LEDGER_UNITS_MAX))
        preorder = units_of(_cell(cells, at["preorder_units"]), units_max=min(UNITS_MAX, LEDGER_UNITS_MAX))
        for name, read in (("units", units), ("preorder_units", preorder)):
            if isinstance(read, NotUnits):
                return (RowProblem(line, self._label[name], _cell(cells, at[name])[:50], read.expected),)
        assert not isinstance(units, NotUnits)
        assert not isinstance(preorder, NotUnits)
        regular = self._file_row(line, cells, (item, down, across), units, unlimited=unlimited)
        if preorder is None:
            return (regular,)
        return regular, self._file_row(line, cells, (item, down, across), preorder, preorder=True)

    def _file_row(
        self,
        line: int,
        cells: Sequence[str],
        codes: tuple[str, str, str],
        units: int | None,
        *,
        unlimited: bool = False,
        preorder: bool = False,
    ) -> FileRow:
        item, down, across = codes
        joiner, jan = self._joiner, _cell(cells, self._at["jan"])
        matches = {
            "item_branches": joiner.join(code for code in (item, across, down) if code)
            if joiner
            else item + across + down,
            "item_branches_vertical_first": joiner.join(code for code in (item, down, across) if code)
            if joiner
            else item + down + across,
            "item": item,
        }
        if jan:
            matches["jan"] = jan
        return FileRow(
            row=line,
            key=key_of(item, down, across, preorder=preorder),
            units=units,
            unlimited=unlimited,
            matches=matches,
            codes=sku_names(item, down, across, preorder=preorder),
            name=" ".join(" ".join(_cell(cells, at) for at in self._described).split()) if self._described else "",
            jan=jan,
            product=item,
            flags=_PREORDER if preorder else _SELLS_AT_ZERO if unlimited else _NO_FLAGS,
        )


_NO_FLAGS: frozenset[str] = frozenset()
_PREORDER = frozenset({"preorder"})
_SELLS_AT_ZERO = frozenset({"sells_at_zero"})


def _cell(cells: Sequence[str], at: int) -> str:
    return cells[at].strip() if 0 <= at < len(cells) else ""
