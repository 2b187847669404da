"""Read the list of auctions and the list of sold ones: they link an auction's id to the merchant's 管理番号.

Neither is stock: 個数 is what an auction offers, not what there is. So a row states no number; what it offers, its bids and its
end are read by ``auctions_in`` for the units an auction keeps (``kit/auctions.py``). Columns are data (profile.toml).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import NamedTuple

from adapters.kit.auctions import Auction
from adapters.kit.file_form import FileFormat, FileRow, NotThisFormat, RowProblem, RowReader
from adapters.kit.japanese import label_key
from adapters.kit.order_mail import JST, date_jst, moment_jst
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, cell_of, columns_of, units_of
from adapters.yahoo_auctions.codes import AUCTION_EXPECTED, is_auction, listing
from ledger.terms import CODE_CHARACTERS_MAX

UNITS_MAX = 9_999  # lots one auction may offer; NOTES.md "Lists"

HAS_BIDS, BUY_NOW_ONLY, ENDED = "has_bids", "buy_now_only", "ended"

_LISTING = ("auction", "own_code", "title", "units", "bids", "start_price", "buy_now_price", "ends_at", "state")
_SOLD = ("order", "auction", "own_code", "title", "ordered_at")
_PRICE_MAX = 999_999_999


class _List(NamedTuple):
    """Where the columns of one list stand, and what they are called there."""

    width: int
    places: Mapping[str, int]
    titles: Mapping[str, str]
    ended_states: frozenset[str]
    sold: bool

    def cell(self, cells: Sequence[str], name: str) -> str:
        return cell_of(cells, self.places.get(name)).strip()

    def problem(self, line: int, cells: Sequence[str], name: str, expected: str) -> RowProblem:
        return RowProblem(line, self.titles[name], self.cell(cells, name)[:50], expected)


def open_listing(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the rows of a list of auctions, or what shows that the file is another one."""
    found = _listing_list(header, profile)
    return found if isinstance(found, NotThisFormat) else _reader(found)


