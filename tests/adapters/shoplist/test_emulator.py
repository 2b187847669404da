"""The emulated SHOPLIST: it sells, tells by mail, and takes stock files as NOTES.md guesses the mall does."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI

import adapters
from adapters.kit.emulator import EmulatedOrder, EmulatedShop, EmulatorClock, InProcess
from adapters.kit.mail import read_mail
from adapters.kit.mall import Answer, MailText, OrderReading
from adapters.shoplist.emulated_folder import ROWS_MAX, TAKEN_AFTER_SECONDS
from adapters.shoplist.emulator import emulator, folder_of
from adapters.shoplist.files import write_stock
from adapters.shoplist.mail import read_order_mail
from ledger.terms import ListingKey, ListingLevel, OrderState, Telling

PROFILE = adapters.profile("shoplist")
RED, PLAIN = ListingKey("op100", "-s/-red"), ListingKey("test001")


@dataclass
class Clock:
    moment: datetime = datetime(2026, 11, 20, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class Mall:
    """One emulated shop that shows 9 of two listings."""

    clock: Clock
    shop: EmulatedShop
    app: FastAPI

    def takes(self, name: str, content: bytes) -> int:
        """The file lies in the folder until the mall has taken what is due."""
        folder = folder_of(self.shop)
        folder.put(name, content)
        self.clock.moment += timedelta(seconds=TAKEN_AFTER_SECONDS)
        return folder.take_due()

    def faults(self) -> list[list[str]]:
        name = next(name for name in folder_of(self.shop).files if name.startswith("error_"))
        text = folder_of(self.shop).files[name].decode("cp932")
        return list(csv.reader(io.StringIO(text)))[1:]

    def readings(self) -> list[OrderReading]:
        told: list[bytes] = []
        self.shop.deliver_due(told.append)
        mails = [read_mail(raw, received_at=self.clock.now()) for raw in told]
        return [read_order_mail(mail, PROFILE) for mail in mails if isinstance(mail, MailText)]


@pytest.fixture
def mall() -> Mall:
    clock = Clock()
    shop = EmulatedShop("shoplist", {"shop_id": "sample-shop"}, {}, EmulatorClock(clock.now, clock.sleep))
    app = emulator(shop)
    for key in (RED, PLAIN):
        shop.set_stock(key, 9)
    return Mall(clock, shop, app)


def sold(mall: Mall) -> EmulatedOrder:
    order = mall.shop.sell_lines(((RED, 2), (PLAIN, 1)))
    assert order is not None
    return order


def test_a_sale_lowers_its_number_and_is_told_in_a_mail_our_reader_understands(mall: Mall) -> None:
    order = sold(mall)
    assert mall.shop.stock == {RED: 7, PLAIN: 8}
    (told,) = mall.readings()
    assert isinstance(told, Telling)
    assert (told.order, told.ordered_at, told.complete) == (order.number, order.ordered_at, True)
    assert [(line.item, line.variant, line.quantity) for line in told.lines] == [
        ("op100", "-s/-red", 2),
        ("test001", "", 1),
    ]
    assert told.lines[0].codes == ("op100-s-red",)


def test_a_cancel_is_told_as_one(mall: Mall) -> None:
    order = sold(mall)
    mall.shop.outbox.clear()
    mall.shop.cancel(order.number)
    (told,) = mall.readings()
    assert isinstance(told, Telling)
    assert (told.order, told.state, told.lines) == (order.number, OrderState.CANCELLED, ())


def test_a_written_stock_file_is_taken_after_a_while_and_the_mall_shows_it(mall: Mall) -> None:
    content = b"".join(write_stock([ListingLevel(RED, 4)], PROFILE))
    folder_of(mall.shop).put("select.csv", content)
    assert folder_of(mall.shop).take_due() == 0
    assert mall.takes("item.csv", b"".join(write_stock([ListingLevel(PLAIN, 0)], PROFILE))) == 2
    assert mall.shop.stock == {RED: 4, PLAIN: 0}
    assert sorted(folder_of(mall.shop).files) == ["item.csv.done", "select.csv.done"]


def test_a_file_that_is_still_being_uploaded_is_left_alone_until_it_is_renamed(mall: Mall) -> None:
    content = b"".join(write_stock([ListingLevel(RED, 4)], PROFILE))
    assert mall.takes("select.csv.tmp", content) == 0
    folder_of(mall.shop).rename("select.csv.tmp", "select.csv")
    mall.clock.moment += timedelta(seconds=TAKEN_AFTER_SECONDS)
    assert folder_of(mall.shop).take_due() == 1
    assert mall.shop.stock[RED] == 4


def test_a_file_of_the_same_name_replaces_one_that_was_not_taken_yet(mall: Mall) -> None:
    folder_of(mall.shop).put("select.csv", b"".join(write_stock([ListingLevel(RED, 4)], PROFILE)))
    assert mall.takes("select.csv", b"".join(write_stock([ListingLevel(RED, 5)], PROFILE))) == 1
    assert mall.shop.stock[RED] == 5


def test_rows_at_fault_are_told_in_an_error_file_and_the_others_are_applied(mall: Mall) -> None:
    levels = [ListingLevel(RED, 4), ListingLevel(ListingKey("op100", "-x/-red"), 1)]
    mall.takes("select.csv", b"".join(write_stock(levels, PROFILE)))
    assert mall.shop.stock[RED] == 4
    assert [row[0] for row in mall.faults()] == ["3"]


@pytest.mark.parametrize(
    "content",
    [
        b"".join(write_stock([ListingLevel(PLAIN, 4)], PROFILE)).decode("cp932").encode("utf-8"),
        "商品番号,在庫数\r\ntest001,4\r\n".encode("cp932"),
        b"".join(write_stock([ListingLevel(PLAIN, 4)] * (ROWS_MAX + 1), PROFILE)),
        b"",
    ],
    ids=["wrong encoding", "wrong columns", "too long", "empty"],
)
def test_a_file_that_cannot_be_read_applies_nothing_and_says_so(mall: Mall, content: bytes) -> None:
    mall.takes("item.csv", content)
    assert mall.shop.stock[PLAIN] == 9
    assert [row[0] for row in mall.faults()] == ["1"]


def test_a_row_that_does_not_change_or_has_no_count_is_at_fault(mall: Mall) -> None:
    header, row = b"".join(write_stock([ListingLevel(PLAIN, 4)], PROFILE)).decode("cp932").split("\r\n")[:2]
    rows = [header, row.replace('"u"', '"x"'), row.replace('"4"', '"-4"')]
    mall.takes("item.csv", "\r\n".join(rows).encode("cp932"))
    assert [row[0] for row in mall.faults()] == ["2", "3"]
    assert mall.shop.stock[PLAIN] == 9


def test_the_folder_is_reached_over_http_for_tests_of_file_pushes(mall: Mall) -> None:
    http = InProcess(mall.app, now=mall.clock.now)
    at = "http://127.0.0.1/_emulator/files"
    content = b"".join(write_stock([ListingLevel(RED, 4)], PROFILE))
    replies = [http.send("PUT", f"{at}/select.csv", headers={}, content=content)]
    mall.clock.moment += timedelta(seconds=TAKEN_AFTER_SECONDS)
    replies.append(http.send("POST", f"{at}/take", headers={}, content=b""))
    replies.append(http.get(at, headers={}))
    replies.append(http.get(f"{at}/select.csv.done", headers={}))
    missing = http.get(f"{at}/none.csv", headers={})
    http.close()
    bodies = [reply.body for reply in replies if isinstance(reply, Answer)]
    assert bodies[1:] == [b'{"taken":1}', b'{"files":["select.csv.done"]}', content]
    assert isinstance(missing, Answer)
    assert missing.status == 404
    assert mall.shop.stock[RED] == 4
