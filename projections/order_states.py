"""Lines of the allocation list by their word: which rows are 引当済, 一部, 不足 and so on, as a condition on the table.

What a line holds stands in its row; what serves it follows from the stock of its SKU. Only SKUs with less on hand than is
allocated have lines that are not served whole, so only of those it is worked out, line by line.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any, LiteralString

from ledger.terms import MAIN_PLACE
from projections.order_serving import served_lines
from projections.reading import Query
from projections.table import Connection, Names, columns

SHORT_SKUS_MAX = 20_000  # SKUs owed at once; beyond them their lines count as 不足


class LineState(StrEnum):
    """One word for a line: 引当済, 一部, 不足, 未紐付, 計上済, 在庫未登録, 出荷済, キャンセル, 返品待ち, 対象外."""

    SERVED = "served"
    PARTLY_SERVED = "partly_served"
    SHORT = "short"
    UNLINKED = "unlinked"
    COUNTED = "counted"
    NO_NUMBER = "no_number"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
    RETURN_OPEN = "return_open"
    EXCLUDED = "excluded"


class OrderMark(StrEnum):
    """What stands beside the words of its lines: 要確認, 未検証."""

    TO_REVIEW = "to_review"
    UNVERIFIED = "unverified"


STATES = (*LineState, *OrderMark)


class StateNotKnown(ValueError):
    """The list has no lines of this word."""


_CLOSED: LiteralString = "NOT excluded AND open_units = 0 AND returned_units"
_OPEN: LiteralString = "NOT excluded AND open_units > 0"
_NO_NUMBER: LiteralString = (
    "part_sku IN (SELECT l.sku FROM {schema}.stock_levels AS l WHERE l.place = 'main' AND l.on_hand IS NULL)"
)
_OWED: LiteralString = (
    "part_sku IN (SELECT l.sku FROM {schema}.stock_levels AS l WHERE l.place = 'main' AND l.on_hand < l.allocated)"
)
_KEYS: LiteralString = (
    "(shop, number, line, part) IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::int[]))"
)
CONDITIONS: dict[str, LiteralString] = {
    LineState.EXCLUDED: "excluded",
    LineState.RETURN_OPEN: _CLOSED + " > 0",
    LineState.CANCELLED: _CLOSED + " = 0 AND (cancelled OR quantity_left = 0)",
    LineState.UNLINKED: _CLOSED + " = 0 AND NOT cancelled AND quantity_left > 0 AND sku IS NULL",
    LineState.SHIPPED: _CLOSED + " = 0 AND NOT cancelled AND quantity_left > 0 AND sku IS NOT NULL",
    LineState.NO_NUMBER: _OPEN + " AND " + _NO_NUMBER,
    LineState.COUNTED: _OPEN + " AND counted AND NOT " + _NO_NUMBER,
    OrderMark.TO_REVIEW: "reviews <> ''",
    OrderMark.UNVERIFIED: "NOT verified",
}


def where(query: Query, connection: Connection, schema: str, states: Sequence[str]) -> None:
    """The query is of rows with one of these words; none given: of all. Raises StateNotKnown."""
    wrong = next((state for state in states if state not in STATES), None)
    if wrong is not None:
        raise StateNotKnown(f"state {wrong!r}; expected one of {', '.join(STATES)}")
    if not states:
        return
    served = {LineState.SERVED, LineState.PARTLY_SERVED, LineState.SHORT} & set(states)
    chosen: list[LiteralString] = [CONDITIONS[state] for state in states if state in CONDITIONS]
    values: list[object] = []
    for state, keys in (_by_serving(connection, schema, served) if served else {}).items():
        listed: LiteralString = _OPEN + " AND NOT counted AND " + _KEYS
        if state == LineState.SERVED:
            listed = (
                "(" + _OPEN + " AND NOT counted AND NOT " + _OWED + " AND NOT " + _NO_NUMBER + ") OR (" + listed + ")"
            )
        chosen.append(listed)
        values.extend(columns(keys, 4))
    query.where("(" + " OR ".join("(" + one + ")" for one in chosen) + ")", *values)


def _by_serving(
    connection: Connection, schema: str, states: Collection[LineState]
) -> dict[LineState, list[tuple[str, str, int, int]]]:
    """The lines of owed SKUs by how far units on hand serve them, of these states."""
    found: dict[LineState, list[tuple[str, str, int, int]]] = {state: [] for state in sorted(states)}
    statement = Names(schema, 0).sql(
        "SELECT sku FROM {stock_levels} WHERE place = %s AND on_hand < allocated ORDER BY sku LIMIT %s"
    )
    rows: list[Any] = connection.execute(statement, (MAIN_PLACE, SHORT_SKUS_MAX), prepare=True).fetchall()
    skus = [row[0] for row in rows]
    for key, (units, wanted) in (served_lines(connection, schema, skus) if skus else {}).items():
        assert units is not None, key
        state = LineState.SERVED if units >= wanted else LineState.PARTLY_SERVED if units else LineState.SHORT
        if state in found:
            found[state].append(key)
    return found
