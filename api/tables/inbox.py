"""The inbox: every message from outside, raw and sealed, and how far it was read. Its rows are the queue of intake.

Every function works in the caller's transaction. Errors and reasons are codes; nothing here quotes a message.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg

from api.sealing import Seals

PIECE_BYTES_MAX = 1_000_000
GROUP_BYTES_MAX = 4_000_000  # of messages in one statement
STATES = ("received", "read", "waiting", "quarantined", "ignored")
RECEIVED, READ, WAITING, QUARANTINED, IGNORED = STATES
TRIES_MAX = 5
TRIES_USED_UP = "tries_used_up"
RELEASE_MAX = 2_000
COLUMNS = (
    "id, shop, door, received_at, trace, size_bytes, digest, state, reason, rule, line, same_as, tries, parser_version,"
    " order_number, position, vouched_by, proof"
)


class InboxRowUnknown(ValueError):
    """No message of the inbox has this id, or it is in a state in which this cannot be asked of it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came, for one shop. ``trace`` is new and goes with everything that follows from it.

    ``order_number``: the order it is of, where the door says so; "" until it is read. ``vouched_by``: whose
    Authentication-Results may be believed in it, "" nobody's.
    """

    shop: str
    door: str
    received_at: datetime
    trace: str
    raw: bytes = field(repr=False)
    order_number: str = ""
    vouched_by: str = ""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One message without its text. ``tries`` counts this one. ``position``: where the ledger stood when it was taken.

    ``proof``: how its sender was proven, or why not (``api/mail/proof.py``); "" as long as it was not looked at.
    """

    id: int
    shop: str
    door: str
    received_at: datetime
    trace: str
    size_bytes: int
    digest: bytes
    state: str
    reason: str
    rule: str
    line: int | None
    same_as: int | None
    tries: int
    parser_version: int | None
    order_number: str
    position: int | None
    vouched_by: str
    proof: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of a row that was to be read."""

    id: int
    state: str
    reason: str = ""
    rule: str = ""
    line: int | None = None
    same_as: int | None = None
    parser_version: int | None = None
    order_number: str = ""
    position: int | None = None
    proof: str = ""


def channel(schema: str) -> str:
    """The channel that is notified when there is something to read."""
    return f"{schema}.inbox"


# ------------------------------------------------------------------ in


def store(connection: psycopg.Connection, schema: str, seals: Seals, arrivals: Sequence[Arrival]) -> None:
    """The messages are in the inbox, sealed, and intake is woken, once the transaction commits."""
    small = [one for one in arrivals if len(one.raw) <= PIECE_BYTES_MAX]
    for group in _groups(small):
        _store_group(connection, seals, group)
    for one in arrivals:
        if len(one.raw) > PIECE_BYTES_MAX:
            _store_large(connection, seals, one)
    if arrivals:
        wake(connection, schema)


def changed(connection: psycopg.Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Those of which the newest message of the same order, shop and door said something else, or there is none."""
    found = connection.execute(
        "SELECT w.place, (SELECT i.digest FROM inbox AS i WHERE i.shop = w.shop AND i.order_number = w.number"
        " AND i.order_number <> '' AND i.door = w.door ORDER BY i.id DESC LIMIT 1)"
        " FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS w (shop, number, door, place)",
        ([one.shop for one in arrivals], [one.order_number for one in arrivals], [one.door for one in arrivals]),
        prepare=True,
    )
    newest = {int(place) - 1: digest for place, digest in found.fetchall()}
    return [one for at, one in enumerate(arrivals) if newest[at] != hashlib.sha256(one.raw).digest()]


def wake(connection: psycopg.Connection, schema: str) -> None:
    """Intake looks at the inbox once the transaction commits."""
    connection.execute("SELECT pg_notify(%s, '')", (channel(schema),), prepare=True)


