"""Two SKUs that are the same goods (バラバラに登録) become one: whose units count, and which late orders the number knows.

``Open`` is what of a SKU's stock is promised, folded from its facts; numbers and covers are pure. The verbs are in
``book/unify.py``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ledger.codec import Record
from ledger.facts.stock import (
    AllocatedAsCounted,
    AllocationReleased,
    AuctionKept,
    AuctionReturned,
    HoldReturned,
    HoldTaken,
    StockAllocated,
    StockShipped,
    UndecidedSettled,
)
from ledger.levels import EVERY_SHOP, Count, Level
from ledger.stock import Stock

SUM, FROM, INTO = "sum", "from", "into"
CHOICES = (SUM, FROM, INTO)
UNDO = "undo"


class UnifyRefused(ValueError):
    """The two SKUs cannot be made one, or parted, so; the message says what was seen and what to do first."""


class UnitsMoved(ValueError):
    """The SKU's stock moved since it was looked at; look again and decide again."""


@dataclass(frozen=True)
class Open:
    """What of one SKU's stock is promised as of ``version`` of its stream: the orders (``keys.order_name``) that hold units
    of it or wait for a person, the holds, and the auctions (shop, listing as text, units).
    """

    version: int = 0
    orders: frozenset[str] = frozenset()
    holds: frozenset[str] = frozenset()
    auctions: frozenset[tuple[str, str, int]] = frozenset()


@dataclass
class _Promised:
    """Units promised so far. Mutable: fact by fact."""

    version: int = 0
    orders: dict[str, int] = field(default_factory=dict)
    undecided: dict[str, int] = field(default_factory=dict)
    holds: dict[str, int] = field(default_factory=dict)
    auctions: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        self.version = record.version
        match record.fact:
            case StockAllocated(order=order, units=units) | AllocatedAsCounted(order=order, units=units):
                _add(self.orders, order, units)
            case AllocationReleased(order=order, units=units, to=to):
                _add(self.orders, order, -units)
                if to == "undecided":
                    _add(self.undecided, order, units)
            case StockShipped(order=order, units=units):
                _add(self.orders, order, -units)
            case UndecidedSettled(order=order, units=units):
                _add(self.undecided, order, -units)
            case HoldTaken(hold=hold, units=units):
                _add(self.holds, hold, units)
            case HoldReturned(hold=hold, units=units):
                _add(self.holds, hold, -units)
            case AuctionKept(shop=shop, listing=listing, units=units):
                _add(self.auctions, (shop, listing), units)
            case AuctionReturned(shop=shop, listing=listing, units=units):
                _add(self.auctions, (shop, listing), -units)
            case _:
                pass


def open_of(records: Iterable[Record]) -> Open:
    """What is promised after all facts of a stock stream."""
    promised = _Promised()
    for record in records:
        promised.take(record)
    return Open(
        promised.version,
        frozenset(promised.orders.keys() | promised.undecided.keys()),
        frozenset(promised.holds),
        frozenset((shop, listing, units) for (shop, listing), units in promised.auctions.items()),
    )


def on_hand_after(choice: str, from_stock: Stock, into_stock: Stock) -> int | None:
    """Units on hand of the one SKU. Open orders of both come off it: neither number knew what the other one sold.

    Raises UnifyRefused.
    """
    if choice not in CHOICES:
        raise UnifyRefused(f"stock {choice!r}; expected whose units on hand count: {', '.join(CHOICES)}")
    there, here = from_stock.on_hand_units, into_stock.on_hand_units
    if choice == SUM:
        return None if there is None and here is None else (there or 0) + (here or 0)
    chosen, other = (there, here) if choice == FROM else (here, there)
    if chosen is None and other is not None:
        raise UnifyRefused(f"the SKU chosen by {choice!r} has no number (在庫未登録); expected the other one, or {SUM}")
    return chosen


def kept_back_after(choice: str, from_units: int, into_units: int) -> int:
    """保留在庫数 of the one SKU: both parts of a sum; of one number never less than either was."""
    return from_units + into_units if choice == SUM else max(from_units, into_units)


def covers_after(choice: str, from_level: Level, into_level: Level) -> Mapping[str, datetime]:
    """Up to when each shop's sales are surely inside the number, by what is known of the counts of both.

    In doubt they are not: an order that is told late then lowers the number once too often, which loses a sale and oversells nothing.
    """
    there, here = _covers(from_level.own_count), _covers(into_level.own_count)
    if choice == FROM:
        return there
    if choice == INTO:
        return here
    if EVERY_SHOP not in there and EVERY_SHOP not in here:  # each is a mall's own part of divided stock
        return {shop: min(known[shop] for known in (there, here) if shop in known) for shop in there | here}
    both: dict[str, datetime] = {}
    for shop in there | here:
        known = [covers.get(shop, covers.get(EVERY_SHOP)) for covers in (there, here)]
        if known[0] is not None and known[1] is not None:
            both[shop] = min(known[0], known[1])
    return both


def _covers(count: Count | None) -> dict[str, datetime]:
    return {} if count is None or count.up_to is None else {count.shop: count.up_to}


def _add(totals: dict[str, int] | dict[tuple[str, str], int], key: object, units: int) -> None:
    left = totals.get(key, 0) + units  # type: ignore[call-overload]
    if left:
        totals[key] = left  # type: ignore[index]
    else:
        totals.pop(key, None)  # type: ignore[call-overload]
