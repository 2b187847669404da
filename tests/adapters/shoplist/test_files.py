"""SHOPLIST's stock files: what is written is read back, what is read is exactly what stands there."""

import io
import zipfile
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.profile import Profile, corrected
from adapters.kit.table import open_table
from adapters.shoplist.files import open_item, open_select, write_stock
from ledger.terms import ListingKey, ListingLevel

PROFILE = adapters.profile("shoplist")
ITEM = ("商品管理番号（商品URL）", "商品番号", "在庫タイプ", "在庫数")
SELECT = ("商品管理番号（商品URL）", "選択肢タイプ", "横子番号", "縦子番号", "在庫数")

CODE = st.text(alphabet="abcXYZ012-_", min_size=1, max_size=32)
CHILD = st.text(alphabet="abcXYZ012-_", max_size=12)
UNITS = st.integers(0, 99_999)
quickly = settings(max_examples=60, deadline=None, derandomize=True)


def read(content: bytes, profile: Profile = PROFILE) -> list[FileRow | RowProblem]:
    table = open_table([content])
    found = [one(table.header, profile) for one in (open_select, open_item)]
    reader = next(one for one in found if not isinstance(one, NotThisFormat))
    return list(reader(table.rows))


def item_rows(*rows: Sequence[str]) -> list[FileRow | RowProblem]:
    reader = open_item(ITEM, PROFILE)
    assert not isinstance(reader, NotThisFormat)
    return list(reader(enumerate(rows, start=2)))


def select_rows(*rows: Sequence[str]) -> list[FileRow | RowProblem]:
    reader = open_select(SELECT, PROFILE)
    assert not isinstance(reader, NotThisFormat)
    return list(reader(enumerate(rows, start=2)))


def levels_of(rows: Sequence[FileRow | RowProblem]) -> list[tuple[ListingKey, int | None]]:
    return [(row.key, row.units) for row in rows if isinstance(row, FileRow)]


@quickly
@given(st.dictionaries(st.tuples(CODE, CHILD, CHILD).filter(lambda key: key[1] + key[2] != ""), UNITS, min_size=1))
def test_a_written_select_file_reads_back_as_the_numbers_written(numbers: dict[tuple[str, str, str], int]) -> None:
    levels = [
        ListingLevel(ListingKey(item, f"{across}/{down}" if down else across), units)
        for (item, across, down), units in numbers.items()
    ]
    content = b"".join(write_stock(levels, PROFILE))
    assert levels_of(read(content)) == [(level.key, level.units) for level in levels]


@quickly
@given(st.dictionaries(CODE, UNITS, min_size=1))
def test_a_written_item_file_reads_back_as_the_numbers_written(numbers: dict[str, int]) -> None:
    levels = [ListingLevel(ListingKey(item), units) for item, units in numbers.items()]
    content = b"".join(write_stock(levels, PROFILE))
    assert levels_of(read(content)) == [(level.key, level.units) for level in levels]


def test_items_and_choices_together_are_a_zip_of_the_two_files() -> None:
    levels = [ListingLevel(ListingKey("a"), 1), ListingLevel(ListingKey("b", "-s/-red"), 2)]
    content = b"".join(write_stock(levels, PROFILE))
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.namelist() == ["item.csv", "select.csv"]
        assert levels_of(read(packed.read("item.csv"))) == [(ListingKey("a"), 1)]
        assert levels_of(read(packed.read("select.csv"))) == [(ListingKey("b", "-s/-red"), 2)]
    assert content == b"".join(write_stock(levels, PROFILE)), "the same numbers are the same bytes"


def test_a_stock_file_is_written_as_the_mall_expects_it() -> None:
    content = b"".join(write_stock([ListingLevel(ListingKey("test001", "-s/-red"), 2)], PROFILE)).decode("cp932")
    header, row, rest = content.split("\r\n")
    assert header.startswith('"項目選択肢用コントロールカラム","商品管理番号（商品URL）","選択肢タイプ",')
    assert (row, rest) == ('"u","test001","i","-s","-red","2"', "")
    assert b"".join(write_stock([], PROFILE)).decode("cp932").count("\r\n") == 1


