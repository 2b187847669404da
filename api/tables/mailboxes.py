"""Mailboxes that shops' order mails are taken from over IMAP: where each is, and how far it was read.

Every function works in the caller's transaction. User and password are secrets of the shop (``tables/secrets.py``).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import psycopg

USER, PASSWORD = "mailbox.user", "mailbox.password"  # names among the shop's secrets
_DECLARED = "shop, host, port, tls, folder, after_reading, move_to, authserv_id, since"
_COLUMNS = f"{_DECLARED}, uid_validity, last_uid, touched_uid, taken, too_large, due_at, read_at, failures, code, claimed_until"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where a shop's mailbox is. ``tls``: tls, starttls or none. ``after_reading``: leave, seen or move (to ``move_to``).

    ``authserv_id``: whose Authentication-Results are believed, "" nobody's. ``since``: mails that came on that day or later.
    """

    shop: str
    host: str
    port: int
    tls: str
    folder: str
    after_reading: str
    move_to: str
    authserv_id: str
    since: date


@dataclass(frozen=True, slots=True)
class Polled(Mailbox):
    """The mailbox and how far it was read: messages of ``uid_validity`` up to ``last_uid`` are in the inbox, and those up
    to ``touched_uid`` were marked or moved as declared. ``taken`` and ``too_large`` count messages.

    ``read_at``: when it was last looked at without a fault; ``failures`` in a row since, with the ``code`` of the last.
    """

    uid_validity: int | None
    last_uid: int
    touched_uid: int
    taken: int
    too_large: int
    due_at: datetime
    read_at: datetime | None
    failures: int
    code: str
    claimed_until: datetime | None = None


def declare(connection: psycopg.Connection, mailbox: Mailbox, *, now: datetime) -> None:
    """The shop's mailbox is this one, looked at from now on. The same folder of the same host goes on where it was."""
    connection.execute(
        "INSERT INTO mailboxes AS m (shop, host, port, tls, folder, after_reading, move_to, authserv_id, since, due_at)"
        " VALUES (%(shop)s, %(host)s, %(port)s, %(tls)s, %(folder)s, %(after)s, %(move_to)s, %(authserv_id)s, %(since)s, %(now)s)"
        " ON CONFLICT (shop) DO UPDATE SET host = excluded.host, port = excluded.port, tls = excluded.tls,"
        " folder = excluded.folder, after_reading = excluded.after_reading, move_to = excluded.move_to,"
        " authserv_id = excluded.authserv_id, since = excluded.since, due_at = excluded.due_at, claimed_until = NULL,"
        " failures = 0, code = '',"
        " uid_validity = CASE WHEN (m.host, m.folder, m.since) = (excluded.host, excluded.folder, excluded.since)"
        " THEN m.uid_validity END",
        {
            "shop": mailbox.shop,
            "host": mailbox.host,
            "port": mailbox.port,
            "tls": mailbox.tls,
            "folder": mailbox.folder,
            "after": mailbox.after_reading,
            "move_to": mailbox.move_to,
            "authserv_id": mailbox.authserv_id,
            "since": mailbox.since,
            "now": now,
        },
    )


def remove(connection: psycopg.Connection, shop: str) -> bool:
    """The shop has no mailbox any more; what came from it stays. False: it had none."""
    return bool(connection.execute("DELETE FROM mailboxes WHERE shop = %s", (shop,)).rowcount)


def of_shop(connection: psycopg.Connection, shop: str) -> Polled | None:
    """The shop's mailbox, None: it has none."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM mailboxes WHERE shop = %s".encode(), (shop,)).fetchone()
    return None if row is None else Polled(*row)


def all_of_them(connection: psycopg.Connection) -> list[Polled]:
    """Every mailbox, by shop."""
    return [Polled(*row) for row in connection.execute(f"SELECT {_COLUMNS} FROM mailboxes ORDER BY shop".encode())]


def claim(connection: psycopg.Connection, *, now: datetime, claim_seconds: float) -> Polled | None:
    """The mailbox that is due the longest is this worker's for so long; None: none is due."""
    listed = ", ".join(f"m.{name.strip()}" for name in _COLUMNS.split(","))
    row = connection.execute(
        "WITH next AS MATERIALIZED (SELECT shop FROM mailboxes WHERE due_at <= %(now)s"
        " AND (claimed_until IS NULL OR claimed_until < %(now)s) ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
        f" UPDATE mailboxes AS m SET claimed_until = %(until)s FROM next WHERE m.shop = next.shop RETURNING {listed}".encode(),
        {"now": now, "until": now + timedelta(seconds=claim_seconds)},
        prepare=True,
    ).fetchone()
    return None if row is None else Polled(*row)


def keep(connection: psycopg.Connection, polled: Polled, *, claimed_until: datetime | None = None) -> bool:
    """The mailbox stands so. False, and nothing changes: another worker has it by now, or a person declared it anew."""
    return bool(
        connection.execute(
            "UPDATE mailboxes SET uid_validity = %s, last_uid = %s, touched_uid = %s, taken = %s, too_large = %s, due_at = %s,"
            " read_at = %s, failures = %s, code = %s, claimed_until = %s WHERE shop = %s AND claimed_until = %s",
            (
                polled.uid_validity,
                polled.last_uid,
                polled.touched_uid,
                polled.taken,
                polled.too_large,
                polled.due_at,
                polled.read_at,
                polled.failures,
                polled.code,
                claimed_until,
                polled.shop,
                polled.claimed_until,
            ),
            prepare=True,
        ).rowcount
    )
