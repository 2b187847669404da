"""The listings a push looks at: rows of the listings table at one position, with what looks found missing of their SKUs."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from api.jobs.push_missing import UNSEEN_SECONDS_MAX, Unseen, Withheld, outstanding, sum_withheld
from api.jobs.push_plan import NOT_FOUND_SECONDS, ZERO_AGAIN_SECONDS, Queued
from api.tables import push_batches, push_syncs, push_unseen, push_waits
from ledger import keys, listing
from ledger.codec import decode
from ledger.expected import Sale
from ledger.listing import Listing, Stopped
from ledger.terms import ListingKey
from projections.listing_columns import FIELDS, row_of
from projections.listing_state import ListingRow

QUEUE_ROWS_MAX = 2_000
PROJECTION = "listings"

# Each shop once, by hops over the index: the queue of a stopped shop may be long.
SHOPS_IN_QUEUE: LiteralString = (
    "WITH RECURSIVE hop AS ((SELECT shop FROM {listings} WHERE queue_rank IS NOT NULL ORDER BY shop LIMIT 1)"
    " UNION ALL SELECT (SELECT l.shop FROM {listings} AS l WHERE l.queue_rank IS NOT NULL AND l.shop > hop.shop"
    " ORDER BY l.shop LIMIT 1) FROM hop WHERE hop.shop IS NOT NULL) SELECT shop FROM hop WHERE shop IS NOT NULL"
)

# While a file or feed holds it, only what is lower than both its numbers may go; the rest takes nobody's place.
_MAY_GO: LiteralString = (
    "(l.batch_request IS NULL OR l.wanted_unseen_units = 0 OR l.wanted_unseen_units <"
    " least(l.expected_units, CASE WHEN l.pending_request = l.batch_request THEN l.pending_units END))"
)

# What the tables hold of one listing: its row, its SKU's free units, and the components of a set.
_SELECT = sql.SQL(
    "SELECT {columns}, s.free, (s.recipe::jsonb) -> 'components' FROM {listings} AS l"
    " LEFT JOIN {listing_skus} AS s ON s.sku = l.sku WHERE {condition} ORDER BY {order} LIMIT {limit}"
)


@dataclass(frozen=True)
class Rows:
    """Rows of one shop, all as of ``position``; the ledger stood at ``head``. ``parts``: by SKU, what looks found missing, until ``missing_until``.

    ``waiting``: since when a listing waits for quiet; ``tried``: when a rejected 0 was last sent.
    """

    shop: str
    position: int
    head: int
    rows: tuple[Queued, ...]
    components: Mapping[ListingKey, tuple[str, ...]] = field(default_factory=dict)
    parts: Mapping[str, Mapping[tuple[str, ListingKey], Withheld]] = field(default_factory=dict)
    missing_until: datetime | None = None
    waiting: Mapping[ListingKey, datetime] = field(default_factory=dict)
    tried: Mapping[ListingKey, datetime] = field(default_factory=dict)

    def withheld(self, row: Queued) -> Withheld:
        """What is not to be told to this listing, because a look found it missing."""
        return sum_withheld(self.parts.get(row.rules.sku, {}), (self.shop, row.key))

    def skus_of(self, row: Queued) -> tuple[str, ...]:
        """The SKUs whose stock the listing's number follows from."""
        return self.components.get(row.key) or (row.rules.sku,)


def standing(connection: psycopg.Connection, schema: str) -> tuple[int, int]:
    """(the position up to which the listings know every fact, the ledger's last position)."""
    statement = _named(
        "SELECT coalesce((SELECT position FROM {projection_checkpoints} WHERE projection = %s), 0), position FROM {ledger_head}",
        schema,
    )
    found = connection.execute(statement, (PROJECTION,), prepare=True).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def shops_that_wait(connection: psycopg.Connection, schema: str, now: datetime) -> set[str]:
    """The shops with a listing that may have to be told, with a running full sync, or selling a SKU with missing units."""
    found = {str(row[0]) for row in connection.execute(_named(SHOPS_IN_QUEUE, schema), prepare=True)}
    skus = [entry.sku for entry in push_unseen.running(connection, now)]
    if skus:
        sharing = _named("SELECT DISTINCT shop FROM {listings} WHERE sku = ANY (%s)", schema)
        found |= {str(row[0]) for row in connection.execute(sharing, (skus,), prepare=True)}
    return found | push_syncs.shops(connection) | push_batches.due(connection, now)


