"""A shop of one mall, pushing, with the mall's emulator behind real HTTP and a clock that moves when somebody waits."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

import adapters
from adapters.kit.emulator import EmulatedShop, EmulatorClock, Fault, serve
from adapters.kit.mall import Setting
from api.database import Database
from api.jobs import push, push_rows
from api.jobs.push import Pushing
from api.projecting import tables
from api.settings import Settings
from api.shop_access import ShopAccesses
from api.shops import connect
from api.tables import secrets
from api.wiring import House, open_house
from ledger import keys, shop
from ledger.book import By, Verb, orders, shops, stock
from ledger.codec import Record, decode
from ledger.facts.listing import ListingSettingsChanged
from ledger.facts.push import PushAnswered, PushSent, PushSettled
from ledger.facts.shop import DryRunReviewed
from ledger.reading import Selects
from ledger.terms import Door, ListingKey, OrderState, Telling, TellingLine
from projections import listings
from projections.runner import Runner

BEGAN = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
BY = By("user:1", "test")


class MovingClock:
    """Time that passes only when somebody sleeps, and a little with every look, so that no two moments are one."""

    def __init__(self, tick_seconds: float = 0.001, *, began_seconds: float = 0.0) -> None:
        self._seconds = began_seconds
        self._tick = tick_seconds
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        with self._lock:
            self._seconds += self._tick
            return self._seconds

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._seconds += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


@dataclass(repr=False)
class Stage:
    """One merchant's house, the runner of its listings, and its shops at emulated malls."""

    house: House
    clock: MovingClock
    runner: Runner
    pushing: Pushing
    malls: dict[str, EmulatedShop] = field(default_factory=dict)
    opened: list[ShopAccesses] = field(default_factory=list)
    serial: int = 0
    shares: bool = False

    def do(self, verb: Verb) -> Mapping[str, object]:
        return self.house.book.do(verb, BY).answer

    def fold(self) -> None:
        """The tables hold every fact; with ``shares`` what the house itself runs may feed them too."""
        self.runner.run_once()
        if self.shares:
            self.runner.close()

    def stock(self, sku: str, units: int) -> None:
        """上書き: this many are available now."""
        now = self.house.clock.now()
        self.do(stock.overwrite(sku, units, covers=stock.everything_up_to(now), counted_at=now, owed="after"))

    def listing(self, code: str, key: ListingKey, sku: str, *, shown: int | None, each: int = 1, **rules: Any) -> None:
        """A confirmed listing; the mall shows this number now."""
        self.malls[code].set_stock(key, shown)
        self.do(shops.link_listing(code, key, sku, units_per_listing=each))
        self.do(shops.confirm_listings(code, {key: (shown, None)}))
        if rules:
            self.do(shops.change_listing_settings(code, [key], ListingSettingsChanged(**rules)))

    def told(self, code: str, key: ListingKey, sku: str, units: int) -> None:
        """A listing that was told this number, a minute ago."""
        self.stock(sku, units)
        self.listing(code, key, sku, shown=units)
        self.push_until(lambda: not self.push())
        self.clock.sleep(60)

    def order(
        self, code: str, key: ListingKey, sku: str, quantity: int = 1, *, ordered_at: datetime | None = None
    ) -> str:
        """An order of the shop is told by mail."""
        self.serial += 1
        now = self.house.clock.now()
        telling = Telling(
            order=f"order-{self.serial}",
            door=Door.MAIL,
            told_at=now,
            state=OrderState.CONFIRMED,
            complete=True,
            verified=True,
            lines=(TellingLine(key.item, key.variant, quantity),),
            parser_version=1,
            ordered_at=ordered_at or now,
        )
        self.do(orders.take_order(code, telling, [orders.Named(key, sku)]))
        return telling.order

    def meets(self, code: str, kind: str, *, times: int = 1, path: str = "", **more: Any) -> None:
        self.malls[code].faults.append(Fault(kind, times=times, path=path, **more))

    def push(self, *, wait: float = 0.0) -> int:
        """Whatever is due is pushed, after ``wait`` seconds."""
        self.clock.sleep(wait)
        return push.push_due(self.pushing)

    def push_until(self, done: Callable[[], bool], *, seconds: float = 600.0, step: float = 1.0) -> None:
        """Push steps, a second apart, until ``done``."""
        for _ in range(int(seconds / step)):
            push.push_due(self.pushing)
            if done():
                return
            self.clock.sleep(step)
        raise AssertionError("it was not done in time")

    def shows(self, code: str, key: ListingKey) -> int | None:
        return self.malls[code].stock[key]

    def facts(self, code: str) -> list[PushSent | PushAnswered | PushSettled]:
        return [record.fact for record in self.records(keys.push(code))]  # type: ignore[misc]

    def records(self, stream: str) -> list[Record]:
        selects = Selects(self.house.database.schema)
        with self.house.pool.connection() as connection:
            rows: list[Any] = connection.execute(selects.streams, ([stream], [0])).fetchall()
        return [decode(position, name, version, topic, bytes(state)) for name, version, topic, state, position in rows]

    def shop(self, code: str) -> shop.Shop:
        return self.house.look(keys.shop(code), shop.FOLD)

    def another_worker(self) -> Pushing:
        """Another worker of the same house."""
        accesses = ShopAccesses(self.house)
        self.opened.append(accesses)
        return replace(self.pushing, holder=self.house.new_id(), accesses=accesses)


