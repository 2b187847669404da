"""One unguessable order-mail address a shop (受注メール転送先メールアドレス): who knows it may tell the shop's orders.

The part before the @ is 128 random bits as 26 letters and digits of one case, because mailboxes and forwarders change
the case of addresses. Every function works in the caller's transaction.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import datetime

import psycopg

from api.sealing import Seals

TOKEN_BYTES = 16
_TOKEN = re.compile(r"[a-z2-7]{26}")


def token_of(text: str) -> str | None:
    """The token when the text can be one, in its own case; None: it is nobody's address."""
    lowered = text.strip().lower()
    return lowered if _TOKEN.fullmatch(lowered) else None


def shop_of(connection: psycopg.Connection, token: str) -> str | None:
    """The shop whose address this is. Looked up by digest, so that the time it takes says nothing of the token."""
    row = connection.execute(
        "SELECT shop FROM mail_addresses WHERE token_digest = %s", (_digest(token),), prepare=True
    ).fetchone()
    return None if row is None else str(row[0])


def ensure(
    connection: psycopg.Connection, seals: Seals, *, shop: str, new_secret: Callable[[], str], made_at: datetime
) -> str:
    """The shop's token; made when it has none. Safe from many processes: all of them see one. Raises CannotOpen."""
    known = token_of_shop(connection, seals, shop)
    if known is not None:
        return known
    _insert(connection, seals, shop, new_secret(), made_at)
    made = token_of_shop(connection, seals, shop)
    assert made is not None, shop
    return made


def renew(
    connection: psycopg.Connection, seals: Seals, *, shop: str, new_secret: Callable[[], str], made_at: datetime
) -> str:
    """The shop has a new token; mail to the old one is refused from here on."""
    with connection.transaction():
        connection.execute("DELETE FROM mail_addresses WHERE shop = %s", (shop,))
        return ensure(connection, seals, shop=shop, new_secret=new_secret, made_at=made_at)


def token_of_shop(connection: psycopg.Connection, seals: Seals, shop: str) -> str | None:
    """The shop's token, opened, to be shown to its owner. Raises CannotOpen."""
    row = connection.execute("SELECT sealed FROM mail_addresses WHERE shop = %s", (shop,)).fetchone()
    return None if row is None else seals.open(_purpose(shop), row[0]).decode()


def _insert(connection: psycopg.Connection, seals: Seals, shop: str, secret: str, made_at: datetime) -> None:
    # A token in one case, from the 256 random bits that wiring gives as text of two cases.
    token = base64.b32encode(hashlib.sha256(secret.encode()).digest()[:TOKEN_BYTES]).decode().rstrip("=").lower()
    connection.execute(
        "INSERT INTO mail_addresses (shop, token_digest, sealed, made_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (shop) DO NOTHING",
        (shop, _digest(token), seals.seal(_purpose(shop), token.encode()), made_at),
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _purpose(shop: str) -> str:
    return f"address:{shop}"
