"""The error list: the rows that were not taken, in the file's own form; corrected and sent again it is an import of those."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import error_list
from api.jobs.error_list import WrongMode
from api.tables.imports import ImportFile
from tests.api.import_rig import OWN_FILE, YAHOO_FILE, Imports, importing, items


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found
        assert found.is_sound()


def errors_of(given: Imports, file: ImportFile) -> bytes:
    found = bytearray()
    error_list.write(given.house, file, found.extend)
    return bytes(found)


def list_name(given: Imports, file: ImportFile) -> str:
    with given.house.pool.connection() as connection:
        return error_list.name_of(error_list.part_of(connection, file, 0))


def test_corrected_and_sent_again_exactly_these_rows_are_imported_as_of_the_same_time(given: Imports) -> None:
    content = items({"A": 5, "B": "たくさん", "C": 7, "D": "-1"})
    file = given.stage(content, given.rakuten)
    given.apply(file)
    found = errors_of(given, file)
    text = found.decode("cp932")
    assert text.splitlines()[0] == content.decode("cp932").splitlines()[0].replace('"', "") + ",エラー"
    assert [line.count("たくさん") for line in text.splitlines()] == [0, 2, 0]
    given.order(given.rakuten, "r-1", "A", hours=1)
    corrected = text.replace("たくさん", "6").replace("-1,", "8,").encode("cp932")
    again = given.stage(corrected, given.rakuten, name=list_name(given, file), hours=2)
    assert (again.rows, again.problems, again.corrects) == (2, 0, file.import_id)
    assert given.apply(again).changed == 2
    assert given.available() == {"A": 4, "B": 6, "C": 7, "D": 8}


def test_it_has_the_time_of_its_import_when_none_is_given_and_goes_the_same_way(given: Imports) -> None:
    file = given.stage(items({"A": 5, "B": "x"}), given.rakuten, mode="add")
    given.apply(file)
    corrected = errors_of(given, file).replace(b"x", b"6")
    with pytest.raises(WrongMode, match="add"):
        given.stage(corrected, given.rakuten, mode="overwrite")
    again = given.stage(corrected, given.rakuten, mode="add", hours=None)
    assert (again.counted_at, again.counted_from) == (file.counted_at, "corrected")
    given.apply(again)
    assert given.available() == {"A": 5, "B": 6}


def test_rows_that_were_understood_and_applied_to_nothing_are_in_it_too(given: Imports) -> None:
    given.own_file("商品SKU,想定在庫数\r\nA,5\r\n")
    file = given.stage(b"code,sub-code,quantity\r\nA,,5\r\nZ,,9\r\n", given.yahoo, name=YAHOO_FILE, hours=1)
    given.apply(file)
    text = errors_of(given, file).decode("utf-8-sig")
    assert text.splitlines()[1].startswith("Z,,9,未登録の商品SKUです")
    assert len(text.splitlines()) == 2


def test_our_own_form_and_a_second_list_of_a_list(given: Imports) -> None:
    file = given.stage("商品SKU,想定在庫数,実在庫数\r\nA,1,2\r\nB,x,\r\nC,3,\r\n".encode(), None, name=OWN_FILE)
    given.apply(file)
    again = given.stage(errors_of(given, file).replace(b"x", b"y"), None, name=OWN_FILE, hours=None)
    lines = errors_of(given, again).decode().splitlines()
    assert lines[0] == "商品SKU,想定在庫数,実在庫数,エラー"
    assert [line.split(",")[:3] for line in lines[1:]] == [["A", "1", "2"], ["B", "y", ""]]
