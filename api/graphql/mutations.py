"""Mutations: the ledger's verbs. Each answers with the position its answer is true at; queries take ``atLeast`` it.

``key`` is the client's own idempotency key (30 days): the same key and input gives the first answer, the same key with
another input is an error. The time of a call is not what the client said: where a verb takes it in, what the client did
say stands in its place as the input.
"""

from dataclasses import replace
from datetime import datetime

import strawberry

from api.graphql.context import Asked
from api.graphql.done import MutationDone, do, said
from api.graphql.holds import HoldMutations
from api.graphql.inbox import InboxMutations
from api.graphql.inputs import (
    ComponentInput,
    ListingKeyInput,
    ListingSettingsInput,
    OrderLineInput,
    ReceiptLineInput,
    SeenListingInput,
    SettingInput,
    aware,
)
from api.graphql.lists import ListMutations
from api.graphql.mail import MailMutations
from api.graphql.mall_imports import MallImportMutations
from api.graphql.order_desk import DeskMutations
from api.graphql.runs import RunMutations
from api.graphql.scalars import Count, Position
from api.graphql.sending import SendingMutations
from api.graphql.serving import ServingMutations
from api.graphql.skus import SkuMutations
from api.graphql.told import ToldMutations
from api.jobs import intake_start, order_by_hand, switching
from api.jobs.switching import Seen
from api.shops import connect
from ledger.book import orders, shops, stock
from ledger.facts.order import ShipmentTold


@strawberry.type
class StockMutations:
    """上書き, 追加, 入荷, 払出, 保留, セット."""

    @strawberry.mutation
    async def overwrite_stock(
        self,
        info: Asked,
        sku: str,
        units: int,
        read_position: Position | None = None,
        expected_version: Count | None = None,
        owed: str | None = None,
        key: str | None = None,
    ) -> MutationDone:
        """上書き. The number was true at ``readPosition`` (the page's; default: now); later changes are applied on top.

        ``expectedVersion``: compare-and-set for programs. ``owed``: before or after, when the SKU has 不足 lines.
        """
        house = info.context.house
        now = house.clock.now()
        covers = stock.everything_up_to(now) if read_position is None else stock.everything_read_at(read_position)
        verb = stock.overwrite(sku, units, covers=covers, counted_at=now, owed=owed, expected_version=expected_version)
        return await do(info, replace(verb, says=(sku, units, read_position, expected_version, owed)), key)

    @strawberry.mutation
    async def add_stock(self, info: Asked, sku: str, units: int, key: str | None = None) -> MutationDone:
        """追加 of units that no mall stated; below zero takes away."""
        return await do(info, stock.add(sku, units), key)

    @strawberry.mutation
    async def receive_stock(
        self, info: Asked, slip: str, lines: list[ReceiptLineInput], key: str | None = None
    ) -> MutationDone:
        """入荷: a slip's line counts once, for ever."""
        return await do(info, stock.receive(slip, [(line.line, line.sku, line.units) for line in lines]), key)

    @strawberry.mutation
    async def take_out_stock(
        self, info: Asked, sku: str, units: int, reason: str, key: str | None = None
    ) -> MutationDone:
        """払出 with a reason code."""
        return await do(info, stock.take_out(sku, reason, units), key)

    @strawberry.mutation
    async def keep_back_stock(self, info: Asked, sku: str, units: int, key: str | None = None) -> MutationDone:
        """保留在庫数 of the SKU is ``units``."""
        return await do(info, stock.keep_back(sku, units), key)

    @strawberry.mutation
    async def define_set(
        self, info: Asked, sku: str, components: list[ComponentInput], key: str | None = None
    ) -> MutationDone:
        """セット商品: orders from here on take these components; none: a set no more."""
        verb = stock.define_set(sku, [c.sku for c in components], [c.units for c in components])
        return await do(info, verb, key)


@strawberry.type
class OrderMutations:
    """Orders as a person enters them; malls tell theirs by mail, webhook and API."""

    @strawberry.mutation
    async def take_order(
        self,
        info: Asked,
        shop: str,
        number: str,
        lines: list[OrderLineInput],
        ordered_at: datetime | None = None,
        strict: bool = False,
        hold: str | None = None,
        key: str | None = None,
    ) -> MutationDone:
        """The order is these lines, all of them, and its units are allocated; again with other lines it is changed.

        ``strict``: refused when more is asked than is free. ``hold``: its units are taken with it.
        """
        context = info.context
        verb = await context.in_thread(
            order_by_hand.take,
            context.house,
            shop,
            number,
            [one.asked() for one in lines],
            ordered_at=aware(ordered_at) if ordered_at else None,
            strict=strict,
            hold=hold,
        )
        return await do(info, verb, key)

    @strawberry.mutation
    async def cancel_order(
        self, info: Asked, shop: str, number: str, reason: str = "unknown", key: str | None = None
    ) -> MutationDone:
        """The order was cancelled; ``reason`` says where the units go: buyer, unpaid, out_of_stock, defective, unknown."""
        verb = await info.context.in_thread(order_by_hand.cancel, info.context.house, shop, number, reason)
        return await do(info, verb, key)

    @strawberry.mutation
    async def verify_order(self, info: Asked, shop: str, number: str, key: str | None = None) -> MutationDone:
        """What an unverified mail told of the order is true."""
        return await do(info, orders.verify_order(shop, number, "person"), key)

    @strawberry.mutation
    async def ship_order(
        self, info: Asked, shop: str, number: str, slip: str = "", key: str | None = None
    ) -> MutationDone:
        """出荷確定 of the whole order."""
        shipment = ShipmentTold(
            scope="whole", skus=[], listings=[], units=[], cumulative=True, slip=slip, shipped_on=None, source="person"
        )
        return await do(info, orders.tell_shipment(shop, number, shipment), key)


