"""A connected shop for tests: the emulator in process on a clock that only moves when told, or answers laid down."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import adapters
from adapters.kit.emulator import EmulatedShop, EmulatorClock, InProcess
from adapters.kit.mall import Answer, MallHttp, Reply, ShopAccess
from adapters.kit.profile import Profile, corrected
from adapters.shopserve.emulator import ShopState, emulator, state_of
from adapters.shopserve.push import push
from ledger.terms import ListingKey, ListingLevel, Outcome

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SETTINGS = {"shop_id": "sample.ab"}
SECRETS = {"manager_key": "secret-1"}
RED_S, RED_M, PLAIN = ListingKey("AAA/1", "レッド　／　S"), ListingKey("AAA/1", "レッド　／　M"), ListingKey("0012")


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
class Shop:
    """One shop at the emulated mall, and our access to it."""

    shop: EmulatedShop
    access: ShopAccess
    clock: Clock

    @property
    def state(self) -> ShopState:
        return state_of(self.shop)

    def push(self, *levels: tuple[ListingKey, int]) -> list[Outcome]:
        """A push, ten seconds after whatever was before."""
        self.clock.passes(seconds=10)
        return push(self.access, [ListingLevel(key, units) for key, units in levels])


def profile(**corrections: object) -> Profile:
    """The mall's profile with a shop's corrections; a name's dots are written as two underlines."""
    return corrected(adapters.profile("shopserve"), {n.replace("__", "."): v for n, v in corrections.items()})


@contextmanager
def shop() -> Iterator[Shop]:
    """A shop that shows 9 of an item and of two variations of another."""
    clock = Clock()
    found = EmulatedShop("shopserve", SETTINGS, dict(SECRETS), EmulatorClock(clock.now, clock.sleep))
    http = InProcess(emulator(found), now=clock.now)
    kept = dict(SECRETS)
    access = ShopAccess(http, SETTINGS, kept, kept.__setitem__, clock.now, {"*": "http://127.0.0.1"}, profile())
    for key in (RED_S, RED_M, PLAIN):
        found.set_stock(key, 9)
    try:
        yield Shop(found, access, clock)
    finally:
        http.close()


@dataclass
class LaidDown:
    """A ``MallHttp`` that answers what was laid down, in order, keeps what it was asked, and takes ``seconds`` each time."""

    replies: list[Reply]
    clock: Clock = field(default_factory=Clock)
    seconds: float = 0.0
    asked: list[tuple[str, str, dict[str, str], object]] = field(default_factory=list)

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        return self._next("GET", url, headers, None)

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        return self._next(method, url, headers, json.loads(content))

    def _next(self, method: str, url: str, headers: Mapping[str, str], said: object) -> Reply:
        self.asked.append((method, url, dict(headers), said))
        self.clock.passes(seconds=self.seconds)
        return self.replies.pop(0)


def access_to(http: MallHttp, *, alert: str = "", **corrections: object) -> ShopAccess:
    """Access over that connection."""
    now = http.clock.now if isinstance(http, LaidDown) else lambda: NOW
    settings = {**SETTINGS, "alert_threshold": alert}
    return ShopAccess(http, settings, SECRETS, lambda *_: None, now, {}, profile(**corrections))


def answer(status: int, said: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    body = said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
    return Answer(status, body, dict(headers or {}), NOW, NOW)


def refused(status: int, code: str) -> Answer:
    return answer(status, {"errors": [{"code": code, "message": "山田様"}]})
