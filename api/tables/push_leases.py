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
    """The right to push one shop. ``epoch`` rises with every taking; an older one never holds again.

    ``clean`` False: the last holder did not give it back, or left requests whose answer is unknown.
    """

    shop: str
    epoch: int
    holder: str
    clean: bool


def take(
    connection: psycopg.Connection, shop: str, *, holder: str, now: datetime, request_seconds: float
) -> PushLease | None:
    """The lease when it is free or its time is over; None: another worker has it, or its last request is waited out.

    ``request_seconds`` is the longest a request to this mall lasts.
    """
    assert holder
    until = _until(now, request_seconds)
    row = connection.execute(
        "UPDATE push_leases AS l SET epoch = l.epoch + 1, holder = %s, until = %s"
        " FROM (SELECT shop, holder, doubts FROM push_leases WHERE shop = %s AND until <= %s FOR UPDATE SKIP LOCKED) AS o"
        " WHERE l.shop = o.shop RETURNING l.epoch, o.holder = '' AND o.doubts = 0",
        (holder, until, shop, now),
        prepare=True,
    ).fetchone()
    if row is None:  # nobody ever had it, or somebody has
        row = connection.execute(
            "INSERT INTO push_leases (shop, epoch, holder, until) VALUES (%s, 1, %s, %s) ON CONFLICT DO NOTHING"
            " RETURNING epoch, true",
            (shop, holder, until),
            prepare=True,
        ).fetchone()
    return None if row is None else PushLease(shop, int(row[0]), holder, clean=bool(row[1]))


def left_open(connection: psycopg.Connection, now: datetime) -> set[str]:
    """The shops whose last holder went away or left an unknown answer, and whose lease can be taken now."""
    statement = "SELECT shop FROM push_leases WHERE (holder <> '' OR doubts > 0) AND until <= %s"
    return {str(row[0]) for row in connection.execute(statement, (now,), prepare=True)}


def hold(connection: psycopg.Connection, lease: PushLease, *, now: datetime, request_seconds: float) -> bool:
    """The lease is still this holder's, and lasts longer than a request that leaves now. False: it was lost."""
    held = connection.execute(
        "UPDATE push_leases SET until = greatest(until, %s) WHERE shop = %s AND epoch = %s AND holder = %s",
        (_until(now, request_seconds), lease.shop, lease.epoch, lease.holder),
        prepare=True,
    )
    return held.rowcount == 1


def release(connection: psycopg.Connection, lease: PushLease, *, now: datetime, doubts: int) -> None:
    """Anybody may take it at once: every request of it has its answer recorded, ``doubts`` of them an unknown one."""
    connection.execute(
        "UPDATE push_leases SET until = %s, holder = '', doubts = %s WHERE shop = %s AND epoch = %s AND holder = %s",
        (now, doubts, lease.shop, lease.epoch, lease.holder),
        prepare=True,
    )


def _until(now: datetime, request_seconds: float) -> datetime:
    return now + timedelta(seconds=request_seconds + MARGIN_SECONDS)