@strawberry.type
class ListingMutations:
    """Which SKU a page sells, and how it is told."""

    @strawberry.mutation
    async def link_listing(
        self,
        info: Asked,
        shop: str,
        listing: ListingKeyInput,
        sku: str,
        units_per_listing: int = 1,
        excluded: bool = False,
        key: str | None = None,
    ) -> MutationDone:
        """The listing sells ``unitsPerListing`` (入数) of the SKU; it is 確認待ち first."""
        verb = shops.link_listing(shop, listing.key(), sku, units_per_listing=units_per_listing, excluded=excluded)
        return await do(info, verb, key)

    @strawberry.mutation
    async def confirm_listings(
        self, info: Asked, shop: str, listings: list[SeenListingInput], key: str | None = None
    ) -> MutationDone:
        """確認待ち becomes 連動: a person saw the mall's number beside ours."""
        seen = {one.key(): (one.mall_units_seen, one.wanted_units) for one in listings}
        return await do(info, shops.confirm_listings(shop, seen), key)

    @strawberry.mutation
    async def stop_listings(
        self, info: Asked, shop: str, listings: list[ListingKeyInput], show_zero: bool = False, key: str | None = None
    ) -> MutationDone:
        """停止: the mall keeps what it shows; ``showZero`` tells 0 first."""
        return await do(info, shops.stop_listings(shop, [one.key() for one in listings], show_zero=show_zero), key)

    @strawberry.mutation
    async def start_listings(
        self, info: Asked, shop: str, listings: list[ListingKeyInput], key: str | None = None
    ) -> MutationDone:
        """連動 again."""
        return await do(info, shops.start_listings(shop, [one.key() for one in listings]), key)

    @strawberry.mutation
    async def change_listing_settings(
        self,
        info: Asked,
        shop: str,
        listings: list[ListingKeyInput],
        settings: ListingSettingsInput,
        key: str | None = None,
    ) -> MutationDone:
        """These listings have these rules from here on."""
        found = [one.key() for one in listings]
        return await do(info, shops.change_listing_settings(shop, found, settings.fact()), key)


@strawberry.type
class ShopMutations:
    """Shops and their switches. Secrets are not set here: they go by ``daicho shop add`` and the console."""

    @strawberry.mutation
    async def connect_shop(
        self,
        info: Asked,
        mall: str,
        mall_shop_id: str,
        match_key: str = "",
        settings: list[SettingInput] | None = None,
        key: str | None = None,
    ) -> MutationDone:
        """The shop is connected; the same account again resumes it."""
        verb = connect(mall, mall_shop_id, match_key=match_key, settings={s.name: s.value for s in settings or []})
        return await do(info, verb, key)

    @strawberry.mutation
    async def change_shop_settings(
        self, info: Asked, shop: str, settings: list[SettingInput], key: str | None = None
    ) -> MutationDone:
        """These settings have these values from here on."""
        return await do(info, shops.change_shop_settings(shop, {s.name: s.value for s in settings}), key)

    @strawberry.mutation
    async def start_intake(
        self,
        info: Asked,
        shop: str,
        backlog: str | None = None,
        up_to: datetime | None = None,
        key: str | None = None,
    ) -> MutationDone:
        """受注取込 起動. ``backlog``, needed when messages were kept while it was stopped: take them, counted (計上済: the stock
        numbers know them already), or skip. ``upTo``: orders placed until then that come late fall under it too (default: now).
        """
        until = aware(up_to) if up_to else None
        verb = shops.start_intake(shop, backlog=backlog, up_to=until)
        context = info.context
        verb = await context.in_thread(intake_start.checked, context.house, shop, verb, backlog)
        return await do(info, verb, key)

    @strawberry.mutation
    async def stop_intake(self, info: Asked, shop: str, key: str | None = None) -> MutationDone:
        """受注取込 停止; 在庫反映 stops with it."""
        return await do(info, shops.stop_intake(shop), key)

    @strawberry.mutation
    async def review_dry_run(
        self, info: Asked, shop: str, seen_changed: int | None = None, seen_to_zero: int | None = None
    ) -> MutationDone:
        """The shop is read and compared with what we want; a person who calls this saw it.

        ``seenChanged`` and ``seenToZero``: the counts of the review before, which the person says yes to: the guard lets as many
        pass, and not more.
        """
        context = info.context
        seen = None if seen_changed is None else Seen(seen_changed, seen_to_zero or 0)
        done = await context.in_thread(switching.review, context.house, shop, context.caller.actor, seen=seen)
        return said(done)

    @strawberry.mutation
    async def start_push(self, info: Asked, shop: str) -> MutationDone:
        """在庫反映 起動, after a reviewed dry run and proven intake."""
        context = info.context
        done = await context.in_thread(switching.start_push, context.house, shop, context.caller.actor)
        return said(done)

    @strawberry.mutation
    async def stop_push(self, info: Asked, shop: str) -> MutationDone:
        """在庫反映 停止; says how many numbers are still on their way."""
        context = info.context
        return said(await context.in_thread(switching.stop_push, context.house, shop, context.caller.actor))


@strawberry.type
class Mutation(
    StockMutations,
    OrderMutations,
    ServingMutations,
    DeskMutations,
    HoldMutations,
    InboxMutations,
    MailMutations,
    ListingMutations,
    ListMutations,
    MallImportMutations,
    RunMutations,
    SkuMutations,
    ShopMutations,
    SendingMutations,
    ToldMutations,
):
    """Everything that changes."""
