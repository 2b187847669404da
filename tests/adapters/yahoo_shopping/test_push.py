"""Pushing to Yahoo!ショッピング: what is sent, and what each answer of setStock means for each listing."""

import pytest

from adapters.kit.mall import Answer, Lost, NotSent
from adapters.yahoo_shopping.push import push
from ledger.terms import ListingKey, ListingLevel, Outcome, Result
from tests.adapters.yahoo_shopping.store import BLUE, PLAIN, LaidDown, access_to, answer, error, result_set, store

BLUE_DONE = "<ItemCode>item-01</ItemCode><SubCode>blue</SubCode><Quantity>3</Quantity>"
PLAIN_DONE = "<ItemCode>test1234</ItemCode><SubCode></SubCode><Quantity>6</Quantity>"
LEVELS = [ListingLevel(PLAIN, 6), ListingLevel(BLUE, 3)]


def told(reply: Answer | Lost | NotSent, levels: list[ListingLevel] | None = None) -> list[Outcome]:
    return push(access_to(LaidDown([reply])), levels or LEVELS)


def test_numbers_are_sent_bare_and_codes_joined_by_a_colon() -> None:
    http = LaidDown([answer(200, result_set(BLUE_DONE, PLAIN_DONE))])
    assert push(access_to(http), LEVELS) == [Outcome(Result.APPLIED)] * 2
    url, headers, form = http.asked[0]
    assert url == "https://circus.shopping.yahooapis.jp/ShoppingWebService/V1/setStock"
    assert headers["Authorization"] == "Bearer access-1"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form == {"seller_id": "samplestore", "item_code": "test1234,item-01:blue", "quantity": "6,3"}


def test_a_test_store_is_spoken_to_at_the_test_host() -> None:
    http = LaidDown([answer(200, result_set(BLUE_DONE, PLAIN_DONE))])
    push(access_to(http, settings={"seller_id": "snbx-samplestore"}), LEVELS)
    assert http.asked[0][0].startswith("https://test.circus.shopping.yahooapis.jp/")


def test_results_are_found_by_their_codes_whatever_their_order() -> None:
    failed = "<ItemCode>item-01</ItemCode><SubCode>blue</SubCode><ErrorCode>st-02104</ErrorCode>"
    assert told(answer(207, result_set(failed, PLAIN_DONE))) == [
        Outcome(Result.APPLIED),
        Outcome(Result.REJECTED, "st-02104"),
    ]
    assert told(answer(207, result_set(PLAIN_DONE, failed))) == [
        Outcome(Result.APPLIED),
        Outcome(Result.REJECTED, "st-02104"),
    ]


def test_a_row_that_was_written_but_not_read_back_is_unknown() -> None:
    failed = "<ItemCode>item-01</ItemCode><SubCode>blue</SubCode><ErrorCode>ed-10002</ErrorCode>"
    assert told(answer(207, result_set(PLAIN_DONE, failed)))[1] == Outcome(Result.UNKNOWN, "ed-10002")


def test_a_result_that_is_missing_or_said_twice_is_unknown() -> None:
    assert told(answer(200, result_set(PLAIN_DONE))) == [
        Outcome(Result.APPLIED),
        Outcome(Result.UNKNOWN, "result_missing"),
    ]
    assert told(answer(200, result_set(PLAIN_DONE, BLUE_DONE, BLUE_DONE)))[1] == Outcome(Result.UNKNOWN, "result_twice")


def test_another_number_in_the_result_is_read_back_before_it_is_believed() -> None:
    assert told(answer(200, result_set(PLAIN_DONE, BLUE_DONE.replace(">3<", ">2<"))))[1] == Outcome(
        Result.UNKNOWN, "quantity_differs"
    )


@pytest.mark.parametrize("code", ["st-02101", "st-02102", "st-02103", "st-02104", "st-02105", "ed-10001"])
def test_a_refused_request_refuses_every_row_and_rejects_a_row_that_stood_alone(code: str) -> None:
    assert told(answer(400, error(code))) == [Outcome(Result.REFUSED, code)] * 2
    assert told(answer(400, error(code)), LEVELS[:1]) == [Outcome(Result.REJECTED, code)]


def test_a_refusal_that_names_its_code_rejects_that_row_only() -> None:
    reply = answer(400, error("st-02101", "item_code(item-01:blue) is invalid format."))
    assert told(reply) == [Outcome(Result.REFUSED, "st-02101"), Outcome(Result.REJECTED, "st-02101")]


@pytest.mark.parametrize("code", ["st-02000", "ed-00002"])
def test_maintenance_is_asked_again_later(code: str) -> None:
    assert told(answer(400, error(code))) == [Outcome(Result.TRANSIENT, code, 300)] * 2


