"""One suite over memory and PostgreSQL: every scenario ends in the same facts, levels, changes and counts."""

from datetime import datetime
from typing import Any

import psycopg
import pytest

from api.database import Database, connect_writer
from ledger.book import Book, By, Verb
from ledger.writer import Writer
from tests.ledger.given import BEGAN, Ledger, Memory
from tests.ledger.rig import RealClock, whole_ledger
from tests.ledger.scenarios import SCENARIOS

LATE = BEGAN.replace(hour=23)
LEVELS = "SELECT place, sku, version, on_hand, allocated, held, kept_back, auction_kept, defective, undecided FROM stock_levels"
CHANGES = "SELECT place, sku, happened_at, position, shop, delta, on_hand_delta FROM stock_changes"
COUNTS = "SELECT place, sku, shop, up_to, position, part_units FROM stock_counts"


class SetClock(RealClock):
    """Real time, but for the time of day, which the scenario sets."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


class OnPostgres:
    """The writer's own ledger."""

    def __init__(self, database: Database) -> None:
        self._clock = SetClock(LATE)
        self._writer = Writer(lambda: connect_writer(database), database.schema, self._clock)
        self._book = Book(self._writer, self._clock.now)

    @property
    def now(self) -> datetime:
        return self._clock.moment

    @now.setter
    def now(self, moment: datetime) -> None:
        self._clock.moment = moment

    def when(self, verb: Verb) -> dict[str, Any]:
        return dict(self._book.do(verb, By("person:1", "trace-1")).answer)

    def close(self) -> None:
        self._writer.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_memory_and_postgresql_end_in_the_same_ledger(scenario: Any, database: Database) -> None:
    memory, real = Memory(LATE), OnPostgres(database)
    ledgers: tuple[Ledger, ...] = (memory, real)
    for ledger in ledgers:
        scenario(ledger)
    real.close()
    assert len(memory.records) > 5, "a scenario says something"
    written = whole_ledger(database)
    assert [(r.stream, r.version, r.fact) for r in written] == [(r.stream, r.version, r.fact) for r in memory.records]
    assert [r.envelope.at for r in written] == [r.envelope.at for r in memory.records]
    with psycopg.connect(database.conninfo()) as connection:
        levels = sorted(connection.execute(LEVELS).fetchall())
        changes = sorted(connection.execute(CHANGES).fetchall())
        counts = sorted(connection.execute(COUNTS).fetchall(), key=str)
    stocks = [(place, sku, level.stock) for (place, sku), level in memory.levels.items()]
    assert levels == sorted(
        (
            place,
            sku,
            s.version,
            s.on_hand_units,
            s.allocated_units,
            s.held_units,
            s.kept_back_units,
            s.auction_kept_units,
            s.defective_units,
            s.undecided_units,
        )
        for place, sku, s in stocks
    )
    assert changes == sorted(tuple(change) for change in memory.changes)
    assert counts == sorted((tuple(count) for count in memory.counts.values()), key=str)
