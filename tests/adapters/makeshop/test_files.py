"""MakeShop's CSVs: codes exactly, blank is not zero, and what is written is read back."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.profile import corrected
from adapters.kit.table import open_table
from adapters.makeshop.files import OPTIONS, PRODUCTS, write_stock
from ledger.terms import ListingKey, ListingLevel
from tests.adapters.makeshop.shop import PROFILE

CODES = st.text(
    st.characters(codec="cp932", exclude_categories=("C", "Z"), exclude_characters="¢£¬‖−〜"), min_size=1, max_size=50
).filter(lambda text: text.strip() == text and text not in ("無制限", "NULL"))


def rows_of(content: bytes) -> list[FileRow | RowProblem]:
    table = open_table([content])
    for one in (OPTIONS, PRODUCTS):
        reader = one.open(table.header, PROFILE)
        if not isinstance(reader, NotThisFormat):
            return list(reader(table.rows))
    raise AssertionError(table.header)


def written(cells: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(cells)
    return text.getvalue().encode("utf-8-sig")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(CODES, CODES, st.integers(0, 999_999)), min_size=1, max_size=5, unique_by=lambda row: row[0]))
def test_codes_come_out_exactly_as_they_stand(rows: list[tuple[str, str, int]]) -> None:
    content = written(
        [["システム商品コード", "独自商品コード", "商品名", "数量"], *([a, b, "x", str(n)] for a, b, n in rows)]
    )
    read = [row for row in rows_of(content) if isinstance(row, FileRow)]
    assert [(row.key.item, row.matches["own_code"], row.units) for row in read] == rows


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.text(max_size=12))
def test_a_number_cell_is_a_count_unlimited_or_a_problem_and_nothing_else(cell: str) -> None:
    content = written(
        [["システム商品コード", "独自商品コード", "商品名", "数量"], ["000000000001", "item-01", "x", cell]]
    )
    if "\0" in content.decode() or any(mark in cell for mark in "\r\n"):
        return
    (read,) = rows_of(content)
    if isinstance(read, FileRow):
        assert (read.units is None) == read.unlimited
        assert read.unlimited == (cell.strip() in ("", "無制限", "NULL"))
    else:
        assert read.column == "数量"


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(CODES, CODES | st.just(""), st.integers(0, 999_999)), max_size=5, unique_by=lambda row: row[:2])
)
def test_a_written_file_reads_back_as_what_was_written(rows: list[tuple[str, str, int]]) -> None:
    levels = [ListingLevel(ListingKey(item, variant), units) for item, variant, units in rows]
    read = rows_of(b"".join(write_stock(levels, PROFILE)))
    assert [(row.key, row.units) for row in read if isinstance(row, FileRow)] == [
        (one.key, one.units) for one in levels
    ]


def test_a_large_file_is_written_in_pieces() -> None:
    levels = [ListingLevel(ListingKey(f"{n:012d}"), n) for n in range(2_500)]
    pieces = list(write_stock(levels, PROFILE))
    assert len(pieces) == 3
    assert len(rows_of(b"".join(pieces))) == 2_500
    with pytest.raises(AssertionError):
        list(write_stock([ListingLevel(ListingKey("1"), 1_000_000)], PROFILE))


def test_an_option_file_is_not_a_product_file_and_the_other_way_round() -> None:
    option = ["システム商品コード", "独自商品コード", "商品名", "数量", "オプション独自コード"]
    assert isinstance(PRODUCTS.open(option, PROFILE), NotThisFormat)
    assert not isinstance(OPTIONS.open(option, PROFILE), NotThisFormat)
    assert isinstance(OPTIONS.open(option[:-1], PROFILE), NotThisFormat)


def test_a_shop_corrects_the_names_of_columns_and_the_joiner() -> None:
    profile = corrected(PROFILE, {"files.option_code": ["枝番号"], "files.joiner": "-"})
    table = open_table(
        [written([["システム商品コード", "独自商品コード", "枝番号", "数量"], ["1", "item-01", "BL", "3"]])]
    )
    reader = OPTIONS.open(table.header, profile)
    assert not isinstance(reader, NotThisFormat)
    (row,) = reader(table.rows)
    assert isinstance(row, FileRow)
    assert (row.key, row.matches["own_code"]) == (ListingKey("1", "BL"), "item-01-BL")
