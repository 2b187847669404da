"""What happened around listings before a reading: their pushes, readings and orders, and what orders the mall itself lists."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from adapters.kit.mall import OrderApi, OrdersAsked, ReadFailed
from api.jobs.drift_classes import OrderAtMall, OrderKnown, PushMade, ReadMade
from api.shop_access import ConnectedShop, ShopAccesses, TurnNotGot, profile_of
from api.tables import mall_paces
from api.wiring import House
from ledger import keys
from ledger.codec import decode
from ledger.facts.push import MallRead
from ledger.terms import ListingKey, OrderState, Telling, utc_moment

PUSHES_MAX = 8  # of a listing, the newest
ORDER_DAYS = 30
READ_FACTS_MAX = 2_000
READ_SPAN = timedelta(hours=2)
PAGES_MAX = 100
ASK_DAYS_MAX = 7
EARLIER = timedelta(hours=1)


@dataclass(frozen=True)
class Evidence:
    """By listing, oldest first. ``at_mall`` None: the mall was not asked, or did not answer."""

    pushes: Mapping[ListingKey, Sequence[PushMade]]
    reads: Mapping[ListingKey, Sequence[ReadMade]]
    orders: Mapping[ListingKey, Sequence[OrderKnown]]


@dataclass(frozen=True)
class Named:
    """A listing and every code by which the mall's orders may name it."""

    key: ListingKey
    codes: frozenset[str]


def evidence_of(
    house: House, shop: str, wanted: Mapping[ListingKey, str], *, known_position: int, read_at: datetime
) -> Evidence:
    """What the ledger knew of these listings (with their SKU) at the position."""
    schema = house.database.schema
    with house.pool.connection() as connection:
        return Evidence(
            _pushes(connection, schema, shop, wanted, known_position),
            _reads(connection, schema, shop, wanted, known_position, read_at),
            _orders(connection, schema, shop, wanted, known_position, read_at),
        )


def _pushes(
    connection: psycopg.Connection[Any], schema: str, shop: str, wanted: Iterable[ListingKey], known: int
) -> Mapping[ListingKey, Sequence[PushMade]]:
    listed = list(wanted)
    statement = sql.SQL(
        "SELECT w.item, w.variant, p.position, p.request, p.computed_at, p.units, p.expected_before,"
        " CASE WHEN p.answered_position <= %s THEN p.outcome END, p.sent_at"
        " FROM unnest(%s::text[], %s::text[]) AS w (item, variant), LATERAL (SELECT * FROM {} AS l WHERE l.shop = %s"
        " AND l.item = w.item AND l.variant = w.variant AND l.position <= %s ORDER BY l.position DESC LIMIT %s) AS p"
    ).format(sql.Identifier(schema, "push_log"))
    values = (known, [k.item for k in listed], [k.variant for k in listed], shop, known, PUSHES_MAX)
    found: dict[ListingKey, list[PushMade]] = {}
    rows: list[Any] = connection.execute(statement, values).fetchall()
    for item, variant, *made in rows:
        found.setdefault(ListingKey(item, variant), []).append(PushMade(*made))
    return {key: sorted(made, key=lambda push: push.position) for key, made in found.items()}


def _reads(
    connection: psycopg.Connection[Any],
    schema: str,
    shop: str,
    wanted: Mapping[ListingKey, str],
    known: int,
    read_at: datetime,
) -> Mapping[ListingKey, Sequence[ReadMade]]:
    statement = sql.SQL(
        "SELECT notification_id, originator_id, originator_version, topic, state FROM {} WHERE originator_id = %s"
        " ORDER BY originator_version DESC LIMIT %s"
    ).format(sql.Identifier(schema, "ledger_events"))
    texts = {keys.listing_text(key): key for key in wanted}
    found: dict[ListingKey, list[ReadMade]] = {key: [] for key in wanted}
    rows: list[Any] = connection.execute(statement, (keys.read(shop), READ_FACTS_MAX)).fetchall()
    for position, stream, version, name, state in rows:
        if name != "MallRead" or position > known:
            continue
        fact = decode(position, stream, version, name, bytes(state)).fact
        assert isinstance(fact, MallRead), name
        moment = utc_moment(fact.read_at)
        if moment < read_at - READ_SPAN:
            break
        for text, units, was_found in zip(fact.listings, fact.units, fact.found, strict=True):
            if text in texts:
                found[texts[text]].append(ReadMade(position, moment, units if was_found else None))
    return {key: made[::-1] for key, made in found.items()}


