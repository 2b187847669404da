"""The mails of a world, as they are read: an order or its cancel, told late."""

from datetime import datetime

from adapters.kit.emulator import EmulatedOrder
from ledger.terms import CancelReason, Door, OrderState, Telling, TellingLine
from tests.simulator.world import World

TOLD_SECONDS_MAX = 300.0


def seconds_late(world: World) -> float:
    """How late a mail is: often seconds, sometimes minutes."""
    return world.chance.choice(
        [world.chance.uniform(0, 3), world.chance.uniform(0, 60), world.chance.uniform(0, TOLD_SECONDS_MAX)]
    )


def told(order: EmulatedOrder, placed: datetime) -> Telling:
    """The mail of an order, which says that it was placed at ``placed``."""
    return Telling(
        order=order.number,
        door=Door.MAIL,
        told_at=order.ordered_at,
        state=OrderState.CONFIRMED,
        complete=True,
        verified=True,
        lines=tuple(TellingLine(key.item, key.variant, quantity) for key, quantity in order.lines),
        parser_version=1,
        ordered_at=placed,
    )


def cancelled(order: EmulatedOrder, at: datetime) -> Telling:
    """The mail of a cancel by the buyer."""
    return Telling(
        order=order.number,
        door=Door.MAIL,
        told_at=at,
        state=OrderState.CANCELLED,
        complete=False,
        verified=True,
        lines=(),
        parser_version=1,
        reason=CancelReason.BUYER,
    )
