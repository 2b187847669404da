"""Read the product CSV of カラーミーショップ and its CSV of options; columns are found by name, spellings are in profile.toml.

A product with options has a row in the first file and a row for each option in the second, where alone its stock stands.
The admin's upload wants all 59 columns of a product, or the prices of each option: no stock file can be written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from adapters.colorme.codes import listing_of
from adapters.kit.file_form import FileFormat, FileRow, Joined, NotThisFormat, ReadParent, RowProblem, RowReader
from adapters.kit.japanese import label_key
from adapters.kit.mall import MatchKey
from adapters.kit.parent_rows import without_parents
from adapters.kit.parents import parents_by
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, cell_of, columns_of, stands_on_a_line, units_of
from ledger.terms import CODE_CHARACTERS_MAX, ListingKey

SHOWN_MAX = 50  # characters of a cell that a problem quotes

MATCH_KEYS = (
    MatchKey("own_code", "型番（オプションがあればオプションの型番）"),
    MatchKey("product", "商品ID"),
    MatchKey("product_and_options", "商品ID+オプション"),
)

_ENCODINGS = ("utf-8", "cp932")
_WORDS = ("row_types_of_names", "row_types_of_options", "not_managed", "managed_words", "unlimited_words")
_ONCE = "each product and option once in a file; it stood in an earlier row"


def open_products(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of product rows, or the first column that shows that the file is another one."""
    names = ("product", "model", "units", "name", "managed", "jan", "shown")
    places = columns_of(header, _wanted(profile, names), required=("product", "model", "units"))
    if isinstance(places, NotThisFormat):
        return places
    options = columns_of(header, _wanted(profile, ("option1",)), required=())
    if isinstance(options, NotThisFormat) or options:
        return NotThisFormat("a column of options is there; expected the product CSV without them")
    return _Rows(header, places, profile)


