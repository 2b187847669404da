"""Waiting until what was just written can be read: queries take the position a mutation answered with."""

from collections.abc import Sequence
from typing import Any

import psycopg

from api.wiring import House
from projections import listing_list

WAIT_SECONDS_MAX = 5.0
LOOK_SECONDS = 0.005


class NotThereYet(ValueError):
    """The tables have not come to the position within 5 seconds; they catch up by themselves: ask again."""


def await_position(house: House, tables: Sequence[str], position: int) -> None:
    """These tables hold every fact up to the position. Raises NotThereYet."""
    until = house.clock.monotonic() + WAIT_SECONDS_MAX
    while True:
        with house.pool.connection() as connection:
            count, least = least_position(connection, tables)
        if count == len(tables) and least >= position:
            return
        if house.clock.monotonic() > until:
            raise NotThereYet(
                f"position {position} is not in {', '.join(tables)} yet (at {least}); ask again in a moment"
            )
        house.clock.sleep(LOOK_SECONDS)


def least_position(connection: "psycopg.Connection[Any]", tables: Sequence[str]) -> tuple[int, int]:
    """How many of these tables there are, and the position of the one furthest behind."""
    row = connection.execute(
        "SELECT count(*), coalesce(min(position), 0) FROM projection_checkpoints WHERE projection = ANY (%s)",
        (list(tables),),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def listings_of_sku(connection: "psycopg.Connection[Any]", schema: str, sku: str) -> list[tuple[str, str, str]]:
    """(shop, item, variant) of the listings that sell the SKU now."""
    return [(row.shop, row.key.item, row.key.variant) for row in listing_list.of_skus(connection, schema, [sku])]
