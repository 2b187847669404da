"""Every sealed column of the schema, found in the catalogue: a table with a column ``sealed`` is rotated without being named.

Works in pages, each in a transaction of its own: stopped anywhere, the next run goes on with what the newest key has not sealed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from api.sealing import CannotOpen, Seals

PAGE_ROWS = 25  # a piece of a message is up to a megabyte

Row = tuple[Any, ...]  # the key's columns, then the sealed bytes
Progress = Callable[[str, int, int], None]  # table, rows looked at, rows sealed again


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with sealed rows, and the columns of its primary key."""

    name: str
    key: tuple[str, ...]


class NotEverySealOpens(ValueError):
    """A row is sealed by none of the keys; the message names table and key, never content."""


def sealed_tables(connection: psycopg.Connection) -> list[SealedTable]:
    """The tables of this schema that have a column ``sealed``, by name."""
    rows = connection.execute(
        "SELECT t.relname, array_agg(k.attname ORDER BY array_position(i.indkey::int2[], k.attnum))::text[]"
        " FROM pg_class t JOIN pg_attribute s ON s.attrelid = t.oid AND s.attname = 'sealed' AND NOT s.attisdropped"
        " JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary"
        " JOIN pg_attribute k ON k.attrelid = t.oid AND k.attnum = ANY (i.indkey::int2[])"
        " WHERE t.relkind IN ('r', 'p') AND t.relnamespace = current_schema()::regnamespace"
        " GROUP BY t.relname ORDER BY t.relname"
    ).fetchall()
    return [SealedTable(name, tuple(key)) for name, key in rows]


def seal_again(connection: psycopg.Connection, seals: Seals, progress: Progress) -> dict[str, int]:
    """Every row is sealed with the newest key; how many of each table were not yet. Raises NotEverySealOpens."""
    counts: dict[str, int] = {}
    for table in sealed_tables(connection):
        counts[table.name], looked = 0, 0
        for rows in _pages(connection, table):
            old = [row for row in rows if not seals.with_newest(row[-1])]
            if old:
                _write(connection, table, [(_rotated(seals, table, row), *row[:-1]) for row in old])
            looked, counts[table.name] = looked + len(rows), counts[table.name] + len(old)
            progress(table.name, looked, counts[table.name])
    return counts


def not_with_newest(connection: psycopg.Connection, seals: Seals) -> dict[str, int]:
    """How many rows of each table the newest key alone does not open; tables without such a row are left out."""
    counts: dict[str, int] = {}
    for table in sealed_tables(connection):
        for rows in _pages(connection, table):
            found = sum(not seals.with_newest(row[-1]) for row in rows)
            if found:
                counts[table.name] = counts.get(table.name, 0) + found
    return counts


def _pages(connection: psycopg.Connection, table: SealedTable) -> Iterator[Sequence[Row]]:
    """Pages of (key columns, sealed), locked while they are worked on."""
    key = sql.SQL(", ").join(map(sql.Identifier, table.key))
    after: tuple[object, ...] | None = None
    while True:
        where: sql.Composable = sql.SQL("")
        if after is not None:
            where = sql.SQL("WHERE ({}) > ({})").format(key, sql.SQL(", ").join([sql.Placeholder()] * len(after)))
        query = sql.SQL("SELECT {}, sealed FROM {} {} ORDER BY {} LIMIT {} FOR UPDATE").format(
            key, sql.Identifier(table.name), where, key, sql.Literal(PAGE_ROWS)
        )
        with connection.transaction():
            rows = connection.execute(query, after, binary=True).fetchall()
            if rows:
                yield rows
        if len(rows) < PAGE_ROWS:
            return
        after = tuple(rows[-1][:-1])


def _rotated(seals: Seals, table: SealedTable, row: Row) -> bytes:
    *key, sealed = row
    try:
        return seals.rotated(sealed)
    except CannotOpen as error:
        where = ", ".join(f"{name} {value!r}" for name, value in zip(table.key, key, strict=True))
        raise NotEverySealOpens(f"{table.name}, {where}: {error}") from None


def _write(connection: psycopg.Connection, table: SealedTable, rows: Sequence[Row]) -> None:
    update = sql.SQL("UPDATE {} SET sealed = %b WHERE {}").format(
        sql.Identifier(table.name),
        sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in table.key),
    )
    with connection.cursor() as cursor:
        cursor.executemany(update, rows)
