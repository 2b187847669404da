"""P8: a full sync of 100,000 listings to an emulator without limit and with the mall's; P7: orders told meanwhile.

The emulator of Yahoo! (1,000 codes a request, 1 request a second of each kind) shows other numbers than it should: every
listing is read back and told again, by the loops of a worker, over loopback HTTP. The emulator runs in this process too.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from anyio import to_thread

import adapters
from adapters.kit.emulator import EmulatedShop, EmulatorClock, serve
from adapters.kit.mall import Mall
from adapters.yahoo_shopping.emulator import REQUESTS_PER_SECOND, emulator
from api.jobs import push, sync
from api.jobs.applying import apply
from api.jobs.imports import Wish, shop_of
from api.jobs.staging import stage
from api.jobs.worker import working
from api.projecting import catch_up, feed
from api.settings import Settings
from api.shop_access import ShopAccesses
from api.shops import connect
from api.tables import push_syncs, secrets
from api.wiring import House, SystemClock, open_house, start_thread
from ledger import keys
from ledger.book import Verb, shops, stock
from ledger.facts.shop import DryRunReviewed
from ledger.terms import ListingKey
from tests.bench.ground import Ground
from tests.bench.rows import Row

GOALS = ("P8", "P7")
LISTINGS, QUICK_LISTINGS = 100_000, 10_000
PAGE = 1_000
SETTINGS = {"seller_id": "bench-store", "client_id": "benchmark"}
SECRETS = {"client_secret": "benchmark-client-secret", "refresh_token": "benchmark-refresh-token"}
CODE = "yahoo_shopping-bench-store"
OFF_BY = 3  # what the mall shows too many of, as if a person had typed it
UNITS = 1_000
NO_LIMIT_PER_SECOND = 10_000.0
ORDERS_SECONDS_APART = 3.1
WAIT_SECONDS_MAX = 900.0
LOOK_SECONDS = 0.002


class Store(EmulatedShop):
    """The mall's store; ``limited`` False: it has no limit. ``calls``: requests of each kind that passed."""

    limited = True

    def take_token(self, name: str, *, per_second: float, burst: int = 1) -> float:
        wait = super().take_token(name, per_second=per_second, burst=burst) if self.limited else 0.0
        if wait == 0.0:
            self.calls.append(name)
        return wait

    calls: list[str]


@dataclass(frozen=True)
class Synced:
    """One full sync: its seconds, requests of each kind, facts written for it, and what each order meanwhile waited in ms."""

    seconds: float
    pushes: int
    reads: int
    facts: int
    waits_ms: list[float]


def measure(under: Ground) -> list[Row]:
    """Seconds without a limit, the share of the mall's limit that is used, facts a request, and orders told meanwhile."""
    count = QUICK_LISTINGS if under.quick else LISTINGS
    free = _synced(under, count, limited=False)
    held = _synced(under, count, limited=True)
    what = f"full sync of {count:,} listings"
    requests = held.pushes + held.reads
    slots_ms = 1_000 / REQUESTS_PER_SECOND + 200
    waits = sorted(held.waits_ms)
    rows = [
        Row(
            "P8",
            f"{what}, mall without limit",
            free.seconds,
            "s",
            60 * count / LISTINGS,
            20 * count / LISTINGS,
            lower=True,
        ),
        Row("P8", f"{what}, {held.pushes} pushes at 1/s: share of the limit", _share(held), "", 0.95),
        Row("P8", f"{what}: facts, {requests} requests", held.facts, "facts", 2 * requests + 2, lower=True),
    ]
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        at = waits[max(0, math.ceil(len(waits) * share) - 1)]
        rows.append(Row("P7", f"order told during it, {len(waits)} orders, {name}", at, "ms", slots_ms, lower=True))
    return rows


def _share(held: Synced) -> float:
    return (held.pushes - 1) / held.seconds / REQUESTS_PER_SECOND


def _synced(under: Ground, count: int, *, limited: bool) -> Synced:
    database = under.fresh("full_sync_limited" if limited else "full_sync")
    store = Store("yahoo_shopping", SETTINGS, dict(SECRETS), _emulator_clock())
    store.limited, store.calls = limited, []
    with (
        serve(emulator(store), start_thread=_start) as base,
        open_house(Settings(home=under.home), database=database) as house,
    ):
        _connected(house, store, count, base)
        catch_up(house)
        accesses = ShopAccesses(house, mall_of=_mall if limited else _unlimited)
        with working(house, [feed(house), *push.loops(house, accesses)]) as worker:
            assert worker.listening.wait(30)
            for key, units in list(store.stock.items()):
                store.set_stock(key, (units or 0) + OFF_BY)
            store.calls.clear()
            first = _position(house)
            began = time.perf_counter()
            sync.start(house, CODE, house.by("bench"), trigger="person")
            waits = _orders(house, store, count) if limited else []
            _until(lambda: not _running(house), every_seconds=0.1)
            seconds = time.perf_counter() - began
        wrong = [key for key, units in store.stock.items() if key.item not in SOLD and units != UNITS]
        assert not wrong, (len(wrong), wrong[:3])
        SOLD.clear()
        return Synced(
            seconds,
            sum(name == "setStock" for name in store.calls),
            sum(name == "getStock" for name in store.calls),
            _facts(house, first) - 2 * len(waits),
            waits,
        )