def sign_of(connection: psycopg.Connection, schema: str, shop: str) -> tuple[object, ...]:
    """A sign that changes when what the shop's queue would read changes."""
    first = _named(
        "SELECT count(*), max(position), max(wanted_position) FROM (SELECT position, wanted_position FROM {listings} AS l"
        f" WHERE shop = %s AND queue_rank IS NOT NULL AND {_MAY_GO} ORDER BY queue_rank, item, variant LIMIT %s) AS q",
        schema,
    )
    missing = "SELECT count(*), max(seen_at), sum(known_position) FROM push_unseen"
    counts = connection.execute(first, (shop, QUEUE_ROWS_MAX), prepare=True).fetchone()
    entries = connection.execute(missing, prepare=True).fetchone()
    batches = push_batches.sign_of(connection, shop)
    return (*(counts or ()), *(entries or ()), *batches, push_syncs.running(connection, shop))


def queue(
    connection: psycopg.Connection, schema: str, shop: str, *, now: datetime, also: Collection[ListingKey] = ()
) -> Rows:
    """The shop's listings that may have to be told, lower numbers first, at most QUEUE_ROWS_MAX: those that differ, those whose
    SKU has missing units, and ``also``. What orders explain of the shop's missing units is taken off first.
    """
    with _snapshot(connection):
        entries = push_unseen.running(connection, now)
        own = [entry.key for entry in entries if entry.shop == shop]
        tried = push_waits.of_shop(connection, shop).get(push_waits.REJECTED_ZERO, {})
        resting = [key for key, at in tried.items() if now - at < timedelta(seconds=ZERO_AGAIN_SECONDS)]
        # What can do nothing for a while takes nobody's place among the first rows.
        condition = (
            f"l.shop = %s AND ((l.queue_rank IS NOT NULL AND {_MAY_GO} AND NOT (l.queue_rank > 0 AND NOT l.read_found AND l.read_at > %s)"
            " AND (l.item, l.variant) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[]))) OR l.sku = ANY (%s)"
            " OR (l.item, l.variant) IN (SELECT * FROM unnest(%s::text[], %s::text[])))"
        )
        unknown_since = now - timedelta(seconds=NOT_FOUND_SECONDS)
        skus = [entry.sku for entry in entries]
        values = (shop, unknown_since, *_pairs(resting), skus, *_pairs({*also, *own}))
        rows = _rows(connection, schema, shop, condition, values, order="l.queue_rank, l.item, l.variant")
        if _explain(connection, rows, [entry for entry in entries if entry.shop == shop]):
            entries = push_unseen.running(connection, now)
        return _with_missing(connection, schema, rows, now, entries)


def of_listings(
    connection: psycopg.Connection, schema: str, shop: str, found: Iterable[ListingKey], *, now: datetime
) -> Rows:
    """These listings of the shop, as far as they are known."""
    condition = "l.shop = %s AND (l.item, l.variant) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
    with _snapshot(connection):
        rows = _rows(
            connection, schema, shop, condition, (shop, *_pairs(found)), order="l.item, l.variant", limit=10_000
        )
        return _with_missing(connection, schema, rows, now, push_unseen.running(connection, now))


def linked_after(
    connection: psycopg.Connection, schema: str, shop: str, after: str, limit: int, *, now: datetime
) -> Rows:
    """The next linked listings (連動) of the shop behind ``after`` (a listing as text, "" from the first), in a fixed order."""
    last = keys.listing_key(after) if after else ListingKey("", "")
    condition = "l.shop = %s AND l.state = %s AND (l.item, l.variant) > (%s, %s)"
    values = (shop, listing.LINKED, last.item, last.variant)
    with _snapshot(connection):
        rows = _rows(connection, schema, shop, condition, values, order="l.item, l.variant", limit=limit)
        return _with_missing(connection, schema, rows, now, push_unseen.running(connection, now))


def trace_of(connection: psycopg.Connection, schema: str, position: int) -> str | None:
    """The trace of the fact at this position: the way the push goes on with; None when there is none."""
    statement = _named(
        "SELECT originator_version, originator_id, topic, state FROM {ledger_events} WHERE notification_id = %s", schema
    )
    row: Any = connection.execute(statement, (position,), prepare=True).fetchone()
    if row is None:
        return None
    version, stream, name, state = row
    return decode(position, stream, version, name, bytes(state)).envelope.trace


def linked(connection: psycopg.Connection, schema: str, shop: str) -> int:
    """How many linked listings the shop has."""
    statement = _named("SELECT count(*) FROM {listings} WHERE shop = %s AND state = %s", schema)
    found = connection.execute(statement, (shop, listing.LINKED)).fetchone()
    assert found is not None
    return int(found[0])


# ------------------------------------------------------------------ private


