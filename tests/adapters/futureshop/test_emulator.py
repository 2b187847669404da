"""The emulated futureshop as a door: what other clients send it, odd requests, pages, and the control page."""

import json

import pytest

from adapters.futureshop.access import API_PATH
from adapters.kit.mall import Answer
from tests.adapters.futureshop.shop import KEPT, PLAIN, RED_M, Store, store

HEADERS = {"Authorization": "Bearer canary-token", "X-SHOP-KEY": "sampleshop", "Content-Type": "application/json"}


def said(shop: Store, path: str, content: object = None) -> tuple[int, dict[str, object]]:
    shop.clock.passes(seconds=1)
    url = f"http://127.0.0.1{API_PATH}{path}"
    if content is None:
        reply = shop.access.http.get(url, headers=HEADERS)
    else:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        reply = shop.access.http.send("POST", url, headers=HEADERS, content=body)
    assert isinstance(reply, Answer), reply
    found = json.loads(reply.body)
    assert isinstance(found, dict)
    return reply.status, found


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        [],
        {"productList": []},
        {"productList": [{"productNo": f"gd{n}", "inventoryInfo": {}} for n in range(101)]},
    ],
)
def test_a_request_of_another_form_is_refused_as_a_whole(content: object) -> None:
    with store() as shop:
        status, found = said(shop, "inventory", content)
        assert (status, found["status"]) == (400, "failed")
        assert shop.shop.pushes == []


@pytest.mark.parametrize(
    "product",
    [
        5,
        {},
        {"productNo": "0012"},
        {"productNo": "0012", "inventoryInfo": {"regular": {"inventoryList": [{"count": "x"}]}}},
    ],
)
def test_a_product_of_another_form_fails_by_itself(product: object) -> None:
    good = {
        "productNo": "gd4",
        "inventoryInfo": {"regular": {"inventoryList": [{"verticalNo": "rd", "horizontalNo": "m", "count": 2}]}},
    }
    with store() as shop:
        status, found = said(shop, "inventory", {"productList": [product, good]})
        assert (status, found["status"]) == (200, "failed")
        results = found["results"]
        assert isinstance(results, list)
        assert [one["status"] for one in results] == ["failed", "success"]
        assert shop.shop.stock[RED_M] == 2


def test_the_whole_stock_is_read_page_by_page_without_naming_products() -> None:
    with store() as shop:
        shop.state.page = 1
        _, first = said(shop, "inventory?types=regular,preorder")
        next_url = str(first["nextUrl"])
        _, second = said(shop, "inventory?" + next_url.split("?", 1)[1])
        assert "nextUrl" not in second
        products = [*_list(first, "productList"), *_list(second, "productList")]
        assert [one["productNo"] for one in products] == ["0012", "gd4"]


def _list(found: dict[str, object], name: str) -> list[dict[str, object]]:
    rows = found[name]
    assert isinstance(rows, list)
    return rows


def test_orders_are_listed_without_days_and_wrong_days_are_refused() -> None:
    with store() as shop:
        order = shop.shop.sell(KEPT, 1)
        assert order is not None
        assert [row["orderNo"] for row in _list(said(shop, "shipping")[1], "orderList")] == [order.number]
        assert said(shop, "shipping?orderDateStart=soon")[0] == 400
        assert said(shop, f"orders/{order.number}")[1]["orderNo"] == order.number
        assert said(shop, "orders/999")[0] == 404


def test_the_switches_are_set_over_the_control_page() -> None:
    with store() as shop:
        asked = {"rejects": {"0012": "NotManagementSettings"}, "page": 3, "awaiting": True, "expired_token": True}
        url = "http://127.0.0.1/_emulator/futureshop"
        shop.access.http.send("POST", url, headers=HEADERS, content=json.dumps(asked).encode())
        assert shop.push((PLAIN, 1))[0].code == "NotManagementSettings"
        assert len(shop.remembered) == 1
        assert (shop.state.page, shop.state.next_is_awaiting) == (3, True)
