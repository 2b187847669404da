"""Files of カラーミーショップ: what a cell says comes out exactly, whatever the order of the columns."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from adapters.colorme.files import open_options, open_products
from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.table import open_table
from tests.adapters.colorme.shop import profile

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)


def rows_of(kind: str, *lines: list[str]) -> list[FileRow | RowProblem]:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    table = open_table([text.getvalue().encode()])
    reader = (open_products if kind == "products" else open_options)(table.header, profile())
    assert not isinstance(reader, NotThisFormat), reader
    return list(reader(table.rows))


@given(model=TEXT, units=st.integers(0, 9_999_999), wide=st.booleans(), order=st.permutations(range(4)))
def test_codes_and_counts_of_products_come_out_as_they_stand(
    model: str, units: int, wide: bool, order: list[int]
) -> None:
    digits = str(units).translate({48 + n: 0xFF10 + n for n in range(10)}) if wide else str(units)
    header, cells = ["商品ID", "型番", "在庫数", "メモ"], ["00123", model, digits, "x"]
    (row,) = rows_of("products", [header[at] for at in order], [cells[at] for at in order])
    assert isinstance(row, FileRow)
    assert (row.key.item, row.key.variant, row.units) == ("00123", "", units)
    assert row.matches.get("own_code", "") == model.strip()


@given(option1=TEXT.filter(lambda text: text.strip() != ""), option2=TEXT)
def test_the_texts_of_options_are_kept_exactly(option1: str, option2: str) -> None:
    (row,) = rows_of("options", ["商品ID", "オプション名1", "オプション名2", "在庫数"], ["5", option1, option2, "3"])
    assert isinstance(row, FileRow)
    assert row.key.variant == (f"{option1}　x　{option2}" if option2 else option1)


@given(cell=TEXT)
def test_a_cell_is_a_count_or_nothing_or_a_problem_and_never_a_guess(cell: str) -> None:
    (row,) = rows_of("products", ["商品ID", "型番", "在庫数"], ["5", "T", cell])
    if isinstance(row, FileRow):
        assert row.units is not None or not cell.strip() or row.unlimited
    else:
        assert row.column == "在庫数"


def test_each_listing_stands_once() -> None:
    header = ["商品ID", "オプション名1", "在庫数"]
    found = rows_of("options", header, ["5", "赤", "1"], ["5", "青", "2"], ["5", "赤", "3"])
    assert [row.units for row in found if isinstance(row, FileRow)] == [1, 2]
    assert [row.row for row in found if isinstance(row, RowProblem)] == [4]


def test_the_two_forms_are_told_apart_by_their_columns() -> None:
    assert isinstance(open_products(["商品ID", "型番", "在庫数", "オプション1"], profile()), NotThisFormat)
    assert isinstance(open_options(["商品ID", "型番", "在庫数"], profile()), NotThisFormat)
    twice = open_products(["商品ID", "型番", "在庫数", "在庫数"], profile())
    assert twice == NotThisFormat("column 在庫数 stands 2 times; expected once")
