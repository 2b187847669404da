"""An order of Rakuten that comes by mail and by API, in whatever order, is one order (D3); the API decides what it is."""

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
from adapters.rakuten.emulator import emulator, fill_catalogue, state_of
from adapters.rakuten.orders import fetch
from api.database import Database
from api.jobs.intake import drain
from api.tables import inbox
from api.tables.inbox import Arrival
from api.wiring import House
from ledger import keys
from ledger.order import FOLD, Order, stated
from ledger.terms import Door, ListingKey
from tests.api.intake_rig import (
    RAKUTEN,
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

SECRETS = {"service_secret": "SP1", "license_key": "SL1"}
ONE, TWO = ListingKey("dc-item-000001", "normal-inventory"), ListingKey("dc-item-000002", "02")


@dataclass
class Scene:
    """A house whose Rakuten shop is emulated: its mails and its order API, brought to the inbox by hand."""

    house: House
    clock: TurnedClock
    listings: KnownListings = field(default_factory=KnownListings)
    shop: EmulatedShop = field(init=False)
    access: ShopAccess = field(init=False)
    http: InProcess = field(init=False)

    def __post_init__(self) -> None:
        clock = EmulatorClock(self.clock.now, asyncio.sleep)
        self.shop = EmulatedShop("rakuten", {"shop_number": "402853"}, dict(SECRETS), clock)
        self.http = InProcess(emulator(self.shop), now=self.clock.now)
        base = {"*": "http://127.0.0.1"}
        profile = adapters.profile("rakuten")
        self.access = ShopAccess(self.http, {}, dict(SECRETS), lambda _n, _v: None, self.clock.now, base, profile)
        fill_catalogue(self.shop, 3)
        for key, number, sku in ((ONE, "DCI000001", "SKU-1"), (TWO, "DCI000002", "SKU-2")):
            self.shop.set_stock(key, 100)
            code = f"{number}/{key.variant}"  # as the item file gives it
            self.listings.codes[RAKUTEN, code] = [link(self.house, RAKUTEN, key.item, key.variant, sku, codes=[code])]
            set_stock(self.house, sku, 10)

    def by_mail(self) -> None:
        """Every mail that waits at the mall is in the inbox and taken."""
        sent: list[bytes] = []
        self.shop.deliver_due(sent.append)
        for raw in sent:
            deliver(self.house, raw)
        self._take()

    def by_api(self, number: str) -> None:
        """The order as the API says it now is in the inbox and taken."""
        self.clock.turn(1)
        page = fetch(self.access, OrdersAsked(self.clock.now(), self.clock.now(), orders=(number,)))
        assert isinstance(page, OrdersPage), page
        raw = page.orders[0]
        arrival = Arrival(RAKUTEN, Door.API, self.clock.now(), self.house.new_id(), raw.body, order_number=raw.order)
        with self.house.pool.connection() as connection:
            inbox.store(connection, self.house.database.schema, self.house.seals, [arrival])
        self._take()

    def sell(self) -> EmulatedOrder:
        order = self.shop.sell_lines(((ONE, 2), (TWO, 1)))
        assert order is not None
        return order

    def order(self, number: str) -> Order:
        return self.house.look(keys.order(RAKUTEN, number), FOLD)

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
        "dc-item-000001:normal-inventory",
        "dc-item-000002:02",
    ]


def test_a_line_that_was_taken_out_in_rms_is_released_when_the_api_says_so(scene: Scene) -> None:
    order = scene.sell()
    scene.by_mail()
    state_of(scene.shop).orders.units[order.number, 1] = 0
    state_of(scene.shop).orders.units[order.number, 2] = 3
    scene.by_api(order.number)
    assert scene.stock() == [(10, 0), (10, 3)]


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
                deliver(scene.house, sent[door == "cancel"])
                scene._take()
        assert scene.stock() == [(10, 0), (10, 0)], doors
        assert stated(scene.order(order.number)).cancelled
    assert {state for state, _ in states(scene.house)} == {"read"}
