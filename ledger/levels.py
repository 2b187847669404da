"""The tables that are written with the facts and read for "now": stock levels, stock changes, stock counts.

They belong to the ledger and are never dropped. ``effects`` is a pure function of facts; a replay gives the same rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from zlib import crc32

from ledger.codec import Record
from ledger.facts.sku import (
    BecameAlias,
    CeasedAlias,
    KeptBackSet,
    SetDefined,
    SkuFact,
    SkuRegistered,
    SkuRenamed,
    SkusUnified,
    SkusUnifiedUndone,
)
from ledger.facts.stock import (
    AllocatedAsCounted,
    AllocationReleased,
    DefectiveCleared,
    DefectiveMarked,
    NumberUndone,
    SetUpPartReplaced,
    StockAdded,
    StockAllocated,
    StockFact,
    StockMoved,
    StockOverwritten,
    StockReceived,
    StockReturned,
    StockShipped,
    StockTakenOut,
    StocktakeVariance,
    StockUnified,
    UndecidedSettled,
)
from ledger.keys import parts_of
from ledger.stock import Stock, evolve
from ledger.terms import MAIN_PLACE, utc_moment

CHANGES_KEPT_DAYS = 35
EVERY_SHOP = "*"
NO_SHOP = ""
NOTHING = Stock()
STANDS_FOR_ANOTHER = -1  # as recipe_version: the code is another SKU's, whose stream and stock count


class Level(NamedTuple):  # rows are tuples: a bulk makes millions
    """One row of stock_levels. ``counted_position``: the last 上書き or 棚卸, 0 when there was none; ``counted_at`` is the time
    of the last 上書き's number, ``counted_by`` the shop whose file it was ("": our own, or a person's). ``counted_plainly``: that
    number knows what this shop ("": every shop) sold up to that time, and no more; its ``Count`` follows and has no row.

    The row of the main place also says what a decision needs of the SKU itself, so that its stream is not read for it:
    ``sku_version`` of its stream (0: not registered), ``recipe_version`` (0: it is no set; STANDS_FOR_ANOTHER: it was made
    one with another SKU, or is its alias), and what it is ``called``.
    """

    stock: Stock = NOTHING
    position: int = 0
    counted_position: int = 0
    counted_at: datetime | None = None
    counted_by: str = ""
    sku_version: int = 0
    recipe_version: int = 0
    called: int = 0
    counted_plainly: bool = False

    @property
    def own_count(self) -> "Count | None":
        """The count of the last 上書き, when it has no row of its own."""
        if not self.counted_plainly:
            return None
        return Count(MAIN_PLACE, "", self.counted_by or EVERY_SHOP, self.counted_at, self.counted_position)


class Change(NamedTuple):
    """One row of stock_changes: units that moved at ``happened_at``, for counts that were made before they could know.

    ``position``: a mall that was told a number of this position or newer was told of the change.
    """

    place: str
    sku: str
    happened_at: datetime
    position: int
    shop: str
    delta: int
    on_hand_delta: int


class Count(NamedTuple):
    """One row of stock_counts: the number of ``position`` knows this shop's sales up to ``up_to``; None: not by time.

    ``part_units``: what this shop's own file added to the number (追加), None when it was no part.
    """

    place: str
    sku: str
    shop: str
    up_to: datetime | None
    position: int
    part_units: int | None = None


class Number(NamedTuple):
    """What a plain 上書き changes in the row of its SKU at the main place: these columns and no others.

    ``position`` is also that of the last count, and the number knows what ``counted_by`` sold up to ``counted_at``, no more.
    """

    sku: str
    version: int
    on_hand_units: int
    position: int
    counted_at: datetime
    counted_by: str


@dataclass
class Effects:
    """What a commit writes beside its facts. ``levels`` holds only rows that changed, ``numbers`` those of which no more
    changed than a ``Number`` says; none is in both. Mutable: filled fact by fact.
    """

    levels: dict[tuple[str, str], Level] = field(default_factory=dict)
    numbers: list[Number] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)


def changed(fact: StockFact) -> tuple[str | None, int, int] | None:
    """(order the change belongs to, change of available, change of on hand) or None when no count needs to know it."""
    match fact:
        case StockOverwritten() | StockAdded():  # statements of the whole number; first, for they come by the million
            return None
        case StockAllocated(order=order, units=units) | AllocatedAsCounted(order=order, units=units):
            return order, -units, 0
        case AllocationReleased(order=order, units=units, to=to):
            return (order, units, 0) if to in ("sale", "counted") else (order, 0, -units)
        case UndecidedSettled(order=order, units=units, to=to):
            return (order, units, units) if to == "sale" else None
        case StockShipped(order=order, units=units):
            return order, 0, -units
        case StockReceived(units=units):
            return None, units, units
        case StockReturned(units=units, to=to):
            return (None, units, units) if to == "good" else None
        case StockTakenOut(units=units) | DefectiveMarked(units=units):
            return None, -units, -units
        case DefectiveCleared(units=units):
            return None, units, units
        case StocktakeVariance(on_hand=on_hand, on_hand_before=before):
            delta = (on_hand or 0) - (before or 0)
            return None, delta, delta
        case StockMoved(before=before, after=after):
            delta = (after or 0) - (before or 0)
            return None, delta, delta
        case _:  # a statement of the whole number, a hold, or what a person says of a number (計上済 reversed)
            return None


def book(effects: Effects, level: Level, place: str, sku: str, fact: StockFact, at: datetime, position: int) -> Level:
    """The level after the fact; what else it writes is added to ``effects``."""
    stock = evolve(level.stock, fact)
    if isinstance(fact, StockOverwritten):
        by = fact.covers_shops[0] if fact.covers_shops and fact.covers_shops[0] != EVERY_SHOP else NO_SHOP
        plainly = _plainly(fact, at)
        after = Level(stock, position, position, at, by, *level[5:8], plainly)
        if fact.target == "available" and not plainly:
            for shop, up_to in zip(fact.covers_shops, fact.covers_up_to, strict=True):
                effects.counts.append(Count(place, sku, shop, utc_moment(up_to) if up_to else None, position))
    elif isinstance(fact, StocktakeVariance):
        after = Level(stock, position, position, *level[3:8])
    elif isinstance(fact, NumberUndone):
        counted_at = utc_moment(fact.counted_at) if fact.counted_at else None
        counted = (fact.counted_position, counted_at, fact.counted_by)
        after = Level(stock, position, *counted, *level[5:8], fact.counted_plainly)
        effects.counts.extend(_counts_before(place, sku, fact))
    elif isinstance(fact, StockUnified):  # what was counted before speaks of less, or of more, than is here now
        after = Level(stock, position, position, at, NO_SHOP, *level[5:8])
        for shop, up_to in zip(fact.covers_shops, fact.covers_up_to, strict=True):
            effects.counts.append(Count(place, sku, shop, utc_moment(up_to), position))
    else:
        after = Level(stock, position, *level[2:])
    effects.levels[place, sku] = after
    change = changed(fact)
    if change is not None:
        order, delta, on_hand_delta = change
        shop = NO_SHOP if order is None else shop_of_order(order)
        known = _known_since(fact, level) or position
        effects.changes.append(Change(place, sku, at, known, shop, delta, on_hand_delta))
    if isinstance(fact, StockAdded | SetUpPartReplaced) and fact.shop is not None:
        part = fact.units if isinstance(fact, StockAdded) else fact.units_after
        effects.counts.append(Count(place, sku, fact.shop, at, position, part))
    return after


def _counts_before(place: str, sku: str, fact: NumberUndone) -> Iterable[Count]:
    of_shops = zip(fact.counts_shops, fact.counts_up_to, fact.counts_positions, fact.counts_parts, strict=True)
    for shop, up_to, position, part in of_shops:
        moment = utc_moment(up_to) if up_to else None
        yield Count(place, sku, shop, moment, position, None if part < 0 else part)


def _plainly(fact: StockOverwritten, at: datetime) -> bool:
    """The number says what one shop, or every shop, sold up to its own time, and nothing else.

    Of a shelf (実) no order is inside by its time: one that is told late and was not shipped lowers available (D15).
    """
    return (
        fact.target == "available"
        and len(fact.covers_shops) == 1
        and not fact.covers_up_to_position[0]
        and utc_moment(fact.covers_up_to[0]) == at
    )


def book_sku(level: Level, fact: SkuFact, version: int, position: int) -> Level:
    """The level of the main place after a fact of the SKU's own stream. What is kept back at a place: ``keep_back``."""
    recipe, called = level.recipe_version, level.called
    match fact:
        case SkuRegistered(name=name, jan=jan, product=product) | SkuRenamed(name=name, jan=jan, product=product):
            called = called_by(name, jan, product)
        case SetDefined(recipe_version=recipe_version, components=components):
            recipe = recipe_version if components else 0
        case SkusUnified() | BecameAlias():
            recipe = STANDS_FOR_ANOTHER
        case SkusUnifiedUndone() | CeasedAlias():
            recipe = 0
        case _:
            pass
    return level._replace(position=position, sku_version=version, recipe_version=recipe, called=called)


