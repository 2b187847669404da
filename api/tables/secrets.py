"""Sealed secrets of shops (API keys, passwords, tokens), by shop and by the name the mall declares. Never facts.

Every function works in the caller's transaction.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import psycopg

from api.sealing import Seals

SECRET_CHARACTERS_MAX = 20_000  # the longest is a key of some 4,000


class SecretNotAccepted(ValueError):
    """The value cannot be a secret; the message says its size, never the value."""


def put(
    connection: psycopg.Connection, seals: Seals, *, shop: str, name: str, value: str, changed_at: datetime
) -> None:
    """The shop's secret has this value from here on. Raises SecretNotAccepted."""
    if not 1 <= len(value) <= SECRET_CHARACTERS_MAX or "\x00" in value:
        raise SecretNotAccepted(
            f"secret {name!r}: {len(value)} characters; expected 1 to {SECRET_CHARACTERS_MAX} without NUL"
        )
    connection.execute(
        "INSERT INTO shop_secrets (shop, name, sealed, changed_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (shop, name) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at",
        (shop, name, seals.seal(_purpose(shop, name), value.encode()), changed_at),
    )


def of_shop(connection: psycopg.Connection, seals: Seals, shop: str) -> Mapping[str, str]:
    """Every secret of the shop by name, opened. Raises CannotOpen."""
    rows = connection.execute("SELECT name, sealed FROM shop_secrets WHERE shop = %s", (shop,)).fetchall()
    return {name: seals.open(_purpose(shop, name), sealed).decode() for name, sealed in rows}


def names_of_shop(connection: psycopg.Connection, shop: str) -> Mapping[str, datetime]:
    """Which secrets the shop has, and when each was entered; nothing is opened."""
    rows = connection.execute("SELECT name, changed_at FROM shop_secrets WHERE shop = %s ORDER BY name", (shop,))
    return dict(rows.fetchall())


def delete(connection: psycopg.Connection, *, shop: str, names: Iterable[str] | None = None) -> int:
    """These secrets of the shop, or all of them, are gone; the answer is how many there were."""
    if names is None:
        return connection.execute("DELETE FROM shop_secrets WHERE shop = %s", (shop,)).rowcount
    return connection.execute(
        "DELETE FROM shop_secrets WHERE shop = %s AND name = ANY(%s)", (shop, list(names))
    ).rowcount


def _purpose(shop: str, name: str) -> str:
    return f"secret:{shop}:{name}"
