"""Orders of futureshop: pages by nextUrl, by the day of the order and of the change, one by one for 予約, and reading."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.futureshop.orders import fetch, read
from adapters.kit.mall import NotUnderstood, OrdersAsked, OrdersPage, ReadFailed
from ledger.terms import Door, OrderState, Result, Telling, TellingLine
from tests.adapters.futureshop.shop import KEPT, NOW, PLAIN, PROFILE, RED_M, LaidDown, access_to, answer, failed, store

PRODUCT: dict[str, object] = {"skuNo": "gd1rd", "name": "アラームクロック", "count": 2}
ORDER: dict[str, object] = {
    "orderNo": "100000001190",
    "type": "REGULAR",
    "date": "2026-11-20T09:04:05",
    "status": "COMPLETED",
    "buyerInfo": {"name": "見本 太郎"},
    "shipmentList": [{"shipmentNo": 1, "shippingInfo": {"name": "見本 太郎"}, "productList": [PRODUCT]}],
}


def telling(change: Mapping[str, object] | None = None) -> object:
    return read(json.dumps({**ORDER, **(change or {})}).encode(), PROFILE)


def state(change: Mapping[str, object]) -> OrderState:
    found = telling(change)
    assert isinstance(found, Telling)
    return found.state


def shipment(*products: object, **info: str) -> list[object]:
    return [{"shipmentNo": 1, "shippingInfo": info, "productList": list(products)}]


# ------------------------------------------------------------------ reading one


def test_an_order_says_number_time_and_lines_and_no_person() -> None:
    found = telling()
    assert found == Telling(
        order="100000001190",
        door=Door.API,
        told_at=datetime(2026, 11, 20, 0, 4, 5, tzinfo=UTC),
        state=OrderState.CONFIRMED,
        complete=True,
        verified=True,
        lines=(TellingLine("gd1rd", "", 2, line_id="1-1", codes=("gd1rd",)),),
        parser_version=1,
        ordered_at=datetime(2026, 11, 20, 0, 4, 5, tzinfo=UTC),
    )
    assert "見本" not in repr(found)


def test_the_detail_names_product_branch_and_bucket() -> None:
    products = ({**PRODUCT, "productNo": "gd1", "preorder": False}, {**PRODUCT, "productNo": "gd1", "preorder": True})
    found = telling({"shipmentList": shipment(*products), "dateLastUpdated": "2026-11-20T10:00:00"})
    assert isinstance(found, Telling)
    assert found.told_at == datetime(2026, 11, 20, 1, tzinfo=UTC)
    assert found.lines == (
        TellingLine("gd1", "rd", 2, line_id="1-1", codes=("gd1rd",)),
        TellingLine("gd1", "rd~preorder", 2, line_id="1-2", codes=("gd1rd~preorder",)),
    )


def test_states_are_read_from_status_and_from_shipments() -> None:
    assert state({"status": "AWAITING_PAYMENT"}) is OrderState.PROVISIONAL
    assert state({"status": "CANCELED"}) is OrderState.CANCELLED
    shipped = shipment(PRODUCT, shippingDate="2026-11-21")
    assert state({"shipmentList": shipped}) is OrderState.SHIPPED
    assert state({"shipmentList": shipped + shipment(PRODUCT, shippingDate="")}) is OrderState.CONFIRMED
    assert state({"shipmentList": shipped, "status": "CANCELED"}) is OrderState.CANCELLED


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"orderNo": "12345"}, "orderNo"),
        ({"orderNo": 100000001190}, "orderNo"),
        ({"date": "2026-13-20T09:04:05"}, "date"),
        ({"date": None}, "date"),
        ({"status": None}, "status"),
        ({"shipmentList": []}, "shipmentList"),
        ({"shipmentList": [{}]}, "productList"),
        ({"shipmentList": [{"productList": []}]}, "productList"),
        ({"shipmentList": [{"productList": [{**PRODUCT, "count": 0}]}]}, "productList"),
        ({"shipmentList": [{"productList": [{**PRODUCT, "count": "2"}]}]}, "productList"),
        ({"shipmentList": [{"productList": [{**PRODUCT, "skuNo": ""}]}]}, "productList"),
    ],
)
def test_what_is_not_there_is_not_guessed(change: dict[str, object], rule: str) -> None:
    found = telling(change)
    assert isinstance(found, NotUnderstood)
    assert found.rule == rule


NAMES = st.sampled_from(["orderNo", "date", "status", "shipmentList", "productList", "skuNo"])
BODIES = st.recursive(
    st.none() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(NAMES, one), max_leaves=15
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(BODIES)
def test_no_body_makes_the_reader_raise(body: object) -> None:
    assert isinstance(read(json.dumps(body).encode(), PROFILE), Telling | NotUnderstood)
    assert isinstance(read(b"\xff{", PROFILE), NotUnderstood)


# ------------------------------------------------------------------ asking


def test_the_list_is_asked_by_the_day_of_the_order_and_then_of_the_change_in_japans_time() -> None:
    http = LaidDown([answer({"orderList": []}), answer({"orderList": []})])
    access = access_to(http)
    first = fetch(access, OrdersAsked(NOW - timedelta(days=40), NOW))
    assert first == OrdersPage((), "changed||")
    assert fetch(access, OrdersAsked(NOW - timedelta(days=40), NOW, "changed||")) == OrdersPage(())
    assert [asked[3] for asked in http.asked] == [
        {"orderDateStart": "2026-10-11T09:05:00", "orderDateEnd": "2026-11-20T09:05:00"},
        {"updateDateStart": "2026-10-20T09:05:00", "updateDateEnd": "2026-11-20T09:05:00"},
    ]


def test_only_the_query_of_the_next_page_is_followed_and_goes_to_our_own_address() -> None:
    body = {
        "orderList": [ORDER],
        "nextUrl": "https://elsewhere.example/admin-api/v1/shipping?orderDateStart=x&cursor=a%2Bb",
    }
    http = LaidDown([answer(body), answer({"orderList": []})])
    access = access_to(http)
    page = fetch(access, OrdersAsked(NOW, NOW))
    assert isinstance(page, OrdersPage)
    fetch(access, OrdersAsked(NOW, NOW, page.cursor))
    assert http.asked[1][1] == "https://sampleshop.api.example.jp/admin-api/v1/shipping"
    assert http.asked[1][3] == {"orderDateStart": "x", "cursor": "a+b"}


def test_every_order_is_found_over_pages_and_a_cancel_by_the_day_of_its_change() -> None:
    with store() as shop:
        shop.state.page = 2
        numbers = [order.number for _ in range(5) if (order := shop.shop.sell(PLAIN, 1)) is not None]
        found = shop.orders(NOW - timedelta(seconds=5), NOW + timedelta(seconds=5))
        assert sorted({raw.order for raw in found}) == numbers
        shop.clock.passes(days=3)
        shop.shop.cancel(numbers[1])
        at = shop.clock.now()
        (raw,) = shop.orders(at - timedelta(seconds=30), at + timedelta(seconds=30))
        told = read(raw.body, PROFILE)
        assert isinstance(told, Telling)
        assert (told.order, told.state) == (numbers[1], OrderState.CANCELLED)


def test_a_mall_that_cannot_be_asked_by_the_day_of_a_change_is_read_again_once_in_ten_minutes() -> None:
    with store() as shop:
        shop.state.knows_changes = False
        order = shop.shop.sell(PLAIN, 1)
        assert order is not None
        shop.clock.passes(days=3)
        shop.shop.cancel(order.number)
        at = shop.clock.now()
        found = [
            raw
            for minute in range(10)
            for raw in shop.orders(at + timedelta(minutes=minute), at + timedelta(minutes=minute + 1))
        ]
        assert [raw.order for raw in found] == [order.number]


def test_a_shop_with_preorders_has_each_order_asked_for_by_its_number() -> None:
    with store(settings={"order_details": "yes"}) as shop:
        order = shop.shop.sell_lines(((RED_M, 2), (KEPT, 1)))
        other = shop.shop.sell(PLAIN, 1)
        assert order is not None
        assert other is not None
        found = {raw.order: read(raw.body, PROFILE) for raw in shop.orders(NOW - timedelta(seconds=5), NOW)}
        assert set(found) == {order.number, other.number}
        told = found[order.number]
        assert isinstance(told, Telling)
        assert [(line.item, line.codes, line.quantity) for line in told.lines] == [
            ("gd4", ("gd4mrd",), 2),
            ("gd4", ("gd4mrd~preorder",), 1),
        ]


def test_orders_named_by_hand_are_asked_for_a_hundred_at_a_time() -> None:
    with store() as shop:
        shop.shop.set_stock(PLAIN, 500)
        numbers = tuple(order.number for _ in range(205) if (order := shop.shop.sell(PLAIN, 1)) is not None)
        found = shop.orders(NOW, NOW, orders=numbers)
        assert tuple(raw.order for raw in found) == numbers


def test_awaiting_payment_is_provisional_at_the_mall() -> None:
    with store() as shop:
        shop.state.next_is_awaiting = True
        assert shop.shop.sell(PLAIN, 1) is not None
        raw, *_ = shop.orders(NOW - timedelta(seconds=5), NOW)
        told = read(raw.body, PROFILE)
        assert isinstance(told, Telling)
        assert told.state is OrderState.PROVISIONAL


@pytest.mark.parametrize("body", [{}, {"orderList": [5]}, {"orderList": [{"orderNo": "a|b"}]}, {"orderList": None}])
def test_a_page_of_no_known_form_is_no_page(body: object) -> None:
    found = fetch(access_to(LaidDown([answer(body)])), OrdersAsked(NOW, NOW))
    assert found == ReadFailed(Result.TRANSIENT, "answer_not_understood")


def test_a_refused_list_and_a_busy_mall_say_so() -> None:
    refused = fetch(access_to(LaidDown([failed("InvalidDateFormat")])), OrdersAsked(NOW, NOW))
    assert refused == ReadFailed(Result.TRANSIENT, "InvalidDateFormat")
    with store() as shop:
        first, second = (fetch(shop.access, OrdersAsked(NOW, NOW)) for _ in range(2))
        assert isinstance(first, OrdersPage)
        assert isinstance(second, ReadFailed)
        assert second.result is Result.THROTTLED
