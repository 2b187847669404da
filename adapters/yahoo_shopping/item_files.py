"""Read the product CSV of ストアクリエイターPro (商品データ): products with their names and codes; it says no number.

An item with 個別商品コード names them all in one cell, each with the choices it stands for: ``カラー:赤#サイズ:S=item-rs&…``. A cell
without "=" is one code, as in the stock CSV. Column names: NOTES.md, "Files".
"""

from collections.abc import Iterable, Iterator, Sequence

from adapters.kit.file_form import FileFormat, FileRow, NotThisFormat, ReadParent, RowProblem, RowReader
from adapters.kit.parents import parents_by
from adapters.kit.profile import Profile
from adapters.kit.table import cell_of, columns_of
from adapters.yahoo_shopping.codes import CODE_EXPECTED, is_code, joined
from ledger.terms import ListingKey

SUB_CODES_MAX = 2_000  # of one item
SHOWN_MAX = 50

_COLUMNS = ("path", "name", "code", "sub-code", "price", "original-price", "options", "jan", "product-code", "quantity")
_REQUIRED = ("name", "code", "sub-code")
_ONLY_HERE = ("path", "price", "original-price", "options")
_ONCE = "each code and sub-code once in a file; it stood in an earlier row"
_CHOICES = "名:選択肢#名:選択肢=個別商品コード, with & between them, or one 個別商品コード"
_JAN_DIGITS = frozenset((8, 12, 13, 14))


def open_items(header: Sequence[str], _profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the rows under this header, or why it is not the header of a product CSV."""
    places = columns_of(header, {name: (name,) for name in _COLUMNS}, required=_REQUIRED)
    if isinstance(places, NotThisFormat):
        return places
    if "quantity" in places:
        return NotThisFormat("column quantity: that is the stock CSV")
    if not any(name in places for name in _ONLY_HERE):
        return NotThisFormat(f"none of the columns {', '.join(_ONLY_HERE)}")
    return lambda rows: _rows(rows, header, places)


def parents_of(header: Sequence[str], _profile: Profile) -> ReadParent | NotThisFormat:
    """What each row says of its item, for the stock CSV."""
    return parents_by(header, key=("code",), name=("name",))


ITEM_CSV = FileFormat(
    name="items",
    label="商品データCSV（ストアクリエイターPro > 商品管理 > ダウンロード）",
    kind="products",
    file_name_patterns=("data*.csv", "*item*.csv", "*商品*.csv"),
    delimiter=",",
    encodings=("utf-8-sig", "utf-8", "cp932"),
    open=open_items,
    name_time=r"data\D*(\d{12}|\d{14})(?!\d)",
    parents=parents_of,
)


# ------------------------------------------------------------------ rows


def _rows(
    rows: Iterable[tuple[int, Sequence[str]]], header: Sequence[str], at: dict[str, int]
) -> Iterator[FileRow | RowProblem]:
    """Every listing of every item, and every row that is not understood."""
    seen: set[int] = set()  # 64-bit hashes: a million as text would take 120 MB
    for line, cells in rows:
        if not any(cells):
            continue
        for read in _listings(line, cells, header, at):
            if isinstance(read, FileRow):
                digest = hash((read.key.item, read.key.variant))
                if digest in seen:
                    column, value = ("sub-code", read.key.variant) if read.key.variant else ("code", read.key.item)
                    read = RowProblem(line, column, value, _ONCE, item=read.key.item)
                seen.add(digest)
            yield read


def _listings(
    line: int, cells: Sequence[str], header: Sequence[str], at: dict[str, int]
) -> Iterator[FileRow | RowProblem]:
    if len(cells) != len(header):
        yield RowProblem(line, "", f"{len(cells)} cells", f"{len(header)} cells as in the header")
        return
    code, said = cells[at["code"]].strip(), cells[at["sub-code"]].strip()
    if not is_code(code):
        yield RowProblem(line, "code", code[:SHOWN_MAX], CODE_EXPECTED)
        return
    name = " ".join(cells[at["name"]].split())
    jan = next(
        (one for one in (cell_of(cells, at.get(n)).strip() for n in ("jan", "product-code")) if _is_jan(one)), ""
    )
    if not said:
        yield _file_row(line, code, "", name, jan)
        return
    parts = [part for part in said.split("&") if part.strip()]
    if len(parts) > SUB_CODES_MAX:
        yield RowProblem(line, "sub-code", f"{len(parts)} codes", f"at most {SUB_CODES_MAX}", item=code)
        return
    for part in parts:
        choices, equals, sub_code = part.rpartition("=")
        sub_code = sub_code.strip()
        if not is_code(sub_code) or (len(parts) > 1 and not equals):
            yield RowProblem(line, "sub-code", part[:SHOWN_MAX], f"{_CHOICES}; {CODE_EXPECTED}", item=code)
            continue
        texts = [choice.partition(":")[2].strip() or choice.strip() for choice in choices.split("#")]
        yield _file_row(line, code, sub_code, " ".join(one for one in (name, *texts) if one), "")


def _file_row(line: int, code: str, sub_code: str, name: str, jan: str) -> FileRow:
    key = ListingKey(code, sub_code)
    matches = {"sub_code_or_code": sub_code or code, "code_and_sub_code": joined(key), "code": code}
    if sub_code:
        matches["sub_code"] = sub_code
    return FileRow(row=line, key=key, units=None, matches=matches, name=name, jan=jan, product=code)


def _is_jan(text: str) -> bool:
    return len(text) in _JAN_DIGITS and text.isascii() and text.isdigit()
