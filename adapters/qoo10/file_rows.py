"""What one row of each of Qoo10's files says: the listings it names, or what of it is not understood."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from adapters.kit.file_form import FileRow, Parent, RowProblem, named_after
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, units_of
from adapters.qoo10.codes import AXIS, ROW, is_text, told_codes, variant_of
from ledger.terms import CODE_CHARACTERS_MAX, ListingKey

OPTIONS_MAX = 2_000  # rows of one option_info cell
_CODE = f"1 to {CODE_CHARACTERS_MAX} characters on one line"
_JAN_DIGITS = frozenset((8, 12, 13, 14))
_AXES = (1, 2, 3)
_PLAIN_PARTS = (5, 7, 9)  # option_info: name||*value for 1 to 3 axes, then price, quantity and code
_EXCLUDED = frozenset({"excluded"})
_NO_FLAGS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Cells:
    """Where the columns stand, by our names, and what the file calls them."""

    places: Mapping[str, int]
    names: Mapping[str, str]

    def raw(self, cells: Sequence[str], name: str) -> str:
        place = self.places.get(name, -1)
        return cells[place] if 0 <= place < len(cells) else ""

    def text(self, cells: Sequence[str], name: str) -> str:
        return self.raw(cells, name).strip()

    def name(self, name: str) -> str:
        return self.names.get(name, name)

    def problem(self, line: int, cells: Sequence[str], name: str, expected: str) -> RowProblem:
        return RowProblem(line, self.name(name), self.raw(cells, name), expected)


@dataclass(frozen=True)
class Words:
    """What the profile says of cells, looked up once a file."""

    goods_types: tuple[str, ...]
    option_types: tuple[str, ...]
    stopped: tuple[str, ...]
    has_options: tuple[str, ...]
    joiner: str


def words_of(profile: Profile) -> Words:
    """The words of one file."""
    return Words(
        goods_types=profile.texts("files.goods_edit_types"),
        option_types=profile.texts("files.option_edit_types"),
        stopped=profile.texts("files.stopped_statuses"),
        has_options=profile.texts("files.has_options_values"),
        joiner=profile.text("files.seller_and_option_joiner"),
    )


RowOf: TypeAlias = Callable[[Cells, int, Sequence[str], Words], Iterator[FileRow | RowProblem]]


@dataclass
class Seen:
    """The listings of one file so far, as 64-bit hashes. Mutable: it grows with the file."""

    keys: set[int] = field(default_factory=set)

    def checked(self, row: FileRow) -> FileRow | RowProblem:
        """The row, unless its listing stood in an earlier row."""
        key = hash((row.key.item, row.key.variant))
        if key in self.keys:
            value = row.key.variant or row.key.item
            return RowProblem(row.row, "", value, "each listing once in a file; it stood in an earlier row")
        self.keys.add(key)
        return row


# ------------------------------------------------------------------ the five files


def price_stock_row(at: Cells, line: int, cells: Sequence[str], words: Words) -> Iterator[FileRow | RowProblem]:
    """An item (g) or, by its code, an option (i)."""
    kind = at.text(cells, "edit_type").casefold()
    is_option = kind in words.option_types
    if not is_option and kind not in words.goods_types:
        kinds = (*words.goods_types, *words.option_types)
        yield at.problem(line, cells, "edit_type", f"one of {', '.join(kinds)}")
        return
    code = at.text(cells, "option_code")
    if is_option != bool(code):
        yield at.problem(
            line, cells, "option_code", "a code of an option" if is_option else "blank: the row is of an item"
        )
        return
    yield _row(at, line, cells, words, option_code=code, variant=code)


def goods_row(at: Cells, line: int, cells: Sequence[str], words: Words) -> Iterator[FileRow | RowProblem]:
    """An item, unless its stock stands with its options."""
    if at.text(cells, "has_options") not in words.has_options:
        yield _row(at, line, cells, words, option_code="", variant="")


def grid_row(at: Cells, line: int, cells: Sequence[str], words: Words) -> Iterator[FileRow | RowProblem]:
    """An option by its code, else by its texts; a row that has neither is the item itself."""
    yield _option_row(at, line, cells, words)


def option_template_row(at: Cells, line: int, cells: Sequence[str], words: Words) -> Iterator[FileRow | RowProblem]:
    """An option. The template has no column of the item as a rule: then q_inventory_id, else the option's code stands for it."""
    if at.text(cells, "item_code") or at.text(cells, "seller_code"):
        yield _option_row(at, line, cells, words)
        return
    item = at.text(cells, "inventory") or at.text(cells, "option_code")
    yield _option_row(at, line, cells, words, item=item)


