"""Pages that 0 does not stop (在庫切れ時の注文受付, allow-overdraft, 無制限): named in the preview and before switch-on (D10)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.projecting import catch_up
from ledger import load
from ledger.terms import ListingKey
from projections import listing_list
from tests.adapters.rakuten.sample_files import SELLS, USUAL, parent, sku, table
from tests.api.import_rig import Imports, importing
from tests.journeys.rig import journey

COLUMNS = (*USUAL, SELLS)


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found
        assert found.is_sound()


def file_of(flags: dict[str, str], units: int = 5) -> bytes:
    rows = [row for code in flags for row in (parent(code.lower()), sku(code.lower(), code.lower(), str(units), code))]
    for row, flag in zip(rows[1::2], flags.values(), strict=True):
        row[SELLS] = flag
    return table(rows, COLUMNS)


def without_flag(codes: str) -> bytes:
    return table([row for code in codes for row in (parent(code.lower()), sku(code.lower(), code.lower(), "5", code))])


def selling(given: Imports) -> list[str]:
    """The listings that the sells-at-zero list names."""
    catch_up(given.house)
    schema = given.house.database.schema
    with given.house.pool.connection() as connection:
        found = listing_list.page(connection, schema, first=100, shop=given.rakuten, sells_at_zero=True)
    return [row.key.item for row in found.rows]


def test_a_page_that_zero_does_not_stop_is_counted_by_the_preview_and_named_as_long_as_the_flag_is_on(
    given: Imports,
) -> None:
    file = given.stage(file_of({"A": "1", "B": "0", "C": "1"}), given.rakuten)
    assert given.preview(file).cells()["sellsAtZero"] == 2
    given.apply(file)
    assert selling(given) == ["a", "c"]
    given.apply(given.stage(without_flag("ABC"), given.rakuten, hours=1))
    assert selling(given) == ["a", "c"], "a file without the column says nothing of it"
    before = given.facts()["ListingLinked"]
    again = given.stage(file_of({"A": "1", "B": "1", "C": "0"}), given.rakuten, hours=2)
    given.apply(again)
    assert selling(given) == ["a", "b"]
    assert given.facts()["ListingLinked"] == before + 2, "what is known is said once"


def test_a_flag_alone_is_taken_also_by_a_listing_whose_number_stays(given: Imports) -> None:
    given.apply(given.stage(file_of({"A": "0"}), given.rakuten))
    key = ListingKey("a", "a")
    linked = given.listing(key.item, key.variant)
    done = given.apply(given.stage(file_of({"A": "1"}), given.rakuten))
    assert (done.unchanged, done.skipped) == (1, {})
    found = given.listing(key.item, key.variant)
    assert (found.sells_at_zero, found.state, found.codes) == (True, linked.state, linked.codes)


def test_a_row_without_a_number_says_its_flag_too(given: Imports) -> None:
    rows = [parent("a"), sku("a", "a", "", "A", **{SELLS: "1"})]
    assert given.apply(given.stage(table(rows, COLUMNS), given.rakuten)).skipped == {load.NO_NUMBER: 1}
    assert selling(given) == ["a"]


def test_the_review_before_switch_on_names_how_many_pages_zero_does_not_stop(
    database: Database, tmp_path: Path
) -> None:
    with journey(database, tmp_path, rakuten_skus=6, yahoo_skus=3) as daicho:
        daicho.connect()
        rakuten = daicho.malls.rakuten
        lines = daicho.file_of(rakuten).decode("cp932").split("\r\n")
        flag = lines[0].split(",").index(f'"{SELLS}"')
        of_sku = next(at for at, line in enumerate(lines) if "DC-000003" in line)
        cells = lines[of_sku].split(",")
        cells[flag] = '"1"'
        lines[of_sku] = ",".join(cells)
        daicho.doors.put_file(rakuten.code, "stock.csv", "\r\n".join(lines).encode("cp932"), apply="true")
        daicho.start_intake()
        daicho.sell(rakuten, daicho.malls.rakuten_listings["DC-000001"])
        assert daicho.review(rakuten)["sellsAtZero"] == 1
        edges = daicho.ask("{ listings(sellsAtZero: true) { edges { node { sku sellsAtZero } } } }")["listings"][
            "edges"
        ]
        assert [edge["node"] for edge in edges] == [{"sku": "DC-000003", "sellsAtZero": True}]
