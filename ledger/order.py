"""One order: what was told of it, and what the ledger holds for it.

The key is (shop, mall order number), for ever. ``target`` is a pure function of the set of tellings, not of their arrival:
whatever the doors, the order and the number of tellings, the same evidence gives the same units. ``booking.py`` books the
difference between the target and what is held. ``evolve`` never checks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ledger.codec import Record
from ledger.facts.order import (
    Booked,
    LineLinked,
    OrderTold,
    OrderVerified,
    PrioritySet,
    ReturnOpened,
    ReviewDone,
    ShipmentAssumed,
    ShipmentTold,
)
from ledger.terms import RICHNESS, OrderState
from ledger.view import Fold


@dataclass(frozen=True, slots=True)
class Part:
    """What one allocation took from one SKU stream. ``each``: units for one of the SKU told; ``how``: allocated or counted."""

    sku: str
    each: int
    how: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One allocation the order holds: ``open_units`` and ``shipped_units`` of the SKU told, by the recipe of that day."""

    told: str
    recipe_version: int
    parts: tuple[Part, ...]
    open_units: int
    shipped_units: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """One kept telling with the ledger position of its fact."""

    position: int
    told: OrderTold


@dataclass(frozen=True)
class Order:
    """The order as its stream says. ``links`` are lines linked after they were told: (item, variant) to the LineLinked."""

    version: int = 0
    kept: tuple[Kept, ...] = ()
    links: Mapping[tuple[str, str], LineLinked] | None = None
    verified: bool = False
    shipments: tuple[ShipmentTold, ...] = ()
    assumed_shipped: bool = False
    entries: tuple[Entry, ...] = ()
    undecided: Mapping[str, int] | None = None  # SKU stream to units that wait for a person (欠品調査中)
    returned: Mapping[str, int] | None = None  # SKU told to units of opened returns
    reviewed: frozenset[str] = frozenset()
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line as the order states it after all tellings. ``sku`` "" is 未紐付; ``excluded`` is 対象外."""

    item: str
    variant: str
    codes: str
    listing: str
    sku: str
    quantity: int
    units: int
    units_known: bool
    excluded: bool


@dataclass(frozen=True)
class Stated:
    """The order as told, all tellings together. ``units`` per SKU told are never below what an unverified telling leaves."""

    lines: tuple[Line, ...]
    units: Mapping[str, int]
    shipped: Mapping[str, int]
    cancelled: bool
    state: str
    reason: str | None
    verified: bool
    reviews: frozenset[str]


# ------------------------------------------------------------------ evolve


def evolve(order: Order, record: Record) -> Order:
    """The order after one of its facts."""
    fact = record.fact
    after = replace(order, version=record.version)
    match fact:
        case OrderTold():
            after = replace(after, kept=(*order.kept, Kept(record.position, fact)))
        case OrderVerified():
            after = replace(after, verified=True)
        case LineLinked():
            after = replace(after, links={**(order.links or {}), (fact.item, fact.variant): fact})
        case ShipmentTold():
            after = replace(after, shipments=(*order.shipments, fact))
        case ShipmentAssumed():
            after = replace(after, assumed_shipped=True)
        case ReturnOpened(skus=skus, units=units):
            returned = dict(order.returned or {})
            for sku, count in zip(skus, units, strict=True):
                returned[sku] = returned.get(sku, 0) + count
            after = replace(after, returned=returned)
        case ReviewDone(what=what):
            after = replace(after, reviewed=order.reviewed | {what})
        case PrioritySet(priority=priority):
            after = replace(after, priority=priority)
        case _:  # CountedReviewed says all of it by what it booked; ServedMoved serves, it books nothing
            pass
    return _booked(after, fact) if isinstance(fact, Booked) and fact.booked_how else after


def _booked(order: Order, fact: Booked) -> Order:
    entries, undecided = list(order.entries), dict(order.undecided or {})
    rows = list(_rows(fact))
    for how, told, told_units, recipe, parts in _groups(rows):
        if how == "allocated":
            entries.append(Entry(told, recipe, parts, told_units))
        elif how == "released":
            entries = _take(entries, told, told_units, ship=False)
        elif how == "shipped":
            entries = _take(entries, told, told_units, ship=True)
    for row in rows:
        if row.to == "undecided" and row.how == "released":
            undecided[row.sku] = undecided.get(row.sku, 0) + row.units
        elif row.how == "settled":
            undecided[row.sku] = undecided.get(row.sku, 0) - row.units
        elif row.how == "reversed":
            entries = [
                replace(e, parts=tuple(replace(p, how="allocated") if p.sku == row.sku else p for p in e.parts))
                for e in entries
            ]
    return replace(order, entries=tuple(entries), undecided={s: u for s, u in undecided.items() if u})


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a fact's booked lists."""

    how: str
    told: str
    told_units: int
    sku: str
    units: int
    recipe: int
    to: str


