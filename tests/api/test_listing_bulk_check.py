"""The check list: what is linked beside what the mall knows, by its own file or by the last reading; written, filled in, sent back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs.imports import FileRefused
from api.jobs.listing_bulk import File
from api.jobs.listing_bulk_check import HEADER, Checked, check
from ledger.terms import ListingKey
from tests.api.import_rig import Imports, importing, lines
from tests.api.listing_bulk_rig import file, read_back, register, rows_of, send


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        register(found, "RED", "BLUE", "PEN")
        send(found, "link", "sku,item,variant\nRED,cup,Red \nBLUE,cup,blue\nPEN,pen,\n")
        yield found
        assert found.is_sound()


def checked(given: Imports, *files: File, only_unknown: bool = False) -> tuple[Checked, list[dict[str, str]], bytes]:
    """What the check found, the list as a person reads it, and its bytes."""
    content = bytearray()
    done = check(given.house, given.rakuten, files, content.extend, only_unknown=only_unknown)
    rows = rows_of(bytes(content))
    assert rows[0] == list(HEADER)
    return done, [dict(zip(HEADER, row, strict=True)) for row in rows[1:]], bytes(content)


def test_the_malls_own_file_says_what_it_does_not_know_and_what_looks_like_it(given: Imports) -> None:
    mall = file(
        lines(("cup", "red", "5", "R"), ("cup", "blue", "6", "B"), ("cap", "1", "7", "C")), "dl-normal-item.csv"
    )
    done, rows, _ = checked(given, mall)
    assert done == Checked(known=1, unknown=2, unlinked=2, proposed=1)
    assert [(row["商品SKU"], row["モール枝番"], row["モール確認"], row["モール確認数"]) for row in rows] == [
        ("RED", "Red ", "なし", ""),
        ("BLUE", "blue", "あり", "6"),
        ("PEN", "", "なし", ""),
        ("", "1", "あり", "7"),
        ("", "red", "あり", "5"),
    ]
    assert (rows[0]["候補モール商品コード"], rows[0]["候補モール枝番"]) == ("cup", "red")
    assert rows[0]["連動状態"] == "確認待ち"
    assert len(checked(given, mall, only_unknown=True)[1]) == 4


def test_the_list_filled_in_replaces_codes_and_what_it_leaves_alone_says_nothing(given: Imports) -> None:
    mall = file(lines(("cup", "red", "5", "R"), ("cup", "blue", "6", "B")), "dl-normal-item.csv")
    content = checked(given, mall)[2]
    text = content.decode("utf-8-sig")
    filled = text.replace("RED,cup,Red ,1,確認待ち,なし,,,,", "RED,cup,Red ,1,確認待ち,なし,,,red,")
    assert filled != text
    sent = send(given, "replace", filled.encode())
    assert (sent.became, sent.problems) == ({"replaced": 1}, [])
    assert given.listing("cup", "red").sku == "RED"
    assert checked(given, mall)[0] == Checked(known=2, unknown=1)


def test_codes_that_only_the_mall_knows_are_linked_by_the_same_list_where_a_sku_is_filled_in(given: Imports) -> None:
    mall = file(lines(("cup", "blue", "6", "B"), ("cap", "1", "7", "C"), ("cap", "2", "7", "D")), "dl-normal-item.csv")
    text = checked(given, mall, only_unknown=True)[2].decode("utf-8-sig")
    filled = text.replace(",cap,1,,未連携", "PEN,cap,1,,未連携")
    assert filled != text
    sent = send(given, "link", filled.encode())
    assert (sent.became, sent.problems) == ({"same": 2, "new": 1}, [])
    assert given.listing("cap", "1").sku == "PEN"


def test_without_a_file_the_last_reading_says_what_the_mall_knows(given: Imports) -> None:
    read_back(given, {ListingKey("cup", "blue"): 6})
    read_back(given, {ListingKey("pen"): None}, found=False)
    done, rows, _ = checked(given)
    assert done == Checked(known=1, unknown=1, not_looked=1)
    assert [(row["商品SKU"], row["モール確認"], row["モール確認数"]) for row in rows] == [
        ("RED", "未確認", ""),
        ("BLUE", "あり", "6"),
        ("PEN", "なし", ""),
    ]


def test_a_listing_that_ended_is_not_on_the_list(given: Imports) -> None:
    send(given, "replace", "item,variant,new_item\npen,,pencil\n")
    assert [row["モール商品コード"] for row in checked(given)[1]] == ["cup", "cup", "pencil"]


def test_another_malls_file_is_refused_and_says_what_it_looks_like(given: Imports) -> None:
    with pytest.raises(FileRefused, match="is not a file of 楽天市場"):
        checked(given, file("code,quantity\na,1\n", "quantity.csv"))
    with pytest.raises(FileRefused, match="empty"):
        checked(given, file(b"", "dl-normal-item.csv"))
