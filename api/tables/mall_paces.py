"""How fast an account of a mall may be called, shared by every process: one row an (account, kind), moved by GCRA.

A mall with one limit for every call has one row, whatever the kind.

The pace is kept a little below the mall's own limit, so that requests which travel at different speeds do not meet it:
97 % of it, and at least 95 % is used. In a full sync one call of each burst is kept for orders.
"""

from datetime import datetime, timedelta
from math import floor

import psycopg

from adapters.kit.mall import Mall
from adapters.kit.pace import Go, Pace, Wait, ask, held_back

SHARE_OF_LIMIT = 0.97
PUSH, READ, ORDERS, BATCH = "push", "read", "orders", "batch"


def pace_of(per_second: float, *, burst: int = 1) -> Pace:
    """The pace for a mall's limit of ``per_second`` calls."""
    return Pace(per_second * SHARE_OF_LIMIT, burst)


def counted_as(mall: Mall, kind: str) -> str:
    """The kind whose row counts such a call of this mall."""
    return PUSH if mall.one_limit and kind != BATCH else kind


def may_call(
    connection: psycopg.Connection, account: str, kind: str, pace: Pace, *, now: datetime, for_order: bool = True
) -> float:
    """0.0 when one call may leave now, and it is counted; else the seconds to wait. Call it in a transaction of its own.

    ``for_order`` False (a full sync): one call of the burst is left for orders.
    """
    asked = pace if for_order or pace.burst == 1 else Pace(pace.per_second, pace.burst - 1)
    with connection.transaction():
        arrival = _arrival(connection, account, kind, now)
        match ask(asked, arrival=arrival, now=0.0):
            case Go(arrival=after):
                _keep(connection, account, kind, now, after)
                return 0.0
            case Wait(seconds=seconds):
                return seconds


def hold_back(
    connection: psycopg.Connection, account: str, kind: str, pace: Pace, *, now: datetime, wait_seconds: float
) -> None:
    """The mall said to wait: nobody calls it for so long."""
    with connection.transaction():
        arrival = _arrival(connection, account, kind, now)
        _keep(connection, account, kind, now, held_back(pace, arrival=arrival, now=0.0, wait_seconds=wait_seconds))


def _arrival(connection: psycopg.Connection, account: str, kind: str, now: datetime) -> float | None:
    """Seconds from ``now`` to the kept number, its row locked; None: it was never called."""
    found = connection.execute(
        "SELECT extract(epoch FROM arrival - %s)::float8 FROM mall_paces WHERE account = %s AND kind = %s FOR UPDATE",
        (now, account, kind),
        prepare=True,
    ).fetchone()
    if found is not None:
        return None if found[0] is None else float(found[0])
    connection.execute(
        "INSERT INTO mall_paces (account, kind) VALUES (%s, %s) ON CONFLICT DO NOTHING", (account, kind), prepare=True
    )
    return _arrival(connection, account, kind, now)


def _keep(connection: psycopg.Connection, account: str, kind: str, now: datetime, arrival: float) -> None:
    connection.execute(
        "UPDATE mall_paces SET arrival = %s WHERE account = %s AND kind = %s",
        (now + timedelta(microseconds=floor(arrival * 1_000_000)), account, kind),
        prepare=True,
    )
