"""The emulated Yahoo!ショッピング behaves as NOTES.md says, traps included."""

import json
import xml.etree.ElementTree as ET
from urllib.parse import urlencode

import adapters
from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.mail import read_mail
from adapters.kit.mall import Answer, MailText
from adapters.kit.table import open_table
from adapters.yahoo_shopping.access import API_PATH
from adapters.yahoo_shopping.emulator_store import invented_stock, stock_csv
from adapters.yahoo_shopping.files import open_stock
from adapters.yahoo_shopping.mail import read_order_mail
from adapters.yahoo_shopping.order_xml import all_of, parsed, text_of
from adapters.yahoo_shopping.read_back import connection_test, read_back
from ledger.terms import ListingKey, Outcome, Result, Telling
from tests.adapters.yahoo_shopping.store import BLUE, PLAIN, Store, store

SET_STOCK = "http://127.0.0.1/ShoppingWebService/V1/setStock"


def posted(shop: Store, body: str, *, token: str = "access-1", url: str = SET_STOCK) -> Answer:
    shop.clock.passes(seconds=1)
    found = shop.access.http.send("POST", url, headers={"Authorization": f"Bearer {token}"}, content=body.encode())
    assert isinstance(found, Answer)
    return found


def code_of(answer: Answer) -> str:
    return answer.body.decode().partition("<Code>")[2].partition("</Code>")[0]


def test_an_unescaped_plus_loses_its_sign_and_sets() -> None:
    with store() as shop:
        posted(shop, "seller_id=samplestore&item_code=test1234&quantity=+5")
        assert shop.shop.stock[PLAIN] == 5, "not 14"
        posted(shop, "seller_id=samplestore&item_code=test1234&quantity=%2B5")
        assert shop.shop.stock[PLAIN] == 10
        posted(shop, "seller_id=samplestore&item_code=test1234&quantity=-4")
        assert shop.shop.stock[PLAIN] == 6


def test_requests_that_are_wrong_as_a_whole_write_nothing() -> None:
    wrong = [
        ({"item_code": "test1234,test1234", "quantity": "1,2"}, "st-02103"),
        ({"item_code": "test1234,a_b", "quantity": "1,2"}, "st-02101"),
        ({"item_code": "test1234", "quantity": "1,2"}, "st-02105"),
        ({"item_code": ",".join(f"i-{n}" for n in range(1_001)), "quantity": ",".join("1" * 1_001)}, "st-02102"),
        ({"item_code": "test1234", "quantity": "1", "seller_id": "otherstore"}, "st-02100"),
    ]
    with store() as shop:
        for fields, code in wrong:
            answer = posted(shop, urlencode({"seller_id": "samplestore", **fields}))
            assert (answer.status, code_of(answer)) == (400, code)
        assert code_of(posted(shop, json.dumps({"seller_id": "samplestore"}))) == "px-04001"
        assert shop.shop.stock == {BLUE: 9, PLAIN: 9}
        assert not shop.shop.pushes


def test_a_row_that_is_wrong_is_answered_beside_the_ones_that_are_done() -> None:
    with store() as shop:
        answer = posted(
            shop, urlencode({"seller_id": "samplestore", "item_code": "test1234,item-01:blue", "quantity": "33.0,2"})
        )
        assert answer.status == 207
        assert "st-02104" in answer.body.decode()
        assert shop.shop.stock == {BLUE: 2, PLAIN: 9}


def test_switches_give_the_faults_of_this_mall() -> None:
    with store() as shop:
        shop.state.maintenance = True
        assert shop.push((PLAIN, 1)) == [Outcome(Result.TRANSIENT, "ed-00002", 300)]
        shop.state.maintenance = False
        shop.state.publishing_lock = True
        assert shop.push((PLAIN, 1)) == [Outcome(Result.TRANSIENT, "ed-00006", 60)]
        assert not isinstance(read_back(shop.access, [PLAIN]), Exception)
        shop.state.publishing_lock = False
        shop.state.partial = {"item-01:blue": "st-02104", "test1234": "ed-10002"}
        assert shop.push((PLAIN, 1), (BLUE, 1)) == [
            Outcome(Result.UNKNOWN, "ed-10002"),
            Outcome(Result.REJECTED, "st-02104"),
        ]
        assert shop.shop.stock == {BLUE: 9, PLAIN: 1}, "ed-10002 was written"
        shop.state.partial = {}
        shop.state.login.expire_access()
        assert shop.push((BLUE, 1)) == [Outcome(Result.APPLIED)]
        shop.state.login.expire_refresh()
        assert shop.push((BLUE, 2)) == [Outcome(Result.REJECTED_AUTH, "relogin_needed")]
        assert not connection_test(shop.access).ok


def test_switches_can_be_set_from_outside() -> None:
    with store() as shop:
        asked = {
            "maintenance": True,
            "publishing_lock": True,
            "partial": {"test1234": "st-02104"},
            "expired_token": True,
            "expired_login": True,
        }
        posted(shop, json.dumps(asked), url="http://127.0.0.1/_emulator/yahoo_shopping")
        assert (shop.state.maintenance, shop.state.publishing_lock, shop.state.partial) == (
            True,
            True,
            {"test1234": "st-02104"},
        )
        assert shop.push((BLUE, 1)) == [Outcome(Result.REJECTED_AUTH, "relogin_needed")]


