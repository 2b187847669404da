"""What a person decides about orders: which lines the units on hand serve, what is checked, what came back."""

import strawberry

from api.graphql.context import Asked
from api.graphql.done import MutationDone, do
from ledger.book import orders, returns, serving


@strawberry.type
class ServingMutations:
    """引当の付け替え, 優先順位, 要確認, 欠品調査中, 計上済, 返品."""

    @strawberry.mutation
    async def move_served(
        self,
        info: Asked,
        shop: str,
        number: str,
        sku: str,
        units: int,
        to_number: str,
        to_shop: str | None = None,
        key: str | None = None,
    ) -> MutationDone:
        """引当の付け替え: units on hand that serve this order serve the other one, of ``toShop`` or else the same shop.

        ``sku`` is the one that is allocated: of a set the component. Both orders have open units of it.
        """
        return await do(info, serving.move_served(shop, number, sku, units, to_shop or shop, to_number), key)

    @strawberry.mutation
    async def set_order_priority(
        self, info: Asked, shop: str, number: str, priority: int, key: str | None = None
    ) -> MutationDone:
        """The order is served before those of lower priority; 0 is usual."""
        return await do(info, serving.set_priority(shop, number, priority), key)

    @strawberry.mutation
    async def close_order_review(
        self, info: Asked, shop: str, number: str, what: str, answer: str = "seen", key: str | None = None
    ) -> MutationDone:
        """要確認 is closed: ``what`` is a code of the order's ``reviews``. ``undecided:SKU`` is closed by ``settleUndecided``."""
        return await do(info, orders.close_review(shop, number, what, answer), key)

    @strawberry.mutation
    async def settle_undecided(
        self, info: Asked, shop: str, number: str, sku: str, to: str, key: str | None = None
    ) -> MutationDone:
        """欠品調査中: a person looked for the units. ``to``: sale (販売可能へ戻す), short_pick (欠品) or defective (不良)."""
        return await do(info, orders.settle_undecided(shop, number, sku, to), key)

    @strawberry.mutation
    async def reverse_counted(
        self, info: Asked, shop: str, number: str, sku: str, key: str | None = None
    ) -> MutationDone:
        """計上済 is reversed: the number that was set had not known this order; available falls."""
        return await do(info, orders.reverse_counted(shop, number, sku), key)

    @strawberry.mutation
    async def take_return(
        self, info: Asked, shop: str, number: str, sku: str, units: int, to: str, key: str | None = None
    ) -> MutationDone:
        """返品 of units that have left: ``to`` good, defective, or scrap, which is also what is gone for good.

        ``sku`` as it was ordered: of a set its components come back. The answer says how many are still awaited (返品待ち).
        """
        return await do(info, returns.take_return(shop, number, sku, units, to), key)
