"""Mutations about the way a shop is told numbers: 送信タイプ, and the test of its connections."""

import strawberry

from api import sending
from api.graphql.context import Asked
from api.graphql.scalars import Count, Position
from api.sending import ShopTested
from api.shop_access import ShopAccesses
from api.wiring import House
from ledger.book import By


@strawberry.type
class SendTypeDone:
    """The send type is ``sendType`` from here on. ``onTheirWay``: numbers in a request, file or feed that is not finished."""

    position: Position
    send_type: str
    on_their_way: Count


@strawberry.type
class WayTested:
    """What the test of one way to the mall found."""

    ok: bool
    message: str


@strawberry.type
class ShopConnectionTested:
    """The tests of one shop. ``api``, ``files`` null: the mall has no such way, or nothing of it was entered.

    ``hostKey``: the fingerprint the file server shows, waiting to be compared and confirmed (``acceptHostKey``).
    """

    ok: bool
    api: WayTested | None
    files: WayTested | None
    warnings: list[str]
    host_key: str | None


@strawberry.type
class SendingMutations:
    """送信タイプ, and the connection test."""

    @strawberry.mutation
    async def choose_send_type(self, info: Asked, shop: str, send_type: str) -> SendTypeDone:
        """送信タイプ: api or file. Listings of a file that is not finished wait for its end."""
        context = info.context
        by = context.house.by(context.caller.actor)
        done = await context.in_thread(sending.choose, context.house, shop, send_type, by)
        return SendTypeDone(
            position=Position(done.position),
            send_type=send_type,
            on_their_way=Count(int(str(done.answer["onTheirWay"]))),
        )

    @strawberry.mutation
    async def test_shop(self, info: Asked, shop: str, accept_host_key: str | None = None) -> ShopConnectionTested:
        """The shop's connections are tested by calls that change nothing. ``acceptHostKey``: the fingerprint you compared."""
        context = info.context
        by = context.house.by(context.caller.actor)
        found = await context.in_thread(_tested, context.house, shop, by, accept_host_key or "")
        return ShopConnectionTested(
            ok=found.ok,
            api=None if found.api is None else WayTested(ok=found.api.ok, message=found.api.message),
            files=None if found.files is None else WayTested(ok=found.files.ok, message=found.files.message),
            warnings=[] if found.api is None else [warning.message for warning in found.api.warnings],
            host_key=(found.files.seen or None) if found.files is not None else None,
        )


def _tested(house: House, shop: str, by: By, accept_host_key: str) -> ShopTested:
    accesses = ShopAccesses(house)
    try:
        return sending.check_connections(accesses, house, shop, by, accept_host_key=accept_host_key)
    finally:
        accesses.close()
