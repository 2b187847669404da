"""The contract of malls that are asked for orders: every order once, page by page, and no fault whatever the mall does."""

from dataclasses import replace
from datetime import timedelta

import pytest

import adapters
from adapters.kit.mall import OrderApi, OrdersAsked, OrdersPage, ReadFailed
from ledger.terms import Telling
from tests.adapters.emulated import Connected, key_of


def _asked(shop: Connected, *numbers: str) -> list[Telling]:
    """What the mall says when it is asked for the orders of the last hour, or for these, page by page."""
    api, now = shop.mall.order_api, shop.shop.clock.now()
    assert isinstance(api, OrderApi)
    asked, found = OrdersAsked(now - timedelta(hours=1), now + timedelta(minutes=1), orders=numbers), []
    for _ in range(100):
        page = api.fetch(shop.access, asked)
        assert isinstance(page, OrdersPage), page
        for raw in page.orders:
            reading = api.read(raw.body, adapters.profile(shop.mall.code))
            assert isinstance(reading, Telling), reading
            assert (reading.order, reading.door) == (raw.order, "api")
            found.append(reading)
        if not page.cursor:
            return found
        asked = replace(asked, cursor=page.cursor)
    raise AssertionError("the pages never end")


def test_orders_asked_for_are_what_the_mall_sold(shop: Connected) -> None:
    if not isinstance(shop.mall.order_api, OrderApi):
        return
    assert shop.mall.order_api.overlap_seconds > 0
    assert shop.mall.order_api.reach_days_max > 0
    orders = [shop.shop.sell(key_of(shop.mall, 1), units) for units in (2, 1)]
    sold = {order.number: order for order in orders if order is not None}
    assert len(sold) == 2
    told = [one for one in _asked(shop) if one.order in sold]
    assert {one.order for one in told} == sold.keys()
    for one in told:
        assert sum(line.quantity for line in one.lines) == sold[one.order].lines[0][1]
        assert one.ordered_at is None or abs(one.ordered_at - sold[one.order].ordered_at) <= timedelta(minutes=1)
    number = next(iter(sold))
    assert {one.order for one in _asked(shop, number)} == {number}, "one is asked for by its number"


@pytest.mark.parametrize(
    ("kind", "status"), [("status", 401), ("status", 429), ("status", 503), ("garbage", 0), ("half", 0)]
)
def test_a_mall_that_does_not_answer_gives_no_orders_and_no_fault(shop: Connected, kind: str, status: int) -> None:
    if not isinstance(shop.mall.order_api, OrderApi):
        return
    shop.meets(kind, status=status)
    now = shop.shop.clock.now()
    found = shop.mall.order_api.fetch(shop.access, OrdersAsked(now - timedelta(hours=1), now))
    assert isinstance(found, ReadFailed), found
    assert not any(text in repr(found) for text in shop.secret_texts())
