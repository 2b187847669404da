"""The quick set-up manual from connecting a shop to the checked result, with smaller numbers, through the outside doors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.kit.emulator import Fault
from api.database import Database
from api.demo.doors import DoorRefused
from api.demo.malls import RAKUTEN_SECRETS
from tests.journeys.rig import Journey, journey

SOLD = "DC-000003"  # 21 units at both malls at first
START = "mutation ($s: String!) { startPush(shop: $s) { position } }"


@pytest.fixture
def daicho(database: Database, tmp_path: Path) -> Iterator[Journey]:
    with journey(database, tmp_path) as found:
        yield found


def test_the_manual_step_by_step_until_one_order_has_reached_the_other_mall(daicho: Journey) -> None:
    rakuten, yahoo = daicho.malls.rakuten, daicho.malls.yahoo
    daicho.connect()
    assert daicho.daicho("shop", "show", rakuten.code)["missing"] == []
    daicho.import_stock()
    assert (daicho.available(SOLD), daicho.shown(SOLD)) == (21, (21, 21))
    assert "受注取込" in daicho.refused(START, s=yahoo.code)
    daicho.start_intake()
    assert "not proven" in daicho.refused(START, s=yahoo.code)
    first = daicho.sell(yahoo, daicho.malls.yahoo_listing("DC-000013"))
    assert daicho.order(yahoo, first.number)["lines"] == [{"sku": "DC-000013", "openUnits": 1, "state": "served"}]
    daicho.sell(rakuten, daicho.malls.rakuten_listings["DC-000011"])
    assert "reviewed" in daicho.refused(START, s=yahoo.code)
    assert not yahoo.shop.pushes + rakuten.shop.pushes, "nothing is told before a person has seen the difference"
    seen = daicho.review(rakuten)
    assert (seen["listings"], seen["wouldChange"], seen["guardPassed"]) == (40, 1, True)
    daicho.start_push(rakuten)
    daicho.review(yahoo)
    daicho.start_push(yahoo)
    daicho.settled()
    assert daicho.shown("DC-000013") == (10, 10)
    assert daicho.shown("DC-000011") == (36, 36)

    told = len(rakuten.shop.pushes)
    order = daicho.sell(rakuten, daicho.malls.rakuten_listings[SOLD])
    daicho.within("Yahoo! shows it", lambda: daicho.shown(SOLD) == (20, 20))
    daicho.settled()
    assert daicho.available(SOLD) == 20
    assert not [push for push in rakuten.shop.pushes[told:] if push.levels[0][1] > (push.before[0] or 0)]

    (change,) = daicho.daicho("changes", "--order", order.number)
    (push,) = daicho.daicho("pushes", "--sku", SOLD, "--shop", yahoo.code, "--outcome", "applied")
    assert (change["before"], change["after"], change["shop"]) == (21, 20, rakuten.code)
    assert (push["expectedBefore"], push["units"], push["trigger"]) == (21, 20, "lower")
    (row,) = daicho.daicho("stock", SOLD)
    assert {(one["shop"], one["expectedUnits"]) for one in row["listings"]} == {(rakuten.code, 20), (yahoo.code, 20)}
    assert daicho.daicho("inbox", "--state", "quarantined") == []
    assert daicho.daicho("verify")["sound"] is True


def test_the_same_mail_twice_is_one_order(daicho: Journey) -> None:
    daicho.set_up()
    rakuten = daicho.malls.rakuten
    rakuten.sell(daicho.malls.rakuten_listings[SOLD])
    (raw,) = daicho.forward(rakuten)
    for sent in (daicho.doors.forwarded(raw), raw, raw):
        daicho.doors.send_mail(sent, daicho.addresses[rakuten.code])
    daicho.within("Yahoo! shows it", lambda: daicho.shown(SOLD) == (20, 20))
    daicho.within("every mail was read", lambda: not daicho.daicho("inbox", "--state", "received"))
    assert daicho.available(SOLD) == 20
    assert len(daicho.daicho("changes", "--sku", SOLD, "--kind", "StockAllocated")) == 1


def test_a_mall_that_is_down_is_told_the_newest_number_once_it_is_back(daicho: Journey) -> None:
    daicho.set_up()
    rakuten, yahoo = daicho.malls.rakuten, daicho.malls.yahoo
    told = len(yahoo.shop.pushes)
    yahoo.shop.faults[:] = [Fault("status", status=503, times=1_000)]
    for _ in range(3):
        rakuten.sell(daicho.malls.rakuten_listings[SOLD])
    daicho.forward(rakuten)
    daicho.within("every order is taken", lambda: daicho.available(SOLD) == 18)
    daicho.within("Rakuten was read, and its orders explain all of it", lambda: not daicho.differs(rakuten))
    assert daicho.shown(SOLD) == (18, 21)
    yahoo.shop.faults.clear()
    daicho.within("Yahoo! shows it", lambda: daicho.shown(SOLD) == (18, 18))
    numbers = [units for push in yahoo.shop.pushes[told:] for key, units in push.levels if key.item == SOLD]
    assert numbers == [18], "one push of the newest number, not one an order"
    assert daicho.daicho("verify")["sound"] is True


def test_a_wrong_key_is_said_before_anything_is_told_and_mended_by_entering_the_right_one(daicho: Journey) -> None:
    rakuten = daicho.malls.rakuten
    daicho.connect(license_key="SL000000_of_another_shop")
    daicho.import_stock()
    daicho.start_intake()
    daicho.sell(rakuten, daicho.malls.rakuten_listings["DC-000011"])
    sentence = daicho.refused("mutation ($s: String!) { reviewDryRun(shop: $s) { position } }", s=rakuten.code)
    assert "check the shop's keys" in sentence
    assert "SL000000" not in sentence
    assert "reviewed" in daicho.refused(START, s=rakuten.code)
    daicho.daicho(
        *("shop", "add", "--mall", "rakuten", "--id", "demo"),
        *("--secret", f"license_key={RAKUTEN_SECRETS['license_key']}"),
    )
    assert daicho.review(rakuten)["listings"] == 40
    daicho.start_push(rakuten)


def test_a_wrong_file_changes_nothing_and_says_what_was_expected(daicho: Journey) -> None:
    daicho.connect()
    rakuten, yahoo = daicho.malls.rakuten, daicho.malls.yahoo
    good = daicho.file_of(rakuten)
    wrong = {
        "another mall's file": daicho.file_of(yahoo),
        "a column is missing": good.replace("在庫数".encode("cp932"), "在庫".encode("cp932")),
        "not a table": b"\x89PNG\r\n\x1a\n" + bytes(2_000),
        "empty": b"",
    }
    for what, content in wrong.items():
        with pytest.raises(DoorRefused, match="400") as refused:
            daicho.doors.put_file(rakuten.code, "file.csv", content, apply="true")
        assert "expected" in str(refused.value) or "is missing" in str(refused.value), what
    assert daicho.available(SOLD) is None
    assert daicho.ask("{ position { ledger } }")["position"]["ledger"] < 10
    answer = daicho.doors.put_file(rakuten.code, "file.csv", good, apply="true")
    assert (answer["changed"], answer["problems"]) == (40, 0)
    assert daicho.available(SOLD) == 21
