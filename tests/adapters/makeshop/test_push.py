"""Pushing to MakeShop: the document that is sent, and what data and errors of its answer mean for each listing."""

import re

import pytest

from adapters.kit.mall import Lost, NotSent, Reply
from adapters.kit.profile import corrected
from adapters.makeshop.push import push
from ledger.terms import ListingKey, ListingLevel, Outcome, Result
from tests.adapters.makeshop.shop import BLUE, PLAIN, PROFILE, RED, LaidDown, access_to, answer, error, store

LEVELS = [ListingLevel(PLAIN, 6), ListingLevel(BLUE, 3)]
DONE = {"r0": {"systemCode": "000000000002", "quantity": 6}, "r1": {"systemCode": "000000000001", "quantity": 3}}
UNKNOWN = Outcome(Result.UNKNOWN, "answer_not_understood")


def told(reply: Reply, levels: list[ListingLevel] | None = None) -> list[Outcome]:
    return push(access_to(LaidDown([reply])), levels or LEVELS)


def test_products_and_variations_go_in_one_document_with_the_three_headers() -> None:
    http = LaidDown([answer({"data": DONE})])
    assert push(access_to(http), LEVELS) == [Outcome(Result.APPLIED)] * 2
    url, headers, sent = http.asked[0]
    assert url == "https://app-api.makeshop.jp/v1/graphql"
    assert headers["Authorization"] == "Bearer PAT.canary-token"
    assert headers["X-Api-Key"] == "canary-api-key"
    assert headers["X-Timestamp"] == "1795133100"
    assert sent["variables"] == {
        "i0": {"systemCode": "000000000002", "quantity": 6},
        "i1": {"systemCode": "000000000001", "variationId": "101", "quantity": 3},
    }
    assert " ".join(str(sent["query"]).split()) == (
        "mutation setQuantities($i0: UpdateProductQuantityRequest!, $i1: UpdateVariationQuantityRequest!) {"
        " r0: updateProductQuantity(input: $i0) { systemCode quantity }"
        " r1: updateVariationQuantity(input: $i1) { systemCode variationId quantity } }"
    )


def test_a_shop_corrects_the_names_of_the_document_without_a_release() -> None:
    profile = corrected(PROFILE, {"push_variation.variant_field": "optionId", "push_variation.selection": "result"})
    http = LaidDown([answer({"data": {"r0": {"result": True}}})])
    assert push(access_to(http, profile=profile), [ListingLevel(BLUE, 3)]) == [Outcome(Result.APPLIED)]
    assert http.asked[0][2]["variables"] == {"i0": {"systemCode": "000000000001", "optionId": "101", "quantity": 3}}
    assert "{ result }" in str(http.asked[0][2]["query"])


def test_the_address_of_the_contract_is_used_where_a_shop_has_one() -> None:
    http = LaidDown([answer({"data": DONE})])
    push(access_to(http, endpoint="https://api.example.jp/graphql"), LEVELS)
    assert http.asked[0][0] == "https://api.example.jp/graphql"


def test_one_row_at_fault_does_not_fail_the_others() -> None:
    body = {"data": {"r0": None, "r1": DONE["r1"]}, "errors": [error("NOT_FOUND", "r0")]}
    assert told(answer(body)) == [Outcome(Result.REJECTED, "NOT_FOUND"), Outcome(Result.APPLIED)]


def test_a_key_that_is_good_for_another_row_is_good() -> None:
    body = {"data": {"r0": None, "r1": DONE["r1"]}, "errors": [error("FORBIDDEN", "r0")]}
    assert told(answer(body))[0] == Outcome(Result.REJECTED, "FORBIDDEN")


def test_when_one_row_makes_all_data_null_nobody_knows_what_the_others_did() -> None:
    body = {"data": None, "errors": [error("NOT_FOUND", "r1")]}
    assert told(answer(body)) == [Outcome(Result.UNKNOWN, "answer_without_rows"), Outcome(Result.REJECTED, "NOT_FOUND")]


def test_a_refusal_that_names_no_row_refuses_all_and_rejects_one_that_stood_alone() -> None:
    body = {"errors": [error("BAD_USER_INPUT")]}
    assert told(answer(body)) == [Outcome(Result.REFUSED, "BAD_USER_INPUT")] * 2
    assert told(answer(body, 400), LEVELS[:1]) == [Outcome(Result.REJECTED, "BAD_USER_INPUT")]