def open_sold(header: Sequence[str], profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the rows of 落札データ一覧, or what shows that the file is another one."""
    found = _sold_list(header, profile)
    return found if isinstance(found, NotThisFormat) else _reader(found)


LISTING_CSV = FileFormat(
    name="listing",
    label="出品リストCSV（ストアクリエイターPro・オークタウン）",
    kind="products",
    file_name_patterns=("*auction*.csv", "*出品*.csv"),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_listing,
)
SOLD_CSV = FileFormat(
    name="sold",
    label="落札データ一覧CSV（落札ナビ > 落札データ一覧 > ダウンロード）",
    kind="products",
    file_name_patterns=("*落札*.csv", "*rakusatsu*.csv"),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_sold,
)


def auctions_in(
    header: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]], profile: Profile
) -> Iterator[Auction | RowProblem] | NotThisFormat:
    """Every auction of either list, with what it offers, its bids and its end; and every row that is not understood."""
    found = _sold_list(header, profile)
    if isinstance(found, NotThisFormat):
        found = _listing_list(header, profile)
    if isinstance(found, NotThisFormat):
        return found
    table = found
    return (_auction(line, cells, table) for line, cells in rows if any(cells))


# ------------------------------------------------------------------ headers


def _listing_list(header: Sequence[str], profile: Profile) -> _List | NotThisFormat:
    keys = {label_key(cell) for cell in header}
    sold = next((one for one in profile.texts("file.sold.sold_columns") if label_key(one) in keys), None)
    if sold is not None:
        return NotThisFormat(f"column {sold}: that is a list of sold auctions")
    return _list(header, profile, "listing", _LISTING, required=("auction", "title"), sold=False)


def _sold_list(header: Sequence[str], profile: Profile) -> _List | NotThisFormat:
    keys = {label_key(cell) for cell in header}
    if not any(label_key(one) in keys for one in profile.texts("file.sold.sold_columns")):
        return NotThisFormat(f"none of the columns {', '.join(profile.texts('file.sold.sold_columns'))}")
    found = _list(header, profile, "sold", _SOLD, required=("auction", "own_code"), sold=True)
    if not isinstance(found, NotThisFormat):
        return found
    by_place = _sold_by_place(header, profile)
    return found if by_place is None else by_place


def _sold_by_place(header: Sequence[str], profile: Profile) -> _List | None:
    """落札データ一覧 as it was seen: 21 columns of which only some names are known. None for any other file."""
    word = profile.text("file.sold.positional_word")
    if len(header) != profile.number("file.sold.positional_width") or not any(word in cell for cell in header):
        return None
    places = {
        name: profile.number(f"file.sold.position_{name}") - 1
        for name in ("order", "own_code", "ordered_at", "auction")
    }
    return _List(len(header), places, {name: header[at] for name, at in places.items()}, frozenset(), sold=True)


def _list(
    header: Sequence[str], profile: Profile, table: str, names: Sequence[str], *, required: Sequence[str], sold: bool
) -> _List | NotThisFormat:
    keys = {label_key(cell) for cell in header}
    spelt: dict[str, tuple[str]] = {}
    for name in names:
        spellings = profile.texts(f"file.{table}.{name}")
        spelt[name] = (next((one for one in spellings if label_key(one) in keys), spellings[0]),)
    places = columns_of(header, spelt, required=required)
    if isinstance(places, NotThisFormat):
        return places
    ended = frozenset(profile.texts("file.listing.ended_states"))
    return _List(len(header), places, {name: spelt[name][0] for name in places}, ended, sold)


# ------------------------------------------------------------------ rows


def _reader(table: _List) -> RowReader:
    return lambda rows: _rows(rows, table)


def _rows(rows: Iterable[tuple[int, Sequence[str]]], table: _List) -> Iterator[FileRow | RowProblem]:
    """One row an auction. Of a sold auction with several winners the first row links it, the others say the same."""
    seen: dict[int, int] = {}  # 64-bit hashes: a million ids as text would take 120 MB
    for line, cells in rows:
        if not any(cells):
            continue
        found = _auction(line, cells, table)
        if isinstance(found, RowProblem):
            yield found
            continue
        key, link = hash(found.auction), hash(found.own_code)
        if key not in seen:
            seen[key] = link
            yield _file_row(line, found)
        elif not table.sold or seen[key] != link:
            expected = "one row for each auction; it stood in an earlier row"
            yield RowProblem(line, table.titles["auction"], found.auction, expected)


def _file_row(line: int, auction: Auction) -> FileRow:
    flags = {
        HAS_BIDS: bool(auction.bids),
        BUY_NOW_ONLY: auction.buy_now_only,
        ENDED: auction.ended,
    }
    return FileRow(
        line,
        listing(auction.auction),
        None,
        matches={"own_code": auction.own_code} if auction.own_code else {},
        codes=(auction.own_code,) if auction.own_code else (),
        name=auction.title,
        flags=frozenset(flag for flag, said in flags.items() if said),
    )


def _auction(line: int, cells: Sequence[str], table: _List) -> Auction | RowProblem:
    if len(cells) != table.width:
        return RowProblem(line, "", f"{len(cells)} cells", f"{table.width} cells as in the header")
    auction, own_code = table.cell(cells, "auction"), table.cell(cells, "own_code")
    if not is_auction(auction):
        return table.problem(line, cells, "auction", AUCTION_EXPECTED)
    if len(own_code) > CODE_CHARACTERS_MAX or (own_code and not own_code.isprintable()):
        return table.problem(line, cells, "own_code", f"at most {CODE_CHARACTERS_MAX} characters on one line")
    units = units_of(table.cell(cells, "units"), units_max=UNITS_MAX)
    bids = units_of(table.cell(cells, "bids"))
    start, buy_now = (_price(table.cell(cells, name)) for name in ("start_price", "buy_now_price"))
    for name, number in (("units", units), ("bids", bids), ("start_price", start), ("buy_now_price", buy_now)):
        if isinstance(number, NotUnits):
            return table.problem(line, cells, name, number.expected)
    assert not isinstance(units, NotUnits)
    assert not isinstance(bids, NotUnits)
    if units == 0:
        return table.problem(line, cells, "units", f"blank or 1 to {UNITS_MAX}")
    ends_at = _ends_at(table.cell(cells, "ends_at"))
    if isinstance(ends_at, NotUnits):
        return table.problem(line, cells, "ends_at", ends_at.expected)
    return Auction(
        auction,
        own_code,
        " ".join(table.cell(cells, "title").split()),
        units or 1,
        bids,
        buy_now_only=buy_now not in (None, 0) and start == buy_now,
        ends_at=ends_at,
        ended=table.sold or table.cell(cells, "state") in table.ended_states,
    )


def _ends_at(cell: str) -> datetime | NotUnits | None:
    """When the auction ends; of a date alone the day's beginning, so that nothing is asked for too late."""
    moment, day = moment_jst(cell), date_jst(cell)
    if moment is not None or not cell:
        return moment
    return NotUnits("a date and a time of day") if day is None else datetime.combine(day, time(), JST).astimezone(UTC)


def _price(cell: str) -> int | NotUnits | None:
    return units_of(cell.removesuffix("円").strip(), units_max=_PRICE_MAX)
