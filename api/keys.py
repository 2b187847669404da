"""API keys: 256 random bits, shown once, kept as SHA-256; each has scopes and can be revoked."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from api.permissions import checked_scopes
from api.wiring import House

PREFIX = "daicho"
NAME_CHARACTERS_MAX = 100
SEEN_SECONDS = 5.0  # how long a process trusts what it read: a revoked key works at most this much longer
SEEN_MAX = 1_000


class KeyNotAccepted(ValueError):
    """The name of a key is missing or too long, or there is no such key."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, by key: ``actor`` is what stands in facts."""

    key_id: str
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        return f"key:{self.key_id}"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key as lists show it; the key itself is not kept."""

    key_id: str
    name: str
    scopes: tuple[str, ...]
    made_at: datetime
    revoked_at: datetime | None


def add(house: House, name: str, scopes: Collection[str]) -> str:
    """A new key works; the answer is the key, which cannot be shown again. Raises KeyNotAccepted, UnknownScope."""
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX:
        raise KeyNotAccepted(f"name of {len(name)} characters; expected 1 to {NAME_CHARACTERS_MAX}")
    chosen = checked_scopes(scopes)
    key_id, secret = house.new_id(), house.new_secret()
    with house.pool.connection() as connection:
        connection.execute(
            "INSERT INTO api_keys (key_id, name, secret_sha256, scopes, made_at) VALUES (%s, %s, %s, %s, %s)",
            (key_id, name, _digest(secret), list(chosen), house.clock.now()),
        )
    return f"{PREFIX}_{key_id}_{secret}"


def revoke(house: House, key_id: str) -> None:
    """The key works no more, everywhere within SEEN_SECONDS. Twice is harmless. Raises KeyNotAccepted."""
    with house.pool.connection() as connection:
        found = connection.execute(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE key_id = %s RETURNING 1",
            (house.clock.now(), key_id),
        ).fetchone()
    if found is None:
        raise KeyNotAccepted(f"key {key_id!r} is not known; expected an id that `daicho key list` shows")


def page(house: House) -> list[KeyRow]:
    """Every key, oldest first."""
    with house.pool.connection() as connection:
        rows = connection.execute(
            "SELECT key_id, name, scopes, made_at, revoked_at FROM api_keys ORDER BY made_at, key_id"
        ).fetchall()
    return [KeyRow(row[0], row[1], tuple(row[2]), row[3], row[4]) for row in rows]


class Doorkeeper:
    """Tells who a bearer token is; remembers for SEEN_SECONDS. One a process."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._seen: dict[bytes, tuple[float, Caller | None]] = {}

    def caller(self, token: str) -> Caller | None:
        """The caller of this token; None when no key that is not revoked has it. Reads the database at most once in SEEN_SECONDS."""
        prefix, _, rest = token.partition("_")
        key_id, _, secret = rest.partition("_")
        if prefix != PREFIX or not key_id or not secret:
            return None
        digest, now = _digest(token), self._house.clock.monotonic()
        known = self._seen.get(digest)
        if known is not None and now - known[0] < SEEN_SECONDS:
            return known[1]
        found = self._read(key_id, secret)
        if len(self._seen) >= SEEN_MAX:
            self._seen.clear()
        self._seen[digest] = (now, found)
        return found

    def _read(self, key_id: str, secret: str) -> Caller | None:
        with self._house.pool.connection() as connection:
            # Compared by digest inside the database's index-free equality: the secret has 256 random bits, and what is
            # compared is its hash, so the time it takes tells nothing that helps to guess.
            row = connection.execute(
                "SELECT scopes FROM api_keys WHERE key_id = %s AND secret_sha256 = %s AND revoked_at IS NULL",
                (key_id, _digest(secret)),
            ).fetchone()
        return None if row is None else Caller(key_id, frozenset(row[0]))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
