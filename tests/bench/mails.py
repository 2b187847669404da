"""500 order mails a second for a minute, over SMTP, without loss: what was acknowledged is in the inbox, and all of it is allocated."""

import asyncio
import tempfile
import time
from pathlib import Path

import psycopg

from api.connecting import mail_address
from api.database import Database
from api.settings import Settings
from api.shops import connect
from api.wiring import open_house
from ledger.book import shops, stock
from ledger.terms import ListingKey
from tests.bench.doors import MAIL, WORK, child
from tests.bench.ground import Ground
from tests.bench.mail_senders import order_mail, send
from tests.bench.orders_in import at
from tests.bench.rows import Row

GOALS = ("R10",)
MAILS_A_SECOND = 500
SECONDS, QUICK_SECONDS = 60, 8
SENDERS = 32
SHOP = "rakuten-bench"
READ_SECONDS_MAX = 600


def measure(under: Ground) -> list[Row]:
    """Mails acknowledged a second, how long each took, how many were lost, and when the last was allocated."""
    database, home = under.fresh("mails"), Path(tempfile.mkdtemp(prefix="daicho-bench-"))
    to = _prepare(database, home)
    count = MAILS_A_SECOND * (QUICK_SECONDS if under.quick else SECONDS)
    mails = [(number, order_mail(number, "mug")) for number in (f"402853-20261120-{n:010}" for n in range(count))]
    with child(MAIL, database, home) as receiver, child(WORK, database, home):
        sent = asyncio.run(send(int(receiver.said), to, mails, a_second=MAILS_A_SECOND, senders=SENDERS))
        behind = _read_after(database, count)
    lost = len(set(sent.acknowledged)) - _allocated(database)
    what = f"{count:,} order mails over SMTP, {SENDERS} connections, intake beside"
    return [
        Row("R10", f"{what}: acknowledged", len(sent.acknowledged) / sent.elapsed_seconds, "/s", MAILS_A_SECOND * 0.99),
        Row("R10", f"{what}: 250 after, p99", at(sent.took, 0.99) * 1_000, "ms", lower=True),
        Row("R10", f"{what}: lost", lost, "", 0, lower=True),
        Row("R10", f"{what}: the last one allocated after the last 250", behind, "s", lower=True),
    ]


def _prepare(database: Database, home: Path) -> str:
    with open_house(Settings(home=home, mail_domain="mail.test"), database=database) as house:
        by = house.by()
        house.book.do(connect("rakuten", "bench", match_key="", settings={"shop_number": "402853"}), by)
        house.book.do(shops.start_intake(SHOP), by)
        now = house.clock.now()
        house.book.do(stock.overwrite("MUG", 1_000_000, covers=stock.everything_up_to(now), counted_at=now), by)
        house.book.do(shops.link_listing(SHOP, ListingKey("mug"), "MUG"), by)
        return mail_address(house, SHOP)


def _read_after(database: Database, count: int) -> float:
    began = time.monotonic()
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        while True:
            row = connection.execute("SELECT count(*) FROM inbox WHERE state <> 'received'").fetchone()
            if row is not None and int(row[0]) >= count:
                return time.monotonic() - began
            assert time.monotonic() - began < READ_SECONDS_MAX, f"{row} of {count} mails were read"
            time.sleep(0.2)


def _allocated(database: Database) -> int:
    """Orders that hold units."""
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        row = connection.execute("SELECT allocated FROM stock_levels WHERE sku = 'MUG'").fetchone()
    return 0 if row is None else int(row[0])
