"""SKUs: everything known of one, look-alikes, made one and parted again, codes and names."""

from dataclasses import asdict
from typing import Any

import strawberry
from psycopg import Connection as Database
from strawberry.scalars import JSON

from api.graphql.context import Asked
from api.graphql.done import MutationDone, do, said
from api.graphql.lists import ListSent, send_list
from api.graphql.nodes import node
from api.graphql.paging import Connection, connection, key_of
from api.graphql.scalars import Count, Position
from api.jobs import alike, sku_lists
from api.jobs import unify as unifying
from api.jobs.alike import LikeGroup, LikeSku
from api.jobs.unify import Preview
from api.projecting import catch_up
from api.reading import await_position
from api.sku_facts import SkuKnown, known
from ledger.book import aliases, stock

KINDS = ("alias", "register", "unify")


class ListNotKnown(ValueError):
    """What a list of SKUs may do is one of KINDS."""


@strawberry.type
class LikeSkuNode:
    """One SKU of a group of look-alikes. ``listings`` names the first of ``listingCount``."""

    sku: str
    name: str
    jan: str
    product: str
    on_hand_units: int | None
    allocated_units: int
    available_units: int | None
    open_orders: Count
    listing_count: Count
    listings: list[str]

    @classmethod
    def of(cls, one: LikeSku) -> "LikeSkuNode":
        return node(
            cls,
            one.row,
            on_hand_units=one.stock.on_hand_units,
            allocated_units=one.stock.allocated_units,
            available_units=one.stock.available_units,
            open_orders=Count(one.open_orders),
            listing_count=Count(one.listing_count),
            listings=list(one.listings),
        )


@strawberry.type
class LikeGroupNode:
    """SKUs that look the same (バラバラに登録). ``reason``: code, jan or name; ``into``: the one proposed to stay."""

    reason: str
    key: str
    count: Count
    into: str
    skus: list[LikeSkuNode]

    @classmethod
    def of(cls, group: LikeGroup) -> "LikeGroupNode":
        found = group.alike
        return cls(
            reason=found.reason,
            key=found.key,
            count=Count(found.count),
            into=group.into,
            skus=[LikeSkuNode.of(one) for one in group.skus],
        )


@strawberry.type
class UnifyChoice:
    """What one choice of units on hand would leave. ``refused``: why it cannot be chosen."""

    choice: str
    on_hand_units: int | None
    available_units: int | None
    refused: str


@strawberry.type
class UnifyPage:
    """A page of either SKU: what it shows by itself, is to show, and would be to show by the choice made."""

    shop: str
    item: str
    variant: str
    sku: str
    state: str
    expected_units: int | None
    wanted_units: int | None
    would_want_units: int | None


@strawberry.type
class UnifyPreview:
    """What making two SKUs one would do; nothing was recorded. ``refused``: why it cannot be done so."""

    on_hand_from: int | None
    on_hand_into: int | None
    open_orders: Count
    choices: list[UnifyChoice]
    pages: list[UnifyPage]
    answer: JSON | None
    refused: str

    @classmethod
    def of(cls, seen: Preview) -> "UnifyPreview":
        return cls(
            on_hand_from=seen.from_stock.on_hand_units,
            on_hand_into=seen.into_stock.on_hand_units,
            open_orders=Count(seen.open_orders),
            choices=[node(UnifyChoice, one) for one in seen.choices],
            pages=[node(UnifyPage, one) for one in seen.pages],
            answer=None if seen.answer is None else JSON(seen.answer),
            refused=seen.refused,
        )


@strawberry.type
class SkuHold:
    """A running hold (取り置き) of the SKU."""

    hold: str
    reference: str
    units: int
    ends_at: str | None


@strawberry.type
class SkuNode:
    """Everything known of one SKU. ``asked`` may be another code of it; ``codes`` mean it; ``stock`` has its numbers and listings."""

    asked: str
    sku: str
    name: str
    jan: str
    product: str
    registered: bool
    codes: list[str]
    components: JSON
    sets: list[str]
    holds: list[SkuHold]
    open_orders: Count
    stock: JSON | None

    @classmethod
    def of(cls, found: SkuKnown) -> "SkuNode":
        return node(
            cls,
            found,
            codes=[one.sku for one in found.codes],
            components=JSON(dict(found.components)),
            sets=list(found.sets),
            holds=[SkuHold(**asdict(one)) for one in found.holds],
            open_orders=Count(found.open_orders),
            stock=None if found.stock is None else JSON(dict(found.stock)),
        )


