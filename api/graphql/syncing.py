"""Full syncs, schedules and the way back from a switch-on, over GraphQL."""

from datetime import datetime

import strawberry

from api.graphql.context import Asked
from api.graphql.nodes import node
from api.graphql.scalars import Count, Position
from api.jobs import sync
from api.jobs.putting_back import put_back
from api.syncs import change_schedule, listed

SYNCS_MAX = 100


@strawberry.type
class SyncNode:
    """One full sync (一括同期). ``state``: running, paused, finished, stopped or skipped (``reason`` says why)."""

    shop: str
    sync: str
    position: Position
    state: str
    trigger: str
    started_at: datetime
    ended_at: datetime | None
    listings: Count
    sent: Count
    same: Count
    rejected: Count
    reason: str


@strawberry.type
class SyncTurned:
    """What was done to the shop's full sync."""

    sync: str | None
    position: Position | None


@strawberry.type
class PutBackListing:
    """A listing whose number is another one than was kept at switch-on."""

    item: str
    variant: str
    now_units: int | None
    kept_units: int


@strawberry.type
class PutBackDone:
    """What putting back told, or with ``dryRun`` would tell. ``differing``: up to 100 of the listings."""

    kept: Count
    sent: Count
    same: Count
    rejected: Count
    unlimited: Count
    differing: list[PutBackListing]
    position: Position | None


@strawberry.type
class SyncQueries:
    """Full syncs."""

    @strawberry.field
    async def syncs(self, info: Asked, shop: str, first: int = 20) -> list[SyncNode]:
        """The shop's full syncs, newest first (up to 100): how far the running one is, which were skipped and why."""
        house = info.context.house
        found = await info.context.in_thread(lambda: listed(house, shop, first=max(1, min(first, SYNCS_MAX))))
        return [node(SyncNode, one) for one in found]


@strawberry.type
class SyncMutations:
    """Full syncs, schedules, putting back."""

    @strawberry.mutation
    async def start_sync(self, info: Asked, shop: str) -> SyncTurned:
        """一括同期 of every linked listing begins; one that runs goes on."""
        context = info.context
        by = context.house.by(context.caller.actor)
        found = await context.in_thread(lambda: sync.start(context.house, shop, by, trigger="person"))
        return SyncTurned(sync=found, position=None)

    @strawberry.mutation
    async def pause_sync(self, info: Asked, shop: str) -> SyncTurned:
        """The running full sync waits where it is; orders go on being told."""
        context = info.context
        position = await context.in_thread(sync.pause, context.house, shop, context.house.by(context.caller.actor))
        return SyncTurned(sync=None, position=Position(position))

    @strawberry.mutation
    async def resume_sync(self, info: Asked, shop: str) -> SyncTurned:
        """The paused full sync goes on where it was."""
        context = info.context
        position = await context.in_thread(sync.resume, context.house, shop, context.house.by(context.caller.actor))
        return SyncTurned(sync=None, position=Position(position))

    @strawberry.mutation
    async def stop_sync(self, info: Asked, shop: str) -> SyncTurned:
        """The running full sync ends with what it did."""
        context = info.context
        position = await context.in_thread(sync.stop, context.house, shop, context.house.by(context.caller.actor))
        return SyncTurned(sync=None, position=Position(position))

    @strawberry.mutation
    async def change_schedule(
        self,
        info: Asked,
        shop: str,
        sync_at: str | None = None,
        shadow_at: str | None = None,
        maintenance: list[str] | None = None,
    ) -> SyncTurned:
        """HH:MM in Japan, or off, for the nightly full sync and the daily comparison of a shadow run; maintenance windows as
        ``daily 02:00-04:00`` or ``2026-12-01T02:00/2026-12-01T06:00``.
        """
        context = info.context
        by = context.house.by(context.caller.actor)
        position = await context.in_thread(
            lambda: change_schedule(
                context.house, shop, by, sync_at=sync_at, shadow_at=shadow_at, maintenance=maintenance
            )
        )
        return SyncTurned(sync=None, position=Position(position))

    @strawberry.mutation
    async def put_back(self, info: Asked, shop: str, dry_run: bool = False) -> PutBackDone:
        """After 停止 the mall shows the numbers again that were kept at switch-on; only what differs is told."""
        context = info.context
        by = context.house.by(context.caller.actor)
        done = await context.in_thread(lambda: put_back(context.house, shop, by, dry_run=dry_run))
        return PutBackDone(
            kept=Count(done.listings),
            sent=Count(done.sent),
            same=Count(done.same),
            rejected=Count(done.rejected),
            unlimited=Count(done.unlimited),
            differing=[
                PutBackListing(item=key.item, variant=key.variant, now_units=now, kept_units=kept)
                for key, now, kept in done.differing
            ],
            position=Position(done.position) if done.position else None,
        )