SOLD: set[str] = set()


def _orders(house: House, store: Store, count: int) -> list[float]:
    """Units are taken out of single SKUs while the sync runs; milliseconds until the mall shows each new number."""
    waits: list[float] = []
    while _running(house):
        code = f"sku-{(len(waits) * 37) % count:06d}"
        SOLD.add(code)
        began = time.perf_counter()
        house.book.do(stock.take_out(code, "shop_sale", OFF_BY + 1), house.by("bench"))
        _until(partial(_shows, store, ListingKey(code), UNITS - OFF_BY - 1))
        waits.append((time.perf_counter() - began) * 1_000)
        time.sleep(ORDERS_SECONDS_APART)
    return waits


def _shows(store: Store, key: ListingKey, units: int) -> bool:
    return store.stock[key] == units


# ------------------------------------------------------------------ the ground


def _connected(house: House, store: Store, count: int, base: str) -> None:
    """The shop pushes; the mall and the ledger have the same number of every listing."""
    by, now = house.by("bench"), house.clock.now()
    house.book.do(connect("yahoo_shopping", "bench-store", match_key="", settings={**SETTINGS, "base.*": base}), by)
    with house.pool.connection() as connection:
        for name, value in SECRETS.items():
            secrets.put(connection, house.seals, shop=CODE, name=name, value=value, changed_at=now)
    for shop, name, header in (
        (None, "stock.csv", "SKU,available_units"),
        (CODE, "quantity.csv", "code,sub-code,quantity"),
    ):
        counted_at = datetime.now(UTC) - timedelta(hours=2 if shop is None else 1)
        wish = Wish(shop, "overwrite", name, counted_at, "after")
        staged = stage(house, _file(header, count), wish, "bench", None if shop is None else shop_of(house, shop))
        done = apply(house, staged.import_id, by)
        assert not done.skipped, done
    found = [ListingKey(f"sku-{n:06d}") for n in range(count)]
    for key in found:
        store.set_stock(key, UNITS)
    for start in range(0, count, PAGE):
        house.book.do(shops.confirm_listings(CODE, dict.fromkeys(found[start : start + PAGE], (UNITS, None))), by)
    for verb in _switching_on():
        house.book.do(verb, by)


def _switching_on() -> Sequence[Verb]:
    reviewed = DryRunReviewed(
        read_position=1, listings=0, changed=0, to_zero=0, unregistered=0, sells_at_zero=0, guard_passed=True
    )
    return (
        shops.start_intake(CODE),
        shops.prove_intake(CODE, "mail"),
        shops.review_dry_run(CODE, reviewed),
        shops.start_push(CODE, kept_position=1),
    )


def _file(header: str, count: int) -> Iterator[bytes]:
    yield f"{header}\r\n".encode()
    between = "," * header.count(",")
    for n in range(count):
        yield f"sku-{n:06d}{between}{UNITS}\r\n".encode()


def _mall(code: str) -> Mall:
    return adapters.mall(code)


def _unlimited(code: str) -> Mall:
    return replace(_mall(code), requests_per_second=NO_LIMIT_PER_SECOND, reads_per_second=NO_LIMIT_PER_SECOND)


def _running(house: House) -> bool:
    with house.pool.connection() as connection:
        return push_syncs.running(connection, CODE) is not None


def _position(house: House) -> int:
    with house.pool.connection() as connection:
        row = connection.execute("SELECT position FROM ledger_head").fetchone()
    assert row is not None
    return int(str(row[0]))


def _facts(house: House, first: int) -> int:
    """Facts about pushes, readings and the sync since this position."""
    streams = [keys.push(CODE), keys.read(CODE), keys.shop(CODE)]
    with house.pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM ledger_events WHERE notification_id > %s AND originator_id = ANY (%s)",
            (first, streams),
        ).fetchone()
    assert row is not None
    return int(str(row[0]))


def _until(true: Callable[[], bool], every_seconds: float = LOOK_SECONDS) -> None:
    over = time.monotonic() + WAIT_SECONDS_MAX
    while not true():
        assert time.monotonic() < over, "it never became true"
        time.sleep(every_seconds)


def _emulator_clock() -> EmulatorClock:
    async def nap(seconds: float) -> None:
        await to_thread.run_sync(time.sleep, seconds)

    return EmulatorClock(SystemClock().now, nap)


def _start(body: Callable[[], None]) -> Callable[[float], None]:
    return start_thread("emulator", body).join
