"""取り置き: one row a hold: for which number, how many units are still held, until when, and how it ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from ledger.codec import Record
from ledger.facts import FACTS_OF_STREAM
from ledger.facts.load import HoldAsked, HoldConsumed, HoldExpired, HoldExtended, HoldMoved, HoldPlaced, HoldReleased
from ledger.keys import parts_of
from ledger.terms import utc_moment
from projections.page import Page
from projections.reading import Found, Query, page_of
from projections.table import Connection, Names, Relation, Table, Upserts, names_of, select

WARNED_BEFORE = {"within_1_hour": timedelta(hours=1), "within_24_hours": timedelta(hours=24)}  # nearest first (D25)
STATES = ("running", "asked", "consumed", "expired", "released")

DDL = """
CREATE TABLE {holds} (
    hold            text COLLATE "C" PRIMARY KEY,
    first_position  bigint NOT NULL,
    position        bigint NOT NULL,
    state           text COLLATE "C" NOT NULL,
    reference       text COLLATE "C" NOT NULL,
    place           text COLLATE "C" NOT NULL,
    sku             text COLLATE "C" NOT NULL,
    units           bigint NOT NULL,
    held_units      bigint NOT NULL,
    ends_at         timestamptz NOT NULL,
    on_expiry       text COLLATE "C" NOT NULL,
    orders          text COLLATE "C" NOT NULL,
    actor           text COLLATE "C" NOT NULL,
    placed_at       timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON {holds} (first_position);
CREATE INDEX ON {holds} (sku, first_position);
CREATE INDEX ON {holds} (ends_at) WHERE held_units > 0;
"""

FIELDS = {
    "hold": "text",
    "first_position": "int8",
    "position": "int8",
    "state": "text",
    "reference": "text",
    "place": "text",
    "sku": "text",
    "units": "int8",
    "held_units": "int8",
    "ends_at": "timestamptz",
    "on_expiry": "text",
    "orders": "text",
    "actor": "text",
    "placed_at": "timestamptz",
    "changed_at": "timestamptz",
}


@dataclass(slots=True)
class HoldRow:
    """One hold. ``state``: running, asked (its time is over and a person is asked), consumed, expired or released.

    ``orders``: those that took units of it (shop:number), separated by tabs. Mutable: a page may change a row twice.
    """

    hold: str
    first_position: int
    position: int
    state: str
    reference: str
    place: str
    sku: str
    units: int
    held_units: int
    ends_at: datetime
    on_expiry: str
    orders: str
    actor: str
    placed_at: datetime
    changed_at: datetime

    def warning(self, now: datetime) -> str:
        """How near its end is: within_24_hours, within_1_hour, over; "" when it is far off, or nothing is held any more."""
        if not self.held_units:
            return ""
        if self.ends_at <= now:
            return "over"
        return next((word for word, before in WARNED_BEFORE.items() if self.ends_at - now <= before), "")


def _placed(name: str, fact: HoldPlaced, record: Record, time: datetime) -> HoldRow:
    return HoldRow(
        hold=name,
        first_position=record.position,
        position=record.position,
        state="running",
        reference=fact.reference,
        place=fact.place,
        sku=fact.sku,
        units=fact.units,
        held_units=fact.units,
        ends_at=utc_moment(fact.ends_at),
        on_expiry=fact.on_expiry,
        orders="",
        actor=record.envelope.actor,
        placed_at=time,
        changed_at=time,
    )


def _take(row: HoldRow, record: Record, time: datetime) -> None:
    """The row has taken in the fact."""
    row.position, row.changed_at = record.position, time
    match record.fact:
        case HoldExtended(ends_at=ends_at):
            row.ends_at, row.state = utc_moment(ends_at), "running"
        case HoldMoved(sku=sku):
            row.sku = sku
        case HoldAsked():
            row.state = "asked"
        case HoldConsumed(order=order, units=units):
            row.held_units -= units
            row.orders = "\t".join((*row.orders.split("\t"), order)) if row.orders else order
            row.state = row.state if row.held_units else "consumed"
        case HoldExpired(units=units):
            row.held_units, row.state = row.held_units - units, "expired"
        case HoldReleased(units=units):
            row.held_units, row.state = row.held_units - units, "released"
        case _:
            pass


VALUES = attrgetter(*FIELDS)  # of a row, in their order


class _Writer:
    def __init__(self, names: Names) -> None:
        self._read = select(names, "holds", FIELDS, "hold = ANY (%s)")
        self._save = Upserts(names, TABLE.relations[0], FIELDS)

    def forget(self) -> None:
        """Holds are few: nothing is kept between pages."""

    def write(self, connection: Connection, page: Page) -> None:
        records = list(page.pairs())
        rows = self._load(connection, {parts_of(record.stream)[0] for record, _ in records})
        for record, time in records:
            name = parts_of(record.stream)[0]
            if isinstance(record.fact, HoldPlaced):
                rows[name] = _placed(name, record.fact, record, time)
            elif name in rows:
                _take(rows[name], record, time)
        self._save.write(connection, [VALUES(rows[name]) for name in sorted(rows)])

    def _load(self, connection: Connection, wanted: Iterable[str]) -> dict[str, HoldRow]:
        names = sorted(wanted)
        if not names:
            return {}
        rows: list[Any] = connection.execute(self._read, (names,), prepare=True).fetchall()
        return {row[0]: HoldRow(*row) for row in rows}


TABLE = Table(
    name="holds",
    version=1,
    relations=(Relation("holds", ("hold",)),),
    ddl=DDL,
    facts=names_of(FACTS_OF_STREAM["hold"]),
    open=_Writer,
)


# ------------------------------------------------------------------ readers


def page(
    connection: Connection,
    schema: str,
    *,
    first: int,
    before: int | None = None,
    sku: str | None = None,
    reference: str | None = None,
    held: bool = False,
    ends_before: datetime | None = None,
) -> Found[HoldRow]:
    """Up to ``first`` holds, newest first, placed before position ``before``. ``held``: only those with units still held.

    Raises PageNotAccepted.
    """
    query = Query(schema, "holds", FIELDS, order="first_position DESC")
    query.where("first_position < %s", before)
    query.where("sku = %s", sku)
    query.where("reference = %s", reference)
    query.where("ends_at <= %s", ends_before)
    if held:
        query.where("held_units > 0")
    return page_of(connection, query, first, HoldRow)


def due(connection: Connection, schema: str, now: datetime, rows_max: int) -> list[str]:
    """Holds whose time is over and that nobody was asked about, the oldest first."""
    query = Query(schema, "holds", ("hold",), order="ends_at, hold")
    query.where("held_units > 0")
    query.where("state = 'running'")
    query.where("ends_at <= %s", now)
    return [str(row[0]) for row in query.rows(connection, rows_max)]
