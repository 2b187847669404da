"""The stock CSV of ショップサーブ in and out; its columns were not seen, so they are found by the names of profile.toml.

A row names an item, or one of its variations by up to three display texts. Without limit is a state of its own (在庫無制限フラグ,
or the z of the admin's stock page): such a row leaves stock alone.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from adapters.kit.file_form import FileFormat, FileRow, NotThisFormat, RowProblem, RowReader
from adapters.kit.japanese import label_key
from adapters.kit.mall import MatchKey
from adapters.kit.parent_rows import without_parents
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, cell_of, columns_of, stands_on_a_line, units_of
from adapters.shopserve.codes import CHOICES_MAX, names_of, variant_text
from ledger.terms import CODE_CHARACTERS_MAX, ListingKey, ListingLevel

SHOWN_MAX = 50  # characters of a cell that a problem quotes

MATCH_KEYS = (
    MatchKey("item_and_choices", "商品番号+バリエーション（なければ商品番号）"),
    MatchKey("item", "商品番号"),
    MatchKey("own_code", "バリエーションの商品コード（列があるとき）"),
)

_CHOICES = tuple(f"variation{place}" for place in range(1, CHOICES_MAX + 1))
_WORDS = ("unlimited_words", "unlimited_flags", "limited_flags", "by_variation", "by_item")
_ONCE = "each 商品番号 and variation once in a file; it stood in an earlier row"


class TextNotWritable(ValueError):
    """A code or display text cannot stand in a file of CP932 as it is; the message names the row."""


def open_stock(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the rows under this header, or why it is not the header of a stock CSV of this mall."""
    names = ("item", "units", *_CHOICES, "unlimited", "managed", "name", "own_code", "jan")
    places = columns_of(header, {name: profile.texts(f"file.{name}") for name in names}, required=("item", "units"))
    if isinstance(places, NotThisFormat):
        return places
    if "variation1" not in places and "unlimited" not in places:
        # 商品番号 and 在庫数 alone stand in the files of other malls too.
        wanted = f"{profile.texts('file.variation1')[0]} and {profile.texts('file.unlimited')[0]}"
        return NotThisFormat(f"columns {wanted} are missing; expected one of them")
    return _Rows(header, places, profile)


STOCK = FileFormat(
    name="stock",
    label="商品在庫CSV（商品管理 > 在庫管理）",
    kind="both",
    file_name_patterns=("*stock*.csv", "*zaiko*.csv", "*在庫*.csv"),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_stock,
)


def write_stock(levels: Iterable[ListingLevel], profile: Profile) -> Iterator[bytes]:
    """The bytes of a stock CSV with absolute numbers, in CP932 with CRLF; "without limit" is switched off in every row.

    Raises TextNotWritable for a display text that CP932 would change: the mall would not find it.
    """
    columns = ("item", *_CHOICES, "units", "unlimited")
    yield _line(1, [profile.texts(f"file.{name}")[0] for name in columns])
    for number, level in enumerate(levels, start=2):
        assert level.units >= 0, level.units
        choices = [*names_of(level.key.variant), *[""] * CHOICES_MAX][:CHOICES_MAX]
        yield _line(number, [level.key.item, *choices, str(level.units), profile.texts("file.limited_flags")[0]])


# ------------------------------------------------------------------ rows


class _Rows:
    """Reads the rows below one header; an item's own row is stock only when no row of its variations is in the file."""

    def __init__(self, header: Sequence[str], places: Mapping[str, int], profile: Profile) -> None:
        self._header = header
        self._places = places
        self._width_min = max(places[name] for name in ("item", "units")) + 1
        self._words = {name: frozenset(label_key(one) for one in profile.texts(f"file.{name}")) for name in _WORDS}

    def __call__(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[FileRow | RowProblem]:
        """Every row that is stock, and every problem; rows of items without variation come last."""
        read = (row for line, cells in rows if (row := self._row(line, cells)) is not None)
        return without_parents(read, twice=self._twice)

    def _row(self, line: int, cells: Sequence[str]) -> FileRow | RowProblem | None:
        """None: the own row of an item whose stock is kept by variation."""
        if len(cells) < self._width_min:
            return RowProblem(line, "", f"{len(cells)} cells", f"at least {self._width_min} cells")
        item = self._cell(cells, "item").strip()
        if not (0 < len(item) <= CODE_CHARACTERS_MAX and item.isprintable()):
            return self._problem(line, "item", cells, f"1 to {CODE_CHARACTERS_MAX} characters on one line")
        choices = [self._cell(cells, name) for name in _CHOICES]
        filled = [bool(text.strip()) for text in choices]
        if filled != sorted(filled, reverse=True):
            return self._problem(
                line, _CHOICES[filled.index(False)], cells, "the text of this choice, as a later one has its"
            )
        variant = variant_text([text if text.strip() else "" for text in choices])
        if not stands_on_a_line(variant):
            return self._problem(line, "variation1", cells, "choices on one line, without control characters")
        if len(variant) > CODE_CHARACTERS_MAX:
            return self._problem(
                line, "variation1", cells, f"choices of at most {CODE_CHARACTERS_MAX} characters together"
            )
        managed = _word(self._cell(cells, "managed"))
        if managed and managed not in self._words["by_variation"] | self._words["by_item"]:
            return self._problem(line, "managed", cells, "V, A or blank")
        if not variant and managed in self._words["by_variation"]:
            return None
        return self._with_units(line, cells, ListingKey(item, variant))

    def _with_units(self, line: int, cells: Sequence[str], key: ListingKey) -> FileRow | RowProblem:
        said = self._cell(cells, "units")
        flag = _word(self._cell(cells, "unlimited"))
        if flag and flag not in self._words["unlimited_flags"] | self._words["limited_flags"]:
            return self._problem(line, "unlimited", cells, "Yes, No or blank")
        units = units_of(said)
        word_of_none = isinstance(units, NotUnits) and _word(said) in self._words["unlimited_words"]
        unlimited = flag in self._words["unlimited_flags"] or word_of_none
        if unlimited:
            units = None
        if isinstance(units, NotUnits):
            return self._problem(line, "units", cells, f"{units.expected}, or z for without limit")
        own = self._cell(cells, "own_code").strip()
        matches = {"item_and_choices": str(key), "item": key.item, "own_code": own}
        return FileRow(
            row=line,
            key=key,
            units=units,
            unlimited=unlimited,
            matches={name: value for name, value in matches.items() if value},
            codes=(str(key),),
            name=self._cell(cells, "name").strip(),
            jan=self._cell(cells, "jan").strip(),
            product=key.item,
        )

    def _cell(self, cells: Sequence[str], name: str) -> str:
        return cell_of(cells, self._places.get(name))

    def _problem(self, line: int, name: str, cells: Sequence[str], expected: str) -> RowProblem:
        column = self._header[self._places[name]] if name in self._places else name
        return RowProblem(line, column, self._cell(cells, name)[:SHOWN_MAX], expected)

    def _twice(self, row: FileRow) -> RowProblem:
        return RowProblem(row.row, self._header[self._places["item"]], str(row.key)[:SHOWN_MAX], _ONCE)


def _line(number: int, cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    line = text.getvalue()
    written = line.encode("cp932", "replace")
    if written.decode("cp932", "replace") != line:
        raise TextNotWritable(
            f"row {number}: a 商品番号 or バリエーション has a character that CP932 does not have or changes; "
            "expected texts of the mall's own pages: check the listing's code"
        )
    return written


@lru_cache(maxsize=1_000)
def _word(cell: str) -> str:
    """The cell as it is compared; a column of words has few of them, and a million rows."""
    return label_key(cell)