def _groups(arrivals: Iterable[Arrival]) -> Iterator[list[Arrival]]:
    group: list[Arrival] = []
    size = 0
    for one in arrivals:
        if group and size + len(one.raw) > GROUP_BYTES_MAX:
            yield group
            group, size = [], 0
        group.append(one)
        size += len(one.raw)
    if group:
        yield group


def _store_group(connection: psycopg.Connection, seals: Seals, group: Sequence[Arrival]) -> None:
    digests = [hashlib.sha256(one.raw).digest() for one in group]
    sealed = [seals.seal(_purpose(digest, 0), one.raw) for one, digest in zip(group, digests, strict=True)]
    connection.execute(
        "WITH came AS (SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bigint[],"
        " %b::bytea[], %b::bytea[], %s::text[], %s::text[]) WITH ORDINALITY"
        " AS c (shop, door, received_at, trace, size_bytes, digest, sealed, order_number, vouched_by, place)),"
        " kept AS (INSERT INTO inbox (shop, door, received_at, trace, size_bytes, digest, order_number, vouched_by)"
        " SELECT shop, door, received_at, trace, size_bytes, digest, order_number, vouched_by FROM came ORDER BY place"
        " RETURNING id, trace)"
        " INSERT INTO inbox_messages (inbox_id, piece, sealed) SELECT kept.id, 0, came.sealed FROM kept JOIN came USING (trace)",
        (
            [one.shop for one in group],
            [one.door for one in group],
            [one.received_at for one in group],
            [one.trace for one in group],
            [len(one.raw) for one in group],
            digests,
            sealed,
            [one.order_number for one in group],
            [one.vouched_by for one in group],
        ),
        prepare=True,
    )


def _store_large(connection: psycopg.Connection, seals: Seals, one: Arrival) -> None:
    digest = hashlib.sha256(one.raw).digest()
    row = connection.execute(
        "INSERT INTO inbox (shop, door, received_at, trace, size_bytes, digest, order_number, vouched_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (one.shop, one.door, one.received_at, one.trace, len(one.raw), digest, one.order_number, one.vouched_by),
    ).fetchone()
    assert row is not None
    for piece, start in enumerate(range(0, len(one.raw), PIECE_BYTES_MAX)):
        sealed = seals.seal(_purpose(digest, piece), one.raw[start : start + PIECE_BYTES_MAX])
        connection.execute(
            "INSERT INTO inbox_messages (inbox_id, piece, sealed) VALUES (%s, %s, %b)", (row[0], piece, sealed)
        )


# ------------------------------------------------------------------ the queue


def claim_new(connection: psycopg.Connection, *, now: datetime, rows_max: int, claim_seconds: float) -> list[InboxRow]:
    """The oldest rows that nobody tried are this worker's for so long; a worker that dies loses them again."""
    return _claim(connection, "tries = 0", now, claim_seconds, rows_max)


def claim_again(
    connection: psycopg.Connection, *, now: datetime, rows_max: int, claim_seconds: float
) -> list[InboxRow]:
    """The oldest row that was tried before, alone, so that one that kills its worker does not take others with it."""
    return _claim(connection, f"tries BETWEEN 1 AND {TRIES_MAX - 1}", now, claim_seconds, min(rows_max, 1))


def quarantine_hopeless(connection: psycopg.Connection, *, now: datetime) -> int:
    """Rows that no try ever finished are quarantined; the answer is how many."""
    return connection.execute(
        "UPDATE inbox SET state = 'quarantined', reason = %s, claimed_until = NULL"
        " WHERE state = 'received' AND tries >= %s AND (claimed_until IS NULL OR claimed_until < %s)",
        (TRIES_USED_UP, TRIES_MAX, now),
        prepare=True,
    ).rowcount


