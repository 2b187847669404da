"""Stock in our own CSV form, as it is taken in again: every registered SKU with its numbers and the position they are of.

What is sold between the export and the import is applied on top, because each row says what it knows (台帳位置). A row states
想定在庫数, or 実在庫数 where 想定 is below zero (不足), which no file can state; a set and a SKU without a number state none.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import sql

from adapters.house.files import COLUMNS
from adapters.kit.order_mail import JST
from adapters.kit.table_writing import TextOrNumber
from api.wiring import House
from ledger.levels import Level
from ledger.reading import LEVEL_COLUMNS, level_of
from ledger.terms import MAIN_PLACE, UNITS_MAX

WRITTEN = ("sku", "available", "on_hand", "kept_back", "linked", "place", "counted_at", "position", "mode")
HEADER = [COLUMNS[name][0] for name in WRITTEN]
PAGE_ROWS = 5_000
QUIET = timedelta(days=1)  # a ledger that did not change for longer knows its numbers until then
OVERWRITE = "上書き"


def rows(house: House, skus: Sequence[str] = ()) -> Iterator[list[TextOrNumber]]:
    """A row for every registered SKU, or for these, in order of the SKU. A page and no connection is held while a row is away."""
    after = ""
    while page := _page(house, after, skus):
        for position, known_at, sku, *columns in page:
            yield _row(
                sku, level_of(columns), position, min(max(known_at, house.clock.now() - QUIET), house.clock.now())
            )
        after = page[-1][2]


def _page(house: House, after: str, skus: Sequence[str]) -> list[Any]:
    """(position, its time, SKU, columns of its level), all of one moment; codes that mean another SKU are left out."""
    statement = sql.SQL(
        "SELECT h.position, h.committed_at, s.* FROM {head} AS h, LATERAL (SELECT sku, {columns} FROM {levels}"
        " WHERE place = %s AND sku > %s AND sku_version > 0 AND recipe_version >= 0 AND {chosen} ORDER BY sku LIMIT %s) AS s ORDER BY s.sku"
    ).format(
        head=sql.Identifier(house.database.schema, "ledger_head"),
        levels=sql.Identifier(house.database.schema, "stock_levels"),
        columns=sql.SQL(LEVEL_COLUMNS),
        chosen=sql.SQL("sku = ANY (%s)" if skus else "%s::text[] IS NOT NULL"),
    )
    with house.pool.connection() as connection:
        return connection.execute(statement, (MAIN_PLACE, after, list(skus), PAGE_ROWS)).fetchall()


def _row(sku: str, level: Level, position: int, known_at: datetime) -> list[TextOrNumber]:
    stock = level.stock
    available, on_hand = stock.available_units, stock.on_hand_units
    if level.recipe_version:
        available = on_hand = None
    owes = available is not None and available < 0
    return [
        sku,
        _stated(None if owes else available),
        _stated(on_hand if owes else None),
        stock.kept_back_units,
        None,
        MAIN_PLACE,
        known_at.astimezone(JST).isoformat(),
        position,
        OVERWRITE,
    ]


def _stated(units: int | None) -> int | None:
    """The number when a file may state it."""
    return units if units is not None and 0 <= units <= UNITS_MAX else None
