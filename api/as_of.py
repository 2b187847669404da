"""Listings as they were at one position of the ledger: the facts that made them so are read and folded by the same rules as the
listings table. For looking: what a mall believed at a moment, and a mall's file that was made a while ago.

Numbers follow from the newest pushes: of each listing those are read back to PUSHES_MAX before the position, and the orders and
readings since. What lies further back is inside them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from ledger import keys
from ledger.codec import Record, decode
from ledger.facts.order import Booked
from ledger.facts.push import MallRead, PushAnswered, PushSent, PushSettled
from ledger.facts.sku import SetDefined
from ledger.terms import ListingKey, utc_moment
from projections.listing_fold import TAKES
from projections.listing_state import IN_NO_SET, Key, ListingFold, ListingRow, SkuState, Traits

PUSHES_MAX = 8
ORDERS_MAX = 5_000
READS_MAX = 20_000  # facts of a shop's readings that are looked through, newest first
SKUS_MAX = 200  # at once

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class AsOf:
    """The listings of some SKUs at ``position``, and the facts of pushes, orders and readings that were folded, oldest first.

    ``frees``: free units of their SKUs. ``later``: facts that were recorded after it and speak of the time before it.
    """

    position: int
    rows: Mapping[Key, ListingRow]
    frees: Mapping[str, int | None]
    records: Sequence[Record]
    later: Sequence[Record] = ()
    now_rows: Mapping[Key, ListingRow] | None = None


class _Rows(dict[Key, ListingRow]):
    """Rows of listings; one that a fact names besides those asked for begins empty."""

    def __missing__(self, key: Key) -> ListingRow:
        codes = keys.listing_key(key[1])
        row = self[key] = ListingRow(key[0], codes.item, codes.variant)
        return row


class _Skus(dict[str, SkuState]):
    def __missing__(self, sku: str) -> SkuState:
        state = self[sku] = SkuState(sku)
        return state


class _Members(dict[str, dict[Key, ListingRow]]):
    def __missing__(self, sku: str) -> dict[Key, ListingRow]:
        listed: dict[Key, ListingRow] = {}
        self[sku] = listed
        return listed


class _Sets(dict[str, frozenset[str]]):
    def __missing__(self, sku: str) -> frozenset[str]:
        return IN_NO_SET


class _Traits(dict[str, Traits]):
    def __missing__(self, shop: str) -> Traits:
        return Traits()


def listings_at(
    connection: Connection, schema: str, skus: Sequence[str], position: int, *, moment: datetime | None = None
) -> AsOf:
    """Every listing that sells one of the SKUs, as it was at ``position``; with ``moment`` also as it is known now to have been.

    As known now: orders told later that were placed before the moment, answers that came later, later readings of before it.
    """
    assert 0 < len(skus) <= SKUS_MAX, len(skus)
    wanted = _Gathering(connection, schema, tuple(skus), position)
    records = wanted.records()
    rows, frees = _folded(records)
    if moment is None:
        return AsOf(position, rows, frees, records)
    requests = {_request(record) for record in records}
    later = [record for record in wanted.later() if _speaks_of(record, moment, requests)]
    now_rows = _folded(sorted([*records, *later], key=lambda record: record.position))[0] if later else rows
    return AsOf(position, rows, frees, records, later, now_rows)


def _folded(records: Iterable[Record]) -> tuple[Mapping[Key, ListingRow], Mapping[str, int | None]]:
    fold = ListingFold(skus=_Skus(), rows=_Rows(), members=_Members(), sets_of=_Sets(), traits=_Traits())
    for record in records:
        take = TAKES.get(record.name)
        if take is not None:
            take(fold, record, record.envelope.at)
    return fold.rows, {sku: state.free for sku, state in fold.skus.items()}


def _request(record: Record) -> str:
    match record.fact:
        case PushSent(request=request) | PushAnswered(request=request) | PushSettled(request=request):
            return request
        case _:
            return ""


def _speaks_of(record: Record, moment: datetime, requests: set[str]) -> bool:
    """Whether a fact recorded later says something of the time up to ``moment``."""
    match record.fact:
        case PushAnswered(request=request, applied_from=began) | PushSettled(request=request, applied_from=began):
            return request in requests and utc_moment(began) <= moment
        case MallRead(read_at=read_at):
            return utc_moment(read_at) <= moment
        case Booked(sold_listings=sold, sold_at=sold_at):
            return bool(sold) and sold_at is not None and utc_moment(sold_at) <= moment
        case _:
            return False


# ------------------------------------------------------------------ which facts

_EVENTS = "SELECT e.originator_id, e.originator_version, e.topic, e.state, e.notification_id FROM "
_STREAMS: LiteralString = (
    _EVENTS + "unnest(%s::text[]) AS w (id), LATERAL (SELECT * FROM {ledger_events} AS f WHERE f.originator_id = w.id"
    " AND f.notification_id BETWEEN %s AND %s OFFSET 0) AS e"
)
_OF_REQUESTS: LiteralString = (
    _EVENTS + "unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[]) AS w (id, request, first, last),"
    " LATERAL (SELECT * FROM {ledger_events} AS f WHERE f.notification_id BETWEEN w.first AND w.last"
    " AND f.originator_id = w.id AND position(convert_to(w.request, 'UTF8') IN f.state) > 0 OFFSET 0) AS e"
)
_READS: LiteralString = (
    _EVENTS
    + "(SELECT * FROM {ledger_events} AS f WHERE f.originator_id = %s ORDER BY f.originator_version DESC LIMIT %s) AS e"
    " WHERE e.topic = 'MallRead' AND e.notification_id BETWEEN %s AND %s"
)
_PUSHES: LiteralString = (
    "SELECT p.shop, p.request, p.position, p.computed_at, coalesce(p.answered_position, p.position)"
    " FROM unnest(%s::text[], %s::text[], %s::text[]) AS w (shop, item, variant), LATERAL (SELECT * FROM {push_log} AS l"
    " WHERE l.shop = w.shop AND l.item = w.item AND l.variant = w.variant AND l.position <= %s"
    " ORDER BY l.position DESC LIMIT %s) AS p"
)
_LISTED: LiteralString = (
    "SELECT DISTINCT shop, item, variant FROM {listings} WHERE sku = ANY (%s) ORDER BY shop, item, variant"
)
_ORDERS: LiteralString = (
    "SELECT shop, order_number FROM {change_log} WHERE sku = ANY (%s) AND shop = ANY (%s) AND order_number IS NOT NULL"
    " AND position > %s GROUP BY shop, order_number ORDER BY max(position) DESC LIMIT %s"
)


class _Gathering:
    """Which facts the listings of some SKUs follow from. Mutable while it is gathered."""

    def __init__(self, connection: Connection, schema: str, skus: Sequence[str], position: int) -> None:
        self._connection = connection
        self._schema = schema
        self._position = position
        own = self._streams([keys.sku(sku) for sku in skus], 1, position)
        inside = {part for record in own if isinstance(record.fact, SetDefined) for part in record.fact.components}
        self._skus = sorted({*skus, *inside})
        rows = connection.execute(self._sql(_LISTED), (self._skus,)).fetchall()
        self._listed = [(str(shop), ListingKey(item, variant)) for shop, item, variant in rows]
        self._shops = sorted({shop for shop, _ in self._listed})
        self._begins = position
        self._answers: list[Record] = []

    def records(self) -> list[Record]:
        """Everything up to the position, oldest first."""
        pushes = self._pushes()
        names = [keys.stock(sku) for sku in self._skus] + [keys.sku(sku) for sku in self._skus]
        names += [keys.listing(shop, key) for shop, key in self._listed] + [keys.shop(shop) for shop in self._shops]
        found = {record.position: record for record in self._streams(names, 1, self._position)}
        found |= {record.position: record for record in pushes}
        found |= {record.position: record for record in self._orders(self._begins + 1, self._position)}
        found |= {record.position: record for record in self._reads(self._begins + 1, self._position)}
        return [found[position] for position in sorted(found) if position <= self._position]

    def later(self) -> list[Record]:
        """Orders, readings and answers that were recorded after the position."""
        last = 2**62
        found = self._orders(self._position + 1, last) + self._reads(self._position + 1, last)
        found += [record for record in self._answers if record.position > self._position]
        return sorted({record.position: record for record in found}.values(), key=lambda record: record.position)

    # -------------------------------------------------------------- private

    def _pushes(self) -> list[Record]:
        """The newest pushes of each listing; orders and readings are of interest from the first of them on."""
        shops = [shop for shop, _ in self._listed]
        items, variants = [key.item for _, key in self._listed], [key.variant for _, key in self._listed]
        values = (shops, items, variants, self._position, PUSHES_MAX)
        rows: list[Any] = self._connection.execute(self._sql(_PUSHES), values).fetchall()
        self._begins = min((int(row[3]) for row in rows), default=0)
        if len({row[0] for row in rows}) < len(self._shops):
            self._begins = 0  # a shop that was never told: its readings and sales are all there is
        columns = [[keys.push(row[0]) for row in rows], *[[row[n] for row in rows] for n in (1, 2, 4)]]
        requests = set(columns[1])  # a request may be named by another one, which it belongs to
        found = [record for record in self._records(self._sql(_OF_REQUESTS), columns) if _request(record) in requests]
        self._answers = found
        return [record for record in found if record.position <= self._position]

    def _orders(self, first: int, last: int) -> list[Record]:
        values = (self._skus, self._shops, first - 1, ORDERS_MAX)
        rows = self._connection.execute(self._sql(_ORDERS), values).fetchall()
        return self._streams([keys.order(str(shop), str(number)) for shop, number in rows], first, last)

    def _reads(self, first: int, last: int) -> list[Record]:
        found: list[Record] = []
        for shop in self._shops:
            texts = {keys.listing_text(key) for of, key in self._listed if of == shop}
            read = self._records(self._sql(_READS), (keys.read(shop), READS_MAX, first, last))
            found += [r for r in read if isinstance(r.fact, MallRead) and texts.intersection(r.fact.listings)]
        return found

    def _streams(self, names: Sequence[str], first: int, last: int) -> list[Record]:
        return self._records(self._sql(_STREAMS), (list(names), first, last)) if names else []

    def _records(self, statement: sql.Composed, values: Sequence[object]) -> list[Record]:
        rows: list[Any] = self._connection.execute(statement, tuple(values)).fetchall()
        return [decode(position, name, version, topic, bytes(state)) for name, version, topic, state, position in rows]

    def _sql(self, text: LiteralString) -> sql.Composed:
        tables = ("ledger_events", "push_log", "listings", "change_log")
        return sql.SQL(text).format(**{name: sql.Identifier(self._schema, name) for name in tables})
