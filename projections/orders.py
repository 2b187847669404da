"""引当確認受注一覧, written: every line of every order with what it holds. ``order_list.py`` reads it.

An order is folded from its own stream alone, by the rules of the ledger; earlier facts of an order are read from the ledger
again when they are not in memory. Which lines the units on hand serve is not kept here: one receipt may change it for ten
thousand lines, so the reader works it out for the page it shows.
"""

from collections.abc import Iterable
from typing import Any

from ledger.codec import Record, decode
from ledger.facts import FACTS_OF_STREAM
from ledger.facts.order import ServedMoved
from ledger.keys import parts_of
from ledger.order import FOLD, Order, evolve
from projections.order_rows import Beginning, rows_of
from projections.page import Page
from projections.table import Connection, Index, Inserts, Names, Relation, Table, names_of, texts

ORDERS_KEPT_MAX = 10_000

FIELDS = {
    "shop": "text",
    "number": "text",
    "first_position": "int8",
    "position": "int8",
    "recorded_at": "timestamptz",
    "trace": "text",
    "state": "text",
    "cancelled": "bool",
    "reason": "text",
    "verified": "bool",
    "reviews": "text",
    "door": "text",
    "ordered_at": "timestamptz",
    "ordered_precision": "text",
    "told_at": "timestamptz",
    "priority": "int8",
    "assumed_shipped": "bool",
    "line": "int4",
    "part": "int4",
    "item": "text",
    "variant": "text",
    "codes": "text",
    "listing": "text",
    "sku": "text",
    "quantity": "int8",
    "quantity_left": "int8",
    "units": "int8",
    "units_known": "bool",
    "excluded": "bool",
    "returned_units": "int8",
    "part_sku": "text",
    "part_each": "int8",
    "recipe_version": "int8",
    "counted": "bool",
    "open_units": "int8",
    "shipped_units": "int8",
}

DDL = """
CREATE TABLE {orders} (
    shop              text COLLATE "C" NOT NULL,
    number            text COLLATE "C" NOT NULL,
    first_position    bigint NOT NULL,
    position          bigint NOT NULL,
    recorded_at       timestamptz NOT NULL,
    trace             text COLLATE "C" NOT NULL,
    state             text COLLATE "C" NOT NULL,
    cancelled         boolean NOT NULL,
    reason            text COLLATE "C",
    verified          boolean NOT NULL,
    reviews           text COLLATE "C" NOT NULL,
    door              text COLLATE "C",
    ordered_at        timestamptz,
    ordered_precision text COLLATE "C" NOT NULL,
    told_at           timestamptz,
    priority          bigint NOT NULL,
    assumed_shipped   boolean NOT NULL,
    line              integer NOT NULL,
    part              integer NOT NULL,
    item              text COLLATE "C" NOT NULL,
    variant           text COLLATE "C" NOT NULL,
    codes             text COLLATE "C" NOT NULL,
    listing           text COLLATE "C" NOT NULL,
    sku               text COLLATE "C",
    quantity          bigint NOT NULL,
    quantity_left     bigint NOT NULL,
    units             bigint NOT NULL,
    units_known       boolean NOT NULL,
    excluded          boolean NOT NULL,
    returned_units    bigint NOT NULL,
    part_sku          text COLLATE "C",
    part_each         bigint NOT NULL,
    recipe_version    bigint NOT NULL,
    counted           boolean NOT NULL,
    open_units        bigint NOT NULL,
    shipped_units     bigint NOT NULL,
    PRIMARY KEY (number, shop, line, part)
);
CREATE TABLE {order_moves} (
    position   bigint PRIMARY KEY,
    sku        text COLLATE "C" NOT NULL,
    shop       text COLLATE "C" NOT NULL,
    number     text COLLATE "C" NOT NULL,
    to_shop    text COLLATE "C" NOT NULL,
    to_number  text COLLATE "C" NOT NULL,
    units      bigint NOT NULL
);
"""

MOVE_FIELDS = {
    "position": "int8",
    "sku": "text",
    "shop": "text",
    "number": "text",
    "to_shop": "text",
    "to_number": "text",
    "units": "int8",
}


