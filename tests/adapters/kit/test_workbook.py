"""Workbooks become the tables they are, and one that is too large or not what it says is refused."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kit import workbook as kit
from adapters.kit.table import TableRefused, open_table
from adapters.kit.workbook import as_table, csv_of_workbook
from tests.adapters.kit.workbooks import packed, workbook

DOCTYPE = '<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaaaa">]>'


def text_of(content: bytes) -> str:
    return b"".join(csv_of_workbook(io.BytesIO(content))).decode()


def chunks(content: bytes, size: int = 7) -> Iterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


def test_text_comes_out_exactly_and_numbers_without_a_fraction_of_zero() -> None:
    content = workbook([["code", "名前", "n"], ["0012", " ①㈱,髙 ", 12.0], ["=1+1", '"', 1.5], [True, None, -3]])
    assert text_of(content) == 'code,名前,n\r\n0012," ①㈱,髙 ",12\r\n=1+1,"""",1.5\r\nTRUE,,-3\r\n'


def test_rows_keep_their_numbers_also_below_blank_ones_and_line_breaks() -> None:
    content = workbook([["code", "n"], [], ["a\nb", 1], [], ["c", 2]])
    table = open_table([text_of(content).encode()])
    assert list(table.rows) == [(3, ["a\vb", "1"]), (5, ["c", "2"])]


def test_the_first_visible_sheet_is_read() -> None:
    assert text_of(workbook([["code"], ["a"]], before={"説明": "hidden", "内部": "veryHidden"})) == "code\r\na\r\n"


def test_a_sheet_that_lies_about_its_size_is_read_whole() -> None:
    whole = workbook([["code"], ["a"], ["b"]])
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:A1"/><sheetData>'
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="B2"><v>2</v></c></row></sheetData></worksheet>'
    )
    assert text_of(workbook([], sheet=sheet)) == "1\r\n,2\r\n"
    assert text_of(whole) == "code\r\na\r\nb\r\n"


def test_a_table_that_is_no_workbook_stays_as_it_is() -> None:
    for content in (b"", b"a", b"code,n\r\na,1\r\n" * 10, b"PK,n\r\na,1\r\n"):
        assert b"".join(as_table(chunks(content))) == content
        assert b"".join(as_table([content])) == content


def test_a_workbook_that_comes_in_pieces_becomes_its_table() -> None:
    content = workbook([["code", "n"], ["0012", 3]])
    for size in (1, 3, 1000):
        assert b"".join(as_table(chunks(content, size))) == b"code,n\r\n0012,3\r\n"


def test_formatted_rows_without_text_end_the_table() -> None:
    rows: list[list[str]] = [["code"], ["a"], *[[""]] * 1_001, ["far below"]]
    assert text_of(workbook(rows)) == "code\r\na\r\n"


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04",
        b"PK\x03\x04" + b"x" * 100,
        packed({}),
        packed({"a.csv": b"code,n\r\n"}),
        packed({"xl/workbook.xml": b"<workbook/>"}),
        workbook([["a"]])[:-30],
        workbook([["a"]], workbook="<workbook"),
        workbook([["a"]], types="<Types/>"),
        workbook([], sheet="<worksheet><sheetData><row>"),
        workbook([], sheet=DOCTYPE + "<worksheet/>"),
    ],
    ids=["mark", "mark and more", "empty", "csv", "bare", "cut", "torn", "typeless", "broken sheet", "entities"],
)
def test_what_is_no_workbook_is_refused(content: bytes) -> None:
    with pytest.raises(TableRefused):
        text_of(content)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = packed({"xl/worksheets/sheet1.xml": b"0" * 30_000_000})
    assert len(bomb) < 40_000
    with pytest.raises(TableRefused, match="unpacks to at most"):
        text_of(bomb)
    many = packed({f"xl/{number}": b"" for number in range(kit.PARTS_MAX + 1)})
    with pytest.raises(TableRefused, match="at most 1000 parts"):
        text_of(many)


def test_a_workbook_with_too_many_columns_is_refused_with_its_row() -> None:
    with pytest.raises(TableRefused) as refused:
        text_of(workbook([["code"], ["x"] * 2_001]))
    assert refused.value.problem.row == 2


def test_a_byte_changed_anywhere_gives_a_table_or_a_refusal() -> None:
    content = workbook([["code", "n"], ["0012", 3], ["0013", 4]])
    for at in range(0, len(content), 5):
        damaged = content[:at] + bytes([content[at] ^ 0x41]) + content[at + 1 :]
        try:
            text_of(damaged)
        except TableRefused:
            continue


_TEXT = st.text("Aa0 ①あ,\"'=<&;", max_size=6)


@given(st.lists(st.lists(_TEXT, min_size=1, max_size=3), min_size=1, max_size=4))
def test_any_text_comes_back_as_it_was_written(rows: list[list[str]]) -> None:
    wanted = [row[: max((at + 1 for at, cell in enumerate(row) if cell), default=0)] for row in rows]
    found = list(csv.reader(io.StringIO(text_of(workbook(rows)), newline="")))
    while wanted and not wanted[-1]:
        wanted.pop()
    assert found == wanted