@strawberry.type
class SkuQueries:
    """SKUs and what looks like them."""

    @strawberry.field
    async def sku(self, info: Asked, sku: str) -> SkuNode | None:
        """Everything known of the SKU that the code means; null: it was never mentioned."""
        found = await info.context.in_thread(known, info.context.house, sku)
        return None if found is None else SkuNode.of(found)

    @strawberry.field
    async def alike_skus(
        self, info: Asked, first: int = 50, after: str | None = None, at_least: Position | None = None
    ) -> Connection[LikeGroupNode]:
        """SKUs that look the same: code by case, width or hyphens, then JAN, then name."""
        house = info.context.house
        behind = key_of(after, tuple[str, str]) or ("", "")

        def read() -> Any:
            if at_least is not None:
                await_position(house, ("skus", "orders", "listings"), at_least)
            with house.pool.connection() as database:
                return _groups(database, house.database.schema, first, behind)

        found = await info.context.in_thread(read)
        return connection(found, lambda group: (group.alike.reason, group.alike.key), LikeGroupNode.of, after=after)

    @strawberry.field
    async def unify_preview(self, info: Asked, from_sku: str, into_sku: str, stock: str | None = None) -> UnifyPreview:
        """The two numbers, what each choice (sum, from, into) would leave, and what ``stock`` would do to every page."""
        context = info.context
        by = context.house.by(context.caller.actor)
        seen = await context.in_thread(unifying.preview, context.house, from_sku, into_sku, stock, by)
        return UnifyPreview.of(seen)


def _groups(database: "Database[Any]", schema: str, first: int, after: tuple[str, str]) -> Any:
    return alike.groups(database, schema, first=first, after=after)


@strawberry.input
class SeenOnHandInput:
    """Units on hand of two SKUs as a person saw them; null: no number (在庫未登録)."""

    from_units: int | None
    into_units: int | None


@strawberry.type
class SkuMutations:
    """バラバラに登録, 商品SKU統一コード, 商品名."""

    @strawberry.mutation
    async def register_sku(
        self,
        info: Asked,
        sku: str,
        name: str = "",
        jan: str = "",
        product: str = "",
        confirm: bool = False,
        key: str | None = None,
    ) -> MutationDone:
        """The SKU exists by this name; it has no number yet (在庫未登録). What is empty stays as it is.

        A new one that differs from another only by case, width or hyphens is refused unless ``confirm`` says that it is other goods.
        """
        house = info.context.house

        def like() -> list[str]:
            catch_up(house)
            return alike.like(house, [sku]).get(sku, [])

        found = [] if confirm else await info.context.in_thread(like)
        return await do(info, stock.register_sku(sku, name=name, jan=jan, product=product, alike=found), key)

    @strawberry.mutation
    async def set_alias(
        self, info: Asked, sku: str, alias: str, remove: bool = False, key: str | None = None
    ) -> MutationDone:
        """商品SKU統一コード: another code of the SKU wherever it is named, or no more."""
        return await do(info, aliases.alias(sku, alias, remove=remove), key)

    @strawberry.mutation
    async def unify_skus(
        self,
        info: Asked,
        from_sku: str,
        into_sku: str,
        stock: str,
        seen: SeenOnHandInput | None = None,
    ) -> MutationDone:
        """``fromSku`` is one with ``intoSku`` from here on. ``stock``: whose units on hand count, sum, from or into.

        ``seen``: the units on hand as ``unifyPreview`` showed them; refused when they are others now. Twice is harmless.
        """
        context = info.context
        done = await context.in_thread(
            unifying.make_one,
            context.house,
            from_sku,
            into_sku,
            stock,
            context.house.by(context.caller.actor),
            seen=None if seen is None else (seen.from_units, seen.into_units),
        )
        return said(done)

    @strawberry.mutation
    async def undo_unify_skus(self, info: Asked, from_sku: str) -> MutationDone:
        """``fromSku`` is one of its own again; the answer says what was given back, and in ``notRestored`` what could not be."""
        context = info.context
        by = context.house.by(context.caller.actor)
        return said(await context.in_thread(unifying.part, context.house, from_sku, by))

    @strawberry.mutation
    async def send_sku_list(self, info: Asked, kind: str, csv: str, dry_run: bool = False) -> ListSent:
        """``kind``: alias (商品SKU統一コード), register (names and JANs) or unify, as ``daicho sku`` takes them. Twice is harmless."""
        context = info.context

        def task(house: Any) -> Any:
            match kind:
                case "alias":
                    return sku_lists.naming()
                case "register":
                    catch_up(house)
                    return sku_lists.registering(house)
                case "unify":
                    return sku_lists.unifying(house)
                case _:
                    raise ListNotKnown(f"kind {kind!r}; expected one of {', '.join(KINDS)}")

        by = context.house.by(context.caller.actor)
        return await context.in_thread(send_list, context.house, csv, task, by, dry_run=dry_run, guard=None)
