"""What must be true of the facts together: I1 stock adds up, I2 orders and stock agree, I5 pushes go forward, and versions.

Each rule is fed every fact in order and says what is wrong when it sees it. What a rule remembers, it remembers for the
streams of one ``Partition`` only, so that a ledger of any size is checked in a bounded memory, in several passes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never
from zlib import crc32

from ledger import keys
from ledger.codec import Record
from ledger.facts.order import Booked
from ledger.facts.push import PushAnswered, PushFact, PushSent, PushSettled
from ledger.facts.sku import KeptBackSet, SkuFact
from ledger.facts.stock import (
    AllocatedAsCounted,
    AllocationReleased,
    CountedReversed,
    StockAllocated,
    StockFact,
    StockShipped,
    UndecidedSettled,
)
from ledger.replay import LEVEL_COLUMNS, Units
from ledger.terms import MAIN_PLACE, Result

# Place, SKU, and the values of ``replay.LEVEL_COLUMNS``: one row of stock_levels.
LevelRow: TypeAlias = tuple[str, str, tuple[object, ...]]
OrderMove: TypeAlias = (
    StockAllocated | AllocatedAsCounted | AllocationReleased | StockShipped | CountedReversed | UndecidedSettled
)

HOW = {
    "StockAllocated": "allocated",
    "AllocatedAsCounted": "counted",
    "AllocationReleased": "released",
    "StockShipped": "shipped",
    "CountedReversed": "reversed",
    "UndecidedSettled": "settled",
}
HELD = {"allocated": 1, "counted": 1, "released": -1, "shipped": -1, "reversed": 0, "settled": 0}
STILL_OPEN = (Result.ACCEPTED, Result.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the rule it breaks, and where. ``commit`` is the first position of a commit."""

    rule: str
    what: str
    commit: int | None = None
    position: int | None = None

    def __str__(self) -> str:
        if self.position is not None:
            place = f"position {self.position}: "
            if self.commit is not None:
                place = f"position {self.position} in commit {self.commit}: "
        else:
            place = f"commit {self.commit}: " if self.commit is not None else ""
        return f"{self.rule}: {place}{self.what}"


@dataclass(frozen=True, slots=True)
class Partition:
    """One share of the streams: those whose name falls on ``number`` of ``count``."""

    number: int = 0
    count: int = 1

    def holds(self, name: str) -> bool:
        """Whether this share is the one that the name falls on."""
        return self.count == 1 or crc32(name.encode("utf-8", "surrogatepass")) % self.count == self.number


class Versions:
    """I4: every stream counts 1, 2, 3 … in position order. Stock streams are counted by ``StockAddsUp``."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._versions: dict[str, int] = {}

    def take(self, record: Record) -> Iterator[Finding]:
        """One more fact of any stream that is not stock."""
        if not self._partition.holds(record.stream):
            return
        expected = self._versions.get(record.stream, 0) + 1
        self._versions[record.stream] = record.version
        if record.version != expected:
            yield _version_wrong(record, expected)


class StockAddsUp:
    """I1: on hand and allocated are the sums of their facts, available is their difference, and every fact says so too."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._units: dict[str, Units] = {}

    def take(self, record: Record, fact: StockFact, place: str) -> Iterator[Finding]:
        """One more fact of the stock stream of this place."""
        if not self._partition.holds(record.stream):
            return
        units = self._of(record.stream)
        expected = units.version + 1
        wrong = units.add(place, fact, record.envelope.at, record.position)
        if record.version != expected:
            units.version = record.version
            yield _version_wrong(record, expected)
        if wrong is not None:
            yield Finding("I1", f"{record.name} of {record.stream} {wrong}", position=record.position)

    def take_sku(self, record: Record, fact: SkuFact, sku: str) -> None:
        """One more fact of a SKU's own stream: what the SKU is stands at its main place, units kept back at theirs."""
        stream = keys.stock(sku, MAIN_PLACE)
        if self._partition.holds(stream):
            self._of(stream).of_sku(fact, record.version, record.position)
        if isinstance(fact, KeptBackSet):
            stream = keys.stock(sku, fact.place)
            if self._partition.holds(stream):
                self._of(stream).keep_back(fact, record.position)

    def compare(self, rows: Iterable[LevelRow]) -> Iterator[Finding]:
        """The rows of stock_levels are what the facts add up to, each once, none too many."""
        left = dict(self._units)
        for place, sku, values in rows:
            stream = keys.stock(sku, place)
            if not self._partition.holds(stream):
                continue
            units = left.pop(stream, None)
            if units is None:
                yield Finding("I1", f"stock_levels has a row for {stream}, of which there is no fact")
                continue
            for name, found, expected in zip(LEVEL_COLUMNS, values, units.level(), strict=True):
                if found != expected:
                    yield Finding(
                        "I1", f"stock_levels says {name} {found} for {stream}; its facts add up to {expected}"
                    )
                    break
        for stream in left:
            yield Finding("I1", f"stock_levels has no row for {stream}, of which there are facts")

    def _of(self, stream: str) -> Units:
        units = self._units.get(stream)
        if units is None:
            units = self._units[stream] = Units()
        return units


