"""The emulated ショップサーブ behaves as NOTES.md says, and both types of its mail are read."""

import json
from datetime import timedelta

import adapters
from adapters.kit.mail import read_mail
from adapters.kit.mall import Answer, MailText
from adapters.shopserve.mail import read_order_mail
from ledger.terms import ListingKey, Telling
from tests.adapters.shopserve.shop import PLAIN, RED_S, SETTINGS, Shop, shop

AUTHORIZED = "Basic c2FtcGxlLmFiOnNlY3JldC0x"


def put(one: Shop, item: str, said: object, *, authorization: str = AUTHORIZED) -> Answer:
    one.clock.passes(seconds=1)
    url = f"http://127.0.0.1/items/{item}/stock"
    content = said if isinstance(said, bytes) else json.dumps(said).encode()
    found = one.access.http.send("PUT", url, headers={"Authorization": authorization}, content=content)
    assert isinstance(found, Answer)
    return found


def test_wrong_requests_write_nothing() -> None:
    row = {"variation_name1": "レッド", "variation_name2": "S", "unlimited": "No", "quantity": 1}
    with shop() as one:
        assert put(one, "AAA%2F1", row, authorization="Basic eDp5").status == 401
        assert put(one, "AAA%2F1", {**row, "variation_name1": "赤"}).status == 400
        assert put(one, "AAA%2F1", {"unlimited": "No", "quantity": 1}).status == 400, "each variation has its own"
        assert put(one, "AAA%2F1", {**row, "unlimited": "maybe"}).status == 400
        assert put(one, "AAA%2F1", {**row, "quantity": -1}).status == 400
        assert put(one, "AAA%2F1", b"{").status == 400
        assert put(one, "no", row).status == 404
        one.state.takes = "text"
        assert put(one, "AAA%2F1", row).status == 400
        assert {*one.shop.stock.values()} == {9}
        assert not one.shop.pushes
        one.state.takes = "both"
        assert put(one, "AAA%2F1", {**row, "unlimited": "Yes"}).status == 200
        assert one.shop.stock[RED_S] is None


def test_too_many_requests_at_once_are_throttled() -> None:
    with shop() as one:
        headers = {"Authorization": AUTHORIZED}
        url = "http://127.0.0.1/items/0012/stock"
        answers = [one.access.http.get(url, headers=headers) for _ in range(11)]
        assert [answer.status for answer in answers if isinstance(answer, Answer)] == [200] * 10 + [429]


def test_mails_of_both_types_tell_the_same_order() -> None:
    for mail_type in ("A", "B"):
        with shop() as one:
            one.state.mail_type = mail_type
            order = one.shop.sell_lines(((RED_S, 2), (PLAIN, 1)))
            assert order is not None
            told: list[bytes] = []
            assert one.shop.deliver_due(told.append) == 1
            mail = read_mail(told[0], received_at=one.clock.now() + timedelta(seconds=1))
            assert isinstance(mail, MailText)
            reading = read_order_mail(mail, adapters.profile("shopserve"))
            assert isinstance(reading, Telling), reading
            assert (reading.order, reading.ordered_at) == (order.number, order.ordered_at)
            assert [(ListingKey(one.item, one.variant), one.quantity) for one in reading.lines] == [
                (RED_S, 2),
                (PLAIN, 1),
            ]
            assert reading.lines[0].codes == (str(RED_S), RED_S.item)
            one.shop.cancel(order.number)
            assert one.shop.deliver_due(told.append) == 0, "a cancel sends no mail"
            assert SETTINGS["shop_id"] not in told[0].decode("latin-1")
