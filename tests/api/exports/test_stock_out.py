"""Stock in our own form, out and in again: the identity, also for odd codes, owed units, sets, and orders in between."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.kit.table import open_table
from adapters.kit.table_writing import CP932, UTF_8, NotInCp932
from api.database import Database
from api.exports.writing import table
from ledger.book import shops, stock
from ledger.terms import ListingKey
from tests.api.import_rig import OWN_FILE, Imports, importing

ODD = (
    "007",
    "=1+1",
    "-5",
    "'=1",
    "'007",
    "4901234567894",
    "1-2",
    "ｱ-①髙",
    "a,b",
    'say "x"',
    " x ",
    "Ａ",
    "～",
    "@x",
    "＋1",
)


@pytest.fixture
def made(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found


def exported(made: Imports, skus: Sequence[str] = (), *, encoding: str = UTF_8, excel: bool = False) -> bytes:
    return b"".join(table(made.house, "stock", {"skus": skus}, encoding=encoding, excel=excel).chunks)


def cells(content: bytes) -> dict[str, dict[str, str]]:
    """Every row by its SKU, as columns."""
    found = open_table([content])
    rows = [dict(zip(found.header, row, strict=True)) for _, row in found.rows]
    return {row["商品SKU"]: row for row in rows}


def numbers(made: Imports) -> list[tuple[object, ...]]:
    """Everything that stands of every SKU."""
    with made.house.pool.connection() as connection:
        return connection.execute(
            "SELECT sku, on_hand, allocated, held, kept_back, auction_kept, defective, undecided, sku_version > 0, recipe_version"
            " FROM stock_levels ORDER BY sku"
        ).fetchall()


def imported(made: Imports, content: bytes) -> None:
    """The file is applied as a person sends it: now, which is after what happened since it was made."""
    file = made.stage(content, None, name=OWN_FILE, hours=12)
    assert made.problems(file) == []
    done = made.apply(file)
    assert set(done.skipped) <= {"no_number"}, done


def stocked(made: Imports, **units: int) -> None:
    """上書き of what was there at ``then``; both shops sell them."""
    for code, count in units.items():
        key = ListingKey(code.lower(), code.lower())
        made.do(*(shops.link_listing(shop, key, code) for shop in (made.rakuten, made.yahoo)))
        made.do(stock.overwrite(code, count, covers=stock.everything_up_to(made.then), counted_at=made.then))


@pytest.mark.parametrize("encoding", [UTF_8, CP932])
@pytest.mark.parametrize("excel", [False, True])
def test_export_and_import_is_the_identity(made: Imports, encoding: str, excel: bool) -> None:
    for n, code in enumerate(ODD):
        stocked(made, **{code: n + 1})
    made.do(stock.register_sku("no number"), stock.keep_back("007", 1))
    before = numbers(made)
    content = exported(made, encoding=encoding, excel=excel)
    assert len(cells(content)) == len(ODD) + 1
    imported(made, content)
    assert numbers(made) == before
    assert made.is_sound()


CODES = st.lists(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20), min_size=1, max_size=5
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(codes=CODES, excel=st.booleans())
def test_any_codes_come_back_as_they_were(made: Imports, codes: list[str], excel: bool) -> None:
    for n, code in enumerate(dict.fromkeys(codes)):
        if code.strip() and code not in {row[0] for row in numbers(made)}:
            made.do(
                stock.register_sku(code),
                stock.overwrite(code, n, covers=stock.everything_up_to(made.then), counted_at=made.then),
            )
    before = numbers(made)
    if before:
        imported(made, exported(made, excel=excel))
    assert numbers(made) == before


def test_owed_units_are_said_by_what_is_on_hand_and_sets_and_unset_numbers_stay_blank(made: Imports) -> None:
    stocked(made, A=2, B=9)
    made.do(stock.register_sku("NONE"), stock.register_sku("SET"), stock.define_set("SET", ["B"], [2]))
    made.order(made.rakuten, "1", "A", 5, hours=1)
    before = numbers(made)
    content = exported(made)
    found = cells(content)
    said = {sku: (row["想定在庫数"], row["実在庫数"]) for sku, row in found.items()}
    assert said == {"A": ("", "2"), "B": ("9", ""), "NONE": ("", ""), "SET": ("", "")}
    imported(made, content)
    assert numbers(made) == before


def test_what_is_sold_between_export_and_import_is_on_top_whenever_it_was_ordered(made: Imports) -> None:
    stocked(made, A=10)
    made.order(made.rakuten, "before", "A", 1, hours=1)
    content = exported(made)
    assert cells(content)["A"]["想定在庫数"] == "9"
    made.order(made.rakuten, "told late", "A", 2, hours=2)
    made.order(made.yahoo, "sold since", "A", 3, hours=11.9)
    imported(made, content.replace(b"A,9,", b"A,20,"))
    assert made.available()["A"] == 15
    assert made.is_sound()


def test_an_order_whose_time_is_ahead_of_the_export_is_not_taken_twice(made: Imports) -> None:
    """The export knows it by its position, not by its time: a mall's clock may be ahead, or its times end a minute."""
    stocked(made, A=10)
    made.order(made.rakuten, "1", "A", hours=12.01)
    assert made.at(12.01) > made.house.clock.now()
    assert made.available()["A"] == 9
    before = numbers(made)
    imported(made, exported(made))
    assert numbers(made) == before


def test_a_position_of_another_ledger_is_refused_by_its_row(made: Imports) -> None:
    stocked(made, A=10)
    header, row = exported(made).decode("utf-8-sig").splitlines()
    position = cells(exported(made))["A"]["台帳位置"]
    for wrong, words in ((f",9{position},", "position of this ledger"), (",0,", "as `daicho export stock` writes it")):
        file = made.stage(
            f"{header}\r\n{row.replace(f',{position},', wrong)}\r\n".encode(), None, name=OWN_FILE, hours=12
        )
        (problem,) = made.problems(file)
        assert words in problem
    time = cells(exported(made))["A"]["時点"]
    file = made.stage(f"{header}\r\n{row.replace(time, '')}\r\n".encode(), None, name=OWN_FILE, hours=12)
    assert "時点" in made.problems(file)[0]


def test_a_code_that_cp932_lacks_is_refused_and_utf_8_takes_it(made: Imports) -> None:
    stocked(made, A=1, B𠮷=2)
    with pytest.raises(NotInCp932, match=r"row 3, column 商品SKU: U\+20BB7 at place 2"):
        exported(made, encoding=CP932)
    assert "B𠮷" in cells(exported(made))


def test_only_the_skus_asked_for_are_written_in_order(made: Imports) -> None:
    stocked(made, A=1, B=2, C=3)
    assert list(cells(exported(made, ["C", "A", "X"]))) == ["A", "C"]


def test_more_skus_than_a_page_has_come_whole(made: Imports) -> None:
    text = "商品SKU,想定在庫数\r\n" + "".join(f"S{n:05d},{n}\r\n" for n in range(12_001))
    made.own_file(text)
    found = cells(exported(made))
    assert len(found) == 12_001
    assert all(row["想定在庫数"] == str(int(sku[1:])) for sku, row in found.items())