@pytest.mark.parametrize("code", ["UNAUTHENTICATED", "FORBIDDEN"])
def test_a_token_that_is_not_accepted_stops_the_shop(code: str) -> None:
    assert told(answer({"data": None, "errors": [error(code)]})) == [Outcome(Result.REJECTED_AUTH, code)] * 2


@pytest.mark.parametrize(
    "body", [error("GRAPHQL_VALIDATION_FAILED"), error(None, message='Cannot query field "systemCode" on')]
)
def test_a_document_the_mall_does_not_know_is_no_listings_fault(body: dict[str, object]) -> None:
    outcomes = told(answer({"errors": [body]}, 400))
    assert outcomes == [Outcome(Result.TRANSIENT, "document_not_accepted", 60.0)] * 2


def test_too_fast_waits_as_long_as_the_mall_says() -> None:
    assert (
        told(answer({"errors": [error("TOO_MANY_REQUESTS")]}))
        == [Outcome(Result.THROTTLED, "TOO_MANY_REQUESTS", 10.0)] * 2
    )
    busy = answer({"errors": [error("TOO_MANY_REQUESTS")]}, headers={"retry-after": "3"})
    assert told(busy)[0].wait_seconds == 3.0


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (
            answer({"data": None, "errors": [error("INTERNAL_SERVER_ERROR")]}),
            Outcome(Result.UNKNOWN, "INTERNAL_SERVER_ERROR"),
        ),
        (answer({"data": None}), UNKNOWN),
        (answer({"data": {}}), UNKNOWN),
        (answer({"message": "hello"}), UNKNOWN),
        (answer(b"<html>"), UNKNOWN),
        (answer({"errors": [error("x" * 41)]}, 400), Outcome(Result.REFUSED, "error_without_code")),
        (answer({}, 404), Outcome(Result.TRANSIENT, "http_404")),
        (answer({}, 403), Outcome(Result.REJECTED_AUTH, "http_403")),
        (answer({}, 503), Outcome(Result.TRANSIENT, "http_503")),
        (NotSent("connection_refused"), Outcome(Result.TRANSIENT, "connection_refused")),
        (Lost("answer_cut"), Outcome(Result.UNKNOWN, "answer_cut")),
    ],
)
def test_an_answer_of_no_known_form_is_never_taken_for_applied(reply: Reply, outcome: Outcome) -> None:
    assert told(reply) == [outcome] * 2


def test_a_row_that_is_missing_or_has_another_number_is_read_back() -> None:
    assert told(answer({"data": {"r1": DONE["r1"]}})) == [
        Outcome(Result.UNKNOWN, "result_missing"),
        Outcome(Result.APPLIED),
    ]
    other = {"r0": {"quantity": 5}, "r1": DONE["r1"]}
    assert told(answer({"data": other}))[0] == Outcome(Result.UNKNOWN, "quantity_differs")


def test_no_text_of_an_error_is_passed_on() -> None:
    outcomes = told(answer({"errors": [error("山田様のご注文", message="山田様")]}))
    assert not re.search("山田", repr(outcomes))


def test_a_failing_row_is_found_at_the_mall_whether_its_types_may_be_null_or_not() -> None:
    with store() as shop:
        missing = ListingKey("999999999999")
        assert shop.push((missing, 1), (BLUE, 2)) == [Outcome(Result.REJECTED, "NOT_FOUND"), Outcome(Result.APPLIED)]
        shop.state.null_as_a_whole = True
        outcomes = shop.push((missing, 1), (RED, 2))
        assert [one.result for one in outcomes] == [Result.REJECTED, Result.UNKNOWN]
        assert shop.shop.stock[RED] == 2, "which is why it is unknown and not refused"


def test_a_clock_that_is_wrong_by_more_than_an_hour_is_an_outage() -> None:
    with store() as shop:
        shop.state.clock_seconds = 3_700
        assert shop.push((PLAIN, 1))[0].result is Result.REJECTED_AUTH
        shop.state.clock_seconds = 3_500
        assert shop.push((PLAIN, 1))[0].result is Result.APPLIED
