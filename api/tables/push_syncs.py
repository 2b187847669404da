"""A running 一括同期 of a shop: how far it is and what it counted, so that any worker goes on with it.

Every function works in the caller's transaction.
"""

from dataclasses import dataclass
from datetime import datetime

import psycopg


@dataclass(frozen=True, slots=True)
class Running:
    """One full sync. ``after``: the last listing that was stated, as text; "" at the beginning."""

    sync: str
    after: str
    sent: int = 0
    same: int = 0
    rejected: int = 0
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a full sync is: ``done`` of ``listings`` were stated."""

    sync: str
    paused: bool
    listings: int
    sent: int
    same: int
    rejected: int
    started_at: datetime

    @property
    def done(self) -> int:
        return self.sent + self.same + self.rejected


def begin(connection: psycopg.Connection, shop: str, sync: str, now: datetime, *, listings: int = 0) -> str:
    """The id of the sync that runs from here on: this one, or the one that runs or is paused already."""
    connection.execute(
        "INSERT INTO push_syncs (shop, sync, after, started_at, listings) VALUES (%s, %s, '', %s, %s) ON CONFLICT (shop) DO NOTHING",
        (shop, sync, now, listings),
    )
    found = progress(connection, shop)
    assert found is not None
    return found.sync


def running(connection: psycopg.Connection, shop: str) -> Running | None:
    """The shop's full sync; None when none runs, or it is paused."""
    row = connection.execute(
        "SELECT sync, after, sent, same, rejected, started_at FROM push_syncs WHERE shop = %s AND NOT paused",
        (shop,),
        prepare=True,
    ).fetchone()
    return None if row is None else Running(*row)


def progress(connection: psycopg.Connection, shop: str) -> Progress | None:
    """How far the shop's full sync is, also when it is paused; None: there is none."""
    row = connection.execute(
        "SELECT sync, paused, listings, sent, same, rejected, started_at FROM push_syncs WHERE shop = %s", (shop,)
    ).fetchone()
    return None if row is None else Progress(*row)


def pause(connection: psycopg.Connection, shop: str, *, paused: bool) -> bool:
    """The sync waits where it is, or goes on. False: it did already, or there is none."""
    statement = "UPDATE push_syncs SET paused = %s WHERE shop = %s AND paused <> %s"
    return connection.execute(statement, (paused, shop, paused)).rowcount == 1


def shops(connection: psycopg.Connection) -> set[str]:
    """The shops with a running full sync."""
    return {str(row[0]) for row in connection.execute("SELECT shop FROM push_syncs WHERE NOT paused", prepare=True)}


def move(connection: psycopg.Connection, shop: str, to: Running) -> None:
    """The sync is as far as ``to`` says."""
    connection.execute(
        "UPDATE push_syncs SET after = %s, sent = %s, same = %s, rejected = %s WHERE shop = %s AND sync = %s",
        (to.after, to.sent, to.same, to.rejected, shop, to.sync),
        prepare=True,
    )


def end(connection: psycopg.Connection, shop: str, sync: str) -> None:
    """The sync is over."""
    connection.execute("DELETE FROM push_syncs WHERE shop = %s AND sync = %s", (shop, sync))
