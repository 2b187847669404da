"""Set-up file after file (D5): no mall's number goes over another's before a person chose, and a choice is booked once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import set_up
from api.jobs.set_up import ChoiceNotAccepted, Chosen
from ledger import load
from ledger.book import shops
from ledger.terms import ListingKey
from tests.api.import_rig import OWN_FILE, YAHOO_FILE, Imports, importing
from tests.api.test_imports import switch_on


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found
        assert found.is_sound()


def yahoo_file(given: Imports, numbers: dict[str, int], *, hours: float = 1) -> dict[str, int]:
    """A stock file of Yahoo! is applied; the rows skipped, by reason."""
    rows = "".join(f"{code},,{units}\r\n" for code, units in numbers.items())
    file = given.stage(f"code,sub-code,quantity\r\n{rows}".encode(), given.yahoo, name=YAHOO_FILE, hours=hours)
    seen = given.preview(file)
    done = given.apply(file)
    assert dict(seen.skipped) == dict(done.skipped)
    return dict(done.skipped)


def choose(given: Imports, choice: str, **more: str) -> Chosen:
    return set_up.choose(given.house, choice, given.house.by("user:1"), **more)  # type: ignore[arg-type]


def test_a_first_malls_file_is_booked_and_what_the_second_says_otherwise_waits_beside_it(given: Imports) -> None:
    given.rakuten_file({"A": 8, "B": 5})
    assert yahoo_file(given, {"A": 9, "B": 5}) == {load.BESIDE: 1}
    assert given.available() == {"A": 8, "B": 5}
    (one,) = set_up.waiting(given.house)
    assert [(number.shop, number.units) for number in one.numbers] == [(given.rakuten, 8), (given.yahoo, 9)]
    assert given.facts()["ImportLaidBeside"] == 1


def test_the_smallest_is_booked_once_with_the_numbers_seen(given: Imports) -> None:
    given.rakuten_file({"A": 9, "B": 5})
    yahoo_file(given, {"A": 7, "B": 6})
    done = choose(given, set_up.SMALLEST)
    assert (done.changed, done.skipped) == (2, {})
    assert given.available() == {"A": 7, "B": 5}
    assert list(set_up.waiting(given.house)) == []
    assert choose(given, set_up.SMALLEST).changed == 0


def test_one_shops_numbers_may_be_chosen(given: Imports) -> None:
    given.rakuten_file({"A": 8})
    yahoo_file(given, {"A": 9})
    assert choose(given, given.yahoo).changed == 1
    assert given.available() == {"A": 9}


def test_a_start_number_less_what_every_mall_sold_since(given: Imports) -> None:
    given.rakuten_file({"A": 8, "B": 3})
    yahoo_file(given, {"A": 9, "B": 5})
    start = given.stage("商品SKU,想定在庫数\r\nA,10\r\nB,4\r\n".encode("cp932"), None, name=OWN_FILE, hours=-10)
    done = choose(given, set_up.START, start=start.import_id)
    assert (done.changed, done.skipped) == (1, {load.NO_NUMBER: 1}), "B shows more than at the start: filled since"
    assert given.available() == {"A": 10 - 2 - 1, "B": 3}


def test_orders_since_are_on_top_of_a_choice(given: Imports) -> None:
    given.rakuten_file({"A": 8})
    yahoo_file(given, {"A": 7})
    given.do(shops.link_listing(given.yahoo, ListingKey("a", "a"), "A"))
    given.order(given.yahoo, "y-1", "A", hours=2)
    choose(given, set_up.SMALLEST)
    assert given.available() == {"A": 6}


def test_a_newer_file_of_either_mall_is_laid_beside_again_and_a_persons_number_ends_it(given: Imports) -> None:
    given.rakuten_file({"A": 8})
    yahoo_file(given, {"A": 9})
    choose(given, set_up.SMALLEST)
    assert yahoo_file(given, {"A": 6}, hours=2) == {load.BESIDE: 1}
    assert [number.units for number in next(set_up.waiting(given.house)).numbers] == [8, 6]
    given.own_file("商品SKU,想定在庫数\r\nA,5\r\n", hours=3)
    assert list(set_up.waiting(given.house)) == []
    assert given.available() == {"A": 5}


def test_once_a_shop_is_pushed_files_are_booked_and_nothing_is_chosen_any_more(given: Imports) -> None:
    given.rakuten_file({"A": 8})
    yahoo_file(given, {"A": 9})
    switch_on(given)
    with pytest.raises(ChoiceNotAccepted, match="runs"):
        choose(given, set_up.SMALLEST)
    assert yahoo_file(given, {"A": 7}, hours=2) == {}
    assert given.available() == {"A": 7}


def test_a_choice_that_is_none_is_refused_with_those_there_are(given: Imports) -> None:
    with pytest.raises(ChoiceNotAccepted, match="smallest, start_minus_sales, or a connected shop"):
        choose(given, "largest")
    assert given.clock.now() > given.then + timedelta(hours=1)
