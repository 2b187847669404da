"""受注取込 起動 after a stop: what was kept is taken, counted as 計上済 or skipped, as a person chose, and what comes late with it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from api.database import Database
from api.jobs.intake import drain
from api.jobs.intake_start import start_intake
from api.wiring import House
from ledger import keys, shop
from ledger.book import shops
from ledger.shop import ShopNotReady
from tests.api.doors_rig import Doors, doors
from tests.api.intake_rig import (
    RAKUTEN,
    KnownListings,
    TurnedClock,
    connect_shops,
    deliver,
    facts,
    link,
    nothing_waits,
    opened,
    sample,
    set_stock,
    states,
    stock_of,
)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def house(database: Database, tmp_path: Path, clock: TurnedClock) -> Iterator[House]:
    with opened(database, tmp_path, clock) as house:
        connect_shops(house)
        yield house


@pytest.fixture
def listings(house: House) -> KnownListings:
    """The lines of the sample mail (SHIRT-11 x 2, MUG x 1) are linked; 10 units of each are there."""
    known = KnownListings()
    known.codes[RAKUTEN, "c3ps390/11"] = [link(house, RAKUTEN, "page-1", "11", "SHIRT-11", codes=["c3ps390/11"])]
    known.codes[RAKUTEN, "abc-001"] = [link(house, RAKUTEN, "page-2", "x", "MUG", codes=["abc-001"])]
    for sku in ("SHIRT-11", "MUG"):
        set_stock(house, sku, 10)
    return known


def take(house: House, listings: KnownListings) -> int:
    return nothing_waits(house, partial(drain, house, listings))


def kept_order(house: House, listings: KnownListings, clock: TurnedClock) -> None:
    """Intake was stopped, and an order of 2 shirts and a mug came."""
    house.book.do(shops.stop_intake(RAKUTEN), house.by())
    clock.turn(60)
    deliver(house, sample("rakuten", "order_iso2022jp"))
    take(house, listings)
    clock.turn(60)


def available_of(house: House, sku: str) -> int:
    on_hand, allocated = stock_of(house, sku)
    assert on_hand is not None
    return on_hand - allocated


@pytest.mark.parametrize(
    ("choice", "state", "available", "booked"),
    [
        ("take", ("read", ""), 8, ["StockAllocated"]),
        ("counted", ("read", ""), 10, ["AllocatedAsCounted"]),
        ("skip", ("ignored", "backlog_skipped"), 10, []),
    ],
)
def test_what_was_kept_is_handled_as_chosen(
    house: House,
    listings: KnownListings,
    clock: TurnedClock,
    choice: str,
    state: tuple[str, str],
    available: int,
    booked: list[str],
) -> None:
    kept_order(house, listings, clock)
    start_intake(house, RAKUTEN, house.by(), backlog=choice)
    take(house, listings)
    assert states(house) == [state]
    assert available_of(house, "SHIRT-11") == available
    assert [name for name in ("StockAllocated", "AllocatedAsCounted") if facts(house, name)] == booked
    backlog = house.look(keys.shop(RAKUTEN), shop.FOLD).backlogs[-1]
    assert (backlog.choice, backlog.position) == (choice, facts(house, "BacklogChosen")[0][0])


def test_nothing_starts_by_itself_while_messages_wait(
    house: House, listings: KnownListings, clock: TurnedClock
) -> None:
    kept_order(house, listings, clock)
    with pytest.raises(ShopNotReady, match=r"1 messages were kept .* take, counted, skip"):
        start_intake(house, RAKUTEN, house.by())
    assert not house.look(keys.shop(RAKUTEN), shop.FOLD).intake
    start_intake(house, RAKUTEN, house.by(), backlog="take")
    start_intake(house, RAKUTEN, house.by())  # it runs: twice is harmless


def test_an_order_of_the_stopped_time_that_comes_late_falls_under_the_choice(
    house: House, listings: KnownListings, clock: TurnedClock
) -> None:
    """The sample was placed before the shop was ever started: 'everything up to the start is counted' holds for it."""
    house.book.do(shops.stop_intake(RAKUTEN), house.by())
    clock.turn(60)
    start_intake(house, RAKUTEN, house.by(), backlog="skip")
    clock.turn(3_600)
    deliver(house, sample("rakuten", "order_iso2022jp"))  # placed days before the stop: not of the stopped time
    take(house, listings)
    assert states(house) == [("read", "")]
    assert available_of(house, "SHIRT-11") == 8


def test_a_shop_that_starts_for_the_first_time_may_say_that_its_numbers_know_everything(
    database: Database, tmp_path: Path, clock: TurnedClock
) -> None:
    with opened(database, tmp_path, clock) as house:
        connect_shops(house, start=False)
        known = KnownListings()
        known.codes[RAKUTEN, "c3ps390/11"] = [link(house, RAKUTEN, "page-1", "11", "SHIRT-11", codes=["c3ps390/11"])]
        set_stock(house, "SHIRT-11", 10)
        start_intake(house, RAKUTEN, house.by(), backlog="counted")
        clock.turn(3_600)
        deliver(house, sample("rakuten", "order_iso2022jp"))
        take(house, known)
        assert available_of(house, "SHIRT-11") == 10
        assert stock_of(house, "SHIRT-11") == (12, 2), "計上済: on the shelf, and allocated"


def test_over_graphql_the_choice_is_made_once_under_its_key(database: Database, tmp_path: Path) -> None:
    with doors(database, tmp_path) as open_doors:
        connect_shops(open_doors.house)
        house = open_doors.house
        house.book.do(shops.stop_intake(RAKUTEN), house.by())
        deliver(house, sample("rakuten", "order_iso2022jp"))
        _chosen_over_graphql(open_doors)


def _chosen_over_graphql(open_doors: Doors) -> None:
    refused = open_doors.post(f'mutation {{ startIntake(shop: "{RAKUTEN}") {{ position }} }}')
    assert refused.errors[0]["extensions"]["error"] == "ShopNotReady"
    start = f'mutation {{ startIntake(shop: "{RAKUTEN}", backlog: "skip", key: "s") {{ facts replayed }} }}'
    found = [open_doors.ask(start)["startIntake"] for _ in range(2)]
    assert found == [{"facts": 2, "replayed": False}, {"facts": 0, "replayed": True}]
