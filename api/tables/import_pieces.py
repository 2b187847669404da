"""The bytes of an imported file's table, in pieces as they came: a list of its errors has its columns and its encoding."""

from collections.abc import Iterable, Iterator
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

PIECE_BYTES = 4_000_000
PIECES_AT_ONCE = 1


def keeping(pool: ConnectionPool, import_id: str, part: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same chunks; what has passed is kept. Memory: one piece."""
    held, size, piece = list[bytes](), 0, 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= PIECE_BYTES:
            _put(pool, import_id, part, piece, b"".join(held))
            held, size, piece = [], 0, piece + 1
        yield chunk
    if held:
        _put(pool, import_id, part, piece, b"".join(held))


def kept(connection: Connection[Any], import_id: str, part: int) -> Iterator[bytes]:
    """The bytes again; none when they are over their time. In a transaction, which it stays in."""
    with connection.cursor(name="import_pieces", binary=True) as cursor:
        cursor.itersize = PIECES_AT_ONCE
        cursor.execute(
            "SELECT bytes FROM import_pieces WHERE import_id = %s AND part = %s ORDER BY piece", (import_id, part)
        )
        for (found,) in cursor:
            yield bytes(found)


def _put(pool: ConnectionPool, import_id: str, part: int, piece: int, content: bytes) -> None:
    with pool.connection() as connection:
        connection.execute(
            "INSERT INTO import_pieces (import_id, part, piece, bytes) VALUES (%s, %s, %s, %b)",
            (import_id, part, piece, content),
        )
