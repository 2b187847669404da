"""注文更新通知: word that orders are to be fetched, from any body, believed in nothing."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.kit.mall import OrderHint, WebhookAccepted, WebhookCall, WebhookRefused
from adapters.makeshop.emulator import take_notices
from adapters.makeshop.webhook import accept, read
from tests.adapters.makeshop.shop import NOW, PLAIN, PROFILE, SECRETS, store

ONE, TWO = "P180941172630907436", "PB20261120090000001"


def call(body: object) -> WebhookCall:
    return WebhookCall({}, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ({"displayOrderNumber": ONE}, (ONE,)),
        ({"orders": [{"displayOrderNumber": ONE}, {"order_number": TWO}, {"displayOrderNumber": ONE}]}, (ONE, TWO)),
        ([{"orderNumber": [ONE, TWO]}], (ONE, TWO)),
        ({"shop_id": "sampleshop", "event": "order"}, ()),
        ({"displayOrderNumber": "山田太郎"}, ()),
        ({"orders": [{"displayOrderNumber": f"PB{n:017d}"} for n in range(201)]}, ()),
    ],
)
def test_a_notice_hints_at_the_orders_it_names_or_at_whatever_is_new(body: object, numbers: tuple[str, ...]) -> None:
    assert accept(call(body), SECRETS, NOW) == WebhookAccepted()
    assert read(call(body), PROFILE) == OrderHint(numbers)


def test_what_is_no_json_is_refused() -> None:
    assert accept(call(b"hello"), SECRETS, NOW) == WebhookRefused("not_json")
    assert accept(call(b"5"), SECRETS, NOW) == WebhookRefused("not_json")
    assert accept(call(b" " * 1_000_001), SECRETS, NOW) == WebhookRefused("too_large")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.sampled_from(["orderNumber", "x"]), one),
        max_leaves=20,
    )
)
def test_no_body_makes_the_reader_raise(body: object) -> None:
    if isinstance(body, dict | list):
        assert isinstance(read(call(body), PROFILE), OrderHint)


def test_the_mall_tells_orders_and_cancels_in_cycles_of_two_minutes() -> None:
    with store() as shop:  # 00:05:00; the cycle ends at 00:06:00
        order = shop.shop.sell(PLAIN, 1)
        assert order is not None
        shop.clock.passes(seconds=30)
        assert take_notices(shop.shop) == []
        shop.clock.passes(seconds=31)
        assert [read(call(body), PROFILE) for body in take_notices(shop.shop)] == [OrderHint((order.number,))]
        shop.clock.passes(minutes=10)
        assert take_notices(shop.shop) == [], "an order is told once"
        shop.shop.cancel(order.number)
        shop.clock.passes(minutes=3)
        assert [read(call(body), PROFILE) for body in take_notices(shop.shop)] == [OrderHint((order.number,))]
