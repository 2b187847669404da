"""One order: what was told of it, what its tellings state together, and what the ledger holds for it.

The key is (shop, mall order number), for ever. ``stated`` is a pure function of the set of tellings, links and shipments,
not of their arrival: whatever the doors, the order and the number of tellings, the same evidence gives the same units.
``booking.py`` books the difference between what is stated and what is held. ``evolve`` never checks.

What arrival does decide, because the evidence does not say it:
- of two tellings of one door, revision, time and reader that differ, the one that came later stands; a line linked twice is
  of the SKU it was linked to last;
- units that left, or were missed on the shelf (欠品, 不良), while more was told to be ordered do not come back by a telling:
  what left too many is a return (返品待ち); a cancel of the rest and 出荷 of the whole order count in the order they were told;
- a cancel that is taken back leaves its returns and 欠品 where they were booked;
- units of an earlier telling that said too many are released while the SKU may be short, and then wait for a person
  (欠品調査中);
- an answer of the order API that repeats the newest telling word for word is not kept (it is asked for again and again),
  so it does not overrule what another door told of the time between the two; the next answer of the API does;
- an order of which only the date was told first counts as after a count, also when its time is told later (要確認);
- units that a change added count from when the change was told: a count between the order and the change knows them only
  when the change was the first that was told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace

from ledger import booked
from ledger.booked import Holding
from ledger.codec import Record
from ledger.facts.order import (
    AllocationMoved,
    Booked,
    LineLinked,
    OrderTold,
    OrderVerified,
    PrioritySet,
    ReturnOpened,
    ReturnTaken,
    ReviewDone,
    ShipmentAssumed,
    ShipmentTold,
)
from ledger.lines import Line, Names, less_cancelled, names_of, shipped_units, together, units_of
from ledger.terms import RICHNESS, Door, OrderState
from ledger.view import Fold

UNVERIFIED_CANCEL = "unverified_cancel"
NOTHING_HELD = Holding()


class Kept(msgspec.Struct, frozen=True):
    """One kept telling with the ledger position of its fact."""

    position: int
    told: OrderTold


class Order(msgspec.Struct, frozen=True):
    """The order as its stream says. ``links`` are lines linked after they were told: (item, variant) to the LineLinked.

    ``confirmed`` are positions of unverified tellings that a person or the API confirmed; ``returned`` units of opened
    returns by SKU told, ``came_back`` those that a person took back, or knows to be gone; ``opened`` and ``reviewed`` codes of
    要確認 that facts opened and a person closed.
    """

    version: int = 0
    kept: tuple[Kept, ...] = ()
    links: Mapping[tuple[str, str], LineLinked] = msgspec.field(default_factory=dict)
    confirmed: frozenset[int] = frozenset()
    shipments: tuple[ShipmentTold, ...] = ()
    assumed_shipped: bool = False
    holding: Holding = NOTHING_HELD
    returned: Mapping[str, int] = msgspec.field(default_factory=dict)
    came_back: Mapping[str, int] = msgspec.field(default_factory=dict)
    opened: frozenset[str] = frozenset()
    reviewed: frozenset[str] = frozenset()
    priority: int = 0

    def awaited_units(self, sku: str) -> int:
        """返品待ち: units of the SKU told that are to come back and have not."""
        return max(0, self.returned.get(sku, 0) - self.came_back.get(sku, 0))

    def trusts(self, kept: Kept) -> bool:
        """Whether the telling may raise stock: it was verified, or confirmed since (D7)."""
        return kept.told.verified or kept.position in self.confirmed


@dataclass(frozen=True)
class Stated:
    """The order as told, all tellings together. Units are by SKU told.

    ``lines`` and ``units`` are what is still ordered; ``ordered_lines`` and ``ordered_units`` what was, before cancels.
    ``shipped`` are units told to have left. ``cancelled_at`` is the mall's time of the cancel that counts, with ``reason``.
    """

    lines: tuple[Line, ...]
    units: Mapping[str, int]
    shipped: Mapping[str, int]
    cancelled: bool
    state: str
    reason: str | None
    verified: bool
    reviews: frozenset[str]
    ordered_lines: tuple[Line, ...] = ()
    ordered_units: Mapping[str, int] = field(default_factory=dict)
    cancelled_at: str | None = None


NOTHING_STATED = Stated((), {}, {}, cancelled=False, state="", reason=None, verified=True, reviews=frozenset())


# ------------------------------------------------------------------ evolve


def evolve(order: Order, record: Record) -> Order:
    """The order after one of its facts."""
    fact = record.fact
    changes: dict[str, Any] = {"version": record.version}
    match fact:
        case OrderTold():
            changes["kept"] = (*order.kept, Kept(record.position, fact))
            if fact.state == OrderState.CANCELLED and not fact.verified:
                changes["reviewed"] = order.reviewed - {UNVERIFIED_CANCEL}
        case OrderVerified(positions=positions):
            changes["confirmed"] = order.confirmed | set(positions)
        case LineLinked():
            changes["links"] = {**order.links, (fact.item, fact.variant): fact}
        case ShipmentTold():
            changes["shipments"] = (*order.shipments, fact)
        case ShipmentAssumed():
            changes["assumed_shipped"] = True
        case ReturnOpened(skus=skus, units=units):
            returned = dict(order.returned)
            for sku, count in zip(skus, units, strict=True):
                returned[sku] = returned.get(sku, 0) + count
            changes["returned"] = returned
        case ReturnTaken(sku=sku, units=count):
            changes["came_back"] = {**order.came_back, sku: order.came_back.get(sku, 0) + count}
        case ReviewDone(what=what):
            changes["reviewed"] = order.reviewed | {what}
        case PrioritySet(priority=priority):
            changes["priority"] = priority
        case _:  # CountedReviewed says all of it by what it booked; ServedMoved serves, it books nothing
            pass
    if isinstance(fact, AllocationMoved):  # the same goods by another code: nothing was given back, nothing taken anew
        moved = booked.moved(order.holding, fact.from_sku, fact.into_sku, fact.told, undecided=fact.undecided)
        changes["holding"] = moved
    elif isinstance(fact, Booked):
        changes["holding"] = booked.after(order.holding, fact)
        if fact.reviews_opened:
            changes["opened"] = order.opened | set(fact.reviews_opened)
            changes["reviewed"] = changes.get("reviewed", order.reviewed) - set(fact.reviews_opened)
    return replace(order, **changes)


FOLD: Fold[Order] = Fold(Order(), evolve)


# ------------------------------------------------------------------ what the tellings say together


def rank(told: OrderTold) -> tuple[int, int, str, int]:
    """Tellings are ordered by richness of the door, the mall's revision, when the mall said it, and the reader's version.

    Never by arrival. A door that carries the mall's own revision is as rich as the order API.
    """
    return _richness(told), -1 if told.revision is None else told.revision, told.told_at, told.parser_version


def stated(order: Order) -> Stated:
    """What all kept tellings, links and shipments say together."""
    if not order.kept:
        return NOTHING_STATED
    by_rank = sorted(
        order.kept, key=lambda kept: rank(kept.told)
    )  # stable: of equal ones the later arrival stands last
    opens = [kept for kept in by_rank if kept.told.state != OrderState.CANCELLED]
    cancels = [kept for kept in by_rank if kept.told.state == OrderState.CANCELLED]
    counting = [c for c in cancels if order.trusts(c) and not _taken_back(c.told, opens)]
    wholes = [c.told for c in counting if _is_whole(c.told)]
    parts = [c.told for c in counting if not _is_whole(c.told)]
    names = names_of((k.told for k in order.kept), order.links.values())
    ordered = together([(k.told, order.trusts(k)) for k in by_rank], names)
    lines = less_cancelled(ordered, parts, names)
    ordered_units, units = units_of(ordered), units_of(lines)
    last = max(wholes or parts, key=rank, default=None)
    if wholes:
        units = dict.fromkeys(units, 0)
    whole_units = ordered_units if wholes else units
    shipped, too_many = _shipped(order, [k.told for k in opens], ordered, whole_units, names)
    best = opens[-1].told.state if opens else OrderState.CANCELLED if cancels else ""
    left = bool(shipped) and all(shipped.get(sku, 0) >= count for sku, count in units.items())
    return Stated(
        lines=tuple(lines),
        units=units,
        shipped=shipped,
        cancelled=bool(wholes),
        state=str(OrderState.CANCELLED if wholes else OrderState.SHIPPED if left or order.assumed_shipped else best),
        reason=None if last is None else last.reason,
        verified=not any(not order.trusts(k) and not _decided(k, opens, wholes, order) for k in by_rank),
        reviews=frozenset(_reviews(order, opens, cancels, wholes, lines, too_many)) - order.reviewed,
        ordered_lines=tuple(ordered),
        ordered_units=ordered_units,
        cancelled_at=None if last is None else last.told_at,
    )


def _richness(told: OrderTold) -> int:
    own = RICHNESS[told.door]
    return own if told.revision is None else max(own, RICHNESS[Door.API])


def _is_whole(cancel: OrderTold) -> bool:
    """A cancel that names no line, or every line, is of the whole order."""
    return cancel.complete or not cancel.items


def _taken_back(cancel: OrderTold, opens: Iterable[Kept]) -> bool:
    """A telling at least as rich, and newer by revision or time, says that the order is open."""
    return any(
        kept.told.complete and _richness(kept.told) >= _richness(cancel) and _is_newer(kept.told, cancel)
        for kept in opens
    )


def _is_newer(told: OrderTold, other: OrderTold) -> bool:
    if told.revision is not None and other.revision is not None:
        return told.revision > other.revision
    return told.told_at > other.told_at


def _decided(kept: Kept, opens: Sequence[Kept], wholes: Sequence[OrderTold], order: Order) -> bool:
    """A trusted telling of the whole order overrules this unverified one, or says the same, so that it no longer matters."""
    if kept.told.state == OrderState.CANCELLED:
        return bool(wholes) or _taken_back(kept.told, [k for k in opens if order.trusts(k)])
    whole = [k.told for k in opens if order.trusts(k) and k.told.complete]
    return any(rank(told) > rank(kept.told) or _says_the_same(told, kept.told) for told in whole)


def _says_the_same(told: OrderTold, other: OrderTold) -> bool:
    """Both are of one moment and name the same lines: one mail, proven at one reading and not at the other."""
    return rank(told) == rank(other) and _content(told) == _content(other)


def _content(told: OrderTold) -> tuple[object, ...]:
    return told.state, told.complete, told.items, told.variants, told.codes, told.quantities, told.units_known


def _shipped(
    order: Order, opens: Iterable[OrderTold], ordered: Sequence[Line], whole: Mapping[str, int], names: Names
) -> tuple[dict[str, int], bool]:
    """Units told to have left, by SKU told, never more than were ordered; and whether more were told than that."""
    parcels = [told for told in opens if told.state == OrderState.SHIPPED]
    if any(s.scope == "whole" for s in order.shipments) or any(t.complete or not t.items for t in parcels):
        return {sku: units for sku, units in whole.items() if units}, False
    told = shipped_units(order.shipments, parcels, ordered, names)
    there = units_of(ordered)
    too_many = bool(there) and any(units > there.get(sku, 0) for sku, units in told.items())
    return {sku: min(units, there[sku]) for sku, units in told.items() if sku in there}, too_many


def _reviews(
    order: Order,
    opens: Sequence[Kept],
    cancels: Sequence[Kept],
    wholes: Sequence[OrderTold],
    lines: Sequence[Line],
    too_many: bool,
) -> Iterable[str]:
    """Codes of 要確認; a person closes one with ReviewDone."""
    yield from order.opened
    if not wholes and any(not line.units_known for line in lines):
        yield "quantity_unknown"
    precisions = {kept.told.ordered_precision for kept in opens}
    if "date" in precisions and "second" not in precisions:
        yield "date_only"
    if any(not order.trusts(c) and not _decided(c, opens, wholes, order) for c in cancels):
        yield UNVERIFIED_CANCEL
    if too_many:
        yield "shipped_more_than_ordered"
    for sku in order.holding.undecided:
        yield f"undecided:{sku}"
