"""The lists of auctions: they link ids to the merchant's 管理番号 and state no number."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters.kit.auctions import Auction
from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.profile import Profile, corrected
from adapters.yahoo_auctions.files import auctions_in, open_listing, open_sold
from ledger.terms import ListingKey

PROFILE = adapters.profile("yahoo_auctions")
LISTING = ("管理番号", "オークションID", "タイトル", "開始価格", "即決価格", "個数", "入札件数", "終了日時", "状態")
SOLD = ("注文ID", "管理番号", "注文日時", "オークションID", "落札価格")
ROW = ("A-1", "x1234567890", "時計", "1,000", "", "2", "0", "2026/11/27 22:10", "出品中")
quickly = settings(max_examples=80, deadline=None, derandomize=True)


def rows_of(header: Sequence[str], *rows: Sequence[str], profile: Profile = PROFILE) -> list[FileRow | RowProblem]:
    reader = open_listing(header, profile)
    if isinstance(reader, NotThisFormat):
        reader = open_sold(header, profile)
    assert not isinstance(reader, NotThisFormat), reader
    return list(reader(enumerate(rows, start=2)))


def auction_of(row: Sequence[str], header: Sequence[str] = LISTING) -> Auction | RowProblem:
    found = auctions_in(header, [(2, row)], PROFILE)
    assert not isinstance(found, NotThisFormat)
    return next(iter(found))


def with_cell(place: int, cell: str) -> tuple[str, ...]:
    return (*ROW[:place], cell, *ROW[place + 1 :])


def test_a_row_links_the_id_to_the_own_code_and_states_no_number() -> None:
    (row,) = rows_of(LISTING, ROW)
    assert isinstance(row, FileRow)
    assert row.key == ListingKey("x1234567890")
    assert (row.units, row.unlimited) == (None, False), "what an auction offers is not the stock there is"
    assert (row.matches, row.codes, row.name) == ({"own_code": "A-1"}, ("A-1",), "時計")


def test_an_auction_says_what_it_offers_its_bids_and_its_end() -> None:
    end = datetime(2026, 11, 27, 13, 10, tzinfo=UTC)
    assert auction_of(ROW) == Auction("x1234567890", "A-1", "時計", 2, 0, ends_at=end)
    assert auction_of(with_cell(6, "")) == Auction("x1234567890", "A-1", "時計", 2, None, ends_at=end)
    assert auction_of(with_cell(4, "1000円")) == Auction("x1234567890", "A-1", "時計", 2, 0, True, end)


def test_an_end_known_by_date_is_that_days_beginning() -> None:
    found = auction_of(with_cell(7, "2026/11/27"))
    assert isinstance(found, Auction)
    assert found.ends_at == datetime(2026, 11, 26, 15, 0, tzinfo=UTC)


def test_a_sold_auction_is_over() -> None:
    found = auction_of(("samplestore-1", "A-1", "2026/11/20 09:04:05", "x1234567890", "1000"), SOLD)
    assert found == Auction("x1234567890", "A-1", ended=True)


@quickly
@given(st.integers(0, 8), st.text(max_size=12))
def test_any_cell_is_read_or_is_a_problem_of_its_own_column(place: int, cell: str) -> None:
    (row,) = rows_of(LISTING, with_cell(place, cell))
    assert isinstance(row, FileRow) or row.column == LISTING[place]


def test_leading_zeros_and_letters_are_kept() -> None:
    (row,) = rows_of(LISTING, ("00012", "00012345678", "x", "1", "", "", "", "", ""))
    assert isinstance(row, FileRow)
    assert (row.key.item, row.matches["own_code"]) == ("00012345678", "00012")


def test_a_list_of_another_mall_is_refused_and_says_why() -> None:
    assert isinstance(open_listing(("商品ID", "商品名", "在庫数"), PROFILE), NotThisFormat)
    refused = open_listing(SOLD, PROFILE)
    assert isinstance(refused, NotThisFormat)
    assert "sold" in refused.reason
    assert isinstance(open_sold(LISTING, PROFILE), NotThisFormat)
    assert isinstance(auctions_in(("商品ID",), [], PROFILE), NotThisFormat)


def test_columns_by_place_need_the_width_and_the_word() -> None:
    header = ["落札価格", *(f"c{n}" for n in range(20))]
    assert not isinstance(open_sold(header, PROFILE), NotThisFormat)
    assert isinstance(open_sold(header[:20], PROFILE), NotThisFormat)
    assert isinstance(open_sold(["価格", *header[1:]], PROFILE), NotThisFormat)


def test_a_merchant_corrects_the_columns_and_the_file_is_read() -> None:
    own = corrected(PROFILE, {"file.listing.auction": ["番号"], "file.listing.title": ["品"]})
    (row,) = rows_of(("番号", "品"), ("x1234567890", "時計"), profile=own)
    assert isinstance(row, FileRow)
    assert row.name == "時計"
