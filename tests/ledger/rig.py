"""A writer at work on a test's database, commands to give it, and the check that the ledger is whole afterwards."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from api.database import Database, connect_writer
from ledger import keys, stock
from ledger.codec import Envelope, Record, decode
from ledger.commit import Connection
from ledger.snapshot import snapshot
from ledger.terms import MAIN_PLACE
from ledger.verify import verify
from ledger.view import Draft, View, Wanted
from ledger.writer import Command, Decision, Key, Writer

# How much the proofs do: 1 in CI; a soak raises it, and runs as many times the commands, seeds and kills.
TIMES = int(os.environ.get("DAICHO_TEST_TIMES", "1"))


class RealClock:
    """Time as it is."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def new_writer(database: Database, connect: Callable[[], Connection] | None = None) -> Writer:
    """A writer without its thread: whoever asks it commits."""
    return Writer(connect or (lambda: connect_writer(database)), database.schema, RealClock())


@contextmanager
def running_writer(database: Database, connect: Callable[[], Connection] | None = None) -> Iterator[Writer]:
    """A writer with its thread, stopped and closed at the end."""
    writer = new_writer(database, connect)
    thread = threading.Thread(target=writer.run, name="writer")
    thread.start()
    try:
        yield writer
    finally:
        writer.stop()
        thread.join(60)
        assert not thread.is_alive(), "the writer did not end"
        writer.close()


def envelope(trace: str = "test") -> Envelope:
    return Envelope(datetime.now(UTC), "user:1", trace)


def key_of(name: str, text: str = "") -> Key:
    return Key("tests", name, hashlib.sha256(text.encode()).digest())


def add(sku: str, units: int, *, key: Key | None = None, line: str = "1") -> Command:
    """So many units more on hand; the answer says how many there are."""

    def decide(view: View) -> Decision:
        fact = stock.receive(view.stock(sku), "slip", line, units)
        return Decision([Draft(keys.stock(sku), fact)], {"on_hand": fact.on_hand})

    return Command(decide, envelope(line), Wanted(stocks={(MAIN_PLACE, sku)}), key)


def add_one_by_one(sku: str, facts: int, name: str) -> Command:
    """So many facts in one command, each of one unit more; its key is the name."""

    def decide(view: View) -> Decision:
        now, drafts = view.stock(sku), []
        for n in range(facts):
            fact = stock.receive(now, name, str(n), 1)
            drafts.append(Draft(keys.stock(sku), fact))
            now = stock.evolve(now, fact)
        return Decision(drafts, {"on_hand": now.on_hand_units})

    return Command(decide, envelope(name), Wanted(stocks={(MAIN_PLACE, sku)}), key_of(name, f"{sku} {facts}"))


def hold(sku: str, units: int, name: str) -> Command:
    """So many units kept for someone, or NotEnough: a strict command."""

    def decide(view: View) -> Decision:
        return Decision([Draft(keys.stock(sku), stock.take_hold(view.stock(sku), name, units))])

    return Command(decide, envelope(name), Wanted(stocks={(MAIN_PLACE, sku)}))


def level(database: Database, sku: str) -> tuple[int, int, int]:
    """(version, on hand, held) of the SKU; zeros when it has no row."""
    with psycopg.connect(database.conninfo()) as connection:
        statement = "SELECT version, on_hand, held FROM stock_levels WHERE place = 'main' AND sku = %s"
        row = connection.execute(statement, (sku,)).fetchone()
    return (0, 0, 0) if row is None else (int(row[0]), int(row[1]), int(row[2]))


def whole_ledger(database: Database) -> list[Record]:
    """Every fact, after verify found that positions have no gap, the chain holds, and a replay gives the levels.

    A commit that is still on its way in the server, its client killed, is waited for.
    """
    with psycopg.connect(database.conninfo()) as connection:
        connection.execute("SELECT 1 FROM ledger_head FOR UPDATE")
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        with snapshot(connection, database.schema) as ledger:
            report = verify(ledger)
        facts = connection.execute(FACTS, (report.position,)).fetchall()
    assert report.sound, report
    assert [position for position, *_ in facts] == list(range(1, report.position + 1))
    return [decode(*fact) for fact in facts]


FACTS = (
    "SELECT notification_id, originator_id, originator_version, topic, state FROM ledger_events"
    " WHERE notification_id <= %s ORDER BY notification_id"
)
