"""What Qoo10 shows, item by item and option by option."""

import pytest

from adapters.kit.mall import Lost, ReadFailed
from adapters.qoo10.push import push
from adapters.qoo10.read_back import read_back
from ledger.terms import ListingKey, ListingRead, Result
from tests.adapters.qoo10.seller import BLUE, BY_TEXT, ITEM, RED, Script, access_to, answer, level, said, world

OPTIONS = [
    {"Name1": "色", "Value1": "赤", "Price": 0, "Qty": 4, "ItemTypeCode": "RED_S"},
    {"Name1": "色", "Value1": "青", "Price": 0, "Qty": "0", "ItemTypeCode": "BLUE_S"},
]


def test_an_item_is_read_with_its_state() -> None:
    script = Script(said(0, [{"ItemQty": "12", "ItemStatus": "S2"}]), said(0, [{"ItemQty": 3, "ItemStatus": "S3"}]))
    other = ListingKey("A-01")
    assert read_back(access_to(script), [ITEM, other]) == [ListingRead(ITEM, 12), ListingRead(other, 3, sellable=False)]
    assert script.asked[1][2]["SellerCode"] == "A-01"


def test_the_options_of_an_item_are_read_by_one_call() -> None:
    script = Script(said(0, OPTIONS))
    by_text = ListingKey(RED.item, "色$$赤")
    keys = [RED, BLUE, by_text, ListingKey(RED.item, "NONE"), ListingKey(RED.item, "色$$赤 ")]
    reads = read_back(access_to(script), keys)
    assert not isinstance(reads, ReadFailed)
    assert [(one.units, one.found) for one in reads] == [(4, True), (0, True), (4, True), (None, False), (None, False)]
    assert script.methods == ["ItemsLookup.GetGoodsInventoryInfo"]


def test_what_the_mall_does_not_have_is_not_found_and_not_zero() -> None:
    script = Script(said(-10001), said(-10001))
    missing = [ListingRead(key, None, found=False, sellable=False) for key in (ITEM, RED)]
    assert read_back(access_to(script), [ITEM, RED]) == missing


def test_axes_are_joined_as_the_api_writes_them() -> None:
    row = {
        "Name1": "カラー",
        "Value1": "赤",
        "Name2": "サイズ",
        "Value2": "S",
        "Name3": "",
        "Value3": None,
        "Qty": 7,
        "Price": 0,
    }
    script = Script(said(0, [row | {"ItemTypeCode": ""}]))
    assert read_back(access_to(script), [BY_TEXT]) == [ListingRead(BY_TEXT, 7)]


@pytest.mark.parametrize("key", [ITEM, RED])
@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (said(-90001), Result.REJECTED_AUTH),
        (said(-10101), Result.TRANSIENT),
        (said(0, ["x"]), Result.TRANSIENT),
        (said(0, [{"ItemQty": "x"}, {}, 3]), Result.TRANSIENT),
        (answer(b"<html>"), Result.TRANSIENT),
        (answer({}, status=429), Result.THROTTLED),
        (Lost("deadline_passed"), Result.TRANSIENT),
    ],
)
def test_a_read_that_fails_gives_no_number(key: ListingKey, reply: object, result: Result) -> None:
    script = Script(reply)  # type: ignore[arg-type]
    read = read_back(access_to(script, secrets={"seller_auth_key": "x"}), [key])
    assert isinstance(read, ReadFailed)
    assert read.result == result


def test_the_page_shows_the_old_number_until_the_mall_has_reflected_the_new_one() -> None:
    with world() as found:
        found.state.visible_after_seconds = 600
        found.shop.stock[ITEM] = 9

        push(found.access, [level(ITEM, 4)])
        assert read_back(found.access, [ITEM]) == [ListingRead(ITEM, 9)]
        found.wait(600)
        assert read_back(found.access, [ITEM]) == [ListingRead(ITEM, 4)]
