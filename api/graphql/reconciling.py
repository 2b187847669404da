"""在庫照合 over GraphQL: run it, read what it found, mend it."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from api.graphql.context import Asked
from api.graphql.inputs import ListingKeyInput
from api.graphql.nodes import node
from api.graphql.paging import Connection, connection, key_of
from api.graphql.reading import read
from api.graphql.scalars import Count, Position
from api.jobs.reconcile import SHADOW, reconcile
from api.mending import mend
from projections import drift

LISTINGS_AT_ONCE_MAX = 1_000


class TooManyListings(ValueError):
    """More listings than are read within one request."""


@strawberry.type
class DriftRunNode:
    """One run. ``same``: listings that show what we know and want; ``agree``: what we want, whoever set it.

    ``byClass``: how many of each class; ``otherTool``: something else seems to write this shop's numbers.
    """

    shop: str
    run: str
    position: Position
    door: str
    trigger: str
    began_at: datetime
    ended_at: datetime
    listings: Count
    same: Count
    agree: Count
    by_class: JSON
    other_tool: bool
    actor: str


@strawberry.type
class DriftNode:
    """One listing of one run. ``drift``: its class; ``sure`` False: the likeliest; ``evidence``: facts and orders that show it.

    Told, expected and wanted are as of ``knownPosition``; ``mended``: what a person decided, null: nothing yet.
    """

    shop: str
    run: str
    item: str
    variant: str
    position: Position
    found_at: datetime
    drift: str
    sure: bool
    evidence: list[str]
    read_units: int | None
    told_units: int | None
    expected_units: int | None
    wanted_units: int | None
    read_position: Position
    known_position: Position
    mended: str | None


@strawberry.type
class Reconciled:
    """A run that is over."""

    run: str
    listings: Count
    same: Count
    agree: Count
    differing: Count
    by_class: JSON
    position: Position


@strawberry.type
class DriftMendedNode:
    """What was mended. ``reasons`` says of the first of the refused why they are as they were."""

    mended: Count
    refused: Count
    reasons: list[str]
    position: Position | None


@strawberry.type
class DriftQueries:
    """What 在庫照合 found."""

    @strawberry.field
    async def drift_runs(
        self,
        info: Asked,
        first: int = 30,
        after: str | None = None,
        shop: str | None = None,
        shadow: bool = False,
        at_least: Position | None = None,
    ) -> Connection[DriftRunNode]:
        """The runs, newest first. ``shadow``: only the daily comparisons of a shadow run: their trend."""
        before = key_of(after, tuple[int])
        found = await read(
            info,
            ("drift",),
            at_least,
            drift.runs,
            first=first,
            before=before[0] if before else None,
            shop=shop,
            trigger=SHADOW if shadow else None,
        )
        return connection(
            found,
            lambda row: (row.position,),
            lambda row: node(DriftRunNode, row, by_class=JSON(row.by_class)),
            after=after,
        )

    @strawberry.field
    async def drift(
        self,
        info: Asked,
        shop: str,
        run: str,
        first: int = 100,
        after: str | None = None,
        classes: list[str] | None = None,
        open_only: bool = False,
        at_least: Position | None = None,
    ) -> Connection[DriftNode]:
        """What a run found, by code. ``openOnly``: those nobody decided about."""
        found = await read(
            info,
            ("drift",),
            at_least,
            drift.page,
            first=first,
            after=key_of(after, tuple[str, str, str, str]) or ("", "", "", ""),
            shop=shop,
            run=run,
            classes=classes or (),
            open_only=open_only,
        )
        return connection(
            found,
            lambda row: row.place,
            lambda row: node(DriftNode, row, evidence=list(row.shown)),
            after=after,
        )


@strawberry.type
class DriftMutations:
    """在庫照合 and its mending."""

    @strawberry.mutation
    async def reconcile(self, info: Asked, shop: str, listings: list[ListingKeyInput]) -> Reconciled:
        """These listings (up to 1,000) are read at the mall now, and what differs is explained. A whole shop: ``daicho reconcile``."""
        if not 1 <= len(listings) <= LISTINGS_AT_ONCE_MAX:
            raise TooManyListings(
                f"{len(listings)} listings; expected 1 to {LISTINGS_AT_ONCE_MAX}: a whole shop is reconciled by `daicho reconcile`"
            )
        context, only = info.context, [one.key() for one in listings]
        by = context.house.by(context.caller.actor)
        ran = await context.in_thread(lambda: reconcile(context.house, shop, by, only=only))
        return Reconciled(
            run=ran.run,
            listings=Count(ran.listings),
            same=Count(ran.same),
            agree=Count(ran.agree),
            differing=Count(ran.differing),
            by_class=JSON(dict(ran.counts)),
            position=Position(ran.position),
        )

    @strawberry.mutation
    async def mend_drift(
        self,
        info: Asked,
        shop: str,
        how: str,
        run: str | None = None,
        listings: list[ListingKeyInput] | None = None,
        classes: list[str] | None = None,
    ) -> DriftMendedNode:
        """``how``: push_again or take_mall_number, for these listings or classes of the run (the last one). Twice is harmless."""
        context, only = info.context, [one.key() for one in listings or ()]
        by = context.house.by(context.caller.actor)
        done = await context.in_thread(
            lambda: mend(context.house, shop, how, by, run=run, only=only, classes=classes or ())
        )
        return DriftMendedNode(
            mended=Count(done.mended),
            refused=Count(done.refused),
            reasons=done.reasons,
            position=Position(done.position) if done.position else None,
        )
