"""A connected store for tests: the emulator in process on a clock that only moves when told, or answers laid down."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import adapters
from adapters.kit.emulator import EmulatedShop, EmulatorClock, InProcess
from adapters.kit.mall import Answer, MallHttp, OrdersAsked, OrdersPage, RawOrder, Reply, ShopAccess
from adapters.kit.profile import corrected
from adapters.yahoo_shopping.emulator import StoreState, emulator, state_of
from adapters.yahoo_shopping.orders import fetch
from adapters.yahoo_shopping.push import push
from ledger.terms import ListingKey, ListingLevel, Outcome

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SETTINGS = {"seller_id": "samplestore", "client_id": "client-1", "redirect_uri": "https://daicho.example/yahoo"}
SECRETS = {
    "client_secret": "secret-1",
    "refresh_token": "refresh-1",
    "access_token": "access-1",
    "logged_in_at": "2026-11-20T00:00:00Z",
}
BLUE, PLAIN = ListingKey("item-01", "blue"), ListingKey("test1234")


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
    """One store at the emulated mall, and our access to it."""

    shop: EmulatedShop
    access: ShopAccess
    secrets: dict[str, str]
    clock: Clock
    remembered: list[tuple[str, str]]

    @property
    def state(self) -> StoreState:
        return state_of(self.shop)

    def orders(self, since: datetime, until: datetime, *numbers: str) -> list[RawOrder]:
        """Every page of one asking, a second apart."""
        found: list[RawOrder] = []
        cursor = ""
        for _ in range(1_000):
            self.clock.passes(seconds=1)
            page = fetch(self.access, OrdersAsked(since, until, cursor, numbers))
            assert isinstance(page, OrdersPage), page
            found += page.orders
            cursor = page.cursor
            if not cursor:
                return found
        raise AssertionError("pages without an end")

    def push(self, *levels: tuple[ListingKey, int]) -> list[Outcome]:
        """A push, a second after whatever was before."""
        self.clock.passes(seconds=1)
        return push(self.access, [ListingLevel(key, units) for key, units in levels])


@contextmanager
def store(
    *, settings: Mapping[str, str] | None = None, secrets: Mapping[str, str] | None = None, **corrections: object
) -> Iterator[Store]:
    """A store that shows 9 of two listings."""
    clock = Clock()
    entered = {**SETTINGS, **(settings or {})}
    kept = {**SECRETS, **(secrets or {})}
    shop = EmulatedShop("yahoo_shopping", entered, dict(kept), EmulatorClock(clock.now, clock.sleep))
    http = InProcess(emulator(shop), now=clock.now)
    remembered: list[tuple[str, str]] = []

    def remember(name: str, value: str) -> None:
        remembered.append((name, value))
        kept[name] = value

    named = {name.replace("__", "."): value for name, value in corrections.items()}
    profile = corrected(adapters.profile("yahoo_shopping"), named)
    access = ShopAccess(http, entered, kept, remember, clock.now, {"*": "http://127.0.0.1"}, profile)
    for key in (BLUE, PLAIN):
        shop.set_stock(key, 9)
    try:
        yield Store(shop, access, kept, clock, remembered)
    finally:
        http.close()


@dataclass
class LaidDown:
    """A ``MallHttp`` that answers what was laid down, in order, and keeps what it was asked, as a form and as it came."""

    replies: list[Reply]
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        raise AssertionError(f"GET {url} {headers} {params}")

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        assert method == "POST", method
        form = {name: values[0] for name, values in parse_qs(content.decode(), keep_blank_values=True).items()}
        self.asked.append((url, dict(headers), form))
        self.bodies.append(content)
        return self.replies.pop(0)


def access_to(
    http: MallHttp, *, settings: Mapping[str, str] | None = None, secrets: Mapping[str, str] | None = None
) -> ShopAccess:
    """Access over that connection; a remembered secret is seen by the next call."""
    kept = {**SECRETS, **(secrets or {})}
    return ShopAccess(
        http,
        {**SETTINGS, **(settings or {})},
        kept,
        kept.__setitem__,
        lambda: NOW,
        {},
        adapters.profile("yahoo_shopping"),
    )


def answer(status: int, body: str | bytes, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, body.encode() if isinstance(body, str) else body, dict(headers or {}), NOW, NOW)


def result_set(*rows: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ResultSet ok="1" ng="0">{"".join(f"<Result>{row}</Result>" for row in rows)}</ResultSet>'


def error(code: str, message: str = "error") -> str:
    return f'<Error xmlns="urn:yahoo:api"><Message>{message}</Message><Code>{code}</Code></Error>'
