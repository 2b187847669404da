"""An order of Yahoo! that comes by mail and by API, in whatever order, is one order (D3); so are the parts of a split one."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations
from pathlib import Path

import pytest

import adapters
from adapters.kit.emulator import EmulatedOrder, EmulatedShop, EmulatorClock, InProcess
from adapters.kit.mall import OrdersAsked, OrdersPage, ShopAccess
from adapters.yahoo_shopping.emulator import emulator, state_of
from adapters.yahoo_shopping.emulator_orders import edit, split
from adapters.yahoo_shopping.orders import fetch
from api.database import Database
from api.jobs.intake import drain
from api.tables import inbox
from api.tables.inbox import Arrival
from api.wiring import House
from ledger import keys
from ledger.order import FOLD, Order, stated
from ledger.terms import Door, ListingKey
from tests.adapters.yahoo_shopping.store import SECRETS, SETTINGS
from tests.api.intake_rig import (
    YAHOO,
    KnownListings,
    TurnedClock,
    connect_shops,
    deliver,
    link,
    nothing_waits,
    opened,
    set_stock,
    states,
    stock_of,
)

_KEY = next(one.example for one in adapters.mall("yahoo_shopping").settings if one.name == "public_key")
KEPT = {**SECRETS, "public_key": _KEY}
ONE, TWO = ListingKey("item-01", "blue"), ListingKey("test1234")


@dataclass
class Scene:
    """A house whose Yahoo! store is emulated: its mails and its order API, brought to the inbox by hand."""

    house: House
    clock: TurnedClock
    listings: KnownListings = field(default_factory=KnownListings)
    shop: EmulatedShop = field(init=False)
    access: ShopAccess = field(init=False)
    http: InProcess = field(init=False)

    def __post_init__(self) -> None:
        clock = EmulatorClock(self.clock.now, asyncio.sleep)
        self.shop = EmulatedShop("yahoo_shopping", SETTINGS, dict(KEPT), clock)
        self.http = InProcess(emulator(self.shop), now=self.clock.now)
        base = {"*": "http://127.0.0.1"}
        profile = adapters.profile("yahoo_shopping")
        kept = dict(KEPT)
        self.access = ShopAccess(self.http, SETTINGS, kept, kept.__setitem__, self.clock.now, base, profile)
        for key, sku in ((ONE, "SKU-1"), (TWO, "SKU-2")):
            self.shop.set_stock(key, 100)
            link(self.house, YAHOO, key.item, key.variant, sku)
            set_stock(self.house, sku, 10)

    def by_mail(self) -> None:
        """Every mail that waits at the mall is in the inbox and taken."""
        sent: list[bytes] = []
        self.shop.deliver_due(sent.append)
        for raw in sent:
            deliver(self.house, raw, YAHOO)
        self._take()

    def by_api(self, number: str) -> None:
        """The order as the API says it now is in the inbox and taken."""
        self.clock.turn(1)
        page = fetch(self.access, OrdersAsked(self.clock.now(), self.clock.now(), orders=(number,)))
        assert isinstance(page, OrdersPage), page
        raw = page.orders[0]
        arrival = Arrival(YAHOO, Door.API, self.clock.now(), self.house.new_id(), raw.body, order_number=raw.order)
        with self.house.pool.connection() as connection:
            inbox.store(connection, self.house.database.schema, self.house.seals, [arrival])
        self._take()

    def sell(self) -> EmulatedOrder:
        order = self.shop.sell_lines(((ONE, 2), (TWO, 1)))
        assert order is not None
        return order

    def order(self, number: str) -> Order:
        return self.house.look(keys.order(YAHOO, number), FOLD)

    def stock(self) -> list[tuple[int | None, int]]:
        """(on hand, allocated) of both SKUs."""
        return [stock_of(self.house, "SKU-1"), stock_of(self.house, "SKU-2")]

    def _take(self) -> None:
        nothing_waits(self.house, partial(drain, self.house, self.listings))


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Scene]:
    clock = TurnedClock()
    with opened(database, tmp_path, clock) as house:
        connect_shops(house)
        found = Scene(house, clock)
        yield found
        found.http.close()


@pytest.mark.parametrize("doors", [("mail", "api"), ("api", "mail"), ("api", "mail", "api")])
def test_an_order_told_by_both_doors_is_allocated_once(scene: Scene, doors: tuple[str, ...]) -> None:
    order = scene.sell()
    for door in doors:
        scene.by_mail() if door == "mail" else scene.by_api(order.number)
    assert scene.stock() == [(10, 2), (10, 1)]
    assert {kept.told.door for kept in scene.order(order.number).kept} == {Door.MAIL, Door.API}
    assert [line.listing for line in stated(scene.order(order.number)).lines] == [
        "item-01:blue",
        "test1234:",
    ]


def test_an_edit_counts_by_its_version_whenever_it_comes(scene: Scene) -> None:
    order = scene.sell()
    scene.by_api(order.number)
    edit(scene.shop, state_of(scene.shop).orders, order.number, line=1, units=1)
    scene.by_api(order.number)
    scene.by_mail()
    assert scene.stock() == [(10, 1), (10, 1)]
    assert [kept.told.revision for kept in scene.order(order.number).kept] == [1, 2, None]


def test_the_units_of_a_split_order_count_once_and_at_no_time_less(scene: Scene) -> None:
    order = scene.sell()
    scene.by_mail()
    parts = split(scene.shop, state_of(scene.shop).orders, order.number, lines_first=1)
    for number in (*parts, order.number):
        scene.by_api(number)
        assert [max(units, least) for (_, units), least in zip(scene.stock(), (2, 1), strict=True)] == [
            units for _, units in scene.stock()
        ]
    assert scene.stock() == [(10, 2), (10, 1)]
    assert stated(scene.order(order.number)).cancelled
    assert not stated(scene.order(parts[0])).cancelled


def test_a_cancel_is_booked_once_whichever_door_says_it_first(scene: Scene) -> None:
    for doors in permutations(("order", "cancel", "api")):
        order = scene.sell()
        sent: list[bytes] = []
        scene.shop.deliver_due(sent.append)
        scene.shop.cancel(order.number)
        scene.shop.deliver_due(sent.append)
        for door in doors:
            if door == "api":
                scene.by_api(order.number)
            else:
                deliver(scene.house, sent[door == "cancel"], YAHOO)
                scene._take()
        assert scene.stock() == [(10, 0), (10, 0)], doors
        assert stated(scene.order(order.number)).cancelled
    assert {state for state, _ in states(scene.house)} == {"read"}
