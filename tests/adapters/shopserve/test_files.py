"""The stock CSV of ショップサーブ: texts and counts come out as they stand, and what was written reads back."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.table import open_table
from adapters.shopserve.codes import JOINT
from adapters.shopserve.files import TextNotWritable, open_stock, write_stock
from ledger.terms import ListingKey, ListingLevel
from tests.adapters.shopserve.shop import profile

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20)
WORD = TEXT.filter(lambda text: text.strip() != "" and JOINT.strip() not in text)


def exact(text: str) -> bool:
    """Whether CP932 has the text as it is."""
    return text.encode("cp932", "replace").decode("cp932", "replace") == text


def rows_of(content: bytes) -> list[FileRow | RowProblem]:
    table = open_table([content], encodings=("utf-8", "cp932"))
    reader = open_stock(table.header, profile())
    assert not isinstance(reader, NotThisFormat), reader
    return list(reader(table.rows))


def table(*lines: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


@given(choices=st.lists(WORD, min_size=1, max_size=3), units=st.integers(0, 9_999_999), wide=st.booleans())
def test_choices_and_counts_come_out_as_they_stand(choices: list[str], units: int, wide: bool) -> None:
    digits = str(units).translate({48 + n: 0xFF10 + n for n in range(10)}) if wide else str(units)
    header = ["在庫数", "バリエーション3", "バリエーション2", "商品番号", "バリエーション1"]
    padded = [*choices, "", ""][:3]
    (row,) = rows_of(table(header, [digits, padded[2], padded[1], "00123", padded[0]]))
    assert isinstance(row, FileRow)
    assert (row.key, row.units) == (ListingKey("00123", JOINT.join(choices)), units)


@given(st.lists(st.tuples(st.integers(0, 999), st.lists(WORD, max_size=3), st.integers(0, 9_999_999)), max_size=8))
def test_what_was_written_reads_back(written: list[tuple[int, list[str], int]]) -> None:
    found = {ListingKey(f"{item:04d}", JOINT.join(choices)): units for item, choices, units in written}
    with_choices = {key.item for key in found if key.variant}
    levels = [ListingLevel(k, units) for k, units in found.items() if k.variant or k.item not in with_choices]
    try:
        content = b"".join(write_stock(levels, profile()))
    except TextNotWritable:
        assert any(not exact(str(level.key)) for level in levels)
        return
    read = {row.key: row.units for row in rows_of(content) if isinstance(row, FileRow)}
    assert read == {level.key: level.units for level in levels}


@given(cell=TEXT)
def test_a_cell_is_a_count_without_limit_blank_or_a_problem(cell: str) -> None:
    (row,) = rows_of(table(["商品番号", "バリエーション1", "在庫数"], ["5", "赤", cell]))
    if isinstance(row, FileRow):
        assert row.units is not None or row.unlimited or not cell.strip()
        assert not (row.units is not None and row.unlimited)
    else:
        assert row.column == "在庫数"


def test_a_text_that_the_file_would_change_is_refused_with_its_row() -> None:
    levels = [ListingLevel(ListingKey("a", "赤"), 1), ListingLevel(ListingKey("b", "10〜20cm"), 1)]
    with pytest.raises(TextNotWritable, match="row 3"):
        list(write_stock(levels, profile()))


def test_a_file_that_may_be_another_malls_is_not_taken() -> None:
    refused = open_stock(["商品番号", "在庫数"], profile())
    assert refused == NotThisFormat("columns バリエーション1 and 在庫無制限フラグ are missing; expected one of them")
    assert isinstance(open_stock(["商品番号", "バリエーション1"], profile()), NotThisFormat)
