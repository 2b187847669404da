"""A connected shop for tests: the emulator in process on a clock that only moves when told, or answers laid down."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import adapters
from adapters.colorme.emulator import ShopState, emulator, state_of
from adapters.colorme.push import push
from adapters.kit.emulator import EmulatedShop, EmulatorClock, InProcess
from adapters.kit.mall import Answer, MallHttp, Reply, ShopAccess
from adapters.kit.profile import Profile, corrected
from ledger.terms import ListingKey, ListingLevel, Outcome

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SETTINGS = {"account_id": "PA01234567", "client_id": "client-1", "redirect_uri": "https://daicho.example/colorme"}
SECRETS = {"client_secret": "secret-1", "access_token": "token-1", "authorization_code": ""}
RED_S, RED_M, WHITE = (
    ListingKey("101", "赤　x　S"),
    ListingKey("101", "赤　x　M"),
    ListingKey("101", "白 "),
)
PLAIN = ListingKey("202")


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
    secrets: dict[str, str]
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
    return corrected(adapters.profile("colorme"), {n.replace("__", "."): v for n, v in corrections.items()})


@contextmanager
def shop(*, secrets: Mapping[str, str] | None = None) -> Iterator[Shop]:
    """A shop that shows 9 of a product and of three variants of another."""
    clock = Clock()
    kept = {**SECRETS, **(secrets or {})}
    found = EmulatedShop("colorme", SETTINGS, dict(kept), EmulatorClock(clock.now, clock.sleep))
    http = InProcess(emulator(found), now=clock.now)
    access = ShopAccess(http, SETTINGS, kept, kept.__setitem__, clock.now, {"*": "http://127.0.0.1"}, profile())
    for key in (RED_S, RED_M, WHITE, PLAIN):
        found.set_stock(key, 9)
    try:
        yield Shop(found, access, kept, clock)
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
        return self._next("GET", url, headers, dict(params or {}))

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        is_json = headers["Content-Type"] == "application/json"
        return self._next(method, url, headers, json.loads(content) if is_json else content.decode())

    def _next(self, method: str, url: str, headers: Mapping[str, str], said: object) -> Reply:
        self.asked.append((method, url, dict(headers), said))
        self.clock.passes(seconds=self.seconds)
        return self.replies.pop(0)


def access_to(http: MallHttp, *, secrets: Mapping[str, str] | None = None, **corrections: object) -> ShopAccess:
    """Access over that connection; a remembered secret is seen by the next call."""
    kept = {**SECRETS, **(secrets or {})}
    now = http.clock.now if isinstance(http, LaidDown) else lambda: NOW
    return ShopAccess(http, SETTINGS, kept, kept.__setitem__, now, {}, profile(**corrections))


def answer(status: int, said: object, headers: Mapping[str, str] | None = None) -> Answer:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Answer(status, body, dict(headers or {}), NOW, NOW)


def refused(status: int, code: int) -> Answer:
    return answer(status, {"errors": [{"code": code, "message": "山田様", "status": status}]})


def product(number: int, units: int | None, *variants: tuple[str, str | None, int | None], **more: object) -> object:
    listed = [{"option1_value": one, "option2_value": two, "stocks": count} for one, two, count in variants]
    return {"id": number, "stocks": units, "stock_managed": True, "variants": listed, **more}
