"""Pushing to futureshop: numbers that set and never add, buckets apart, and what each result means for each listing."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.futureshop.codes import branch_of, key_of
from adapters.futureshop.push import push
from adapters.kit.mall import Lost, NotSent, Reply
from ledger.terms import ListingKey, ListingLevel, Outcome, Result
from tests.adapters.futureshop.shop import KEPT, PLAIN, RED_L, RED_M, LaidDown, access_to, answer, failed, store

LEVELS = [ListingLevel(PLAIN, 1), ListingLevel(RED_M, 3), ListingLevel(RED_L, 0)]
APPLIED = Outcome(Result.APPLIED)


def results(*pairs: tuple[str, str], top: str = "success") -> Reply:
    rows = [
        {"productNo": item, "status": "failed", "errors": [{"code": code}]}
        if code
        else {"productNo": item, "status": "success"}
        for item, code in pairs
    ]
    return answer({"status": top, "results": rows})


def told(reply: Reply, levels: list[ListingLevel] | None = None) -> list[Outcome]:
    return push(access_to(LaidDown([reply])), levels or LEVELS)


def test_listings_of_one_product_go_together_and_counts_are_numbers() -> None:
    http = LaidDown([results(("0012", ""), ("gd4", ""))])
    assert push(access_to(http), LEVELS) == [APPLIED] * 3
    method, url, _, sent = http.asked[0]
    assert (method, url) == ("POST", "https://sampleshop.api.example.jp/admin-api/v1/inventory")
    assert sent == {
        "productList": [
            {
                "productNo": "0012",
                "inventoryInfo": {"regular": {"inventoryList": [{"verticalNo": "", "horizontalNo": "", "count": 1}]}},
            },
            {
                "productNo": "gd4",
                "inventoryInfo": {
                    "regular": {
                        "inventoryList": [
                            {"verticalNo": "rd", "horizontalNo": "m", "count": 3},
                            {"verticalNo": "rd", "horizontalNo": "l", "count": 0},
                        ]
                    }
                },
            },
        ]
    }


def test_a_count_is_never_text_so_that_one_more_is_never_said_by_mistake() -> None:
    for units in (0, 1, 999_999_999):
        http = LaidDown([results(("0012", ""))])
        push(access_to(http), [ListingLevel(PLAIN, units)])
        assert f'"count": {units}}}' in json.dumps(http.asked[0][3])


def test_the_mall_adds_signed_text_and_sets_numbers() -> None:
    with store() as shop:
        for count, shown in ((3, 3), ("+1", 4), ("1", 1), ("-1", 0), (5, 5)):
            shop.clock.passes(seconds=1)
            body = {
                "productList": [
                    {
                        "productNo": "0012",
                        "inventoryInfo": {
                            "regular": {"inventoryList": [{"verticalNo": "", "horizontalNo": "", "count": count}]}
                        },
                    }
                ]
            }
            headers = {
                "Authorization": "Bearer canary-token",
                "X-SHOP-KEY": "sampleshop",
                "Content-Type": "application/json",
            }
            shop.access.http.send(
                "POST", "http://127.0.0.1/admin-api/v1/inventory", headers=headers, content=json.dumps(body).encode()
            )
            assert shop.shop.stock[PLAIN] == shown


def test_preorder_stock_is_a_bucket_of_its_own() -> None:
    http = LaidDown([results(("gd4", ""))])
    push(access_to(http), [ListingLevel(RED_M, 3), ListingLevel(KEPT, 7)])
    sent = http.asked[0][3]
    assert isinstance(sent, dict)
    assert sent["productList"][0]["inventoryInfo"] == {
        "regular": {"inventoryList": [{"verticalNo": "rd", "horizontalNo": "m", "count": 3}]},
        "preorder": {"inventoryList": [{"verticalNo": "rd", "horizontalNo": "m", "count": 7}]},
    }
    with store() as shop:
        assert shop.push((KEPT, 7)) == [APPLIED]
        assert (shop.shop.stock[RED_M], shop.shop.stock[KEPT]) == (9, 7)


def test_one_product_at_fault_does_not_fail_the_others() -> None:
    outcomes = told(results(("gd4", ""), ("0012", "ProductNotFound"), top="failed"))
    assert outcomes == [Outcome(Result.REJECTED, "ProductNotFound"), APPLIED, APPLIED]


def test_of_a_failed_product_with_several_listings_the_one_at_fault_is_found_out_one_by_one() -> None:
    assert told(results(("0012", ""), ("gd4", "StockNotFound")))[1:] == [Outcome(Result.REFUSED, "StockNotFound")] * 2
    with store() as shop:
        missing = ListingKey("gd4", "bl")
        assert shop.push((RED_M, 1), (missing, 1)) == [Outcome(Result.REFUSED, "StockNotFound")] * 2
        assert shop.push((missing, 1)) == [Outcome(Result.REJECTED, "StockNotFound")]
        assert shop.push((RED_M, 1)) == [APPLIED]


def test_a_path_names_the_listing_at_fault() -> None:
    path = "productList[1].inventoryInfo.regular.inventoryList[1].count"
    assert told(failed("InvalidParameter", path=path)) == [
        Outcome(Result.REFUSED, "InvalidParameter"),
        Outcome(Result.REFUSED, "InvalidParameter"),
        Outcome(Result.REJECTED, "InvalidParameter"),
    ]
    assert told(failed("InvalidParameter", path="productList[0].productNo"))[0].result is Result.REJECTED
    assert told(failed("InvalidParameter", path="productList[9].productNo"))[0].result is Result.REFUSED


def test_a_result_that_is_missing_or_said_twice_is_unknown() -> None:
    assert told(results(("gd4", ""))) == [Outcome(Result.UNKNOWN, "result_missing"), APPLIED, APPLIED]
    assert told(results(("0012", ""), ("0012", ""), ("gd4", "")))[0] == Outcome(Result.UNKNOWN, "result_twice")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (answer(b"<html>"), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (answer({"status": "success"}), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (
            answer({"results": [{"productNo": "0012"}, {"productNo": "gd4"}]}),
            Outcome(Result.UNKNOWN, "answer_not_understood"),
        ),
        (failed("TooMany"), Outcome(Result.REFUSED, "TooMany")),
        (failed("InvalidToken"), Outcome(Result.REJECTED_AUTH, "InvalidToken")),
        (failed("TooManyRequests"), Outcome(Result.THROTTLED, "TooManyRequests", 1.0)),
        (failed("Maintenance", status=200), Outcome(Result.TRANSIENT, "Maintenance", 60.0)),
        (failed("InternalServerError", status=200), Outcome(Result.UNKNOWN, "InternalServerError")),
        (answer({}, 404), Outcome(Result.TRANSIENT, "http_404")),
        (answer({}, 400), Outcome(Result.REFUSED, "http_400")),
        (answer({}, 503), Outcome(Result.TRANSIENT, "http_503")),
        (answer({}, 429, {"retry-after": "4"}), Outcome(Result.THROTTLED, "http_429", 4.0)),
        (NotSent("connection_refused"), Outcome(Result.TRANSIENT, "connection_refused")),
        (Lost("answer_cut"), Outcome(Result.UNKNOWN, "answer_cut")),
    ],
)
def test_an_answer_of_no_known_form_is_never_taken_for_applied(reply: Reply, outcome: Outcome) -> None:
    assert told(reply) == [outcome] * 3


def test_codes_futureshop_cannot_have_are_rejected_without_spoiling_the_others() -> None:
    http = LaidDown([results(("0012", ""))])
    bad = [
        ListingKey("商品"),
        ListingKey("x" * 33),
        ListingKey("gd1", "0123456789"),
        ListingKey("gd1", "a:b:c"),
        ListingKey(""),
    ]
    outcomes = push(access_to(http), [*(ListingLevel(key, 1) for key in bad), ListingLevel(PLAIN, 2)])
    assert outcomes == [Outcome(Result.REJECTED, "code_format")] * 5 + [APPLIED]
    assert push(access_to(LaidDown([])), [ListingLevel(bad[0], 1)]) == [Outcome(Result.REJECTED, "code_format")]


def test_a_listing_named_twice_is_sent_once_with_its_last_number() -> None:
    http = LaidDown([results(("0012", ""))])
    assert push(access_to(http), [ListingLevel(PLAIN, 2), ListingLevel(PLAIN, 6)]) == [APPLIED] * 2
    assert json.dumps(http.asked[0][3]).count('"count"') == 1


def test_a_second_call_within_a_second_is_throttled() -> None:
    with store() as shop:
        assert shop.push((PLAIN, 1)) == [APPLIED]
        again = push(shop.access, [ListingLevel(PLAIN, 2)])
        assert [one.result for one in again] == [Result.THROTTLED]
        assert shop.push((PLAIN, 2)) == [APPLIED]


BRANCHES = st.text(st.sampled_from("abz019-_"), max_size=9)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(BRANCHES, BRANCHES, st.booleans())
def test_branches_come_out_of_a_variant_as_they_went_in(vertical: str, horizontal: str, preorder: bool) -> None:
    branch = branch_of(key_of("gd1", vertical, horizontal, preorder=preorder).variant)
    assert (branch.vertical, branch.horizontal, branch.preorder) == (vertical, horizontal, preorder)
