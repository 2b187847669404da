"""The push by InventoryAPI 2.0: what is sent, and what each answer of the mall means."""

import base64
import json

import pytest

from adapters.kit.mall import Lost, NotSent, Reply
from adapters.rakuten.push import BATCH_MAX, push
from ledger.terms import ListingKey, ListingLevel, Outcome, Result
from tests.adapters.rakuten.fakes import access, answer

LEVELS = [
    ListingLevel(ListingKey("Mng1234", "sku1"), 70),
    ListingLevel(ListingKey("mng1234", "Sku2"), 0),
    ListingLevel(ListingKey("b", "007"), 5),
]


def outcomes(reply: Reply, count: int = 3) -> list[Outcome]:
    shop, _ = access(reply)
    return push(shop, LEVELS[:count])


def error(code: str, path: str | None = None, message: str = "x") -> dict[str, object]:
    return {"code": code, "message": message, **({} if path is None else {"metadata": {"propertyPath": path}})}


def test_one_request_carries_absolute_numbers_with_the_codes_as_the_mall_writes_them() -> None:
    shop, http = access(answer(204))
    assert push(shop, LEVELS) == [Outcome(Result.APPLIED)] * 3
    url, headers, content = http.asked[0]
    assert url == "https://api.rms.rakuten.co.jp/es/2.0/inventories/bulk-upsert"
    assert headers["authorization"] == "ESA " + base64.b64encode(b"SP123_secret:SL123_key").decode()
    assert headers["content-type"] == "application/json;charset=utf-8"
    assert json.loads(content) == {
        "inventories": [
            {"manageNumber": "mng1234", "variantId": "sku1", "mode": "ABSOLUTE", "quantity": 70},
            {"manageNumber": "mng1234", "variantId": "Sku2", "mode": "ABSOLUTE", "quantity": 0},
            {"manageNumber": "b", "variantId": "007", "mode": "ABSOLUTE", "quantity": 5},
        ]
    }


def test_a_400_rejects_the_rows_it_names_and_refuses_the_rest() -> None:
    body = {"errors": [error("IE1101", "inventories[1].manageNumber"), error("IE0004", "inventories[2].variantId")]}
    assert outcomes(answer(400, body)) == [
        Outcome(Result.REFUSED, "IE1101"),
        Outcome(Result.REJECTED, "IE1101"),
        Outcome(Result.REJECTED, "IE0004"),
    ]


@pytest.mark.parametrize("code", ["IE0002", "IE0003", "IE0004", "IE1101", "IE1102", "IE1105"])
def test_a_row_at_fault_is_rejected_with_the_malls_code(code: str) -> None:
    assert outcomes(answer(400, {"errors": [error(code, "inventories[0]")]}), 1) == [Outcome(Result.REJECTED, code)]


