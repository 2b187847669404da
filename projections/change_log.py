"""在庫変動ログ: one row for every change of units, with its cause: which order, file or person, at which moment.

``before`` and ``after`` are available_units around the change, ``delta`` their difference; ``units`` is the number that the
fact names (an absolute one in an 上書き). A row of a SKU without a number (在庫未登録) has none of the four but ``units``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from ledger.codec import Record
from ledger.facts import FACTS_OF_STREAM
from ledger.facts.stock import StockFact
from ledger.keys import parts_of
from ledger.terms import MAIN_PLACE
from projections.page import Page
from projections.partitions import Partitions
from projections.reading import Found, Query, page_of, position_at
from projections.table import Connection, Index, Inserts, Names, Relation, Table, names_of

FIELDS = {
    "position": "int8",
    "place": "text",
    "sku": "text",
    "kind": "text",
    "units": "int8",
    "delta": "int8",
    "before": "int8",
    "after": "int8",
    "on_hand": "int8",
    "shop": "text",
    "order_number": "text",
    "reference": "text",
    "actor": "text",
    "cause": "text",
    "trace": "text",
    "import_id": "text",
    "import_row": "int8",
    "happened_at": "timestamptz",
    "recorded_at": "timestamptz",
}

DDL = """
CREATE TABLE {change_log} (
    position     bigint NOT NULL,
    place        text COLLATE "C" NOT NULL,
    sku          text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    units        bigint,
    delta        bigint,
    before       bigint,
    after        bigint,
    on_hand      bigint,
    shop         text COLLATE "C",
    order_number text COLLATE "C",
    reference    text COLLATE "C",
    actor        text COLLATE "C" NOT NULL,
    cause        text COLLATE "C",
    trace        text COLLATE "C" NOT NULL,
    import_id    text COLLATE "C",
    import_row   bigint,
    happened_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (position)
) PARTITION BY RANGE (position);
"""

# What of a fact stands in ``reference``: the first of these that it has. Slips, ids and reason codes, never a text.
REFERENCES = ("receipt", "hold", "stocktake", "reason", "to_place", "against_position")
Picked: TypeAlias = tuple[int | None, str | None, str | None, str | None, str | None, int | None]


class _Writer:
    def __init__(self, names: Names) -> None:
        self._rows = Inserts(names, "change_log", FIELDS)
        self._partitions = Partitions(names, "change_log")

    def write(self, connection: Connection, page: Page) -> None:
        self._partitions.ensure(connection, page.first, page.last)
        self._rows.write(connection, [_row(record, time) for record, time in page.pairs()])

    def forget(self) -> None:
        self._partitions.forget()


def _row(record: Record, recorded_at: datetime) -> tuple[object, ...]:
    fact: Any = record.fact
    place, sku = parts_of(record.stream)
    units, order, shop, reference, import_id, import_row = PICKS[record.name](fact)
    number = None
    if order:
        shop, number = _order(order)
    before, after = fact.before, fact.after
    envelope = record.envelope
    return (
        record.position,
        place,
        sku,
        record.name,
        units,
        None if after is None else after - (before or 0),
        before,
        after,
        fact.on_hand,
        shop,
        number,
        reference,
        envelope.actor,
        envelope.cause,
        envelope.trace,
        import_id,
        import_row,
        envelope.at,
        recorded_at,
    )


@lru_cache(maxsize=10_000)
def _order(name: str) -> tuple[str, str]:
    shop, number = parts_of(f"order:{name}")
    return shop, number


def _pick(kind: type[StockFact]) -> Callable[[Any], Picked]:
    """What a row takes from facts of this class, as one function without a look at names it does not have."""
    known = {field.name for field in fields(kind)}
    units = "fact.units" if "units" in known else "fact.counted" if "counted" in known else "None"
    if "units_after" in known:
        units = "fact.units_after"
    parts = [units]
    parts += [f"fact.{name}" if name in known else "None" for name in ("order", "shop")]
    reference = next((name for name in REFERENCES if name in known), None)
    parts.append("None" if reference is None else f"str(fact.{reference})")
    parts += [f"fact.{name}" if name in known else "None" for name in ("import_id", "row")]
    picked: Callable[[Any], Picked] = eval(f"lambda fact: ({', '.join(parts)})")  # noqa: S307  # names of our own fields
    return picked


PICKS = {kind.__name__: _pick(kind) for kind in FACTS_OF_STREAM["stock"]}  # type: ignore[arg-type]

TABLE = Table(
    name="change_log",
    version=1,
    relations=(Relation("change_log", ("position",)),),
    ddl=DDL,
    facts=names_of(FACTS_OF_STREAM["stock"]),
    open=_Writer,
    indexes=(
        Index("change_log", "(sku, position)"),
        Index("change_log", "(shop, position) WHERE shop IS NOT NULL"),
        Index("change_log", "(order_number, position) WHERE order_number IS NOT NULL"),
        Index("change_log", "(import_id, position) WHERE import_id IS NOT NULL"),
    ),
)


# ------------------------------------------------------------------ readers


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the change log."""

    position: int
    place: str
    sku: str
    kind: str
    units: int | None
    delta: int | None
    before: int | None
    after: int | None
    on_hand: int | None
    shop: str | None
    order_number: str | None
    reference: str | None
    actor: str
    cause: str | None
    trace: str
    import_id: str | None
    import_row: int | None
    happened_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class StockThen:
    """What the ledger knew of one SKU at a position. ``available`` None: no number had been set (在庫未登録)."""

    sku: str
    position: int
    available: int | None
    on_hand: int | None

    @property
    def allocated(self) -> int | None:
        return None if self.on_hand is None or self.available is None else self.on_hand - self.available


