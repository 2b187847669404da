"""One order and its way: the messages that told it, the facts they became, what stock did, and the pushes that said so.

A push belongs to the order when it is the first of a listing whose numbers were computed with a change that the order made.
Looks only; no message's text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from api.wiring import House
from ledger.book.evidence import OrderNotKnown
from ledger.codec import Record, decode
from ledger.facts.order import Booked, OrderTold, ReviewDone
from ledger.keys import order as order_stream
from projections import change_log, listing_list, order_list, push_log
from projections.change_log import Change
from projections.order_list import OrderPart
from projections.push_log import Told
from projections.table import Names, columns

MESSAGES_MAX, FACTS_MAX, CHANGES_MAX, PUSHES_MAX = 100, 200, 100, 200


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the inbox that told of the order. ``position``: where the ledger stood when it was taken."""

    id: int
    door: str
    state: str
    reason: str
    received_at: datetime
    position: int | None
    trace: str


@dataclass(frozen=True, slots=True)
class FactOfOrder:
    """One fact of the order's stream. ``says``: the telling's door and state, or what a person decided; ``booked``: how many units
    of which SKU were allocated, released, shipped …
    """

    position: int
    kind: str
    happened_at: datetime
    recorded_at: datetime
    says: str
    booked: tuple[str, ...]
    actor: str
    cause: str | None
    trace: str


@dataclass(frozen=True, slots=True)
class Way:
    """One order with its lines and its way, each list oldest first."""

    parts: Sequence[OrderPart]
    messages: Sequence[Message]
    facts: Sequence[FactOfOrder]
    changes: Sequence[Change]
    pushes: Sequence[Told]


def way_of(house: House, shop: str, number: str) -> Way:
    """The order and its way as the tables have it. Raises OrderNotKnown."""
    schema = house.database.schema
    with house.pool.connection() as connection:
        parts = order_list.one(connection, schema, shop, number)
        facts = list(_facts(connection, schema, shop, number))
        messages = list(_messages(connection, shop, number))
        if not facts and not messages:
            raise OrderNotKnown(
                f"order {number} of shop {shop} is not known; expected one that was told: daicho orders --search"
            )
        found = change_log.page(connection, schema, first=CHANGES_MAX, shop=shop, order_number=number)
        changes = found.rows[::-1]
        return Way(parts, messages, facts, changes, _pushes(connection, schema, changes))


def _messages(connection: "psycopg.Connection[Any]", shop: str, number: str) -> Iterable[Message]:
    rows = connection.execute(
        "SELECT id, door, state, reason, received_at, position, trace FROM inbox WHERE shop = %s AND order_number = %s"
        " ORDER BY id LIMIT %s",
        (shop, number, MESSAGES_MAX),
    )
    return (Message(*row) for row in rows.fetchall())


def _facts(connection: "psycopg.Connection[Any]", schema: str, shop: str, number: str) -> Iterable[FactOfOrder]:
    statement = Names(schema, 0).sql(
        "SELECT e.notification_id, e.originator_id, e.originator_version, e.topic, e.state, (SELECT s.committed_at FROM"
        " {ledger_seals} AS s WHERE s.first_position <= e.notification_id ORDER BY s.first_position DESC LIMIT 1)"
        " FROM {ledger_events} AS e WHERE e.originator_id = %s ORDER BY e.originator_version LIMIT %s"
    )
    rows: list[Any] = connection.execute(statement, (order_stream(shop, number), FACTS_MAX)).fetchall()
    for *stored, recorded_at in rows:
        yield _fact(decode(*stored), recorded_at)


def _fact(record: Record, recorded_at: datetime) -> FactOfOrder:
    fact, envelope = record.fact, record.envelope
    match fact:
        case OrderTold(door=door, state=state, verified=verified):
            says = f"{door} {state}" + ("" if verified else " unverified")
        case ReviewDone(what=what, answer=answer):
            says = f"{what}: {answer}"
        case _:
            says = ""
    booked: list[str] = []
    if isinstance(fact, Booked):
        rows = zip(fact.booked_how, fact.booked_units, fact.booked_skus, fact.booked_to, strict=True)
        booked = [f"{how} {units} {sku}" + (f" to {to}" if to else "") for how, units, sku, to in rows]
    return FactOfOrder(
        record.position,
        record.name,
        envelope.at,
        recorded_at,
        says,
        tuple(booked),
        envelope.actor,
        envelope.cause,
        envelope.trace,
    )


def _pushes(connection: "psycopg.Connection[Any]", schema: str, changes: Sequence[Change]) -> list[Told]:
    """For each change and each listing of its SKU, or of a set with it: the first push computed with the change."""
    members = _listings(connection, schema, sorted({change.sku for change in changes}))
    asked = [(*listing, change.position) for change in changes for listing in members.get(change.sku, ())]
    if not asked:
        return []
    listed = ", ".join(f"p.{name}" for name in push_log.FIELDS)
    statement = Names(schema, 0).sql(
        f"SELECT DISTINCT {listed} FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])"
        " AS w (shop, item, variant, changed), LATERAL (SELECT * FROM {push_log} AS l WHERE l.shop = w.shop"
        " AND l.item = w.item AND l.variant = w.variant AND l.position > w.changed AND l.computed_at >= w.changed"
        " ORDER BY l.position LIMIT 1) AS p ORDER BY p.position, p.place_in_request LIMIT %s"
    )
    rows: list[Any] = connection.execute(statement, (*columns(asked, 4), PUSHES_MAX)).fetchall()
    return [Told(*row) for row in rows]


def _listings(
    connection: "psycopg.Connection[Any]", schema: str, skus: Sequence[str]
) -> Mapping[str, Sequence[tuple[str, str, str]]]:
    """(shop, item, variant) of the listings that sell each SKU, or a set of which it is a component."""
    sets: dict[str, set[str]] = {sku: {sku} for sku in skus}
    rows: list[Any] = connection.execute(
        Names(schema, 0).sql("SELECT component, sku FROM {listing_sets} WHERE component = ANY (%s)"), (list(skus),)
    ).fetchall()
    for component, sku in rows:
        sets[component].add(sku)
    listed = listing_list.of_skus(connection, schema, sorted(set().union(*sets.values()))) if sets else []
    return {
        sku: [(one.shop, one.key.item, one.key.variant) for one in listed if one.sku in inside]
        for sku, inside in sets.items()
    }
