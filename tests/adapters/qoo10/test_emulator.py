"""The emulated Qoo10 has the traps a sender has to know, and our sender meets none of them."""

import json
from urllib.parse import urlencode

from adapters.kit.mall import Answer
from adapters.qoo10.codes import Option
from adapters.qoo10.push import push
from adapters.qoo10.qapi import KEY_HEADER, PATH
from ledger.terms import ListingKey, Outcome, Result
from tests.adapters.qoo10.seller import BLUE, BY_TEXT, ITEM, OTHER, RED, World, level, world

APPLIED = Outcome(Result.APPLIED)
BASE = f"http://127.0.0.1{PATH}"


def called(found: World, method: str, fields: dict[str, str], *, key: str = "sak-1") -> dict[str, object]:
    content = urlencode({"returnType": "application/json", **fields}).encode()
    reply = found.http.send("POST", f"{BASE}/{method}", headers={KEY_HEADER: key}, content=content)
    assert isinstance(reply, Answer)
    assert reply.status == 200
    body: dict[str, object] = json.loads(reply.body)
    return body


def test_items_and_options_of_one_push_are_all_shown() -> None:
    with world() as found:
        levels = [level(RED, 1), level(ITEM, 2), level(BLUE, 3), level(OTHER, 4), level(BY_TEXT, 0)]
        assert push(found.access, levels) == [APPLIED] * 5
        assert [found.shop.stock[one.key] for one in levels] == [1, 2, 3, 4, 0]


def test_our_pushes_move_no_end_of_sale_and_no_option_price() -> None:
    with world() as found:
        found.state.prices |= {RED: "150", BLUE: "-50"}
        found.state.expires_on[ITEM.item] = "2030-12-31"
        push(found.access, [level(ITEM, 2), level(OTHER, 4)])
        for _ in range(2):
            more = [level(ListingKey(RED.item, variant), 1) for variant in ("RED_S", "BLUE_S", "オプション$$RED_S")]
            push(found.access, more)
        assert found.state.expires_on == {ITEM.item: "2030-12-31"}
        assert (found.state.prices[RED], found.state.prices[BLUE]) == ("150", "-50")


def test_a_null_end_of_sale_moves_it_by_a_year() -> None:
    with world() as found:
        called(found, "ItemsOrder.SetGoodsPriceQty", {"ItemCode": ITEM.item, "Qty": "1", "ExpireDate": ""})
        assert found.state.expires_on[ITEM.item] == "+1 year"


def test_a_bulk_line_without_a_number_becomes_9999() -> None:
    with world() as found:
        lines = json.dumps([{"ItemCode": ITEM.item, "Price": "100"}])
        called(found, "ItemsOrder.SetGoodsPriceQtyBulk", {"ItemInfoJson": lines})
        assert found.shop.stock[ITEM] == 9_999


def test_the_number_of_an_item_with_options_changes_no_option() -> None:
    with world() as found:
        said = called(found, "itemsorder.setgoodspriceqty", {"ItemCode": RED.item, "Qty": "1"})
        assert said["ResultCode"] == 0
        assert (found.shop.stock[RED], found.shop.stock[BLUE]) == (9, 9)


def test_codes_that_do_not_belong_together_name_no_item() -> None:
    with world() as found:
        found.state.seller_codes[ITEM.item] = "A-01"
        both = {"ItemCode": ITEM.item, "SellerCode": "A-02", "Qty": "1"}
        assert called(found, "ItemsOrder.SetGoodsPriceQty", both)["ResultCode"] == -10001
        assert push(found.access, [level(ListingKey("A-01"), 3)]) == [APPLIED]
        assert found.shop.stock[ITEM] == 3


def test_more_than_500_lines_are_refused() -> None:
    with world() as found:
        lines = json.dumps([{"ItemCode": ITEM.item, "Qty": "1"}] * 501)
        assert called(found, "ItemsOrder.SetGoodsPriceQtyBulk", {"ItemInfoJson": lines})["ResultCode"] == -2


def test_a_wrong_key_and_a_wrong_method_are_answered_with_200() -> None:
    with world() as found:
        fields = {"ItemCode": ITEM.item, "Qty": "1"}
        assert called(found, "ItemsOrder.SetGoodsPriceQty", fields, key="x")["ErrorCode"] == -90001
        reply = found.http.send("POST", f"{BASE}/Items.Nothing", headers={KEY_HEADER: "sak-1"}, content=b"")
        assert isinstance(reply, Answer)
        assert (reply.status, reply.body) == (200, b"Can't find method Info Items.Nothing")


def test_the_old_way_of_calling_by_query_works_too() -> None:
    with world() as found:
        query = {"v": "1.0", "returnType": "json", "method": "ItemsOrder.SetGoodsPriceQty", "key": "sak-1"}
        reply = found.http.get(BASE, headers={}, params={**query, "ItemCode": ITEM.item, "Qty": "6"})
        assert isinstance(reply, Answer)
        assert json.loads(reply.body)["ResultCode"] == 0
        assert found.shop.stock[ITEM] == 6
        xml = found.http.get(BASE, headers={}, params={**query, "returnType": "xml", "ItemCode": "0000000000"})
        assert isinstance(xml, Answer)
        assert b"<ResultCode>-10001</ResultCode>" in xml.body


def test_a_bulk_that_breaks_in_places_ends_with_every_line_right() -> None:
    for names_lines in (True, False):
        with world() as found:
            found.state.broken_every, found.state.names_lines = 3, names_lines
            keys = [ListingKey(str(2_000_000_000 + number)) for number in range(12)]
            for key in keys:
                found.shop.set_stock(key, 9)
            outcomes = push(found.access, [level(key, 1) for key in keys])
            for key, outcome in zip(keys, outcomes, strict=True):
                assert outcome.result in (Result.APPLIED, Result.TRANSIENT, Result.REJECTED)
                assert (found.shop.stock[key] == 1) or outcome.result is not Result.APPLIED
            assert outcomes.count(APPLIED) >= 10


def test_an_option_whose_code_is_all_we_know_is_found_by_its_texts() -> None:
    with world() as found:
        found.state.texts[RED] = Option("カラー||*サイズ", "赤||*S", "RED_S")
        assert push(found.access, [level(RED, 5)]) == [APPLIED]
        assert found.shop.stock[RED] == 5
        assert found.methods() == ["UpdateInventoryQtyUnit", "GetGoodsInventoryInfo", "UpdateInventoryQtyUnit"]