def page(
    connection: Connection,
    schema: str,
    *,
    first: int,
    before: int | None = None,
    sku: str | None = None,
    shop: str | None = None,
    order_number: str | None = None,
    import_id: str | None = None,
    kinds: Sequence[str] = (),
    recorded_from: datetime | None = None,
    recorded_until: datetime | None = None,
) -> Found[Change]:
    """Up to ``first`` changes, newest first, older than position ``before``; every filter given must fit.

    ``recorded_until`` is inclusive. The cursor of a row is its position. Raises PageNotAccepted.
    """
    query = Query(schema, "change_log", FIELDS, order="position DESC")
    query.where("sku = %s", sku)
    query.where("shop = %s", shop)
    query.where("order_number = %s", order_number)
    query.where("import_id = %s", import_id)
    query.where("kind = ANY (%s)", list(kinds) or None)
    query.where("position < %s", before)
    if recorded_from is not None:
        query.where("position > %s", position_at(connection, schema, recorded_from, inclusive=False))
    if recorded_until is not None:
        query.where("position <= %s", position_at(connection, schema, recorded_until))
    return page_of(connection, query, first, Change)


def stock_as_of(connection: Connection, schema: str, sku: str, position: int, place: str = MAIN_PLACE) -> StockThen:
    """The SKU's numbers as the ledger knew them when this position was its last."""
    query = Query(schema, "change_log", ("position", "after", "on_hand"), order="position DESC")
    query.where("sku = %s", sku)
    query.where("position <= %s", position)
    query.where("place = %s", place)
    row: Any = query.rows(connection, 1)
    return StockThen(sku, position, row[0][1], row[0][2]) if row else StockThen(sku, position, None, None)


def all_stock_as_of(
    connection: Connection, schema: str, position: int, *, after_sku: str = "", first: int, place: str = MAIN_PLACE
) -> list[StockThen]:
    """Up to ``first`` SKUs behind ``after_sku``, in order of the SKU, as the ledger knew them at this position."""
    names = Names(schema, 0)
    statement = names.sql(
        "SELECT l.sku, c.after, c.on_hand FROM {stock_levels} AS l, LATERAL (SELECT after, on_hand FROM {change_log} AS c"
        " WHERE c.sku = l.sku AND c.position <= %s AND c.place = %s ORDER BY c.position DESC LIMIT 1) AS c"
        " WHERE l.place = %s AND l.sku > %s ORDER BY l.sku LIMIT %s"
    )
    rows: Any = connection.execute(statement, (position, place, place, after_sku, first), prepare=True)
    return [StockThen(sku, position, available, on_hand) for sku, available, on_hand in rows]
