"""売り越しの報告: each shortage with the sale that should not have been possible, its window, and the step that made it possible.

Facts of shortages stand in a table (``projections/oversells.py``); why each happened is worked out for the page that is shown,
from the change log, the allocation list and the push log (``oversell_steps.py``). Looks only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from api.oversell_steps import Event, Push, Step, step_of_stock, steps, victims
from ledger import keys
from ledger.codec import decode
from ledger.facts.push import PushSent
from ledger.terms import MAIN_PLACE, ListingKey, utc_moment
from projections import oversells
from projections.oversells import Shortage
from projections.reading import Found
from projections.table import Connection, Names, columns

EVENTS_MAX = 2_000  # of one SKU, the newest: what lies further back is in the balance
SINCE_MAX = 500  # told since
PUSHES_MAX = 50  # of one page, the newest before the shortage was known
STEPS_MAX = 20
MALL_SET = ("applied", "accepted")  # a mall that only accepts is taken to show the number from then on


@dataclass(frozen=True, slots=True)
class PageThen:
    """What one page of the SKU had been told when the unit was sold. ``expected_units``: less its own sales since, as known now."""

    shop: str
    item: str
    variant: str
    told_units: int
    expected_units: int
    applied_at: datetime
    trigger: str


@dataclass(frozen=True, slots=True)
class Oversell:
    """One sale beyond what there was. ``position``: the fact that left the SKU owed more. ``shop`` to ``sold_at`` are of the sale;
    None: another reason took units away. ``window_seconds``: sold → told to us. ``cause``: the first of ``steps``.
    """

    position: int
    sku: str
    kind: str
    units: int
    after: int
    recorded_at: datetime
    shop: str | None
    order_number: str | None
    item: str | None
    variant: str | None
    sold_at: datetime | None
    told_at: datetime | None
    window_seconds: int | None
    cause: str
    steps: tuple[Step, ...]
    pages: tuple[PageThen, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """Which page an order's line of a SKU was sold on, and how many of the SKU one of it takes."""

    key: ListingKey
    each: int


def page(
    connection: Connection,
    schema: str,
    *,
    first: int,
    before: int | None = None,
    sku: str | None = None,
    shop: str | None = None,
    recorded_from: datetime | None = None,
    recorded_until: datetime | None = None,
) -> Found[Oversell]:
    """The sales of up to ``first`` shortages, newest first. ``shop``: whose order was told when it was known. Raises PageNotAccepted."""
    found = oversells.page(
        connection,
        schema,
        first=first,
        before=before,
        sku=sku,
        shop=shop,
        recorded_from=recorded_from,
        recorded_until=recorded_until,
    )
    kept: dict[str, list[Event]] = {}
    rows: list[Oversell] = []
    for one in found.rows:
        if one.sku not in kept:  # newest first: the first asks for all that the others need
            kept[one.sku] = _events(connection, schema, one)
        rows.extend(_explained(connection, schema, one, kept[one.sku]))
    return Found(tuple(rows), found.more)


def _explained(connection: Connection, schema: str, one: Shortage, events: Sequence[Event]) -> Iterable[Oversell]:
    then = [event for event in events if event.position <= one.position]
    sales = victims(then, one.after, one.position) if one.place == MAIN_PLACE and then else []
    if not sales:
        cause = next((event for event in events if event.position == one.position), None)
        yield _row(one, None, one.short_units, [] if cause is None else [step_of_stock(cause)], ())
        return
    left, balance = one.short_units, one.after + sum(event.delta for event in events if event.position > one.position)
    lines = _lines(connection, schema, one.sku, events)
    known = [event if (line := _of(lines, event)) is None else replace(event, listing=line.key) for event in events]
    listed = sorted({(event.shop, line.key) for event in events if event.shop and (line := _of(lines, event))}, key=str)
    pushes = _pushes(connection, schema, listed, one)
    for sale, units in sales:
        if left <= 0:
            return
        units = min(units, left)
        left -= units
        line = _of(lines, sale)
        sold = sale if line is None else replace(sale, listing=line.key)
        own = pushes.get((sale.shop, sold.listing), ())
        found = tuple(steps(sold, known, own, 1 if line is None else line.each, balance))[:STEPS_MAX]
        yield _row(one, sold, units, found, tuple(_pages(sold, known, pushes, lines)))


def _row(one: Shortage, sale: Event | None, units: int, found: Sequence[Step], pages: Sequence[PageThen]) -> Oversell:
    key = None if sale is None else sale.listing
    return Oversell(
        position=one.position,
        sku=one.sku,
        kind=one.kind,
        units=units,
        after=one.after,
        recorded_at=one.recorded_at,
        shop=None if sale is None else sale.shop,
        order_number=None if sale is None else sale.order,
        item=None if key is None else key.item,
        variant=None if key is None else key.variant,
        sold_at=None if sale is None else sale.happened_at,
        told_at=None if sale is None else sale.recorded_at,
        window_seconds=None if sale is None else round((sale.recorded_at - sale.happened_at).total_seconds()),
        cause=found[0].code if found else "",
        steps=tuple(found),
        pages=tuple(pages),
    )


