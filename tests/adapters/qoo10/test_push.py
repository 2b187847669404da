"""Pushes to Qoo10: the right call for each kind of listing, and every way the mall says no."""

from datetime import timedelta

import pytest

from adapters.kit.mall import Lost, NotSent
from adapters.qoo10.push import BATCH_MAX, UNITS_MAX, push
from ledger.terms import ListingKey, Outcome, Result
from tests.adapters.qoo10.seller import BLUE, BY_TEXT, ITEM, NOW, OTHER, RED, Script, access_to, answer, level, said

APPLIED = Outcome(Result.APPLIED)
LINE = {"ItemCode": ITEM.item}


def test_one_item_goes_by_the_single_call_with_its_number_and_nothing_else() -> None:
    script = Script(said())
    assert push(access_to(script), [level(ITEM, 0)]) == [APPLIED]
    method, headers, fields = script.asked[0]
    assert method == "ItemsOrder.SetGoodsPriceQty"
    assert fields == {"returnType": "application/json", "ItemCode": ITEM.item, "Qty": "0"}
    assert headers["GiosisCertificationKey"] == "sak-1"
    assert headers["QAPIVersion"] == "1.0"


def test_several_items_go_in_one_bulk_without_price_tax_or_date() -> None:
    script = Script(said())
    assert push(access_to(script), [level(ITEM, 3), level(ListingKey("A-01"), 4)]) == [APPLIED] * 2
    assert script.methods == ["ItemsOrder.SetGoodsPriceQtyBulk"]
    assert script.asked[0][1]["QAPIVersion"] == "1.1"
    assert script.lines() == [{"ItemCode": ITEM.item, "Qty": "3"}, {"SellerCode": "A-01", "Qty": "4"}]


def test_five_hundred_items_are_one_request() -> None:
    script = Script(said())
    levels = [level(ListingKey(str(1_000_000_000 + number)), number) for number in range(BATCH_MAX)]
    assert set(push(access_to(script), levels)) == {APPLIED}
    assert len(script.lines()) == 500


def test_the_end_of_sale_is_sent_only_where_the_shop_has_set_it() -> None:
    script = Script(said())
    push(access_to(script, settings={"expire_date": "2050-12-31"}), [level(ITEM, 3), level(OTHER, 4)])
    assert [line["ExpireDate"] for line in script.lines()] == ["2050-12-31"] * 2


def test_one_option_goes_by_its_exact_texts_and_its_code() -> None:
    script = Script(said())
    key = ListingKey(RED.item, "カラー||*サイズ$$赤 ||*S$$RED_S")
    assert push(access_to(script), [level(key, 2)]) == [APPLIED]
    assert script.methods == ["ItemsOptions.UpdateInventoryQtyUnit"]
    assert script.asked[0][2] == {
        "returnType": "application/json",
        "ItemCode": RED.item,
        "OptionName": "カラー||*サイズ",
        "OptionValue": "赤 ||*S",
        "OptionCode": "RED_S",
        "Qty": "2",
    }


def test_items_and_options_in_one_push_go_by_their_own_calls() -> None:
    script = Script(said(), said())
    outcomes = push(access_to(script), [level(BY_TEXT, 1), level(ITEM, 2), level(OTHER, 3)])
    assert outcomes == [APPLIED] * 3
    assert script.methods == ["ItemsOrder.SetGoodsPriceQtyBulk", "ItemsOptions.UpdateInventoryQtyUnit"]


def test_an_option_known_by_its_code_is_sent_by_the_texts_the_mall_shows() -> None:
    rows = [
        {"Name1": "色", "Value1": "赤", "Price": 0.0, "Qty": 4, "ItemTypeCode": "RED_S"},
        {"Name1": "色", "Value1": "青", "Price": 0.0, "Qty": 4, "ItemTypeCode": "BLUE_S"},
    ]
    script = Script(said(-10001), said(0, rows), said())
    assert push(access_to(script), [level(RED, 2)]) == [APPLIED]
    assert script.methods[1:] == ["ItemsLookup.GetGoodsInventoryInfo", "ItemsOptions.UpdateInventoryQtyUnit"]
    sent = script.asked[2][2]
    assert (sent["OptionName"], sent["OptionValue"], sent["OptionCode"]) == ("色", "赤", "RED_S")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "option_not_found"),
        ([{"Name1": "色", "Value1": "青", "ItemTypeCode": "B", "Qty": 1, "Price": 0}], "option_not_found"),
        (
            [
                {"Name1": "色", "Value1": "赤", "ItemTypeCode": "RED_S", "Qty": 1, "Price": 0},
                {"Name1": "色", "Value1": "紅", "ItemTypeCode": "RED_S", "Qty": 1, "Price": 0},
            ],
            "option_not_one",
        ),
    ],
)
def test_an_option_the_mall_does_not_show_once_is_rejected_and_not_guessed(rows: list[object], code: str) -> None:
    script = Script(said(-10001), said(0, rows))
    assert push(access_to(script), [level(RED, 2)]) == [Outcome(Result.REJECTED, code)]


