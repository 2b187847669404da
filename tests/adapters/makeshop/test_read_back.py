"""Reading MakeShop's numbers back, and the connection test with what it warns of."""

import pytest

from adapters.kit.mall import NotSent, ReadFailed
from adapters.makeshop.read_back import connection_test, read_back
from ledger.terms import ListingKey, ListingRead, Result
from tests.adapters.makeshop.shop import BLUE, PLAIN, LaidDown, access_to, answer, error, store

MISSING = ListingKey("999999999999")


def test_products_variations_unlimited_and_missing_are_told_apart() -> None:
    with store() as shop:
        shop.shop.set_stock(ListingKey("000000000003"), None)
        shop.push((PLAIN, 4))
        read = read_back(shop.access, [PLAIN, BLUE, ListingKey("000000000003"), MISSING])
        assert read == [
            ListingRead(PLAIN, 4),
            ListingRead(BLUE, 9),
            ListingRead(ListingKey("000000000003"), None),
            ListingRead(MISSING, None, found=False, sellable=False),
        ]


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"searchProductQuantity": {"searchedCount": 2, "products": [{"systemCode": "1", "quantity": 1}]}}},
        {"data": {"searchProductQuantity": {"products": [{"systemCode": "1", "quantity": "3.5"}]}}},
        {"data": {"searchProductQuantity": {"products": [{"systemCode": 1, "quantity": 3}]}}},
        {"data": {"searchProductQuantity": {"products": [{"systemCode": "1", "variations": [{"quantity": 3}]}]}}},
        {"data": {"searchProductQuantity": None}},
        {"data": None},
    ],
)
def test_half_an_answer_gives_no_number(body: object) -> None:
    assert read_back(access_to(LaidDown([answer(body)])), [PLAIN]) == ReadFailed(
        Result.TRANSIENT, "answer_not_understood"
    )


def test_data_beside_an_error_is_not_read() -> None:
    body = {"data": {"searchProductQuantity": {"products": []}}, "errors": [error("INTERNAL_SERVER_ERROR", "x")]}
    assert read_back(access_to(LaidDown([answer(body)])), [PLAIN]) == ReadFailed(
        Result.TRANSIENT, "INTERNAL_SERVER_ERROR"
    )
    assert read_back(access_to(LaidDown([NotSent("name_not_found")])), [PLAIN]) == ReadFailed(
        Result.TRANSIENT, "name_not_found"
    )


def test_numbers_as_text_and_below_zero_are_counts() -> None:
    rows = [{"systemCode": PLAIN.item, "quantity": "12"}, {"systemCode": MISSING.item, "quantity": -3}]
    body = {"data": {"searchProductQuantity": {"searchedCount": 2, "products": rows}}}
    assert read_back(access_to(LaidDown([answer(body)])), [PLAIN, MISSING]) == [
        ListingRead(PLAIN, 12),
        ListingRead(MISSING, 0),
    ]


def test_the_connection_test_names_the_document_that_does_not_fit() -> None:
    with store() as shop:
        assert connection_test(shop.access).warnings == ()
        shop.state.unknown_names = frozenset({"variationId"})
        told = connection_test(shop.access)
        assert told.ok
        assert [warning.code for warning in told.warnings] == ["order_document", "stock_document"]


def test_a_shop_that_removed_the_app_is_told_that_the_token_is_dead() -> None:
    with store() as shop:
        shop.state.uninstalled = True
        told = connection_test(shop.access)
        assert not told.ok
        assert "アンインストール" in told.message
