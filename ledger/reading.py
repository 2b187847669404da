"""What a commit reads under the lock, in one pipelined round trip: levels, newer facts of streams, counts, kept answers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import psycopg
from psycopg import Pipeline, sql

from ledger.arrays import integers, moments, texts
from ledger.codec import Record, decode
from ledger.commit import Connection, KeptAnswer
from ledger.levels import Count, Level
from ledger.session import PLANNED
from ledger.stock import Stock
from ledger.terms import utc_moment
from ledger.view import NOTHING_ON_TOP, TAIL_FACTS, Fold, OnTop, S, StreamRead, StreamsKept, View, Wanted

NO_LEVEL = Level()
UNREAD = datetime.min.replace(tzinfo=UTC)  # a view that decides nothing has no time


# The columns of stock_levels that ``level_of`` takes, in its order.
LEVEL_COLUMNS = (
    "version, on_hand, allocated, held, kept_back, auction_kept, defective, undecided, position, counted_position, counted_at,"
    " counted_by, sku_version, recipe_version, called, counted_plainly"
)


class Selects:
    """The SQL of what a commit reads, for one schema.

    Every table is asked row by row through its index, whatever the planner thinks of its size: LATERAL and OFFSET 0 leave it
    no other join, and a ``Session`` no sequential scan. Else a plan made on an empty table would read a full one to its end.
    """

    def __init__(self, schema: str) -> None:
        def named(text: str) -> sql.Composed:
            tables = ("ledger_events", "stock_levels", "stock_changes", "stock_counts", "command_keys")
            return sql.SQL(text).format(**{n: sql.Identifier(schema, n) for n in tables})

        columns = ", ".join(f"l.{column.strip()}" for column in LEVEL_COLUMNS.split(","))
        self.levels = named(
            f"SELECT l.place, l.sku, {columns}"
            " FROM unnest(%s::text[], %s::text[]) AS w (place, sku),"
            " LATERAL (SELECT * FROM {stock_levels} AS s WHERE s.place = w.place AND s.sku = w.sku OFFSET 0) AS l"
        )
        self.streams = named(
            "SELECT e.originator_id, e.originator_version, e.topic, e.state, e.notification_id"
            " FROM unnest(%s::text[], %s::bigint[]) AS w (id, version), LATERAL (SELECT * FROM {ledger_events} AS f"
            " WHERE f.originator_id = w.id AND f.originator_version > w.version OFFSET 0) AS e"
            " ORDER BY e.originator_id, e.originator_version"
        )
        self.tails = named(
            "SELECT e.originator_id, e.originator_version, e.topic, e.state, e.notification_id"
            " FROM unnest(%s::text[]) AS w (id), LATERAL (SELECT * FROM {ledger_events} AS f WHERE f.originator_id = w.id"
            " ORDER BY f.originator_version DESC LIMIT %s) AS e ORDER BY e.originator_id, e.originator_version"
        )
        self.counts = named(
            "SELECT c.place, c.sku, c.shop, c.up_to, c.position, c.part_units"
            " FROM unnest(%s::text[], %s::text[], %s::text[]) AS w (place, sku, shop), LATERAL (SELECT * FROM {stock_counts} AS s"
            " WHERE s.place = w.place AND s.sku = w.sku AND s.shop = w.shop OFFSET 0) AS c"
        )
        self.counts_of_skus = named(
            "SELECT c.place, c.sku, c.shop, c.up_to, c.position, c.part_units FROM unnest(%s::text[], %s::text[]) AS w (place, sku),"
            " LATERAL (SELECT * FROM {stock_counts} AS s WHERE s.place = w.place AND s.sku = w.sku OFFSET 0) AS c"
        )
        self.keys = named(
            "SELECT k.scope, k.key, k.digest, k.answer, k.position FROM unnest(%s::text[], %s::text[]) AS w (scope, key),"
            " LATERAL (SELECT * FROM {command_keys} AS s WHERE s.scope = w.scope AND s.key = w.key OFFSET 0) AS k"
        )
        # A change is inside a number when the covers entry of its shop, or else the entry "*", says so. Covers are few and
        # numbered: a bulk states the same ones for thousands of SKUs.
        self.on_top = named(
            "WITH covers AS MATERIALIZED (SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::bigint[])"
            " AS v (number, shop, up_to, known))"
            " SELECT w.number, c.place, c.sku, sum(c.delta)::bigint, sum(c.on_hand_delta)::bigint"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS w (number, place, sku)"
            " CROSS JOIN LATERAL (SELECT * FROM {stock_changes} AS s WHERE s.place = w.place AND s.sku = w.sku OFFSET 0) AS c"
            " LEFT JOIN covers AS own ON own.number = w.number AND own.shop = c.shop"
            " LEFT JOIN covers AS every ON every.number = w.number AND every.shop = '*'"
            " WHERE CASE WHEN coalesce(own.known, every.known) IS NULL THEN true"
            " WHEN coalesce(own.known, every.known) > 0 THEN c.position > coalesce(own.known, every.known)"
            " ELSE c.happened_at > coalesce(own.up_to, every.up_to) END"
            " GROUP BY w.number, c.place, c.sku"
        )
        self.newer = named(
            "SELECT w.id FROM unnest(%s::text[], %s::bigint[]) AS w (id, version), LATERAL (SELECT FROM {ledger_events} AS f"
            " WHERE f.originator_id = w.id AND f.originator_version > w.version LIMIT 1) AS e"
        )
        self.moved = named(
            "SELECT originator_id FROM {ledger_events} WHERE notification_id > %s AND notification_id < %s"
            " UNION SELECT originator_id FROM {ledger_events} WHERE notification_id > %s"
        )


@cache
def selects_of(schema: str) -> Selects:
    """The SQL of what is read in this schema, made once."""
    return Selects(schema)


def fetch(
    connection: psycopg.Connection[Any],
    pipeline: Pipeline,
    selects: Selects,
    view: View,
    wanted: Wanted,
    kept: StreamsKept,
    key_names: Iterable[tuple[str, str]] = (),
) -> list[KeptAnswer]:
    """The wanted rows are in the view, absent ones as absent; the kept answers of these keys are the result.

    Streams kept from former commits are only read from their version on. Call it inside the locked transaction, in an open
    pipeline: what was queued before goes with it. What the view holds already is not read again: decisions of this commit
    may have changed it.
    """
    stocks = sorted(wanted.stocks - view.levels.keys())
    streams = sorted(wanted.streams - view.streams.keys())
    tails = sorted(wanted.tails - view.tails.keys())
    counts = sorted(wanted.counts - view.counts.keys())
    names = sorted(set(key_names))
    cursors: dict[str, Any] = {}
    if stocks:
        cursors["stocks"] = connection.execute(selects.levels, _texts(stocks), prepare=True)
    if streams:
        known = [found.version if (found := kept.get(s)) else 0 for s in streams]
        cursors["streams"] = connection.execute(selects.streams, (texts(streams), integers(known)), prepare=True)
    if tails:
        cursors["tails"] = connection.execute(selects.tails, (texts(tails), TAIL_FACTS), prepare=True)
    if counts:
        cursors["counts"] = connection.execute(selects.counts, _texts(counts), prepare=True)
    if wanted.on_top:
        cursors["on_top"] = connection.execute(selects.on_top, _cover_columns(wanted), prepare=True)
    carrying = {pair for covers, pairs in wanted.on_top.items() if any(covers.up_to_position) for pair in pairs}
    if carrying:
        cursors["carried"] = connection.execute(selects.counts_of_skus, _texts(sorted(carrying)), prepare=True)
    span = wanted.moved
    if span is not None:
        values = (span.after, span.own_first, max(span.after, span.own_last))
        cursors["moved"] = connection.execute(selects.moved, values, prepare=True)
    if names:
        cursors["keys"] = connection.execute(selects.keys, _texts(names), prepare=True)
    # A Sync, not only a flush: with it the server sees that the transaction idles while decisions are made, and can end it.
    pipeline.sync()
    if stocks:
        view.levels.update(dict.fromkeys(stocks, NO_LEVEL))
        view.levels.update({(row[0], row[1]): level_of(row[2:]) for row in cursors["stocks"]})
    if streams:
        _put_streams(view, kept, streams, _records(cursors["streams"]))
    if tails:
        _put_tails(view, tails, _records(cursors["tails"]))
    if counts:
        view.counts.update(dict.fromkeys(counts))
        view.counts.update({(r[0], r[1], r[2]): Count(*r) for r in cursors["counts"]})
    if wanted.on_top:
        carried = _by_sku(cursors["carried"] if carrying else ())
        _put_tops(view, wanted, cursors["on_top"].fetchall(), carried)
    if span is not None:
        view.moved[span] = frozenset(row[0] for row in cursors["moved"].fetchall())
    return [KeptAnswer(*row) for row in cursors["keys"]] if names else []


def _by_sku(rows: Iterable[Any]) -> dict[tuple[str, str], list[Count]]:
    found: dict[tuple[str, str], list[Count]] = {}
    for row in rows:
        found.setdefault((row[0], row[1]), []).append(Count(*row))
    return found


def _put_tails(view: View, names: Sequence[str], records: Sequence[Record]) -> None:
    found: dict[str, list[Record]] = {name: [] for name in names}
    for record in [*records, *_of_this_commit(view, names)]:
        found[record.stream].append(record)
    view.tails.update({name: records[-TAIL_FACTS:] for name, records in found.items()})


def prefetch(connection: Connection, selects: Selects, wanted: Wanted, kept: StreamsKept) -> None:
    """The wanted streams that are not kept are kept, read without the lock: under it only what is newer is left to read."""
    unknown = sorted(name for name in wanted.streams if kept.get(name) is None)
    if not unknown:
        return
    rows = connection.execute(selects.streams, (texts(unknown), integers(0 for _ in unknown)), prepare=True)
    view = View(0, UNREAD)
    _put_streams(view, StreamsKept(0), unknown, _records(rows))
    for name, stream in view.streams.items():
        kept.put(name, stream)


class Look:
    """The ledger as it was at one position, read without the lock: for decisions that are made ahead of it.

    ``view`` sees what was read, and the drafts that were tried on it. Only inside ``look``.
    """

    def __init__(self, connection: psycopg.Connection[Any], selects: Selects, view: View) -> None:
        self.connection = connection
        self.view = view
        self._selects = selects
        self._position = view.position

    def again(self) -> "Look":
        """A look at the same position that has seen nothing yet."""
        return Look(self.connection, self._selects, View(self._position, self.view.now))

    def read(self, wanted: Wanted) -> None:
        """The wanted rows are in the view."""
        with self.connection.pipeline() as pipeline:
            fetch(self.connection, pipeline, self._selects, self.view, wanted, StreamsKept(0))

    def newer(self, versions: Mapping[str, int]) -> set[str]:
        """Those of the streams that have facts behind the version given."""
        columns = (texts(versions), integers(versions.values()))
        return {row[0] for row in self.connection.execute(self._selects.newer, columns, prepare=True)}


@contextmanager
def look(connection: psycopg.Connection[Any], schema: str, now: datetime) -> Iterator[Look]:
    """All that is read on the connection inside the block is of one position. The connection must not be in a transaction."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for name, value in {**PLANNED, "enable_bitmapscan": "off", "enable_sort": "off"}.items():
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        head = sql.SQL("SELECT position FROM {}").format(sql.Identifier(schema, "ledger_head"))
        row = connection.execute(head, prepare=True).fetchone()
        assert row is not None, "the head row of the ledger is missing"
        yield Look(connection, selects_of(schema), View(row[0], now))


