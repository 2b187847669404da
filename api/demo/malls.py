"""The two malls of the demonstration: emulators on free ports of this machine, with the same goods in both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from anyio import to_thread

from adapters.kit.emulator import EmulatedOrder, EmulatedShop, EmulatorClock, serve
from adapters.rakuten.emulated_catalogue import own_sku
from adapters.rakuten.emulator import emulator as rakuten_emulator
from adapters.rakuten.emulator import fill_catalogue
from adapters.rakuten.emulator import state_of as rakuten_state_of
from adapters.yahoo_shopping.emulator import emulator as yahoo_emulator
from api.wiring import start_thread
from ledger.terms import ListingKey
from ledger.writer import Clock

RAKUTEN_SETTINGS = {"shop_number": "402853"}
RAKUTEN_SECRETS = {"service_secret": "SP000000_demonstration", "license_key": "SL000000_demonstration"}
YAHOO_SETTINGS = {"seller_id": "demo-store", "client_id": "demonstration"}
YAHOO_SECRETS = {"client_secret": "demonstration-secret", "refresh_token": "demonstration-refresh"}


@dataclass(frozen=True)
class EmulatedMall:
    """One mall with one shop of ours. ``shop_id`` is the mall's own id of it, ``code`` what Daicho calls it."""

    shop: EmulatedShop
    base: str
    shop_id: str
    name: str

    @property
    def code(self) -> str:
        return f"{self.shop.mall}-{self.shop_id}"

    def sell(self, key: ListingKey, units: int = 1) -> EmulatedOrder:
        """A buyer orders; the mall lowers its own number and writes the mail."""
        order = self.shop.sell(key, units)
        assert order is not None, f"{key} is sold out"
        return order

    def shown(self, key: ListingKey) -> int | None:
        """The number on the page now."""
        return self.shop.stock.get(key)

    def mails(self) -> list[bytes]:
        """The order mails that the mall has sent since this was last asked."""
        found: list[bytes] = []
        self.shop.deliver_due(found.append)
        return found


@dataclass(frozen=True)
class Malls:
    """Both malls. ``rakuten_listings``: where Rakuten sells each SKU; ``only_at_rakuten``: one that Yahoo! does not have."""

    rakuten: EmulatedMall
    yahoo: EmulatedMall
    rakuten_listings: dict[str, ListingKey]
    only_at_rakuten: ListingKey

    def yahoo_listing(self, sku: str) -> ListingKey:
        return ListingKey(sku)


@contextmanager
def emulated_malls(clock: Clock, *, rakuten_skus: int, yahoo_skus: int) -> Iterator[Malls]:
    """Both malls are open: Rakuten with this many SKUs, Yahoo! with the first ones of them at the same numbers."""

    async def nap(seconds: float) -> None:
        await to_thread.run_sync(clock.sleep, seconds)

    emulator_clock = EmulatorClock(clock.now, nap)
    rakuten = EmulatedShop("rakuten", RAKUTEN_SETTINGS, RAKUTEN_SECRETS, emulator_clock)
    yahoo = EmulatedShop("yahoo_shopping", YAHOO_SETTINGS, YAHOO_SECRETS, emulator_clock)
    with (
        serve(rakuten_emulator(rakuten), start_thread=_start) as rakuten_base,
        serve(yahoo_emulator(yahoo), start_thread=_start) as yahoo_base,
    ):
        fill_catalogue(rakuten, rakuten_skus)
        skus = _listings_by_sku(rakuten)
        for serial in range(1, yahoo_skus + 1):
            sku = own_sku(serial)
            yahoo.set_stock(ListingKey(sku), rakuten.stock[skus[sku]])
        yield Malls(
            EmulatedMall(rakuten, rakuten_base, "demo", "楽天市場"),
            EmulatedMall(yahoo, yahoo_base, YAHOO_SETTINGS["seller_id"], "Yahoo!ショッピング"),
            skus,
            next(key for key in list(skus.values())[yahoo_skus:] if rakuten.stock[key]),
        )


def _listings_by_sku(shop: EmulatedShop) -> dict[str, ListingKey]:
    return {
        sku: key
        for key, page in rakuten_state_of(shop).pages.items()
        for variant, sku in page.skus
        if variant == key.variant
    }


def _start(body: Callable[[], None]) -> Callable[[float], None]:
    return start_thread("emulator", body).join
