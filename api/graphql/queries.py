"""Queries: now, the logs, the lists. Each takes ``atLeast``: the position a mutation answered with is then in the answer."""

from datetime import datetime
from itertools import groupby
from typing import Any

import strawberry
from psycopg import Connection as Database
from strawberry.scalars import JSON

from api.diagnosis import findings
from api.graphql.context import Asked
from api.graphql.holds import HoldQueries
from api.graphql.inbox import InboxQueries
from api.graphql.inputs import aware
from api.graphql.mail import MailQueries
from api.graphql.nodes import (
    ChangeNode,
    FindingNode,
    ImportNode,
    ListingNode,
    OrderNode,
    PositionNode,
    PushNode,
    ShopNode,
    StockNode,
    node,
)
from api.graphql.one_order import OneOrderQueries
from api.graphql.order_desk import DeskQueries
from api.graphql.oversells import OversellQueries
from api.graphql.paging import Connection, connection, key_of
from api.graphql.reading import read as _read
from api.graphql.runs import RunQueries
from api.graphql.scalars import Position
from api.graphql.skus import SkuQueries
from api.graphql.told import ToldQueries
from api.reading import listings_of_sku
from api.work_list import cause
from ledger.reading import Selects, stock_levels
from ledger.terms import MAIN_PLACE
from projections import change_log, imports, listing_list, order_list, push_log, shops
from projections.push_log import Told
from projections.reading import Found

SKUS_MAX = 100


class TooManySkus(ValueError):
    """More SKUs at once than a page has rows."""


