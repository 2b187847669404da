"""Qoo10's files: what a file says comes out exactly, and a workbook says what its CSV would."""

import io
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import adapters
from adapters.kit.file_form import FileFormat, FileRow, NotThisFormat, RowProblem
from adapters.kit.profile import corrected
from adapters.kit.recognise import NotRecognised, recognise
from adapters.kit.table import open_table
from adapters.kit.workbook import csv_of_workbook
from adapters.qoo10.files import (
    GOODS_LIST,
    GRID,
    ITEM_TEMPLATE,
    PRICE_STOCK,
    STOCK_FILES,
    OptionWithoutCode,
    write_stock,
)
from ledger.terms import ListingKey, ListingLevel
from tests.adapters import want
from tests.adapters.qoo10.make_samples import FOLDER
from tests.adapters.qoo10.sample_files import GOODS, GUIDE, ITEMS
from tests.adapters.qoo10.sample_files import PRICE_STOCK as PRICE_STOCK_HEADER

PROFILE = adapters.profile("qoo10")
WORKBOOKS = sorted(FOLDER.glob("*.xlsx"))


def read(form: FileFormat, content: bytes) -> list[FileRow | RowProblem]:
    table = open_table([content], encodings=form.encodings)
    reader = form.open(table.header, PROFILE)
    assert not isinstance(reader, NotThisFormat), reader
    return list(reader(table.rows))


def csv_of(*rows: Sequence[object]) -> bytes:
    return "".join(",".join(map(str, row)) + "\r\n" for row in rows).encode()


@pytest.mark.parametrize("sample", WORKBOOKS, ids=[path.stem for path in WORKBOOKS])
def test_a_workbook_is_read_as_its_want_says(sample: Path) -> None:
    table = b"".join(csv_of_workbook(io.BytesIO(sample.read_bytes())))
    said = want.file_said(sample.name, table, mall="qoo10")
    wanted = want.want_of(sample.with_name(f"{sample.name}.xlsx"))
    assert said == want.complete_file_want(wanted, said, mall="qoo10")


def test_every_kind_of_file_is_told_apart_by_its_header() -> None:
    for sample in FOLDER.glob("*.csv"):
        wanted = want.want_of(sample)
        if "refused" in wanted:
            continue
        found = recognise("data.csv", sample.read_bytes(), adapters.candidates())
        if isinstance(found, NotRecognised):
            assert "format" not in wanted
        else:
            assert (found.mall, found.format.name) == ("qoo10", wanted.get("format"))


def test_guide_rows_are_passed_only_where_stock_stands_below_them() -> None:
    stock = ["1234567890", "A-01", "g", "", "", 12]
    assert [row.row for row in read(PRICE_STOCK, csv_of(PRICE_STOCK_HEADER, *GUIDE, stock))] == [5]
    without_stock = read(PRICE_STOCK, csv_of(PRICE_STOCK_HEADER, *GUIDE))
    assert [type(row) for row in without_stock] == [RowProblem] * 3
    among = read(
        PRICE_STOCK, csv_of(PRICE_STOCK_HEADER, stock, GUIDE[0], ["1234567891", *stock[1:]], ["1234567892", *stock[1:]])
    )
    assert [type(row) for row in among] == [FileRow, RowProblem, FileRow, FileRow]


def test_wrong_numbers_in_the_first_rows_are_reported_and_not_taken_for_a_guide() -> None:
    wrong = ["1234567890", "A-01", "g", "", "", "many"]
    rows = read(PRICE_STOCK, csv_of(PRICE_STOCK_HEADER, wrong, wrong, wrong, ["1234567891", "A-02", "g", "", "", 1]))
    assert [type(row) for row in rows] == [RowProblem] * 3 + [FileRow]


def test_the_stock_file_comes_back_as_it_was_written() -> None:
    levels = [
        ListingLevel(ListingKey("1234567890"), 12),
        ListingLevel(ListingKey("1234567892", "RED,S"), 0),
        ListingLevel(ListingKey("000123", "0012"), 9999),
        ListingLevel(ListingKey("Ａ①"), 1),
    ]
    content = b"".join(write_stock(levels, PROFILE))
    assert content.startswith(
        b"\xef\xbb\xbfitem_number,seller_unique_item_id,edit_type,seller_unique_option_id,Price,quantity\r\n"
    )
    assert [(row.key, row.units) for row in read(PRICE_STOCK, content) if isinstance(row, FileRow)] == [
        (level.key, level.units) for level in levels
    ]


