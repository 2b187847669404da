"""Read Amazon's inventory reports and write the price-and-quantity file, all tab separated without quoting.

The number is in 数量 (quantity). 在庫数 of the same report is *pending-quantity* and is never read. An FBA row has no number
of ours: it is excluded (対象外), never 0. Column names stand in profile.toml; sources: NOTES.md, "Files".
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adapters.amazon.codes import SKU_EXPECTED, is_sku, key_of, sku_of
from adapters.kit.file_form import FileFormat, FileRow, NotThisFormat, RowProblem, RowReader
from adapters.kit.mall import MatchKey
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, columns_of, units_of
from ledger.terms import ListingLevel

CHUNK_ROWS = 1_000
ENCODING = "cp932"
DELIMITER = "\t"
ENCODINGS = ("utf-8-sig", "utf-8", "cp932")

MATCH_KEYS = (
    MatchKey("sku", "出品者SKU"),
    MatchKey("jan", "商品ID（JAN・EAN・UPC）"),
    MatchKey("asin", "ASIN"),
)

_COLUMNS = (
    "sku",
    "units",
    "channel",
    "listing",
    "status",
    "name",
    "asin",
    "price",
    "id_type",
    "product_id",
    "low_price",
)
_EXCLUDED = frozenset({"excluded"})
_NO_FLAGS: frozenset[str] = frozenset()
_JAN_DIGITS = frozenset((8, 12, 13, 14))
_ONCE = "each SKU once in a file; it stood in an earlier row"
_HEADER = "sku\tprice\tminimum-seller-allowed-price\tmaximum-seller-allowed-price\tquantity\thandling-time\tfulfillment-channel"


@dataclass(frozen=True, slots=True)
class _Form:
    """Which columns make a header one of this form, and which make it another. ``unsaid``: a blank channel is our own."""

    required: tuple[str, ...]
    absent: tuple[str, ...] = ()
    unsaid: bool = False

    def open(self, header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
        """A reader of the rows below this header, or the first thing that shows that the file is another one."""
        wanted = {name: profile.texts(f"file.{name}") for name in _COLUMNS}
        found = columns_of(header, wanted, required=self.required)
        if isinstance(found, NotThisFormat):
            return found
        other = next((name for name in self.absent if name in found), None)
        if other is not None:
            return NotThisFormat(f"column {header[found[other]]}: another of Amazon's files")
        return _Reader(header, found, profile, unsaid=self.unsaid)


def _format(name: str, label: str, kind: str, patterns: tuple[str, ...], form: _Form) -> FileFormat:
    opens: Callable[[Sequence[str], Profile], RowReader | NotThisFormat] = form.open
    return FileFormat(name, label, kind, patterns, DELIMITER, ENCODINGS, opens)


LISTINGS = _format(
    "listings",
    "出品詳細レポート（セラーセントラル > レポート > 出品レポート）",
    "both",
    ("出品詳細レポート*.txt", "*listings*report*.txt", "*.txt"),
    _Form(required=("sku", "units", "channel", "listing")),
)
LISTINGS_SHORT = _format(
    "listings-short",
    "出品レポート（出品者SKU・ASIN・価格・数量・ステータス）",
    "both",
    ("*レポート*.txt", "*.txt"),
    _Form(required=("sku", "asin", "price", "units", "status"), absent=("channel", "listing")),
)
OPEN_LISTINGS = _format(
    "open-listings",
    "在庫レポート（出品者SKU・ASIN・価格・数量）",
    "both",
    ("*在庫レポート*.txt", "*.txt"),
    _Form(required=("sku", "asin", "price", "units"), absent=("channel", "listing", "status")),
)
PRICE_AND_QUANTITY = _format(
    "price-and-quantity",
    "価格と数量ファイル（アップロード用）",
    "stock",
    ("*価格と数量*.txt", "*.txt"),
    _Form(required=("sku", "price", "low_price", "units"), absent=("listing", "asin"), unsaid=True),
)


class _Reader:
    """Reads the rows below one header. SKUs are remembered as 64-bit hashes: a million as text would take 120 MB."""

    def __init__(self, header: Sequence[str], at: Mapping[str, int], profile: Profile, *, unsaid: bool) -> None:
        self._header = header
        self._width = len(header)
        self._sku, self._units = at["sku"], at["units"]
        self._channel, self._asin, self._name = (at.get(name, -1) for name in ("channel", "asin", "name"))
        self._id_type, self._product_id = at.get("id_type", -1), at.get("product_id", -1)
        self._own = frozenset(profile.texts("file.own_shipping_channels"))
        self._amazon = profile.text("file.amazon_channel_prefix")
        self._jan_types = frozenset(profile.texts("file.jan_id_types"))
        self._unsaid = unsaid

    def __call__(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[FileRow | RowProblem]:
        """Every row in the order of the file, understood or not."""
        seen: set[int] = set()
        for line, cells in rows:
            if not any(cells):
                continue
            read = self._row(line, cells)
            if isinstance(read, FileRow):
                known = hash(read.key.item)
                if known in seen:
                    yield RowProblem(line, self._header[self._sku], sku_of(read.key), _ONCE)
                    continue
                seen.add(known)
            yield read

    def _row(self, line: int, cells: Sequence[str]) -> FileRow | RowProblem:
        if len(cells) != self._width and (len(cells) < self._width or any(cells[self._width :])):
            return RowProblem(line, "", f"{len(cells)} cells", f"{self._width} cells as in the header")
        sku = cells[self._sku].strip()
        if not is_sku(sku):
            return RowProblem(line, self._header[self._sku], cells[self._sku], SKU_EXPECTED)
        units = units_of(cells[self._units])  # blank is None, which is not zero
        excluded = self._excluded(line, cells, units)
        if isinstance(excluded, RowProblem):
            return excluded
        if isinstance(units, NotUnits) and not excluded:
            return RowProblem(line, self._header[self._units], cells[self._units], units.expected)
        asin, jan = _cell(cells, self._asin), self._jan(cells)
        matches = {"sku": sku}
        if jan:
            matches["jan"] = jan
        if asin:
            matches["asin"] = asin
        return FileRow(
            line,
            key_of(sku),
            None if excluded or isinstance(units, NotUnits) else units,
            matches=matches,
            name=_cell(cells, self._name),
            jan=jan,
            flags=_EXCLUDED if excluded else _NO_FLAGS,
        )

    def _excluded(self, line: int, cells: Sequence[str], units: int | NotUnits | None) -> bool | RowProblem:
        """Whether the row is not ours to keep a number of: shipped by Amazon, or nobody says by whom."""
        if self._channel < 0:
            # In the reports without the channel only FBA rows have no number; in an upload a blank cell changes nothing.
            return units is None and not self._unsaid
        channel = cells[self._channel].strip()
        if channel.startswith(self._amazon):
            return True
        if channel in self._own or (not channel and self._unsaid):
            return False
        if not channel and units is None:
            return True
        expected = f"{' or '.join(sorted(self._own))}, or {self._amazon}… for FBA"
        return RowProblem(line, self._header[self._channel], channel, expected)

    def _jan(self, cells: Sequence[str]) -> str:
        code = _cell(cells, self._product_id)
        is_code = len(code) in _JAN_DIGITS and code.isascii() and code.isdigit()
        return code if is_code and _cell(cells, self._id_type) in self._jan_types else ""


def _cell(cells: Sequence[str], at: int) -> str:
    return cells[at].strip() if at >= 0 else ""


# ------------------------------------------------------------------ out


class SkuNotWritable(ValueError):
    """A SKU cannot stand in Amazon's file: it is not in Shift_JIS (CP932), or it has a tab or a line break."""


def write_stock(levels: Iterable[ListingLevel], profile: Profile) -> Iterator[bytes]:
    """The price-and-quantity file: only SKU and quantity are filled, prices, handling time and channel stay as they are.

    Raises SkuNotWritable with the row.
    """
    del profile
    rows = [_HEADER]
    for count, level in enumerate(levels, start=1):
        assert level.units >= 0, level.units
        rows.append(_line(level, count + 1))
        if count % CHUNK_ROWS == 0:
            yield _encoded(rows)
            rows.clear()
    yield _encoded(rows)


def _line(level: ListingLevel, row: int) -> str:
    sku = sku_of(level.key)
    try:
        sku.encode(ENCODING)
        writable = is_sku(sku)
    except UnicodeEncodeError:
        writable = False
    if not writable:
        raise SkuNotWritable(f"row {row}, column sku: {sku!r}; expected {SKU_EXPECTED} that Shift_JIS has")
    return f"{sku}\t\t\t\t{level.units}\t\t"


def _encoded(rows: Sequence[str]) -> bytes:
    return "".join(f"{row}\r\n" for row in rows).encode(ENCODING)
