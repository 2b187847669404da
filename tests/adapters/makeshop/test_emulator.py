"""The emulated MakeShop as a door: headers, documents, its limits, and its switches over the control page."""

import json

from adapters.kit.mall import Answer
from adapters.makeshop.graphql import post
from ledger.terms import ListingKey
from tests.adapters.makeshop.shop import PLAIN, RED, Store, store


def said(shop: Store, document: str, variables: dict[str, object] | None = None) -> dict[str, object]:
    reply = post(shop.access, document, variables or {})
    assert isinstance(reply, Answer), reply
    found = json.loads(reply.body)
    assert isinstance(found, dict)
    return found


def test_introspection_and_unknown_fields_are_refused_before_anything_is_carried_out() -> None:
    with store() as shop:
        for document in ("{ __schema { types { name } } }", "query q($i: X!) { getSecrets(input: $i) { a } }", "hello"):
            assert "data" not in {name for name, value in said(shop, document, {"i": {}}).items() if value}
        mixed = "mutation m($i: X!) { a: updateProductQuantity(input: $i) { systemCode nothing } }"
        assert said(shop, mixed, {"i": {"systemCode": PLAIN.item, "quantity": 1}})["data"] is None
        assert shop.shop.stock[PLAIN] == 9


def test_the_document_of_a_working_client_is_answered_as_that_client_reads_it() -> None:
    document = (
        "query searchOrder($input: SearchOrderRequest!) {searchOrder(input: $input) {searchedCount page orders "
        "{displayOrderNumber orderDate memberId sumPrice deliveryInfos "
        "{basketInfos {productCode productName price amount}}}}}"
    )
    asked = {
        "startOrderDate": "20261120000000",
        "endOrderDate": "20261120235959",
        "deliveryStatus": "N",
        "sortOrder": "ASC",
        "page": 1,
        "limit": 1000,
    }
    with store() as shop:
        order = shop.shop.sell(PLAIN, 2)
        assert order is not None
        basket = {"productCode": PLAIN.item, "productName": "サンプル商品", "price": 2980, "amount": 2}
        row = {
            "displayOrderNumber": order.number,
            "orderDate": "2026-11-20 09:05:00",
            "memberId": "sample-member",
            "sumPrice": 5960,
            "deliveryInfos": [{"basketInfos": [basket]}],
        }
        found = {"searchOrder": {"searchedCount": 1, "page": 1, "orders": [row]}}
        assert said(shop, document, {"input": asked}) == {"data": found}


def test_fields_of_a_mutation_are_carried_out_one_after_the_other() -> None:
    with store() as shop:
        document = (
            "mutation m($i: X!, $j: X!) { a: updateProductQuantity(input: $i) { quantity }"
            " b: updateProductQuantity(input: $j) { quantity } }"
        )
        inputs = {"i": {"systemCode": PLAIN.item, "quantity": 1}, "j": {"systemCode": PLAIN.item, "quantity": 2}}
        assert said(shop, document, dict(inputs))["data"] is not None
        assert shop.shop.stock[PLAIN] == 2


def test_a_sale_lowers_the_malls_own_number_and_unlimited_stays_unlimited() -> None:
    with store() as shop:
        shop.shop.set_stock(ListingKey("000000000003"), None)
        assert shop.shop.sell(ListingKey("000000000003"), 50) is not None
        assert shop.shop.sell(RED, 10) is None
        assert shop.shop.sell(RED, 9) is not None
        assert shop.shop.stock[RED] == 0
        assert shop.shop.stock[ListingKey("000000000003")] is None


def test_the_switches_are_set_over_the_control_page() -> None:
    with store() as shop:
        asked = {"rejects": {PLAIN.item: "PRODUCT_LOCKED"}, "unknown_names": ["updateDate"], "null_as_a_whole": True}
        url = "http://127.0.0.1/_emulator/makeshop"
        headers = {"content-type": "application/json"}
        reply = shop.access.http.send("POST", url, headers=headers, content=json.dumps(asked).encode())
        assert isinstance(reply, Answer)
        assert shop.push((PLAIN, 1))[0].code == "PRODUCT_LOCKED"
        assert shop.state.null_as_a_whole
        shop.shop.sell(RED, 1)
        shop.clock.passes(minutes=5)
        notices = shop.access.http.get(f"{url}/notices", headers={})
        assert isinstance(notices, Answer)
        assert len(json.loads(notices.body)["notices"]) == 1
