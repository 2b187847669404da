"""Reading back from Yahoo!ショッピング: blank is not zero, closed is not sellable, and a failed read gives no number."""

import pytest

from adapters.kit.mall import ReadFailed, Reply
from adapters.yahoo_shopping.read_back import read_back
from ledger.terms import ListingKey, ListingRead, Result
from tests.adapters.yahoo_shopping.store import BLUE, PLAIN, LaidDown, access_to, answer, error, result_set, store


def row(key: ListingKey, rest: str) -> str:
    return f"<ItemCode>{key.item}</ItemCode><SubCode>{key.variant}</SubCode>{rest}"


def test_the_emulated_store_says_what_it_shows() -> None:
    with store() as shop:
        shop.shop.set_stock(BLUE, None)
        shop.state.closed.add(PLAIN)
        gone = ListingKey("not-there")
        assert read_back(shop.access, [PLAIN, gone, BLUE]) == [
            ListingRead(PLAIN, 9, sellable=False),
            ListingRead(gone, None, found=False, sellable=False),
            ListingRead(BLUE, None),
        ]


def test_a_code_yahoo_cannot_have_is_not_there_and_not_asked_for() -> None:
    http = LaidDown(
        [answer(200, result_set(row(PLAIN, "<Status>1</Status><Quantity>4</Quantity><IsPublished>0</IsPublished>")))]
    )
    odd = ListingKey("商品")
    assert read_back(access_to(http), [odd, PLAIN]) == [
        ListingRead(odd, None, found=False, sellable=False),
        ListingRead(PLAIN, 4, sellable=False),
    ]
    assert http.asked[0][2] == {"seller_id": "samplestore", "item_code": "test1234"}


def test_a_number_below_zero_is_read_as_zero() -> None:
    http = LaidDown([answer(200, result_set(row(PLAIN, "<Status>1</Status><Quantity>-2</Quantity>")))])
    assert read_back(access_to(http), [PLAIN]) == [ListingRead(PLAIN, 0)]


@pytest.mark.parametrize(
    ("reply", "failed"),
    [
        (answer(200, result_set()), ReadFailed(Result.TRANSIENT, "answer_incomplete")),
        (
            answer(207, result_set(row(PLAIN, "<ErrorCode>ed-10001</ErrorCode>"))),
            ReadFailed(Result.TRANSIENT, "answer_incomplete"),
        ),
        (answer(400, error("ed-00002")), ReadFailed(Result.TRANSIENT, "ed-00002", 300)),
        (answer(400, error("st-01100")), ReadFailed(Result.REJECTED_AUTH, "st-01100")),
        (answer(400, error("st-01101")), ReadFailed(Result.TRANSIENT, "st-01101")),
        (answer(400, error("st-01999")), ReadFailed(Result.TRANSIENT, "st-01999")),
        (answer(429, "", {"retry-after": "3"}), ReadFailed(Result.THROTTLED, "http_429", 3.0)),
        (answer(503, ""), ReadFailed(Result.TRANSIENT, "http_503")),
        (answer(200, "<html>"), ReadFailed(Result.TRANSIENT, "answer_not_xml")),
    ],
)
def test_a_read_that_fails_gives_no_number(reply: Reply, failed: ReadFailed) -> None:
    assert read_back(access_to(LaidDown([reply])), [PLAIN]) == failed
