"""Read the item and select files of a Rakuten shop from before SKUs (dl-item.csv, dl-select.csv).

dl-item.csv has a row an item: its number, or 在庫タイプ 2, whose numbers stand in dl-select.csv, a row a choice. 商品番号 stands in
the first file alone and begins the SKU, so both are sent in one import. SHOPLIST's files have the same columns but fewer: one
that SHOPLIST has not must be there (profile.toml, ``file.old.only_here``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

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
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, cell_of, columns_of, units_of
from adapters.rakuten.files import ITEM, ITEM_NUMBER, UNITS, VARIANT
from ledger.terms import CODE_CHARACTERS_MAX, ListingKey

CONTROL, NAME, STOCK_TYPE, OPTION_TYPE = "コントロールカラム", "商品名", "在庫タイプ", "選択肢タイプ"
ACROSS, DOWN = "項目選択肢別在庫用横軸選択肢子番号", "項目選択肢別在庫用縦軸選択肢子番号"
ACROSS_TEXT, DOWN_TEXT = "項目選択肢別在庫用横軸選択肢", "項目選択肢別在庫用縦軸選択肢"
CHOICE_UNITS = "項目選択肢別在庫用在庫数"
CHILD_CHARACTERS_MAX = 90  # two of them stay within a code's 200 characters
SHOWN_MAX = 50

_FLAGS = ("在庫戻しフラグ", "在庫切れ時の注文受付")
_ITEM = (CONTROL, ITEM, ITEM_NUMBER, NAME, STOCK_TYPE, UNITS, "カタログID", "予約商品発売日", *_FLAGS)
_SELECT = (
    "項目選択肢用コントロールカラム",
    ITEM,
    OPTION_TYPE,
    ACROSS_TEXT,
    ACROSS,
    DOWN_TEXT,
    DOWN,
    CHOICE_UNITS,
    *_FLAGS,
)
_CODE = f"1 to {CODE_CHARACTERS_MAX} characters on one line"
_ONCE = "one row for each listing; it stood in an earlier row"
_JAN_DIGITS = frozenset((8, 12, 13, 14))


def open_old_item(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of dl-item.csv: items whose choices have the numbers are passed."""
    places = _places(header, _ITEM, required=(ITEM, STOCK_TYPE, UNITS))
    return places if isinstance(places, NotThisFormat) else _Reader(header, places, profile, _item_row)


def parents_of(header: Sequence[str], profile: Profile) -> ReadParent | NotThisFormat:
    """What each row of dl-item.csv says of its item for dl-select.csv."""
    places = _places(header, _ITEM, required=(ITEM, STOCK_TYPE))
    if isinstance(places, NotThisFormat):
        return places
    at, divided = places, frozenset(profile.texts("file.old.stock_type_choices"))

    def parent(cells: Sequence[str]) -> Parent | None:
        item = cell_of(cells, at[ITEM]).strip().lower()
        name = " ".join(cell_of(cells, at.get(NAME)).split())
        return (
            Parent(
                item,
                cell_of(cells, at.get(ITEM_NUMBER)).strip(),
                name,
                divided=cell_of(cells, at[STOCK_TYPE]).strip() in divided,
                preorder=cell_of(cells, at.get("予約商品発売日")).strip() != "",
            )
            if item
            else None
        )

    return parent