def test_texts_that_the_mall_does_not_know_are_rejected_without_looking_for_others() -> None:
    script = Script(said(-10001))
    assert push(access_to(script), [level(BY_TEXT, 2)]) == [Outcome(Result.REJECTED, "-10001")]
    assert len(script.asked) == 1


def test_several_options_of_an_item_go_in_bulk_with_the_prices_the_mall_shows() -> None:
    rows = [
        {"Name1": "色", "Value1": "赤", "Price": "150.0000", "Qty": 4, "ItemTypeCode": "RED_S"},
        {"Name1": "色", "Value1": "青", "Price": -50.0, "Qty": 4, "ItemTypeCode": "BLUE_S"},
        {"Name1": "色", "Value1": "黒", "Price": 0, "Qty": 4, "ItemTypeCode": "BLACK_S"},
    ]
    script = Script(said(0, rows), said())
    black = ListingKey(RED.item, "色$$黒")
    assert push(access_to(script), [level(RED, 1), level(BLUE, 2), level(black, 3)]) == [APPLIED] * 3
    assert script.methods == ["ItemsLookup.GetGoodsInventoryInfo", "ItemsOptions.UpdateInventoryDataBulk"]
    assert [(line["OptionValue"], line["Price"], line["Qty"]) for line in script.lines(1)] == [
        ("赤", "150", "1"),
        ("青", "-50", "2"),
        ("黒", "0", "3"),
    ]


def test_a_shop_without_option_prices_sends_them_in_bulk_at_once() -> None:
    script = Script(said())
    assert (
        push(access_to(script, settings={"option_prices": "zero"}), [level(RED, 1), level(BY_TEXT, 2)]) == [APPLIED] * 2
    )
    assert script.methods == ["ItemsOptions.UpdateInventoryDataBulk"]
    assert [line["Price"] for line in script.lines()] == ["0", "0"]


def test_options_of_different_items_go_singly_because_each_price_would_be_a_call() -> None:
    script = Script(said(), said())
    assert push(access_to(script), [level(RED, 1), level(BY_TEXT, 2)]) == [APPLIED] * 2
    assert script.methods == ["ItemsOptions.UpdateInventoryQtyUnit"] * 2


def test_what_there_is_no_time_for_is_told_next_time() -> None:
    script = Script(said())
    late = access_to(script, now=(NOW, NOW + timedelta(seconds=41)))
    outcomes = push(late, [level(RED, 1), level(BY_TEXT, 2)])
    assert outcomes == [APPLIED, Outcome(Result.THROTTLED, "no_time_left", 1.0)]


# ------------------------------------------------------------------ what the mall says no to


@pytest.mark.parametrize("code", [-10000, -90001, -90002, -90003, -90004, -90005])
def test_a_key_that_is_not_accepted_stops_the_shop(code: int) -> None:
    only_sak = {"seller_auth_key": "sak-1"}
    for body in (
        {"ResultCode": code},
        {"ErrorCode": code, "ErrorMsg": "存在しないAPIです。"},
        {"ErrorCode": str(code)},
    ):
        script = Script(answer(body))
        assert push(access_to(script, secrets=only_sak), [level(ITEM, 1)]) == [Outcome(Result.REJECTED_AUTH, str(code))]


def test_an_item_the_mall_does_not_know_is_rejected() -> None:
    assert push(access_to(Script(said(-10001))), [level(ITEM, 1)]) == [Outcome(Result.REJECTED, "-10001")]


def test_a_processing_error_is_tried_once_more_and_then_the_listing_is_at_fault() -> None:
    assert push(access_to(Script(said(-10101), said())), [level(ITEM, 1)]) == [APPLIED]
    twice = Script(said(-10101), said(-10101))
    assert push(access_to(twice), [level(ITEM, 1)]) == [Outcome(Result.REJECTED, "-10101")]


