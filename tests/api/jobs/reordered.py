"""A world in memory: one SKU, two malls with one listing each, and the rules of pushing as they are, without a database.

Sales, order mails, requests, answers and readings each take their own time, so that they come in any order; some requests
arrive late, some answers never. The seed gives the world; nothing else does.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from api.jobs.push_missing import (
    Base,
    Unseen,
    Withheld,
    explained_by_look,
    left_of,
    outstanding,
    sum_withheld,
    unseen_at,
)
from api.jobs.push_plan import Circumstances, Decision, LookFirst, Manner, Queued, Send, WaitUntil, decide_in_doubt
from api.jobs.push_settle import is_known
from ledger import expected
from ledger.expected import Numbers, Sale
from ledger.listing import LINKED, Listing
from ledger.terms import ListingKey, utc_text

BEGAN = datetime(2026, 11, 20, tzinfo=UTC)
SKU = "SKU-1"
KEY = ListingKey("item", "")
RULES = Listing(sku=SKU, state=LINKED)
REQUEST_SECONDS_MAX = 30.0
RUN_SECONDS = 120.0
REST_SECONDS = 1_500.0  # the last mails come, quiet times and ten minutes of unseen units pass


@dataclass(slots=True)
class Request:
    """One number on its way. Mutable: what became of it. ``answer``: applied, busy, or lost."""

    units: int
    computed_at: int
    sent_at: datetime
    dead_after: datetime
    answered_until: datetime | None = None


@dataclass(slots=True)
class Shop:
    """One mall's listing: what it shows, and what is known of it. Mutable: it is the world outside, and a row of ours."""

    name: str
    manner: Manner
    shown: int
    numbers: Numbers
    open: Request | None = None
    doubts: list[Request] = field(default_factory=list)
    unseen: list[Unseen] = field(default_factory=list)
    waiting_since: datetime | None = None
    newest_arrived: int = 0  # the position of the newest number that reached the mall
    went_back: int = 0  # times an answered, applied number was older than one answered as applied before