@pytest.mark.parametrize("code", ["", "ed-00006", "st-02999x"])
def test_a_store_that_publishes_or_uploads_is_asked_again_later(code: str) -> None:
    reply = answer(400, error(code, "反映またはアップロード中のため更新ができません。"))
    assert told(reply) == [Outcome(Result.TRANSIENT, code or "busy", 60)] * 2


@pytest.mark.parametrize("code", ["st-02999", "ed-00001"])
def test_a_system_error_may_have_written_something(code: str) -> None:
    assert told(answer(400, error(code))) == [Outcome(Result.UNKNOWN, code)] * 2


@pytest.mark.parametrize("code", ["st-02100", "ed-00003", "ed-00004", "ed-00005", "px-04001", "px-04306"])
def test_a_store_or_key_at_fault_stops_the_shop(code: str) -> None:
    assert told(answer(400, error(code))) == [Outcome(Result.REJECTED_AUTH, code)] * 2


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, "<html>", Outcome(Result.UNKNOWN, "answer_not_xml")),
        (200, b"\x82\xa0", Outcome(Result.UNKNOWN, "answer_not_utf8")),
        (200, "<Other/>", Outcome(Result.UNKNOWN, "answer_not_understood")),
        (200, result_set("<Quantity>3</Quantity>"), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (200, result_set(BLUE_DONE.replace(">3<", ">many<")), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (200, "<Error><Message>?</Message></Error>", Outcome(Result.UNKNOWN, "answer_not_understood")),
        (302, "", Outcome(Result.UNKNOWN, "answer_not_understood")),
        (404, "<html>", Outcome(Result.TRANSIENT, "http_404")),
        (403, "", Outcome(Result.REJECTED_AUTH, "http_403")),
        (503, error("xx-1"), Outcome(Result.TRANSIENT, "http_503")),
        (429, "", Outcome(Result.THROTTLED, "http_429", 1.0)),
    ],
)
def test_an_answer_of_no_known_form_is_never_taken_for_applied(
    status: int, body: str | bytes, outcome: Outcome
) -> None:
    assert told(answer(status, body)) == [outcome] * 2


def test_an_answer_with_entities_is_not_opened() -> None:
    bomb = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>' + result_set(PLAIN_DONE, BLUE_DONE)
    assert told(answer(200, bomb)) == [Outcome(Result.UNKNOWN, "answer_with_document_type")] * 2


def test_an_error_code_that_is_a_sentence_is_not_passed_on() -> None:
    row = "<ItemCode>item-01</ItemCode><SubCode>blue</SubCode><ErrorCode>山田様のご注文</ErrorCode>"
    assert told(answer(207, result_set(PLAIN_DONE, row)))[1] == Outcome(Result.REJECTED, "code_not_understood")


def test_what_never_left_is_transient_and_what_got_lost_is_unknown() -> None:
    assert told(NotSent("connection_refused")) == [Outcome(Result.TRANSIENT, "connection_refused")] * 2
    assert told(Lost("answer_cut")) == [Outcome(Result.UNKNOWN, "answer_cut")] * 2


def test_a_code_yahoo_cannot_have_is_rejected_without_spoiling_the_others() -> None:
    http = LaidDown([answer(200, result_set(PLAIN_DONE))])
    levels = [ListingLevel(ListingKey("商品01"), 1), ListingLevel(PLAIN, 6), ListingLevel(ListingKey("a,b", "c"), 2)]
    rejected = Outcome(Result.REJECTED, "code_format")
    assert push(access_to(http), levels) == [rejected, Outcome(Result.APPLIED), rejected]
    assert http.asked[0][2]["item_code"] == "test1234"
    assert push(access_to(LaidDown([])), levels[:1]) == [rejected], "nothing is sent for nothing"


def test_one_listing_is_never_sent_twice_in_a_request() -> None:
    http = LaidDown([answer(200, result_set(PLAIN_DONE))])
    assert push(access_to(http), [ListingLevel(PLAIN, 2), ListingLevel(PLAIN, 6)]) == [Outcome(Result.APPLIED)] * 2
    assert http.asked[0][2] == {"seller_id": "samplestore", "item_code": "test1234", "quantity": "6"}


def test_a_thousand_codes_go_in_one_request() -> None:
    with store() as shop:
        levels = [(ListingKey(f"item-{n}", f"v{n}"), n) for n in range(1_000)]
        for key, _ in levels:
            shop.shop.set_stock(key, 1)
        before = shop.shop.requests_seen
        assert shop.push(*levels) == [Outcome(Result.APPLIED)] * 1_000
        assert shop.shop.requests_seen == before + 1
        assert shop.shop.stock[ListingKey("item-999", "v999")] == 999
        with pytest.raises(AssertionError):
            shop.push(*levels, (PLAIN, 1))
