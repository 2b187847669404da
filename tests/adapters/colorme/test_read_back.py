"""Reading back from カラーミーショップ and testing a connection: no limit is no number, hidden is not sellable."""

import pytest

from adapters.colorme.read_back import connection_test, read_back
from adapters.kit.mall import Lost, ReadFailed, Reply
from ledger.terms import ListingKey, ListingRead, Result
from tests.adapters.colorme.shop import (
    PLAIN,
    RED_M,
    RED_S,
    LaidDown,
    access_to,
    answer,
    product,
    refused,
    shop,
)


def test_the_emulated_shop_says_what_it_shows() -> None:
    with shop() as one:
        one.shop.set_stock(RED_M, None)
        one.state.hidden.add("202")
        gone = ListingKey("101", "黒")
        assert read_back(one.access, [PLAIN, gone, RED_M, RED_S, ListingKey("101")]) == [
            ListingRead(PLAIN, 9, sellable=False),
            ListingRead(gone, None, found=False, sellable=False),
            ListingRead(RED_M, None),
            ListingRead(RED_S, 9),
            ListingRead(ListingKey("101"), None, found=False, sellable=False),
        ]


def test_a_product_without_stock_management_has_no_number() -> None:
    http = LaidDown([answer(200, {"products": [product(202, 5, stock_managed=False)]})])
    assert read_back(access_to(http), [PLAIN]) == [ListingRead(PLAIN, None)]


def test_options_without_numbers_leave_the_stock_to_the_product() -> None:
    http = LaidDown([answer(200, {"products": [product(202, 5, ("赤", None, None))]})])
    assert read_back(access_to(http), [PLAIN]) == [ListingRead(PLAIN, 5)]


def test_a_number_below_zero_is_read_as_zero() -> None:
    assert read_back(access_to(LaidDown([answer(200, {"products": [product(202, -2)]})])), [PLAIN]) == [
        ListingRead(PLAIN, 0)
    ]


def test_a_product_number_of_no_known_form_is_not_asked_for() -> None:
    odd = ListingKey("1,2")
    assert read_back(access_to(LaidDown([])), [odd]) == [ListingRead(odd, None, found=False, sellable=False)]


@pytest.mark.parametrize(
    ("reply", "failed"),
    [
        (refused(401, 401100), ReadFailed(Result.REJECTED_AUTH, "401100")),
        (refused(403, 403100), ReadFailed(Result.REJECTED_AUTH, "403100")),
        (answer(429, {}, {"retry-after": "3"}), ReadFailed(Result.THROTTLED, "http_429", 3.0)),
        (answer(503, b""), ReadFailed(Result.TRANSIENT, "http_503")),
        (answer(200, b"<html>"), ReadFailed(Result.TRANSIENT, "answer_not_understood")),
        (answer(200, {"products": [{"id": 1, "stocks": "9"}]}), ReadFailed(Result.TRANSIENT, "answer_not_understood")),
        (Lost("answer_cut"), ReadFailed(Result.TRANSIENT, "answer_cut")),
    ],
)
def test_a_read_that_fails_gives_no_number(reply: Reply, failed: ReadFailed) -> None:
    assert read_back(access_to(LaidDown([reply])), [PLAIN]) == failed


def test_a_pasted_login_code_becomes_a_token_once() -> None:
    with shop(secrets={"access_token": "", "authorization_code": "code-1"}) as one:
        tested = connection_test(one.access)
        assert tested.ok, tested
        assert one.secrets["authorization_code"] == ""
        assert one.secrets["access_token"].startswith("token-of-")
        assert connection_test(one.access).ok
        assert isinstance(read_back(one.access, [PLAIN]), list)


def test_a_login_code_that_was_used_is_named_and_the_kept_token_is_still_tried() -> None:
    with shop(secrets={"authorization_code": "code-1"}) as one:
        one.state.codes.clear()
        tested = connection_test(one.access)
        assert tested.ok
        assert [warning.code for warning in tested.warnings] == ["authorization_code_refused"]
    with shop(secrets={"access_token": "", "authorization_code": ""}) as one:
        assert not connection_test(one.access).ok


def test_a_missing_permission_is_named() -> None:
    for scope, label in (("read_products", "商品を読む権限"), ("read_sales", "受注を読む権限")):
        with shop() as one:
            one.state.scopes.discard(scope)
            tested = connection_test(one.access)
            assert not tested.ok
            assert label in tested.message
