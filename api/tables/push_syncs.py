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


def begin(connection: psycopg.Connection, shop: str, sync: str, now: datetime) -> str:
    """The id of the sync that runs from here on: this one, or the one that runs already."""
    connection.execute(
        "INSERT INTO push_syncs (shop, sync, after, started_at) VALUES (%s, %s, '', %s) ON CONFLICT (shop) DO NOTHING",
        (shop, sync, now),
    )
    found = running(connection, shop)
    assert found is not None
    return found.sync


def running(connection: psycopg.Connection, shop: str) -> Running | None:
    """The shop's full sync; None when none runs."""
    row = connection.execute(
        "SELECT sync, after, sent, same, rejected, started_at FROM push_syncs WHERE shop = %s", (shop,), prepare=True
    ).fetchone()
    return None if row is None else Running(*row)


def shops(connection: psycopg.Connection) -> set[str]:
    """The shops with a running full sync."""
    return {str(row[0]) for row in connection.execute("SELECT shop FROM push_syncs", prepare=True)}


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
