"""Reading futureshop's numbers back: both buckets, goods that are not counted or not visible, and half answers."""

import pytest

from adapters.futureshop.read_back import read_back
from adapters.kit.mall import ReadFailed
from ledger.terms import ListingKey, ListingRead, Result
from tests.adapters.futureshop.shop import KEPT, PLAIN, RED_L, RED_M, LaidDown, access_to, answer, failed, store

MISSING = ListingKey("nothing")


def test_both_buckets_and_what_is_missing_are_told_apart() -> None:
    with store() as shop:
        shop.push((RED_M, 4), (KEPT, 6))
        shop.clock.passes(seconds=1)
        assert read_back(shop.access, [PLAIN, RED_M, RED_L, KEPT, MISSING]) == [
            ListingRead(PLAIN, 9),
            ListingRead(RED_M, 4),
            ListingRead(RED_L, 9),
            ListingRead(KEPT, 6),
            ListingRead(MISSING, None, found=False, sellable=False),
        ]


def test_goods_that_are_not_counted_are_unlimited_and_hidden_ones_not_sellable() -> None:
    with store() as shop:
        shop.state.uncounted.add("0012")
        shop.state.hidden.add("gd4")
        assert read_back(shop.access, [PLAIN, RED_M]) == [
            ListingRead(PLAIN, None),
            ListingRead(RED_M, 9, sellable=False),
        ]
    bare = answer({"productList": [{"productNo": "0012", "inventoryEnabled": False, "inventoryInfo": {}}]})
    assert read_back(access_to(LaidDown([bare])), [PLAIN]) == [ListingRead(PLAIN, None)]


def test_a_page_that_ends_before_everything_asked_for_says_nothing() -> None:
    with store() as shop:
        shop.state.page = 1
        assert read_back(shop.access, [PLAIN, RED_M]) == ReadFailed(Result.TRANSIENT, "answer_incomplete")
        shop.clock.passes(seconds=1)
        assert read_back(shop.access, [PLAIN]) == [ListingRead(PLAIN, 9)]


def test_the_numbers_asked_for_are_named_once_each() -> None:
    http = LaidDown([answer({"productList": []})])
    read_back(access_to(http), [RED_M, RED_L, PLAIN, ListingKey("商品")])
    assert http.asked[0][3] == {"types": "regular,preorder", "productNo": "0012,gd4"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"productList": [5]},
        {"productList": [{"productNo": "0012"}]},
        {"productList": [{"productNo": "0012", "inventoryInfo": {"regular": {"inventoryList": [{"count": "3"}]}}}]},
        {"productList": [{"productNo": "0012", "inventoryInfo": {"regular": {"inventoryList": [{}]}}}]},
    ],
)
def test_half_an_answer_gives_no_number(body: object) -> None:
    found = read_back(access_to(LaidDown([answer(body)])), [PLAIN])
    assert found == ReadFailed(Result.TRANSIENT, "answer_not_understood")


def test_a_refusal_is_named_by_its_code() -> None:
    found = read_back(access_to(LaidDown([failed("InvalidParameter")])), [PLAIN])
    assert found == ReadFailed(Result.TRANSIENT, "InvalidParameter")
