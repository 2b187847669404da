"""The inbox as what is kept: messages that wait for an intake, and read ones that are read again.

Every function works in the caller's transaction.
"""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from api.tables.inbox import COLUMNS, InboxRow, wake


def waiting_of(connection: psycopg.Connection, shop: str) -> tuple[int, datetime | None]:
    """How many messages of the shop were not read yet, and when the oldest came."""
    row = connection.execute(
        "SELECT count(*), min(received_at) FROM inbox WHERE state IN ('received', 'waiting') AND shop = %s", (shop,)
    ).fetchone()
    return (0, None) if row is None else (int(row[0]), row[1])


def kept_messages(
    connection: psycopg.Connection, *, shop: str | None, since: datetime | None, after: int, rows_max: int
) -> list[InboxRow]:
    """The oldest rows behind the id ``after`` that were looked at and of which the message is kept."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM inbox AS i WHERE state IN ('read', 'quarantined', 'ignored') AND id > %(after)s"
        " AND (%(shop)s::text IS NULL OR shop = %(shop)s)"
        " AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)"
        " AND EXISTS (SELECT FROM inbox_messages AS m WHERE m.inbox_id = i.id) ORDER BY id LIMIT %(rows_max)s".encode(),
        {"shop": shop, "since": since, "after": after, "rows_max": rows_max},
    )
    return [InboxRow(*row) for row in rows.fetchall()]


def read_again(connection: psycopg.Connection, schema: str, ids: Sequence[int]) -> None:
    """The messages, those that were read among them, are read again, with all their tries."""
    connection.execute(
        "UPDATE inbox SET state = 'received', reason = '', rule = '', line = NULL, tries = 0, claimed_until = NULL"
        " WHERE id = ANY(%s) AND same_as IS NULL",
        (list(ids),),
    )
    wake(connection, schema)


def newest_of_orders(
    connection: psycopg.Connection, shop: str, door: str, numbers: Sequence[str]
) -> dict[str, tuple[int, str]]:
    """The newest message of each of these orders that came by this door: its row and state."""
    rows = connection.execute(
        "SELECT DISTINCT ON (order_number) order_number, id, state FROM inbox"
        " WHERE shop = %s AND door = %s AND order_number = ANY(%s) AND order_number <> ''"
        " ORDER BY order_number, id DESC",
        (shop, door, list(numbers)),
    )
    return {str(row[0]): (int(row[1]), str(row[2])) for row in rows.fetchall()}
