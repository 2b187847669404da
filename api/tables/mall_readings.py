"""How far each reading of a mall came: one row a reading, kept with the rows it stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection


@dataclass(frozen=True, slots=True)
class MallReading:
    """``cursor`` asks for what was not read yet; ``rows`` and ``problems`` are stored."""

    import_id: str
    shop: str
    mode: str
    match_key: str
    begun_at: datetime
    read_at: datetime
    cursor: str
    rows: int = 0
    problems: int = 0
    done: bool = False


def keep(connection: Connection[Any], reading: MallReading) -> None:
    """The reading is as far as this."""
    connection.execute(
        "INSERT INTO mall_readings (import_id, shop, mode, match_key, begun_at, read_at, cursor, rows, problems, done)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (import_id) DO UPDATE SET read_at = excluded.read_at,"
        " cursor = excluded.cursor, rows = excluded.rows, problems = excluded.problems, done = excluded.done",
        (
            *(reading.import_id, reading.shop, reading.mode, reading.match_key, reading.begun_at, reading.read_at),
            *(reading.cursor, reading.rows, reading.problems, reading.done),
        ),
    )


def broken_off(
    connection: Connection[Any], shop: str, mode: str, match_key: str, since: datetime
) -> MallReading | None:
    """The newest reading of the shop for the same purpose that did not come to its end, None when there is none so new."""
    row = connection.execute(
        "SELECT import_id, shop, mode, match_key, begun_at, read_at, cursor, rows, problems, done FROM mall_readings"
        " WHERE shop = %s AND mode = %s AND match_key = %s AND NOT done AND begun_at >= %s ORDER BY begun_at DESC LIMIT 1",
        (shop, mode, match_key, since),
    ).fetchone()
    return None if row is None else MallReading(*row)


def forget(connection: Connection[Any], import_id: str) -> None:
    """The reading cannot go on."""
    connection.execute("DELETE FROM mall_readings WHERE import_id = %s", (import_id,))