@contextmanager
def stage(database: Database, home: Path, *, began_seconds: float = 0.0, shares: bool = False) -> Iterator[Stage]:
    """A merchant with a clock that moves when somebody waits. ``shares``: every table is fed, by the house's commands too."""
    clock = MovingClock(began_seconds=began_seconds)
    with open_house(Settings(home=home), database=database, clock=clock) as house:
        runner = Runner(
            lambda: psycopg.connect(database.conninfo(), autocommit=True),
            database.schema,
            tables() if shares else [listings.TABLE],
            holder="runner",
            clock=clock,
        )

        def folded(position: int) -> bool:
            scene.fold()
            with house.pool.connection() as connection:
                return push_rows.standing(connection, database.schema)[0] >= position

        accesses = ShopAccesses(house)
        pushing = Pushing(house, accesses, "worker", folded)
        scene = Stage(house, clock, runner, pushing, opened=[accesses], shares=shares)
        try:
            yield scene
        finally:
            for one in scene.opened:
                one.close()
            runner.close()


@contextmanager
def selling_at(scene: Stage, mall_code: str, shop_id: str, *, push_now: bool = True) -> Iterator[str]:
    """The shop is connected to its mall's emulator and pushes; the answer is its code."""
    mall = adapters.mall(mall_code)
    assert callable(mall.emulator)
    settings = {one.name: _value(one) for one in mall.settings if not one.secret}
    sealed = {one.name: _value(one) for one in mall.settings if one.secret}
    emulated = EmulatedShop(mall_code, settings, dict(sealed), EmulatorClock(scene.clock.now, scene.clock.sleep_async))
    app: Any = mall.emulator(emulated)
    with serve(app, start_thread=_start_thread) as base_url:
        wanted = {**{name: value for name, value in settings.items() if value}, "base.*": base_url}
        scene.do(connect(mall_code, shop_id, match_key="", settings=wanted))
        code = shop.code_of(mall_code, shop_id)
        scene.malls[code] = emulated
        with scene.house.pool.connection() as connection:
            for name, value in sealed.items():
                if value:
                    now = scene.house.clock.now()
                    secrets.put(connection, scene.house.seals, shop=code, name=name, value=value, changed_at=now)
        if push_now:
            switch_on(scene, code)
        yield code


def switch_on(scene: Stage, code: str) -> None:
    """Intake is proven, a person reviewed the difference, and the shop pushes."""
    scene.do(shops.start_intake(code))
    scene.do(shops.prove_intake(code, "mail"))
    reviewed = DryRunReviewed(
        read_position=1, listings=0, changed=0, to_zero=0, unregistered=0, sells_at_zero=0, guard_passed=True
    )
    scene.do(shops.review_dry_run(code, reviewed))
    scene.do(shops.start_push(code, kept_position=1))


def _value(setting: Setting) -> str:
    if setting.example or setting.default:
        return setting.example or setting.default
    return f"value-of-{setting.name.replace('_', '-')}" if setting.required else ""


def _start_thread(run: Callable[[], None]) -> Callable[[float], None]:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread.join


def outcomes(scene: Stage, code: str) -> list[list[str]]:
    """The outcomes of every answered request, in order."""
    return [fact.outcomes for fact in scene.facts(code) if isinstance(fact, PushAnswered)]


def sent(scene: Stage, code: str) -> list[PushSent]:
    """Every request that was recorded, in order."""
    return [fact for fact in scene.facts(code) if isinstance(fact, PushSent)]
