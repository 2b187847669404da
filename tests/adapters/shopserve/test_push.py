"""Pushing to ショップサーブ: one PUT a row, what it says, and what each answer means."""

import pytest

from adapters.kit.mall import Lost, NotSent, Reply
from adapters.shopserve.push import BATCH_MAX, push
from ledger.terms import ListingKey, ListingLevel, Outcome, Result
from tests.adapters.shopserve.shop import PLAIN, RED_M, RED_S, LaidDown, access_to, answer, refused, shop

APPLIED = Outcome(Result.APPLIED)
ROW = {"variation_name1": "レッド", "variation_name2": "S", "unlimited": "No", "quantity": "3"}


def told(reply: Reply, *more: Reply) -> Outcome:
    return push(access_to(LaidDown([reply, *more])), [ListingLevel(PLAIN, 3)])[0]


def test_a_row_says_its_choices_its_number_and_that_it_is_limited() -> None:
    http = LaidDown([answer(200), answer(204)])
    assert push(access_to(http), [ListingLevel(RED_S, 3), ListingLevel(PLAIN, 0)]) == [APPLIED] * 2
    method, url, headers, said = http.asked[0]
    assert (method, url) == ("PUT", "https://management.api.shopserve.jp/v2/items/AAA%2F1/stock")
    assert headers["Authorization"] == "Basic c2FtcGxlLmFiOnNlY3JldC0x"
    assert said == ROW
    assert http.asked[1][3] == {"unlimited": "No", "quantity": "0"}


def test_a_quantity_refused_as_text_is_told_once_more_as_a_number() -> None:
    http = LaidDown([refused(400, "E400"), answer(200)])
    assert push(access_to(http, alert="5"), [ListingLevel(RED_S, 3)]) == [APPLIED]
    assert http.asked[0][3] == {**ROW, "alert_threshold": "5"}
    assert http.asked[1][3] == {**ROW, "quantity": 3, "alert_threshold": 5}
    http = LaidDown([refused(400, "E400"), refused(400, "E400")])
    rejected = push(access_to(http, stock__quantity_form="number"), [ListingLevel(RED_S, 3)])
    assert rejected == [Outcome(Result.REJECTED, "E400")]
    assert [said["quantity"] for _, _, _, said in http.asked if isinstance(said, dict)] == [3, "3"]


def test_the_alert_threshold_is_sent_when_the_shop_has_one_and_only_a_count() -> None:
    for alert, sent in (("", False), ("3", True), ("三", False), ("-1", False)):
        http = LaidDown([answer(200)])
        push(access_to(http, alert=alert), [ListingLevel(PLAIN, 1)])
        said = http.asked[0][3]
        assert isinstance(said, dict)
        assert ("alert_threshold" in said) is sent, alert


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (answer(200, {}), APPLIED),
        (answer(201, {"result": "ok"}), APPLIED),
        (answer(200, {"stock": {"management_type": "Item", "unlimited": "No", "quantity": "3"}}), APPLIED),
        (
            answer(200, {"stock": {"management_type": "Item", "unlimited": "No", "quantity": 2}}),
            Outcome(Result.UNKNOWN, "quantity_differs"),
        ),
        (
            answer(200, {"stock": {"management_type": "Item", "unlimited": "Yes"}}),
            Outcome(Result.UNKNOWN, "quantity_differs"),
        ),
        (answer(200, {"errors": [{"code": "E1", "message": "x"}]}), Outcome(Result.REJECTED, "E1")),
        (answer(200, b"<html>"), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (answer(302), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (refused(404, "E404"), Outcome(Result.REJECTED, "E404")),
        (answer(404, b"<html>"), Outcome(Result.REJECTED, "http_404")),
        (refused(404, "お客様の番号"), Outcome(Result.REJECTED, "code_not_understood")),
        (refused(401, "E401"), Outcome(Result.REJECTED_AUTH, "E401")),
        (answer(403), Outcome(Result.REJECTED_AUTH, "http_403")),
        (answer(429, None, {"retry-after": "9"}), Outcome(Result.THROTTLED, "http_429", 9.0)),
        (answer(503), Outcome(Result.TRANSIENT, "http_503")),
        (NotSent("connection_refused"), Outcome(Result.TRANSIENT, "connection_refused")),
        (Lost("answer_cut"), Outcome(Result.UNKNOWN, "answer_cut")),
    ],
)
def test_each_answer_means_one_thing(reply: Reply, outcome: Outcome) -> None:
    assert told(reply) == outcome


def test_one_row_at_fault_does_not_fail_the_others_and_a_broken_mall_stops_them() -> None:
    with shop() as one:
        gone = ListingKey("AAA/1", "赤")
        assert one.push((gone, 1), (PLAIN, 4)) == [Outcome(Result.REJECTED, "E400"), APPLIED]
        assert one.push((ListingKey("AAA/1"), 1), (ListingKey("no"), 1), (RED_M, 2)) == [
            Outcome(Result.REJECTED, "E400"),
            Outcome(Result.REJECTED, "E404"),
            APPLIED,
        ]
    http = LaidDown([answer(500)])
    stopped = push(access_to(http), [ListingLevel(RED_S, 1), ListingLevel(PLAIN, 1)])
    assert stopped == [Outcome(Result.TRANSIENT, "http_500"), Outcome(Result.TRANSIENT, "not_sent")]


def test_a_listing_named_twice_is_sent_once_and_one_of_no_form_not_at_all() -> None:
    http = LaidDown([answer(200)])
    four = ListingKey("a", "1　／　2　／　3　／　4")
    levels = [ListingLevel(PLAIN, 1), ListingLevel(four, 1), ListingLevel(PLAIN, 2)]
    rejected = Outcome(Result.REJECTED, "code_format")
    assert push(access_to(http), levels) == [APPLIED, rejected, APPLIED]
    assert [said for _, _, _, said in http.asked] == [{"unlimited": "No", "quantity": "2"}]
    assert push(access_to(http), [ListingLevel(ListingKey("a\nb"), 1)]) == [rejected]


def test_no_row_leaves_when_the_time_of_a_call_is_over() -> None:
    http = LaidDown([answer(200), answer(200), answer(200)])
    http.seconds = 26.0
    outcomes = push(access_to(http), [ListingLevel(key, 1) for key in (RED_S, RED_M, PLAIN)])
    assert outcomes == [APPLIED, APPLIED, Outcome(Result.TRANSIENT, "out_of_time")]


def test_a_full_batch_and_the_next_keep_the_rate() -> None:
    with shop() as one:
        keys = [ListingKey(f"item-{number}") for number in range(BATCH_MAX)]
        for key in keys:
            one.shop.set_stock(key, 1)
        for _ in range(10):
            one.clock.passes(seconds=2.6 - 10)  # the push itself lets ten seconds pass
            assert one.push(*((key, 5) for key in keys)) == [APPLIED] * BATCH_MAX


def test_a_mall_that_takes_numbers_only_and_answers_nothing_is_told_all_the_same() -> None:
    with shop() as one:
        one.state.takes, one.state.answers = "number", False
        assert one.push((RED_S, 4)) == [APPLIED]
        assert one.shop.stock[RED_S] == 4


def test_a_number_ends_being_sold_without_limit() -> None:
    with shop() as one:
        one.shop.set_stock(PLAIN, None)
        assert one.push((PLAIN, 4)) == [APPLIED]
        assert one.shop.stock[PLAIN] == 4
