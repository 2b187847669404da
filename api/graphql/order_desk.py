"""Orders by hand over GraphQL: changed, fetched again, taken from an order CSV; shipments by CSV; where shipments come from."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from adapters.kit.order_file import OrdersRead
from api.graphql.context import Asked
from api.graphql.done import MutationDone, do
from api.graphql.inbox import head_of
from api.graphql.inputs import OrderLineInput, aware
from api.graphql.lists import CSV_CHARACTERS_MAX, ListProblem, ListSent, ListTooLong, send_list
from api.graphql.nodes import node
from api.graphql.scalars import Position
from api.jobs import order_by_hand, order_fetching, order_import, shipment_list, shipping_source
from api.wiring import House


@strawberry.type
class OrderFetchNode:
    """How asking a shop's mall for orders stands. ``since`` to ``until``: the period under way, null: none.

    ``orders``: new or changed ones of it so far; ``code``: of the last failure, after ``failures`` in a row.
    """

    shop: str
    running: bool
    since: datetime | None
    until: datetime | None
    orders: int
    asked_at: datetime | None
    failures: int
    code: str


@strawberry.type
class OrdersAskedAgain:
    """The period that is asked for now, by the workers; ``orderFetch`` says how far they are."""

    since: datetime
    until: datetime
    position: Position


@strawberry.type
class OrderFileTaken:
    """What an order file (受注CSV) holds and does. ``expected``: its orders by new, changed, same, refused, or why not.

    ``became``: with ``dryRun`` null, else the orders that were not known already by what the inbox says of them.
    ``problems``: rows that are not understood; their orders were left out whole.
    """

    form: str
    rows: int
    orders: int
    expected: JSON
    unlinked_lines: int
    available_changes: JSON
    became: JSON | None
    problems: list[ListProblem]
    position: Position | None


@strawberry.type
class DeskQueries:
    """How what a person asked for stands."""

    @strawberry.field
    async def order_fetch(self, info: Asked, shop: str) -> OrderFetchNode | None:
        """How asking the shop's mall for orders stands; null: it was never asked."""
        found = await info.context.in_thread(order_fetching.standing, info.context.house, shop)
        return None if found is None else node(OrderFetchNode, found)


@strawberry.type
class DeskMutations:
    """Orders by hand."""

    @strawberry.mutation
    async def change_order(
        self,
        info: Asked,
        shop: str,
        number: str,
        lines: list[OrderLineInput],
        strict: bool = False,
        key: str | None = None,
    ) -> MutationDone:
        """The order is these lines from here on, all of them; it has to be known. ``strict``: refused when more is asked than is free."""
        context = info.context
        asked = [one.asked() for one in lines]
        verb = await context.in_thread(
            order_by_hand.take, context.house, shop, number, asked, strict=strict, known=True
        )
        return await do(info, verb, key)

    @strawberry.mutation
    async def fetch_orders(
        self, info: Asked, shop: str, since: datetime | None = None, until: datetime | None = None
    ) -> OrdersAskedAgain:
        """受注を期間指定で取り直す: the mall is asked for a period again (default: the last day). Twice is harmless."""
        house = info.context.house
        begins, ends = await info.context.in_thread(
            order_fetching.ask_for,
            house,
            shop,
            aware(since) if since else None,
            aware(until) if until else None,
        )
        return OrdersAskedAgain(since=begins, until=ends, position=await info.context.in_thread(head_of, house))

    @strawberry.mutation
    async def import_orders(
        self,
        info: Asked,
        shop: str,
        csv: str,
        name: str = "orders.csv",
        made_at: datetime | None = None,
        dry_run: bool = False,
    ) -> OrderFileTaken:
        """受注CSV取込: the orders of a mall's order file, or of our own form, as text. Columns of persons are never kept.

        ``madeAt``: when the mall made the file, for what its rows do not date. The same file twice is harmless.
        """
        if len(csv) > CSV_CHARACTERS_MAX:
            raise ListTooLong(
                f"{len(csv)} characters; expected at most {CSV_CHARACTERS_MAX}: send it by the command line"
            )
        context = info.context
        return await context.in_thread(
            _import, context.house, shop, name, csv, aware(made_at) if made_at else None, dry_run=dry_run
        )

    @strawberry.mutation
    async def send_shipment_list(self, info: Asked, shop: str, csv: str, dry_run: bool = False) -> ListSent:
        """出荷実績CSV: 注文番号; 商品SKU and 出荷数, or neither for the whole order; 伝票番号, 出荷日. Twice is harmless."""
        context = info.context
        by = context.house.by(context.caller.actor)
        return await context.in_thread(
            send_list,
            context.house,
            csv,
            lambda house: shipment_list.shipping(house, shop),
            by,
            dry_run=dry_run,
            guard=None,
        )

    @strawberry.mutation
    async def state_shipping_source(
        self, info: Asked, shop: str, source: str, days: int = shipping_source.DAYS, key: str | None = None
    ) -> MutationDone:
        """Where the shop's shipments are told from: api, csv or none. With none open lines close after ``days`` (推定)."""
        return await do(info, shipping_source.state_source(shop, source, days), key)


def _import(house: House, shop: str, name: str, csv: str, made_at: datetime | None, *, dry_run: bool) -> OrderFileTaken:
    file: OrdersRead = order_import.read_file(house, shop, name, [csv.encode("utf-8", "replace")], made_at=made_at)
    seen = order_import.preview(house, shop, file)
    settled = None if dry_run else order_import.take(house, shop, file)
    became = None if settled is None else {f"{s} {r}".strip(): n for (s, r), n in sorted(settled.states.items())}
    return OrderFileTaken(
        form=file.form.name,
        rows=file.rows,
        orders=len(file.orders),
        expected=JSON(dict(sorted(seen.orders.items()))),
        unlinked_lines=seen.unlinked,
        available_changes=JSON(dict(sorted(seen.changes.items()))),
        became=None if became is None else JSON(became),
        problems=[
            ListProblem(row=one.row, column=one.column, value=one.value, expected=one.expected)
            for one in file.problems[:100]
        ],
        position=None if settled is None else head_of(house),
    )
