"""A connected futureshop for tests: the emulator in process on a clock that only moves when told, or answers laid down."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import adapters
from adapters.futureshop.emulator import FutureshopState, emulator, state_of
from adapters.futureshop.orders import fetch
from adapters.futureshop.push import push
from adapters.kit.emulator import EmulatedShop, EmulatorClock, InProcess
from adapters.kit.mall import Answer, MallHttp, OrdersAsked, RawOrder, ReadFailed, Reply, ShopAccess
from adapters.kit.profile import Profile, corrected
from ledger.terms import ListingKey, ListingLevel, Outcome

NOW = datetime(2026, 11, 20, 0, 5, tzinfo=UTC)
SETTINGS = {
    "shop_key": "sampleshop",
    "api_domain": "sampleshop.api.example.jp",
    "client_id": "client-1",
    "order_details": "no",
}
SECRETS = {"client_secret": "canary-secret", "access_token": "canary-token"}
PLAIN, RED_M, RED_L = ListingKey("0012"), ListingKey("gd4", "rd:m"), ListingKey("gd4", "rd:l")
KEPT = ListingKey("gd4", "rd:m~preorder")
PROFILE = adapters.profile("futureshop")


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
    remembered: list[tuple[str, str]]

    @property
    def state(self) -> FutureshopState:
        return state_of(self.shop)

    def push(self, *levels: tuple[ListingKey, int]) -> list[Outcome]:
        self.clock.passes(seconds=1)
        return push(self.access, [ListingLevel(key, units) for key, units in levels])

    def orders(self, since: datetime, until: datetime, *, orders: tuple[str, ...] = ()) -> list[RawOrder]:
        """Every page of one asking, one a second."""
        found: list[RawOrder] = []
        cursor = ""
        for _ in range(300):
            self.clock.passes(seconds=1)
            page = fetch(self.access, OrdersAsked(since, until, cursor, orders))
            assert not isinstance(page, ReadFailed), page
            found += page.orders
            cursor = page.cursor
            if not cursor:
                return found
        raise AssertionError("pages without an end")


@contextmanager
def store(*, settings: Mapping[str, str] | None = None, **corrections: object) -> Iterator[Store]:
    """A shop that shows 9 of four stocks, one of them 予約."""
    clock = Clock()
    entered, secrets = {**SETTINGS, **(settings or {})}, dict(SECRETS)
    shop = EmulatedShop("futureshop", entered, dict(SECRETS), EmulatorClock(clock.now, clock.sleep))
    http = InProcess(emulator(shop), now=clock.now)
    profile = corrected(PROFILE, {name.replace("__", "."): value for name, value in corrections.items()})
    remembered: list[tuple[str, str]] = []

    def remember(name: str, value: str) -> None:
        remembered.append((name, value))
        secrets[name] = value

    access = ShopAccess(http, entered, secrets, remember, clock.now, {"*": "http://127.0.0.1"}, profile)
    for key in (PLAIN, RED_M, RED_L, KEPT):
        shop.set_stock(key, 9)
    try:
        yield Store(shop, access, clock, remembered)
    finally:
        http.close()


@dataclass
class LaidDown:
    """A ``MallHttp`` that answers what was laid down, in order, and keeps what it was asked."""

    replies: list[Reply]
    asked: list[tuple[str, str, dict[str, str], object]] = field(default_factory=list)

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        self.asked.append(("GET", url, dict(headers), dict(params or {})))
        return self.replies.pop(0)

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        sent: object = json.loads(content) if content.startswith(b"{") else content.decode()
        self.asked.append((method, url, dict(headers), sent))
        return self.replies.pop(0)


def access_to(
    http: MallHttp, *, secrets: Mapping[str, str] = SECRETS, profile: Profile = PROFILE, **settings: str
) -> ShopAccess:
    kept = dict(secrets)
    return ShopAccess(http, {**SETTINGS, **settings}, kept, kept.__setitem__, lambda: NOW, {}, profile)


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, raw, dict(headers or {}), NOW, NOW)


def failed(code: str, *, path: str = "", status: int = 400) -> Answer:
    error = {"code": code, "message": "no", **({"path": path} if path else {})}
    return answer({"status": "failed", "errors": [error]}, status)