def _pages(
    sale: Event,
    events: Sequence[Event],
    pushes: Mapping[tuple[str | None, ListingKey | None], Sequence[Push]],
    lines: Mapping[tuple[str, str], _Line],
) -> Iterable[PageThen]:
    for (shop, key), told in pushes.items():
        push = next((one for one in reversed(told) if one.applied_until <= sale.happened_at), None)
        if push is None or shop is None or key is None:
            continue
        mine = [e for e in events if e.sells and (e.shop, e.listing) == (shop, key) and e.position > push.computed_at]
        since = [e for e in mine if push.applied_from <= e.happened_at < sale.happened_at]
        sold = sum(-e.delta // (line.each if (line := _of(lines, e)) else 1) for e in since)
        yield PageThen(shop, key.item, key.variant, push.units, push.units - sold, push.applied_until, push.trigger)


def _of(lines: Mapping[tuple[str, str], _Line], event: Event) -> _Line | None:
    return lines.get((event.shop, event.order)) if event.shop and event.order else None


# ------------------------------------------------------------------ what is read


def _events(connection: Connection, schema: str, one: Shortage) -> list[Event]:
    """What moved the SKU up to the shortage, and after it: what was sold before it may have been told since. By position."""
    names = Names(schema, 0)
    before = names.sql(
        "SELECT position, kind, delta, shop, order_number, happened_at, recorded_at, import_id IS NOT NULL FROM {change_log}"
        " WHERE sku = %s AND place = %s AND position <= %s AND delta <> 0 ORDER BY position DESC LIMIT %s"
    )
    since = names.sql(
        "SELECT position, kind, delta, shop, order_number, happened_at, recorded_at, import_id IS NOT NULL FROM {change_log}"
        " WHERE sku = %s AND place = %s AND position > %s AND delta <> 0 ORDER BY position LIMIT %s"
    )
    asked = (one.sku, one.place, one.position)
    rows: list[Any] = connection.execute(before, (*asked, EVENTS_MAX), prepare=True).fetchall()[::-1]
    rows += connection.execute(since, (*asked, SINCE_MAX), prepare=True).fetchall()
    return [Event(*row) for row in rows]


def _lines(connection: Connection, schema: str, sku: str, events: Iterable[Event]) -> dict[tuple[str, str], _Line]:
    """Where each order's line of the SKU was sold. An order that sold it on two pages has the first."""
    asked = sorted({(event.shop, event.order) for event in events if event.shop and event.order})
    statement = Names(schema, 0).sql(
        "SELECT o.shop, o.number, o.listing, greatest(o.units / greatest(o.quantity, 1), 1) * o.part_each, o.part_sku, o.sku"
        " FROM unnest(%s::text[], %s::text[]) AS w (shop, number) JOIN {orders} AS o ON o.shop = w.shop"
        " AND o.number = w.number WHERE o.listing <> '' ORDER BY o.shop, o.number, o.line DESC"
    )
    rows: list[Any] = connection.execute(statement, columns(asked, 2), prepare=True).fetchall()
    found: dict[tuple[str, str], _Line] = {}
    for shop, number, listing, each, part_sku, told in rows:
        if sku in (part_sku, told) or (shop, number) not in found:
            found[shop, number] = _Line(keys.listing_key(listing), int(each))
    return found


def _pushes(
    connection: Connection, schema: str, listed: Sequence[tuple[str, ListingKey]], one: Shortage
) -> dict[tuple[str | None, ListingKey | None], list[Push]]:
    """What each page was told and showed before the shortage was known, oldest first."""
    asked = [(shop, key.item, key.variant) for shop, key in listed]
    statement = Names(schema, 0).sql(
        "SELECT p.shop, p.item, p.variant, p.position, p.computed_at, p.units, p.expected_before, p.trigger,"
        " p.applied_from, p.applied_until, p.look_position FROM unnest(%s::text[], %s::text[], %s::text[])"
        " AS w (shop, item, variant), LATERAL (SELECT * FROM {push_log} AS l WHERE l.shop = w.shop AND l.item = w.item"
        " AND l.variant = w.variant AND l.position < %s AND l.outcome = ANY (%s) ORDER BY l.position DESC LIMIT %s) AS p"
        " ORDER BY p.position"
    )
    values = (*columns(asked, 3), one.position, list(MALL_SET), PUSHES_MAX)
    rows: list[Any] = connection.execute(statement, values, prepare=True).fetchall()
    looks = _looks(connection, schema, sorted({row[3] for row in rows if row[10]}))
    found: dict[tuple[str | None, ListingKey | None], list[Push]] = {}
    for shop, item, variant, position, computed_at, units, before, trigger, began, until, _look in rows:
        push = Push(position, computed_at, units, before, trigger, began, until, looks.get(position))
        found.setdefault((shop, ListingKey(item, variant)), []).append(push)
    return {page: sorted(told, key=lambda push: push.applied_until) for page, told in found.items()}


def _looks(connection: Connection, schema: str, positions: Sequence[int]) -> dict[int, datetime]:
    """When the look of each of these requests was made."""
    statement = Names(schema, 0).sql(
        "SELECT notification_id, originator_id, originator_version, topic, state FROM {ledger_events}"
        " WHERE notification_id = ANY (%s)"
    )
    rows: list[Any] = connection.execute(statement, (list(positions),), prepare=True).fetchall()
    found = {}
    for row in rows:
        fact = decode(*row).fact
        if isinstance(fact, PushSent) and fact.look_at is not None:
            found[row[0]] = utc_moment(fact.look_at)
    return found
