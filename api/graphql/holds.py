"""取り置き over GraphQL: placed, extended, released by a person; the list with what ends soon."""

from dataclasses import replace
from datetime import datetime

import strawberry

from api.graphql.context import Asked
from api.graphql.done import MutationDone, do
from api.graphql.inputs import aware
from api.graphql.nodes import node
from api.graphql.paging import Connection, connection, key_of
from api.graphql.scalars import Position
from api.reading import await_position
from ledger.book import stock
from projections import holds
from projections.holds import HoldRow
from projections.reading import Found


@strawberry.type
class HoldNode:
    """One hold. ``state``: running, asked (over; a person extends or releases it), consumed, expired or released.

    ``warning``: within_24_hours, within_1_hour or over; "" when its end is far off or nothing is held. ``orders``: those that
    took units of it.
    """

    hold: str
    state: str
    warning: str
    reference: str
    sku: str
    units: int
    held_units: int
    ends_at: datetime
    on_expiry: str
    orders: list[str]
    actor: str
    placed_at: datetime
    changed_at: datetime
    first_position: Position
    position: Position


@strawberry.type
class HoldQueries:
    """What is held."""

    @strawberry.field
    async def holds(
        self,
        info: Asked,
        first: int = 100,
        after: str | None = None,
        sku: str | None = None,
        reference: str | None = None,
        held: bool = True,
        ends_before: datetime | None = None,
        at_least: Position | None = None,
    ) -> Connection[HoldNode]:
        """取り置き, newest first. ``held``: only those with units still held; ``endsBefore``: whose end is near."""
        before, house, now = key_of(after, tuple[int]), info.context.house, info.context.house.clock.now()

        def read() -> Found[HoldRow]:
            if at_least is not None:
                await_position(house, ("holds",), at_least)
            with house.pool.connection() as database:
                return holds.page(
                    database,
                    house.database.schema,
                    first=first,
                    before=before[0] if before else None,
                    sku=sku,
                    reference=reference,
                    held=held,
                    ends_before=aware(ends_before) if ends_before else None,
                )

        found = await info.context.in_thread(read)
        return connection(
            found,
            lambda row: (row.first_position,),
            lambda row: node(
                HoldNode, row, warning=row.warning(now), orders=row.orders.split("\t") if row.orders else []
            ),
            after=after,
        )


@strawberry.type
class HoldMutations:
    """取り置き."""

    @strawberry.mutation
    async def place_hold(
        self,
        info: Asked,
        reference: str,
        sku: str,
        units: int,
        ends_at: datetime,
        on_expiry: str = "ask",
        hold: str | None = None,
        key: str | None = None,
    ) -> MutationDone:
        """Units of the SKU are promised to the merchant's own reference number (never a name), never more than are free.

        ``onExpiry``: ask or release. ``hold``: its id; a new one when not said, in the answer.
        """
        until = aware(ends_at)
        verb = stock.place_hold(
            hold or info.context.house.new_id(),
            reference=reference,
            code=sku,
            units=units,
            ends_at=until,
            on_expiry=on_expiry,
        )
        return await do(info, replace(verb, says=(hold, reference, sku, units, until, on_expiry)), key)

    @strawberry.mutation
    async def extend_hold(self, info: Asked, hold: str, ends_at: datetime, key: str | None = None) -> MutationDone:
        """The hold ends later."""
        return await do(info, stock.extend_hold(hold, aware(ends_at)), key)

    @strawberry.mutation
    async def release_hold(self, info: Asked, hold: str, key: str | None = None) -> MutationDone:
        """The units are free again. Twice is harmless. An order takes them by ``takeOrder(hold: …)``."""
        return await do(info, stock.end_hold(hold, expired=False), key)
