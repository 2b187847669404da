"""Table files: every encoding, every break, every limit; what cannot be read is refused with its line."""

import csv
import io
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kit.file_form import NotThisFormat, RowProblem
from adapters.kit.table import (
    CELL_CHARACTERS_MAX,
    COLUMNS_MAX,
    LINE_CHARACTERS_MAX,
    NotUnits,
    TableRefused,
    cell_of,
    columns_of,
    encoding_of,
    open_table,
    units_of,
)

HEADER = "商品管理番号（商品URL）,在庫数\r\n"


def rows(content: bytes, *, size: int = 7, delimiter: str = ",") -> list[tuple[int, list[str]]]:
    table = open_table(chunks(content, size), delimiter=delimiter)
    return [(line, list(cells)) for line, cells in table.rows]


def chunks(content: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


def refusal(content: bytes) -> str:
    with pytest.raises(TableRefused) as caught:
        rows(content)
    return str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp932", "cp932"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_every_encoding_is_found_by_its_bytes(encoding: str, found: str, size: int) -> None:
    table = open_table(chunks((HEADER + "abc①髙,5\r\n").encode(encoding), size))
    assert table.encoding == found
    assert table.header == ("商品管理番号（商品URL）", "在庫数")
    assert [(line, list(cells)) for line, cells in table.rows] == [(2, ["abc①髙", "5"])]


@pytest.mark.parametrize("encoding", ["cp932", "utf-8"])
def test_japanese_that_comes_late_is_read_in_its_own_encoding(encoding: str) -> None:
    content = ("code,name\r\n" + "a,b\r\n" * 100_000).encode() + "z,見本①髙\r\n".encode(encoding)
    assert rows(content, size=65_536)[-1] == (100_002, ["z", "見本①髙"])


def test_a_cell_with_line_breaks_is_one_row_and_the_next_keeps_its_line() -> None:
    assert rows(b'a,b\r\n1,"x\r\ny,\n""z"""\r\n\r\n2,w') == [(2, ["1", 'x\ny,\n"z"']), (6, ["2", "w"])]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_every_line_end_is_a_line_end(ending: str, size: int) -> None:
    assert rows(ending.join(("a,b", "1,2", "3,4", "")).encode(), size=size) == [(2, ["1", "2"]), (3, ["3", "4"])]


def test_tabs_part_cells_where_the_format_says_so() -> None:
    assert rows(b"a\tb\n1,0\t2\n", delimiter="\t") == [(2, ["1,0", "2"])]


def test_leading_zeros_and_spaces_of_codes_are_kept() -> None:
    assert rows(b"a,b\n007, x \n") == [(2, ["007", " x "])]


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize("bad", [b"\xfd", b"\x80", b"\x81\x20", b"\xa0"])
def test_a_bad_byte_is_refused_with_its_line(size: int, bad: bytes) -> None:
    content = "コード,在庫数\r\nあ,1\r\n".encode("cp932") + bad + b",2\r\n" + "い,3\r\n".encode("cp932")
    with pytest.raises(TableRefused) as caught:
        rows(content, size=size)
    assert (caught.value.problem.row, caught.value.problem.value) == (3, f"byte 0x{bad[:1].hex().upper()}")


def test_a_bad_byte_far_into_the_file_is_refused_with_its_line() -> None:
    table = open_table(chunks(HEADER.encode("cp932") + b"abc,1\r\n" * 200_000 + b"\x81\x20,2\r\n", 65_536))
    with pytest.raises(TableRefused, match="row 200002: 'byte 0x81'; expected text in cp932"):
        list(table.rows)


def test_a_file_cut_in_the_middle_of_a_character_is_refused_with_its_line() -> None:
    assert refusal("コード,数\nあ,1\nい".encode("cp932")[:-1]).startswith("row 3")


def test_a_nul_is_refused_with_its_line() -> None:
    assert "row 3" in refusal("コード,数\r\nあ,1\r\nb\0,2\r\n".encode("cp932"))
    assert "NUL" in refusal(b"code,units\na\0b,2\n")


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", b"\xef\xbb\xbf", b" ", b"\xff\xfe"])
def test_an_empty_file_is_refused(content: bytes) -> None:
    assert "the file is empty" in refusal(content)


def test_limits_are_named() -> None:
    long_cell = "x" * (CELL_CHARACTERS_MAX + 1)
    assert f"cells of at most {CELL_CHARACTERS_MAX}" in refusal(f"a,b\n1,2\n{long_cell},3\n".encode())
    with pytest.raises(TableRefused, match=f"lines of at most {LINE_CHARACTERS_MAX}"):
        list(open_table(chunks(b"a,b\n" + b"x" * (LINE_CHARACTERS_MAX + 100_000), 65_536)).rows)
    assert f"at most {COLUMNS_MAX}" in refusal(b"," * COLUMNS_MAX + b"\n1\n")


def test_a_quote_that_never_ends_is_refused_at_the_row_it_begins() -> None:
    assert refusal(b'a,b\n1,2\n"3,4\n' + b"5,6\n" * 100_000).startswith("row 3")


def test_memory_does_not_grow_with_the_file() -> None:
    block = ('管理,"名前",' + "1" * 20 + "\r\n").encode("cp932") * 1000
    tracemalloc.start()
    table = open_table(iter([HEADER.encode("cp932"), *([block] * 200)]))
    count = sum(1 for _ in table.rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 200_000
    assert peak < 8_000_000, peak


# ------------------------------------------------------------------ counts


@pytest.mark.parametrize(
    ("cell", "units"),
    [
        ("0", 0),
        ("5", 5),
        ("１２", 12),
        ("1,000", 1000),
        ("１，０００", 1000),
        (" 7 ", 7),
        ("007", 7),
        ("9999999", 9_999_999),
        ("", None),
        ("　", None),
    ],
)
def test_a_count_in_a_cell_is_read_and_blank_is_no_number(cell: str, units: int | None) -> None:
    assert units_of(cell) == units


@pytest.mark.parametrize(
    "cell",
    ["-1", "－１", "+1", "33.0", "1.5", "NaN", "nan", "inf", "1e3", "abc", "1,00", "0x1", "²", "①②", "null", "五"],
)
def test_what_is_no_count_says_what_is_expected(cell: str) -> None:
    found = units_of(cell)
    assert isinstance(found, NotUnits)
    assert "9999999" in found.expected


@pytest.mark.parametrize("cell", ["2147483648", "99999999999999999999", "１０００００００", "10,000,000"])
def test_a_count_that_is_too_large_says_so(cell: str) -> None:
    assert isinstance(units_of(cell), NotUnits)


def test_a_mall_s_own_maximum_is_kept() -> None:
    assert units_of("99999", units_max=99_999) == 99_999
    assert units_of("100000", units_max=99_999) == NotUnits("0 to 99999")


@given(st.text(max_size=30))
def test_no_cell_raises_and_every_count_is_in_range(cell: str) -> None:
    found = units_of(cell)
    assert found is None or isinstance(found, NotUnits) or 0 <= found <= 9_999_999


# ------------------------------------------------------------------ headers


def test_columns_are_found_by_name_in_any_width_and_order() -> None:
    wanted = {"item": ("商品管理番号（商品URL）",), "units": ("在庫数", "数量"), "name": ("商品名",)}
    assert columns_of(["数量", "x", "商品管理番号(商品URL)"], wanted, required=("item", "units")) == {
        "item": 2,
        "units": 0,
    }


def test_a_missing_or_doubled_column_is_named() -> None:
    wanted = {"item": ("商品コード",), "units": ("在庫数",)}
    assert columns_of(["在庫数"], wanted, required=("item", "units")) == NotThisFormat("column 商品コード is missing")
    assert columns_of(["商品コード", "在庫数", "在庫数"], wanted, required=()) == NotThisFormat(
        "column 在庫数 stands 2 times; expected once"
    )
    assert (cell_of(["a"], 0), cell_of(["a"], 3), cell_of(["a"], None)) == ("a", "", "")


# ------------------------------------------------------------------ anything at all


cells = st.text(st.characters(codec="cp932", exclude_characters="\0\r\x80¢£¬‖−〜\uf8f0\uf8f1\uf8f2\uf8f3"), max_size=8)


@given(st.lists(st.lists(cells, min_size=2, max_size=4), min_size=2, max_size=12), st.integers(1, 40))
def test_what_was_written_as_csv_is_read_back(table: list[list[str]], size: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows([["番号", "見出し"], *table])
    assert [cells for _, cells in rows(text.getvalue().encode("cp932"), size=size)] == [list(row) for row in table]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_read_or_refused(content: bytes, size: int) -> None:
    problem: RowProblem | None = None
    lines: list[int] = []
    try:
        lines = [line for line, _ in rows(content, size=size)]
    except TableRefused as refused:
        problem = refused.problem
    assert problem is None or (problem.row >= 1 and problem.expected)
    assert all(line >= 2 for line in lines)


def test_an_encoding_that_fits_nothing_is_the_one_that_fits_furthest() -> None:
    assert encoding_of("あいう".encode("cp932") + b"\xff") == "cp932"
    assert encoding_of(b"abc") == "ascii"
