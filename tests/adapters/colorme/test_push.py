"""Pushing to カラーミーショップ: the reading before, what a PUT names, and what each answer means for each listing."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from adapters.colorme.push import BATCH_MAX, push
from adapters.kit.mall import Answer, Lost, NotSent, Reply
from ledger.terms import ListingKey, ListingLevel, Outcome, Result
from tests.adapters.colorme.shop import (
    PLAIN,
    RED_M,
    RED_S,
    WHITE,
    LaidDown,
    access_to,
    answer,
    product,
    refused,
    shop,
)

SHIRT = product(101, 27, ("赤", "S", 9), ("赤", "M", 8), ("白 ", None, 7))
SALT = product(202, 9)
READ = answer(200, {"products": [SHIRT, SALT]})
APPLIED = Outcome(Result.APPLIED)


def told(replies: list[Reply], *levels: tuple[ListingKey, int]) -> list[Outcome]:
    return push(access_to(LaidDown(replies)), [ListingLevel(key, units) for key, units in levels])


SHIRT_TOLD = answer(200, {"product": product(101, 27, ("赤", "S", 3), ("赤", "M", 8), ("白 ", None, 7))})
ALONE = {"product": {"variants": [{"option1_value": "赤", "option2_value": "S", "stocks": 3}]}}


def test_every_variant_is_named_and_the_others_stay_what_they_are() -> None:
    http = LaidDown([READ, SHIRT_TOLD])
    assert push(access_to(http), [ListingLevel(RED_S, 3)]) == [APPLIED]
    (_, read_url, headers, params), (method, url, _, said) = http.asked
    assert read_url == "https://api.shop-pro.jp/v1/products"
    assert headers["Authorization"] == "Bearer token-1"
    assert isinstance(params, dict)
    assert (params["ids"], params["limit"]) == ("101", "50")
    assert (method, url) == ("PUT", "https://api.shop-pro.jp/v1/products/101")
    assert said == {
        "product": {
            "variants": [
                {"option1_value": "赤", "option2_value": "S", "stocks": 3},
                {"option1_value": "赤", "option2_value": "M", "stocks": {"increment": 0}},
                {"option1_value": "白 ", "stocks": {"increment": 0}},
            ]
        }
    }


@pytest.mark.parametrize(("others", "stocks"), [("as_read", [3, 8, 7]), ("left_out", [3])])
def test_what_is_said_of_the_other_variants_can_be_corrected(others: str, stocks: list[int]) -> None:
    http = LaidDown([READ, SHIRT_TOLD])
    assert push(access_to(http, api__other_variants=others), [ListingLevel(RED_S, 3)]) == [APPLIED]
    said = http.asked[1][3]
    assert isinstance(said, dict)
    assert [one["stocks"] for one in said["product"]["variants"]] == stocks


def test_a_mall_that_takes_no_difference_of_zero_is_told_the_variants_alone() -> None:
    http = LaidDown([READ, refused(422, 422100), SHIRT_TOLD])
    assert push(access_to(http), [ListingLevel(RED_S, 3)]) == [APPLIED]
    assert http.asked[2][3] == ALONE


def test_a_sale_between_reading_and_writing_is_not_undone() -> None:
    with shop() as one:
        inner = one.access.http

        class SellsInBetween:
            def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
                found = inner.get(url, headers=headers, params=params)
                one.shop.sell(RED_M, 2)
                return found

            def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
                return inner.send(method, url, headers=headers, content=content)

        access = replace(one.access, http=SellsInBetween())
        one.clock.passes(seconds=10)
        assert push(access, [ListingLevel(RED_S, 3)]) == [APPLIED]
        assert one.shop.stock == {RED_S: 3, RED_M: 7, WHITE: 9, PLAIN: 9}


def test_a_variant_without_a_number_is_not_given_one() -> None:
    read = answer(200, {"products": [product(101, 9, ("赤", "S", 9), ("赤", "M", None))]})
    http = LaidDown([read, answer(200, {"product": product(101, 3, ("赤", "S", 3), ("赤", "M", None))})])
    assert push(access_to(http), [ListingLevel(RED_S, 3)]) == [APPLIED]
    assert http.asked[1][3] == {"product": {"variants": [{"option1_value": "赤", "option2_value": "S", "stocks": 3}]}}


def test_a_product_without_options_is_switched_to_managed_with_its_number() -> None:
    http = LaidDown([READ, answer(200, {"product": product(202, 0)})])
    assert push(access_to(http), [ListingLevel(PLAIN, 0)]) == [APPLIED]
    assert http.asked[1][3] == {"product": {"stock_managed": True, "stocks": 0}}


def test_variants_of_one_product_go_in_one_request() -> None:
    with shop() as one:
        before = one.shop.requests_seen
        assert one.push((RED_S, 1), (PLAIN, 2), (RED_M, 3)) == [APPLIED] * 3
        assert one.shop.requests_seen == before + 3, "one reading, two products"
        assert one.shop.stock == {RED_S: 1, RED_M: 3, WHITE: 9, PLAIN: 2}


def test_with_a_reading_older_than_a_minute_only_the_told_variants_are_named() -> None:
    done = answer(200, {"product": product(101, 3, ("赤", "S", 3), ("赤", "M", 1), ("白 ", None, 1))})
    http = LaidDown([READ, done])
    http.seconds = 59.0
    assert push(access_to(http), [ListingLevel(RED_S, 3)]) == [APPLIED]
    assert len(http.asked[1][3]["product"]["variants"]) == 3  # type: ignore[index]
    http = LaidDown([answer(200, {"products": [SHIRT]}), done])
    http.clock.passes(seconds=2)
    http.seconds = 59.0
    assert push(access_to(http), [ListingLevel(RED_S, 3)]) == [APPLIED]
    assert http.asked[1][3] == {"product": {"variants": [{"option1_value": "赤", "option2_value": "S", "stocks": 3}]}}


def test_when_the_variants_cannot_be_read_the_told_one_goes_alone_or_waits() -> None:
    done = answer(200, {"product": product(101, 3, ("赤", "S", 3), ("赤", "M", 8))})
    for unread in (Lost("deadline_passed"), answer(200, b"<html>")):
        http = LaidDown([unread, done])
        assert push(access_to(http), [ListingLevel(RED_S, 3)]) == [APPLIED]
        assert http.asked[1][3] == {
            "product": {"variants": [{"option1_value": "赤", "option2_value": "S", "stocks": 3}]}
        }
        http = LaidDown([unread])
        waits = push(access_to(http, api__unread_variants="wait"), [ListingLevel(RED_S, 3)])
        assert waits == [Outcome(Result.TRANSIENT, "variants_not_read")]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (ListingKey("101", "赤　x　L"), "variant_not_found"),
        (ListingKey("101", "赤　x　Ｓ"), "variant_not_found"),
        (ListingKey("101", "白"), "variant_not_found"),
        (ListingKey("101"), "stock_kept_by_variant"),
        (ListingKey("999"), "product_not_found"),
        (ListingKey("1,2"), "code_format"),
    ],
)
def test_a_listing_the_shop_does_not_have_is_rejected_and_others_are_told(key: ListingKey, code: str) -> None:
    replies: list[Reply] = [READ, answer(200, {"product": product(202, 4)})]
    assert told(replies, (key, 1), (PLAIN, 4)) == [Outcome(Result.REJECTED, code), APPLIED]


def test_two_variants_of_the_same_texts_are_rejected() -> None:
    twice = answer(200, {"products": [product(101, 9, ("赤", "S", 9), ("赤", "S", 8))]})
    assert told([twice], (RED_S, 1)) == [Outcome(Result.REJECTED, "variant_twice")]


def test_a_variant_of_a_product_sold_without_limit_is_a_task_for_a_person() -> None:
    free = answer(200, {"products": [product(101, 9, ("赤", "S", 9), stock_managed=False)]})
    assert told([free], (RED_S, 1)) == [Outcome(Result.REJECTED, "stock_not_managed")]


def test_another_number_in_the_answer_is_read_back_before_it_is_believed() -> None:
    replies: list[Reply] = [
        READ,
        answer(200, {"product": product(101, 3, ("赤", "S", 2), ("赤", "M", 8), ("白 ", None, 7))}),
        answer(200, {"product": product(202, 4)}),
    ]
    assert told(replies, (RED_S, 3), (PLAIN, 4)) == [Outcome(Result.UNKNOWN, "quantity_differs"), APPLIED]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (refused(401, 401100), Outcome(Result.REJECTED_AUTH, "401100")),
        (refused(403, 403100), Outcome(Result.REJECTED_AUTH, "403100")),
        (answer(429, {}, {"retry-after": "9"}), Outcome(Result.THROTTLED, "http_429", 9.0)),
        (answer(503, b""), Outcome(Result.TRANSIENT, "http_503")),
        (refused(400, 400100), Outcome(Result.TRANSIENT, "400100")),
        (NotSent("connection_refused"), Outcome(Result.TRANSIENT, "connection_refused")),
    ],
)
def test_a_refused_reading_writes_nothing_and_blames_no_listing(reply: Reply, outcome: Outcome) -> None:
    assert told([reply], (RED_S, 1), (ListingKey("1,2"), 1)) == [outcome, Outcome(Result.REJECTED, "code_format")]


@pytest.mark.parametrize(
    ("reply", "first", "second"),
    [
        (refused(401, 401100), Outcome(Result.REJECTED_AUTH, "401100"), Outcome(Result.REJECTED_AUTH, "401100")),
        (answer(429, {}), Outcome(Result.THROTTLED, "http_429", 1.0), Outcome(Result.THROTTLED, "http_429", 1.0)),
        (answer(500, b""), Outcome(Result.TRANSIENT, "http_500"), Outcome(Result.TRANSIENT, "not_sent")),
        (Lost("answer_cut"), Outcome(Result.UNKNOWN, "answer_cut"), Outcome(Result.TRANSIENT, "not_sent")),
        (answer(200, b"{}"), Outcome(Result.UNKNOWN, "answer_not_understood"), Outcome(Result.TRANSIENT, "not_sent")),
    ],
)
def test_after_an_answer_that_promises_nothing_no_further_product_is_sent(
    reply: Reply, first: Outcome, second: Outcome
) -> None:
    assert told([READ, reply], (RED_S, 1), (PLAIN, 1)) == [first, second]


def test_a_refused_product_does_not_fail_the_next_one() -> None:
    done: Answer = answer(200, {"product": product(202, 4)})
    for status, code, times in ((422, "422100", 2), (404, "404100", 1)):
        alone = told([READ, *[refused(status, int(code))] * times, done], (RED_S, 1), (PLAIN, 4))
        assert alone == [Outcome(Result.REJECTED, code), APPLIED]
    both = told([READ, refused(422, 422100), refused(422, 422100), done], (RED_S, 1), (RED_M, 1), (PLAIN, 4))
    assert both == [Outcome(Result.REFUSED, "422100")] * 2 + [APPLIED], "nobody knows which variant it was"


def test_no_request_leaves_when_the_time_of_a_call_is_over() -> None:
    http = LaidDown([READ, answer(200, {"product": product(101, 1, ("赤", "S", 1), ("赤", "M", 8), ("白 ", None, 7))})])
    http.seconds = 31.0
    outcomes = push(access_to(http), [ListingLevel(RED_S, 1), ListingLevel(PLAIN, 4)])
    assert outcomes == [APPLIED, Outcome(Result.TRANSIENT, "out_of_time")]


def test_without_a_token_nothing_is_asked() -> None:
    outcomes = push(access_to(LaidDown([]), secrets={"access_token": " "}), [ListingLevel(PLAIN, 1)])
    assert outcomes == [Outcome(Result.REJECTED_AUTH, "token_missing")]


def test_the_whole_batch_may_be_of_different_products() -> None:
    with shop() as one:
        keys = [ListingKey(str(number)) for number in range(1, BATCH_MAX + 1)]
        for key in keys:
            one.shop.set_stock(key, 1)
        assert one.push(*((key, 5) for key in keys)) == [APPLIED] * BATCH_MAX
        one.clock.passes(seconds=2.1 - 10)
        assert one.push(*((key, 6) for key in keys)) == [APPLIED] * BATCH_MAX


def test_sending_the_same_again_after_a_lost_answer_is_safe() -> None:
    with shop() as one:
        assert one.push((RED_S, 4)) == one.push((RED_S, 4)) == [APPLIED]
        assert one.shop.stock[RED_S] == 4
