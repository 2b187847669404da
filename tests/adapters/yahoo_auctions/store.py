"""A connected store for tests: the emulator in process on a clock that only moves when told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import adapters
from adapters.kit.emulator import EmulatedShop, EmulatorClock, InProcess
from adapters.kit.mail import read_mail
from adapters.kit.mall import MailText, OrderReading, OrdersAsked, RawOrder, ReadFailed, ShopAccess
from adapters.kit.profile import Profile, corrected
from adapters.yahoo_auctions.emulator import emulator
from adapters.yahoo_auctions.mail import read_order_mail
from adapters.yahoo_auctions.orders import fetch

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SETTINGS = {"yahoo_id": "sample_seller", "seller_id": "samplestore", "client_id": "client-1"}
SECRETS = {
    "client_secret": "secret-1",
    "refresh_token": "refresh-1",
    "access_token": "access-1",
    "logged_in_at": "2026-11-20T00:00:00Z",
}
PAGES_MAX = 50


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
    """One seller at the emulated auction house, and our access to it."""

    shop: EmulatedShop
    access: ShopAccess
    secrets: dict[str, str]
    clock: Clock

    def asked(self, *, since: datetime | None = None, orders: tuple[str, ...] = ()) -> list[RawOrder]:
        """Every order of every page, one page a second."""
        until = self.clock.now() + timedelta(seconds=1)
        found: list[RawOrder] = []
        cursor = ""
        for _ in range(PAGES_MAX):
            self.clock.passes(seconds=1)
            page = fetch(self.access, OrdersAsked(since or NOW, until, cursor, orders))
            assert not isinstance(page, ReadFailed), page
            found += page.orders
            cursor = page.cursor
            if not cursor:
                return found
        raise AssertionError(f"more than {PAGES_MAX} pages")

    def mails(self) -> list[MailText]:
        """Every mail that is due."""
        told: list[bytes] = []
        self.shop.deliver_due(told.append)
        found = [read_mail(raw, received_at=self.clock.now()) for raw in told]
        assert all(isinstance(one, MailText) for one in found)
        return [one for one in found if isinstance(one, MailText)]

    def readings(self) -> list[OrderReading]:
        return [read_order_mail(mail, self.access.profile) for mail in self.mails()]


@contextmanager
def store(
    *,
    settings: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    corrections: Mapping[str, object] | None = None,
) -> Iterator[Store]:
    """A store without auctions; ``corrections`` are laid over the profile."""
    clock = Clock()
    entered = {**SETTINGS, **(settings or {})}
    kept = {**SECRETS, **(secrets or {})}
    shop = EmulatedShop("yahoo_auctions", entered, dict(kept), EmulatorClock(clock.now, clock.sleep))
    http = InProcess(emulator(shop), now=clock.now)
    profile: Profile = corrected(adapters.profile("yahoo_auctions"), corrections or {})
    access = ShopAccess(http, entered, kept, kept.__setitem__, clock.now, {"*": "http://127.0.0.1"}, profile)
    try:
        yield Store(shop, access, kept, clock)
    finally:
        http.close()
