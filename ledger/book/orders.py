"""Verbs of orders: a telling is taken, verified, linked, shipped, reviewed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ledger import hold as holds
from ledger import keys, listing, sku
from ledger.book import Verb
from ledger.booking import Booking, Recipe, reconcile
from ledger.codec import Envelope, Record
from ledger.facts.order import (
    Booked,
    CountedReviewed,
    LineLinked,
    OrderFact,
    OrderTold,
    OrderVerified,
    PrioritySet,
    ReviewDone,
    ServedMoved,
    ShipmentAssumed,
    ShipmentTold,
)
from ledger.order import FOLD, Order, Stated, evolve, rank, stated
from ledger.stock import Stock, return_hold
from ledger.terms import MAIN_PLACE, ListingKey, Telling, utc_moment, utc_text
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

LINES_MAX = 2_000
UNITS_LINE_MAX = 999_999
UNRECORDED_AT = datetime.min.replace(tzinfo=UTC)  # of evidence that is weighed before it is a fact; never kept


class OrderNotAccepted(ValueError):
    """The telling is not one of an order; the message names the field and what was expected, never the text."""


class OrderNotKnown(ValueError):
    """Nothing was told of this order yet."""


@dataclass(frozen=True, slots=True)
class Named:
    """Which listing a line of a telling names, as far as intake could tell: None is 未紐付. ``sku`` is only a hint."""

    key: ListingKey | None
    sku: str = ""


class _Shelves:
    """What booking asks, answered by the view."""

    def __init__(self, view: View) -> None:
        self._view = view

    def stock(self, code: str, place: str = MAIN_PLACE) -> Stock:
        return self._view.stock(code, place)

    def recipe(self, code: str) -> Recipe:
        return self._view.state(keys.sku(code), sku.FOLD).recipe

    def counted_by(self, code: str, shop: str, ordered_at: datetime) -> int | None:
        count = self._view.count(code, shop)
        return count.position if count is not None and count.up_to is not None and ordered_at <= count.up_to else None


def take_order(
    shop: str,
    telling: Telling,
    named: Sequence[Named],
    *,
    inbox_id: str | None = None,
    mall_restored: str = "unknown",
    strict: bool = False,
    hold: str | None = None,
) -> Verb:
    """One telling is recorded and the difference it makes is booked; an equal telling changes nothing.

    ``named`` stands beside ``telling.lines``. ``strict`` (a person's order): refused when more is asked than is free.
    ``hold``: units held for it are consumed in the same commit. The answer has ``units`` per SKU, ``reviews`` and ``state``.
    Raises OrderNotAccepted, and NotEnough when strict.
    """
    _checked(telling, named)
    stream = keys.order(shop, telling.order)

    def decide(view: View) -> Decision:
        order = view.state(stream, FOLD)
        fact = _order_told(shop, telling, named, view, inbox_id)
        if _says_nothing_new(order, fact):
            return Decision((), _answer(stated(order)))
        drafts: list[Draft] = []
        if hold is not None:
            drafts.extend(_consume(view, hold, shop, telling.order, fact))
        first = not any(k.told.complete and all(k.told.units_known) for k in order.kept)
        ordered = telling.ordered_at if first and telling.ordered_at is not None else telling.told_at
        booking = _booking(view, shop, telling.order, order, ordered, telling.told_at, mall_restored, strict)
        for draft in drafts:
            booking.take_over(draft)
        said, facts = _evidence(order, fact, booking, stream)
        return Decision([*drafts, *facts], _answer(said))

    wanted = Wanted(streams={stream}, stocks={(MAIN_PLACE, n.sku) for n in named if n.sku})
    wanted.streams |= {keys.listing(shop, n.key) for n in named if n.key} | {keys.sku(n.sku) for n in named if n.sku}
    wanted.counts |= {(MAIN_PLACE, n.sku, s) for n in named if n.sku for s in (shop, "*")}
    return Verb("take_order", decide, (shop, telling, inbox_id), wanted, telling.told_at)


def verify_order(shop: str, number: str, by: str) -> Verb:
    """What an unverified mail told is true: ``by`` a person or the API. Raises OrderNotKnown."""
    return _with_evidence(
        "verify_order", shop, number, lambda order, _view: None if order.verified else OrderVerified(by=by)
    )


def link_line(shop: str, number: str, item: str, variant: str, codes: str, key: ListingKey) -> Verb:
    """A line that was 未紐付 names this listing; it allocates when the listing is linked. Raises OrderNotKnown."""

    def fact(order: Order, view: View) -> Booked | None:
        found = view.state(keys.listing(shop, key), listing.FOLD)
        known = (order.links or {}).get((item, variant))
        if not found.sku or found.state == listing.EXCLUDED or (known is not None and known.sku == found.sku):
            return None
        return LineLinked(
            item=item,
            variant=variant,
            codes=codes,
            listing=keys.listing_text(key),
            sku=found.sku,
            units_per_listing=found.units_per_listing,
        )

    return _with_evidence("link_line", shop, number, fact)


def tell_shipment(shop: str, number: str, shipment: ShipmentTold) -> Verb:
    """Shipping was told; before its order it waits on the order's stream. The same parcel again is harmless."""
    if len(shipment.units) != len(shipment.skus or shipment.listings) and shipment.scope != "whole":
        raise OrderNotAccepted(
            f"{len(shipment.units)} units for {shipment.scope}; expected one for each SKU or listing"
        )
    return _with_evidence(
        "tell_shipment",
        shop,
        number,
        lambda order, _view: None if shipment in order.shipments else shipment,
        waits=True,
    )


def assume_shipped(shop: str, number: str, days: int) -> Verb:
    """Open lines close after the shop's days without a shipping source (D12). Raises OrderNotKnown."""
    return _with_evidence(
        "assume_shipped",
        shop,
        number,
        lambda order, _view: None if order.assumed_shipped else ShipmentAssumed(days=days),
    )


def reverse_counted(shop: str, number: str, code: str) -> Verb:
    """計上済 of one SKU is reversed: the number had not known this order. Raises OrderNotKnown."""

    def act(order: Order, booking: Booking) -> Booked | None:
        units = {
            e.told: part.each * (e.open_units + e.shipped_units)
            for e in order.entries
            for part in e.parts
            if part.sku == code and part.how == "counted"
        }
        for told, count in units.items():
            booking.reverse(told, code, count)
        return CountedReviewed(sku=code) if units else None

    return _acting("reverse_counted", shop, number, act)


def settle_undecided(shop: str, number: str, code: str, to: str) -> Verb:
    """A person looked for units that waited (欠品調査中): ``to`` sale, short_pick or defective. Raises OrderNotKnown."""

    def act(order: Order, booking: Booking) -> Booked | None:
        units = (order.undecided or {}).get(code, 0)
        if not units:
            return None
        booking.settle(code, units, to)
        return ReviewDone(what=f"undecided:{code}", answer=to)

    return _acting("settle_undecided", shop, number, act)


def close_review(shop: str, number: str, what: str, answer: str) -> Verb:
    """A person closed one 要確認 mark. Twice is harmless. Raises OrderNotKnown."""
    return _with_evidence(
        "close_review",
        shop,
        number,
        lambda order, _view: None if what in order.reviewed else ReviewDone(what=what, answer=answer),
    )


def set_priority(shop: str, number: str, priority: int) -> Verb:
    """The order is served before those of lower priority. Raises OrderNotKnown."""
    return _alone_fact(
        "set_priority",
        shop,
        number,
        lambda order: None if order.priority == priority else PrioritySet(priority=priority),
    )


def move_served(shop: str, number: str, code: str, units: int, to_shop: str, to_number: str) -> Verb:
    """引当の付け替え: units on hand that served this order serve the other one. Raises OrderNotKnown."""
    if units <= 0:
        raise OrderNotAccepted(f"{units} units to move; expected 1 or more")
    moved = ServedMoved(sku=code, to_order=keys.order_name(to_shop, to_number), units=units)
    return _alone_fact("move_served", shop, number, lambda _order: moved)


# ------------------------------------------------------------------ how evidence becomes a commit


def _evidence(order: Order, fact: Booked, booking: Booking, stream: str) -> tuple[Stated, list[Draft]]:
    """The fact, carrying what it booked and what it sold, then what follows from it."""
    assert isinstance(fact, OrderTold | OrderVerified | LineLinked | ShipmentTold | ShipmentAssumed | ReviewDone)
    seen = evolve(order, _unrecorded(stream, fact))
    before = stated(order)
    said, more = reconcile(seen, booking)
    listings, quantities = _sold(before, said)
    carried = replace(booking.on(fact), sold_listings=listings, sold_quantities=quantities)
    return said, [Draft(stream, carried), *booking.drafts, *(Draft(stream, one) for one in more)]


def _sold(before: Stated, after: Stated) -> tuple[list[str], list[int]]:
    totals: dict[str, int] = {}
    for said, sign in ((after, 1), (before, -1)):
        for line in () if said.cancelled else said.lines:
            if line.listing:
                totals[line.listing] = totals.get(line.listing, 0) + sign * line.quantity
    changed = sorted((name, count) for name, count in totals.items() if count)
    return [name for name, _ in changed], [count for _, count in changed]


def _booking(
    view: View,
    shop: str,
    number: str,
    order: Order,
    happened: datetime,
    told: datetime,
    restored: str = "unknown",
    strict: bool = False,
) -> Booking:
    return Booking(_Shelves(view), shop, number, happened, told, list(order.entries), restored, strict)


def _with_evidence(
    name: str, shop: str, number: str, fact_of: Callable[[Order, View], Booked | None], *, waits: bool = False
) -> Verb:
    stream = keys.order(shop, number)

    def decide(view: View) -> Decision:
        order = view.state(stream, FOLD)
        if not order.kept and not waits:
            raise OrderNotKnown(f"order {number} of shop {shop} is not known; expected one that was told")
        fact = fact_of(order, view)
        if fact is None:
            return Decision((), _answer(stated(order)))
        happened = _ordered_at(order) or view.now
        said, drafts = _evidence(order, fact, _booking(view, shop, number, order, happened, view.now), stream)
        return Decision(drafts, _answer(said))

    return Verb(name, decide, (shop, number, name), Wanted(streams={stream}))


def _acting(name: str, shop: str, number: str, act: Callable[[Order, Booking], Booked | None]) -> Verb:
    stream = keys.order(shop, number)

    def decide(view: View) -> Decision:
        order = view.state(stream, FOLD)
        if not order.kept:
            raise OrderNotKnown(f"order {number} of shop {shop} is not known; expected one that was told")
        booking = _booking(view, shop, number, order, view.now, view.now)
        fact = act(order, booking)
        return Decision(() if fact is None else [Draft(stream, booking.on(fact)), *booking.drafts])  # type: ignore[arg-type]

    return Verb(name, decide, (shop, number, name), Wanted(streams={stream}))


def _alone_fact(name: str, shop: str, number: str, fact_of: Callable[[Order], OrderFact | None]) -> Verb:
    stream = keys.order(shop, number)

    def decide(view: View) -> Decision:
        order = view.state(stream, FOLD)
        if not order.kept:
            raise OrderNotKnown(f"order {number} of shop {shop} is not known; expected one that was told")
        fact = fact_of(order)
        return Decision(() if fact is None else [Draft(stream, fact)])

    return Verb(name, decide, (shop, number, name), Wanted(streams={stream}))


def _unrecorded(stream: str, fact: OrderFact) -> Record:
    return Record(0, stream, 0, type(fact).__name__, Envelope(UNRECORDED_AT, "", ""), fact)


def _ordered_at(order: Order) -> datetime | None:
    seconds = [k.told.ordered_at for k in order.kept if k.told.ordered_precision == "second" and k.told.ordered_at]
    return utc_moment(min(seconds)) if seconds else None


# ------------------------------------------------------------------ a telling as a fact


def _checked(telling: Telling, named: Sequence[Named]) -> None:
    assert len(named) == len(telling.lines), (len(named), len(telling.lines))
    if not telling.order or len(telling.order) > 200:
        raise OrderNotAccepted(f"order number of {len(telling.order)} characters; expected 1 to 200")
    if len(telling.lines) > LINES_MAX:
        raise OrderNotAccepted(f"{len(telling.lines)} lines; expected up to {LINES_MAX}")
    for n, line in enumerate(telling.lines, start=1):
        if not 0 < line.quantity <= UNITS_LINE_MAX:
            raise OrderNotAccepted(f"line {n}: quantity {line.quantity}; expected 1 to {UNITS_LINE_MAX}")


def _order_told(shop: str, telling: Telling, named: Sequence[Named], view: View, inbox_id: str | None) -> OrderTold:
    found = [view.state(keys.listing(shop, n.key), listing.FOLD) if n.key else listing.Listing() for n in named]
    linked = [bool(f.sku) for f in found]
    lines = telling.lines
    return OrderTold(
        order=telling.order,
        shop=shop,
        door=str(telling.door),
        revision=telling.revision,
        ordered_at=utc_text(telling.ordered_at)
        if telling.ordered_at
        else telling.ordered_on.isoformat()
        if telling.ordered_on
        else None,
        ordered_precision="second" if telling.ordered_at else "date" if telling.ordered_on else "none",
        told_at=utc_text(telling.told_at),
        complete=telling.complete,
        verified=telling.verified,
        state=str(telling.state),
        reason=str(telling.reason) if telling.reason else None,
        parser_version=telling.parser_version,
        inbox_id=inbox_id,
        items=[line.item for line in lines],
        variants=[line.variant for line in lines],
        codes=["\t".join(line.codes) for line in lines],
        quantities=[line.quantity for line in lines],
        units_known=[line.quantity_known for line in lines],
        listings=[keys.listing_text(n.key) if n.key and known else "" for n, known in zip(named, linked, strict=True)],
        skus=[f.sku for f in found],
        units=[line.quantity * f.units_per_listing if f.sku else 0 for line, f in zip(lines, found, strict=True)],
        marks=["excluded" if f.state == listing.EXCLUDED else "" for f in found],
        line_ids=[line.line_id for line in lines],
    )


def _says_nothing_new(order: Order, fact: OrderTold) -> bool:
    """The same was told before: at the same time, or by the newest telling there is."""
    if not order.kept:
        return False
    newest = max(order.kept, key=lambda k: (k.told.told_at, rank(k.told))).told
    return any(
        _content(k.told) == _content(fact) and (k.told.told_at == fact.told_at or k.told is newest) for k in order.kept
    )


def _content(fact: OrderTold) -> tuple[object, ...]:
    return (
        (fact.door, fact.revision, fact.ordered_at, fact.complete, fact.verified, fact.state, fact.reason),
        (fact.items, fact.variants, fact.quantities, fact.units_known, fact.skus, fact.units, fact.marks),
    )


def _consume(view: View, hold_id: str, shop: str, number: str, fact: OrderTold) -> list[Draft]:
    held = view.state(keys.hold(hold_id), holds.FOLD)
    units = sum(count for code, count in zip(fact.skus, fact.units, strict=True) if code == held.sku)
    taken = holds.consume(held, keys.order_name(shop, number), held.sku, units)
    returned = return_hold(view.stock(held.sku, held.place), hold_id, taken[0].units)
    return [Draft(keys.hold(hold_id), taken[0]), Draft(keys.stock(held.sku, held.place), returned)]


def _answer(said: Stated) -> dict[str, object]:
    unlinked = sum(1 for line in said.lines if not line.sku)
    return {"state": said.state, "units": dict(said.units), "reviews": sorted(said.reviews), "unlinked": unlinked}