def state_of(connection: Connection, selects: Selects, stream: str, fold: Fold[S]) -> S:
    """The stream folded as it is now, read without the lock: for looking, never for deciding."""
    state = fold.initial
    for record in _records(connection.execute(selects.streams, (texts([stream]), "{0}"), prepare=True)):
        state = fold.evolve(state, record)
    return state


def stock_levels(
    connection: Connection, selects: Selects, pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Level]:
    """The levels of these (place, sku) as they are now; a SKU without a row is absent."""
    return {
        (str(r[0]), str(r[1])): level_of(r[2:]) for r in connection.execute(selects.levels, _texts(pairs), prepare=True)
    }


def _put_streams(view: View, kept: StreamsKept, names: Sequence[str], records: Sequence[Record]) -> None:
    newer: dict[str, list[Record]] = {}
    for record in [*records, *_of_this_commit(view, names)]:
        newer.setdefault(record.stream, []).append(record)
    for name in names:
        found, fresh = kept.get(name), newer.get(name, [])
        version = fresh[-1].version if fresh else (found.version if found else 0)
        if found is None:
            view.streams[name] = StreamRead(version, fresh)
        else:
            view.streams[name] = StreamRead(version, [*found.records, *fresh], found.fold, found.state)


def _of_this_commit(view: View, names: Sequence[str]) -> list[Record]:
    wanted = set(names)
    return [record for record in view.records if record.stream in wanted]