@pytest.mark.parametrize(
    "results",
    [
        [{**LINE, "ResultCode": -10001}, {"ItemCode": OTHER.item, "ResultCode": 0}],
        [{"cont_no": int(OTHER.item), "result_cd": "0"}, {"cont_no": ITEM.item, "result_cd": "-10001"}],
        {"Count": 2, "Values": [{**LINE, "ResultCode": -10001}, {"ItemCode": OTHER.item, "ResultCode": 0}]},
    ],
)
def test_a_bulk_that_failed_in_part_gives_each_line_its_own_result(results: object) -> None:
    script = Script(said(-1, results))
    outcomes = push(access_to(script), [level(ITEM, 1), level(OTHER, 2)])
    assert outcomes == [Outcome(Result.REJECTED, "-10001"), APPLIED]


@pytest.mark.parametrize("results", [None, [], [{"Count": 2}], ["x"], [{**LINE}], "text"])
def test_lines_that_no_result_names_are_sent_again_singly(results: object) -> None:
    script = Script(said(-1, results), said(), said(-10001))
    outcomes = push(access_to(script), [level(ITEM, 1), level(OTHER, 2)])
    assert outcomes == [APPLIED, Outcome(Result.REJECTED, "-10001")]
    assert script.methods[1:] == ["ItemsOrder.SetGoodsPriceQty"] * 2


def test_more_lines_than_can_be_sent_again_stay_unknown() -> None:
    script = Script(said(-1), *[said()] * 20)
    levels = [level(ListingKey(str(1_000_000_000 + number)), 1) for number in range(25)]
    outcomes = push(access_to(script), levels)
    assert outcomes == [APPLIED] * 20 + [Outcome(Result.UNKNOWN, "line_not_named")] * 5


def test_a_line_with_a_processing_error_is_sent_again_alone() -> None:
    rows = [{"ItemCode": ITEM.item, "ResultCode": 0}, {"ItemCode": OTHER.item, "ResultCode": -10101}]
    script = Script(said(-1, rows), said())
    assert push(access_to(script), [level(ITEM, 1), level(OTHER, 2)]) == [APPLIED] * 2


def test_two_options_of_one_item_are_told_apart_in_a_bulks_results() -> None:
    shop = {"option_prices": "zero"}
    rows = [
        {"ItemCode": RED.item, "OptionValue": "RED_S", "ResultCode": 0},
        {"ItemCode": RED.item, "OptionValue": "BLUE_S", "ResultCode": -10101},
    ]
    script = Script(said(-1, rows), said(-10101), said(-10101))
    outcomes = push(access_to(script, settings=shop), [level(RED, 1), level(BLUE, 2)])
    assert outcomes == [APPLIED, Outcome(Result.REJECTED, "-10101")]


def test_a_bulk_refused_as_a_whole_blames_no_line() -> None:
    outcomes = push(access_to(Script(said(-2))), [level(ITEM, 1), level(OTHER, 2)])
    assert outcomes == [Outcome(Result.REFUSED, "-2")] * 2


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (answer(b"Can't find service Name ItemsOrder"), Outcome(Result.TRANSIENT, "no_such_method")),
        (answer(b"<html>"), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (answer({"Message": "hello"}), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (answer({}, status=404), Outcome(Result.TRANSIENT, "http_404")),
        (answer({}, status=503), Outcome(Result.TRANSIENT, "http_503")),
        (NotSent("connection_refused"), Outcome(Result.TRANSIENT, "connection_refused")),
        (Lost("deadline_passed"), Outcome(Result.UNKNOWN, "deadline_passed")),
    ],
)
def test_an_answer_that_is_none_says_whether_it_may_have_been_applied(reply: object, outcome: Outcome) -> None:
    script = Script(reply)  # type: ignore[arg-type]
    assert push(access_to(script), [level(ITEM, 1)]) == [outcome]


def test_after_a_call_without_an_answer_the_rest_is_not_sent() -> None:
    script = Script(Lost("deadline_passed"))
    outcomes = push(access_to(script), [level(ITEM, 1), level(RED, 2)])
    assert outcomes == [Outcome(Result.UNKNOWN, "deadline_passed"), Outcome(Result.TRANSIENT, "not_sent")]
    assert len(script.asked) == 1


def test_a_listing_whose_codes_the_mall_cannot_have_is_not_sent() -> None:
    script = Script()
    outcomes = push(access_to(script), [level(ListingKey("a\tb"), 1), level(ListingKey("x" * 201, "v"), 1)])
    assert outcomes == [Outcome(Result.REJECTED, "code_format")] * 2


def test_numbers_no_seller_can_enter_are_never_sent() -> None:
    assert UNITS_MAX == 9_999
    for units in (-1, 10_000):
        with pytest.raises(AssertionError):
            push(access_to(Script()), [level(ITEM, units)])
