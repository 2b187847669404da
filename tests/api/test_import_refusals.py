"""Files that are not right: what cannot be understood is said with its row, what cannot be trusted is refused as a whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import applying, runs
from api.jobs.imports import FileRefused, ImportNotKnown
from ledger import load
from ledger.book.stock import CountTooOld
from tests.adapters.rakuten.sample_files import USUAL, parent, sku, table
from tests.api.import_rig import Imports, importing, items, lines


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found
        assert found.is_sound()


@pytest.mark.parametrize(
    ("cell", "units"),
    [("１２", 12), ("1,000", 1_000), ("000", 0), (" 7 ", 7), ("9999999", 9_999_999), ("", None)],
)
def test_a_number_is_read_as_it_is_meant_and_blank_is_not_zero(given: Imports, cell: str, units: int | None) -> None:
    done = given.apply(given.stage(lines(("a", "a", cell, "A")), given.rakuten))
    assert given.available() == {"A": units}
    assert done.skipped == ({} if units is not None else {load.NO_NUMBER: 1})


@pytest.mark.parametrize("cell", ["-1", "2147483648", "1.5", "NaN", "たくさん", "10,00"])
def test_a_number_that_is_none_is_a_problem_with_its_row_and_the_others_are_applied(given: Imports, cell: str) -> None:
    file = given.stage(lines(("a", "a", cell, "A"), ("b", "b", "3", "B")), given.rakuten)
    (problem,) = given.problems(file)
    assert problem.startswith(f"row 2, column 在庫数: {cell!r}; expected")
    done = given.apply(file)
    assert (done.changed, done.problems) == (1, 1)
    assert given.available() == {"B": 3}


def test_leading_zeros_and_a_line_break_in_a_cell_are_kept_apart_from_the_rows(given: Imports) -> None:
    rows = [parent("a", name="一行目\n二行目"), sku("a", "a", "4", "0012"), sku("a", "b", "5", "12")]
    assert given.apply(given.stage(table(rows), given.rakuten)).changed == 2
    assert given.available() == {"0012": 4, "12": 5}


def test_a_code_that_is_no_sku_is_a_problem(given: Imports) -> None:
    file = given.stage(lines(("a", "a", "1", "x" * 201), ("b", "b", "2", "B")), given.rakuten)
    (problem,) = given.problems(file)
    assert "1 to 200 characters" in problem
    assert given.apply(file).changed == 1


def test_a_listing_that_stands_twice_counts_once(given: Imports) -> None:
    file = given.stage(lines(("a", "a", "1", "A"), ("a", "a", "2", "A")), given.rakuten)
    (problem,) = given.problems(file)
    assert problem.startswith("row 3")
    given.apply(file)
    assert given.available() == {"A": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (items({"A": 1}) + b"\x00", "NUL"),
        (items({"A": 1}) + "あ,い".encode("cp932") + b"\x85\xff\r\n", "byte 0x"),
        (items({"A": 1}, encoding="euc_jp"), "dl-normal-item.csv"),
        (b"code,sub-code,quantity\r\na,,1\r\n", "looks like yahoo_shopping:stock"),
        (table([parent("a"), sku("a", "a", "1")], tuple(c for c in USUAL if c != "在庫数")), "在庫数"),
        ("商品管理番号（商品URL）\r\n".encode("cp932"), "SKU管理番号"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_is_refused_and_nothing_of_it_stays(
    given: Imports, content: bytes, words: str
) -> None:
    with pytest.raises(FileRefused, match=words):
        given.stage(content, given.rakuten)
    assert given.available() == {}
    with given.house.pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM import_rows").fetchone() == (0,)


def test_a_file_of_this_mall_is_refused_for_a_shop_of_another(given: Imports) -> None:
    with pytest.raises(FileRefused, match="looks like rakuten:normal-item"):
        given.stage(items({"A": 1}), given.yahoo, name="quantity.csv")


def test_a_file_that_breaks_off_leaves_no_rows_and_is_no_file_to_apply(given: Imports) -> None:
    def broken() -> Iterator[bytes]:
        yield items({f"A{n}": n for n in range(20_000)})
        raise ConnectionResetError("the sender went away")

    with pytest.raises(ConnectionResetError):
        given.stage(broken(), given.rakuten)
    (found,) = runs.listed(given.house)
    assert found["state"] == "refused"
    with pytest.raises(FileRefused, match="did not come to its end"):
        applying.apply(given.house, str(found["import"]), given.house.by())
    with given.house.pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM import_rows").fetchone() == (0,)


def test_a_time_of_the_future_or_longer_ago_than_changes_are_kept_is_refused(given: Imports) -> None:
    for hours in (13, -35 * 24):
        with pytest.raises(CountTooOld):
            given.stage(items({"A": 1}), given.rakuten, hours=hours)


def test_an_import_nobody_knows_or_whose_rows_are_gone_is_said_to_be_that(given: Imports) -> None:
    with pytest.raises(ImportNotKnown):
        applying.apply(given.house, "nothing", given.house.by())
    file = given.stage(items({"A": 1}), given.rakuten)
    with given.house.pool.connection() as connection:
        connection.execute("DELETE FROM import_rows")
    with pytest.raises(FileRefused, match="no longer kept"):
        given.apply(file)
