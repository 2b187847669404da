"""A writer at work on a test's database, commands to give it, and the check that the ledger is whole afterwards."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
from psycopg import sql

from api.database import Database, connect_writer
from ledger import keys, stock
from ledger.codec import Envelope, Record, decode
from ledger.commit import Connection
from ledger.levels import Effects, Level, book
from ledger.seal import GENESIS, Seal, StoredFact, check
from ledger.terms import MAIN_PLACE
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
    """Every fact, after it was checked that positions have no gap, the chain holds, and a replay gives the levels.

    A commit that is still on its way in the server, its client killed, is waited for.
    """
    with psycopg.connect(database.conninfo()) as connection:
        connection.execute("SELECT 1 FROM ledger_head FOR UPDATE")
    with psycopg.connect(database.conninfo()) as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        facts = [StoredFact(*row) for row in connection.execute(FACTS)]
        seals = [Seal(*row) for row in connection.execute(SEALS)]
        head = connection.execute("SELECT ledger_id, position, hash FROM ledger_head").fetchone()
        levels = {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(LEVELS)}
    assert head is not None
    assert [fact.position for fact in facts] == list(range(1, len(facts) + 1))
    previous, position = GENESIS, 0
    for seal in seals:
        damage = check(head[0].encode(), previous, position + 1, seal, facts[position : seal.last_position])
        assert damage is None, damage
        previous, position = seal.hash, seal.last_position
    assert (position, previous) == head[1:], (position, head[1])
    assert position == len(facts)
    records = [decode(f.position, f.stream, f.version, f.name, f.state) for f in facts]
    assert _replayed(records) == levels
    return records


FACTS = sql.SQL(
    "SELECT notification_id, originator_id, originator_version, topic, state FROM ledger_events ORDER BY notification_id"
)
SEALS = sql.SQL(
    "SELECT first_position, last_position, committed_at, digest, hash, fact_digests FROM ledger_seals ORDER BY first_position"
)
LEVELS = sql.SQL(
    "SELECT place, sku, version, on_hand, allocated, held, kept_back, auction_kept, defective, undecided, position FROM stock_levels"
)


def _replayed(records: list[Record]) -> dict[tuple[str, str], tuple[object, ...]]:
    effects = Effects()
    for record in records:
        if keys.kind_of(record.stream) == "stock":
            place, sku = keys.parts_of(record.stream)
            before = effects.levels.get((place, sku), Level())
            at, fact = record.envelope.at, record.fact
            after = book(effects, before, place, sku, fact, at, record.position)  # type: ignore[arg-type]
            assert after.stock.version == record.version, record
    return {pair: _row(level) for pair, level in effects.levels.items()}


def _row(level: Level) -> tuple[object, ...]:
    s = level.stock
    return (
        s.version,
        s.on_hand_units,
        s.allocated_units,
        s.held_units,
        s.kept_back_units,
        s.auction_kept_units,
        s.defective_units,
        s.undecided_units,
        level.position,
    )
