"""PostgreSQL away in the middle of everything: a mail is acknowledged and becomes an order, or its sender is told to come again."""

import smtplib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg

from api.database import Database
from api.jobs.intake import CLAIM_SECONDS, Intake
from api.jobs.worker import Loop, working
from api.mail.smtp import receiving
from api.tables import inbox
from api.wiring import House
from tests.api.inbound.crash_child import mail_of
from tests.api.intake_rig import (
    YAHOO,
    KnownListings,
    LaterClock,
    address,
    connect_shops,
    facts,
    link,
    opened,
    rows,
    set_stock,
    stock_of,
)
from tests.postgres import OwnServer

SENDERS = 3
MAILS = 25  # each
TRIES_MAX = 200
ENOUGH = 40.0


def test_mails_sent_while_postgresql_is_killed_and_started_all_become_orders(
    own_server: OwnServer, tmp_path: Path
) -> None:
    clock = LaterClock()
    with opened(own_server.database, tmp_path, clock) as house:
        _orders_while(house, clock, partial(_kill_and_start, own_server))


def test_mails_sent_while_every_connection_is_cut_all_become_orders(database: Database, tmp_path: Path) -> None:
    clock = LaterClock()
    with opened(database, tmp_path, clock) as house:
        _orders_while(house, clock, partial(_cut, database))


def _orders_while(house: House, clock: LaterClock, disturb: Callable[[], None]) -> None:
    connect_shops(house)
    link(house, YAHOO, "test1234", "", "MUG")
    set_stock(house, "MUG", 1_000)
    to = address(house, YAHOO)
    loop = Loop("intake", Intake(house, KnownListings()).step, (inbox.channel(house.database.schema),))
    with (
        receiving(house, host="127.0.0.1", port=0) as receiver,
        working(house, [loop]),
        ThreadPoolExecutor(SENDERS) as senders,
    ):
        sending = [senders.submit(_send, receiver.port, to, 1_000 * (n + 1)) for n in range(SENDERS)]
        for _ in range(3):
            disturb()
        for one in sending:
            one.result(ENOUGH)
        clock.later_seconds += CLAIM_SECONDS  # what a crash took back, a claim's mark, is waited for no longer
        _until(lambda: all(row.state in ("read", "ignored") for row in rows(house)))
    assert stock_of(house, "MUG") == (1_000, SENDERS * MAILS)
    assert len(facts(house, "OrderTold")) == SENDERS * MAILS


def _send(port: int, to: str, first: int) -> None:
    """As a mail server does: what is not acknowledged is sent again."""
    for number in range(first, first + MAILS):
        for _ in range(TRIES_MAX):
            if _acknowledged(port, to, number):
                break
            time.sleep(0.02)
        else:
            raise AssertionError(f"mail {number} was never taken")


def _acknowledged(port: int, to: str, number: int) -> bool:
    """Whether 250 was said; 451 is the only other answer."""
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as smtp:
        smtp.ehlo("relay.example")
        smtp.mail("forwarder@example.com")
        code = smtp.rcpt(to)[0]
        if code == 250:
            code = smtp.data(mail_of(number))[0]
    assert code in (250, 451), code
    return code == 250


def _kill_and_start(server: OwnServer) -> None:
    time.sleep(0.1)
    server.kill()
    server.start()


def _cut(database: Database) -> None:
    time.sleep(0.1)
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _until(true: Callable[[], bool]) -> None:
    over = time.monotonic() + ENOUGH
    while True:
        try:
            if true():
                return
        except psycopg.OperationalError:
            pass
        assert time.monotonic() < over, "it never became true"
        threading.Event().wait(0.02)
