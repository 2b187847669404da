"""A connected seller for tests: the emulator in process on a clock that only moves when told, or answers laid down."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import adapters
from adapters.amazon.emulator import SellerState, emulator, state_of
from adapters.amazon.push import push
from adapters.kit.emulator import EmulatedShop, EmulatorClock, InProcess
from adapters.kit.mall import Answer, MallHttp, Reply, ShopAccess
from ledger.terms import ListingKey, ListingLevel, Outcome

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SETTINGS = {
    "seller_id": "A2EXAMPLE0SHOP",
    "marketplace_id": "A1VC38T7YXB528",
    "client_id": "client-1",
    "client_secret_made_on": "2026-11-01",
    "authorized_on": "2026-11-01",
}
SECRETS = {"client_secret": "secret-1", "refresh_token": "Atzr|refresh-1", "access_token": "Atza|access-1"}
SHIRT, CUP = ListingKey("SKU-001"), ListingKey("カップ 01/白")
PROFILE = adapters.profile("amazon")


@dataclass
class Clock:
    """It moves only when told."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def passes(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass
class Seller:
    """One seller at the emulated mall, and our access to it."""

    shop: EmulatedShop
    access: ShopAccess
    secrets: dict[str, str]
    clock: Clock
    remembered: list[tuple[str, str]]

    @property
    def state(self) -> SellerState:
        return state_of(self.shop)

    def push(self, *levels: tuple[ListingKey, int]) -> list[Outcome]:
        """A push, some seconds after whatever was before."""
        self.clock.passes(seconds=2)
        return push(self.access, [ListingLevel(key, units) for key, units in levels])


@contextmanager
def seller(*, settings: Mapping[str, str] | None = None, secrets: Mapping[str, str] | None = None) -> Iterator[Seller]:
    """A seller that shows 9 of two listings."""
    clock = Clock()
    entered = {**SETTINGS, **(settings or {})}
    kept = {**SECRETS, **(secrets or {})}
    shop = EmulatedShop("amazon", entered, dict(kept), EmulatorClock(clock.now, clock.sleep))
    http = InProcess(emulator(shop), now=clock.now)
    remembered: list[tuple[str, str]] = []

    def remember(name: str, value: str) -> None:
        remembered.append((name, value))
        kept[name] = value

    access = ShopAccess(http, entered, kept, remember, clock.now, {"*": "http://127.0.0.1"}, PROFILE)
    for key in (SHIRT, CUP):
        shop.set_stock(key, 9)
    try:
        yield Seller(shop, access, kept, clock, remembered)
    finally:
        http.close()


@dataclass(frozen=True)
class Asked:
    """One request: method, path as escaped, query, headers and body."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: object = None


@dataclass
class LaidDown:
    """A ``MallHttp`` that answers what was laid down, in order, and keeps what it was asked."""

    replies: list[Reply]
    asked: list[Asked] = field(default_factory=list)

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        assert params is None
        return self._answer("GET", url, headers, b"")

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        return self._answer(method, url, headers, content)

    def _answer(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Reply:
        parts = urlsplit(url)
        is_json = headers.get("Content-Type") == "application/json"
        body = json.loads(content) if is_json else dict(parse_qsl(content.decode()))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.asked.append(Asked(method, parts.path, query, headers, body))
        return self.replies.pop(0)


def access_to(
    http: MallHttp, *, settings: Mapping[str, str] | None = None, secrets: Mapping[str, str] | None = None
) -> ShopAccess:
    """Access over that connection; a remembered secret is seen by the next call."""
    kept = {**SECRETS, **(secrets or {})}
    entered = {**SETTINGS, **(settings or {})}
    return ShopAccess(http, entered, kept, kept.__setitem__, lambda: NOW, {}, PROFILE)


def answer(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, content, dict(headers or {}), NOW, NOW)


def error(status: int, code: str) -> Answer:
    return answer(status, {"errors": [{"code": code, "message": "Words of the mall.", "details": ""}]})