def _records(rows: Iterable[Any]) -> list[Record]:
    return [decode(position, stream, version, name, bytes(state)) for stream, version, name, state, position in rows]


def level_of(columns: Any) -> Level:
    """The level behind LEVEL_COLUMNS."""
    return Level(Stock._make(columns[:8]), *columns[8:])


def _texts(rows: Sequence[Sequence[str]]) -> list[str]:
    return [texts(column) for column in zip(*rows, strict=True)]


def _put_tops(
    view: View, wanted: Wanted, rows: Sequence[Any], carried: Mapping[tuple[str, str], Sequence[Count]]
) -> None:
    moved = {(row[0], (row[1], row[2])): (row[3], row[4]) for row in rows}
    for number, (covers, pairs) in enumerate(wanted.on_top.items()):
        tops = view.tops.setdefault(covers, {})
        if not moved and not carried:
            tops.update(dict.fromkeys(pairs, NOTHING_ON_TOP))
            continue
        for pair in pairs:
            tops[pair] = OnTop(*moved.get((number, pair), (0, 0)), carried.get(pair, ()))


def _cover_columns(wanted: Wanted) -> list[str]:
    entries = [
        (number, shop, utc_moment(up_to) if up_to else None, known)
        for number, covers in enumerate(wanted.on_top)
        for shop, up_to, known in zip(covers.shops, covers.up_to, covers.up_to_position, strict=True)
    ]
    pairs = [(number, *pair) for number, pairs in enumerate(wanted.on_top.values()) for pair in sorted(pairs)]
    return [
        integers(e[0] for e in entries),
        texts(e[1] for e in entries),
        moments(e[2] for e in entries),
        integers(e[3] for e in entries),
        integers(p[0] for p in pairs),
        texts(p[1] for p in pairs),
        texts(p[2] for p in pairs),
    ]
