"""One run: shops of several malls sell from their own numbers for a quarter of an hour, tell late, and are pushed; then all is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from adapters.kit.emulator import EmulatedOrder, EmulatedShop, EmulatorClock, InProcess, PushSeen
from adapters.kit.mall import Gap, Mall, RestoresOnCancel
from api.database import Database
from api.jobs import sync
from api.jobs.push import Pushing, push_due
from api.jobs.push_look import read_fact
from api.shop_access import ConnectedShop, ShopAccesses
from api.shops import connect
from api.tables import secrets
from ledger import failpoint, shop
from ledger.book import Verb, orders, shops, stock
from ledger.book.pushes import record_read
from ledger.facts.listing import ListingSettingsChanged
from ledger.facts.shop import DryRunReviewed
from ledger.listing import LINKED, Listing
from ledger.terms import ListingKey, ListingLevel, ListingRead
from projections import listings
from projections import shops as shop_list
from projections.runner import Runner
from tests.simulator import mails
from tests.simulator.asking import Asking
from tests.simulator.files import FolderWire, applies, folders_of, hurried, takes_batches
from tests.simulator.house import BY, open_world_house
from tests.simulator.judge import arrived, begun
from tests.simulator.malls import (
    DELAYS_SECONDS,
    FORMS,
    ITEMS_MAX,
    Shop,
    account_at,
    key_at,
    pushed_malls,
    takes_its_time,
    tells_when_asked,
    watched,
)
from tests.simulator.report import reported
from tests.simulator.truth import Sold, Truth, shown_in_the_end
from tests.simulator.wire import Judge, Weather, Wire
from tests.simulator.world import World

RUN_SECONDS = 900.0
SETTLE_SECONDS = 1_800.0  # after the last mail: missing units whose orders came, quiet times, dead requests
MALLS = 3  # at once, of all there are
ALL_FROM_SEED, ALL_EVERY_SEED = 25, 5  # worlds of all malls at once: none in CI, every fifth of a soak
BASE, BY_FILE = "http://127.0.0.1", 0.4  # of the shops that can be told by file
CRASHES = ("push.sent_recorded", "push.before_request", "push.after_request")


class Died(BaseException):
    """The worker is gone."""


@dataclass(frozen=True)
class Outcome:
    """What one run came to."""

    seed: int
    faults: Sequence[str]
    oversold_units: int
    oversold_as_ours: int
    sales: int
    raises: int
    pushes: int
    met_more: int
    steps: int  # orders that oversold sales' pages had left out
    steps_agreed: int


class Simulation:
    """One seed's world over one database, which may hold the remains of others: its shops and SKUs are its own."""

    def __init__(self, database: Database, home: Path, seed: int) -> None:
        self.seed = seed
        self.world = World(seed)
        self.truth = Truth()
        self.shops: dict[str, Shop] = {}
        self.selling = True
        self.restores = self.world.maybe(0.4)  # malls that may put units back at a cancel do
        self.asks = self.world.maybe(0.4)  # orders come by asking, where the mall can be asked, and by mail
        self._database = database
        self._home = home
        self._serial = 0

    def run(self) -> Outcome:
        """The run from its seed. Faults are sentences; none is a good run."""
        world, chance = self.world, self.world.chance
        with open_world_house(self._database, self._home, world) as house:
            self.house = house
            self.runner = Runner(
                lambda: psycopg.connect(self._database.conninfo(), autocommit=True),
                self._database.schema,
                [listings.TABLE, shop_list.TABLE],
                holder="simulator",
                clock=world,
            )
            self._clean()
            # Who holds the shop's turn is further down the one stack that there is: waiting would be in vain.
            accesses = ShopAccesses(house, open_http=self._wire, mall_of=self._mall, turn_seconds_max=0)
            accesses.use_files(
                lambda one: FolderWire(world, self.shops[one.code].wire, folders_of(one.code, self.shops))
            )
            self.pushing = Pushing(house, accesses, world.new_id(), self._folded)
            self._found()
            asked = {one.code: one for one in self.shops.values() if one.asked}
            self.asking = Asking(house, accesses, asked, self.truth)
            self.asking.begin()
            for one in list(self.shops):
                world.after(chance.uniform(5, 10), self._sells(one))
            for _ in range(chance.randint(1, 4)):
                world.after(chance.uniform(30, RUN_SECONDS), self._receives)
            if world.maybe(0.5):
                world.after(chance.uniform(60, RUN_SECONDS), self._syncs)
            world.after(1.0, self._polls)
            if asked:
                world.after(2.0, self._asks)
            world.run_until(RUN_SECONDS)
            self._come_to_rest()
            for code in self.shops:
                self._do(shops.stop_intake(code))  # so that the next seed's world does not ask them
            pushes = sum(len(one.emulated.pushes) for one in self.shops.values())
            steps, agreed = reported(self._database, world, self.truth, self.shops.values())
            accesses.close()
            self.runner.close()
        truth = self.truth
        return Outcome(
            self.seed,
            tuple(truth.faults),
            truth.oversold_units,
            truth.oversold_as_ours,
            len(truth.sales),
            truth.raises,
            pushes,
            truth.met_more,
            steps,
            agreed,
        )

    # -------------------------------------------------------------- the beginning

    def _clean(self) -> None:
        """What pushing kept of other seeds, whose clocks began at the same moment, is gone."""
        with self.house.pool.connection() as connection:
            for table in ("push_unseen", "push_waits", "push_syncs", "push_batches"):
                connection.execute(f"DELETE FROM {table}".encode())

    def _found(self) -> None:
        chance, found = self.world.chance, pushed_malls()
        every = self.seed >= ALL_FROM_SEED and self.seed % ALL_EVERY_SEED == 0
        codes = sorted(found) if every else sorted(chance.sample(sorted(found), MALLS))
        cannot_look = chance.choice([None, None, chance.choice(codes)])
        for code in codes:
            gap = Gap("this one cannot be read")
            self._connect(replace(found[code], read_back=gap) if code == cannot_look else found[code])
        for number in range(chance.randint(1, ITEMS_MAX)):
            sku, units = f"SKU-{self.seed}-{number}", chance.choice([1, 2, 3, 5, 8, 12, 30])
            self.truth.supply[sku] = units
            self._do(
                stock.overwrite(
                    sku, units, covers=stock.everything_up_to(self.world.now()), counted_at=self.world.now()
                )
            )
            for one in self.shops.values():
                self._list(one, one.key(number), sku, units, chance.choice([1, 1, 1, 2]))
        for one in self.shops.values():
            self._switch_on(one)

    def _connect(self, mall: Mall) -> None:
        world = self.world
        account = account_at(mall, world.chance)
        emulated = EmulatedShop(
            mall.code, account.settings, dict(account.known), EmulatorClock(world.now, world.sleep_async)
        )
        code = shop.code_of(mall.code, f"seed-{self.seed}")
        assert callable(mall.emulator)
        app: Any = mall.emulator(emulated)
        key = key_at(mall, account, world.chance)
        asked = self.asks and tells_when_asked(mall.code, FORMS.index(key), tuple(account.settings.items()))
        if not asked:
            emulated.number_order = lambda serial, _: f"{code}-{serial}"
        emulated.write_order_mail = emulated.write_cancel_mail = lambda _shop, _order: b""
        emulated.restores_on_cancel = self.restores and mall.restores_on_cancel is not RestoresOnCancel.NO
        weather = Weather() if world.maybe(0.7) else Weather(0, 0, 0, 0, 0)
        wire = Wire(
            world,
            emulated,
            InProcess(app, now=world.now),
            weather,
            mall.request_seconds_max,
            lambda pushes: arrived(self.shops[code], pushes, self.truth),
        )

        def sending(levels: Sequence[ListingLevel]) -> Judge:
            return begun(self.shops[code], levels, world.now(), self._free(), self.truth)

        seen = watched(mall, lambda: wire, sending=sending, looked=lambda units, at: self.truth.looked(code, units, at))
        seen = hurried(seen, sending, lambda: wire)
        if not asked:
            seen = replace(seen, order_api=Gap("not asked in this world"))
        one = self.shops[code] = Shop(code, seen, emulated, wire, key, asked=asked, to_the_minute=world.maybe(0.3))
        for settle in (takes_its_time(emulated, world.chance.choice(DELAYS_SECONDS)), applies(emulated, world)):
            if settle is not None:
                world.after(1.0, self._applies(one, settle))
        wanted = {name: value for name, value in account.settings.items() if value} | {"base.*": BASE}
        self._do(connect(mall.code, f"seed-{self.seed}", match_key="", settings=wanted))
        with self.house.pool.connection() as connection:
            for name, value in account.entered.items():
                secrets.put(connection, self.house.seals, shop=code, name=name, value=value, changed_at=world.now())

        if takes_batches(mall) and world.maybe(BY_FILE):
            self._do(shops.choose_send_type(code, "file"))

    def _list(self, one: Shop, key: ListingKey, sku: str, units: int, each: int) -> None:
        chance = self.world.chance
        rules = ListingSettingsChanged(
            reserve=chance.choice([0, 0, 0, 1]),
            cap=chance.choice([None, None, None, 3]),
            share_percent=chance.choice([100, 100, 50]),
        )
        one.listings[key] = (sku, each)
        one.emulated.set_stock(key, units // each)
        self.truth.number_of_push[one.code, key] = units // each
        self._do(shops.link_listing(one.code, key, sku, units_per_listing=each))
        self._do(shops.confirm_listings(one.code, {key: (units // each, None)}))
        self._do(shops.change_listing_settings(one.code, [key], rules))
        self.truth.rules[one.code, key] = Listing(sku=sku, units_per_listing=each, state=LINKED, settings=rules)

    def _switch_on(self, one: Shop) -> None:
        shown = [ListingRead(key, one.emulated.stock[key]) for key in one.listings]
        self._do(record_read(one.code, read_fact(shown, self.world.now(), 0)))  # the dry run that a person reviewed
        reviewed = DryRunReviewed(
            read_position=1, listings=0, changed=0, to_zero=0, unregistered=0, sells_at_zero=0, guard_passed=True
        )
        for verb in (
            shops.start_intake(one.code),
            shops.prove_intake(one.code, "mail"),
            shops.review_dry_run(one.code, reviewed),
            shops.start_push(one.code, kept_position=1),
        ):
            self._do(verb)

    # -------------------------------------------------------------- the malls

    def _sells(self, code: str) -> Callable[[], None]:
        def happens() -> None:
            chance, one = self.world.chance, self.shops[code]
            if not self.selling:
                return
            key = chance.choice(list(one.listings))
            order = one.emulated.sell(key, chance.choice([1, 1, 1, 2]))
            if order is not None:
                self._sold(one, key, order)
            self.world.after(chance.expovariate(MALLS / 25 / len(self.shops)), happens)

        return happens

    def _sold(self, one: Shop, key: ListingKey, order: EmulatedOrder) -> None:
        world, chance = self.world, self.world.chance
        sku, each = one.listings[key]
        quantity = order.lines[0][1]
        self.truth.sold(Sold(f"{one.code}/{order.number}", one.code, key, sku, quantity * each, order.ordered_at))
        tells = self._tells(one, key, order)
        world.after(mails.seconds_late(world), tells)
        if world.maybe(0.1):
            world.after(mails.seconds_late(world), tells)  # the same mail again
        if world.maybe(0.2) and not one.asked:  # what a cancel means for the stock, each mall's own reasons say
            world.after(chance.uniform(5, 300), self._cancels(one, key, order))

    def _tells(self, one: Shop, key: ListingKey, order: EmulatedOrder) -> Callable[[], None]:
        placed = order.ordered_at.replace(microsecond=0, second=0 if one.to_the_minute else order.ordered_at.second)

        def happens() -> None:
            sku, _ = one.listings[key]
            telling = mails.told(order, placed)
            self._do(orders.take_order(one.code, telling, [orders.Named(key, sku)]))
            self.truth.told.add(f"{one.code}/{order.number}")
            self._wake()

        return happens

    def _cancels(self, one: Shop, key: ListingKey, order: EmulatedOrder) -> Callable[[], None]:
        def told(cancelled_at: datetime) -> None:
            telling = mails.cancelled(order, cancelled_at)
            self._do(orders.take_order(one.code, telling, []))
            self._wake()

        def happens() -> None:
            cancelled_at = self.world.now()
            self.truth.cancelled.add(f"{one.code}/{order.number}")
            one.emulated.cancel(order.number)
            self.world.after(mails.seconds_late(self.world), lambda: told(cancelled_at))

        return happens

    def _receives(self) -> None:
        chance = self.world.chance
        sku, units = chance.choice(list(self.truth.supply)), chance.randint(1, 8)
        self._serial += 1
        self.truth.supply[sku] += units
        self._do(stock.receive(f"slip-{self.seed}-{self._serial}", [("1", sku, units)]))
        self._wake()

    # -------------------------------------------------------------- the house

    def _wake(self) -> None:
        self.world.after(self.world.chance.uniform(0.002, 0.3), self._push)

    def _polls(self) -> None:
        self._push()
        self.world.after(self.world.chance.uniform(6, 20) if self.selling else 40.0, self._polls)

    def _asks(self) -> None:
        if self.asking.step(self.runner.run_once):
            self._wake()
        self.world.after(self.world.chance.uniform(5, 40) if self.selling else 40.0, self._asks)

    def _syncs(self) -> None:
        code = self.world.chance.choice(list(self.shops))
        if self.house.look(f"shop:{code}", shop.FOLD).pushing:
            sync.start(self.house, code, BY, trigger="person")
            self._wake()

    def _push(self) -> None:
        """One step of a worker, one of several; some die on the way."""
        holder = self.world.chance.choice(["worker-1", "worker-2"])
        dies = self.selling and self.world.maybe(0.02)
        point = self.world.chance.choice(CRASHES)

        def die(name: str) -> None:
            if name == point:
                failpoint.arm(None)
                raise Died

        failpoint.arm(die if dies else None)
        try:
            push_due(replace(self.pushing, holder=holder), only=self.shops)
        except Died:
            pass
        finally:
            failpoint.arm(None)

    def _folded(self, _position: int) -> bool:
        self.runner.run_once()
        return True

    def _wire(self, one: ConnectedShop) -> Wire:
        return self.shops[one.code].wire

    def _mall(self, code: str) -> Mall:
        return next(one.mall for one in self.shops.values() if one.mall.code == code)

    def _do(self, verb: Verb) -> None:
        self.house.book.do(verb, BY)

    def _applies(self, one: Shop, settle: Callable[[], Sequence[PushSeen]]) -> Callable[[], None]:
        def happens() -> None:
            arrived(one, settle(), self.truth)
            self.world.after(1.0, happens)

        return happens

    def _free(self) -> Mapping[str, int]:
        with self.house.pool.connection() as connection:
            rows = connection.execute(
                "SELECT sku, on_hand - allocated - held - kept_back - auction_kept FROM stock_levels WHERE sku = ANY (%s)",
                (list(self.truth.supply),),
            ).fetchall()
        return {str(sku): int(free) for sku, free in rows}

    def _come_to_rest(self) -> None:
        """Nobody buys any more, every mail arrives, the weather is fine: each mall shows what it should."""
        world, truth = self.world, self.truth
        self.selling = False
        world.run_until(RUN_SECONDS + 2 * mails.TOLD_SECONDS_MAX + 10)
        for one in self.shops.values():
            one.wire.stopped = True
        world.run_until(RUN_SECONDS + SETTLE_SECONDS)
        free = self._free()
        held = {sku: truth.supply[sku] - self._sold_units(sku) for sku in truth.supply}
        if free != held:
            truth.faults.append(f"the ledger says {free} free units, the truth is {held}")
        wanted = shown_in_the_end(truth, free, {one.code: one.mall.units_max for one in self.shops.values()})
        for (code, key), units in wanted.items():
            found = self.shops[code].emulated.stock[key]
            if found != units:
                truth.faults.append(f"in the end {code} {key} shows {found}; expected {units}")

    def _sold_units(self, sku: str) -> int:
        cancelled = self.truth.cancelled
        return sum(sale.units for sale in self.truth.sales if sale.sku == sku and sale.order not in cancelled)
