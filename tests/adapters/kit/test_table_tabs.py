"""Tab separated tables have no quoting: a quotation mark is a character like any other."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.kit.table import open_table

CELLS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFFFF, exclude_categories=("Cs", "Cc", "Zl", "Zp")))


def rows(content: bytes) -> list[list[str]]:
    return [list(cells) for _, cells in open_table([content], delimiter="\t").rows]


def test_a_name_that_begins_with_a_quotation_mark_swallows_no_row() -> None:
    content = 'sku\tname\nA\t"24型" TV\nB\t"開いたまま\nC\t,"x",\n'
    assert rows(content.encode()) == [["A", '"24型" TV'], ["B", '"開いたまま'], ["C", ',"x",']]


@given(st.lists(st.tuples(CELLS, CELLS), max_size=20))
def test_every_cell_is_read_as_it_was_written(table: list[tuple[str, str]]) -> None:
    text = "見出し\t値\r\n" + "".join(f"x{first}\t{second}\r\n" for first, second in table)
    assert rows(text.encode()) == [[f"x{first}", second] for first, second in table]
