"""The stock CSV of Yahoo!ショッピング: parents are not stock, blank is not zero, and a large file needs little memory."""

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.table import TableRefused, open_table
from adapters.yahoo_shopping import files
from adapters.yahoo_shopping.files import FileTooLong, open_stock, write_stock
from ledger.terms import ListingKey, ListingLevel

PROFILE = adapters.profile("yahoo_shopping")
HEADER = ["code", "sub-code", "quantity"]


def read(content: bytes) -> list[FileRow | RowProblem]:
    table = open_table([content], encodings=files.STOCK_CSV.encodings)
    reader = open_stock(table.header, PROFILE)
    assert not isinstance(reader, NotThisFormat), reader
    return list(reader(table.rows))


def shown(content: bytes) -> dict[str, int | None]:
    rows = read(content)
    assert all(isinstance(row, FileRow) for row in rows), rows
    return {str(row.key): row.units for row in rows if isinstance(row, FileRow)}


def test_a_parent_is_not_stock_wherever_its_variants_stand() -> None:
    rows = ["a,,5", "b,,6", "a,red,1", "c,x,2", "c,,9"]
    want = {"a/red": 1, "c/x": 2, "b": 6}
    assert shown("\n".join(["code,sub-code,quantity", *rows]).encode()) == want
    assert shown("\n".join(["code,sub-code,quantity", *reversed(rows)]).encode()) == want


def test_a_parent_of_variants_that_are_all_wrong_is_still_not_stock() -> None:
    found = read(b"code,sub-code,quantity\na,,5\na,red,many\n")
    assert [type(row) for row in found] == [RowProblem]


def test_blank_is_no_number_and_zero_is_zero() -> None:
    assert shown(b"code,sub-code,quantity\na,,\nb,,0\nc,, \n") == {"a": None, "b": 0, "c": None}
    first = read(b"code,sub-code,quantity\na,,\n")[0]
    assert isinstance(first, FileRow)
    assert first.unlimited


def test_the_default_match_key_is_the_variants_code_else_the_items() -> None:
    variant, plain = read(b"code,sub-code,quantity\na,a-red,1\nb,,2\n")
    assert isinstance(variant, FileRow)
    assert isinstance(plain, FileRow)
    assert files.MATCH_KEYS[0].name == "sub_code_or_code"
    assert variant.matches == {
        "sub_code_or_code": "a-red",
        "code_and_sub_code": "a:a-red",
        "code": "a",
        "sub_code": "a-red",
    }
    assert plain.matches == {"sub_code_or_code": "b", "code_and_sub_code": "b", "code": "b"}


def test_a_problem_says_row_column_value_and_what_was_expected() -> None:
    found = read(b"quantity,code,sub-code,mode\n-3,a,,\n3,b,,+\n")
    assert [str(one) for one in found] == [
        "row 2, column quantity: '-3'; expected a whole number from 0 to 9999999",
        "row 3, column mode: '+'; expected blank: a row with + or - says a difference, not the stock",
    ]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (["商品管理番号（商品URL）", "SKU管理番号", "在庫数"], "column code is missing"),
        (["path", "name", "code", "sub-code", "price"], "column quantity is missing"),
        (["code", "sub-code", "quantity", "code"], "column code stands 2 times; expected once"),
    ],
)
def test_another_file_is_told_by_its_header(header: list[str], reason: str) -> None:
    assert open_stock(header, PROFILE) == NotThisFormat(reason)


def test_a_written_file_sets_absolute_numbers() -> None:
    levels = [ListingLevel(ListingKey("test1234"), 6), ListingLevel(ListingKey("item-01", "blue"), 0)]
    content = b"".join(write_stock(levels, PROFILE))
    assert content == b"code,sub-code,quantity,mode\r\ntest1234,,6,\r\nitem-01,blue,0,\r\n"


def test_a_file_longer_than_the_mall_takes_is_said_before_it_is_sent() -> None:
    levels = [ListingLevel(ListingKey(f"i-{n}"), n) for n in range(20_001)]
    assert len(b"".join(write_stock(levels[:-1], PROFILE)).splitlines()) == 20_001
    with pytest.raises(FileTooLong, match="row 20,001 of a stock CSV; expected at most 20,000"):
        list(write_stock(levels, PROFILE))


CODE = st.text(alphabet="abA1-", min_size=1, max_size=3)
ROW = st.tuples(CODE, st.one_of(st.just(""), CODE), st.one_of(st.none(), st.integers(0, 9_999_999)))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(rows=st.lists(ROW, max_size=12), order=st.permutations(HEADER))
def test_any_order_of_rows_and_columns_gives_the_same_stock(
    rows: list[tuple[str, str, int | None]], order: list[str]
) -> None:
    with_variants = {item for item, variant, _ in rows if variant}
    first: dict[tuple[str, str], int | None] = {}
    for item, variant, units in rows:
        first.setdefault((item, variant), units)
    want = {key: units for key, units in first.items() if key[1] or key[0] not in with_variants}
    cells = [
        dict(zip(HEADER, (item, variant, "" if units is None else str(units)), strict=True))
        for item, variant, units in rows
    ]
    lines = [",".join(order), *(",".join(row[name] for name in order) for row in cells)]
    found = read(("\r\n".join(lines) + "\r\n").encode("cp932"))
    assert {(row.key.item, row.key.variant): row.units for row in found if isinstance(row, FileRow)} == want
    assert sum(isinstance(row, RowProblem) for row in found) == len(rows) - len(first)


def test_waiting_rows_are_kept_on_disk_not_in_memory() -> None:
    def rows() -> Iterator[tuple[int, list[str]]]:
        yield from ((line, [f"item-{line:07d}", "", "7", "名" * 500]) for line in range(2, 12_002))

    reader = open_stock([*HEADER, "name"], PROFILE)
    assert not isinstance(reader, NotThisFormat)
    tracemalloc.start()
    count = sum(1 for _ in reader(rows()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 12_000
    assert peak < 12_000_000, "12 MB of names went through"


def test_a_file_with_too_many_rows_is_refused_and_not_half_read() -> None:
    rows = [(line, [f"i-{line}", "", "1"]) for line in range(2, 13)]
    columns = {name: place for place, name in enumerate(HEADER)}
    assert len(list(files._Reader(columns, rows_max=11)(rows))) == 11
    with pytest.raises(TableRefused, match="row 12: '11 rows'; expected at most 10 rows in one file"):
        list(files._Reader(columns, rows_max=10)(rows))
