"""Amazon's reports: the right column, FBA never as 0, cells exactly as they stand, and the file for upload."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.amazon import files
from adapters.kit.file_form import FileFormat, FileRow, NotThisFormat, RowProblem
from adapters.kit.table import open_table
from ledger.terms import ListingKey, ListingLevel
from tests.adapters.amazon.sample_files import JAPANESE, SHORT, UPLOAD, table
from tests.adapters.amazon.seller import PROFILE

OWN = {"フルフィルメント・チャンネル": "DEFAULT"}


def read(content: bytes, form: FileFormat = files.LISTINGS) -> list[FileRow | RowProblem]:
    opened = open_table([content], delimiter=form.delimiter, encodings=form.encodings)
    reader = form.open(opened.header, PROFILE)
    assert not isinstance(reader, NotThisFormat), reader
    return list(reader(opened.rows))


def fitting(header: Sequence[str]) -> list[str]:
    forms = (files.LISTINGS, files.LISTINGS_SHORT, files.OPEN_LISTINGS, files.PRICE_AND_QUANTITY)
    return [form.name for form in forms if not isinstance(form.open(header, PROFILE), NotThisFormat)]


def test_every_header_is_of_one_form_only() -> None:
    assert fitting(JAPANESE) == ["listings"]
    assert fitting(SHORT) == ["listings-short"]
    assert fitting(["出品者SKU", "ASIN", "価格", "数量"]) == ["open-listings"]
    upload = b"".join(files.write_stock([], PROFILE)).decode().strip("\r\n").split("\t")
    assert fitting(upload) == ["price-and-quantity"]
    assert fitting(["出品者SKU", "asin1", "価格", "在庫数", "ステータス"]) == [], "在庫数 is not the stock"


@given(
    sku=st.text(
        st.characters(min_codepoint=0x21, max_codepoint=0x3093, exclude_categories=("C", "Z")), min_size=1, max_size=40
    ),
    units=st.integers(0, 9_999_999),
    pending=st.integers(0, 999),
)
def test_a_cell_is_read_as_it_stands_whatever_the_pending_quantity(sku: str, units: int, pending: int) -> None:
    cells = {**OWN, "出品者SKU": sku, "数量": str(units), "在庫数": str(pending)}
    (row,) = read(table(JAPANESE, [cells], encoding="utf-8"))
    assert isinstance(row, FileRow)
    assert (row.key, row.units, row.matches["sku"]) == (ListingKey(sku), units, sku)


@given(
    quantity=st.text(max_size=8).filter(lambda text: "\t" not in text),
    channel=st.sampled_from(["AMAZON_JP", "AMAZON_NA"]),
)
def test_no_number_of_an_fba_row_becomes_ours(quantity: str, channel: str) -> None:
    said = quantity.translate(dict.fromkeys(map(ord, "\r\n\0")))
    cells = {"出品者SKU": "FBA-01", "数量": said, "フルフィルメント・チャンネル": channel}
    try:
        content = table(JAPANESE, [cells], encoding="utf-8")
    except UnicodeEncodeError:
        return
    (row,) = read(content)
    assert isinstance(row, FileRow)
    assert row.units is None
    assert row.flags == {"excluded"}


def test_a_blank_quantity_is_not_zero() -> None:
    (row,) = read(table(JAPANESE, [{**OWN, "出品者SKU": "A", "数量": " "}]))
    assert isinstance(row, FileRow)
    assert row.units is None
    assert not row.unlimited
    assert not row.flags


def test_a_blank_number_is_fba_in_a_report_without_the_channel_and_nothing_in_an_upload() -> None:
    (row,) = read(table(SHORT, [{"seller-sku": "A"}]), files.LISTINGS_SHORT)
    assert isinstance(row, FileRow)
    assert row.units is None
    assert row.flags == {"excluded"}
    for header in (UPLOAD, UPLOAD[:-1]):
        (row,) = read(table(header, [{"sku": "A"}]), files.PRICE_AND_QUANTITY)
        assert isinstance(row, FileRow)
        assert row.units is None
        assert not row.flags


def test_a_row_that_was_cut_within_its_number_is_not_taken() -> None:
    whole = table(JAPANESE, [{**OWN, "出品者SKU": "A", "数量": "120"}])
    at = whole.index(b"120")
    (row,) = read(whole[: at + 2])
    assert isinstance(row, RowProblem)
    assert "cells as in the header" in row.expected


def test_cells_behind_the_last_column_are_tolerated_when_they_are_blank() -> None:
    content = table(JAPANESE, [{**OWN, "出品者SKU": "A", "数量": "1"}]).replace(b"\r\n", b"\t\r\n")
    header, rows = content.split(b"\t\r\n", 1)
    (row,) = read(header + b"\r\n" + rows)
    assert isinstance(row, FileRow)
    (row,) = read(header + b"\r\n" + rows.replace(b"\t\r\n", b"\tx\r\n"))
    assert isinstance(row, RowProblem)


# ------------------------------------------------------------------ out


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Za-z0-9ぁ-ん](?:[ -!#-~ぁ-ん]{0,30}[A-Za-z0-9])?", fullmatch=True),
            st.integers(0, 99_999),
        ),
        unique_by=lambda pair: pair[0],
        max_size=30,
    )
)
def test_what_is_written_is_read_back(pairs: list[tuple[str, int]]) -> None:
    levels = [ListingLevel(ListingKey(sku), units) for sku, units in pairs]
    rows = read(b"".join(files.write_stock(levels, PROFILE)), files.PRICE_AND_QUANTITY)
    assert [(row.key, row.units) for row in rows if isinstance(row, FileRow)] == [
        (one.key, one.units) for one in levels
    ]


def test_only_sku_and_quantity_are_filled() -> None:
    content = b"".join(files.write_stock([ListingLevel(ListingKey("0001"), 7)], PROFILE)).decode("cp932")
    assert content.split("\r\n")[1] == "0001\t\t\t\t7\t\t"
    assert content.endswith("\r\n")


@pytest.mark.parametrize("sku", ["絵文字😀", "A\tB", "A\nB", ""])
def test_a_sku_that_cannot_stand_in_the_file_is_named_with_its_row(sku: str) -> None:
    levels = [ListingLevel(ListingKey("A"), 1), ListingLevel(ListingKey(sku), 2)]
    with pytest.raises(files.SkuNotWritable, match="row 3, column sku"):
        list(files.write_stock(levels, PROFILE))


def test_a_large_file_is_written_and_read_in_pieces() -> None:
    levels = [ListingLevel(ListingKey(f"SKU-{n:05d}"), n % 50) for n in range(2_500)]
    chunks = list(files.write_stock(iter(levels), PROFILE))
    assert len(chunks) == 3
    assert len(read(b"".join(chunks), files.PRICE_AND_QUANTITY)) == 2_500
