"""Streams set aside for one table: a fact it cannot take waits with all later facts of its stream; other streams go on.

After RETRIES_MAX tries the fact's stream gets a row here, in the transaction that moves the table past the fact. That row not
being written is loud: the runner stops. ``rerun`` takes the waiting facts in order, once the cause is mended. The reason
is a code, never a text.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from projections.table import Connection, PoisonedFact

RETRIES_MAX = 5
RETRY_SECONDS = 0.02
STREAMS_PAGE_MAX = 1_000

# What makes a fact poison for a table: faults of our own, and values that the table cannot hold.
POISON = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    msgspec.MsgspecError,
    psycopg.DataError,
    psycopg.IntegrityError,
)


@dataclass(frozen=True, slots=True)
class SetAside:
    """One stream that waits. ``position`` is that of the poisoned fact, ``waiting`` how many facts wait, it included."""

    projection: str
    stream: str
    position: int
    fact: str
    reason: str
    tries: int
    set_aside_at: datetime
    waiting: int


def reason_of(error: Exception) -> str:
    """A code for why a fact was not taken: never the error's text, which may hold what a person wrote."""
    if isinstance(error, PoisonedFact):
        return error.reason
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return f"{type(error).__name__}:{state}" if state else type(error).__name__


class Quarantine:
    """The SQL of the quarantine of one schema. Callers hold the transaction."""

    def __init__(self, schema: str) -> None:
        table, events = sql.Identifier(schema, "projection_quarantine"), sql.Identifier(schema, "ledger_events")
        checkpoints = sql.Identifier(schema, "projection_checkpoints")
        self._streams = sql.SQL("SELECT projection, stream FROM {} WHERE projection = ANY (%s)").format(table)
        self._add = sql.SQL(
            "INSERT INTO {} (projection, stream, position, fact, reason, tries, set_aside_at) VALUES (%s, %s, %s, %s, %s, %s, %s)"
        ).format(table)
        self._position = sql.SQL("SELECT position FROM {} WHERE projection = %s AND stream = %s FOR UPDATE").format(
            table
        )
        self._remove = sql.SQL("DELETE FROM {} WHERE projection = %s AND stream = %s").format(table)
        self._clear = sql.SQL("DELETE FROM {} WHERE projection = %s").format(table)
        self._rename = sql.SQL("UPDATE {} SET projection = %s WHERE projection = %s").format(table)
        self._all = sql.SQL(
            "SELECT q.projection, q.stream, q.position, q.fact, q.reason, q.tries, q.set_aside_at,"
            " (SELECT count(*) FROM {events} AS e WHERE e.originator_id = q.stream"
            " AND e.notification_id BETWEEN q.position AND c.position)"
            " FROM {table} AS q JOIN {checkpoints} AS c ON c.projection = q.projection"
            " WHERE (q.projection, q.stream) > (%s, %s) ORDER BY q.projection, q.stream LIMIT %s"
        ).format(events=events, table=table, checkpoints=checkpoints)
        self._waiting = sql.SQL(
            "SELECT notification_id, originator_version, topic, state FROM {}"
            " WHERE originator_id = %s AND notification_id BETWEEN %s AND %s ORDER BY originator_version"
        ).format(events)

    def streams(self, connection: Connection, projections: Collection[str]) -> Mapping[str, frozenset[str]]:
        """The streams that wait, by projection; those without any are absent."""
        found: dict[str, set[str]] = {}
        rows: list[Any] = connection.execute(self._streams, (list(projections),), prepare=True).fetchall()
        for projection, stream in rows:
            found.setdefault(projection, set()).add(stream)
        return {projection: frozenset(streams) for projection, streams in found.items()}

    def add(
        self, connection: Connection, projection: str, stream: str, position: int, fact: str, reason: str, now: datetime
    ) -> None:
        """The stream waits from this fact on."""
        connection.execute(self._add, (projection, stream, position, fact, reason, RETRIES_MAX, now))

    def position_of(self, connection: Connection, projection: str, stream: str) -> int | None:
        """Where the stream's waiting facts begin; None when it does not wait."""
        row: Any = connection.execute(self._position, (projection, stream)).fetchone()
        return None if row is None else row[0]

    def remove(self, connection: Connection, projection: str, stream: str) -> None:
        """The stream waits no more."""
        connection.execute(self._remove, (projection, stream))

    def clear(self, connection: Connection, projection: str) -> None:
        """No stream of this build waits: it is begun again or gone."""
        connection.execute(self._clear, (projection,))

    def rename(self, connection: Connection, projection: str, to: str) -> None:
        """What waits for one build waits for the other's name: the builds changed places."""
        self.clear(connection, to)
        connection.execute(self._rename, (to, projection))

    def page(self, connection: Connection, after: tuple[str, str] = ("", "")) -> list[SetAside]:
        """Up to STREAMS_PAGE_MAX streams that wait, behind ``after`` (projection, stream), in that order."""
        rows: list[Any] = connection.execute(self._all, (*after, STREAMS_PAGE_MAX)).fetchall()
        return [SetAside(*row) for row in rows]

    def waiting(self, connection: Connection, stream: str, first: int, last: int) -> list[tuple[int, int, str, bytes]]:
        """The stream's facts of these positions: (position, version, name, state), in order."""
        rows: list[Any] = connection.execute(self._waiting, (stream, first, last)).fetchall()
        return rows
