"""引当確認受注一覧, read: lines of orders with the words for their state, and which of them the units on hand serve (D19).

Serving is worked out for the page that is shown (``order_serving.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from projections import order_states
from projections.order_serving import OPEN_PARTS_MAX, Part, Served, served_lines
from projections.order_states import LineState
from projections.orders import FIELDS
from projections.reading import Found, Query, checked_first, position_at
from projections.table import Connection

NUMBERS_END = "\U0010ffff"  # behind every number that begins with a text
NOT_SERVED = Served(0, 0)


@dataclass(frozen=True, slots=True)
class OrderPart:
    """One row: a line of an order and one SKU that it takes. ``served_units`` count ``part_sku``; None: it has no number.

    ``reviews`` are codes of 要確認; ``verified`` False is 未検証. ``open_units`` and ``shipped_units`` count the SKU told.
    """

    shop: str
    number: str
    first_position: int
    position: int
    recorded_at: datetime
    trace: str
    order_state: str
    cancelled: bool
    reason: str | None
    verified: bool
    reviews: tuple[str, ...]
    door: str | None
    ordered_at: datetime | None
    ordered_precision: str
    told_at: datetime | None
    priority: int
    assumed_shipped: bool
    line: int
    part: int
    item: str
    variant: str
    codes: tuple[str, ...]
    listing: str
    sku: str | None
    quantity: int
    quantity_left: int
    units: int
    units_known: bool
    excluded: bool
    returned_units: int
    part_sku: str | None
    part_each: int
    recipe_version: int
    counted: bool
    open_units: int
    shipped_units: int
    served_units: int | None

    @property
    def state(self) -> LineState:
        """The line's word; what a person has to look at (要確認, 未検証) stands beside it."""
        if self.excluded:
            return LineState.EXCLUDED
        if self.open_units:
            return self._open_state()
        if self.returned_units:
            return LineState.RETURN_OPEN
        if self.cancelled or self.quantity_left == 0:
            return LineState.CANCELLED
        return LineState.UNLINKED if self.sku is None else LineState.SHIPPED

    def _open_state(self) -> LineState:
        if self.served_units is None:
            return LineState.NO_NUMBER
        if self.counted:
            return LineState.COUNTED
        if self.served_units >= self.open_units * self.part_each:
            return LineState.SERVED
        return LineState.PARTLY_SERVED if self.served_units > 0 else LineState.SHORT


def page(
    connection: Connection,
    schema: str,
    *,
    first: int,
    before: int | None = None,
    sku: str | None = None,
    shop: str | None = None,
    number: str | None = None,
    search: str | None = None,
    states: Sequence[str] = (),
    short: bool = False,
    unlinked: bool = False,
    to_review: bool = False,
    recorded_from: datetime | None = None,
    recorded_until: datetime | None = None,
) -> Found[OrderPart]:
    """The rows of up to ``first`` orders, newest first, whose first fact stands before position ``before``.

    Filters choose orders; all lines of an order that fits are shown. ``search``: numbers that begin so. ``states``: with a
    line of one of these words, or the mark. ``short``: orders that wait for a SKU owed beyond what is on hand. ``to_review``:
    要確認 or 未検証. Raises PageNotAccepted, StateNotKnown.
    """
    checked_first(first)
    query = Query(schema, "orders", ("first_position",), order="first_position DESC", distinct=True)
    query.where("sku = %s", sku)
    query.where("shop = %s", shop)
    query.where("number = %s", number)
    if search:
        query.where("number >= %s AND number < %s", search, search + NUMBERS_END)
    order_states.where(query, connection, schema, states)
    query.where("first_position < %s", before)
    query.where("sku IS NULL AND quantity_left > 0 AND %s", unlinked or None)
    query.where("(reviews <> '' OR NOT verified) AND %s", to_review or None)
    query.where(
        "open_units > 0 AND part_sku IN (SELECT sku FROM {schema}.stock_levels WHERE on_hand < allocated) AND %s",
        short or None,
    )
    if recorded_from is not None:
        query.where("first_position > %s", position_at(connection, schema, recorded_from, inclusive=False))
    if recorded_until is not None:
        query.where("first_position <= %s", position_at(connection, schema, recorded_until))
    positions = [row[0] for row in query.rows(connection, first + 1)]
    rows = _rows(connection, schema, positions[:first])
    return Found(tuple(rows), len(positions) > first)


def one(connection: Connection, schema: str, shop: str, number: str) -> list[OrderPart]:
    """Every row of the order; none when nothing was told of it."""
    query = Query(schema, "orders", ("first_position",), order="first_position", distinct=True)
    query.where("number = %s", number)
    query.where("shop = %s", shop)
    return _rows(connection, schema, [row[0] for row in query.rows(connection, 1)])


@dataclass(frozen=True, slots=True)
class UnlinkedLine:
    """A line that is 未紐付: no listing known here has its code."""

    shop: str
    number: str
    line: int
    item: str
    variant: str
    codes: tuple[str, ...]
    quantity: int
    first_position: int


def unlinked_lines(
    connection: Connection,
    schema: str,
    shop: str,
    codes: Sequence[str] | None = None,
    *,
    after: int = 0,
    limit: int = 1_000,
) -> list[UnlinkedLine]:
    """Lines of the shop that wait for a listing, oldest first, behind position ``after``: those named by one of ``codes``, or all.

    A line is named by its item code, by item and variant as ``item/variant``, or by a further code of the line.
    """
    wanted = ("shop", "number", "line", "item", "variant", "codes", "quantity_left", "first_position")
    query = Query(schema, "orders", wanted, order="first_position, line")
    query.where("shop = %s", shop)
    query.where("sku IS NULL AND quantity_left > 0 AND NOT excluded AND first_position > %s", after)
    if codes is not None:
        known = list(codes)
        query.where(
            "(item = ANY (%s) OR item || '/' || variant = ANY (%s) OR string_to_array(codes, E'\\t') && %s::text[])",
            known,
            known,
            known,
        )
    rows = query.rows(connection, limit)
    return [
        UnlinkedLine(of, number, line, item, variant, split_codes(also), quantity, position)
        for of, number, line, item, variant, also, quantity, position in rows
    ]


def _rows(connection: Connection, schema: str, positions: Sequence[int]) -> list[OrderPart]:
    if not positions:
        return []
    query = Query(schema, "orders", FIELDS, order="first_position DESC, line, part")
    query.where("first_position = ANY (%s)", list(positions))
    rows = query.rows(connection, OPEN_PARTS_MAX)
    names = {name: n for n, name in enumerate(FIELDS)}
    sku, open_units = names["part_sku"], names["open_units"]
    skus = sorted({row[sku] for row in rows if row[sku] is not None and row[open_units] > 0})
    served = served_lines(connection, schema, skus) if skus else {}
    return [_part(row, served) for row in rows]


def _part(row: Any, served: Mapping[Part, Served]) -> OrderPart:
    values: dict[str, Any] = dict(zip(FIELDS, row, strict=True))
    key = (values["shop"], values["number"], values["line"], values["part"])
    values["order_state"] = values.pop("state")
    values["reviews"] = tuple(values["reviews"].split())
    values["codes"] = split_codes(values["codes"])
    return OrderPart(**values, served_units=served.get(key, NOT_SERVED).units)


def split_codes(text: str) -> tuple[str, ...]:
    """Codes as a line or a listing keeps them, tab-separated."""
    return tuple(text.split("\t")) if text else ()