def replay(levels: dict[tuple[str, str], Level], record: Record) -> None:
    """The levels after one more fact of any stream: how they follow from the facts alone."""
    fact = record.fact
    if isinstance(fact, StockFact):
        place, sku = parts_of(record.stream)
        before = levels.get((place, sku), Level())
        levels[place, sku] = book(Effects(), before, place, sku, fact, record.envelope.at, record.position)
    elif isinstance(fact, SkuFact):
        (sku,) = parts_of(record.stream)
        before = levels.get((MAIN_PLACE, sku), Level())
        levels[MAIN_PLACE, sku] = book_sku(before, fact, record.version, record.position)
        if isinstance(fact, KeptBackSet):
            before = levels.get((fact.place, sku), Level())
            levels[fact.place, sku] = keep_back(before, fact, record.position)


def keep_back(level: Level, fact: KeptBackSet, position: int) -> Level:
    """The level of the fact's place after it."""
    return level._replace(stock=evolve(level.stock, fact), position=position)


def called_by(name: str, jan: str, product: str) -> int:
    """What a SKU is called, as a checksum: equal for equal names, 0 only for three empty texts."""
    return crc32(f"{name}\0{jan}\0{product}".encode()) + 1 if name or jan or product else 0


def _known_since(fact: StockFact, level: Level) -> int:
    """The position from which on every number we tell has the change inside, 0: its own.

    What a count already knew was told with the count: another mall's number has it when the mall was told of that count.
    """
    if isinstance(fact, AllocatedAsCounted):
        return fact.against_position
    return level.counted_position if isinstance(fact, AllocationReleased) and fact.to == "counted" else 0


def shop_of_order(order: str) -> str:
    """The shop in an order's name as stock facts keep it (``keys.order_name``)."""
    return parts_of(f"order:{order}")[0]


def latest(counts: Iterable[Count], level: Level) -> Count | None:
    """The count that still speaks for the level's number, the newest of those given; None when there is none.

    Counts older than the last 上書き or 棚卸 are void; what that one takes over stands in its own fact.
    """
    valid = [c for c in counts if c.position >= level.counted_position]
    return max(valid, key=lambda c: c.position, default=None)