def test_two_calls_in_one_second_are_too_fast() -> None:
    with store() as shop:
        assert shop.push((PLAIN, 1)) == [Outcome(Result.APPLIED)]
        shop.clock.passes(seconds=-0.5)
        assert shop.push((PLAIN, 2)) == [Outcome(Result.THROTTLED, "http_429", 1.0)]
        assert shop.push((PLAIN, 3)) == [Outcome(Result.APPLIED)]


def test_a_code_the_store_does_not_have_is_accepted_without_a_word() -> None:
    gone = ListingKey("not-there")
    with store() as shop:
        assert shop.push((gone, 5)) == [Outcome(Result.APPLIED)]
        assert gone not in shop.shop.stock
        assert shop.state.kept == {gone: 5}
        shop.clock.passes(seconds=1)
        read = read_back(shop.access, [gone])
        assert isinstance(read, list)
        assert not read[0].found


def test_the_store_sells_from_its_own_number_and_tells_late_in_iso_2022_jp() -> None:
    profile = adapters.profile("yahoo_shopping")
    with store() as shop:
        order = shop.shop.sell_lines(((BLUE, 2), (PLAIN, 1)), delay_seconds=240)
        assert order is not None
        assert shop.shop.stock == {BLUE: 7, PLAIN: 8}
        told: list[bytes] = []
        shop.clock.passes(seconds=239)
        assert shop.shop.deliver_due(told.append) == 0
        shop.clock.passes(seconds=1)
        assert shop.shop.deliver_due(told.append) == 1
        assert b"charset=iso-2022-jp" in told[0]
        assert b"!'-j" in told[0], "㈱ as a pair of NEC row 13, which no standard codec reads"
        shop.shop.cancel(order.number)
        shop.shop.deliver_due(told.append)
        readings = []
        for raw in told:
            mail = read_mail(raw, received_at=shop.clock.now())
            assert isinstance(mail, MailText)
            reading = read_order_mail(mail, profile)
            assert isinstance(reading, Telling)
            readings.append(reading)
        assert [line.quantity for line in readings[0].lines] == [2, 1]
        assert [(one.order, one.state) for one in readings] == [
            (order.number, "confirmed"),
            (order.number, "cancelled"),
        ]


def test_the_stock_csv_of_a_store_reads_back_as_its_stock() -> None:
    stock = invented_stock(5_000)
    stock[ListingKey("zz-unlimited")] = None
    table = open_table(stock_csv(stock))
    reader = open_stock(table.header, adapters.profile("yahoo_shopping"))
    assert not isinstance(reader, NotThisFormat)
    rows = list(reader(table.rows))
    assert not [row for row in rows if isinstance(row, RowProblem)]
    assert {row.key: row.units for row in rows if isinstance(row, FileRow)} == stock
    assert any(key.variant for key in stock)


def test_a_list_gives_ten_orders_unless_more_are_asked_for_and_takes_known_conditions_only() -> None:
    condition = "<Condition><OrderTimeFrom>20261120000000</OrderTimeFrom></Condition>"
    with store() as shop:
        numbers = [order.number for _ in range(9) if (order := shop.shop.sell(BLUE)) is not None]
        numbers += [order.number for _ in range(3) if (order := shop.shop.sell(PLAIN)) is not None]
        first = asked(shop, "orderList", f"<Search>{condition}<Field>OrderId</Field></Search>")
        assert [one.text for one in all_of(first, "OrderId")] == numbers[:10]
        assert text_of(first, "TotalCount") == "12"
        more = f"<Search><Result>50</Result><Start>11</Start>{condition}<Field>OrderId</Field></Search>"
        rest = asked(shop, "orderList", more)
        assert [one.text for one in all_of(rest, "OrderId")] == numbers[10:]
        assert not list(all_of(rest, "OrderTime")), "only the fields asked for"
        for request, code in (
            ("<Search><Field>OrderId</Field></Search>", "od90104"),
            ("<Search><Condition><Nobody>1</Nobody></Condition><Field>OrderId</Field></Search>", "od90104"),
            (f"<Search>{condition}</Search>", "od90105"),
            (f"<Search><Result>x</Result>{condition}<Field>OrderId</Field></Search>", "od90106"),
        ):
            assert text_of(asked(shop, "orderList", request), "Code") == code
        assert (
            text_of(asked(shop, "orderInfo", "<Target><OrderId>samplestore-1</OrderId></Target>"), "Code") == "od90107"
        )
        assert text_of(asked(shop, "orderList", more, seller="other"), "Code") == "ed-00003"


def test_an_order_call_without_the_public_key_ends_the_login_in_twelve_hours() -> None:
    with store() as shop:
        asked(shop, "orderList", "<Search><Field>OrderId</Field></Search>")
        shop.clock.passes(hours=11)
        assert shop.push((PLAIN, 1)) == [Outcome(Result.APPLIED)]
        shop.clock.passes(hours=2)
        assert shop.push((PLAIN, 1)) == [Outcome(Result.REJECTED_AUTH, "relogin_needed")]


def asked(shop: Store, operation: str, request: str, *, seller: str = "samplestore") -> ET.Element:
    """The XML that answers a request, a second after whatever was before."""
    shop.clock.passes(seconds=1)
    body = f"<Req>{request}<SellerId>{seller}</SellerId></Req>".encode()
    headers = {"authorization": f"Bearer {shop.secrets['access_token']}", "content-type": "application/xml"}
    reply = shop.access.http.send("POST", f"http://127.0.0.1{API_PATH}{operation}", headers=headers, content=body)
    assert isinstance(reply, Answer)
    root = parsed(reply.body)
    assert root is not None
    return root
