"""What is at risk and why, over GraphQL: exposure, intake, measured windows, the work list, one listing's diagnosis."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from api import exposure, work_list
from api.diagnosis_told import findings_of_listing
from api.graphql.context import Asked
from api.graphql.inputs import ListingKeyInput
from api.graphql.nodes import FindingNode, node
from api.graphql.scalars import Count, Position

WORK_LIST_MAX = 100


@strawberry.type
class ExposedNode:
    """A listing whose page shows more than it should: ``units`` of the SKU are at risk since then. ``why``: what keeps it so."""

    shop: str
    item: str
    variant: str
    sku: str
    wanted_units: int
    expected_units: int
    units: int
    since: datetime
    why: str


@strawberry.type
class IntakeStateNode:
    """How a shop's orders come in: ok, silent (three times the usual gap), failing, stopped, unproven or new."""

    shop: str
    state: str
    since: datetime | None
    usual_gap_seconds: float | None
    last_at: datetime | None
    code: str


@strawberry.type
class SpreadNode:
    """Median and 95th percentile of so many measurements, in seconds; null: nothing was measured."""

    count: Count
    median_seconds: float | None
    p95_seconds: float | None


@strawberry.type
class ShopWindowsNode:
    """Over the last days: order placed → told to us, told → sent to this shop, sent → applied by its mall."""

    shop: str
    days: int
    order_to_told: SpreadNode
    told_to_sent: SpreadNode
    sent_to_applied: SpreadNode


@strawberry.type
class RefusedNode:
    """A listing of the work list (反映エラー): the mall's code, what it means, and what to do."""

    shop: str
    item: str
    variant: str
    sku: str
    code: str
    cause: str
    wanted_units: int | None
    expected_units: int | None
    refused_at: datetime | None
    attempts: int
    next_step: str
    position: Position


@strawberry.type
class Resent:
    """Listings that are told again. ``outcomes``: how malls answered while we waited."""

    listings: Count
    answered: Count
    outcomes: JSON
    position: Position | None


@strawberry.type
class ExposureQueries:
    """What is at risk, and why."""

    @strawberry.field
    async def exposure(self, info: Asked, shop: str | None = None, older_seconds: int = 60) -> list[ExposedNode]:
        """Listings that have shown more than they should for so long, the most units first (up to 1,000)."""
        house = info.context.house
        found = await info.context.in_thread(
            lambda: exposure.exposed(house, shop=shop, older_seconds=max(0, older_seconds))
        )
        return [node(ExposedNode, one) for one in found]

    @strawberry.field
    async def intake_states(self, info: Asked, shop: str | None = None) -> list[IntakeStateNode]:
        """How the orders of each shop come in; silent and failing are alerts."""
        house = info.context.house
        found = await info.context.in_thread(lambda: exposure.intake_states(house, shop=shop))
        return [node(IntakeStateNode, one) for one in found]

    @strawberry.field
    async def shop_windows(self, info: Asked, shop: str, days: int = 7) -> ShopWindowsNode:
        """The shop's measured windows over the last days (1 to 31)."""
        house = info.context.house
        found = await info.context.in_thread(lambda: exposure.windows(house, shop, days=max(1, min(days, 31))))
        return node(
            ShopWindowsNode,
            found,
            order_to_told=node(SpreadNode, found.order_to_told),
            told_to_sent=node(SpreadNode, found.told_to_sent),
            sent_to_applied=node(SpreadNode, found.sent_to_applied),
        )

    @strawberry.field
    async def work_list(
        self, info: Asked, shop: str | None = None, after: ListingKeyInput | None = None, first: int = 100
    ) -> list[RefusedNode]:
        """反映エラー: up to 100 listings that malls refuse now, in order of shop and code, behind ``after`` of that shop."""
        house = info.context.house
        behind = (shop or "", after.item, after.variant) if after is not None else ("", "", "")
        rows = max(1, min(first, WORK_LIST_MAX))
        found = await info.context.in_thread(lambda: work_list.refused(house, shop=shop, after=behind, first=rows))
        return [node(RefusedNode, one) for one in found]

    @strawberry.field
    async def listing_diagnosis(self, info: Asked, shop: str, listing: ListingKeyInput) -> list[FindingNode]:
        """Why this listing does not show what it should; problems first. No mall is called."""
        house = info.context.house
        found = await info.context.in_thread(lambda: findings_of_listing(house, shop, listing.key()))
        return [node(FindingNode, one) for one in found]


@strawberry.type
class ResendMutations:
    """Numbers told again."""

    @strawberry.mutation
    async def resend_listings(
        self, info: Asked, shop: str, listings: list[ListingKeyInput] | None = None, wait: bool = False
    ) -> Resent:
        """These listings are told again now; without ``listings`` the whole work list of the shop. ``wait``: up to 30 seconds."""
        context, found = info.context, [one.key() for one in listings or ()]
        by = context.house.by(context.caller.actor)
        done = await context.in_thread(lambda: work_list.resend(context.house, shop, found, by, wait=wait))
        return Resent(
            listings=Count(done.listings),
            answered=Count(done.answered),
            outcomes=JSON(dict(done.outcomes)),
            position=Position(done.position) if done.position else None,
        )
