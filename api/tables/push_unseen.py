"""Units that a look found missing, per listing: withheld until the orders behind them come, or ten minutes pass (要確認).

Every function works in the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg

from api.jobs.push_missing import UNSEEN_SECONDS_MAX, Unseen, left_of
from ledger import keys
from ledger.expected import Sale

KEPT_SECONDS = 24 * 3_600  # after their time they are a list for a person, for a day
SELECT = "SELECT shop, listing, sku, units_per_listing, certain, possible, sold_after, seen_at, known_position FROM push_unseen"


def add(connection: psycopg.Connection, found: Sequence[Unseen]) -> None:
    """These units are withheld from here on. The same look again changes nothing."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO push_unseen (shop, listing, seen_at, sku, units_per_listing, certain, possible, sold_after,"
            " known_position) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (
                    one.shop,
                    keys.listing_text(one.key),
                    one.seen_at,
                    one.sku,
                    one.units_per_listing,
                    one.certain,
                    one.possible,
                    one.sold_after,
                    one.known_position,
                )
                for one in found
            ],
        )


def running(connection: psycopg.Connection, now: datetime, skus: Iterable[str] | None = None) -> list[Unseen]:
    """The entries whose ten minutes run, of these SKUs or of all."""
    since = now - timedelta(seconds=UNSEEN_SECONDS_MAX)
    wanted = None if skus is None else list(skus)
    rows = connection.execute(
        f"{SELECT} WHERE seen_at > %s AND (%s::text[] IS NULL OR sku = ANY (%s)) ORDER BY shop, listing, seen_at",
        (since, wanted, wanted),
        prepare=True,
    ).fetchall()
    return [_entry(row) for row in rows]


def to_check(connection: psycopg.Connection, now: datetime) -> list[Unseen]:
    """要確認: sold at the mall as a look saw it, and no order came within ten minutes; kept for a day."""
    until = now - timedelta(seconds=UNSEEN_SECONDS_MAX)
    rows = connection.execute(f"{SELECT} WHERE seen_at <= %s AND certain > 0 ORDER BY shop, listing, seen_at", (until,))
    return [_entry(row) for row in rows.fetchall()]


def explain(connection: psycopg.Connection, entries: Sequence[Unseen], sales: Sequence[Sale], position: int) -> None:
    """What these orders explain of one listing's entries is taken off; orders up to ``position`` are used up."""
    keep(connection, left_of(entries, sales), position)


def keep(connection: psycopg.Connection, left: Sequence[tuple[Unseen, int, int]], position: int) -> None:
    """(certain, possible) is left of each entry when the orders up to ``position`` are known."""
    for entry, certain, possible in left:
        connection.execute(
            "UPDATE push_unseen SET certain = %s, possible = %s, known_position = %s"
            " WHERE shop = %s AND listing = %s AND seen_at = %s",
            (
                certain,
                possible,
                max(position, entry.known_position),
                entry.shop,
                keys.listing_text(entry.key),
                entry.seen_at,
            ),
            prepare=True,
        )


def forget_old(connection: psycopg.Connection, now: datetime) -> int:
    """Entries older than a day are gone; the answer is how many."""
    return connection.execute(
        "DELETE FROM push_unseen WHERE seen_at < %s", (now - timedelta(seconds=KEPT_SECONDS),)
    ).rowcount


def _entry(row: Any) -> Unseen:
    shop, name, *rest = row
    return Unseen(shop, keys.listing_key(name), *rest)
