"""On which day in Japan a shop's scheduled work was begun last, so that of all workers one begins it, once a day.

Every function works in the caller's transaction.
"""

from datetime import date

import psycopg


def known(connection: psycopg.Connection, shop: str, job: str) -> date | None:
    """The last day; None: it was never looked at."""
    row = connection.execute("SELECT done_on FROM shop_turns WHERE shop = %s AND job = %s", (shop, job)).fetchone()
    return None if row is None else row[0]


def take(connection: psycopg.Connection, shop: str, job: str, day: date) -> bool:
    """Whether the day's work is this caller's to begin; False: somebody has begun it."""
    return (
        connection.execute(
            "INSERT INTO shop_turns AS t (shop, job, done_on) VALUES (%s, %s, %s) ON CONFLICT (shop, job)"
            " DO UPDATE SET done_on = EXCLUDED.done_on WHERE t.done_on < EXCLUDED.done_on",
            (shop, job, day),
        ).rowcount
        == 1
    )


def drop(connection: psycopg.Connection, shop: str, job: str) -> bool:
    """Whether there was such a row; it is gone, so that one caller alone finds it."""
    return connection.execute("DELETE FROM shop_turns WHERE shop = %s AND job = %s", (shop, job)).rowcount == 1