def _rows(fact: Booked) -> Iterable[Row]:
    columns = zip(
        fact.booked_how,
        fact.booked_told,
        fact.booked_told_units,
        fact.booked_skus,
        fact.booked_units,
        fact.booked_recipes,
        fact.booked_to,
        strict=True,
    )
    return (Row(*row) for row in columns)


def _groups(rows: Sequence[Row]) -> Iterable[tuple[str, str, int, int, tuple[Part, ...]]]:
    """Rows of one booking stand together: one of a plain SKU, or one a component of a set."""
    at = 0
    while at < len(rows):
        first, parts = rows[at], []
        plain = {"counted": "allocated"}
        seen: set[str] = set()  # a recipe names a component once: the same one again begins the next booking
        while at < len(rows) and _same(rows[at], first) and rows[at].sku not in seen:
            seen.add(rows[at].sku)
            parts.append(Part(rows[at].sku, rows[at].units // max(1, first.told_units), rows[at].how))
            at += 1
        yield plain.get(first.how, first.how), first.told, first.told_units, first.recipe, tuple(parts)


def _same(row: Row, first: Row) -> bool:
    takes = ("allocated", "counted")
    kind = row.how == first.how or (row.how in takes and first.how in takes)
    alone = first.recipe == 0 and row is not first
    return kind and not alone and (row.told, row.told_units, row.recipe) == (first.told, first.told_units, first.recipe)


def _take(entries: Sequence[Entry], told: str, units: int, *, ship: bool) -> list[Entry]:
    """``units`` of the SKU told leave the open units, newest allocation first; shipped ones are remembered."""
    left, after = units, list(entries)
    for n in range(len(after) - 1, -1, -1):
        entry = after[n]
        if entry.told != told or not left:
            continue
        count = min(left, entry.open_units)
        shipped = entry.shipped_units + (count if ship else 0)
        after[n] = replace(entry, open_units=entry.open_units - count, shipped_units=shipped)
        left -= count
    return [e for e in after if e.open_units or e.shipped_units]


FOLD: Fold[Order] = Fold(Order(), evolve)


# ------------------------------------------------------------------ what the tellings say together


def rank(told: OrderTold) -> tuple[int, int, str]:
    """Tellings are ordered by richness of the door, then the mall's revision, then when the mall said it; never by arrival."""
    return RICHNESS[told.door], -1 if told.revision is None else told.revision, told.told_at


def stated(order: Order) -> Stated:
    """What all kept tellings, links and shipments say together."""
    told = [k.told for k in order.kept]
    cancels = [t for t in told if t.state == OrderState.CANCELLED]
    open_ = [t for t in told if t.state != OrderState.CANCELLED]
    lines = _lines(order, open_)
    whole = [c for c in cancels if not c.items]
    effective = [c for c in whole if _trusted(order, c) and not _reopened(c, open_)]
    lines = _less_cancelled_lines(order, lines, [c for c in cancels if c.items], open_)
    reviews = set(_reviews(order, told, lines))
    if any(not _trusted(order, c) for c in cancels):
        reviews.add("unverified_cancel")
    units: dict[str, int] = {}
    for line in lines:
        if line.sku and not line.excluded:
            units[line.sku] = units.get(line.sku, 0) + line.units
    best = max(open_, key=rank, default=None)
    state = str(best.state) if best else str(OrderState.CANCELLED) if cancels else ""
    if effective:
        units, state = dict.fromkeys(units, 0), str(OrderState.CANCELLED)
    reason = max(effective, key=rank).reason if effective else next((c.reason for c in cancels if c.items), None)
    return Stated(
        lines=tuple(lines),
        units=units,
        shipped=_shipped(order, lines, state == OrderState.SHIPPED),
        cancelled=bool(effective),
        state=state,
        reason=reason,
        verified=all(_trusted(order, t) for t in told),
        reviews=frozenset(reviews - order.reviewed),
    )


def _trusted(order: Order, told: OrderTold) -> bool:
    return told.verified or order.verified


def _reopened(cancel: OrderTold, open_: Sequence[OrderTold]) -> bool:
    """A telling at least as rich, and newer by revision or time, says that the order is open."""
    return any(
        t.complete
        and RICHNESS[t.door] >= RICHNESS[cancel.door]
        and (
            t.revision > cancel.revision
            if t.revision is not None and cancel.revision is not None and t.door == cancel.door
            else t.told_at > cancel.told_at
        )
        for t in open_
    )


def _lines(order: Order, open_: Sequence[OrderTold]) -> list[Line]:
    full = sorted((t for t in open_ if t.complete), key=rank)
    trusted = [t for t in full if _trusted(order, t)]
    base = trusted[-1] if trusted else None
    lines = dict(_lines_of(order, base)) if base else {}
    for t in full:  # an unverified telling may add units, never take them away (D7)
        if not _trusted(order, t) and (base is None or rank(t) > rank(base)):
            for key, line in _lines_of(order, t):
                if key not in lines or line.units >= lines[key].units:
                    lines[key] = line
    for t in sorted((t for t in open_ if not t.complete), key=rank):
        if base is not None and rank(t) < rank(base):
            continue
        for key, line in _lines_of(order, t):
            if key not in lines or _trusted(order, t) or line.units >= lines[key].units:
                lines[key] = line
    return [_known(line, order, open_) for line in lines.values()]


def _lines_of(order: Order, told: OrderTold) -> Iterable[tuple[tuple[str, str, int], Line]]:
    seen: dict[tuple[str, str], int] = {}
    for n, (item, variant) in enumerate(zip(told.items, told.variants, strict=True)):
        nth = seen.get((item, variant), 0)
        seen[item, variant] = nth + 1
        yield (item, variant, nth), _line(order, told, n)


def _line(order: Order, told: OrderTold, n: int) -> Line:
    listing, sku, units = told.listings[n], told.skus[n], told.units[n]
    item, variant = told.items[n], told.variants[n]
    link = (order.links or {}).get((item, variant))
    if not sku and link is not None:
        listing, sku, units = link.listing, link.sku, told.quantities[n] * link.units_per_listing
    excluded = told.marks[n] == "excluded"
    return Line(item, variant, told.codes[n], listing, sku, told.quantities[n], units, told.units_known[n], excluded)


def _known(line: Line, order: Order, open_: Sequence[OrderTold]) -> Line:
    """A quantity one telling left out is taken from another that names it."""
    if line.units_known:
        return line
    named = [
        other
        for t in open_
        for _, other in _lines_of(order, t)
        if (other.item, other.variant) == (line.item, line.variant) and other.units_known
    ]
    return max(named, key=lambda other: other.units, default=line)


def _less_cancelled_lines(
    order: Order, lines: Sequence[Line], cancels: Sequence[OrderTold], open_: Sequence[OrderTold]
) -> list[Line]:
    """A cancel that names lines takes its quantities off, unless a newer telling already did."""
    off: dict[tuple[str, str], int] = {}
    for cancel in cancels:
        if _trusted(order, cancel) and not _reopened(cancel, open_):
            for item, variant, quantity in zip(cancel.items, cancel.variants, cancel.quantities, strict=True):
                off[item, variant] = max(off.get((item, variant), 0), quantity)
    after = []
    for line in lines:
        less = min(off.get((line.item, line.variant), 0), line.quantity)
        if less:
            off[line.item, line.variant] -= less
            each = line.units // line.quantity if line.quantity else 0
            line = replace(line, quantity=line.quantity - less, units=line.units - less * each)
        after.append(line)
    return after


def _shipped(order: Order, lines: Sequence[Line], all_told: bool) -> dict[str, int]:
    totals: dict[str, int] = {}
    for line in lines:
        if line.sku and not line.excluded:
            totals[line.sku] = totals.get(line.sku, 0) + line.units
    if all_told or order.assumed_shipped or any(s.scope == "whole" for s in order.shipments):
        return totals
    by_listing = {line.listing: line for line in lines if line.listing}
    most: dict[str, int] = {}
    parcels: dict[tuple[str, str], int] = {}
    for shipment in order.shipments:
        for sku, units in _shipped_units(shipment, by_listing):
            if shipment.cumulative:
                most[sku] = max(most.get(sku, 0), units)
            else:
                parcels[sku, shipment.slip] = max(parcels.get((sku, shipment.slip), 0), units)
    for (sku, _), units in parcels.items():
        most[sku] = most.get(sku, 0) + units
    return {sku: min(units, totals[sku]) for sku, units in most.items() if sku in totals}


def _shipped_units(shipment: ShipmentTold, by_listing: Mapping[str, Line]) -> Iterable[tuple[str, int]]:
    if shipment.scope == "sku":
        yield from zip(shipment.skus, shipment.units, strict=True)
        return
    for listing, count in zip(shipment.listings, shipment.units, strict=True):
        line = by_listing.get(listing)
        if line is not None and line.sku and line.quantity:
            yield line.sku, count * line.units // line.quantity


def _reviews(order: Order, told: Sequence[OrderTold], lines: Sequence[Line]) -> Iterable[str]:
    """Codes of 要確認; a person closes one with ReviewDone."""
    if any(not line.units_known for line in lines):
        yield "quantity_unknown"
    if any(t.ordered_precision == "date" for t in told) and not any(t.ordered_precision == "second" for t in told):
        yield "date_only"
    for sku in order.undecided or {}:
        yield f"undecided:{sku}"
