"""One commit, statement by statement: lock the head, read, and write facts, levels, keys, seal and head together.

Positions are head+1…head+n, given under the lock of the one row of ``ledger_head``: commit order is position order, no
position is ever skipped, and a reader that tails the ledger never passes a fact that commits later.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from ledger.arrays import booleans, integers, moments, octets, texts
from ledger.failpoint import reach
from ledger.levels import Change, Count, Effects, Level, Number
from ledger.seal import StoredFact, sealed
from ledger.terms import MAIN_PLACE

COPY_FACTS_MIN = 1_000  # below it one unnest in the pipeline is quicker than leaving the pipeline for a COPY

# PostgreSQL, "Error codes": connection broken, no resources, operator intervened (shutdown, cancel).
AWAY_CLASSES = ("08", "53", "57")
# Our transaction idled or lasted too long, the server is a standby just now, deadlock, lock not available in time.
AWAY_STATES = ("25P03", "25P04", "25006", "40P01", "55P03")

OWN_TABLES = ("stock_levels", "stock_changes", "stock_counts", "command_keys")

Connection = psycopg.Connection[tuple[object, ...]]


class HeadMissing(RuntimeError):
    """The one row of the head is not there: nothing would be locked. Run the migrations, or restore the ledger."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the ledger: position of the last fact, the link of the last commit, when it was committed."""

    ledger_id: str
    position: int
    hash: bytes
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer of a command as kept under its key."""

    scope: str
    key: str
    digest: bytes
    answer: bytes
    position: int


class Statements:
    """The SQL of one events table and its siblings: ``<base>_events``, ``<base>_head``, ``<base>_seals`` in a schema.

    ``id_type`` is the type of the streams' names: text, or uuid for applications of the library that keep UUIDs.
    """

    def __init__(self, schema: str, base: str = "ledger", *, id_type: str = "text") -> None:
        assert id_type in ("text", "uuid"), id_type

        def named(text: str) -> sql.Composed:
            names = {n: sql.Identifier(schema, f"{base}_{n}") for n in ("events", "head", "seals")}
            own = {n: sql.Identifier(schema, n) for n in OWN_TABLES}
            return sql.SQL(text).format(**names, **own, id_type=sql.SQL(id_type))

        self.copy_types = (id_type, "int8", "text", "bytea", "int8")
        # The library's subscriptions listen to their own channel name; the schema keeps two merchants apart.
        self.channel = f"{schema}.{base}_events"
        self.lock_head = named("SELECT ledger_id, position, hash, committed_at FROM {head} FOR UPDATE")
        self.copy_events = named(
            "COPY {events} (originator_id, originator_version, topic, state, notification_id) FROM STDIN (FORMAT BINARY)"
        )
        self.insert_events = named(
            "INSERT INTO {events} (originator_id, originator_version, topic, state, notification_id)"
            " SELECT * FROM unnest(%s::{id_type}[], %s::bigint[], %s::text[], %s::bytea[], %s::bigint[])"
        )
        self.insert_seal = named(
            "INSERT INTO {seals} (first_position, last_position, committed_at, digest, hash, fact_digests)"
            " VALUES (%s, %s, %s, %b, %b, %b)"
        )
        self.update_head = named("UPDATE {head} SET position = %s, hash = %b, committed_at = %s")
        self.sealed_by = named("SELECT 1 FROM {seals} WHERE first_position = %s AND hash = %b")
        self.upsert_levels = named(
            "INSERT INTO {stock_levels} AS l (place, sku, version, on_hand, allocated, held, kept_back, auction_kept,"
            " defective, undecided, counted_position, counted_at, counted_by, position, sku_version, recipe_version, called,"
            " counted_plainly)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],"
            " %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],"
            " %s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::boolean[])"
            " ON CONFLICT (place, sku) DO UPDATE SET version = EXCLUDED.version, on_hand = EXCLUDED.on_hand,"
            " allocated = EXCLUDED.allocated, held = EXCLUDED.held, kept_back = EXCLUDED.kept_back,"
            " auction_kept = EXCLUDED.auction_kept, defective = EXCLUDED.defective, undecided = EXCLUDED.undecided,"
            " counted_position = EXCLUDED.counted_position, counted_at = EXCLUDED.counted_at,"
            " counted_by = EXCLUDED.counted_by, position = EXCLUDED.position, sku_version = EXCLUDED.sku_version,"
            " recipe_version = EXCLUDED.recipe_version, called = EXCLUDED.called,"
            " counted_plainly = EXCLUDED.counted_plainly"
        )
        self.update_numbers = named(
            "UPDATE {stock_levels} AS l SET version = n.version, on_hand = n.on_hand, counted_position = n.position,"
            " counted_at = n.counted_at, counted_by = n.counted_by, position = n.position, counted_plainly = true"
            " FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[])"
            " AS n (sku, version, on_hand, position, counted_at, counted_by) WHERE l.place = %s AND l.sku = n.sku"
        )
        self.insert_changes = named(
            "INSERT INTO {stock_changes} (place, sku, happened_at, position, shop, delta, on_hand_delta)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[])"
        )
        self.upsert_counts = named(
            "INSERT INTO {stock_counts} (place, sku, shop, up_to, position, part_units)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::bigint[], %s::bigint[])"
            " ON CONFLICT (place, sku, shop) DO UPDATE SET up_to = EXCLUDED.up_to, position = EXCLUDED.position,"
            " part_units = EXCLUDED.part_units"
        )
        self.insert_keys = named(
            "INSERT INTO {command_keys} (scope, key, digest, answer, position, kept_at)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::bytea[], %s::bigint[], %s::timestamptz[])"
        )


def is_away(error: Exception) -> bool:
    """Whether the database could not be asked just now; False: it was asked and refused."""
    if isinstance(error, psycopg.errors.PipelineAborted):
        return False
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in AWAY_CLASSES or state in AWAY_STATES


def lock_head(connection: Connection, statements: Statements) -> Head:
    """The head, locked until the transaction ends. Raises HeadMissing."""
    return head_of(connection.execute(statements.lock_head, prepare=True).fetchone())


def head_of(row: tuple[object, ...] | None) -> Head:
    """The head behind its row. Raises HeadMissing when there is none: nothing would be locked."""
    if row is None:
        raise HeadMissing("the head row of the ledger is missing; expected exactly one")
    ledger_id, position, link, committed_at = row
    assert isinstance(ledger_id, str)
    assert isinstance(position, int)
    assert isinstance(link, bytes)
    assert isinstance(committed_at, datetime)
    return Head(ledger_id, position, link, committed_at)


def moment_after(head: Head, now: datetime) -> datetime:
    """committed_at = max(previous, clock): it never goes back, whatever the clocks do."""
    return max(now, head.committed_at)


def write(
    connection: Connection,
    statements: Statements,
    head: Head,
    facts: Sequence[StoredFact],
    effects: Effects | None,
    keys: Sequence[KeptAnswer],
    now: datetime,
) -> Head:
    """Everything of the commit is written in the open transaction; the answer is the new head. COMMIT is the caller's.

    ``facts`` stand at head+1…head+n. Raises psycopg errors; a UniqueViolation on (stream, version) is ours: it means
    that a decision was made on something stale, which the lock makes impossible.
    """
    if len(facts) >= COPY_FACTS_MIN:
        copy_facts(connection, statements, facts)
    with connection.pipeline():
        return queue(connection, statements, head, facts, effects, keys, now)


def copy_facts(connection: Connection, statements: Statements, facts: Sequence[StoredFact]) -> None:
    """The facts are written by COPY, outside a pipeline: from COPY_FACTS_MIN on, before ``queue``."""
    with connection.cursor() as cursor, cursor.copy(statements.copy_events) as copy:
        copy.set_types(statements.copy_types)
        write = copy.write_row
        if statements.copy_types[0] == "uuid":
            for f in facts:
                write((UUID(f.stream), f.version, f.name, f.state, f.position))
        else:
            for position, *row in facts:
                write((*row, position))
    reach("commit.copied")


def queue(
    connection: Connection,
    statements: Statements,
    head: Head,
    facts: Sequence[StoredFact],
    effects: Effects | None,
    keys: Sequence[KeptAnswer],
    now: datetime,
) -> Head:
    """As ``write``, inside an open pipeline and without waiting; COPY_FACTS_MIN facts and more were copied before."""
    moment = moment_after(head, now)
    new = head
    if facts:
        assert facts[0].position == head.position + 1, (facts[0].position, head.position)
        seal = sealed(head.ledger_id, head.hash, moment, facts)
        if len(facts) < COPY_FACTS_MIN:
            _insert(connection, statements, facts)
        reach("commit.inserted")
        parts = (seal.first_position, seal.last_position, moment, seal.digest, seal.hash, seal.fact_digests)
        connection.execute(statements.insert_seal, parts, prepare=True)
        new = Head(head.ledger_id, seal.last_position, seal.hash, moment)
        connection.execute(statements.update_head, (new.position, new.hash, moment), prepare=True)
        connection.execute("SELECT pg_notify(%s, %s)", (statements.channel, str(new.position)), prepare=True)
        reach("commit.sealed")
    if effects is not None:
        _write_effects(connection, statements, effects)
    if keys:
        _insert_keys(connection, statements, keys, moment)
    return new


def finish(connection: psycopg.Connection[Any]) -> None:
    """COMMIT is sent and answered. A broken connection in here leaves the outcome unknown: ask ``was_sealed``."""
    with connection.pipeline() as pipeline:
        commit(connection, pipeline)


def commit(connection: psycopg.Connection[Any], pipeline: psycopg.Pipeline) -> None:
    """As ``finish``, inside an open pipeline: where a statement before it was refused, the server passes COMMIT over.

    An error for which ``is_away`` says no is such a refusal, and nothing was recorded.
    """
    reach("commit.before_commit")
    cursor = connection.execute("COMMIT", prepare=False)
    reach("commit.sent")
    pipeline.sync()
    assert cursor.statusmessage == "COMMIT", cursor.statusmessage
    reach("commit.after_commit")


def was_sealed(connection: Connection, statements: Statements, first_position: int, link: bytes) -> bool:
    """Whether the commit with this link is in the ledger. Locks the head first: a commit still on its way ends before."""
    with connection.transaction():
        lock_head(connection, statements)
        return connection.execute(statements.sealed_by, (first_position, link)).fetchone() is not None


def _insert(connection: Connection, statements: Statements, facts: Sequence[StoredFact]) -> None:
    connection.execute(
        statements.insert_events,
        (
            texts(f.stream for f in facts),
            integers(f.version for f in facts),
            texts(f.name for f in facts),
            octets(f.state for f in facts),
            integers(f.position for f in facts),
        ),
        prepare=True,
    )


def _write_effects(connection: Connection, statements: Statements, effects: Effects) -> None:
    if effects.counts:
        _upsert_counts(connection, statements, {(c.place, c.sku, c.shop): c for c in effects.counts}.values())
    if effects.levels:
        _upsert_levels(connection, statements, effects.levels)
    if effects.numbers:
        _update_numbers(connection, statements, effects.numbers)
    if effects.changes:
        _insert_changes(connection, statements, effects.changes)


def _upsert_counts(connection: Connection, statements: Statements, counts: Collection[Count]) -> None:
    columns = (
        texts(c.place for c in counts),
        texts(c.sku for c in counts),
        texts(c.shop for c in counts),
        moments(c.up_to for c in counts),
        integers(c.position for c in counts),
        integers(c.part_units for c in counts),
    )
    connection.execute(statements.upsert_counts, columns, prepare=True)


def _upsert_levels(connection: Connection, statements: Statements, levels: Mapping[tuple[str, str], Level]) -> None:
    rows, stocks = levels.values(), [level.stock for level in levels.values()]
    columns = (
        texts(place for place, _ in levels),
        texts(sku for _, sku in levels),
        integers(s.version for s in stocks),
        integers(s.on_hand_units for s in stocks),
        integers(s.allocated_units for s in stocks),
        integers(s.held_units for s in stocks),
        integers(s.kept_back_units for s in stocks),
        integers(s.auction_kept_units for s in stocks),
        integers(s.defective_units for s in stocks),
        integers(s.undecided_units for s in stocks),
        integers(r.counted_position for r in rows),
        moments(r.counted_at for r in rows),
        texts(r.counted_by for r in rows),
        integers(r.position for r in rows),
        integers(r.sku_version for r in rows),
        integers(r.recipe_version for r in rows),
        integers(r.called for r in rows),
        booleans(r.counted_plainly for r in rows),
    )
    connection.execute(statements.upsert_levels, columns, prepare=True)


def _update_numbers(connection: Connection, statements: Statements, numbers: Sequence[Number]) -> None:
    skus, versions, on_hands, positions, counted_at, counted_by = zip(*numbers, strict=True)
    columns = (
        texts(skus),
        integers(versions),
        integers(on_hands),
        integers(positions),
        moments(counted_at),
        texts(counted_by),
        MAIN_PLACE,
    )
    connection.execute(statements.update_numbers, columns, prepare=True)


def _insert_changes(connection: Connection, statements: Statements, changes: Sequence[Change]) -> None:
    columns = (
        texts(c.place for c in changes),
        texts(c.sku for c in changes),
        moments(c.happened_at for c in changes),
        integers(c.position for c in changes),
        texts(c.shop for c in changes),
        integers(c.delta for c in changes),
        integers(c.on_hand_delta for c in changes),
    )
    connection.execute(statements.insert_changes, columns, prepare=True)


def _insert_keys(connection: Connection, statements: Statements, keys: Sequence[KeptAnswer], moment: datetime) -> None:
    columns = (
        texts(k.scope for k in keys),
        texts(k.key for k in keys),
        octets(k.digest for k in keys),
        octets(k.answer for k in keys),
        integers(k.position for k in keys),
        moments(moment for _ in keys),
    )
    connection.execute(statements.insert_keys, columns, prepare=True)