class _Writer:
    """Keeps the newest orders folded; an order that is not kept is folded from its stream up to the page."""

    def __init__(self, names: Names) -> None:
        self._rows = Inserts(names, "orders", FIELDS)
        self._moves = Inserts(names, "order_moves", MOVE_FIELDS)
        self._delete = names.sql(
            "DELETE FROM {orders} AS o USING unnest(%s::text[], %s::text[]) AS w (shop, number)"
            " WHERE o.number = w.number AND o.shop = w.shop"
        )
        self._earlier = names.sql(
            "SELECT e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,"
            " CASE WHEN e.originator_version = 1 THEN (SELECT s.committed_at FROM {ledger_seals} AS s"
            " WHERE s.first_position <= e.notification_id ORDER BY s.first_position DESC LIMIT 1) END"
            " FROM {ledger_events} AS e WHERE e.originator_id = ANY (%s) AND e.notification_id < %s"
            " ORDER BY e.originator_id, e.originator_version"
        )
        self._kept: dict[str, tuple[Order, Beginning]] = {}

    def forget(self) -> None:
        self._kept.clear()

    def write(self, connection: Connection, page: Page) -> None:
        if len(self._kept) > ORDERS_KEPT_MAX:
            self._kept.clear()
        records = list(page.pairs())
        seen: dict[str, int] = {}  # the first version of each stream in the page, then the last position
        for record, _ in records:
            seen.setdefault(record.stream, record.version)
        kept = self._kept
        self._load(connection, [s for s, version in seen.items() if version > 1 and s not in kept], page.first)
        known = [stream for stream, version in seen.items() if version > 1]
        last: dict[str, int] = {}
        for record, time in records:
            order, began = kept.get(record.stream) or (
                FOLD.initial,
                Beginning(record.position, time, record.envelope.trace),
            )
            kept[record.stream] = (evolve(order, record), began)
            last[record.stream] = record.position
        if known:
            connection.execute(self._delete, texts(parts_of(stream) for stream in sorted(known)), prepare=True)
        self._rows.write(
            connection,
            [row for stream, at in last.items() for row in self._rows_of(stream, at)],
        )
        self._moves.write(connection, list(_moves(record for record, _ in records)))

    def _rows_of(self, stream: str, position: int) -> Iterable[tuple[object, ...]]:
        shop, number = parts_of(stream)
        order, began = self._kept[stream]
        return rows_of(shop, number, order, began, position)

    def _load(self, connection: Connection, streams: list[str], before: int) -> None:
        if not streams:
            return
        rows: list[Any] = connection.execute(self._earlier, (sorted(streams), before), prepare=True).fetchall()
        for position, stream, version, name, state, time in rows:
            record = decode(position, stream, version, name, state)
            order, began = self._kept.get(stream) or (FOLD.initial, Beginning(position, time, record.envelope.trace))
            self._kept[stream] = (evolve(order, record), began)


def _moves(records: Iterable[Record]) -> Iterable[tuple[object, ...]]:
    for record in records:
        fact = record.fact
        if isinstance(fact, ServedMoved):
            to_shop, to_number = parts_of(f"order:{fact.to_order}")
            shop, number = parts_of(record.stream)
            yield record.position, fact.sku, shop, number, to_shop, to_number, fact.units


TABLE = Table(
    name="orders",
    version=2,
    relations=(
        Relation("orders", ("shop", "number", "line", "part")),
        Relation("order_moves", ("position",)),
    ),
    ddl=DDL,
    facts=names_of(FACTS_OF_STREAM["order"]),
    open=_Writer,
    indexes=(
        Index("orders", "(first_position)"),
        Index("orders", "(shop, first_position)"),
        Index("orders", "(sku, first_position) WHERE sku IS NOT NULL"),
        Index("orders", "(part_sku) WHERE open_units > 0"),
        Index("orders", "(shop, first_position) WHERE sku IS NULL AND quantity_left > 0"),
        Index("orders", "(first_position) WHERE reviews <> '' OR NOT verified"),
        Index("order_moves", "(sku, position)"),
    ),
)
