"""Which lines of orders the units on hand serve (D19), worked out when it is asked for.

Within a SKU by a person's priority, then the mall's order time, then position, less and plus what a person moved
(引当の付け替え). One receipt changes it for every line behind it, so it is not stored; the open lines of one SKU are one index
range.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from ledger.terms import MAIN_PLACE
from projections.table import Connection, Names

OPEN_PARTS_MAX = 50_000  # of the SKUs asked for; behind them nothing is served

Part: TypeAlias = tuple[str, str, int, int]  # shop, number, line, part


class Served(NamedTuple):
    """``units`` on hand serve the line, of ``wanted`` that it waits for. None: the SKU has no number (在庫未登録)."""

    units: int | None
    wanted: int


def served_lines(connection: Connection, schema: str, skus: Sequence[str]) -> dict[Part, Served]:
    """What serves each open line of these SKUs."""
    names = Names(schema, 0)
    statement = names.sql(
        "SELECT o.part_sku, o.shop, o.number, o.line, o.part, o.open_units * o.part_each, l.on_hand"
        " FROM {orders} AS o LEFT JOIN {stock_levels} AS l ON l.sku = o.part_sku AND l.place = %s"
        " WHERE o.part_sku = ANY (%s) AND o.open_units > 0"
        " ORDER BY o.part_sku, o.priority DESC, o.ordered_at NULLS LAST, o.first_position, o.line, o.part LIMIT %s"
    )
    rows: list[Any] = connection.execute(statement, (MAIN_PLACE, list(skus), OPEN_PARTS_MAX), prepare=True).fetchall()
    served: dict[Part, int | None] = {}
    wanted: dict[Part, int] = {}
    parts: dict[tuple[str, str, str], list[Part]] = {}
    left: dict[str, int] = {}
    for sku, shop, number, line, part, units, on_hand in rows:
        key = (shop, number, line, part)
        parts.setdefault((sku, shop, number), []).append(key)
        wanted[key] = units
        if on_hand is None:
            served[key] = None
            continue
        there = left.setdefault(sku, max(0, on_hand))
        served[key] = min(units, there)
        left[sku] = there - min(units, there)
    moves = names.sql(
        "SELECT m.sku, m.shop, m.number, m.to_shop, m.to_number, m.units FROM {order_moves} AS m"
        " WHERE m.sku = ANY (%s) ORDER BY m.position"
    )
    found: Iterable[Any] = connection.execute(moves, (list(skus),), prepare=True).fetchall()
    for sku, shop, number, to_shop, to_number, units in found:
        _move(served, wanted, parts.get((sku, shop, number), []), parts.get((sku, to_shop, to_number), []), units)
    return {key: Served(units, wanted[key]) for key, units in served.items()}


def _move(
    served: dict[Part, int | None], wanted: dict[Part, int], giving: list[Part], taking: list[Part], units: int
) -> None:
    """Up to ``units`` that serve one order serve the other; never more than it waits for."""
    for to in taking:
        for key in giving:
            there, has = served[key] or 0, served[to] or 0
            count = min(units, there, wanted[to] - has)
            if count > 0:
                served[key], served[to] = there - count, has + count
                units -= count
