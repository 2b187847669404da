"""A mall that lists everything says every listing with its number, page by page, over real HTTP."""

import pytest

import adapters
from adapters.kit.file_form import FileRow
from adapters.kit.mall import ReadFailed, StockPage
from ledger.terms import Result
from tests.adapters.emulated import Connected, connected, key_of

READING = [code for code, mall in adapters.malls().items() if callable(mall.read_all)]
LISTINGS = 120  # more than one page of any mall
PAGES_MAX = 50


def everything(shop: Connected) -> list[FileRow]:
    rows: list[FileRow] = []
    cursor = ""
    assert callable(shop.mall.read_all)
    for _ in range(PAGES_MAX):
        page = shop.mall.read_all(shop.access, cursor)
        assert isinstance(page, StockPage), page
        rows += [row for row in page.rows if isinstance(row, FileRow)]
        assert len(page.rows) <= LISTINGS
        cursor = page.cursor
        if not cursor:
            return rows
    raise AssertionError("the reading does not end")


@pytest.mark.parametrize("code", READING)
def test_every_listing_is_read_with_the_number_the_mall_shows(code: str) -> None:
    with connected(adapters.mall(code)) as shop:
        keys = [key_of(shop.mall, number) for number in range(1, LISTINGS + 1)]
        for number, key in enumerate(keys):
            shop.shop.set_stock(key, number % 7)
        read = everything(shop)
        assert {row.key: row.units for row in read} == {key: number % 7 for number, key in enumerate(keys)}
        assert len(read) == LISTINGS
        names = {match.name for match in shop.mall.match_keys}
        assert all(set(row.matches) <= names and row.matches for row in read), "the shop's match key names our SKU"


@pytest.mark.parametrize("code", READING)
@pytest.mark.parametrize(
    ("kind", "status", "result"),
    [
        ("status", 401, Result.REJECTED_AUTH),
        ("status", 429, Result.THROTTLED),
        ("status", 500, Result.TRANSIENT),
        ("garbage", 0, Result.TRANSIENT),
    ],
)
def test_a_reading_that_fails_says_so(code: str, kind: str, status: int, result: Result) -> None:
    with connected(adapters.mall(code)) as shop:
        shop.shop.set_stock(key_of(shop.mall, 1), 5)
        assert everything(shop)
        shop.meets(kind, status=status)
        assert callable(shop.mall.read_all)
        failed = shop.mall.read_all(shop.access, "")
        assert isinstance(failed, ReadFailed)
        assert failed.result == result
