"""The malls of a world: every mall that is told numbers by API, found by scan, emulated and watched.

A new mall joins by itself: which keys it takes, and which of its secrets it gives us by itself, is found by trying.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import adapters
from adapters.amazon.emulator import state_of as amazon_state
from adapters.kit.emulator import EmulatedShop, EmulatorClock, InProcess, PushSeen
from adapters.kit.mall import Mall, OrderApi, OrdersAsked, ReadFailed, ShopAccess
from ledger.terms import ListingKey, ListingLevel, ListingRead, Outcome, Result, Telling
from tests.simulator.truth import Sent
from tests.simulator.wire import Judge, Wire
from tests.simulator.world import BEGAN

ITEMS_MAX = 3
FORMS: tuple[Callable[[int], ListingKey], ...] = (
    lambda number: ListingKey(f"item-{number}", f"v{number}"),
    lambda number: ListingKey(f"item-{number}", ""),
    lambda number: ListingKey("item-0", f"v{number}"),  # of one item: some malls are told these together
    lambda number: ListingKey(str(1_000_001 + number), ""),
    lambda number: ListingKey("1000001", f"v{number}"),
)
TAKEN = (Result.APPLIED, Result.ACCEPTED)
DELAYS_SECONDS = (0.0, 5.0, 20.0, 150.0)


@dataclass(frozen=True)
class Call:
    """One call of a mall's push: what it was to tell, and what was known when it began."""

    units: Mapping[ListingKey, int]
    sent: Sent


@dataclass(repr=False)
class Shop:
    """One shop and its mall. Mutable: the wire's weather ends."""

    code: str
    mall: Mall
    emulated: EmulatedShop
    wire: Wire
    key: Callable[[int], ListingKey]
    listings: dict[ListingKey, tuple[str, int]] = field(default_factory=dict)  # SKU, units per listing
    calls: list[Call] = field(default_factory=list)
    judged: set[int] = field(default_factory=set)  # pushes, by identity: one may be seen from two sides
    asked: bool = False  # its orders come by asking too
    to_the_minute: bool = False  # its mails give an order's time without seconds


@dataclass(frozen=True)
class Account:
    """What a merchant entered for a shop of a mall. ``known``: every secret the mall would accept."""

    settings: Mapping[str, str]
    entered: Mapping[str, str]
    known: Mapping[str, str]


def pushed_malls() -> dict[str, Mall]:
    """Every mall that is told numbers by API and has an emulator, by code."""
    return {code: one for code, one in adapters.malls().items() if callable(one.push_api) and callable(one.emulator)}


def account_at(mall: Mall, chance: Random) -> Account:
    """Settings and secrets that are right: optional ones entered or not, tokens there or still to be got."""
    plain = [one for one in mall.settings if not one.secret]
    settings = {
        one.name: one.example or one.default or "x" if one.required else chance.choice([one.default, one.example])
        for one in plain
    }
    known = {one.name: one.example or "secret" for one in mall.settings if one.secret and (one.required or one.example)}
    gone = chance.choice(["", *(one.name for one in mall.settings if one.secret and not one.required)])
    entered = {name: value for name, value in known.items() if name != gone}
    if entered != known and not forms_taken(mall.code, tuple(settings.items()), tuple(entered.items())):
        entered = known  # nobody gives us that one
    return Account(settings, entered, known)


def key_at(mall: Mall, account: Account, chance: Random) -> Callable[[int], ListingKey]:
    """A form of keys this mall takes."""
    found = forms_taken(mall.code, tuple(account.settings.items()), tuple(account.entered.items()))
    assert found, f"{mall.code} takes no form of keys with {sorted(account.settings)}; add one to FORMS"
    return FORMS[chance.choice(found)]


@cache
def forms_taken(code: str, settings: tuple[tuple[str, str], ...], entered: tuple[tuple[str, str], ...]) -> list[int]:
    """The places in FORMS of keys that the mall, asked in fine weather, takes numbers for."""
    return [place for place in range(len(FORMS)) if _takes(code, dict(settings), dict(entered), FORMS[place])]


