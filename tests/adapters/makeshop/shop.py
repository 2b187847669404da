"""A connected MakeShop for tests: the emulator in process on a clock that only moves when told, or answers laid down."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import adapters
from adapters.kit.emulator import EmulatedShop, EmulatorClock, InProcess
from adapters.kit.mall import Answer, MallHttp, OrdersAsked, RawOrder, ReadFailed, Reply, ShopAccess
from adapters.kit.profile import Profile, corrected
from adapters.makeshop.emulator import MakeshopState, emulator, state_of
from adapters.makeshop.orders import fetch
from adapters.makeshop.push import push
from ledger.terms import ListingKey, ListingLevel, Outcome

NOW = datetime(2026, 11, 20, 0, 5, tzinfo=UTC)
SETTINGS = {"shop_id": "sampleshop", "endpoint": ""}
SECRETS = {"token": "PAT.canary-token", "api_key": "canary-api-key"}
PLAIN, BLUE, RED = ListingKey("000000000002"), ListingKey("000000000001", "101"), ListingKey("000000000001", "102")
PROFILE = adapters.profile("makeshop")


@dataclass
class Clock:
    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def passes(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass
class Store:
    """One shop at the emulated mall, and our access to it."""

    shop: EmulatedShop
    access: ShopAccess
    clock: Clock

    @property
    def state(self) -> MakeshopState:
        return state_of(self.shop)

    def push(self, *levels: tuple[ListingKey, int]) -> list[Outcome]:
        self.clock.passes(seconds=1)
        return push(self.access, [ListingLevel(key, units) for key, units in levels])

    def orders(self, since: datetime, until: datetime, *, orders: tuple[str, ...] = ()) -> list[RawOrder]:
        """Every page of one asking."""
        found: list[RawOrder] = []
        cursor = ""
        for _ in range(100):
            self.clock.passes(seconds=1)
            page = fetch(self.access, OrdersAsked(since, until, cursor, orders))
            assert not isinstance(page, ReadFailed), page
            found += page.orders
            cursor = page.cursor
            if not cursor:
                return found
        raise AssertionError("pages without an end")


@contextmanager
def store(**corrections: object) -> Iterator[Store]:
    """A shop that shows 9 of three listings."""
    clock = Clock()
    shop = EmulatedShop("makeshop", SETTINGS, dict(SECRETS), EmulatorClock(clock.now, clock.sleep))
    http = InProcess(emulator(shop), now=clock.now)
    profile = corrected(PROFILE, {name.replace("__", "."): value for name, value in corrections.items()})
    access = ShopAccess(http, SETTINGS, dict(SECRETS), _never, clock.now, {"*": "http://127.0.0.1"}, profile)
    for key in (PLAIN, BLUE, RED):
        shop.set_stock(key, 9)
    try:
        yield Store(shop, access, clock)
    finally:
        http.close()


@dataclass
class LaidDown:
    """A ``MallHttp`` that answers what was laid down, in order, and keeps what it was asked."""

    replies: list[Reply]
    asked: list[tuple[str, dict[str, str], dict[str, object]]] = field(default_factory=list)

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        raise AssertionError(f"GET {url} {headers} {params}")

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        assert method == "POST", method
        self.asked.append((url, dict(headers), json.loads(content)))
        return self.replies.pop(0)


def access_to(http: MallHttp, *, endpoint: str = "", profile: Profile = PROFILE) -> ShopAccess:
    return ShopAccess(http, {**SETTINGS, "endpoint": endpoint}, SECRETS, _never, lambda: NOW, {}, profile)


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, raw, dict(headers or {}), NOW, NOW)


def error(code: str | None, *path: str, message: str = "no") -> dict[str, object]:
    extensions = {"extensions": {"code": code}} if code is not None else {}
    return {"message": message, **extensions, **({"path": list(path)} if path else {})}


def _never(name: str, value: str) -> None:
    raise AssertionError(f"nothing to remember: {name} {len(value)}")