def open_options(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of option rows, or the first column that is missing.

    Where the file has columns of the option's own number and 型番 beside the product's, a row without option is a product.
    """
    names = ("product", "option1", "option2", "row_type", "managed", "name", "jan")
    own = columns_of(header, _wanted(profile, ("option_units", "variant_model")), required=())
    if isinstance(own, NotThisFormat):
        return own
    wanted = _wanted(profile, names)
    wanted["units"] = profile.texts("file.option_units" if "option_units" in own else "file.units")
    wanted["model"] = profile.texts("file.variant_model" if "variant_model" in own else "file.model")
    for name in own:
        plain = "units" if name == "option_units" else "model"
        wanted[f"product_{plain}"] = profile.texts(f"file.{plain}")
    places = columns_of(header, wanted, required=("product", "option1", "units"))
    return places if isinstance(places, NotThisFormat) else _Rows(header, places, profile)


def parents_of(header: Sequence[str], profile: Profile) -> ReadParent | NotThisFormat:
    """What each row of the product CSV says of its product, for the CSV of options."""
    return parents_by(header, key=profile.texts("file.product"), name=profile.texts("file.name"))


PRODUCTS = FileFormat(
    name="products",
    label="商品CSV（商品管理 > 商品データダウンロード）",
    kind="both",
    file_name_patterns=("product*.csv", "*商品*.csv"),
    delimiter=",",
    encodings=_ENCODINGS,
    open=open_products,
    parents=parents_of,
)
OPTIONS = FileFormat(
    name="options",
    label="商品オプションCSV（在庫数と型番）",
    kind="both",
    file_name_patterns=("*option*.csv", "*オプション*.csv"),
    delimiter=",",
    encodings=_ENCODINGS,
    open=open_options,
    joined=Joined(form="products", by="商品ID"),
)


# ------------------------------------------------------------------ rows


class _Rows:
    """Reads the rows below one header; each listing once.

    A row without option in a file of options is a product's own: stock only when no row of its options is in the file.
    """

    def __init__(self, header: Sequence[str], places: Mapping[str, int], profile: Profile) -> None:
        self._header = header
        self._places = places
        self._by_option = "option1" in places
        self._width_min = max(places[name] for name in ("product", "units")) + 1
        self._words = {name: frozenset(label_key(word) for word in profile.texts(f"file.{name}")) for name in _WORDS}

    def __call__(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[FileRow | RowProblem]:
        """Every row that is stock, and every problem; a product's own rows of a file of options come last."""
        read = (row for line, cells in rows if (row := self._row(line, cells)) is not None)
        return without_parents(read, twice=self._twice) if self._by_option else self._once(read)

    def _once(self, rows: Iterable[FileRow | RowProblem]) -> Iterator[FileRow | RowProblem]:
        seen: set[int] = set()
        for row in rows:
            if isinstance(row, FileRow) and hash(row.key.item) in seen:
                yield self._twice(row)
                continue
            if isinstance(row, FileRow):
                seen.add(hash(row.key.item))
            yield row

    def _twice(self, row: FileRow) -> RowProblem:
        return RowProblem(row.row, self._header[self._places["product"]], row.key.item[:SHOWN_MAX], _ONCE)

    def _row(self, line: int, cells: Sequence[str]) -> FileRow | RowProblem | None:
        """None: a row that only names the options."""
        if len(cells) < self._width_min:
            return RowProblem(line, "", f"{len(cells)} cells", f"at least {self._width_min} cells")
        row_type = _word(self._cell(cells, "row_type"))
        if row_type in self._words["row_types_of_names"]:
            return None
        if row_type and row_type not in self._words["row_types_of_options"]:
            return self._problem(line, "row_type", cells, "name or item")
        product = self._cell(cells, "product").strip()
        if not (product.isdecimal() and product.isascii() and len(product) <= CODE_CHARACTERS_MAX):
            return self._problem(line, "product", cells, "the product's number, in half-width digits")
        option1, option2 = self._cell(cells, "option1"), self._cell(cells, "option2")
        if not option1.strip() and (row_type or option2.strip()):
            return self._problem(line, "option1", cells, "the text of the option")
        key = listing_of(product, option1, option2) if option1.strip() else ListingKey(product)
        if not stands_on_a_line(key.variant):
            return self._problem(line, "option1", cells, "options on one line, without control characters")
        if len(key.variant) > CODE_CHARACTERS_MAX:
            return self._problem(
                line, "option1", cells, f"options of at most {CODE_CHARACTERS_MAX} characters together"
            )
        return self._with_units(line, cells, key)

    def _with_units(self, line: int, cells: Sequence[str], key: ListingKey) -> FileRow | RowProblem:
        own = "product_" if self._by_option and not key.variant else ""
        column = f"{own}units" if f"{own}units" in self._places else "units"
        managed = _word(self._cell(cells, "managed"))
        if managed and managed not in self._words["not_managed"] | self._words["managed_words"]:
            return self._problem(line, "managed", cells, "する or しない")
        said = self._cell(cells, column)
        units = units_of(said)
        word_of_none = isinstance(units, NotUnits) and _word(said) in self._words["unlimited_words"]
        unlimited = managed in self._words["not_managed"] or word_of_none
        if unlimited:
            units = None
        if isinstance(units, NotUnits):
            return self._problem(line, column, cells, units.expected)
        model = self._cell(cells, f"{own}model" if f"{own}model" in self._places else "model").strip()
        name, jan = self._cell(cells, "name").strip(), self._cell(cells, "jan").strip()
        return _file_row(line, key, units, model, name=name, jan=jan, unlimited=unlimited)

    def _cell(self, cells: Sequence[str], name: str) -> str:
        return cell_of(cells, self._places.get(name))

    def _problem(self, line: int, name: str, cells: Sequence[str], expected: str) -> RowProblem:
        return RowProblem(line, self._header[self._places[name]], self._cell(cells, name)[:SHOWN_MAX], expected)


def _file_row(
    line: int, key: ListingKey, units: int | None, model: str, *, name: str, jan: str, unlimited: bool
) -> FileRow:
    matches = {"own_code": model, "product": key.item, "product_and_options": str(key)}
    return FileRow(
        row=line,
        key=key,
        units=units,
        unlimited=unlimited,
        matches={match: value for match, value in matches.items() if value},
        codes=(model,) if 0 < len(model) <= CODE_CHARACTERS_MAX else (),
        name=name,
        jan=jan,
        product=key.item,
    )


def _wanted(profile: Profile, names: Iterable[str]) -> dict[str, Sequence[str]]:
    return {name: profile.texts(f"file.{name}") for name in names}


@lru_cache(maxsize=1_000)
def _word(cell: str) -> str:
    """The cell as it is compared; a column of words has few of them, and a million rows."""
    return label_key(cell)
