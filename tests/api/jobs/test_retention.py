"""What is kept for a time only goes when its time is over, a page at a time; facts and what waits for a person never go."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import retention
from api.tables import inbox
from api.tables.inbox import QUARANTINED, READ, Mark
from api.wiring import House
from ledger.book import stock
from tests.api.intake_rig import RAKUTEN, TurnedClock, connect_shops, deliver, opened

DAY = 86_400.0


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def house(database: Database, tmp_path: Path, clock: TurnedClock) -> Iterator[House]:
    with opened(database, tmp_path, clock) as found:
        yield found


def count(house: House, table: str) -> int:
    with house.pool.connection() as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_answers_of_calls_are_kept_thirty_days(house: House, clock: TurnedClock) -> None:
    for _ in range(2):
        house.book.do(stock.add("A", 1), house.by(), key=("test", "k"))
    clock.turn(29 * DAY)
    assert (retention.sweep(house), count(house, "command_keys")) == (0, 1)
    clock.turn(2 * DAY)
    assert (retention.sweep(house), count(house, "command_keys")) == (1, 0)
    assert not house.book.do(stock.add("A", 1), house.by(), key=("test", "k")).replayed


def test_dated_changes_are_kept_as_long_as_a_count_may_look_back(house: House, clock: TurnedClock) -> None:
    house.book.do(stock.add("A", 1), house.by())
    changes = count(house, "stock_changes")
    clock.turn(35 * DAY)
    assert (retention.sweep(house), count(house, "stock_changes")) == (0, changes)
    clock.turn(2 * DAY)
    retention.sweep(house)
    assert count(house, "stock_changes") == 0


def test_a_raw_message_goes_when_its_time_is_over_and_its_row_stays(house: House, clock: TurnedClock) -> None:
    connect_shops(house)
    read, waits = deliver(house, b"one", RAKUTEN), deliver(house, b"two", RAKUTEN)
    with house.pool.connection() as connection:
        marks = [Mark(read, READ), Mark(waits, QUARANTINED, "not_understood")]
        inbox.settle(connection, marks, now=house.clock.now())
    clock.turn(timedelta(days=181).total_seconds())
    assert retention.sweep(house) >= 1
    assert (count(house, "inbox"), count(house, "inbox_messages")) == (2, 1)
    assert retention.sweep(house) == 0


def test_facts_are_never_among_what_goes(house: House, clock: TurnedClock) -> None:
    house.book.do(stock.add("A", 1), house.by())
    before = count(house, "ledger_events"), count(house, "ledger_seals"), count(house, "stock_levels")
    clock.turn(4_000 * DAY)
    retention.sweep(house)
    assert (count(house, "ledger_events"), count(house, "ledger_seals"), count(house, "stock_levels")) == before
    assert not [one for one in retention.kinds(house) if "ledger_" in one.delete]
