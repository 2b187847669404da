"""One active runner a table: a lease row with an epoch, checked inside every page's transaction.

A clock only says when a silent holder may be replaced; that two never write is kept by the epoch alone.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from ledger.arrays import integers, texts
from ledger.failpoint import reach
from projections.table import Connection

LEASE_SECONDS = 5.0
RENEW_SECONDS = 1.0


class LeaseLost(RuntimeError):
    """Another process holds the lease of this table now; nothing of the page was written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write one table until ``until``, or longer when nobody else asks."""

    projection: str
    epoch: int
    until: datetime


class Leases:
    """The leases of one schema, as one holder asks for them. ``holder`` is an opaque id of this process."""

    def __init__(self, schema: str, holder: str) -> None:
        assert holder
        self._holder = holder
        table = sql.Identifier(schema, "projection_leases")
        self._take = sql.SQL(
            "INSERT INTO {} AS l (projection, epoch, holder, until)"
            " SELECT projection, 1, %s, %s FROM unnest(%s::text[]) AS w (projection) ORDER BY projection"
            " ON CONFLICT (projection) DO UPDATE SET epoch = l.epoch + 1, holder = EXCLUDED.holder, until = EXCLUDED.until"
            " WHERE l.until <= %s OR l.holder = EXCLUDED.holder RETURNING projection, epoch, until"
        ).format(table)
        self._seize = sql.SQL(
            "INSERT INTO {} AS l (projection, epoch, holder, until) VALUES (%s, 1, %s, %s)"
            " ON CONFLICT (projection) DO UPDATE SET epoch = l.epoch + 1, holder = EXCLUDED.holder, until = EXCLUDED.until"
            " RETURNING projection, epoch, until"
        ).format(table)
        self._renew = (
            sql.SQL("UPDATE {} SET until = greatest(until, %s) WHERE projection = %s AND epoch = %s AND holder = %s")
            .format(table)
            .as_bytes()
        )
        # Locked in the order of their names, as everybody does: two never wait for each other.
        self._hold = (
            sql.SQL(
                "SELECT l.projection FROM unnest(%s::text[], %s::bigint[]) AS w (projection, epoch) JOIN {} AS l"
                " ON l.projection = w.projection AND l.epoch = w.epoch AND l.holder = %s ORDER BY l.projection FOR UPDATE OF l"
            )
            .format(table)
            .as_bytes()
        )
        self._release = sql.SQL(
            "UPDATE {} SET until = '-infinity' WHERE projection = %s AND epoch = %s AND holder = %s"
        ).format(table)
        self._lock = sql.SQL("SELECT epoch FROM {} WHERE projection = ANY (%s) ORDER BY projection FOR UPDATE").format(
            table
        )

    def take(self, connection: Connection, projections: Collection[str], now: datetime) -> list[Lease]:
        """The leases that were free, silent for LEASE_SECONDS, or this holder's own: with a new epoch, durably."""
        until = now + timedelta(seconds=LEASE_SECONDS)
        with connection.transaction():
            connection.execute("SET LOCAL synchronous_commit = on")  # an epoch that was used never comes again
            cursor = connection.execute(self._take, (self._holder, until, sorted(projections), now))
            rows: list[Any] = cursor.fetchall()
        reach("projection.lease_taken")
        return [Lease(*row) for row in rows]

    def seize(self, connection: Connection, projection: str, now: datetime) -> Lease:
        """The lease is this holder's, whoever had it: for a person's command. Who had it finds the epoch gone."""
        until = now + timedelta(seconds=LEASE_SECONDS)
        with connection.transaction():
            connection.execute("SET LOCAL synchronous_commit = on")
            row: Any = connection.execute(self._seize, (projection, self._holder, until)).fetchone()
        return Lease(*row)

    def hold(self, connection: Connection, leases: Collection[Lease]) -> psycopg.Cursor[tuple[object, ...]]:
        """Nobody else takes the leases until the transaction ends. The rows are the projections that were not lost."""
        values = (texts(lease.projection for lease in leases), integers(lease.epoch for lease in leases), self._holder)
        return connection.execute(self._hold, values, prepare=True)

    def renew(self, connection: Connection, lease: Lease, now: datetime) -> psycopg.Cursor[tuple[object, ...]]:
        """Nobody else takes the lease for LEASE_SECONDS. No row was changed: it was lost."""
        until = now + timedelta(seconds=LEASE_SECONDS)
        return connection.execute(self._renew, (until, lease.projection, lease.epoch, self._holder), prepare=True)

    def release(self, connection: Connection, lease: Lease) -> None:
        """Anybody may take the lease at once."""
        connection.execute(self._release, (lease.projection, lease.epoch, self._holder))

    def lock(self, connection: Connection, projections: Collection[str]) -> None:
        """No page of these tables is written until the transaction ends."""
        connection.execute(self._lock, (list(projections),))