def _takes(code: str, settings: dict[str, str], entered: dict[str, str], form: Callable[[int], ListingKey]) -> bool:
    mall, moment = adapters.mall(code), BEGAN

    def now() -> datetime:
        nonlocal moment
        moment += timedelta(seconds=2)  # so that no rate is met
        return moment

    async def sleep(_seconds: float) -> None:
        return None

    known = {one.name: one.example or "secret" for one in mall.settings if one.secret and (one.required or one.example)}
    emulated = EmulatedShop(code, settings, known, EmulatorClock(now, sleep))
    assert callable(mall.emulator)
    assert callable(mall.push_api)
    app: Any = mall.emulator(emulated)
    http = InProcess(app, now=now)
    base = {"*": "http://127.0.0.1"}
    access = ShopAccess(http, settings, entered, entered.__setitem__, now, base, adapters.profile(code))
    keys = [form(number) for number in range(ITEMS_MAX)]
    for key in keys:
        emulated.set_stock(key, 1)
    levels = [ListingLevel(key, 4 + place) for place, key in enumerate(keys)]
    outcomes = [outcome for level in levels for outcome in mall.push_api(access, [level])]
    http.close()
    shown = [emulated.stock[level.key] for level in levels]
    return all(one.result in TAKEN for one in outcomes) and shown == [level.units for level in levels]


@cache
def tells_when_asked(code: str, place: int, settings: tuple[tuple[str, str], ...]) -> bool:
    """Whether the mall, asked for orders, names a listing of this form as it was linked."""
    mall, moment, key = adapters.mall(code), BEGAN, FORMS[place](1)
    api = mall.order_api
    if not isinstance(api, OrderApi):
        return False

    def now() -> datetime:
        nonlocal moment
        moment += timedelta(seconds=2)
        return moment

    async def sleep(_seconds: float) -> None:
        return None

    known = {one.name: one.example or "secret" for one in mall.settings if one.secret and (one.required or one.example)}
    emulated = EmulatedShop(code, dict(settings), dict(known), EmulatorClock(now, sleep))
    assert callable(mall.emulator)
    app: Any = mall.emulator(emulated)
    http = InProcess(app, now=now)
    base, profile = {"*": "http://127.0.0.1"}, adapters.profile(code)
    access = ShopAccess(http, dict(settings), known, known.__setitem__, now, base, profile)
    emulated.set_stock(key, 5)
    order = emulated.sell(key, 2)
    moment += timedelta(minutes=10)
    page = api.fetch(access, OrdersAsked(moment - timedelta(hours=1), moment))
    http.close()
    if order is None or isinstance(page, ReadFailed) or [raw.order for raw in page.orders] != [order.number]:
        return False
    told = api.read(page.orders[0].body, profile)
    return isinstance(told, Telling) and [(one.item, one.variant, one.quantity) for one in told.lines] == [
        (key.item, key.variant, 2)
    ]


# ------------------------------------------------------------------ watching


def watched(
    mall: Mall,
    wire_of: Callable[[], Wire],
    *,
    sending: Callable[[Sequence[ListingLevel]], Judge],
    looked: Callable[[Mapping[ListingKey, int], datetime], None],
) -> Mall:
    """The same mall: what was known when a push began is remembered for its requests, and what a look found is told on."""
    tell, read = mall.push_api, mall.read_back
    assert callable(tell)

    def push_api(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
        with wire_of().judged(sending(levels)):
            return tell(access, levels)

    if not callable(read):
        return replace(mall, push_api=push_api)
    asked = read

    def read_back(access: ShopAccess, keys: Sequence[ListingKey]) -> list[ListingRead] | ReadFailed:
        began = access.now()
        found = asked(access, keys)
        if not isinstance(found, ReadFailed):
            looked({one.key: one.units for one in found if one.units is not None}, began)
        return found

    return replace(mall, push_api=push_api, read_back=read_back)


# ------------------------------------------------------------------ manners


def accepts_only(emulated: EmulatedShop) -> bool:
    """Whether the mall answers that it took a number, and shows it some time later, which nobody is told."""
    return "amazon" in emulated.extra


def takes_its_time(emulated: EmulatedShop, seconds: float) -> Callable[[], Sequence[PushSeen]] | None:
    """A mall that only accepts numbers applies them ``seconds`` later; what applies those that are due. None: not such a mall."""
    if not accepts_only(emulated):
        return None
    listings = amazon_state(emulated).listings
    listings.apply_seconds = seconds

    def settle() -> Sequence[PushSeen]:
        before = len(emulated.pushes)
        listings.settle(emulated, emulated.clock.now())
        return emulated.pushes[before:]

    return settle