def item_template_rows(at: Cells, line: int, cells: Sequence[str], words: Words) -> Iterator[FileRow | RowProblem]:
    """An item, or each of its options: ``name||*value||*price||*quantity||*code`` and so on, ``$$`` between them.

    An item that is not sold any more (D) is 対象外.
    """
    options = at.raw(cells, "option_info").strip()
    if not options:
        yield _row(at, line, cells, words, option_code="", variant="")
        return
    written = [one for one in options.split(ROW) if one.strip()]
    if len(written) > OPTIONS_MAX:
        yield RowProblem(line, at.name("option_info"), f"{len(written)} options", f"at most {OPTIONS_MAX}")
        return
    for one in written:
        yield _written_option(at, line, cells, words, one)


def _written_option(at: Cells, line: int, cells: Sequence[str], words: Words, written: str) -> FileRow | RowProblem:
    """One option of option_info. A code of 0 or blank is none."""
    parts = [part.strip("\r\n\v") for part in written.split(AXIS)]
    column = at.name("option_info")
    if len(parts) not in _PLAIN_PARTS:
        return RowProblem(line, column, written, f"name{AXIS}value{AXIS}price{AXIS}quantity{AXIS}code")
    *texts, _, quantity, code = parts
    units = units_of(quantity)
    if isinstance(units, NotUnits):
        return RowProblem(line, column, written, f"{units.expected} as the quantity")
    code = "" if code.strip() == "0" else code.strip()
    name, value = AXIS.join(texts[::2]), AXIS.join(texts[1::2])
    variant = variant_of(name, value, code)
    return _row(at, line, cells, words, option_code=code, variant=variant, units=units, has_units=True)


def _option_row(at: Cells, line: int, cells: Sequence[str], words: Words, *, item: str = "") -> FileRow | RowProblem:
    code = at.text(cells, "option_code")
    variant = code or _variant_of_texts(at, cells)
    return _row(at, line, cells, words, option_code=code, variant=variant, item=item)


def _variant_of_texts(at: Cells, cells: Sequence[str]) -> str:
    """The option by the mall's own texts, exactly; "" when there are none."""
    texts = [(at.raw(cells, f"name{axis}"), at.raw(cells, f"value{axis}")) for axis in _AXES]
    filled = [(name, value) for name, value in texts if value.strip()]
    if not filled:
        return ""
    return variant_of(AXIS.join(name for name, _ in filled), AXIS.join(value for _, value in filled), "")


def with_seller_code(row: FileRow, parent: Parent, profile: Profile) -> FileRow:
    """The option with its item's name, and with its 販売者商品コード where the grid has none."""
    named = named_after(row, parent, profile)
    if row.matches["seller_code"] or not parent.number:
        return named
    seller, option = parent.number, row.matches["option_code"]
    both = f"{seller}{profile.text('files.seller_and_option_joiner')}{option}" if option else ""
    own = row.matches["own_code"] or ("" if row.key.variant else seller)
    matches = {**row.matches, "seller_code": seller, "seller_and_option": both, "own_code": own}
    return replace(named, matches=matches, codes=told_codes(row.key.item, seller, row.key.variant))


# ------------------------------------------------------------------ one listing


def _row(
    at: Cells,
    line: int,
    cells: Sequence[str],
    words: Words,
    *,
    option_code: str,
    variant: str,
    item: str = "",
    units: int | None = None,
    has_units: bool = False,
) -> FileRow | RowProblem:
    item_code, seller_code = at.text(cells, "item_code"), at.text(cells, "seller_code")
    found = item or item_code or seller_code
    if not is_text(found):
        return at.problem(line, cells, "item_code" if item_code or "item_code" in at.places else "seller_code", _CODE)
    if seller_code and not is_text(seller_code):
        return at.problem(line, cells, "seller_code", _CODE)
    if variant and not is_text(variant):
        return RowProblem(line, at.name("option_code"), variant, _CODE)
    if not has_units:
        read = units_of(at.raw(cells, "units"))  # blank is None, which is not zero
        if isinstance(read, NotUnits):
            return at.problem(line, cells, "units", read.expected)
        units = read
    both = f"{seller_code}{words.joiner}{option_code}" if seller_code and option_code else seller_code
    jan = at.text(cells, "jan")
    return FileRow(
        line,
        ListingKey(found, variant),
        units,
        matches={
            "own_code": option_code or ("" if variant else seller_code),
            "seller_code": seller_code,
            "option_code": option_code,
            "seller_and_option": both if option_code or not variant else "",
            "item_code": item_code,
        },
        codes=told_codes(found, seller_code, variant),
        name=" ".join(at.raw(cells, "name").split()),
        jan=jan if len(jan) in _JAN_DIGITS and jan.isascii() and jan.isdigit() else "",
        product=item_code or seller_code,
        flags=_EXCLUDED if at.text(cells, "item_status") in words.stopped else _NO_FLAGS,
    )