class OrdersAndStockAgree:
    """I2: what an order's facts say was booked is what the stock facts of the same commit did, to the unit.

    True of every commit, it is true of their sums; and no order ever gives back or ships more than it holds.
    """

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._said: dict[tuple[str, str, str, str, str], int] = {}  # order, how, SKU told, SKU stream, to: units
        self._held: dict[str, int] = {}

    def take_order(self, record: Record, fact: Booked) -> Iterator[Finding]:
        """An order's fact says what it booked."""
        if not fact.booked_how or not self._partition.holds(record.stream):
            return
        columns = (fact.booked_how, fact.booked_told, fact.booked_skus, fact.booked_units, fact.booked_to)
        if len({len(column) for column in (*columns, fact.booked_told_units, fact.booked_recipes)}) != 1:
            yield Finding(
                "I2",
                f"{record.name} of {record.stream}: its booked lists are not equally long",
                position=record.position,
            )
        order = record.stream.partition(":")[2]
        for how, told, sku, units, to in zip(*columns, strict=False):
            self._count((order, how, told, sku, to), units)

    def take_stock(self, record: Record, fact: OrderMove, sku: str) -> Iterator[Finding]:
        """A fact of this SKU's stock stream moves units for an order."""
        if not self._partition.holds(f"order:{fact.order}"):
            return
        how = HOW[record.name]
        told = sku if isinstance(fact, UndecidedSettled) else fact.sku_told
        to = fact.to if isinstance(fact, AllocationReleased | UndecidedSettled) else ""
        self._count((fact.order, how, told, sku, to), -fact.units)
        sign = HELD[how]
        if sign:
            key = f"{fact.order}\t{record.stream}"
            held = self._held.get(key, 0) + sign * fact.units
            if held:
                self._held[key] = held
            else:
                self._held.pop(key, None)
            if held < 0:
                what = (
                    f"{record.name} of {fact.units} units leaves order {fact.order} holding {held} of {record.stream}"
                )
                yield Finding("I2", what, position=record.position)

    def commit_ends(self, commit: int) -> Iterator[Finding]:
        """Every booking of the commit has its stock facts, and every such stock fact its booking."""
        if not self._said:
            return
        for (order, how, _, sku, _), units in self._said.items():
            side = "its order's facts" if units > 0 else "its stock facts"
            yield Finding(
                "I2", f"order {order}, SKU {sku}: {abs(units)} units {how} stand only in {side}", commit=commit
            )
        self._said = {}

    def _count(self, key: tuple[str, str, str, str, str], units: int) -> None:
        total = self._said.get(key, 0) + units
        if total:
            self._said[key] = total
        else:
            del self._said[key]


@dataclass(frozen=True, slots=True)
class _Sent:
    computed_at: int
    listings: list[str]


class PushesGoForward:
    """I5: a shop's numbers are never computed at an older position than those before, and none is applied after a newer one.

    A file that ends after a newer number was applied is no break: that number is sent again afterwards (product.md).
    ``behind`` holds the listings that still wait for it.
    """

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._computed_at: dict[str, int] = {}
        self._open: dict[tuple[str, str], _Sent] = {}
        self._applied: dict[str, int] = {}
        self.behind: set[str] = set()

    def take(self, record: Record, fact: PushFact) -> Iterator[Finding]:
        """One more fact of a push stream."""
        shop = record.stream.partition(":")[2]
        match fact:
            case PushSent():
                yield from self._send(record, shop, fact)
            case PushAnswered():
                yield from self._answer(record, shop, fact.request, fact.outcomes, settled=False)
            case PushSettled():
                yield from self._answer(record, shop, fact.request, fact.outcomes, settled=True)
            case _:
                assert_never(fact)

    def _send(self, record: Record, shop: str, sent: PushSent) -> Iterator[Finding]:
        if self._partition.number == 0:
            last = self._computed_at.get(shop, 0)
            if sent.computed_at < last:
                what = (
                    f"request {sent.request} of {shop} was computed at {sent.computed_at}, the one before it at {last}"
                )
                yield Finding("I5", what, position=record.position)
            if sent.computed_at >= record.position:
                what = f"request {sent.request} of {shop} says it was computed at {sent.computed_at}, which came later"
                yield Finding("I5", what, position=record.position)
        self._computed_at[shop] = sent.computed_at
        self._open[shop, sent.request] = _Sent(sent.computed_at, sent.listings)
        if self.behind:
            self.behind.difference_update(f"{shop}:{listing}" for listing in sent.listings)

    def _answer(
        self, record: Record, shop: str, request: str, outcomes: list[str], *, settled: bool
    ) -> Iterator[Finding]:
        sent = self._open.get((shop, request))
        if sent is None or len(outcomes) != len(sent.listings):
            if self._partition.number == 0:
                seen = "is not open" if sent is None else f"has {len(sent.listings)} listings, not {len(outcomes)}"
                yield Finding("I5", f"{record.name} of {shop}: request {request} {seen}", position=record.position)
            return
        if settled or not any(outcome in STILL_OPEN for outcome in outcomes):
            del self._open[shop, request]
        for listing, outcome in zip(sent.listings, outcomes, strict=True):
            if outcome != Result.APPLIED:
                continue
            key = f"{shop}:{listing}"
            if not self._partition.holds(key):
                continue
            newest = self._applied.get(key, 0)
            if sent.computed_at >= newest:
                self._applied[key] = sent.computed_at
            elif settled:
                self.behind.add(key)
            else:
                what = (
                    f"listing {listing} of {shop}: the number of {sent.computed_at} was applied after that of {newest}"
                )
                yield Finding("I5", what, position=record.position)


def _version_wrong(record: Record, expected: int) -> Finding:
    return Finding("I4", f"version {record.version} of {record.stream}; expected {expected}", position=record.position)
