"""``order``: one order with its lines, and its way from the message to the malls."""

from datetime import datetime

import strawberry

from api.graphql.context import Asked
from api.graphql.nodes import ChangeNode, OrderNode, PushNode, node
from api.graphql.scalars import Count, Position
from api.one_order import Way, way_of
from api.reading import await_position
from api.work_list import cause


@strawberry.type
class OrderMessageNode:
    """One message of the inbox that told of the order, without its text."""

    id: Count
    door: str
    state: str
    reason: str
    received_at: datetime
    position: Position | None
    trace: str


@strawberry.type
class OrderFactNode:
    """One fact of the order. ``says``: a telling's door and state; ``booked``: units allocated, released, shipped …"""

    position: Position
    kind: str
    happened_at: datetime
    recorded_at: datetime
    says: str
    booked: list[str]
    actor: str
    cause: str | None
    trace: str


@strawberry.type
class OrderTraceNode:
    """The order's way, each list oldest first. ``pushes``: the first of each listing that was computed with what it changed."""

    messages: list[OrderMessageNode]
    facts: list[OrderFactNode]
    changes: list[ChangeNode]
    pushes: list[PushNode]


@strawberry.type
class OneOrderNode:
    """One order. ``order`` is null while the list does not hold it yet, or when only messages tell of it."""

    order: OrderNode | None
    trace: OrderTraceNode

    @classmethod
    def of(cls, way: Way) -> "OneOrderNode":
        trace = OrderTraceNode(
            messages=[node(OrderMessageNode, one, id=Count(one.id)) for one in way.messages],
            facts=[node(OrderFactNode, one, booked=list(one.booked)) for one in way.facts],
            changes=[node(ChangeNode, one) for one in way.changes],
            pushes=[node(PushNode, one, cause=cause(one.shop, one.outcome, one.mall_code)) for one in way.pushes],
        )
        return cls(order=OrderNode.of(way.parts) if way.parts else None, trace=trace)


@strawberry.type
class OneOrderQueries:
    """One order."""

    @strawberry.field
    async def order(self, info: Asked, shop: str, number: str, at_least: Position | None = None) -> OneOrderNode:
        """The order with its lines, and the messages, facts, changes of stock and pushes of its way."""
        house = info.context.house

        def read() -> Way:
            if at_least is not None:
                await_position(house, ("orders", "change_log", "push_log", "listings"), at_least)
            return way_of(house, shop, number)

        return OneOrderNode.of(await info.context.in_thread(read))
