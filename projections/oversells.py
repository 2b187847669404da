"""売り越し: one row for every fact that left a SKU owed more units than before (不足). Why it could happen is worked out when it is read.

``short_units`` are the units that the fact added to what is owed; ``happened_at`` is when the order was placed, or the number was
true, ``recorded_at`` when we knew.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.codec import Record
from ledger.facts import FACTS_OF_STREAM
from ledger.keys import parts_of
from projections.page import Page
from projections.reading import Found, Query, page_of, position_at
from projections.table import Connection, Index, Inserts, Names, Relation, Table, names_of

FIELDS = {
    "position": "int8",
    "place": "text",
    "sku": "text",
    "kind": "text",
    "shop": "text",
    "order_number": "text",
    "short_units": "int8",
    "after": "int8",
    "actor": "text",
    "trace": "text",
    "happened_at": "timestamptz",
    "recorded_at": "timestamptz",
}

DDL = """
CREATE TABLE {oversells} (
    position     bigint PRIMARY KEY,
    place        text COLLATE "C" NOT NULL,
    sku          text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    shop         text COLLATE "C",
    order_number text COLLATE "C",
    short_units  bigint NOT NULL,
    after        bigint NOT NULL,
    actor        text COLLATE "C" NOT NULL,
    trace        text COLLATE "C" NOT NULL,
    happened_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL
);
"""


class _Writer:
    def __init__(self, names: Names) -> None:
        self._rows = Inserts(names, "oversells", FIELDS)

    def write(self, connection: Connection, page: Page) -> None:
        rows = [row for record, time in page.pairs() if (row := _row(record, time)) is not None]
        self._rows.write(connection, rows)

    def forget(self) -> None:
        pass


def _row(record: Record, recorded_at: datetime) -> tuple[object, ...] | None:
    fact: Any = record.fact
    after, before = fact.after, fact.before
    if after is None or after >= 0 or (before is not None and after >= before):
        return None
    place, sku = parts_of(record.stream)
    order = getattr(fact, "order", "")
    shop, number = parts_of(f"order:{order}") if order else (None, None)
    short = min(before or 0, 0) - after
    envelope = record.envelope
    own = (shop, number, short, after, envelope.actor, envelope.trace, envelope.at, recorded_at)
    return (record.position, place, sku, record.name, *own)


TABLE = Table(
    name="oversells",
    version=1,
    relations=(Relation("oversells", ("position",)),),
    ddl=DDL,
    facts=names_of(FACTS_OF_STREAM["stock"]),
    open=_Writer,
    indexes=(
        Index("oversells", "(sku, position)"),
        Index("oversells", "(shop, position) WHERE shop IS NOT NULL"),
    ),
)


# ------------------------------------------------------------------ readers


@dataclass(frozen=True, slots=True)
class Shortage:
    """One row. ``shop`` and ``order_number``: of the order that was told; None: another reason took the units away."""

    position: int
    place: str
    sku: str
    kind: str
    shop: str | None
    order_number: str | None
    short_units: int
    after: int
    actor: str
    trace: str
    happened_at: datetime
    recorded_at: datetime


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
) -> Found[Shortage]:
    """Up to ``first`` shortages, newest first, older than position ``before``. Raises PageNotAccepted."""
    query = Query(schema, "oversells", FIELDS, order="position DESC")
    query.where("sku = %s", sku)
    query.where("shop = %s", shop)
    query.where("position < %s", before)
    if recorded_from is not None:
        query.where("position > %s", position_at(connection, schema, recorded_from, inclusive=False))
    if recorded_until is not None:
        query.where("position <= %s", position_at(connection, schema, recorded_until))
    return page_of(connection, query, first, Shortage)