def _claim(
    connection: psycopg.Connection, which: str, now: datetime, claim_seconds: float, rows_max: int
) -> list[InboxRow]:
    listed = ", ".join(f"i.{name.strip()}" for name in COLUMNS.split(","))
    rows = connection.execute(
        "WITH page AS MATERIALIZED (SELECT id FROM inbox WHERE state = 'received' AND "
        f"{which} AND (claimed_until IS NULL OR claimed_until < %s) ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
        f" UPDATE inbox AS i SET tries = i.tries + 1, claimed_until = %s FROM page WHERE i.id = page.id RETURNING {listed}".encode(),
        (now, rows_max, now + timedelta(seconds=claim_seconds)),
        prepare=True,
    ).fetchall()
    return sorted((InboxRow(*row) for row in rows), key=lambda row: row.id)


def settle(connection: psycopg.Connection, marks: Sequence[Mark], *, now: datetime) -> None:
    """Each row is in the state of its mark; one that somebody settled meanwhile stays as it is."""
    if not marks:
        return
    connection.execute(
        "UPDATE inbox AS i SET state = m.state, reason = m.reason, rule = m.rule, line = m.line, same_as = m.same_as,"
        " parser_version = m.parser_version, order_number = coalesce(nullif(m.order_number, ''), i.order_number),"
        " position = m.position, proof = m.proof, read_at = %s,"
        " claimed_until = NULL, tries = CASE WHEN m.state = 'waiting' THEN 0 ELSE i.tries END"
        " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[], %s::bigint[], %s::int[], %s::text[], %s::bigint[],"
        " %s::text[]) AS m (id, state, reason, rule, line, same_as, parser_version, order_number, position, proof)"
        " WHERE i.id = m.id AND i.state = 'received'",
        (
            now,
            [m.id for m in marks],
            [m.state for m in marks],
            [m.reason for m in marks],
            [m.rule for m in marks],
            [m.line for m in marks],
            [m.same_as for m in marks],
            [m.parser_version for m in marks],
            [m.order_number for m in marks],
            [m.position for m in marks],
            [m.proof for m in marks],
        ),
        prepare=True,
    )


def fail(connection: psycopg.Connection, row_id: int, *, reason: str, rule: str, again_at: datetime) -> None:
    """The row's try failed: it is tried again then, or quarantined when it was the last."""
    connection.execute(
        "UPDATE inbox SET reason = %s, rule = %s, claimed_until = %s,"
        " state = CASE WHEN tries >= %s THEN 'quarantined' ELSE state END WHERE id = %s AND state = 'received'",
        (reason, rule, again_at, TRIES_MAX, row_id),
    )


def give_back(connection: psycopg.Connection, ids: Sequence[int], *, until: datetime | None = None) -> None:
    """The rows are to be read, not before ``until``, as if this worker had not tried: it could not, for no fault of theirs."""
    connection.execute(
        "UPDATE inbox SET tries = greatest(tries - 1, 0), claimed_until = %s WHERE id = ANY(%s) AND state = 'received'",
        (until, list(ids)),
        prepare=True,
    )


def first_of_same(connection: psycopg.Connection, rows: Sequence[InboxRow]) -> dict[int, int]:
    """For each row that is the same message as an earlier one of its shop and door: the id of the first.

    An order that was asked for, or came by a file, is not: it may have become again what it was.
    """
    found = connection.execute(
        "SELECT w.id, min(i.id) FROM unnest(%s::bigint[], %s::text[], %s::text[], %b::bytea[]) AS w (id, shop, door, digest)"
        " JOIN inbox AS i ON i.shop = w.shop AND i.digest = w.digest AND i.door = w.door AND i.id < w.id"
        " WHERE w.door NOT IN ('api', 'csv') GROUP BY w.id",
        ([r.id for r in rows], [r.shop for r in rows], [r.door for r in rows], [r.digest for r in rows]),
        prepare=True,
    )
    return {int(row[0]): int(row[1]) for row in found.fetchall()}


def raw_of(connection: psycopg.Connection, seals: Seals, rows: Sequence[InboxRow]) -> dict[int, bytes]:
    """The messages as they came. One that was deleted when its time was over is missing. Raises CannotOpen."""
    pieces: dict[int, list[bytes]] = {}
    digests = {row.id: row.digest for row in rows}
    found = connection.execute(
        "SELECT inbox_id, piece, sealed FROM inbox_messages WHERE inbox_id = ANY(%s) ORDER BY inbox_id, piece",
        (list(digests),),
        prepare=True,
        binary=True,
    )
    for row_id, piece, sealed in found:
        pieces.setdefault(row_id, []).append(seals.open(_purpose(digests[row_id], piece), sealed))
    return {row_id: b"".join(parts) for row_id, parts in pieces.items()}


