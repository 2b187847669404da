"""Amazon's orders: asked for by both APIs with their pages and rates, read exactly, without a person."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.amazon.order_reading import read
from adapters.amazon.orders import fetch
from adapters.kit.mall import Ignored, NotUnderstood, OrdersAsked, OrdersPage, ReadFailed
from ledger.terms import CancelReason, Door, ListingKey, OrderState, Result, Telling
from tests.adapters.amazon.seller import CUP, NOW, PROFILE, SHIRT, LaidDown, Seller, access_to, answer, error, seller

OLD = {"order_api_version": "v0"}
BOTH = pytest.mark.parametrize("settings", [{}, OLD], ids=["2026-01-01", "v0"])
ORDER: Mapping[str, object] = {
    "orderId": "250-1234567-8901234",
    "createdTime": "2026-11-20T02:30:00Z",
    "lastUpdatedTime": "2026-11-20T06:45:00Z",
    "salesChannel": {"channelName": "AMAZON", "marketplaceId": "A1VC38T7YXB528", "marketplaceName": "Amazon.co.jp"},
    "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
    "orderItems": [
        {
            "orderItemId": "25012345678901",
            "quantityOrdered": 1,
            "product": {"asin": "B0EXAMPLE1", "title": "サンプル", "sellerSku": "SKU-001"},
            "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 1},
        }
    ],
}


def asked(shop: Seller, *, cursor: str = "", orders: tuple[str, ...] = ()) -> OrdersAsked:
    return OrdersAsked(NOW - timedelta(minutes=10), shop.clock.now(), cursor, orders)


def all_pages(shop: Seller, *, orders: tuple[str, ...] = ()) -> list[OrdersPage]:
    first = asked(shop, orders=orders)
    pages: list[OrdersPage] = []
    cursor = ""
    for _ in range(20):
        page = fetch(shop.access, OrdersAsked(first.since, first.until, cursor, orders))
        assert isinstance(page, OrdersPage), page
        pages.append(page)
        cursor = page.cursor
        if not cursor:
            break
        shop.clock.passes(seconds=180)
    return pages


def telling(body: bytes | Mapping[str, object]) -> Telling:
    found = read(body if isinstance(body, bytes) else json.dumps(body).encode(), PROFILE)
    assert isinstance(found, Telling), found
    return found


def with_order(**more: object) -> dict[str, object]:
    return {**ORDER, **more}


def item(**more: object) -> dict[str, object]:
    items = ORDER["orderItems"]
    assert isinstance(items, list)
    return {**items[0], **more}


# ------------------------------------------------------------------ asking


@BOTH
def test_every_order_is_fetched_page_by_page_and_read(settings: dict[str, str]) -> None:
    with seller(settings=settings) as shop:
        shop.state.page_orders = 2
        for key in (SHIRT, CUP, SHIRT, SHIRT, CUP):
            shop.shop.sell_lines(((key, 2),))
            shop.clock.passes(seconds=10)
        pages = all_pages(shop)
        assert [len(page.orders) for page in pages] == [2, 2, 1]
        found = [telling(raw.body) for page in pages for raw in page.orders]
        assert [one.order for one in found] == list(shop.shop.orders)
        assert [raw.order for page in pages for raw in page.orders] == list(shop.shop.orders)
        for one, order in zip(found, shop.shop.orders.values(), strict=True):
            assert one.complete
            assert one.verified
            assert one.door == Door.API
            assert one.state == OrderState.CONFIRMED
            assert one.ordered_at == order.ordered_at
            assert [(ListingKey(line.item, line.variant), line.quantity) for line in one.lines] == list(order.lines)


@BOTH
def test_pending_orders_take_their_units_and_a_cancel_is_told(settings: dict[str, str]) -> None:
    with seller(settings=settings) as shop:
        shop.state.pending = True
        order = shop.shop.sell(SHIRT, 2)
        assert order is not None
        (page,) = all_pages(shop)
        assert telling(page.orders[0].body).state == OrderState.PROVISIONAL
        shop.clock.passes(seconds=60)
        shop.shop.cancel(order.number)
        (page,) = all_pages(shop)
        cancelled = telling(page.orders[0].body)
        assert (cancelled.state, cancelled.reason, cancelled.lines) == (OrderState.CANCELLED, CancelReason.BUYER, ())
        assert cancelled.told_at == NOW + timedelta(seconds=60)


@BOTH
def test_named_orders_are_fetched_together_and_missing_ones_left_out(settings: dict[str, str]) -> None:
    with seller(settings=settings) as shop:
        numbers = [order.number for key in (SHIRT, CUP) if (order := shop.shop.sell(key)) is not None]
        pages = all_pages(shop, orders=(numbers[0], "250-0000000-0000000", numbers[1]))
        assert [[raw.order for raw in page.orders] for page in pages] == [numbers]


def test_more_named_orders_than_may_be_asked_for_at_once_take_another_call() -> None:
    with seller() as shop:
        shop.shop.set_stock(SHIRT, 50)
        numbers = tuple(order.number for _ in range(41) if (order := shop.shop.sell(SHIRT)) is not None)
        pages = all_pages(shop, orders=numbers)
        assert [len(page.orders) for page in pages] == [20, 20, 1]
        assert tuple(raw.order for page in pages for raw in page.orders) == numbers


def test_an_end_younger_than_two_minutes_is_not_said_and_every_page_is_asked_alike() -> None:
    empty = answer(200, {"orders": [], "pagination": {"nextToken": "next"}})
    http = LaidDown([empty, empty])
    first = OrdersAsked(NOW - timedelta(hours=1), NOW - timedelta(seconds=60))
    page = fetch(access_to(http), first)
    assert isinstance(page, OrdersPage)
    assert http.asked[0].query == {
        "marketplaceIds": "A1VC38T7YXB528",
        "lastUpdatedAfter": "2026-11-19T23:00:00Z",
        "fulfilledBy": "MERCHANT",
        "maxResultsPerPage": "100",
        "includedData": "CANCELLATION,FULFILLMENT",
    }
    old_enough = OrdersAsked(first.since, NOW - timedelta(seconds=120), page.cursor)
    fetch(access_to(http), old_enough)
    assert http.asked[1].query == {**http.asked[0].query, "paginationToken": "next"}
    http = LaidDown([empty])
    fetch(access_to(http), OrdersAsked(first.since, old_enough.until))
    assert http.asked[0].query["lastUpdatedBefore"] == "2026-11-19T23:58:00Z"


@BOTH
def test_the_malls_rate_is_an_answer_with_its_wait(settings: dict[str, str]) -> None:
    with seller(settings=settings) as shop:
        for _ in range(19):
            assert isinstance(fetch(shop.access, asked(shop)), OrdersPage)
        shop.shop.sell(SHIRT)
        failed = next(found for _ in range(3) if isinstance(found := fetch(shop.access, asked(shop)), ReadFailed))
        assert failed.result == Result.THROTTLED
        assert failed.wait_seconds > 50


def test_a_page_with_a_hole_is_no_page() -> None:
    for body in ({}, {"orders": None}, {"orders": [ORDER, {}]}, {"orders": [{"orderId": "12"}]}):
        found = fetch(access_to(LaidDown([answer(200, body)])), OrdersAsked(NOW, NOW))
        assert found == ReadFailed(Result.TRANSIENT, "answer_not_understood")
    order = {"AmazonOrderId": "250-1234567-8901234", "OrderStatus": "Unshipped", "FulfillmentChannel": "MFN"}
    listed = answer(200, {"payload": {"Orders": [order]}})
    for items, code in ((error(429, "QuotaExceeded"), Result.THROTTLED), (answer(200, {}), Result.TRANSIENT)):
        found = fetch(access_to(LaidDown([listed, items]), settings=OLD), OrdersAsked(NOW, NOW))
        assert isinstance(found, ReadFailed)
        assert found.result == code


def test_lines_of_an_old_order_on_several_pages_are_put_together() -> None:
    order = {
        "AmazonOrderId": "250-1234567-8901234",
        "OrderStatus": "PartiallyShipped",
        "FulfillmentChannel": "MFN",
        "PurchaseDate": "2026-11-20T02:30:00Z",
        "LastUpdateDate": "2026-11-20T02:31:00.000Z",
    }
    rows = [{"OrderItemId": str(n), "SellerSKU": f"SKU-{n}", "QuantityOrdered": n} for n in range(1, 4)]
    http = LaidDown(
        [
            answer(200, {"payload": {"Orders": [order]}}),
            answer(200, {"payload": {"OrderItems": rows[:2], "NextToken": "more"}}),
            answer(200, {"payload": {"OrderItems": rows[2:]}}),
        ]
    )
    page = fetch(access_to(http, settings=OLD), OrdersAsked(NOW, NOW))
    assert isinstance(page, OrdersPage)
    assert [line.quantity for line in telling(page.orders[0].body).lines] == [1, 2, 3]
    assert http.asked[2].query == {"NextToken": "more"}


def test_no_person_is_kept() -> None:
    person = "山田花子"
    order = with_order(
        buyer={"buyerName": person, "buyerEmail": person},
        recipient={"deliveryAddress": {"name": person}},
        orderItems=[
            item(
                product={"sellerSku": "SKU-001", "customization": {"customizedUrl": person}},
                fulfillment={"quantityUnfulfilled": 1, "packing": {"giftOption": {"giftMessage": person}}},
                cancellation={"cancellationRequest": {"requester": "BUYER", "cancelReason": person}},
            )
        ],
    )
    page = fetch(access_to(LaidDown([answer(200, {"orders": [order]})])), OrdersAsked(NOW, NOW))
    assert isinstance(page, OrdersPage)
    assert person not in page.orders[0].body.decode()
    assert telling(page.orders[0].body).lines[0].quantity == 1
    assert person not in repr(page)
    old = {
        "AmazonOrderId": "250-1234567-8901234",
        "BuyerInfo": {"BuyerName": person},
        "ShippingAddress": {"Name": person},
    }
    rows = [{"OrderItemId": "1", "SellerSKU": "A", "QuantityOrdered": 1, "BuyerInfo": {"GiftMessageText": person}}]
    replies = [answer(200, {"payload": {"Orders": [old]}}), answer(200, {"payload": {"OrderItems": rows}})]
    page = fetch(access_to(LaidDown([*replies]), settings=OLD), OrdersAsked(NOW, NOW))
    assert isinstance(page, OrdersPage)
    assert person not in page.orders[0].body.decode()


# ------------------------------------------------------------------ reading


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("PENDING_AVAILABILITY", OrderState.PROVISIONAL),
        ("PENDING", OrderState.PROVISIONAL),
        ("UNSHIPPED", OrderState.CONFIRMED),
        ("PARTIALLY_SHIPPED", OrderState.CONFIRMED),
        ("SHIPPED", OrderState.SHIPPED),
        ("CANCELLED", OrderState.CANCELLED),
    ],
)
def test_each_state_is_told_as_ours(said: str, state: OrderState) -> None:
    found = telling(with_order(fulfillment={"fulfillmentStatus": said, "fulfilledBy": "MERCHANT"}))
    assert found.state == state
    assert found.ordered_at == datetime(2026, 11, 20, 2, 30, tzinfo=UTC)
    assert found.told_at == datetime(2026, 11, 20, 6, 45, tzinfo=UTC)


def test_an_order_that_amazon_ships_is_not_ours() -> None:
    order = with_order(fulfillment={"fulfillmentStatus": "SHIPPED", "fulfilledBy": "AMAZON"})
    assert read(json.dumps(order).encode(), PROFILE) == Ignored("fulfilled_by_amazon")


@pytest.mark.parametrize(
    ("order", "rule"),
    [
        (with_order(orderId="1"), "order_number"),
        (with_order(fulfillment={"fulfillmentStatus": "NEW", "fulfilledBy": "MERCHANT"}), "state"),
        (with_order(fulfillment={"fulfillmentStatus": "SHIPPED"}), "fulfilled_by"),
        (with_order(createdTime="2026-11-20T02:30:00"), "ordered_at"),
        (with_order(lastUpdatedTime=""), "updated_at"),
        (with_order(orderItems=None), "order_items"),
        (with_order(orderItems=[]), "order_items"),
        (with_order(orderItems=[item(quantityOrdered="1")]), "quantity"),
        (with_order(orderItems=[item(quantityOrdered=-1)]), "quantity"),
        (with_order(orderItems=[item(product={})]), "seller_sku"),
        (with_order(orderItems=[item(orderItemId="")]), "order_item_id"),
        ([], "order"),
    ],
)
def test_what_is_not_understood_is_named_by_its_rule(order: object, rule: str) -> None:
    found = read(json.dumps(order).encode(), PROFILE)
    assert isinstance(found, NotUnderstood)
    assert found.rule == rule


def test_a_line_cancelled_in_part_counts_what_is_left_of_it() -> None:
    done = {"cancellationExecution": {"cancelledBy": "BUYER"}}
    part = item(quantityOrdered=3, cancellation=done, fulfillment={"quantityFulfilled": 1, "quantityUnfulfilled": 1})
    gone = item(orderItemId="2", cancellation=done, fulfillment={"quantityFulfilled": 0, "quantityUnfulfilled": 0})
    asked_for = item(orderItemId="3", quantityOrdered=5, cancellation={"cancellationRequest": {"requester": "BUYER"}})
    found = telling(with_order(orderItems=[part, gone, asked_for]))
    assert [(line.line_id, line.quantity) for line in found.lines] == [("25012345678901", 2), ("3", 5)]
    unsaid = with_order(orderItems=[item(cancellation=done, fulfillment={})])
    assert read(json.dumps(unsaid).encode(), PROFILE) == NotUnderstood("quantity", 1)


def test_who_cancelled_is_told_only_when_it_was_the_buyer() -> None:
    for by, reason in (
        ("BUYER", CancelReason.BUYER),
        ("MERCHANT", CancelReason.UNKNOWN),
        ("AMAZON", CancelReason.UNKNOWN),
    ):
        order = with_order(
            fulfillment={"fulfillmentStatus": "CANCELLED", "fulfilledBy": "MERCHANT"},
            orderItems=[item(cancellation={"cancellationExecution": {"cancelledBy": by}})],
        )
        assert telling(order).reason == reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ORDER, "items", "order"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_json_makes_the_reader_raise(body: object) -> None:
    assert isinstance(read(json.dumps(body).encode(), PROFILE), Telling | Ignored | NotUnderstood)


def test_bytes_that_are_no_json_are_not_understood() -> None:
    assert read(b"\xff{", PROFILE) == NotUnderstood("order")