def open_old_select(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of dl-select.csv: rows of plain choices (名入れ, のし), which have no number, are passed."""
    places = _places(header, _SELECT, required=(ITEM, OPTION_TYPE, ACROSS, CHOICE_UNITS))
    return places if isinstance(places, NotThisFormat) else _Reader(header, places, profile, _select_row)


def numbered(row: FileRow, parent: Parent, _profile: Profile) -> FileRow:
    """The choice with what dl-item.csv says of its item: the SKU begins with 商品番号, and 予約 holds for every choice."""
    told = parent.number or row.key.item
    code = told + row.key.variant
    return replace(
        row,
        matches={**row.matches, "own_code": code, "item_number": parent.number},
        codes=(code,),
        name=" ".join(one for one in (parent.name, row.name) if one),
        flags=row.flags | _PREORDER if parent.preorder else row.flags,
    )


OLD_ITEM = FileFormat(
    name="old-item",
    label="RMS 商品CSV（SKU移行前）dl-item.csv",
    kind="both",
    file_name_patterns=("dl-item*.csv", "item*.csv"),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_old_item,
    tell_apart="file.old.only_here",
    parents=parents_of,
)
OLD_SELECT = FileFormat(
    name="old-select",
    label="RMS 項目選択肢CSV（SKU移行前）dl-select.csv",
    kind="both",
    file_name_patterns=("dl-select*.csv", "select*.csv"),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_old_select,
    tell_apart="file.old.only_here",
    joined=Joined(
        form="old-item",
        by=ITEM,
        fill=numbered,
        without="商品番号, with which the SKU begins, stands only in dl-item.csv: rows of listings that are not linked yet name no SKU",
    ),
)


class _Values(NamedTuple):
    """The words of the cells, from the profile."""

    joiner: str
    letters: frozenset[str]
    own: frozenset[str]
    choices: frozenset[str]
    unlimited: frozenset[str]
    stock: frozenset[str]
    plain: frozenset[str]
    restores: frozenset[str]
    sells: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of either file: its cells by the names of the columns; the item is in order."""

    line: int
    cells: Mapping[str, str]
    item: str

    def problem(self, column: str, expected: str) -> RowProblem:
        return RowProblem(self.line, column, self.cells[column][:SHOWN_MAX], expected, item=self.item)


ReadRow: TypeAlias = Callable[[_Row, _Values], FileRow | RowProblem | None]


class _Reader:
    """What both files have: the control column, the item, and one row a listing."""

    def __init__(self, header: Sequence[str], places: Mapping[str, int], profile: Profile, read: ReadRow) -> None:
        self._width = len(header)
        self._names, self._at = tuple(places), tuple(places.values())
        self._missing = dict.fromkeys((*_ITEM, *_SELECT), "")
        self._control = next((name for name in (CONTROL, _SELECT[0]) if name in places), "")
        self._values = _values(profile)
        self._read = read

    def __call__(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[FileRow | RowProblem]:
        """Every row with a number of its own, in the order of the file, and every row that is not understood."""
        seen: set[int] = set()  # 64-bit hashes, as of the SKU format
        for line, cells in rows:
            read = self._row(line, cells) if any(cells) else None
            if isinstance(read, FileRow):
                key = hash((read.key.item, read.key.variant))
                if key in seen:
                    read = RowProblem(line, ITEM, str(read.key)[:SHOWN_MAX], _ONCE, item=read.key.item)
                seen.add(key)
            if read is not None:
                yield read

    def _row(self, line: int, cells: Sequence[str]) -> FileRow | RowProblem | None:
        if len(cells) != self._width:
            return RowProblem(line, "", f"{len(cells)} cells", f"{self._width} cells as in the header")
        said = self._missing | dict(zip(self._names, [cells[at].strip() for at in self._at], strict=True))
        row = _Row(line, said, said[ITEM].lower())  # RMS lower-cases it by itself; NOTES.md "Identity"
        if not row.item or len(row.item) > CODE_CHARACTERS_MAX or not row.item.isprintable():
            return RowProblem(line, ITEM, said[ITEM][:SHOWN_MAX], _CODE)
        if self._control and said[self._control] not in self._values.letters:
            return row.problem(self._control, "n, u or blank: a row with another letter says no stock")
        return self._read(row, self._values)


def _item_row(row: _Row, values: _Values) -> FileRow | RowProblem | None:
    """None: the numbers of this item stand in dl-select.csv."""
    kind = row.cells[STOCK_TYPE]
    if kind in values.choices:
        return None
    unlimited = kind in values.unlimited
    if kind and not unlimited and kind not in values.own:
        return row.problem(STOCK_TYPE, f"one of {', '.join(sorted(values.own | values.choices | values.unlimited))}")
    units = None if unlimited else units_of(row.cells[UNITS])  # blank is None, which is not zero
    if isinstance(units, NotUnits):
        return row.problem(UNITS, units.expected)
    number, jan = row.cells[ITEM_NUMBER], row.cells["カタログID"]
    if len(number) > CODE_CHARACTERS_MAX or (number and not number.isprintable()):
        return row.problem(ITEM_NUMBER, _CODE)
    told = number or row.item
    return FileRow(
        row.line,
        ListingKey(row.item),
        units,
        unlimited=unlimited,
        matches=_matches(row.item, "", number, told, values.joiner),
        codes=(told,),
        name=" ".join(row.cells[NAME].split()),
        jan=jan if len(jan) in _JAN_DIGITS and jan.isascii() and jan.isdigit() else "",
        product=row.item,
        flags=_flags(row, values) | (_PREORDER if row.cells["予約商品発売日"] else _NO_FLAGS),
    )


def _select_row(row: _Row, values: _Values) -> FileRow | RowProblem | None:
    """None: a plain choice, which has no number."""
    kind = row.cells[OPTION_TYPE]
    if kind in values.plain:
        return None
    if kind not in values.stock:
        return row.problem(OPTION_TYPE, f"one of {', '.join(sorted(values.stock | values.plain))}")
    across, down = row.cells[ACROSS], row.cells[DOWN]
    for name in (ACROSS, DOWN):
        if len(row.cells[name]) > CHILD_CHARACTERS_MAX or not row.cells[name].isprintable():
            return row.problem(name, f"at most {CHILD_CHARACTERS_MAX} characters on one line")
    children = across + down  # a child number begins with "-" itself where the merchant wants one
    if not children:
        return row.problem(ACROSS, "a child number: across, down or both")
    units = units_of(row.cells[CHOICE_UNITS])
    if isinstance(units, NotUnits):
        return row.problem(CHOICE_UNITS, units.expected)
    # Without its item's row 商品番号 is not known, and 商品管理番号 in its place would name another SKU.
    return FileRow(
        row.line,
        ListingKey(row.item, children),
        units,
        matches=_matches(row.item, children, "", "", values.joiner),
        codes=(),
        name=" ".join(f"{row.cells[ACROSS_TEXT]} {row.cells[DOWN_TEXT]}".split()),
        product=row.item,
        flags=_flags(row, values),
    )


def _matches(item: str, children: str, number: str, told: str, joiner: str) -> dict[str, str]:
    return {
        "own_code": f"{told}{children}" if told else "",
        "merchant_sku": "",
        "variant": children,
        "item": item,
        "item_number": number,
        "item_variant": f"{item}{joiner}{children}" if children else item,
    }


_NO_FLAGS: frozenset[str] = frozenset()
_PREORDER = frozenset({"preorder"})


def _flags(row: _Row, values: _Values) -> frozenset[str]:
    stated = (
        ("restores_on_cancel", row.cells[_FLAGS[0]] in values.restores),
        ("sells_at_zero", row.cells[_FLAGS[1]] in values.sells),
    )
    return frozenset(name for name, is_set in stated if is_set)


def _places(header: Sequence[str], names: Sequence[str], *, required: Sequence[str]) -> dict[str, int] | NotThisFormat:
    if VARIANT in header:
        return NotThisFormat(f"column {VARIANT}: the SKU format dl-normal-item.csv")
    if names is _ITEM and CHOICE_UNITS in header:
        return NotThisFormat(f"column {CHOICE_UNITS}: that is dl-select.csv, not dl-item.csv")
    return columns_of(header, {name: (name,) for name in names}, required=required)


def _values(profile: Profile) -> _Values:
    def said(name: str) -> frozenset[str]:
        return frozenset(profile.texts(f"file.{name}"))

    return _Values(
        joiner=profile.text("file.item_variant_joiner"),
        letters=said("old.control_letters"),
        own=said("old.stock_type_own"),
        choices=said("old.stock_type_choices"),
        unlimited=said("old.stock_type_unlimited"),
        stock=said("old.option_type_stock"),
        plain=said("old.option_type_plain"),
        restores=said("restores_on_cancel_values"),
        sells=said("sells_at_zero_values"),
    )