class World:
    """One seed's world. ``run`` plays it to its rest."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.seconds = 0.0
        self.position = 10
        self.steps = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._calm = False
        supply = self.chance.choice([1, 2, 3, 5, 12])
        self.supply, self.sold, self.told_sold = supply, 0, 0
        self.shops = [self._shop(name, supply) for name in ("a", "b")]

    def _shop(self, name: str, units: int) -> Shop:
        manner = Manner(units_max=99_999, looks=self.chance.random() < 0.7)
        numbers = expected.read(
            Numbers(), units=units, found=True, read_at=utc_text(BEGAN - timedelta(hours=1)), position=5
        )
        return Shop(name, manner, units, numbers)

    @property
    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds)

    @property
    def free(self) -> int:
        return self.supply - self.told_sold

    def run(self) -> "World":
        """Played until nothing is on its way any more; the malls then show what is free, if all is well."""
        for shop in self.shops:
            self._after(self.chance.expovariate(1 / 12), lambda shop=shop: self._sells(shop))  # type: ignore[misc]
            self._after(self.chance.uniform(0, 2), lambda shop=shop: self._looks_after(shop))  # type: ignore[misc]
        if self.chance.random() < 0.5:
            self._after(self.chance.uniform(0, RUN_SECONDS), self._receives)
        self._until(RUN_SECONDS)
        self._calm = True
        self._until(RUN_SECONDS + REST_SECONDS)
        return self

    def _until(self, seconds: float) -> None:
        while self._events and self._events[0][0] <= seconds:
            self.seconds, _, happens = heapq.heappop(self._events)
            happens()
        self.seconds = seconds

    def _after(self, seconds: float, happens: Callable[[], None]) -> None:
        self.steps += 1
        heapq.heappush(self._events, (self.seconds + seconds, self.steps, happens))

    def _fact(self) -> int:
        self.position += 1
        return self.position

    # -------------------------------------------------------------- the world outside

    def _sells(self, shop: Shop) -> None:
        if self._calm:
            return
        if shop.shown > 0:
            shop.shown -= 1
            self.sold += 1
            ordered_at = self.now.replace(microsecond=0)
            self._after(self.chance.choice([0.1, 1.0, 20.0, 120.0, 300.0]), lambda: self._told(shop, ordered_at))
        self._after(self.chance.expovariate(1 / 20), lambda: self._sells(shop))

    def _told(self, shop: Shop, ordered_at: datetime) -> None:
        self.told_sold += 1
        sale = Sale(self._fact(), 1, ordered_at)
        shop.numbers = expected.sold(shop.numbers, sale, lowers=True, restores="no", told_at=self.now)
        self._keep(shop, left_of(shop.unseen, shop.numbers.sales))
        for one in self.shops:
            self._round(one)

    def _receives(self) -> None:
        self.supply += self.chance.randint(1, 5)
        self._fact()

    # -------------------------------------------------------------- our side

    def _looks_after(self, shop: Shop) -> None:
        """The push clock comes by."""
        self._round(shop)
        self._after(120.0 if self._calm else self.chance.uniform(1.0, 12.0), lambda: self._looks_after(shop))

    def _round(self, shop: Shop) -> None:
        if shop.open is None:
            self._acts(shop, self._decision(shop))

    def _decision(self, shop: Shop) -> Decision:
        now = self.now
        row = Queued(KEY, RULES, shop.numbers, self.free)
        parts = {(one.name, KEY): outstanding(one.unseen, one.numbers.sales, now) for one in self.shops}
        withheld: Withheld = sum_withheld(parts, (shop.name, KEY))
        dead = max((one.dead_after for one in shop.doubts), default=None)
        found = decide_in_doubt(row, shop.manner, Circumstances(now, withheld, shop.waiting_since), dead)
        if isinstance(found, WaitUntil) and found.why == "quiet":
            shop.waiting_since = shop.waiting_since or now
        elif not isinstance(found, Send):
            shop.waiting_since = None
        return found

    def _acts(self, shop: Shop, decision: Decision) -> None:
        match decision:
            case Send(units=units):
                self._sends(shop, units)
            case LookFirst():
                self._reads(shop)
            case _:
                pass

    def _sends(self, shop: Shop, units: int) -> None:
        request = Request(units, self.position, self.now, self.now + timedelta(seconds=REQUEST_SECONDS_MAX + 5))
        shop.open = request
        self._fact()
        shop.numbers = expected.sent(shop.numbers, request="r", units=units, computed_at=request.computed_at)
        on_way, fate = self.chance.uniform(0.01, 2.0), 1.0 if self._calm else self.chance.random()
        if fate < 0.08:  # it never left, or the mall was busy
            self._after(on_way, lambda: self._answered(shop, request, "busy"))
        elif fate < 0.16:  # the answer is lost; the request arrives now, late, or never
            late = self.chance.choice([on_way, self.chance.uniform(0, REQUEST_SECONDS_MAX), None])
            if late is not None:
                self._after(late, lambda: self._arrives(shop, request))
            self._after(
                self.chance.choice([on_way, REQUEST_SECONDS_MAX]), lambda: self._answered(shop, request, "lost")
            )
        else:
            self._after(on_way / 2, lambda: self._arrives(shop, request))
            self._after(on_way, lambda: self._answered(shop, request, "applied"))

    def _arrives(self, shop: Shop, request: Request) -> None:
        shop.shown = request.units
        shop.newest_arrived = max(shop.newest_arrived, request.computed_at)

    def _answered(self, shop: Shop, request: Request, answer: str) -> None:
        shop.open = None
        position, numbers = self._fact(), shop.numbers
        request.answered_until = self.now
        if answer == "applied":
            shop.went_back += request.computed_at < numbers.told_position
            shop.waiting_since = None
            shop.numbers = self._applied(numbers, request, self.now)
            self._settles(shop)
        elif answer == "lost":
            shop.numbers = expected.unknown(numbers, position=position, at=self.now)
            shop.doubts.append(request)
        else:
            shop.numbers = expected.not_applied(numbers, code=None)

    def _applied(self, numbers: Numbers, request: Request, until: datetime) -> Numbers:
        return expected.applied(
            numbers,
            units=request.units,
            computed_at=request.computed_at,
            sent_at=utc_text(request.sent_at),
            applied_until=utc_text(until),
        )

    def _reads(self, shop: Shop) -> None:
        """One reading: asked for now, and nothing else of this listing meanwhile."""
        began, known, seconds = self.now, self.position, self.chance.uniform(0.01, 1.0)
        shop.open = Request(0, 0, began, began)  # one call of a shop at a time
        seen: list[int] = []
        self._after(seconds / 2, lambda: seen.append(shop.shown))
        self._after(seconds, lambda: self._read(shop, began, known, seen[0]))

    def _read(self, shop: Shop, began: datetime, known: int, units: int) -> None:
        shop.open = None
        before = shop.numbers
        bases = [
            Base(one.units, one.sent_at, max(one.answered_until or one.sent_at, one.dead_after), one.computed_at)
            for one in shop.doubts
        ]
        missing = unseen_at(before, read_units=units, read_at=began, doubts=bases)
        if missing.sold_after is not None and (missing.certain or missing.possible):
            found = Unseen(shop.name, KEY, SKU, 1, missing.certain, missing.possible, missing.sold_after, began, known)
            shop.unseen.append(found)
        shop.numbers = expected.read(
            before, units=units, found=True, read_at=utc_text(began), position=self._fact(), known_position=known
        )
        self._keep(shop, explained_by_look(before, shop.unseen, read_units=units, read_at=began))
        self._settles(shop)
        self._after(0.01, lambda: self._round(shop))

    def _keep(self, shop: Shop, left: list[tuple[Unseen, int, int]]) -> None:
        known = self.position
        shop.unseen = [
            replace(entry, certain=certain, possible=possible, known_position=max(known, entry.known_position))
            for entry, certain, possible in left
        ]

    def _settles(self, shop: Shop) -> None:
        """A request without an answer that can no longer arrive does not matter once the number is known again."""
        shop.doubts = [
            one for one in shop.doubts if one.dead_after > self.now or not is_known(shop.numbers, one.dead_after)
        ]