def shops_waiting(connection: psycopg.Connection) -> list[str]:
    """The shops with messages that wait for their intake to run; one look at the index for each."""
    rows = connection.execute(
        "WITH RECURSIVE found (shop) AS ((SELECT shop FROM inbox WHERE state = 'waiting' ORDER BY shop LIMIT 1)"
        " UNION ALL SELECT (SELECT i.shop FROM inbox AS i WHERE i.state = 'waiting' AND i.shop > found.shop"
        " ORDER BY i.shop LIMIT 1) FROM found WHERE found.shop IS NOT NULL)"
        " SELECT shop FROM found WHERE shop IS NOT NULL",
        prepare=True,
    )
    return [str(row[0]) for row in rows.fetchall()]


def release_waiting(connection: psycopg.Connection, shop: str) -> int:
    """What waited for the shop's intake is to be read, the oldest RELEASE_MAX of it; the answer is how many."""
    return connection.execute(
        "UPDATE inbox SET state = 'received', reason = '', claimed_until = NULL WHERE id IN"
        " (SELECT id FROM inbox WHERE state = 'waiting' AND shop = %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)",
        (shop, RELEASE_MAX),
    ).rowcount


# ------------------------------------------------------------------ for people


def page(
    connection: psycopg.Connection,
    *,
    state: str | None = None,
    shop: str | None = None,
    before: int | None = None,
    rows_max: int = 50,
) -> list[InboxRow]:
    """The newest rows first, of this state and shop, with ids below ``before``."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM inbox WHERE (%(state)s::text IS NULL OR state = %(state)s)"
        " AND (%(shop)s::text IS NULL OR shop = %(shop)s) AND (%(before)s::bigint IS NULL OR id < %(before)s)"
        " ORDER BY id DESC LIMIT %(rows_max)s".encode(),
        {"state": state, "shop": shop, "before": before, "rows_max": rows_max},
    )
    return [InboxRow(*row) for row in rows.fetchall()]


def row_of(connection: psycopg.Connection, row_id: int) -> InboxRow:
    """The row with this id. Raises InboxRowUnknown."""
    row = connection.execute(f"SELECT {COLUMNS} FROM inbox WHERE id = %s".encode(), (row_id,)).fetchone()
    if row is None:
        raise InboxRowUnknown(f"inbox row {row_id}: there is none; expected an id of `daicho inbox`")
    return InboxRow(*row)


def resend(connection: psycopg.Connection, schema: str, row_id: int) -> None:
    """The message is read again, with all its tries. Raises InboxRowUnknown."""
    row = row_of(connection, row_id)
    if row.same_as is not None:
        raise InboxRowUnknown(
            f"inbox row {row_id} is the same message as row {row.same_as}; expected that one: resend it"
        )
    connection.execute(
        "UPDATE inbox SET state = 'received', reason = '', rule = '', line = NULL, tries = 0, claimed_until = NULL WHERE id = %s",
        (row_id,),
    )
    wake(connection, schema)


def ignore(connection: psycopg.Connection, row_id: int) -> None:
    """The message is not read any more; a person said so. Raises InboxRowUnknown."""
    row = row_of(connection, row_id)
    if row.state == READ:
        raise InboxRowUnknown(f"inbox row {row_id} was read: its facts stay; expected one that was not")
    connection.execute(
        "UPDATE inbox SET state = 'ignored', reason = 'person', claimed_until = NULL WHERE id = %s AND state <> 'read'",
        (row_id,),
    )


def _purpose(digest: bytes, piece: int) -> str:
    return f"message:{digest.hex()}:{piece}"
