"""The product and option CSVs of MakeShop in, and a stock CSV out. Columns are found by name; the names are data.

Two files make one shop: products (``upload_…csv``) and options (``option_…csv``). A product with options has a number
of its own in the product file that is not stock; its row is passed over where the file itself says so.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from adapters.kit.file_form import (
    FileFormat,
    FileRow,
    Joined,
    NotThisFormat,
    Parent,
    ReadParent,
    RowProblem,
    RowReader,
    named_after,
)
from adapters.kit.japanese import label_key
from adapters.kit.mall import MatchKey
from adapters.kit.parents import parents_by
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, columns_of, units_of
from adapters.makeshop.codes import own_name
from adapters.makeshop.push import UNITS_MAX
from ledger.terms import CODE_CHARACTERS_MAX, ListingKey, ListingLevel
from ledger.terms import UNITS_MAX as LEDGER_UNITS_MAX

CHUNK_ROWS = 1_000

# The first is the default; the reasons stand in NOTES.md, "Files".
MATCH_KEYS = (
    MatchKey("own_code", "独自商品コード+オプション独自コード"),
    MatchKey("option_code", "オプション独自コード（なければ独自商品コード）"),
    MatchKey("system_code", "システム商品コード"),
)

_PRODUCT = ("system_code", "own_code", "name", "units", "jan", "has_options")
_OPTION = ("system_code", "own_code", "name", "units", "jan", "variation_id", "option_code")
_CODE = f"a code of 1 to {CODE_CHARACTERS_MAX} characters without line breaks"


def open_products(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the product CSV, or why the header is not of one."""
    if _places(header, profile, ("variation_id", "option_code")):
        return NotThisFormat("column of the option CSV; expected the product CSV")
    columns = columns_of(header, _wanted(profile, _PRODUCT), required=("system_code", "own_code", "name", "units"))
    return columns if isinstance(columns, NotThisFormat) else _Reader(columns, profile, options=False)


