"""Rows of products with variants: their own row is no stock, wherever it stands, and no listing stands twice."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.kit.file_form import FileRow, RowProblem
from adapters.kit.parent_rows import without_parents
from ledger.terms import ListingKey


def twice(row: FileRow) -> RowProblem:
    return RowProblem(row.row, "code", row.key.item, "once")


def row(number: int, item: str, variant: str = "", units: int | None = 1) -> FileRow:
    return FileRow(number, ListingKey(item, variant), units, matches={"sku": f"{item}{variant}"}, codes=(item,))


def test_a_row_of_a_product_whose_variants_come_later_is_left_out_and_others_come_whole() -> None:
    alone = FileRow(
        5,
        ListingKey("c"),
        None,
        unlimited=True,
        matches={"sku": "ｃ"},
        codes=("c", "1"),
        name="名\n前",
        jan="49",
        product="c",
        flags=frozenset({"preorder"}),
    )
    problem = RowProblem(9, "在庫数", "x", "a count")
    rows: list[FileRow | RowProblem] = [
        row(2, "a"),
        row(3, "b", "red"),
        alone,
        problem,
        row(6, "a", "blue"),
        row(7, "b"),
    ]
    assert list(without_parents(rows, twice=twice)) == [rows[1], problem, rows[4], alone]


def test_a_listing_in_a_second_row_is_a_problem() -> None:
    assert list(without_parents([row(2, "a"), row(3, "a"), row(4, "a", "x"), row(5, "a", "x")], twice=twice)) == [
        twice(row(3, "a")),
        row(4, "a", "x"),
        twice(row(5, "a", "x")),
    ]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x", "y"])), max_size=20))
def test_each_listing_that_is_stock_comes_out_once(named: list[tuple[str, str]]) -> None:
    rows = [row(number, item, variant) for number, (item, variant) in enumerate(named, start=2)]
    out = [one.key for one in without_parents(rows, twice=twice) if isinstance(one, FileRow)]
    parents = {item for item, variant in named if variant}
    wanted = {ListingKey(item, variant) for item, variant in named if variant or item not in parents}
    assert len(out) == len(set(out))
    assert set(out) == wanted
