"""The doctor: what it says of a shop at each stage of a merchant's first day, and when something is wrong."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from api import mailboxes
from api.database import Database
from api.diagnosis import findings
from api.finding import FINE, PROBLEM
from api.jobs.intake import drain
from api.jobs.mailbox_polling import MailboxPolling
from api.jobs.relink import ProjectedListings
from api.projecting import catch_up
from api.shops import connect
from api.tables import mall_paces, order_polls, push_breakers
from api.wiring import House
from ledger.book import shops
from ledger.terms import Outcome, Result
from tests.api.intake_rig import (
    RAKUTEN,
    TurnedClock,
    connect_shops,
    deliver,
    link,
    nothing_waits,
    opened,
    sample,
    set_stock,
)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def house(database: Database, tmp_path: Path, clock: TurnedClock) -> Iterator[House]:
    with opened(database, tmp_path, clock) as house:
        connect_shops(house)
        yield house


def codes(house: House, level: str = PROBLEM, about: str = "orders") -> list[str]:
    return [one.code for one in findings(house, RAKUTEN) if (one.level, one.about) == (level, about)]


def take(house: House) -> None:
    catch_up(house)
    nothing_waits(house, partial(drain, house, ProjectedListings(house.database.schema)))


def test_a_shop_that_was_just_connected_says_what_is_missing(house: House) -> None:
    assert codes(house) == ["intake_not_proven", "nothing_arrived"]
    assert codes(house, about="pushes") == ["settings_missing", "push_stopped", "no_listing"]
    found = {one.code: one for one in findings(house, RAKUTEN)}
    assert "@mail.test" in found["nothing_arrived"].next_step
    assert "license_key" in found["settings_missing"].english
    house.book.do(shops.stop_intake(RAKUTEN), house.by())
    assert "intake_stopped" in codes(house)


def test_a_shop_that_takes_no_mail_is_sent_to_its_webhook(house: House) -> None:
    house.book.do(connect("cart", "one", match_key="", settings={}), house.by())
    house.book.do(shops.start_intake("cart-one"), house.by())
    found = {one.code: one.next_step for one in findings(house, "cart-one")}
    assert found["nothing_arrived"].startswith("/inbound/webhook/")
    assert "@" not in found["nothing_arrived"] + found["intake_not_proven"]


def test_orders_that_come_and_name_no_listing_are_said(house: House, clock: TurnedClock) -> None:
    deliver(house, sample("rakuten", "order_iso2022jp"))
    assert "not_read_yet" in codes(house, "waits")
    take(house)
    assert codes(house) == ["unlinked"]
    assert codes(house, FINE)[0] == "arrives"
    clock.turn(timedelta(hours=25).total_seconds())
    assert "silent" in codes(house)


def test_a_message_that_was_not_understood_is_said_with_its_rule(house: House) -> None:
    deliver(house, b"Subject: hello\r\nFrom: a@example.com\r\n\r\nnothing we know")
    take(house)
    (found,) = [one for one in findings(house, RAKUTEN) if one.code == "quarantined"]
    assert "not_understood" in found.english
    assert "nothing we know" not in found.english + found.japanese


def test_what_keeps_a_listing_from_being_told_is_said(house: House) -> None:
    link(house, RAKUTEN, "page-1", "11", "SHIRT-11", codes=["c3ps390/11"])
    assert {"to_confirm"} <= set(codes(house, about="pushes"))
    set_stock(house, "SHIRT-11", 10)
    assert "no_listing" not in codes(house, about="pushes")


def test_an_order_api_that_fails_is_said_with_its_code(house: House) -> None:
    now = house.clock.now()
    assert "not_asked_yet" in codes(house, "waits")
    with house.pool.connection() as connection:
        order_polls.begin(connection, RAKUTEN, done_until=now, now=now)
        connection.execute("UPDATE order_polls SET failures = 3, code = 'http_401'")
    (found,) = [one for one in findings(house, RAKUTEN) if one.code == "order_api_fails"]
    assert "http_401" in found.english
    with house.pool.connection() as connection:
        connection.execute("UPDATE order_polls SET failures = 0, code = '', asked_at = now()")
    assert "order_api_asked" in codes(house, FINE)


def test_a_mall_that_fails_is_said_with_when_it_is_tried_again(house: House) -> None:
    now = house.clock.now()
    failing = push_breakers.ShopBreaker()
    for _ in range(6):
        failing = push_breakers.after_answer(failing, [Outcome(Result.TRANSIENT, "http_503")], now=now, chance=1.0)
    with house.pool.connection() as connection:
        push_breakers.keep(connection, RAKUTEN, mall_paces.PUSH, failing, now=now)
    (found,) = [one for one in findings(house, RAKUTEN) if one.code == "mall_fails"]
    assert "http_503" in found.english


def test_a_mailbox_that_cannot_be_read_is_said_with_what_to_do(house: House) -> None:
    where = mailboxes.Asked(RAKUTEN, "127.0.0.1", "user", "password", port=1)
    mailboxes.declare(house, where)
    assert "mailbox_not_read_yet" in codes(house, "waits")
    nothing_waits(house, MailboxPolling(house).step)
    found = {one.code: one for one in findings(house, RAKUTEN)}["mailbox_cannot_connect"]
    assert (found.level, "firewall" in found.next_step, "failure 1" in found.english) == (PROBLEM, True, True)
    mailboxes.remove(house, RAKUTEN)
    assert not [code for code in codes(house, "waits") + codes(house) if code.startswith("mailbox")]


def test_senders_that_are_not_proven_are_counted_by_rule(house: House) -> None:
    for number in range(2):
        deliver(house, sample("rakuten", "order_iso2022jp") + b"\r\n" * number)
    take(house)
    found = {one.code: one for one in findings(house, RAKUTEN)}["sender_not_proven"]
    assert (found.level, "no_signature: 2" in found.english) == (FINE, True)