def test_a_merchant_corrects_a_column_name_and_it_is_read_and_written() -> None:
    own = corrected(PROFILE, {"file.item.units": ["在庫"], "file.item.management_number": ["管理番号"]})
    content = b"".join(write_stock([ListingLevel(ListingKey("a"), 3)], own))
    assert '"管理番号","在庫タイプ","在庫"' in content.decode("cp932")
    assert levels_of(read(content, own)) == [(ListingKey("a"), 3)]


@quickly
@given(st.text(max_size=12))
def test_a_number_is_a_count_or_a_problem_and_blank_is_no_number(cell: str) -> None:
    (row,) = item_rows(("a", "", "1", cell))
    if isinstance(row, RowProblem):
        assert row.column == "在庫数"
        assert row.value == cell.strip()[:50]
    elif cell.strip():
        assert row.units is not None
        assert 0 <= row.units <= 9_999_999
    else:
        assert row.units is None
        assert not row.unlimited


def test_no_stock_kept_is_unlimited_and_is_no_number() -> None:
    (row,) = item_rows(("a", "", "0", "99"))
    assert isinstance(row, FileRow)
    assert (row.units, row.unlimited) == (None, True)


def test_the_row_of_an_item_with_choices_is_no_stock() -> None:
    assert item_rows(("a", "", "2", "7")) == []


def test_a_listing_is_known_by_both_of_its_numbers() -> None:
    (row,) = item_rows(("page-1", "0012", "1", "7"))
    assert isinstance(row, FileRow)
    assert row.codes == ("0012", "page-1")
    assert row.matches == {"number_children": "0012", "management_children": "page-1"}


def test_child_numbers_are_joined_without_a_hyphen_of_ours() -> None:
    with_hyphens, without = select_rows(("op1", "i", "-s", "-red", "1"), ("op1", "i", "01", "02", "1"))
    assert isinstance(with_hyphens, FileRow)
    assert isinstance(without, FileRow)
    assert with_hyphens.matches["number_children"] == "op1-s-red"
    assert without.matches["number_children"] == "op10102"


def test_a_row_that_deletes_is_not_stock() -> None:
    reader = open_item(("コントロールカラム", *ITEM), PROFILE)
    assert not isinstance(reader, NotThisFormat)
    (problem,) = reader([(2, ("d", "a", "", "1", "7"))])
    assert isinstance(problem, RowProblem)
    assert str(problem).startswith("row 2, column コントロールカラム: 'd'; expected")


def test_a_file_with_another_malls_columns_is_refused_and_says_which() -> None:
    refused = open_item((*ITEM, "在庫戻しフラグ"), PROFILE)
    assert isinstance(refused, NotThisFormat)
    assert "在庫戻しフラグ" in refused.reason
    assert isinstance(open_select((*SELECT, "項目選択肢別在庫用取り寄せ可能表示"), PROFILE), NotThisFormat)


def test_a_file_without_both_axes_is_not_a_select_file_and_one_with_an_axis_no_item_file() -> None:
    one_axis = ("商品管理番号（商品URL）", "選択肢タイプ", "横子番号", "在庫数")
    assert isinstance(open_select(one_axis, PROFILE), NotThisFormat)
    assert isinstance(open_item(one_axis, PROFILE), NotThisFormat)
    assert isinstance(open_item(("商品番号", "在庫数"), PROFILE), NotThisFormat), "any shop's file has these two"
    assert not isinstance(open_item(("商品番号", "在庫タイプ", "在庫数"), PROFILE), NotThisFormat)
    assert isinstance(open_select(("横子番号", "縦子番号", "在庫数"), PROFILE), NotThisFormat)
