"""Orders asked for at malls with an order API, over real HTTP to their emulators: page by page, once, whatever fails."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from adapters.kit.emulator import EmulatedOrder
from adapters.kit.mall import RawOrder
from api.database import Database
from api.jobs import intake, order_polling
from api.jobs.order_polling import BACK_OFF_SECONDS, CLAIM_SECONDS, KEY_SECONDS, POLL_SECONDS, OrderPolling
from api.jobs.relink import ProjectedListings
from api.shop_access import ShopAccesses
from api.tables import inbox, order_polls
from api.tables.inbox import Arrival
from api.tables.order_polls import OrderPoll
from ledger.book import shops as shop_verbs
from ledger.facts.order import OrderTold
from ledger.terms import ListingKey
from projections import shops
from projections.runner import Runner
from tests.api.jobs.pushing import Stage, selling_at, stage
from tests.crashes import ORDERS, killed_at, points_of

MALLS = ("colorme", "makeshop", "rakuten", "yahoo_shopping")


class Asking:
    """One shop at an emulated mall whose orders are asked for; the steps are called by hand."""

    def __init__(self, scene: Stage, code: str, key: ListingKey, table: Callable[[], object]) -> None:
        self.scene, self.code, self.key = scene, code, key
        self._table = table
        self.polling = OrderPolling(scene.house, ShopAccesses(scene.house))
        scene.opened.append(self.polling._accesses)
        self.listings = ProjectedListings(scene.house.database.schema)

    def ask(self) -> None:
        """Every page that is due within seconds, then everything in the inbox."""
        self._table()
        while self.polling.step() or self.poll.due_at - self.scene.clock.now() < timedelta(seconds=4):
            self.scene.clock.sleep(0.5)
        self.take()

    def take(self) -> None:
        self.scene.fold()
        while intake.drain(self.scene.house, self.listings):
            self.scene.fold()
        self.scene.fold()

    def sell(self, quantity: int = 1) -> EmulatedOrder:
        order = self.scene.malls[self.code].sell(self.key, quantity)
        assert order is not None
        return order

    def wait(self, seconds: float = POLL_SECONDS + 1) -> None:
        self.scene.clock.sleep(seconds)

    @property
    def poll(self) -> OrderPoll:
        with self.scene.house.pool.connection() as connection:
            found = order_polls.of_shop(connection, self.code)
        assert found is not None
        return found

    def allocated(self) -> int:
        with self.scene.house.pool.connection() as connection:
            row = connection.execute("SELECT allocated FROM stock_levels WHERE sku = 'SKU-1'").fetchone()
        return 0 if row is None else int(row[0])

    def kept(self) -> list[tuple[str, str, str]]:
        """(order, state, reason) of every message in the inbox."""
        with self.scene.house.pool.connection() as connection:
            rows = inbox.page(connection, rows_max=1_000)
        return [(row.order_number, row.state, row.reason) for row in reversed(rows)]


@contextmanager
def asking(database: Database, home: Path, mall: str) -> Iterator[Asking]:
    with stage(database, home) as scene, selling_at(scene, mall, "one") as code:
        runner = Runner(
            lambda: psycopg.connect(database.conninfo(), autocommit=True),
            database.schema,
            [shops.TABLE],
            holder="shops",
            clock=scene.clock,
        )
        key = ListingKey("1001", "v1")
        scene.stock("SKU-1", 10)
        scene.listing(code, key, "SKU-1", shown=10)
        scene.fold()
        scene.clock.sleep(120)
        try:
            yield Asking(scene, code, key, runner.run_once)
        finally:
            runner.close()


@pytest.fixture(params=MALLS)
def shop(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Iterator[Asking]:
    with asking(database, tmp_path, request.param) as found:
        yield found


def test_an_order_is_fetched_kept_and_taken_once(shop: Asking) -> None:
    order = shop.sell(2)
    shop.wait(1)
    shop.ask()
    assert shop.allocated() == 2
    assert shop.kept() == [(order.number, "read", "")]
    told = [record.fact for record in shop.scene.records(f"order:{shop.code}:{order.number}")]
    assert isinstance(told[0], OrderTold)
    assert told[0].door == "api"
    for _ in range(3):
        shop.wait()
        shop.ask()
    assert shop.kept() == [(order.number, "read", "")], "asked for again by the overlap, not kept again"


def test_nobody_is_asked_before_a_minute_has_gone_by(shop: Asking) -> None:
    shop.ask()
    asked_at = shop.poll.asked_at
    shop.wait(5)
    shop.ask()
    assert shop.poll.asked_at == asked_at
    shop.wait()
    shop.ask()
    assert shop.poll.asked_at != asked_at


def test_a_cancel_is_found_by_asking_again(shop: Asking) -> None:
    order = shop.sell()
    shop.wait(1)
    shop.ask()
    assert shop.allocated() == 1
    shop.wait()
    shop.scene.malls[shop.code].cancel(order.number)
    for _ in range(15):  # some malls list by when an order was placed, and look back every ten minutes
        shop.wait()
        shop.ask()
    assert shop.allocated() == 0


def test_more_orders_than_a_page_holds_come_in_pages_and_none_twice(database: Database, tmp_path: Path) -> None:
    with asking(database, tmp_path, "colorme") as shop:
        shop.scene.stock("SKU-1", 1_000)
        shop.scene.malls[shop.code].set_stock(shop.key, 1_000)
        numbers = set()
        for _ in range(230):
            numbers.add(shop.sell().number)
            shop.scene.clock.sleep(0.01)
        shop.wait(1)
        shop.ask()
        assert {number for number, _, _ in shop.kept()} == numbers
        assert len(shop.kept()) == len(numbers)
        assert shop.allocated() == len(numbers)


@pytest.mark.parametrize("kind", ["status", "garbage", "drop", "half"])
def test_a_mall_that_fails_is_asked_again_later_and_nothing_is_missed(shop: Asking, kind: str) -> None:
    order = shop.sell()
    shop.wait(1)
    shop.scene.meets(shop.code, kind, status=500)
    shop.ask()
    assert shop.kept() == []
    assert (shop.poll.failures, bool(shop.poll.code)) == (1, True)
    shop.wait(BACK_OFF_SECONDS + 1)
    shop.ask()
    assert [number for number, _, _ in shop.kept()] == [order.number]
    assert (shop.poll.failures, shop.poll.code) == (0, "")


def test_a_key_that_is_not_accepted_is_tried_every_ten_minutes(shop: Asking) -> None:
    shop.scene.meets(shop.code, "status", status=401, times=2)  # where tokens are renewed, the renewal is refused too
    shop.ask()
    assert shop.poll.due_at - shop.scene.clock.now() > timedelta(seconds=KEY_SECONDS - 5)


def test_a_shop_that_lacks_a_key_is_not_asked_and_says_so(shop: Asking) -> None:
    with shop.scene.house.pool.connection() as connection:
        kept = connection.execute("DELETE FROM shop_secrets WHERE shop = %s RETURNING *", (shop.code,)).fetchall()
    shop.ask()
    assert (shop.poll.code, shop.poll.asked_at, shop.poll.failures) == ("settings_missing", None, 0)
    assert kept
    assert shop.scene.malls[shop.code].requests_seen == 0


def test_a_shop_whose_intake_is_stopped_is_not_asked_and_misses_nothing(shop: Asking) -> None:
    shop.ask()
    shop.scene.do(shop_verbs.stop_intake(shop.code))
    order = shop.sell()
    shop.wait()
    shop.ask()
    assert shop.kept() == []
    shop.scene.do(shop_verbs.start_intake(shop.code))
    shop.wait()
    shop.ask()
    assert shop.kept() == [(order.number, "read", "")]


def test_a_person_asks_for_a_period_again(shop: Asking) -> None:
    order = shop.sell()
    shop.wait(1)
    shop.ask()
    with shop.scene.house.pool.connection() as connection:
        connection.execute("DELETE FROM inbox")
        now = shop.scene.clock.now()
        assert order_polls.ask_again(connection, shop.code, since=now - timedelta(hours=3), until=now, now=now)
        assert not order_polls.ask_again(connection, "nobody", since=now, until=now, now=now)
    shop.ask()
    assert shop.kept() == [(order.number, "read", "nothing_new")]
    assert shop.allocated() == 1


def test_a_notice_brings_the_order_at_once(shop: Asking) -> None:
    shop.ask()
    order = shop.sell()
    shop.wait(2)
    with shop.scene.house.pool.connection() as connection:
        order_polls.hint(connection, [(shop.code, order.number), (shop.code, "")], now=shop.scene.clock.now())
    shop.ask()
    assert shop.kept() == [(order.number, "read", "")]
    assert order_polling.POLL_SECONDS > 2, "it did not wait for its turn"


def test_an_order_that_is_not_understood_waits_for_a_person_and_is_not_kept_again(shop: Asking) -> None:
    shop.ask()
    order = shop.sell()
    shop.wait(2)
    raw = RawOrder(order.number, b"[]")
    with shop.scene.house.pool.connection() as connection:
        arrival = Arrival(shop.code, "api", shop.scene.clock.now(), "trace", raw.body, order_number=raw.order)
        assert inbox.changed(connection, [arrival]) == [arrival]
        inbox.store(connection, shop.scene.house.database.schema, shop.scene.house.seals, [arrival])
    shop.take()
    assert shop.kept() == [(order.number, "quarantined", "not_understood")]
    with shop.scene.house.pool.connection() as connection:
        assert inbox.changed(connection, [arrival]) == []


@pytest.mark.parametrize("point", points_of(ORDERS))
def test_killed_while_it_asks_another_worker_asks_and_the_order_counts_once(
    database: Database, tmp_path: Path, point: str
) -> None:
    with asking(database, tmp_path, "colorme") as shop:
        shop.ask()
        order = shop.sell()
        shop.wait()
        seconds = str(shop.scene.clock.monotonic())
        assert killed_at(ORDERS, point, database.url, database.schema, str(tmp_path), seconds) == ["ready"]
        shop.wait(CLAIM_SECONDS + 1)
        shop.ask()
        shop.wait()
        shop.ask()
        assert shop.kept() == [(order.number, "read", "")]
        assert shop.allocated() == 1
