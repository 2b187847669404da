"""A flood of order mails over SMTP, intake beside it: every one that was acknowledged is in the inbox once, and allocated once."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs.intake import Intake
from api.mail.smtp import receiving
from api.wiring import House
from tests.api.intake_rig import RAKUTEN, KnownListings, address, connect_shops, link, opened, set_stock, stock_of
from tests.bench.mail_senders import order_mail, send

MAILS, SENDERS = 240, 12


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with opened(database, tmp_path) as house:
        connect_shops(house)
        yield house


def test_every_mail_of_a_flood_that_was_acknowledged_is_allocated_once(house: House) -> None:
    listings = KnownListings()
    listings.codes[RAKUTEN, "mug"] = [link(house, RAKUTEN, "mug", "", "MUG")]
    set_stock(house, "MUG", 1_000)
    mails = [(number, order_mail(number, "mug")) for number in (f"402853-20261120-{n:010}" for n in range(MAILS))]
    intake, ended = Intake(house, listings), threading.Event()

    def take() -> None:
        while not ended.is_set():
            intake.step()

    worker = threading.Thread(target=take)
    worker.start()
    try:
        with receiving(house, host="127.0.0.1", port=0) as receiver:
            sent = asyncio.run(send(receiver.port, address(house, RAKUTEN), mails, a_second=5_000, senders=SENDERS))
    finally:
        ended.set()
        worker.join(30)
    while intake.step():
        pass
    assert sorted(sent.acknowledged) == [number for number, _ in mails]
    with house.pool.connection() as connection:
        counts = connection.execute(
            "SELECT count(*), count(DISTINCT order_number), count(*) FILTER (WHERE state = 'read') FROM inbox"
        ).fetchone()
    assert counts == (MAILS, MAILS, MAILS)
    assert stock_of(house, "MUG") == (1_000, MAILS)
