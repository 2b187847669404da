"""futureshop's CSVs: codes exactly, signs are no counts, both buckets, and what is written is read back."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.futureshop.files import (
    GOODS,
    STOCK,
    VARIATIONS,
    PreorderNotWritten,
    StockFileTooLong,
    write_stock,
)
from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.profile import corrected
from adapters.kit.table import open_table
from ledger.terms import ListingKey, ListingLevel
from tests.adapters.futureshop.shop import KEPT, PROFILE

ITEMS = st.text(st.sampled_from("abcXYZ019-_."), min_size=1, max_size=32)
BRANCHES = st.text(st.sampled_from("abcXYZ019-_"), max_size=9)


def rows_of(content: bytes) -> list[FileRow | RowProblem]:
    table = open_table([content])
    for one in (VARIATIONS, STOCK, GOODS):
        reader = one.open(table.header, PROFILE)
        if not isinstance(reader, NotThisFormat):
            return list(reader(table.rows))
    raise AssertionError(table.header)


def written(cells: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(cells)
    return text.getvalue().encode("utf-8-sig")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(ITEMS, BRANCHES, BRANCHES, st.integers(0, 9_999_999)), max_size=5, unique_by=lambda row: row[:3])
)
def test_a_written_file_reads_back_as_what_was_written(rows: list[tuple[str, str, str, int]]) -> None:
    levels = [
        ListingLevel(ListingKey(item, f"{down}:{across}" if across else down), units)
        for item, down, across, units in rows
    ]
    read = rows_of(b"".join(write_stock(levels, PROFILE)))
    assert [(row.key, row.units) for row in read if isinstance(row, FileRow)] == [
        (one.key, one.units) for one in levels
    ]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text(max_size=10))
def test_a_number_cell_is_a_count_nothing_or_a_problem(cell: str) -> None:
    if any(mark in cell for mark in "\r\n\0"):
        return
    (read,) = rows_of(written([["コントロールカラム", "商品番号", "在庫数"], ["", "gd1", cell]]))
    if isinstance(read, FileRow):
        assert (read.units is None) == (cell.strip() == "")
        assert cell.strip()[:1] not in ("+", "-")
    else:
        assert (read.column, read.row) == ("在庫数", 2)


def test_a_file_has_at_most_a_thousand_products_and_no_preorder_stock() -> None:
    levels = [ListingLevel(ListingKey(f"gd{n}", branch), n) for n in range(1_000) for branch in ("a", "b")]
    assert len(rows_of(b"".join(write_stock(levels, PROFILE)))) == 2_000
    with pytest.raises(StockFileTooLong, match="at most 1,000"):
        list(write_stock([*levels, ListingLevel(ListingKey("one-more"), 1)], PROFILE))
    with pytest.raises(PreorderNotWritten, match="予約"):
        list(write_stock([ListingLevel(KEPT, 1)], PROFILE))


def test_a_shop_corrects_the_names_of_columns_and_the_joiner() -> None:
    profile = corrected(PROFILE, {"files.vertical": ["軸1"], "files.horizontal": ["軸2"], "files.joiner": "-"})
    table = open_table([written([["商品番号", "軸1", "軸2", "在庫数"], ["gd1", "rd", "m", "3"]])])
    reader = VARIATIONS.open(table.header, profile)
    assert not isinstance(reader, NotThisFormat)
    (row,) = reader(table.rows)
    assert isinstance(row, FileRow)
    assert row.key == ListingKey("gd1", "rd:m")
    assert row.matches["item_branches"] == "gd1-m-rd"
    assert row.matches["item_branches_vertical_first"] == "gd1-rd-m"


def test_files_of_malls_with_like_columns_are_not_ours() -> None:
    for other in ("商品管理番号（商品URL）", "商品管理番号(商品url)", "SKU管理番号", "在庫タイプ"):
        header = ["コントロールカラム", "商品番号", "商品名", "在庫数", other]
        assert isinstance(GOODS.open(header, PROFILE), NotThisFormat)
        assert isinstance(STOCK.open([*header[:2], *header[3:]], PROFILE), NotThisFormat)
