"""What is written for people to open in Excel is read again as it was, and a cell of it never runs."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.kit.table import open_table
from adapters.kit.table_writing import CP932, UTF_8, NotInCp932, TableWriter, TextOrNumber, marked, unmarked

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
LIKE_NUMBERS = st.from_regex(r"'{0,2}[=+\-@＝(]?[0-9０-９.:/,eE% -]{0,8}", fullmatch=True)


def written(rows: list[list[TextOrNumber]], *, encoding: str = UTF_8, excel: bool = False, exact: bool = True) -> bytes:
    writer = TableWriter(["a", "b"], encoding=encoding, excel=excel, exact=exact)
    return b"".join(chunk for row in rows for chunk in writer.add(row)) + writer.rest()


def read(content: bytes) -> list[list[str]]:
    return [[unmarked(cell) for cell in cells] for _, cells in open_table([content]).rows]


@settings(max_examples=500)
@given(st.lists(st.tuples(TEXTS | LIKE_NUMBERS, TEXTS | LIKE_NUMBERS), max_size=5), st.booleans())
@example([("'=1", "''007"), ("'", "''"), ("-", "007")], True)
def test_every_text_is_read_again_as_it_was(rows: list[tuple[str, str]], excel: bool) -> None:
    found = read(written([list(row) for row in rows], excel=excel))
    # A line break inside a cell is LF, whatever it was: that is how tables are read.
    assert found == [[cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row] for row in rows]


@settings(max_examples=500)
@given(TEXTS | LIKE_NUMBERS, st.booleans())
def test_no_cell_begins_as_a_formula_does(text: str, excel: bool) -> None:
    assert not marked(text, excel=excel).startswith(DANGEROUS)


@pytest.mark.parametrize("text", ["=1+1", "+81", "-5", "@SUM(A1)", "\tx", "\rx", "＝1", '=HYPERLINK("http://x")'])
def test_a_formula_becomes_a_text(text: str) -> None:
    assert marked(text) == f"'{text}"


def test_numbers_stay_numbers_also_below_zero_and_blank_is_not_zero() -> None:
    assert written([[-3, None], [0, 1_000_000]]) == b"\xef\xbb\xbfa,b\r\n-3,\r\n0,1000000\r\n"


@pytest.mark.parametrize(
    "text", ["007", "4901234567894", "1-2", "1/2", "10:30", "1E5", "１２", "Mar-1", "TRUE", " 7", "1.50"]
)
def test_what_excel_would_change_is_marked_when_it_is_asked_and_kept_as_it_is_else(text: str) -> None:
    assert marked(text) == text
    assert marked(text, excel=True) == f"'{text}"


@pytest.mark.parametrize("text", ["A-1", "0", "12", "商品1", "'A", ""])
def test_what_excel_leaves_alone_is_not_marked(text: str) -> None:
    assert marked(text, excel=True) == text


def test_cp932_is_read_again_as_it_was_or_refused_by_row_column_and_place() -> None:
    codes: list[list[TextOrNumber]] = [["①髙㈱～", "ﾊﾝｶｸ"]]
    assert read(written(codes, encoding=CP932)) == [["①髙㈱～", "ﾊﾝｶｸ"]]
    for lacking in ("𠮷", "é", "〜", "−", "‖", "¢", "\x80", "\uf8f0", "😀"):
        with pytest.raises(NotInCp932, match=rf"row 3, column b: U\+{ord(lacking):04X} at place 2; .*UTF-8"):
            written([["x", "y"], ["x", f"a{lacking}"]], encoding=CP932)


@settings(max_examples=300)
@given(TEXTS)
def test_cp932_never_changes_a_code_silently(text: str) -> None:
    try:
        content = written([[text, "b"]], encoding=CP932)
    except NotInCp932:
        return
    assert content.decode(CP932).split("\r\n", 1)[1].encode(CP932) == content.split(b"\r\n", 1)[1]
    assert [unmarked(cell) for cell in read_as_cp932(content)] == [text.replace("\r\n", "\n").replace("\r", "\n"), "b"]


def read_as_cp932(content: bytes) -> list[str]:
    (row,) = [list(cells) for _, cells in open_table([content], encodings=(CP932,)).rows]
    return row


def test_a_list_in_cp932_has_a_geta_for_what_is_lacking_and_counts_it() -> None:
    writer = TableWriter(["a"], encoding=CP932)
    content = b"".join(writer.add(["𠮷野〜〓é"])) + writer.rest()
    assert content.decode(CP932) == "a\r\n〓野～〓〓\r\n"
    assert writer.replaced == 2


def test_what_is_written_comes_in_chunks_and_nothing_is_held_behind_them() -> None:
    writer = TableWriter(["a", "b"])
    sizes = [len(chunk) for n in range(20_000) for chunk in writer.add(["x" * 20, n])]
    assert len(sizes) > 5
    assert max(sizes) < 70_000
    assert writer.rows == 20_000
    assert len(writer.rest()) < 70_000
    assert writer.rest() == b""
