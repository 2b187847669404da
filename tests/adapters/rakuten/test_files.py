"""The item file in and the stock file out: what the samples do not show."""

import tracemalloc
from collections.abc import Iterator
from itertools import islice

import pytest

import adapters
from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.table import open_table
from adapters.rakuten import MALL
from adapters.rakuten.files import (
    ITEM,
    STOCK_FILE_ROWS_MAX,
    UNITS,
    VARIANT,
    StockFileTooLong,
    open_normal_item,
    write_stock,
)
from ledger.terms import ListingKey, ListingLevel
from tests.adapters.rakuten.sample_files import NUMBER, OWN, Row, parent, sku, table

PROFILE = adapters.profile("rakuten")


def read(content: bytes) -> list[FileRow | RowProblem]:
    opened = open_table([content])
    reader = open_normal_item(opened.header, PROFILE)
    assert not isinstance(reader, NotThisFormat), reader
    return list(reader(opened.rows))


def rows(content: bytes) -> list[FileRow]:
    found = read(content)
    return [row for row in found if isinstance(row, FileRow)]


def test_the_default_match_key_never_merges_two_listings_without_an_own_code() -> None:
    content = [
        parent("shirt", "S-1"),
        sku("shirt", "1", "5"),
        sku("shirt", "2", "6", "OWN-2"),
        parent("cup"),
        sku("cup", "1", "7"),
    ]
    assert MALL.match_keys[0].name == "own_code"
    assert [row.matches["own_code"] for row in rows(table(content))] == ["shirt-1", "OWN-2", "cup"]


def test_every_declared_match_key_is_in_every_row() -> None:
    for row in rows(table([sku("a", "1", "5"), sku("b", "1", "6"), sku("b", "2", "7")])):
        assert set(row.matches) == {key.name for key in MALL.match_keys}


def test_only_the_single_sku_of_an_item_is_named_by_the_item_number_alone() -> None:
    content = [
        parent("one", "N-1"),
        sku("one", "x", "1"),
        parent("two", "N-2"),
        sku("two", "x", "1"),
        sku("two", "y", "1"),
    ]
    assert [row.codes for row in rows(table(content))] == [("N-1", "N-1/x"), ("N-2/x",), ("N-2/y",)]


@pytest.mark.parametrize("missing", [ITEM, VARIANT, UNITS])
def test_a_file_without_a_needed_column_is_not_this_format(missing: str) -> None:
    found = open_normal_item([name for name in (ITEM, NUMBER, VARIANT, OWN, UNITS) if name != missing], PROFILE)
    assert found == NotThisFormat(f"column {missing} is missing")


def test_a_column_that_stands_twice_is_refused() -> None:
    assert isinstance(open_normal_item([ITEM, VARIANT, UNITS, UNITS], PROFILE), NotThisFormat)


def test_headers_of_another_width_are_the_same_columns() -> None:
    assert not isinstance(
        open_normal_item(["商品管理番号(商品URL)", "ＳＫＵ管理番号", " 在庫数 "], PROFILE), NotThisFormat
    )


def test_rows_come_while_the_file_is_read_and_memory_stays_small() -> None:
    def endless() -> Iterator[tuple[int, list[str]]]:
        for number in range(1_000_000_000):
            yield number + 2, [f"item{number // 3}", str(number % 3), "5"]

    reader = open_normal_item([ITEM, VARIANT, UNITS], PROFILE)
    assert not isinstance(reader, NotThisFormat)
    tracemalloc.start()
    count = sum(isinstance(row, FileRow) for row in islice(reader(endless()), 20_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 20_000 * 200, "a row keeps its number of the seen keys and nothing else"


def test_the_stock_file_is_cp932_with_crlf_and_three_columns() -> None:
    levels = [ListingLevel(ListingKey("Shirt", "aB"), 70), ListingLevel(ListingKey("cup", "007"), 0)]
    content = b"".join(write_stock(levels, PROFILE))
    assert content.decode("cp932") == f"{ITEM},{VARIANT},{UNITS}\r\nshirt,aB,70\r\ncup,007,0\r\n"


def test_a_stock_file_has_no_more_rows_than_the_mall_takes() -> None:
    def levels(count: int) -> Iterator[ListingLevel]:
        return (ListingLevel(ListingKey("i", str(n)), 1) for n in range(count))

    written = b"".join(write_stock(levels(STOCK_FILE_ROWS_MAX), PROFILE))
    assert written.count(b"\r\n") == STOCK_FILE_ROWS_MAX + 1
    with pytest.raises(StockFileTooLong, match="60,000"):
        for _ in write_stock(levels(STOCK_FILE_ROWS_MAX + 1), PROFILE):
            pass


@pytest.mark.parametrize("units", [-1, 100_000])
def test_a_number_the_mall_cannot_show_is_never_written(units: int) -> None:
    with pytest.raises(AssertionError):
        list(write_stock([ListingLevel(ListingKey("a", "1"), units)], PROFILE))


def test_a_problem_says_row_column_value_and_what_was_expected() -> None:
    spoilt: list[Row] = [sku("a", "1", "-")]
    assert str(read(table(spoilt))[0]) == "row 2, column 在庫数: '-'; expected a whole number from 0 to 9999999"
