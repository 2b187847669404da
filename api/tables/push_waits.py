"""Since when listings of a shop wait, by reason: ``quiet`` (the mall cannot be read) or ``rejected_zero`` (0 was last tried).

Every function works in the caller's transaction.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import psycopg

from ledger import keys
from ledger.terms import ListingKey

QUIET, REJECTED_ZERO = "quiet", "rejected_zero"


def of_shop(connection: psycopg.Connection, shop: str) -> Mapping[str, Mapping[ListingKey, datetime]]:
    """By reason, the listings that wait for it, and since when."""
    rows = connection.execute("SELECT why, listing, since FROM push_waits WHERE shop = %s", (shop,), prepare=True)
    found: dict[str, dict[ListingKey, datetime]] = {}
    for why, listing, since in rows:
        found.setdefault(why, {})[keys.listing_key(listing)] = since
    return found


def begin(
    connection: psycopg.Connection,
    shop: str,
    why: str,
    found: Iterable[ListingKey],
    now: datetime,
    *,
    again: bool = False,
) -> None:
    """These listings wait since now; one that waits already keeps its time, unless ``again``."""
    listings = [keys.listing_text(key) for key in found]
    if not listings:
        return
    conflict = "DO UPDATE SET since = excluded.since" if again else "DO NOTHING"
    connection.execute(
        "INSERT INTO push_waits (shop, listing, why, since) SELECT %s, listing, %s, %s FROM unnest(%s::text[]) AS w (listing)"
        f" ON CONFLICT (shop, listing, why) {conflict}",
        (shop, why, now, listings),
        prepare=True,
    )


def end(connection: psycopg.Connection, shop: str, why: str, found: Iterable[ListingKey]) -> None:
    """These listings wait no more."""
    listings = [keys.listing_text(key) for key in found]
    if listings:
        connection.execute(
            "DELETE FROM push_waits WHERE shop = %s AND why = %s AND listing = ANY (%s)",
            (shop, why, listings),
            prepare=True,
        )