def _orders(
    connection: psycopg.Connection[Any],
    schema: str,
    shop: str,
    wanted: Mapping[ListingKey, str],
    known: int,
    read_at: datetime,
) -> Mapping[ListingKey, Sequence[OrderKnown]]:
    statement = sql.SQL(
        "SELECT listing, number, min(first_position), sum(quantity)::bigint, min(ordered_at),"
        " bool_and(cancelled AND position <= %s) FROM (SELECT DISTINCT ON (shop, number, line) * FROM {} AS o WHERE o.sku = ANY (%s)"
        " AND o.shop = %s AND o.first_position <= %s AND o.recorded_at > %s) AS lines"
        " WHERE listing = ANY (%s) GROUP BY listing, number ORDER BY min(first_position)"
    ).format(sql.Identifier(schema, "orders"))
    texts = {keys.listing_text(key): key for key in wanted}
    since = read_at - timedelta(days=ORDER_DAYS)
    values = (known, sorted(set(wanted.values())), shop, known, since, list(texts))
    found: dict[ListingKey, list[OrderKnown]] = {}
    rows: list[Any] = connection.execute(statement, values).fetchall()
    for text, number, position, quantity, ordered_at, cancelled in rows:
        order = OrderKnown(number, position, quantity, ordered_at, bool(cancelled))
        found.setdefault(texts[text], []).append(order)
    return found


# ------------------------------------------------------------------ the mall's own list of orders


def orders_at_mall(
    house: House, accesses: ShopAccesses, one: ConnectedShop, since: datetime
) -> Sequence[Telling] | None:
    """The orders placed or changed at the mall since then, as it lists them now; None: it is not asked, or does not answer.

    They are looked at and not taken: that is the intake's.
    """
    api = one.mall.order_api
    if not isinstance(api, OrderApi):
        return None
    now = house.clock.now()
    begins = max(since - EARLIER, now - timedelta(days=min(ASK_DAYS_MAX, api.reach_days_max)))
    pace, kind = mall_paces.pace_of(api.pages_per_second), mall_paces.counted_as(one.mall, mall_paces.ORDERS)
    profile, cursor = profile_of(one.mall, one.shop.settings), ""
    found: dict[str, Telling] = {}
    for _ in range(PAGES_MAX):
        while True:
            with house.pool.connection() as connection:
                wait = mall_paces.may_call(connection, one.code, kind, pace, now=house.clock.now())
            if wait == 0.0:
                break
            house.clock.sleep(wait)
        try:
            with accesses.of(one) as access:
                page = api.fetch(access, OrdersAsked(begins, now, cursor))
        except TurnNotGot:
            return None
        if isinstance(page, ReadFailed):
            return None
        for raw in page.orders:
            read = api.read(raw.body, profile)
            if isinstance(read, Telling):
                found[read.order] = read
        if not page.cursor:
            return list(found.values())
        cursor = page.cursor
    return None  # more than can be held against it: what was not seen proves nothing


def of_listing(tellings: Sequence[Telling], named: Named, known: Collection[str]) -> Sequence[OrderAtMall]:
    """The mall's orders that name the listing, and cancels of orders that are ``known`` of it: they may name no line."""
    found = []
    for telling in tellings:
        quantity = sum(line.quantity for line in telling.lines if _names(line.item, line.variant, line.codes, named))
        cancelled = telling.state == OrderState.CANCELLED
        if quantity or (cancelled and telling.order in known):
            found.append(OrderAtMall(telling.order, quantity, telling.ordered_at, cancelled))
    return found


def _names(item: str, variant: str, codes: Sequence[str], named: Named) -> bool:
    return ListingKey(item, variant) == named.key or bool(named.codes.intersection((item, *codes)))
