"""Orders asked for at the malls: one page of one shop a step, kept in the inbox before it is read, like any message.

Each asking goes back behind the one before by the mall's overlap, so that clocks that differ and orders that are listed late
lose nothing; an order that says what it said before is not kept again. A page and how far it came are one commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import adapters
from adapters.kit.mall import OrderApi, OrdersAsked, OrdersPage, ReadFailed
from api.connecting import missing
from api.jobs.worker import Loop
from api.shop_access import ConnectedShop, ShopAccesses, TurnNotGot
from api.tables import inbox, mall_paces, order_polls
from api.tables.inbox import Arrival
from api.tables.order_polls import OrderPoll
from api.wiring import House
from ledger.book.shops import prove_intake
from ledger.failpoint import reach
from ledger.shop import ShopNotReady
from ledger.terms import Door, Result

POLL_SECONDS = 60.0  # between two askings of a shop
FIRST_REACH = timedelta(days=1)  # of a shop that begins to take orders; what its number knows counts as 計上済
HINTS_MAX = 20  # orders asked for by number at once
BACK_OFF_SECONDS, BACK_OFF_SECONDS_MAX = 5.0, 300.0
KEY_SECONDS = 600.0  # a key that is not accepted is tried again after
CLAIM_SECONDS = 120.0
FIND_SECONDS = 5.0  # how often shops that began or ceased to take orders are looked for
SLEEP_SECONDS_MAX = 2.0
TURN_NOT_GOT = "turn_not_got"
SHOP_NOT_READY = "shop_not_ready"
SETTINGS_MISSING = "settings_missing"


def loops(house: House) -> list[Loop]:
    """What a worker runs so that orders are asked for where a mall offers it."""
    accesses = ShopAccesses(house)
    woken_by = (inbox.channel(house.database.schema),)
    return [Loop("orders", OrderPolling(house, accesses).step, woken_by, close=accesses.close)]


class OrderPolling:
    """The step function of one process. It keeps when it last looked for shops that began to take orders."""

    def __init__(self, house: House, accesses: ShopAccesses) -> None:
        self._house = house
        self._accesses = accesses
        self._find_at = float("-inf")

    def step(self) -> int:
        """One page of the shop that is due the longest; the answer is 1, or 0 when none is due."""
        house = self._house
        if house.clock.monotonic() >= self._find_at:
            self._find()
            self._find_at = house.clock.monotonic() + FIND_SECONDS
        with house.pool.connection() as connection:
            poll = order_polls.claim(connection, now=house.clock.now(), claim_seconds=CLAIM_SECONDS)
        if poll is None:
            return 0
        reach("orders.claimed")
        self._ask(poll)
        return 1

    def _find(self) -> None:
        """Shops whose intake runs are asked from now on; what is new of the others waits until it runs."""
        asking = [code for code, mall in adapters.malls().items() if isinstance(mall.order_api, OrderApi)]
        now = self._house.clock.now()
        with self._house.pool.connection() as connection:
            rows = connection.execute("SELECT shop FROM shops WHERE intake AND mall = ANY (%s)", (asking,)).fetchall()
            for code in {str(row[0]) for row in rows} - order_polls.known(connection):
                order_polls.begin(connection, code, done_until=now - FIRST_REACH, now=now)

    # -------------------------------------------------------------- one shop

    def _ask(self, poll: OrderPoll) -> None:
        now = self._house.clock.now()
        try:
            one = self._accesses.connected(poll.shop)
        except ShopNotReady:
            self._keep(replace(poll, due_at=now + timedelta(seconds=KEY_SECONDS), code=SHOP_NOT_READY))
            return
        api = one.mall.order_api
        if not isinstance(api, OrderApi) or not one.shop.intake:
            self._keep(replace(poll, due_at=now + timedelta(seconds=POLL_SECONDS)))
            return
        if missing(self._house, one.mall, poll.shop):  # mail may be all this shop's orders come by
            self._keep(replace(poll, due_at=now + timedelta(seconds=POLL_SECONDS), code=SETTINGS_MISSING))
            return
        if wait := self._slot(one, api):
            self._keep(replace(poll, due_at=now + timedelta(seconds=wait)))
            return
        with self._house.pool.connection() as connection:
            numbers = order_polls.hinted(connection, poll.shop, HINTS_MAX)
        if numbers:
            self._fetch_named(poll, one, api, numbers)
        else:
            self._fetch_window(poll, one, api)

    def _slot(self, one: ConnectedShop, api: OrderApi) -> float:
        """0.0: a page may be asked for now, after a short wait maybe; else the seconds until it may, too many to wait here."""
        pace, kind = mall_paces.pace_of(api.pages_per_second), mall_paces.counted_as(one.mall, mall_paces.ORDERS)
        while True:
            with self._house.pool.connection() as connection:
                wait = mall_paces.may_call(connection, one.code, kind, pace, now=self._house.clock.now())
            if wait == 0.0 or wait > SLEEP_SECONDS_MAX:
                return wait
            self._house.clock.sleep(wait)

    def _fetch_named(self, poll: OrderPoll, one: ConnectedShop, api: OrderApi, numbers: Sequence[str]) -> None:
        """The orders that notices named, whenever they changed; on as many pages as the mall makes of them."""
        now = self._house.clock.now()
        asked = OrdersAsked(now - timedelta(days=api.reach_days_max), now, orders=tuple(numbers))
        while True:
            page = self._fetch(one, api, asked)
            if isinstance(page, ReadFailed):
                self._failed(poll, page)
                return
            done = numbers if not page.cursor else [raw.order for raw in page.orders]
            more = bool(page.cursor) and self._slot(one, api) == 0.0
            self._store(poll, page, done, more=more)
            if not more:
                return
            asked = replace(asked, cursor=page.cursor)

    def _fetch_window(self, poll: OrderPoll, one: ConnectedShop, api: OrderApi) -> None:
        """The next page of the window under way, or the first of a new one."""
        now = self._house.clock.now()
        if poll.since is None or poll.until is None:
            since = poll.done_until - timedelta(seconds=api.overlap_seconds)
            since = max(since, now - timedelta(days=api.reach_days_max))
            poll = replace(poll, since=since, until=now, cursor="", found=0)
        assert poll.since is not None
        assert poll.until is not None
        page = self._fetch(one, api, OrdersAsked(poll.since, poll.until, poll.cursor))
        if isinstance(page, ReadFailed):
            self._failed(poll, page)
            return
        self._store(poll, page)
        if not page.cursor and not one.shop.intake_proven:
            self._house.book.do(prove_intake(poll.shop, Door.API), self._house.by())

    def _fetch(self, one: ConnectedShop, api: OrderApi, asked: OrdersAsked) -> OrdersPage | ReadFailed:
        try:
            with self._accesses.of(one) as access:
                return api.fetch(access, asked)
        except TurnNotGot:
            return ReadFailed(Result.TRANSIENT, TURN_NOT_GOT)

    # -------------------------------------------------------------- what came of it

    def _store(
        self, poll: OrderPoll, page: OrdersPage, numbers: Sequence[str] | None = None, *, more: bool = False
    ) -> None:
        """The page's new and changed orders are in the inbox, and how far it came stands beside them: one commit.

        ``numbers``: orders that were asked for by number and need not be again; None: the window was asked for.
        ``more``: the shop stays this worker's for the next page.
        """
        house, now = self._house, self._house.clock.now()
        arrivals = [
            Arrival(poll.shop, Door.API, now, house.new_id(), raw.body, order_number=raw.order) for raw in page.orders
        ]
        after = replace(poll, asked_at=now, failures=0, code="")
        reach("orders.fetched")
        with house.pool.connection() as connection:
            new = inbox.changed(connection, arrivals)
            inbox.store(connection, house.database.schema, house.seals, new)
            if numbers is not None:
                order_polls.fetched(connection, poll.shop, numbers)
                after = replace(after, due_at=now)  # more of them, or the window under way
            else:
                after = _after_page(after, page, len(new), now)
            if not more:
                order_polls.keep(connection, after)
        reach("orders.stored")

    def _failed(self, poll: OrderPoll, failed: ReadFailed) -> None:
        """The same page is asked for again later; a mall's own wish is kept."""
        waits: Mapping[Result, float] = {Result.THROTTLED: failed.wait_seconds, Result.REJECTED_AUTH: KEY_SECONDS}
        back_off = min(BACK_OFF_SECONDS * 2.0 ** min(poll.failures, 16), BACK_OFF_SECONDS_MAX)
        seconds = max(waits.get(failed.result, back_off), 1.0)
        due_at = self._house.clock.now() + timedelta(seconds=seconds)
        code = failed.code or str(failed.result)
        self._keep(replace(poll, due_at=due_at, failures=poll.failures + 1, code=code))

    def _keep(self, poll: OrderPoll) -> None:
        with self._house.pool.connection() as connection:
            order_polls.keep(connection, poll)


def _after_page(poll: OrderPoll, page: OrdersPage, found: int, now: datetime) -> OrderPoll:
    """Behind this page: the next one at once, or the window is done and the shop is due again in a while."""
    if page.cursor:
        return replace(poll, cursor=page.cursor, found=poll.found + found, due_at=now)
    assert poll.until is not None
    done_until = max(poll.done_until, poll.until)
    due_at = now + timedelta(seconds=POLL_SECONDS)
    return replace(
        poll, done_until=done_until, since=None, until=None, cursor="", found=poll.found + found, due_at=due_at
    )