@strawberry.type
class Query(
    ToldQueries,
    DeskQueries,
    HoldQueries,
    InboxQueries,
    MailQueries,
    OneOrderQueries,
    OversellQueries,
    RunQueries,
    SkuQueries,
):
    """Everything that can be read."""

    @strawberry.field
    async def position(self, info: Asked) -> PositionNode:
        """Where the ledger stands, and the oldest position of the lists."""

        def read(database: "Database[Any]", schema: str) -> PositionNode:
            row = database.execute(
                "SELECT (SELECT position FROM ledger_head), (SELECT coalesce(min(position), 0) FROM projection_checkpoints)"
            ).fetchone()
            assert row is not None, schema
            return PositionNode(ledger=Position(row[0]), lists=Position(row[1]))

        return await _read(info, (), None, read)

    @strawberry.field
    async def stock(self, info: Asked, skus: list[str], place: str = MAIN_PLACE) -> list[StockNode]:
        """These SKUs as they are now; one that was never mentioned is left out. The ledger's own numbers: never behind."""
        if len(skus) > SKUS_MAX:
            raise TooManySkus(f"{len(skus)} SKUs; expected up to {SKUS_MAX}")

        def read(database: "Database[Any]", schema: str) -> list[StockNode]:
            wanted = [(place, sku) for sku in dict.fromkeys(skus)]
            found = stock_levels(database, Selects(schema), wanted) if wanted else {}
            return [StockNode.of(sku, place, found[place, sku]) for _, sku in wanted if (place, sku) in found]

        return await _read(info, (), None, read)

    @strawberry.field
    async def changes(
        self,
        info: Asked,
        first: int = 100,
        after: str | None = None,
        sku: str | None = None,
        shop: str | None = None,
        order_number: str | None = None,
        import_id: str | None = None,
        kinds: list[str] | None = None,
        recorded_from: datetime | None = None,
        recorded_until: datetime | None = None,
        at_least: Position | None = None,
    ) -> Connection[ChangeNode]:
        """在庫変動ログ, newest first."""
        before = key_of(after, tuple[int])
        found = await _read(
            info,
            ("change_log",),
            at_least,
            change_log.page,
            first=first,
            before=before[0] if before else None,
            sku=sku,
            shop=shop,
            order_number=order_number,
            import_id=import_id,
            kinds=kinds or (),
            recorded_from=aware(recorded_from) if recorded_from else None,
            recorded_until=aware(recorded_until) if recorded_until else None,
        )
        return connection(found, lambda row: (row.position,), lambda row: node(ChangeNode, row), after=after)

    @strawberry.field
    async def pushes(
        self,
        info: Asked,
        first: int = 100,
        after: str | None = None,
        shop: str | None = None,
        sku: str | None = None,
        outcomes: list[str] | None = None,
        recorded_from: datetime | None = None,
        recorded_until: datetime | None = None,
        at_least: Position | None = None,
    ) -> Connection[PushNode]:
        """想定在庫反映ログ, newest first. ``sku``: of the listings that sell it now."""

        def read(database: "Database[Any]", schema: str, **filters: Any) -> Found[Told]:
            listings = None if sku is None else listings_of_sku(database, schema, sku)
            return push_log.page(database, schema, listings=listings, **filters)

        found = await _read(
            info,
            ("push_log",) if sku is None else ("push_log", "listings"),
            at_least,
            read,
            first=first,
            before=key_of(after, tuple[int, int]),
            shop=shop,
            outcomes=outcomes or (),
            recorded_from=aware(recorded_from) if recorded_from else None,
            recorded_until=aware(recorded_until) if recorded_until else None,
        )
        return connection(
            found,
            lambda row: (row.position, row.place_in_request),
            lambda row: node(PushNode, row, cause=cause(row.shop, row.outcome, row.mall_code)),
            after=after,
        )

    @strawberry.field
    async def shops(
        self, info: Asked, first: int = 100, after: str | None = None, at_least: Position | None = None
    ) -> Connection[ShopNode]:
        """連携ショップ, by code."""
        behind = key_of(after, tuple[str])
        found = await _read(info, ("shops",), at_least, shops.page, first=first, after=behind[0] if behind else "")
        return connection(
            found,
            lambda row: (row.shop,),
            lambda row: node(ShopNode, row, settings=JSON(dict(row.chosen))),
            after=after,
        )

    @strawberry.field
    async def listings(
        self,
        info: Asked,
        first: int = 100,
        after: str | None = None,
        shop: str | None = None,
        sku: str | None = None,
        states: list[str] | None = None,
        rejected: bool = False,
        differing: bool = False,
        sells_at_zero: bool = False,
        at_least: Position | None = None,
    ) -> Connection[ListingNode]:
        """ショップ商品 in order of shop and code. ``rejected``: the work list; ``differing``: those that are to be told;
        ``sellsAtZero``: those whose page 0 does not stop.
        """
        found = await _read(
            info,
            ("listings",),
            at_least,
            listing_list.page,
            first=first,
            after=key_of(after, tuple[str, str, str]) or ("", "", ""),
            shop=shop,
            sku=sku,
            states=states or (),
            rejected=rejected,
            differing=differing,
            sells_at_zero=sells_at_zero,
        )
        return connection(found, lambda row: (row.shop, row.key.item, row.key.variant), ListingNode.of, after=after)

    @strawberry.field
    async def orders(
        self,
        info: Asked,
        first: int = 100,
        after: str | None = None,
        shop: str | None = None,
        number: str | None = None,
        sku: str | None = None,
        search: str | None = None,
        states: list[str] | None = None,
        short: bool = False,
        unlinked: bool = False,
        to_review: bool = False,
        recorded_from: datetime | None = None,
        recorded_until: datetime | None = None,
        at_least: Position | None = None,
    ) -> Connection[OrderNode]:
        """引当確認受注一覧, newest first. ``search``: numbers that begin so. ``states``: with a line of one of these words, or
        to_review (要確認) or unverified (未検証). ``short``: that wait for units owed; ``toReview``: 要確認 or 未検証.
        """
        before = key_of(after, tuple[int])
        found = await _read(
            info,
            ("orders",),
            at_least,
            order_list.page,
            first=first,
            before=before[0] if before else None,
            shop=shop,
            number=number,
            sku=sku,
            search=search,
            states=states or (),
            short=short,
            unlinked=unlinked,
            to_review=to_review,
            recorded_from=aware(recorded_from) if recorded_from else None,
            recorded_until=aware(recorded_until) if recorded_until else None,
        )
        orders = [tuple(parts) for _, parts in groupby(found.rows, key=lambda part: part.first_position)]
        page = Found(tuple(orders), found.more)
        return connection(page, lambda parts: (parts[0].first_position,), OrderNode.of, after=after)

    @strawberry.field
    async def imports(
        self,
        info: Asked,
        first: int = 100,
        after: str | None = None,
        shop: str | None = None,
        at_least: Position | None = None,
    ) -> Connection[ImportNode]:
        """Imports, newest first."""
        before = key_of(after, tuple[int])
        found = await _read(
            info, ("imports",), at_least, imports.page, first=first, before=before[0] if before else None, shop=shop
        )
        return connection(found, lambda row: (row.first_position,), lambda row: node(ImportNode, row), after=after)

    @strawberry.field
    async def diagnosis(self, info: Asked, shop: str) -> list[FindingNode]:
        """Why no orders of the shop come in, and why its mall is not told; problems first. No mall is called."""
        house = info.context.house
        found = await info.context.in_thread(lambda: findings(house, shop))
        return [node(FindingNode, one) for one in found]
