"""Orders of MakeShop over searchOrder: pages, states by the status asked, older orders read again, 仮注文, and reading."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.kit.mall import NotUnderstood, OrdersAsked, OrdersPage, ReadFailed
from adapters.makeshop.orders import fetch, read
from ledger.terms import Door, OrderState, Result, Telling, TellingLine
from tests.adapters.makeshop.shop import BLUE, NOW, PLAIN, PROFILE, RED, LaidDown, access_to, answer, error, store

ORDER: dict[str, object] = {
    "displayOrderNumber": "P180941172630907436",
    "orderDate": "2026-11-20 09:04:05",
    "deliveryInfos": [
        {"basketInfos": [{"productCode": "000000000001", "variationId": "101", "amount": 2}]},
        {"basketInfos": [{"productCode": "000000000002", "amount": "1"}]},
    ],
}


def telling(change: Mapping[str, object] | None = None, *, status: str = "N") -> object:
    return read(json.dumps({"deliveryStatus": status, "order": {**ORDER, **(change or {})}}).encode(), PROFILE)


def page(*orders: dict[str, object], total: int | None = None) -> dict[str, object]:
    return {
        "data": {
            "searchOrder": {"searchedCount": len(orders) if total is None else total, "page": 1, "orders": list(orders)}
        }
    }


# ------------------------------------------------------------------ reading one


def test_an_order_says_number_time_and_every_line_of_every_destination() -> None:
    assert telling() == Telling(
        order="P180941172630907436",
        door=Door.API,
        told_at=datetime(2026, 11, 20, 0, 4, 5, tzinfo=UTC),
        state=OrderState.CONFIRMED,
        complete=True,
        verified=True,
        lines=(
            TellingLine("000000000001", "101", 2, line_id="1-1"),
            TellingLine("000000000002", "", 1, line_id="2-1"),
        ),
        parser_version=1,
        ordered_at=datetime(2026, 11, 20, 0, 4, 5, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [("N", OrderState.CONFIRMED), ("Y", OrderState.SHIPPED), ("C", OrderState.CANCELLED), ("R", OrderState.CANCELLED)],
)
def test_the_state_is_the_status_it_was_asked_by(status: str, state: OrderState) -> None:
    found = telling(status=status)
    assert isinstance(found, Telling)
    assert found.state is state


@pytest.mark.parametrize("flag", [True, "Y", "仮注文", 1])
def test_an_order_that_is_not_paid_yet_is_provisional(flag: object) -> None:
    found = telling({"isTemporaryOrder": flag})
    assert isinstance(found, Telling)
    assert found.state is OrderState.PROVISIONAL


def test_an_order_that_is_paid_is_not_provisional() -> None:
    found = telling({"isTemporaryOrder": False})
    assert isinstance(found, Telling)
    assert found.state is OrderState.CONFIRMED


def test_the_time_of_the_change_is_when_it_was_told() -> None:
    found = telling({"updateDate": "2026-11-20 10:00:00"}, status="C")
    assert isinstance(found, Telling)
    assert (found.told_at, found.ordered_at) == (
        datetime(2026, 11, 20, 1, tzinfo=UTC),
        datetime(2026, 11, 20, 0, 4, 5, tzinfo=UTC),
    )


def test_own_codes_name_a_variation_whose_id_is_not_said() -> None:
    basket = {"productCode": "000000000001", "productCustomCode": "item-01", "variationCustomCode": "-BL", "amount": 1}
    found = telling({"deliveryInfos": [{"basketInfos": [basket]}]})
    assert isinstance(found, Telling)
    assert found.lines == (TellingLine("000000000001", "", 1, line_id="1-1", codes=("item-01/-BL",)),)
    found = telling({"deliveryInfos": [{"basketInfos": [{**basket, "variationId": 101}]}]})
    assert isinstance(found, Telling)
    assert found.lines == (TellingLine("000000000001", "101", 1, line_id="1-1", codes=("item-01/-BL",)),)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"displayOrderNumber": ""}, "displayOrderNumber"),
        ({"displayOrderNumber": 5}, "displayOrderNumber"),
        ({"orderDate": "soon"}, "orderDate"),
        ({"deliveryInfos": []}, "deliveryInfos"),
        ({"deliveryInfos": [{"basketInfos": None}]}, "basketInfos"),
        ({"deliveryInfos": [{"basketInfos": []}]}, "basketInfos"),
        ({"deliveryInfos": [{"basketInfos": [{"productCode": "1", "amount": 0}]}]}, "basketInfos"),
        ({"deliveryInfos": [{"basketInfos": [{"productCode": "1", "amount": True}]}]}, "basketInfos"),
        ({"deliveryInfos": [{"basketInfos": [{"productCode": "1", "amount": 1.5}]}]}, "basketInfos"),
        ({"deliveryInfos": [{"basketInfos": [{"productCode": "", "amount": 1}]}]}, "basketInfos"),
    ],
)
def test_what_is_not_there_is_not_guessed(change: dict[str, object], rule: str) -> None:
    found = telling(change)
    assert isinstance(found, NotUnderstood)
    assert found.rule == rule


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: (
            st.lists(one)
            | st.dictionaries(
                st.sampled_from(
                    ["order", "deliveryStatus", "displayOrderNumber", "orderDate", "deliveryInfos", "basketInfos"]
                ),
                one,
            )
        ),
    ).map(lambda found: json.dumps(found).encode())
)
def test_no_body_makes_the_reader_raise(body: bytes) -> None:
    assert isinstance(read(body, PROFILE), Telling | NotUnderstood)


def test_no_person_gets_into_what_is_told() -> None:
    basket = {"productCode": "000000000001", "amount": 1, "giftName": "山田花子"}
    people = {
        "senderName": "山田太郎",
        "memo": "山田様",
        "deliveryInfos": [{"receiver": "山田", "basketInfos": [basket]}],
    }
    found = telling(people)
    assert isinstance(found, Telling)
    assert "山田" not in repr(found)


# ------------------------------------------------------------------ asking


def test_no_buyer_is_asked_for() -> None:
    http = LaidDown([answer(page())])
    fetch(access_to(http), OrdersAsked(NOW - timedelta(minutes=1), NOW))
    document = str(http.asked[0][2]["query"])
    assert not [
        word for word in ("member", "sender", "receiver", "address", "Name") if word.lower() in document.lower()
    ]
    assert http.asked[0][2]["variables"] == {
        "input": {
            "sortOrder": "ASC",
            "page": 1,
            "limit": 500,
            "deliveryStatus": "N",
            "startOrderDate": "20261120090400",
            "endOrderDate": "20261120090501",
        }
    }


def test_an_order_is_found_page_by_page_whatever_its_state() -> None:
    with store(orders__page_orders=2) as shop:
        numbers = []
        for _ in range(5):
            order = shop.shop.sell(PLAIN, 1)
            assert order is not None
            numbers.append(order.number)
            shop.clock.passes(seconds=1)
        shop.shop.cancel(numbers[1])
        shop.state.shipped.add(numbers[2])
        found = shop.orders(NOW - timedelta(seconds=10), NOW + timedelta(seconds=10))
        told = {raw.order: read(raw.body, PROFILE) for raw in found}
        assert sorted(told) == sorted(numbers)
        states = [one.state for one in (told[number] for number in numbers) if isinstance(one, Telling)]
        assert states == [
            OrderState.CONFIRMED,
            OrderState.CANCELLED,
            OrderState.SHIPPED,
            OrderState.CONFIRMED,
            OrderState.CONFIRMED,
        ]


def test_a_cancel_of_an_older_order_is_found_within_ten_minutes() -> None:
    with store() as shop:
        order = shop.shop.sell_lines(((BLUE, 2), (RED, 1)))
        assert order is not None
        shop.clock.passes(days=3)
        shop.shop.cancel(order.number)
        at = shop.clock.now()
        found = [
            raw
            for minute in range(10)
            for raw in shop.orders(at + timedelta(minutes=minute), at + timedelta(minutes=minute + 1))
        ]
        assert [raw.order for raw in found] == [order.number], "read again once in ten minutes, not at every asking"
        told = read(found[0].body, PROFILE)
        assert isinstance(told, Telling)
        assert told.state is OrderState.CANCELLED
        assert [(line.item, line.variant, line.quantity) for line in told.lines] == [
            (BLUE.item, BLUE.variant, 2),
            (RED.item, RED.variant, 1),
        ]


def test_orders_that_a_notice_named_are_asked_for_by_number() -> None:
    with store() as shop:
        one, two = shop.shop.sell(PLAIN, 1), shop.shop.sell(PLAIN, 1)
        assert one is not None
        assert two is not None
        found = shop.orders(NOW, NOW, orders=(two.number,))
        assert [raw.order for raw in found] == [two.number]


def test_a_mall_that_lacks_the_assumed_names_is_asked_by_the_plain_document() -> None:
    with store() as shop:
        shop.state.unknown_names = frozenset({"variationId", "isTemporaryOrder"})
        order = shop.shop.sell(PLAIN, 2)
        assert order is not None
        found = shop.orders(NOW - timedelta(seconds=5), NOW + timedelta(seconds=5))
        told = read(found[0].body, PROFILE)
        assert isinstance(told, Telling)
        assert told.lines == (TellingLine(PLAIN.item, "", 2, line_id="1-1"),)


def test_what_is_kept_of_an_order_is_that_order_and_is_the_same_when_asked_again() -> None:
    with store() as shop:
        shop.state.next_is_provisional = True
        shop.shop.sell(PLAIN, 2)
        shop.shop.sell(BLUE, 1)
        since, until = NOW - timedelta(seconds=5), NOW + timedelta(seconds=5)
        once, again = shop.orders(since, until), shop.orders(since, until)
        assert once == again
        assert PLAIN.item.encode() in once[0].body
        assert BLUE.item.encode() not in once[0].body
        told = read(once[0].body, PROFILE)
        assert isinstance(told, Telling)
        assert told.state is OrderState.PROVISIONAL


@pytest.mark.parametrize(
    "body",
    [{"data": {"searchOrder": {}}}, {"data": {"searchOrder": {"orders": [5]}}}, {"data": None}, {"x": 1}],
)
def test_a_page_of_no_known_form_is_no_page(body: object) -> None:
    found = fetch(access_to(LaidDown([answer(body)])), OrdersAsked(NOW, NOW))
    assert isinstance(found, ReadFailed)
    assert found.result is Result.TRANSIENT


def test_a_page_with_an_error_beside_it_is_no_page() -> None:
    body = {**page(ORDER), "errors": [error("INTERNAL_SERVER_ERROR", "searchOrder")]}
    assert fetch(access_to(LaidDown([answer(body)])), OrdersAsked(NOW, NOW)) == ReadFailed(
        Result.TRANSIENT, "INTERNAL_SERVER_ERROR"
    )


def test_a_mall_without_orders_may_leave_the_list_out() -> None:
    body = {"data": {"searchOrder": {"searchedCount": 0, "page": 1, "orders": None}}}
    assert fetch(access_to(LaidDown([answer(body)])), OrdersAsked(NOW, NOW)) == OrdersPage((), "n:Y:1")


def test_too_fast_is_throttled_and_the_same_page_is_asked_again() -> None:
    with store() as shop:
        asked = OrdersAsked(NOW, NOW)
        answers = [fetch(shop.access, asked) for _ in range(25)]
        throttled = [one for one in answers if isinstance(one, ReadFailed)]
        assert {one.result for one in throttled} == {Result.THROTTLED}
