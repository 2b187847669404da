"""The last test of each shop's connection, and when the next one is due: keys that expire are seen before they do.

Every function works in the caller's transaction.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg.types.json import Jsonb

from adapters.kit.mall import ConnectionTested, DueWarning


@dataclass(frozen=True, slots=True)
class LastTest:
    """What a shop's last test found; ``tested_at`` None: it was not tested yet."""

    tested_at: datetime | None
    found: ConnectionTested


def begin(connection: psycopg.Connection, shop: str, due_at: datetime) -> None:
    """The shop is tested from ``due_at`` on; one that is tested already goes on as it is."""
    connection.execute(
        "INSERT INTO connection_tests (shop, due_at) VALUES (%s, %s) ON CONFLICT DO NOTHING", (shop, due_at)
    )


def known(connection: psycopg.Connection) -> set[str]:
    """The shops that are tested."""
    return {str(shop) for (shop,) in connection.execute("SELECT shop FROM connection_tests")}


def claim(connection: psycopg.Connection, *, now: datetime, claim_seconds: float) -> str | None:
    """The shop whose test is due the longest is this worker's for so long; None: none is due."""
    row = connection.execute(
        "WITH next AS MATERIALIZED (SELECT shop FROM connection_tests WHERE due_at <= %(now)s"
        " AND (claimed_until IS NULL OR claimed_until < %(now)s) ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " UPDATE connection_tests AS t SET claimed_until = %(until)s FROM next WHERE t.shop = next.shop RETURNING t.shop",
        {"now": now, "until": now + timedelta(seconds=claim_seconds)},
    ).fetchone()
    return None if row is None else str(row[0])


def later(connection: psycopg.Connection, shop: str, due_at: datetime) -> None:
    """The shop could not be tested now; it is due again then, and what the last test found stays."""
    connection.execute("UPDATE connection_tests SET due_at = %s, claimed_until = NULL WHERE shop = %s", (due_at, shop))


def keep(
    connection: psycopg.Connection, shop: str, found: ConnectionTested, *, tested_at: datetime, due_at: datetime
) -> None:
    """The shop was tested; the next test is due then."""
    warnings = [
        {"code": one.code, "message": one.message, "due_at": one.due_at.isoformat() if one.due_at else None}
        for one in found.warnings
    ]
    connection.execute(
        "INSERT INTO connection_tests (shop, due_at, tested_at, ok, message, warnings) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (shop) DO UPDATE SET due_at = excluded.due_at, claimed_until = NULL, tested_at = excluded.tested_at,"
        " ok = excluded.ok, message = excluded.message, warnings = excluded.warnings",
        (shop, due_at, tested_at, found.ok, found.message, Jsonb(warnings)),
    )


def of_shop(connection: psycopg.Connection, shop: str) -> LastTest | None:
    """The shop's last test; None: it was never due."""
    row = connection.execute(
        "SELECT tested_at, ok, message, warnings FROM connection_tests WHERE shop = %s", (shop,)
    ).fetchone()
    if row is None:
        return None
    tested_at, ok, message, warnings = row
    found = [
        DueWarning(one["code"], one["message"], datetime.fromisoformat(one["due_at"]) if one["due_at"] else None)
        for one in warnings
    ]
    return LastTest(tested_at, ConnectionTested(ok, message, tuple(found)))
