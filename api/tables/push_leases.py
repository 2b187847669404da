"""At most one worker pushes a shop: a lease row with an epoch, taken over only when the last holder's request is over.

``until`` is moved before every request to a moment at which that request has surely ended, answered or cut by our own
deadline; so whoever takes over never sends beside a request that is still on its way. Times are the house's clock.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

MARGIN_SECONDS = 5.0  # beyond a request's own deadline: to write what came of it


@dataclass(frozen=True, slots=True)
class PushLease:
    """The right to push one shop. ``epoch`` rises with every taking; an older one never holds again."""

    shop: str
    epoch: int
    holder: str


def take(connection: psycopg.Connection, shop: str, *, holder: str, now: datetime, request_seconds: float) -> PushLease | None:
    """The lease when it is free or its time is over; None: another worker has it, or its last request is waited out.

    ``request_seconds`` is the longest a request to this mall lasts.
    """
    row = connection.execute(
        "INSERT INTO push_leases AS l (shop, epoch, holder, until) VALUES (%s, 1, %s, %s)"
        " ON CONFLICT (shop) DO UPDATE SET epoch = l.epoch + 1, holder = excluded.holder, until = excluded.until"
        " WHERE l.until <= %s RETURNING epoch",
        (shop, holder, _until(now, request_seconds), now),
        prepare=True,
    ).fetchone()
    return None if row is None else PushLease(shop, int(row[0]), holder)


def hold(connection: psycopg.Connection, lease: PushLease, *, now: datetime, request_seconds: float) -> bool:
    """The lease is still this holder's, and lasts longer than a request that leaves now. False: it was lost."""
    return (
        connection.execute(
            "UPDATE push_leases SET until = greatest(until, %s) WHERE shop = %s AND epoch = %s AND holder = %s",
            (_until(now, request_seconds), lease.shop, lease.epoch, lease.holder),
            prepare=True,
        ).rowcount
        == 1
    )


def release(connection: psycopg.Connection, lease: PushLease, *, now: datetime) -> None:
    """Anybody may take it at once: nothing is on its way."""
    connection.execute(
        "UPDATE push_leases SET until = %s WHERE shop = %s AND epoch = %s AND holder = %s",
        (now, lease.shop, lease.epoch, lease.holder),
        prepare=True,
    )


def _until(now: datetime, request_seconds: float) -> datetime:
    return now + timedelta(seconds=request_seconds + MARGIN_SECONDS)
