"""How a query reads: off the event loop, once the tables hold the position that was asked for."""

from collections.abc import Callable
from typing import TypeVar

from api.graphql.context import Asked
from api.graphql.scalars import Position
from api.reading import await_position

T = TypeVar("T")


async def read(
    info: Asked, tables: tuple[str, ...], at_least: Position | None, reader: Callable[..., T], **filters: object
) -> T:
    """The reader's answer, once the tables hold the position asked for. Raises NotThereYet."""
    house = info.context.house

    def run() -> T:
        if at_least is not None and tables:
            await_position(house, tables, at_least)
        with house.pool.connection() as database:
            return reader(database, house.database.schema, **filters)

    return await info.context.in_thread(run)
