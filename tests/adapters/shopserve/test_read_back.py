"""Reading back from ショップサーブ and testing a connection: without limit is no number, whatever form a count has."""

import pytest

from adapters.kit.mall import Lost, ReadFailed, Reply
from adapters.shopserve.read_back import connection_test, read_back
from ledger.terms import ListingKey, ListingRead, Result
from tests.adapters.shopserve.shop import PLAIN, RED_M, RED_S, LaidDown, access_to, answer, refused, shop


def item(**said: object) -> Reply:
    return answer(200, {"stock": {"management_type": "Item", **said}})


def test_the_emulated_shop_says_what_it_shows() -> None:
    with shop() as one:
        one.shop.set_stock(RED_M, None)
        missing = [ListingKey("AAA/1", "赤"), ListingKey("AAA/1"), ListingKey("no")]
        assert read_back(one.access, [PLAIN, RED_M]) == [ListingRead(PLAIN, 9), ListingRead(RED_M, None)]
        not_there = [ListingRead(key, None, found=False, sellable=False) for key in missing]
        assert read_back(one.access, missing) == not_there
        assert read_back(one.access, [RED_S, missing[0]]) == [ListingRead(RED_S, 9), not_there[0]]


def test_variations_of_one_item_are_read_by_one_request() -> None:
    with shop() as one:
        before = one.shop.requests_seen
        read_back(one.access, [RED_S, RED_M, RED_S])
        assert one.shop.requests_seen == before + 1


@pytest.mark.parametrize(
    ("said", "units"),
    [
        ({"unlimited": "No", "quantity": 12}, 12),
        ({"unlimited": "No", "quantity": "12"}, 12),
        ({"unlimited": "No", "quantity": "-1"}, 0),
        ({"unlimited": "Yes", "quantity": 99}, None),
    ],
)
def test_a_count_may_be_a_number_or_a_text(said: dict[str, object], units: int | None) -> None:
    assert read_back(access_to(LaidDown([item(**said)])), [PLAIN]) == [ListingRead(PLAIN, units)]


def test_names_of_fields_can_be_corrected() -> None:
    laid = LaidDown([answer(200, {"zaiko": {"management_type": "Item", "unlimited": "No", "kazu": 5}})])
    access = access_to(laid, stock__stock="zaiko", stock__quantity="kazu")
    assert read_back(access, [PLAIN]) == [ListingRead(PLAIN, 5)]


@pytest.mark.parametrize(
    ("reply", "failed"),
    [
        (refused(401, "E401"), ReadFailed(Result.REJECTED_AUTH, "E401")),
        (answer(403), ReadFailed(Result.REJECTED_AUTH, "http_403")),
        (answer(429, None, {"retry-after": "3"}), ReadFailed(Result.THROTTLED, "http_429", 3.0)),
        (answer(500), ReadFailed(Result.TRANSIENT, "http_500")),
        (answer(200, b"<html>"), ReadFailed(Result.TRANSIENT, "answer_not_understood")),
        (item(unlimited="No"), ReadFailed(Result.TRANSIENT, "answer_not_understood")),
        (item(unlimited="No", quantity="many"), ReadFailed(Result.TRANSIENT, "answer_not_understood")),
        (
            answer(
                200, {"stock": {"management_type": "Variation", "variations": [{"unlimited": "No", "quantity": 1}]}}
            ),
            ReadFailed(Result.TRANSIENT, "answer_not_understood"),
        ),
        (Lost("answer_cut"), ReadFailed(Result.TRANSIENT, "answer_cut")),
    ],
)
def test_a_read_that_fails_gives_no_number(reply: Reply, failed: ReadFailed) -> None:
    assert read_back(access_to(LaidDown([reply])), [PLAIN]) == failed


def test_a_look_that_takes_too_long_is_given_up() -> None:
    http = LaidDown([item(unlimited="No", quantity=1)] * 3)
    http.seconds = 26.0
    keys = [ListingKey("a"), ListingKey("b"), ListingKey("c")]
    assert read_back(access_to(http), keys) == ReadFailed(Result.TRANSIENT, "out_of_time")


def test_the_connection_test_names_the_key_when_it_is_at_fault() -> None:
    with shop() as one:
        assert connection_test(one.access).ok
    tested = connection_test(access_to(LaidDown([refused(401, "E401")])))
    assert not tested.ok
    assert "マネージャー認証キー" in tested.message
    assert not connection_test(access_to(LaidDown([answer(200, {"items": []})]))).ok
