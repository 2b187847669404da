"""The whole ledger as the database has it at one moment: read in pages, in one read-only transaction of its own.

Everything of one ``snapshot`` is of the same position, however long it is read. Memory holds a page or one commit,
whichever is larger.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

from psycopg import sql
from psycopg.types.string import ByteaBinaryLoader

from ledger.chain import Commit, Opening, Row, Unreadable, number
from ledger.commit import Connection
from ledger.invariants import LevelRow
from ledger.seal import SHORT_DIGEST_BYTES, Seal

PAGE_ROWS = 1_024
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
RAW_TYPES = ("int8", "text", "bytea", "timestamptz")


class DatabaseLedger:
    """A ``chain.Source`` over the tables of one schema. Use it inside ``snapshot`` only. Raises Unreadable without one head.

    ``page`` is how many seals, facts or stock rows are asked for at once.
    """

    def __init__(self, connection: Connection, schema: str, *, page: int = PAGE_ROWS) -> None:
        def named(text: LiteralString) -> sql.Composed:
            tables = {name: sql.Identifier(schema, f"ledger_{name}") for name in ("events", "head", "seals")}
            return sql.SQL(text).format(**tables)

        self._connection = connection
        self._page = page
        self._seals = named(
            "SELECT first_position, last_position, committed_at, digest, hash, fact_digests FROM {seals}"
            " WHERE first_position > %s ORDER BY first_position LIMIT %s"
        )
        self._facts = named(
            "SELECT notification_id, originator_id, originator_version, topic, state FROM {events}"
            " WHERE notification_id BETWEEN %s AND %s ORDER BY notification_id"
        )
        self._levels = sql.SQL(
            "SELECT place, sku, version, on_hand, allocated, held, kept_back, auction_kept, defective, undecided,"
            " counted_position, counted_at, counted_by, position, sku_version, recipe_version, called,"
            " counted_plainly"
            " FROM {} ORDER BY place, sku"
        ).format(sql.Identifier(schema, "stock_levels"))
        self._ends = named("SELECT min(notification_id), max(notification_id) FROM {events}")
        self.opening = self._opening(named("SELECT ledger_id, position, hash, committed_at FROM {head}"))

    def commits(self) -> Iterator[Commit]:
        """Every seal in order of its first position, with the facts that stand at its positions."""
        last = -(2**63)
        while True:
            page = [_seal(row) for row in self._raw(self._seals, last, self._page)]
            if not page:
                return
            last = page[-1].first_position
            for seals in _runs(page, self._page):
                yield from self._filled(seals)

    def unsealed(self) -> int | None:
        """The position of a fact outside 1…head, None when there is none. Those inside are counted by their seals."""
        first, last = self._connection.execute(self._ends).fetchone() or (None, None)
        if isinstance(first, int) and first < 1:
            return first
        return last if isinstance(last, int) and last > self.opening.position else None

    def levels(self) -> Iterator[LevelRow]:
        """The rows of the stock table, in pages."""
        with self._connection.cursor(name="verify_levels") as cursor:
            cursor.itersize = self._page
            for place, sku, *values in cursor.execute(self._levels):
                yield str(place), str(sku), tuple(values)

    def _opening(self, query: sql.Composed) -> Opening:
        rows = self._raw(query)
        if len(rows) != 1:
            raise Unreadable(f"the ledger's head has {len(rows)} rows; expected exactly one")
        ledger_id, position, link, committed_at = rows[0]
        return Opening(ledger_id.decode(), number(position), link, _moment(committed_at))

    def _filled(self, seals: Sequence[Seal]) -> Iterator[Commit]:
        if not _whole(seals[0]):
            yield Commit(seals[0], ())  # what it claims to cover may be anything; that it is not whole is damage enough
            return
        first, last = seals[0].first_position, seals[-1].last_position
        rows: list[Row] = self._raw(self._facts, first, last)
        if len(rows) == last - first + 1:
            at = 0
            for seal in seals:
                count = seal.last_position - seal.first_position + 1
                yield Commit(seal, rows[at : at + count])
                at += count
            return
        for seal in seals:  # a hole: every fact to the seal of its position
            yield Commit(seal, [row for row in rows if seal.first_position <= number(row[0]) <= seal.last_position])

    def _raw(self, query: sql.Composed, *values: int) -> list[Any]:
        """The rows as the bytes the server sends: what the digest is over, and no value that Python cannot hold."""
        cursor = self._connection.cursor(binary=True)
        for name in RAW_TYPES:
            cursor.adapters.register_loader(name, ByteaBinaryLoader)
        return cursor.execute(query, values, prepare=True).fetchall()


@contextmanager
def snapshot(connection: Connection, schema: str) -> Iterator[DatabaseLedger]:
    """The ledger as it is now, for as long as the block runs. The connection must be in autocommit and is left so."""
    assert connection.autocommit, "the snapshot begins and ends its transaction itself"
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        yield DatabaseLedger(connection, schema)
    finally:
        if not connection.closed and not connection.broken:
            connection.execute("ROLLBACK")


def _runs(page: Sequence[Seal], facts_max: int) -> Iterator[list[Seal]]:
    """Seals that follow each other without a hole, at most ``facts_max`` facts together unless one commit has more. A seal that is not whole stands alone."""
    run: list[Seal] = []
    count = 0
    for seal in page:
        size, whole = len(seal.fact_digests) // SHORT_DIGEST_BYTES, _whole(seal)
        if run and (not whole or count + size > facts_max or seal.first_position != run[-1].last_position + 1):
            yield run
            run, count = [], 0
        run.append(seal)
        count += size
        if not whole:
            yield run
            run, count = [], 0
    if run:
        yield run


def _whole(seal: Seal) -> bool:
    return len(seal.fact_digests) == (seal.last_position - seal.first_position + 1) * SHORT_DIGEST_BYTES


def _seal(row: Sequence[bytes]) -> Seal:
    first, last, committed_at, digest, link, fact_digests = row
    return Seal(number(first), number(last), _moment(committed_at), digest, link, fact_digests)


def _moment(raw: bytes) -> datetime:
    """A time as the server sends it. One that no datetime holds was written by nobody: it becomes the end of time."""
    try:
        return POSTGRES_EPOCH + timedelta(microseconds=number(raw))
    except OverflowError:
        return END_OF_TIME