def open_options(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the option CSV, or why the header is not of one."""
    columns = columns_of(header, _wanted(profile, _OPTION), required=("system_code", "units"))
    if isinstance(columns, NotThisFormat):
        return columns
    if not {"variation_id", "option_code"} & columns.keys():
        return NotThisFormat(f"column {profile.texts('files.option_code')[0]} is missing")
    names = _places(header, profile, ("option_names",))
    return _Reader(columns, profile, options=True, option_names=names)


def parents_of(header: Sequence[str], profile: Profile) -> ReadParent | NotThisFormat:
    """What each row of the product CSV says of its product, for the option CSV."""
    return parents_by(
        header,
        key=profile.texts("files.system_code"),
        number=profile.texts("files.own_code"),
        name=profile.texts("files.name"),
        divided=profile.texts("files.has_options"),
        divided_values=profile.texts("files.has_options_values"),
    )


def coded(row: FileRow, parent: Parent, profile: Profile) -> FileRow:
    """The option with its product's 独自商品コード, with which its own code begins, and its name."""
    option_code = row.matches.get("option_code", "")
    if "own_code" in row.matches or not parent.number or not option_code:
        return named_after(row, parent, profile)
    own = f"{parent.number}{profile.text('files.joiner')}{option_code}"
    return named_after(
        replace(row, matches={**row.matches, "own_code": own}, codes=(own_name(parent.number, option_code),)),
        parent,
        profile,
    )


PRODUCTS = FileFormat(
    name="products",
    label="商品CSV（商品管理 > 商品一括登録 > ダウンロード）upload_日時.csv",
    kind="both",
    file_name_patterns=("upload_*.csv",),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_products,
    parents=parents_of,
)
OPTIONS = FileFormat(
    name="options",
    label="オプションCSV（商品管理 > オプション一括登録 > ダウンロード）option_日時.csv",
    kind="both",
    file_name_patterns=("option_*.csv",),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_options,
    joined=Joined(
        form="products",
        by="システム商品コード",
        fill=coded,
        without="独自商品コード, with which the SKU begins, may stand only there",
    ),
)


def write_stock(levels: Iterable[ListingLevel], profile: Profile) -> Iterator[bytes]:
    """The numbers as an option CSV (a product without options has no id): CP932, CRLF, absolute. Columns: the profile's."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    key_column, key_value = profile.text("files.written_key_column"), profile.text("files.written_key_value")
    written = [profile.texts(f"files.{name}")[0] for name in ("system_code", "variation_id", "units")]
    writer.writerow([*([key_column] if key_column else []), *written])
    for count, level in enumerate(levels, start=1):
        assert 0 <= level.units <= UNITS_MAX, level.units
        cells = [level.key.item, level.key.variant, level.units]
        writer.writerow([*([key_value] if key_column else []), *cells])
        if count % CHUNK_ROWS == 0:
            yield text.getvalue().encode("cp932")
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode("cp932")


# ------------------------------------------------------------------ private


def _wanted(profile: Profile, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {name: profile.texts(f"files.{name}") for name in names}


def _places(header: Sequence[str], profile: Profile, names: Sequence[str]) -> tuple[int, ...]:
    """Where any of the named columns stand, in the order of the header."""
    keys = {label_key(one) for name in names for one in profile.texts(f"files.{name}")}
    return tuple(at for at, cell in enumerate(header) if label_key(cell) in keys)


class _Reader:
    """Reads the rows below one header; remembers a 64-bit hash for each listing, to name one that stands there twice."""

    def __init__(
        self, columns: Mapping[str, int], profile: Profile, *, options: bool, option_names: Sequence[int] = ()
    ) -> None:
        self._at = {name: columns.get(name, -1) for name in (*_PRODUCT, *_OPTION)}
        self._described = [at for at in (self._at["name"], *option_names) if at >= 0]
        self._width_min = max(columns["system_code"], columns["units"]) + 1
        self._options = options
        self._joiner = profile.text("files.joiner")
        self._units_label = profile.texts("files.units")[0]
        self._system_label = profile.texts("files.system_code")[0]
        self._variant_label = profile.texts("files.variation_id" if "variation_id" in columns else "files.option_code")[
            0
        ]
        self._unlimited = frozenset(profile.texts("files.unlimited_words"))
        self._has_options = frozenset(profile.texts("files.has_options_values"))

    def __call__(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[FileRow | RowProblem]:
        """Every listing in the order of the file, and every row that is not understood."""
        seen: set[int] = set()
        for line, cells in rows:
            read = self._row(line, cells)
            if isinstance(read, FileRow):
                digest = hash((read.key.item, read.key.variant))
                if digest in seen:
                    column, value = (
                        (self._variant_label, read.key.variant)
                        if read.key.variant
                        else (self._system_label, read.key.item)
                    )
                    read = RowProblem(line, column, value, "each listing once in a file; it stood in an earlier row")
                seen.add(digest)
            if read is not None:
                yield read

    def _row(self, line: int, cells: Sequence[str]) -> FileRow | RowProblem | None:
        """One row; None for an empty one and for a product whose options are the listings."""
        if not any(cells):
            return None
        if len(cells) < self._width_min:
            return RowProblem(line, "", f"{len(cells)} cells", "as many cells as the header has columns")
        at = self._at
        system_code, option_code = cells[at["system_code"]].strip(), _cell(cells, at["option_code"])
        variant = option_code if at["variation_id"] < 0 else _cell(cells, at["variation_id"])
        if not _is_code(system_code):
            return RowProblem(line, self._system_label, system_code[:50], _CODE)
        if variant and not _is_code(variant):
            return RowProblem(line, self._variant_label, variant[:50], _CODE)
        if not variant and option_code:
            return RowProblem(line, self._variant_label, "", f"an id beside オプション独自コード {option_code[:50]}")
        if not self._options and at["has_options"] >= 0 and _cell(cells, at["has_options"]) in self._has_options:
            return None
        stated = cells[at["units"]].strip()
        unlimited = not stated or stated in self._unlimited
        units = None if unlimited else units_of(stated, units_max=min(UNITS_MAX, LEDGER_UNITS_MAX))
        if isinstance(units, NotUnits):
            return RowProblem(line, self._units_label, stated[:50], f"{units.expected}, or blank for 無制限")
        return self._file_row(line, cells, (system_code, variant, option_code), units, unlimited=unlimited)

    def _file_row(
        self, line: int, cells: Sequence[str], codes: tuple[str, str, str], units: int | None, *, unlimited: bool
    ) -> FileRow:
        system_code, variant, option_code = codes
        own_code = _cell(cells, self._at["own_code"])
        matches = {"system_code": f"{system_code}{variant}"}
        name = ""
        # A variant without a code of its own has no own code: its product's would name them all.
        if own_code and (option_code or not variant):
            matches["own_code"] = f"{own_code}{self._joiner}{option_code}" if option_code else own_code
            name = own_name(own_code, option_code)
        if option_code or (not variant and own_code):
            matches["option_code"] = option_code or own_code
        return FileRow(
            row=line,
            key=ListingKey(system_code, variant),
            units=units,
            unlimited=unlimited,
            matches=matches,
            codes=(name,) if name else (),
            name=" ".join(" ".join(_cell(cells, at) for at in self._described).split()) if self._described else "",
            jan=_cell(cells, self._at["jan"]),
            product=system_code,
        )


def _cell(cells: Sequence[str], at: int) -> str:
    return cells[at].strip() if 0 <= at < len(cells) else ""


def _is_code(text: str) -> bool:
    return 0 < len(text) <= CODE_CHARACTERS_MAX and text.isprintable()
