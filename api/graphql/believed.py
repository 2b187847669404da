"""``believed``: what each mall showed of a SKU at a moment, and what made it so."""

from datetime import datetime

import strawberry

from api.believed import believed
from api.graphql.context import Asked
from api.graphql.inputs import aware
from api.graphql.nodes import ChangeNode, node
from api.graphql.scalars import Position


@strawberry.type
class BelievedEventNode:
    """One fact that made the number so. ``kind``: push, answer, order, cancel, read; ``units`` count listings, below zero sold.

    ``name``: the request or the order's number; ``code``: trigger, outcome or door; ``later``: recorded after the moment.
    """

    position: Position
    at: datetime
    kind: str
    units: int | None
    name: str
    code: str
    trace: str
    later: bool


@strawberry.type
class BelievedNode:
    """One listing at the moment. ``expectedUnits``: what its page showed as known then, None: uncertain or never told;
    ``expectedNowUnits``: as known now. ``cause``: the newest change of stock inside the number it had been told.
    """

    shop: str
    item: str
    variant: str
    sku: str
    moment: datetime
    position: Position
    state: str
    wanted_units: int | None
    told_units: int | None
    told_position: Position
    sent_at: datetime | None
    applied_until: datetime | None
    expected_units: int | None
    expected_now_units: int | None
    read_units: int | None
    read_at: datetime | None
    pending_units: int | None
    sentence: str
    cause: ChangeNode | None
    events: list[BelievedEventNode]


@strawberry.type
class BelievedQueries:
    """What the malls believed."""

    @strawberry.field
    async def believed(self, info: Asked, sku: str, at: datetime, shop: str | None = None) -> list[BelievedNode]:
        """What each mall's page showed at the moment, as known then and as known now, and what made it so."""
        house, moment = info.context.house, aware(at)
        found = await info.context.in_thread(lambda: believed(house, sku, moment, shop=shop))
        return [
            node(
                BelievedNode,
                one,
                item=one.key.item,
                variant=one.key.variant,
                cause=None if one.cause is None else node(ChangeNode, one.cause),
                events=[node(BelievedEventNode, event) for event in one.events],
            )
            for one in found
        ]