@contextmanager
def _snapshot(connection: psycopg.Connection) -> Iterator[None]:
    """Rows and the position they are as of are of one moment: each page of facts moves both in one commit."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _rows(
    connection: psycopg.Connection,
    schema: str,
    shop: str,
    condition: LiteralString,
    values: Sequence[object],
    *,
    order: LiteralString,
    limit: int = QUEUE_ROWS_MAX,
) -> Rows:
    position, head = standing(connection, schema)
    statement = _SELECT.format(
        columns=sql.SQL(", ").join(sql.Identifier("l", name) for name in FIELDS),
        listings=sql.Identifier(schema, "listings"),
        listing_skus=sql.Identifier(schema, "listing_skus"),
        condition=sql.SQL(condition),
        order=sql.SQL(order),
        limit=sql.Literal(limit),
    )
    found: list[Any] = connection.execute(statement, tuple(values), prepare=True).fetchall()
    rows, components = [], {}
    for *columns, free, inside in found:
        row = row_of(columns)
        one = queued(row, free)
        rows.append(one)
        if inside:
            components[one.key] = tuple(inside)
    return Rows(shop, position, head, tuple(rows), components)


def queued(row: ListingRow, free: int | None) -> Queued:
    """The row as the plan takes it."""
    rules = row.listing
    return Queued(
        key=ListingKey(row.item, row.variant),
        rules=rules,
        numbers=row.numbers,
        free_units=free,
        stopped=Stopped(row.stopped_since),
        shares_floor_to_zero=_shows_the_rest(rules, free, row.wanted),
        asks_again=rules.resend_position > row.numbers.told_position,
        wanted_position=row.wanted_position,
        in_batch=row.batch_request is not None,
        batch_units=row.numbers.pending_units if row.numbers.pending_request == row.batch_request else None,
    )


def _shows_the_rest(rules: Listing, free: int | None, wanted: int | None) -> bool:
    """Whether it shows what is left because every share floors to 0: its own share does, and it shows something."""
    if not rules.settings.first_choice or not wanted or free is None:
        return False
    return max(0, free - rules.settings.reserve) * rules.settings.share_percent // 100 == 0


def _explain(connection: psycopg.Connection, rows: Rows, entries: Sequence[Unseen]) -> bool:
    """Orders that were told are taken off the missing units for good: the row forgets them with the next push."""
    sales, changed = {row.key: row.numbers.sales for row in rows.rows}, False
    for key in {entry.key for entry in entries}:
        mine = sorted((entry for entry in entries if entry.key == key), key=lambda entry: entry.seen_at)
        if any(sale.position > entry.known_position for entry in mine for sale in sales.get(key, ())):
            push_unseen.explain(connection, mine, sales[key], rows.position)
            changed = True
    return changed


def _with_missing(
    connection: psycopg.Connection, schema: str, rows: Rows, now: datetime, running: Sequence[Unseen]
) -> Rows:
    """The rows with what is withheld from them and since when they wait."""
    if rows.rows:
        waits = push_waits.of_shop(connection, rows.shop)
        rows = replace(rows, waiting=waits.get(push_waits.QUIET, {}), tried=waits.get(push_waits.REJECTED_ZERO, {}))
    skus = {row.rules.sku for row in rows.rows}
    entries = [entry for entry in running if entry.sku in skus]
    if not entries:
        return rows
    sales = _sales_of(connection, schema, {(entry.shop, entry.key) for entry in entries})
    parts: dict[str, dict[tuple[str, ListingKey], Withheld]] = {}
    for name in {(entry.shop, entry.key) for entry in entries}:
        mine = [entry for entry in entries if (entry.shop, entry.key) == name]
        parts.setdefault(mine[0].sku, {})[name] = outstanding(mine, sales.get(name, ()), now)
    until = min(entry.seen_at for entry in entries) + timedelta(seconds=UNSEEN_SECONDS_MAX)
    return replace(rows, parts=parts, missing_until=until)


def _sales_of(
    connection: psycopg.Connection, schema: str, names: Collection[tuple[str, ListingKey]]
) -> Mapping[tuple[str, ListingKey], Sequence[Sale]]:
    statement = sql.SQL(
        "SELECT {columns} FROM {listings} AS l"
        " WHERE (l.shop, l.item, l.variant) IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]))"
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier("l", name) for name in FIELDS),
        listings=sql.Identifier(schema, "listings"),
    )
    shops = [shop for shop, _ in names]
    rows = connection.execute(statement, (shops, *_pairs([key for _, key in names])), prepare=True).fetchall()
    found = [row_of(values) for values in rows]
    return {(row.shop, ListingKey(row.item, row.variant)): row.numbers.sales for row in found}


def _pairs(found: Iterable[ListingKey]) -> tuple[list[str], list[str]]:
    listed = list(found)
    return [key.item for key in listed], [key.variant for key in listed]


def _named(text: LiteralString, schema: str) -> sql.Composed:
    names = ("ledger_events", "ledger_head", "projection_checkpoints", "listings")
    return sql.SQL(text).format(**{name: sql.Identifier(schema, name) for name in names})
