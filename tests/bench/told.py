"""P7, idle: an order mail accepted (SMTP 250) → the first byte of the push at the other mall's emulator, one mail a second.

The whole way through the outside doors, as the demonstration sets it up: SMTP, intake, ledger, tables, push, emulators over
loopback HTTP. Yahoo! takes 1 request a second: with a mail every 2.5 s its budget is free when the order comes; with one a
second most orders wait for the next slot, which is at most a second away.
"""

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from adapters.rakuten.emulated_catalogue import own_sku
from api.cli.output import Cell
from api.demo.play import Played, played
from api.demo.waiting import until
from api.settings import load
from tests import postgres
from tests.bench.ground import Ground
from tests.bench.rows import Row

GOALS = ("P7",)
MAILS, QUICK_MAILS = 120, 15
FREE_SECONDS_APART, BUSY_SECONDS_APART = 2.5, 1.0
SLOT_MS = 1_000
RAKUTEN_SKUS, YAHOO_SKUS = 1_200, 400
WAIT_SECONDS_MAX = 30.0


class Quiet:
    """A teller that says nothing."""

    def heading(self, japanese: str, english: str) -> None:
        pass

    def note(self, japanese: str, english: str) -> None:
        pass

    def command(self, line: str) -> None:
        pass

    def table(self, columns: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> None:
        pass


def measure(under: Ground) -> list[Row]:
    """Milliseconds from the mail's 250 to the push at Yahoo!, and units sold that our pushes caused."""
    home = Path(tempfile.mkdtemp(prefix="daicho-bench-"))
    mails = QUICK_MAILS if under.quick else MAILS
    try:
        settings = load().model_copy(update={"home": home, "database_url": None})
        with played(settings, Quiet(), rakuten_skus=RAKUTEN_SKUS, yahoo_skus=YAHOO_SKUS) as demo:
            free = sorted(_told_after(demo, n, FREE_SECONDS_APART) for n in range(mails))
            busy = sorted(_told_after(demo, n + mails, BUSY_SECONDS_APART) for n in range(mails))
    finally:
        postgres.remove_home(home)
    what = f"mail accepted to Yahoo! told, {mails} mails"
    return [
        Row("P7", f"{what}, budget free, p50", _at(free, 0.5), "ms", 100, lower=True),
        Row("P7", f"{what}, budget free, p99", _at(free, 0.99), "ms", 500, 250, lower=True),
        Row("P7", f"{what}, 1 mail/s: next slot, p50", _at(busy, 0.5), "ms", SLOT_MS + 200, lower=True),
        Row("P7", f"{what}, 1 mail/s: next slot, p99", _at(busy, 0.99), "ms", SLOT_MS + 200, lower=True),
    ]


def _at(sorted_figures: Sequence[float], share: float) -> float:
    return sorted_figures[max(0, math.ceil(len(sorted_figures) * share) - 1)]


def _told_after(demo: Played, n: int, seconds_apart: float) -> float:
    began = time.perf_counter()
    sku = own_sku(10 + n % (YAHOO_SKUS - 20))
    listing, page = demo.malls.rakuten_listings[sku], demo.malls.yahoo_listing(sku)
    if not demo.malls.rakuten.shown(listing):
        return _told_after(demo, n + 1, seconds_apart)
    before = len(demo.malls.yahoo.shop.pushes)
    order = demo.malls.rakuten.sell(listing)  # its mail is forwarded by the demonstration, over SMTP
    arrived = until(
        demo.doors.clock,
        WAIT_SECONDS_MAX,
        "Yahoo! is told",
        lambda: next(
            (push.at for push in demo.malls.yahoo.shop.pushes[before:] if any(key == page for key, _ in push.levels)),
            None,
        ),
    )
    time.sleep(max(0.0, seconds_apart - (time.perf_counter() - began)))
    return (arrived - _accepted_at(demo, order.number)).total_seconds() * 1_000


def _accepted_at(demo: Played, number: str) -> datetime:
    """When the mail was stored: 250 is said right behind it."""
    with demo.house.pool.connection() as connection:
        row = connection.execute("SELECT received_at FROM inbox WHERE order_number = %s", (number,)).fetchone()
    assert row is not None, "the order's mail is in the inbox"
    moment = row[0]
    assert isinstance(moment, datetime), moment
    return moment
