"""How far each shop's orders were asked for at its mall, and the orders that a notice named.

Every function works in the caller's transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

_COLUMNS = "shop, done_until, since, until, cursor, found, due_at, asked_at, failures, code, claimed_until"


@dataclass(frozen=True, slots=True)
class OrderPoll:
    """One shop's asking. ``since`` to ``until``: the window under way, None: none; ``cursor`` goes on in it.

    ``asked_at``: the last answer; ``failures`` in a row since, with the ``code`` of the last.
    """

    shop: str
    done_until: datetime
    since: datetime | None
    until: datetime | None
    cursor: str
    found: int
    due_at: datetime
    asked_at: datetime | None
    failures: int
    code: str
    claimed_until: datetime | None = None


def begin(connection: psycopg.Connection, shop: str, *, done_until: datetime, now: datetime) -> None:
    """The shop is asked from now on, from ``done_until``; a shop that is asked already goes on as it is."""
    connection.execute(
        "INSERT INTO order_polls (shop, done_until, due_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (shop, done_until, now),
    )


def known(connection: psycopg.Connection) -> set[str]:
    """The shops that are asked."""
    return {str(row[0]) for row in connection.execute("SELECT shop FROM order_polls", prepare=True)}


def claim(connection: psycopg.Connection, *, now: datetime, claim_seconds: float) -> OrderPoll | None:
    """The shop that is due the longest is this worker's for so long; None: none is due."""
    row = connection.execute(
        "WITH next AS MATERIALIZED (SELECT shop FROM order_polls WHERE due_at <= %(now)s"
        " AND (claimed_until IS NULL OR claimed_until < %(now)s) ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " UPDATE order_polls AS p SET claimed_until = %(until)s FROM next WHERE p.shop = next.shop RETURNING "
        f"{', '.join(f'p.{name.strip()}' for name in _COLUMNS.split(','))}",
        {"now": now, "until": now + timedelta(seconds=claim_seconds)},
        prepare=True,
    ).fetchone()
    return None if row is None else OrderPoll(*row)


def keep(connection: psycopg.Connection, poll: OrderPoll) -> None:
    """The shop stands so and is nobody's; nothing when somebody else has it, or a person asked for more meanwhile."""
    connection.execute(
        "UPDATE order_polls SET done_until = %s, since = %s, until = %s, cursor = %s, found = %s, due_at = %s,"
        " asked_at = %s, failures = %s, code = %s, claimed_until = NULL"
        " WHERE shop = %s AND claimed_until = %s",
        (
            poll.done_until,
            poll.since,
            poll.until,
            poll.cursor,
            poll.found,
            poll.due_at,
            poll.asked_at,
            poll.failures,
            poll.code,
            poll.shop,
            poll.claimed_until,
        ),
        prepare=True,
    )


def ask_again(connection: psycopg.Connection, shop: str, *, since: datetime, until: datetime, now: datetime) -> bool:
    """That period is asked for once more, beginning now; then it goes on where it was. False: the shop is not asked for orders."""
    return bool(
        connection.execute(
            "UPDATE order_polls SET since = %s, until = %s, cursor = '', found = 0, failures = 0, code = '',"
            " due_at = %s, claimed_until = NULL WHERE shop = %s",
            (since, until, now, shop),
        ).rowcount
    )


def hint(connection: psycopg.Connection, hints: Iterable[tuple[str, str]], *, now: datetime) -> None:
    """These orders (shop, number) are to be fetched now; an empty number: whatever is new."""
    wanted = sorted(set(hints))
    if not wanted:
        return
    shops, numbers = [shop for shop, _ in wanted], [number for _, number in wanted]
    connection.execute(
        "INSERT INTO order_hints (shop, number, hinted_at) SELECT w.shop, w.number, %s"
        " FROM unnest(%s::text[], %s::text[]) AS w (shop, number) WHERE w.number <> '' ON CONFLICT DO NOTHING",
        (now, shops, numbers),
    )
    connection.execute(
        "UPDATE order_polls SET due_at = least(due_at, %s) WHERE shop = ANY (%s) AND failures = 0", (now, shops)
    )


def hinted(connection: psycopg.Connection, shop: str, rows_max: int) -> tuple[str, ...]:
    """The oldest orders that notices named."""
    rows = connection.execute(
        "SELECT number FROM order_hints WHERE shop = %s ORDER BY hinted_at, number LIMIT %s", (shop, rows_max)
    )
    return tuple(str(row[0]) for row in rows)


def fetched(connection: psycopg.Connection, shop: str, numbers: Iterable[str]) -> None:
    """These orders were asked for."""
    connection.execute("DELETE FROM order_hints WHERE shop = %s AND number = ANY (%s)", (shop, list(numbers)))


def of_shop(connection: psycopg.Connection, shop: str) -> OrderPoll | None:
    """How the shop's asking stands; None: it is not asked for orders."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM order_polls WHERE shop = %s", (shop,)).fetchone()
    return None if row is None else OrderPoll(*row)
