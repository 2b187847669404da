"""受注を期間指定で取り直す: the orders of a period are asked for once more, at the mall's pace, through the same inbox.

A worker does the asking; where none runs, the one who waits does. An order that says what it said before is not kept again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.kit.mall import NotOffered, OrderApi
from api.connecting import missing
from api.jobs.order_polling import FIRST_REACH, OrderPolling
from api.jobs.settling import Settled, settle
from api.shop_access import ShopAccesses
from api.tables import inbox, order_polls
from api.tables.order_polls import OrderPoll
from api.wiring import House
from ledger.terms import Door, utc_text

LOOK_SECONDS = 0.2
WAIT_SECONDS_MAX = 600.0
INSTEAD = (
    "instead: `daicho orders import FILE --shop {shop}` takes the order CSV that the mall's own screens give out"
    " (受注CSV取込), and order mails that were not forwarded can be forwarded again: an order that is known changes nothing"
)


class NotAsked(ValueError):
    """The shop's orders cannot be asked for; the message says why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """How an asking for a period stands. ``orders``: new or changed ones so far; ``code`` of the last failure, "" none."""

    shop: str
    since: datetime | None
    until: datetime | None
    running: bool
    orders: int
    asked_at: datetime | None
    failures: int
    code: str


def ask_for(
    house: House, code: str, since: datetime | None = None, until: datetime | None = None
) -> tuple[datetime, datetime]:
    """The period (a day until now, when not said) is asked for once more, beginning now. Raises NotAsked, ShopNotReady."""
    now = house.clock.now()
    one = ShopAccesses(house).connected(code)
    api, instead = one.mall.order_api, INSTEAD.format(shop=code)
    if not isinstance(api, OrderApi):
        why = api.source if isinstance(api, NotOffered) else api.reason
        raise NotAsked(f"{one.mall.name} is not asked for orders ({why}); {instead}")
    if lacking := missing(house, one.mall, code):
        raise NotAsked(f"shop {code} has no {', '.join(lacking)} yet, so its mall does not answer; {instead}")
    if not one.shop.intake:
        raise NotAsked(f"受注取込 of shop {code} is stopped; start it with `daicho shop start {code} --intake`")
    begins, ends = since or (until or now) - FIRST_REACH, min(until or now, now)
    if not now - timedelta(days=api.reach_days_max) <= begins < ends:
        raise NotAsked(
            f"from {utc_text(begins)} to {utc_text(ends)}; expected a period within the last {api.reach_days_max} days,"
            f" further back {one.mall.name} does not answer; {instead}"
        )
    with house.pool.connection() as connection:
        order_polls.begin(connection, code, done_until=begins, now=now)
        order_polls.ask_again(connection, code, since=begins, until=ends, now=now)
    return begins, ends


def standing(house: House, code: str) -> Fetching | None:
    """How asking the shop stands; None: it was never asked for orders."""
    with house.pool.connection() as connection:
        poll = order_polls.of_shop(connection, code)
    return None if poll is None else _fetching(poll)


def fetch(
    house: House,
    code: str,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    progress: Callable[[Fetching], None] | None = None,
) -> tuple[Fetching, Settled]:
    """The period was asked for and what came of it was read, or the mall failed, or WAIT_SECONDS_MAX are over.

    Raises NotAsked, ShopNotReady.
    """
    newest = _newest(house)
    begins, ends = ask_for(house, code, since, until)
    accesses = ShopAccesses(house)
    polling, clock = OrderPolling(house, accesses), house.clock
    give_up_at = clock.monotonic() + WAIT_SECONDS_MAX
    try:
        while True:
            now = standing(house, code)
            assert now is not None, code
            if progress is not None:
                progress(now)
            if (now.since, now.until) != (begins, ends) or now.failures or clock.monotonic() > give_up_at:
                return now, settle(house, _came(house, code, newest))
            if not polling.step():
                clock.sleep(LOOK_SECONDS)
    finally:
        accesses.close()


def _fetching(poll: OrderPoll) -> Fetching:
    running = poll.since is not None
    return Fetching(poll.shop, poll.since, poll.until, running, poll.found, poll.asked_at, poll.failures, poll.code)


def _newest(house: House) -> int:
    with house.pool.connection() as connection:
        rows = inbox.page(connection, rows_max=1)
    return rows[0].id if rows else 0


def _came(house: House, code: str, after: int) -> list[int]:
    with house.pool.connection() as connection:
        rows = connection.execute(
            "SELECT id FROM inbox WHERE id > %s AND shop = %s AND door = %s", (after, code, str(Door.API))
        ).fetchall()
    return [int(row[0]) for row in rows]
