"""``oversells``: 売り越し with their window and the step that caused them."""

from datetime import datetime

import strawberry

from api import oversells
from api.graphql.context import Asked
from api.graphql.inputs import aware
from api.graphql.nodes import node
from api.graphql.paging import Connection, connection, key_of
from api.graphql.scalars import Count, Position
from api.oversells import Oversell
from api.reading import await_position
from projections.reading import Found

TABLES = ("oversells", "change_log", "orders", "push_log", "listings")


@strawberry.type
class OversellStepNode:
    """One thing that the page's number had left out when it sold: an order of ``shop``, or a fact of stock."""

    code: str
    position: Position
    shop: str | None
    order: str | None
    units: int
    happened_at: datetime
    recorded_at: datetime


@strawberry.type
class PageThenNode:
    """What one page of the SKU had been told then, and what it should have shown, its own sales since taken off."""

    shop: str
    item: str
    variant: str
    told_units: int
    expected_units: int
    applied_at: datetime
    trigger: str


@strawberry.type
class OversellNode:
    """One sale beyond what there was. ``windowSeconds``: sold → told to us; ``cause`` is the first of ``steps``.

    The sale's fields are null when no order but a count, a person or a file took the units away.
    """

    position: Position
    sku: str
    kind: str
    units: Count
    after: int
    recorded_at: datetime
    shop: str | None
    order_number: str | None
    item: str | None
    variant: str | None
    sold_at: datetime | None
    told_at: datetime | None
    window_seconds: Count | None
    cause: str
    steps: list[OversellStepNode]
    pages: list[PageThenNode]

    @classmethod
    def of(cls, row: Oversell) -> "OversellNode":
        found = [node(OversellStepNode, step) for step in row.steps]
        return node(cls, row, steps=found, pages=[node(PageThenNode, one) for one in row.pages])


@strawberry.type
class OversellQueries:
    """売り越し."""

    @strawberry.field
    async def oversells(
        self,
        info: Asked,
        first: int = 20,
        after: str | None = None,
        sku: str | None = None,
        shop: str | None = None,
        recorded_from: datetime | None = None,
        recorded_until: datetime | None = None,
        at_least: Position | None = None,
    ) -> Connection[OversellNode]:
        """売り越し, newest first: each shortage with the sale that should not have been possible, and why it was."""
        house, before = info.context.house, key_of(after, tuple[int])

        def read() -> Found[Oversell]:
            if at_least is not None:
                await_position(house, TABLES, at_least)
            with house.pool.connection() as database:
                return oversells.page(
                    database,
                    house.database.schema,
                    first=first,
                    before=before[0] if before else None,
                    sku=sku,
                    shop=shop,
                    recorded_from=aware(recorded_from) if recorded_from else None,
                    recorded_until=aware(recorded_until) if recorded_until else None,
                )

        found = await info.context.in_thread(read)
        return connection(found, lambda row: (row.position,), OversellNode.of, after=after)