def test_a_long_stock_file_is_written_in_pieces() -> None:
    levels = [ListingLevel(ListingKey(str(1_000_000_000 + number)), number % 100) for number in range(2_500)]
    pieces = list(write_stock(iter(levels), PROFILE))
    assert len(pieces) == 3
    assert [row.units for row in read(PRICE_STOCK, b"".join(pieces)) if isinstance(row, FileRow)] == [
        one.units for one in levels
    ]


def test_an_option_without_a_code_cannot_stand_in_the_stock_file() -> None:
    with pytest.raises(OptionWithoutCode, match="row 3"):
        list(
            write_stock(
                [ListingLevel(ListingKey("1234567890"), 1), ListingLevel(ListingKey("1234567893", "色$$赤"), 1)],
                PROFILE,
            )
        )


_CODE = st.text('Aa01０①あ㈱,-_#"=+', min_size=1, max_size=12)


@given(st.dictionaries(st.tuples(_CODE, _CODE | st.just("")), st.integers(0, 9_999), min_size=1, max_size=5))
def test_any_codes_come_back_from_the_stock_file(stock: dict[tuple[str, str], int]) -> None:
    levels = [ListingLevel(ListingKey(item, variant), units) for (item, variant), units in stock.items()]
    usable = [one for one in levels if "$$" not in one.key.variant and "||*" not in one.key.variant]
    found = read(PRICE_STOCK, b"".join(write_stock(usable, PROFILE)))
    assert [(row.key, row.units) for row in found if isinstance(row, FileRow)] == [
        (one.key, one.units) for one in usable
    ]


@given(st.text('019０９，,.-+ 　eE①²一x"', max_size=9))
def test_a_cell_is_a_count_or_a_problem_and_never_another_number(cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    (found,) = read(GOODS_LIST, csv_of([*GOODS[:2], "数量"], ["1234567890", "A-01", quoted]))
    if isinstance(found, FileRow) and found.units is not None:
        digits = cell.translate(str.maketrans("０９，", "09,")).replace(",", "").strip()
        assert int(digits) == found.units


@given(st.text('a1|*$0 あ\\"', max_size=30))
def test_whatever_stands_in_option_info_the_row_is_read_or_reported(info: str) -> None:
    quoted = '"' + info.replace('"', '""') + '"'
    rows = read(ITEM_TEMPLATE, csv_of(ITEMS, ["1234567892", "A-02", "1", "x", "Y", "1", "1", quoted, ""]))
    assert all(isinstance(row, FileRow | RowProblem) for row in rows)


def test_a_long_file_is_read_row_by_row() -> None:
    def rows() -> Iterator[tuple[int, Sequence[str]]]:
        for number in count():
            yield number + 2, (str(1_000_000_000 + number), f"A-{number}", "5")

    reader = GOODS_LIST.open(("商品番号", "販売者商品コード", "数量"), PROFILE)
    assert not isinstance(reader, NotThisFormat)
    assert all(isinstance(row, FileRow) for row in islice(reader(rows()), 2_000))


@pytest.mark.parametrize("form", STOCK_FILES, ids=[form.name for form in STOCK_FILES])
def test_no_format_takes_a_list_of_orders_or_an_empty_header(form: FileFormat) -> None:
    for header in (("注文番号", "商品番号", "販売者商品コード", "数量", "オプションコード"), ("",), ()):
        assert isinstance(form.open(header, PROFILE), NotThisFormat)


def test_a_shop_may_correct_what_a_file_calls_its_columns() -> None:
    header = ("番号", "オプションコード", "残り")
    assert isinstance(GRID.open(header, PROFILE), NotThisFormat)
    profile = corrected(PROFILE, {"files.item_code": ["番号"], "files.units": ["残り"]})
    reader = GRID.open(header, profile)
    assert not isinstance(reader, NotThisFormat)
    (found,) = reader([(2, ("1234567892", "RED_S", "4"))])
    assert isinstance(found, FileRow)
    assert (found.key, found.units) == (ListingKey("1234567892", "RED_S"), 4)
