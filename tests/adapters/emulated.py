"""One mall's own emulator on a loopback port with a shop connected to it, as the contract test needs it."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import adapters
from adapters.kit.emulator import EmulatedShop, EmulatorClock, Fault, serve
from adapters.kit.http import open_mall_http
from adapters.kit.mall import Mall, MallHttp, Setting, ShopAccess
from ledger.terms import ListingKey, ListingLevel, Outcome

CANARY = "canary"
STARTED_AT = datetime(2026, 11, 20, tzinfo=UTC)


class TickingClock:
    """Every look is two seconds later, so that an emulator's rate limit lets each call of a test pass."""

    def __init__(self) -> None:
        self._moment = STARTED_AT
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            self._moment += timedelta(seconds=2)
            return self._moment


@dataclass(repr=False)
class Connected:
    """A shop of one mall, connected to that mall's emulator over real HTTP."""

    mall: Mall
    shop: EmulatedShop
    access: ShopAccess
    secrets: dict[str, str]
    base: dict[str, str]

    def push(self, *levels: tuple[ListingKey, int]) -> list[Outcome]:
        assert callable(self.mall.push_api)
        return self.mall.push_api(self.access, [ListingLevel(key, units) for key, units in levels])

    def shown(self, keys: Sequence[ListingKey]) -> list[int | None]:
        return [self.shop.stock.get(key) for key in keys]

    def meets(self, kind: str, *, status: int = 500, retry_after: int | None = None) -> None:
        """Every following request meets this fault."""
        self.shop.faults[:] = [Fault(kind, status=status, times=1000, retry_after=retry_after)]

    def goes_well(self) -> None:
        self.shop.faults.clear()

    def secret_texts(self) -> list[str]:
        """Every text that may never be seen: what a person entered and what the mall renewed."""
        return [text for text in {*self.secrets.values(), *self.shop.secrets.values()} if len(text) >= 6]


def key_of(mall: Mall, number: int) -> ListingKey:
    """A listing's key in the form every mall takes: lower-case letters, digits and hyphens, with a variant."""
    return ListingKey(f"item-{number}", f"v{number}")


@contextmanager
def connected(mall: Mall) -> Iterator[Connected]:
    """The mall's emulator runs, and a shop with right settings and secrets is connected to it."""
    assert callable(mall.emulator), mall.code
    clock = TickingClock()
    settings = {setting.name: _value(setting) for setting in mall.settings if not setting.secret}
    secrets = {setting.name: _value(setting) for setting in mall.settings if setting.secret}
    shop = EmulatedShop(mall.code, settings, dict(secrets), EmulatorClock(clock.now, asyncio.sleep))
    app = mall.emulator(shop)
    http = open_mall_http(now=clock.now, monotonic=time.monotonic, deadline_seconds=5.0)
    with serve(app, start_thread=start_thread) as base_url:  # type: ignore[arg-type]  # MakeEmulator promises an ASGI app
        base = {"*": base_url}
        yield Connected(mall, shop, access_to(mall, http, settings, secrets, base, clock.now), secrets, base)
    http.close()


def access_to(
    mall: Mall,
    http: MallHttp,
    settings: dict[str, str],
    secrets: dict[str, str],
    base: dict[str, str],
    now: Callable[[], datetime],
) -> ShopAccess:
    """The access wiring would build; a renewed secret is seen by the next call."""
    return ShopAccess(http, settings, secrets, secrets.__setitem__, now, base, adapters.profile(mall.code))


def start_thread(run: Callable[[], None]) -> Callable[[float], None]:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread.join


def closed_port() -> int:
    """A port of this machine that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _value(setting: Setting) -> str:
    if setting.example or setting.default:
        return setting.example or setting.default
    return f"{CANARY}-{setting.name.replace('_', '-')}" if setting.required else ""
