"""Where a shop's shipments are told from (出荷の情報源), and lines that close by themselves where nobody tells them (D12).

A shop says api, csv or none, as a fact. With none, open lines of confirmed orders are closed after N days by assumed shipped:
available does not change, and 実在庫 is an estimate (推定). What is owed (不足) is never assumed to have left.
"""

from datetime import timedelta
from functools import partial

import msgspec

from api.jobs.worker import Loop
from api.wiring import House
from ledger.book import Verb
from ledger.book.orders import assume_shipped
from ledger.book.shops import change_shop_settings
from ledger.shop import ShopNotAccepted
from projections.assumed import CAUSE

SETTING, DAYS_SETTING = "shipping.source", "shipping.assumed_days"
SOURCES = API, CSV, NONE = ("api", "csv", "none")
DAYS, DAYS_MAX = 14, 365
PAGE_ORDERS = 200
ROUND_SECONDS = 600.0


def state_source(shop: str, source: str, days: int = DAYS) -> Verb:
    """The shop's shipments are told from there; ``days`` counts with none. Raises ShopNotAccepted; the verb ShopNotReady."""
    if source not in SOURCES:
        raise ShopNotAccepted(
            f"shipping source {source!r}; expected api (the mall says so), csv (出荷実績CSV) or none (closed after days)"
        )
    if not 1 <= days <= DAYS_MAX:
        raise ShopNotAccepted(f"{days} days; expected 1 to {DAYS_MAX}")
    return change_shop_settings(shop, {SETTING: source, DAYS_SETTING: str(days)})


def loops(house: House) -> list[Loop]:
    """The loop that closes what nobody tells."""
    return [Loop("shipping", partial(assume, house), poll_seconds=ROUND_SECONDS)]


def assume(house: House) -> int:
    """Open lines of shops without a shipping source are closed when they are old enough; the answer is how many orders now."""
    count = 0
    for shop, days in _shops(house):
        for number in _old(house, shop, days):
            done = house.book.do(assume_shipped(shop, number, days), house.by(cause=CAUSE))
            count += bool(done.facts)  # the list lags behind what was just done: no facts then
    return count


def _shops(house: House) -> list[tuple[str, int]]:
    with house.pool.connection() as connection:
        rows = connection.execute("SELECT shop, settings FROM shops ORDER BY shop").fetchall()
    found = []
    for shop, text in rows:
        settings = msgspec.json.decode(text, type=dict[str, str])
        if settings.get(SETTING) == NONE:
            found.append((str(shop), int(settings.get(DAYS_SETTING, DAYS))))
    return found


def _old(house: House, shop: str, days: int) -> list[str]:
    """The oldest orders with open lines that were confirmed so long ago and of which everything is there."""
    before = house.clock.now() - timedelta(days=days)
    with house.pool.connection() as connection:
        rows = connection.execute(
            "SELECT o.number FROM orders AS o LEFT JOIN stock_levels AS s ON s.place = 'main' AND s.sku = o.part_sku"
            " WHERE o.shop = %s AND o.open_units > 0 AND o.state = 'confirmed' AND o.verified"
            " AND coalesce(o.ordered_at, o.recorded_at) < %s GROUP BY o.number, o.first_position"
            " HAVING bool_and(coalesce(s.on_hand >= s.allocated, false)) ORDER BY o.first_position LIMIT %s",
            (shop, before, PAGE_ORDERS),
        ).fetchall()
    return [str(row[0]) for row in rows]