def test_a_404_that_names_a_listing_rejects_that_listing() -> None:
    body = {"errors": [error("GE0014", None, "Not found for inputs; manageNumber=mng1234, variantId=Sku2")]}
    assert [outcome.result for outcome in outcomes(answer(404, body))] == [
        Result.REFUSED,
        Result.REJECTED,
        Result.REFUSED,
    ]


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"<html>",
        b"[]",
        {"errors": "x"},
        {"errors": [error("IE0105")]},
        {"errors": [error("IE0105", "inventories")]},
        {"errors": [error("IE0105", "inventories[7]")]},
    ],
)
def test_a_400_without_a_row_refuses_the_batch_and_rejects_a_single_listing(body: object) -> None:
    assert {outcome.result for outcome in outcomes(answer(400, body))} == {Result.REFUSED}
    assert [outcome.result for outcome in outcomes(answer(400, body), 1)] == [Result.REJECTED]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (answer(401, {"errors": [error("GE0011")]}), "GE0011"),
        (answer(401), "http_401"),
        (answer(403, b"<html>"), "http_403"),
        (answer(400, {"errors": [error("GE0011")]}), "GE0011"),
        (answer(400, {"Results": {"errorCode": "ES04-01", "message": "x"}}), "ES04-01"),
        (answer(404, {"Results": {"errorCode": "ES04-01", "message": "x"}}), "ES04-01"),
    ],
)
def test_a_refused_key_and_a_function_that_is_off_are_told_apart(reply: Reply, code: str) -> None:
    assert outcomes(reply) == [Outcome(Result.REJECTED_AUTH, code)] * 3


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        (answer(429), Outcome(Result.THROTTLED, "http_429", 1.0)),
        (answer(429, None, retry_after="7"), Outcome(Result.THROTTLED, "http_429", 7.0)),
        (answer(429, None, retry_after="0"), Outcome(Result.THROTTLED, "http_429", 1.0)),
        (answer(503), Outcome(Result.TRANSIENT, "http_503", 1.0)),
        (answer(500, b"<html>"), Outcome(Result.TRANSIENT, "http_500", 1.0)),
        (answer(404, b"<html>"), Outcome(Result.TRANSIENT, "http_404")),
        (answer(415, {"Results": {"errorCode": "ES04-03"}}), Outcome(Result.TRANSIENT, "ES04-03")),
        (answer(200, b"<html>"), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (answer(200, {"errors": []}), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (answer(302), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (NotSent("connection_refused"), Outcome(Result.TRANSIENT, "connection_refused")),
        (Lost("deadline_passed"), Outcome(Result.UNKNOWN, "deadline_passed")),
    ],
)
def test_every_other_answer_says_whether_it_may_have_been_applied(reply: Reply, wanted: Outcome) -> None:
    assert outcomes(reply) == [wanted] * 3


def test_a_code_that_is_free_text_is_not_kept() -> None:
    assert outcomes(answer(400, {"errors": [error("秘密 の 文", "inventories[0]")]}), 1) == [
        Outcome(Result.REJECTED, "code_not_understood")
    ]


def test_a_listing_named_twice_is_sent_once_with_its_last_number() -> None:
    shop, http = access(answer(400, {"errors": [error("IE1101", "inventories[0]")]}))
    twice = [ListingLevel(ListingKey("A", "1"), 3), LEVELS[2], ListingLevel(ListingKey("a", "1"), 4)]
    assert [outcome.result for outcome in push(shop, twice)] == [Result.REJECTED, Result.REFUSED, Result.REJECTED]
    assert [row["quantity"] for row in json.loads(http.asked[0][2])["inventories"]] == [4, 5]


def test_the_batch_limit_and_the_range_are_ours_to_keep() -> None:
    shop, http = access(answer(204))
    many = [ListingLevel(ListingKey("a", str(n)), 1) for n in range(BATCH_MAX + 1)]
    for bad in (many, [], [ListingLevel(ListingKey("a", "1"), 100_000)], [ListingLevel(ListingKey("a", "1"), -1)]):
        with pytest.raises(AssertionError):
            push(shop, bad)
    assert len(push(shop, many[:BATCH_MAX])) == BATCH_MAX
    assert len(http.asked) == 1


def test_lead_times_of_a_listing_go_with_its_number_by_the_newer_address() -> None:
    shop, http = access(answer(204))
    own = (("normal_delivery_time_id", "7"), ("back_order_delivery_time_id", "12"))
    assert (
        push(shop, [ListingLevel(ListingKey("b", "007"), 5, own_items=own), LEVELS[0]]) == [Outcome(Result.APPLIED)] * 2
    )
    url, _, content = http.asked[0]
    assert url == "https://api.rms.rakuten.co.jp/es/2.1/inventories/bulk-upsert"
    first, second = json.loads(content)["inventories"]
    assert first["operationLeadTime"] == {"normalDeliveryTimeId": 7, "backOrderDeliveryTimeId": 12}
    assert "operationLeadTime" not in second
