"""Verbs of orders: a telling is taken, verified, linked, shipped, reviewed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger import codes, keys, listing
from ledger import hold as holds
from ledger.book import Verb
from ledger.book.evidence import (
    Asked,
    OrderNotKnown,
    When,
    acting,
    answer,
    as_named,
    booking_of,
    first_told_at,
    ordered_at,
    weigh,
    with_evidence,
    with_fact,
)
from ledger.booking import Booking
from ledger.facts.order import (
    Booked,
    CountedReviewed,
    LineLinked,
    OrderTold,
    OrderVerified,
    ReviewDone,
    ShipmentAssumed,
    ShipmentTold,
)
from ledger.lines import Names, names_of
from ledger.order import FOLD, Order, Stated, rank, stated
from ledger.shop import Backlog
from ledger.stock import return_hold
from ledger.terms import MAIN_PLACE, Door, ListingKey, Telling, latest_of, utc_text
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

__all__ = [
    "LINES_MAX",
    "Named",
    "OrderNotAccepted",
    "OrderNotKnown",
    "assume_shipped",
    "close_review",
    "link_line",
    "reverse_counted",
    "settle_undecided",
    "take_order",
    "tell_shipment",
    "verify_order",
]

LINES_MAX = 2_000
UNITS_LINE_MAX = 999_999
SETTLED = ("sale", "short_pick", "defective")
SHIPMENT_SCOPES = ("whole", "sku", "listing")


class OrderNotAccepted(ValueError):
    """The telling is not one of an order; the message names the field and what was expected, never the text."""


@dataclass(frozen=True, slots=True)
class Named:
    """Which listing a line of a telling names, as far as intake could tell: None is 未紐付. ``sku`` is only a hint.

    ``own``: the line names the SKU itself, and no listing (a telephone order, our own order CSV).
    """

    key: ListingKey | None
    sku: str = ""
    own: bool = False


def take_order(
    shop: str,
    telling: Telling,
    named: Sequence[Named],
    *,
    inbox_id: str | None = None,
    mall_restored: str = "unknown",
    strict: bool = False,
    hold: str | None = None,
    reviews: Sequence[str] = (),
    counted: Backlog | None = None,
) -> Verb:
    """One telling is recorded and the difference it makes is booked; an equal telling changes nothing.

    ``named`` stands beside ``telling.lines``. ``strict`` (a person's order): refused when more is asked than is free.
    ``hold``: units held for it are consumed in the same commit. ``reviews``: codes of 要確認 that intake saw (``unusual_units``,
    ``unusual_rate``). ``counted``: the order, and what was changed of it until then, is inside the numbers already (計上済),
    by this choice. The answer has ``units`` per SKU, ``reviews`` and ``state``. Raises OrderNotAccepted, HoldNotAccepted, and NotEnough when
    strict.
    """
    _checked(telling, named)
    stream = keys.order(shop, telling.order)

    def decide(view: View) -> Decision:
        order = view.state(stream, FOLD)
        fact = _order_told(shop, telling, named, view, order, inbox_id)
        if _says_nothing_new(order, fact):
            return Decision((), answer(stated(order)))
        before = () if hold is None else tuple(_consume(view, hold, shop, telling.order, fact))
        inside = counted if counted and (not order.kept or counted.up_to >= fact.told_at) else None
        asked = Asked(mall_restored, strict, tuple(reviews), before, inside.position if inside else None)
        when = _when(order, telling, fact)
        booking = booking_of(view, shop, telling.order, order, when, asked)
        said, drafts = weigh(order, fact, booking, when, asked)
        return Decision(drafts, answer(said))

    wanted = Wanted(streams={stream}, stocks={(MAIN_PLACE, n.sku) for n in named if n.sku})
    wanted.streams |= {keys.listing(shop, n.key) for n in named if n.key} | {keys.sku(n.sku) for n in named if n.sku}
    wanted.counts |= {(MAIN_PLACE, n.sku, s) for n in named if n.sku for s in (shop, "*")}
    return Verb("take_order", decide, (shop, telling, inbox_id, strict, hold), wanted, telling.told_at)


def verify_order(shop: str, number: str, by: str, positions: Sequence[int] | None = None) -> Verb:
    """What unverified tellings said is true: ``by`` a person or the API; of all told so far, or those of ``positions``.

    A telling that comes later is not confirmed with them. Raises OrderNotKnown.
    """

    def fact(order: Order, _view: View) -> Booked | None:
        open_ = [k.position for k in order.kept if not order.trusts(k)]
        found = open_ if positions is None else [p for p in open_ if p in positions]
        return OrderVerified(by=by, positions=found) if found else None

    return with_evidence("verify_order", shop, number, (by, positions), fact)


def link_line(shop: str, number: str, item: str, variant: str, codes: str, key: ListingKey) -> Verb:
    """A line that was 未紐付 names this listing: it allocates, or is 対象外 as the listing is. Nothing when no such line waits.

    Raises OrderNotKnown.
    """

    def fact(order: Order, view: View) -> Booked | None:
        found = view.state(keys.listing(shop, key), listing.FOLD)
        link = order.links.get((item, variant))
        excluded = found.state == listing.EXCLUDED
        (meant,) = as_named(view, order, [found.sku])
        linked = (keys.listing_text(key), meant, found.units_per_listing, "excluded" if excluded else "")
        if not found.sku or not (link is not None or (item, variant) in _waiting(order)):
            return None
        if link is not None and (link.listing, link.sku, link.units_per_listing, link.mark) == linked:
            return None
        return LineLinked(
            item=item,
            variant=variant,
            codes=codes,
            listing=linked[0],
            sku=linked[1],
            units_per_listing=linked[2],
            mark=linked[3],
        )

    return with_evidence("link_line", shop, number, (item, variant, codes, key), fact)


def tell_shipment(shop: str, number: str, shipment: ShipmentTold) -> Verb:
    """Shipping was told; before its order it waits on the order's stream. The same parcel again is harmless.

    Raises OrderNotAccepted.
    """
    _checked_shipment(shipment)

    def fact(order: Order, view: View) -> Booked | None:
        told = {entry.told for entry in order.holding.entries}
        skus = [codes.as_told(view, code, told) for code in shipment.skus] if told else shipment.skus
        named = replace(shipment, skus=skus)
        return None if named in (_as_told(s) for s in order.shipments) else named

    return with_evidence("tell_shipment", shop, number, shipment, fact, waits=True)


def assume_shipped(shop: str, number: str, days: int) -> Verb:
    """Open lines close after the shop's days without a shipping source (D12). Nothing when none is open. Raises OrderNotKnown."""

    def act(order: Order, booking: Booking) -> Booked | None:
        open_units: dict[str, int] = {}
        for entry in order.holding.entries:
            open_units[entry.told] = open_units.get(entry.told, 0) + entry.open_units
        for told, units in sorted(open_units.items()):
            if units:
                booking.ship(told, units, assumed=True)
        return ShipmentAssumed(days=days) if booking.drafts else None

    return acting("assume_shipped", shop, number, days, act)


def reverse_counted(shop: str, number: str, code: str) -> Verb:
    """計上済 of one SKU is reversed: the number had not known this order. Raises OrderNotKnown."""

    def act(order: Order, booking: Booking) -> Booked | None:
        units: dict[str, int] = {}
        for entry in order.holding.entries:
            for part in entry.parts:
                if part.sku == code and part.how == "counted":
                    count = part.each * (entry.open_units + entry.shipped_units)
                    units[entry.told] = units.get(entry.told, 0) + count
        for told, count in units.items():
            booking.reverse(told, code, count)
        return CountedReviewed(sku=code) if units else None

    return acting("reverse_counted", shop, number, code, act)


def settle_undecided(shop: str, number: str, code: str, to: str) -> Verb:
    """A person looked for units that waited (欠品調査中): ``to`` sale, short_pick or defective.

    Raises OrderNotKnown, OrderNotAccepted.
    """
    if to not in SETTLED:
        raise OrderNotAccepted(f"to {to!r}; expected one of {', '.join(SETTLED)}")

    def act(order: Order, booking: Booking) -> Booked | None:
        units = order.holding.undecided.get(code, 0)
        if not units:
            return None
        booking.settle(code, units, to)
        return ReviewDone(what=f"undecided:{code}", answer=to)

    return acting("settle_undecided", shop, number, (code, to), act)


def close_review(shop: str, number: str, what: str, answer: str) -> Verb:
    """A person closed one 要確認 mark. Twice is harmless. Raises OrderNotKnown."""
    return with_evidence(
        "close_review",
        shop,
        number,
        (what, answer),
        lambda order, _view: None if what in order.reviewed else ReviewDone(what=what, answer=answer),
    )


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


def _order_told(
    shop: str, telling: Telling, named: Sequence[Named], view: View, order: Order, inbox_id: str | None
) -> OrderTold:
    found = [view.state(keys.listing(shop, n.key), listing.FOLD) if n.key else listing.Listing() for n in named]
    linked = [bool(f.sku) for f in found]
    skus = as_named(view, order, [n.sku if n.own else f.sku for n, f in zip(named, found, strict=True)])
    each = [1 if n.own else f.units_per_listing for n, f in zip(named, found, strict=True)]
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
        skus=skus,
        units=[line.quantity * n if sku else 0 for line, sku, n in zip(lines, skus, each, strict=True)],
        marks=["excluded" if f.state == listing.EXCLUDED else "" for f in found],
        line_ids=[line.line_id for line in lines],
    )


def _says_nothing_new(order: Order, fact: OrderTold) -> bool:
    """The same was told before: at the same time, or since, or by the order API when it was asked last.

    A mail or webhook that repeats the newest telling at a later time is kept: one of the time between may still be on its
    way, and would stand as the newest. Answers of the API come in the order in which they were asked for.
    """
    if not order.kept:
        return False
    newest = max(order.kept, key=lambda k: (k.told.told_at, rank(k.told))).told
    since = fact.door == Door.API or fact.told_at <= newest.told_at
    return any(
        _content(k.told) == _content(fact) and (k.told.told_at == fact.told_at or (since and k.told is newest))
        for k in order.kept
    )


def _content(fact: OrderTold) -> tuple[object, ...]:
    return (
        (fact.door, fact.revision, fact.ordered_at, fact.complete, fact.verified, fact.state, fact.reason),
        (fact.items, fact.variants, fact.quantities, fact.units_known),
        (fact.listings, fact.skus, fact.units, fact.marks),
    )


def _when(order: Order, telling: Telling, fact: OrderTold) -> When:
    """What the first telling of the lines says was ordered then; what a later one adds was added when it was told."""
    first = not any(k.told.complete and k.told.items and all(k.told.units_known) for k in order.kept)
    told = [at for at in (ordered_at(order), telling.ordered_at) if at is not None]
    if not first and _adds(order, fact):
        return When(telling.told_at, telling.told_at, None)
    if not told:
        earliest = [at for at in (first_told_at(order), telling.told_at) if at is not None]
        return When(min(earliest) if first else telling.told_at, telling.told_at, None)
    return When(min(latest_of(at, telling.told_at) for at in told), telling.told_at, min(told))


def _adds(order: Order, fact: OrderTold) -> bool:
    """Whether more is ordered after the telling than before it. A line that names its listing only now is not more."""
    names = names_of([*(kept.told for kept in order.kept), fact], order.links.values())
    before, after = (_by_name(said, names) for said in (stated(order), stated(with_fact(order, fact))))
    more = sum(max(0, quantity - before.get(key, 0)) for key, quantity in after.items())
    nameless = sum(quantity for key, quantity in before.items() if len(key) > 1 and key not in after)
    return more > nameless


def _by_name(said: Stated, names: Names) -> dict[tuple[str, ...], int]:
    """Quantities ordered, by listing, or by the codes of a line that names none."""
    totals: dict[tuple[str, ...], int] = {}
    for line in said.ordered_lines:
        known = names.get((line.item, line.variant))
        key = line.key if known is None else (known.listing,)
        totals[key] = totals.get(key, 0) + line.quantity
    return totals


def _waiting(order: Order) -> set[tuple[str, str]]:
    """Codes of lines, of any telling, that name no listing yet."""
    told = [kept.told for kept in order.kept]
    names = names_of(told, order.links.values())
    return {codes for one in told for codes in zip(one.items, one.variants, strict=True) if codes not in names}


def _consume(view: View, hold_id: str, shop: str, number: str, fact: OrderTold) -> list[Draft]:
    held = view.state(keys.hold(hold_id), holds.FOLD)
    units = sum(
        count
        for code, count, mark in zip(fact.skus, fact.units, fact.marks, strict=True)
        if code == held.sku and not mark
    )
    if held.units and not units:
        raise holds.HoldNotAccepted(f"the hold is of {held.sku}; expected a SKU that this order takes")
    taken = holds.consume(held, keys.order_name(shop, number), held.sku, units)
    returned = return_hold(view.stock(held.sku, held.place), hold_id, taken[0].units)
    return [Draft(keys.hold(hold_id), taken[0]), Draft(keys.stock(held.sku, held.place), returned)]


def _checked_shipment(shipment: ShipmentTold) -> None:
    if shipment.scope not in SHIPMENT_SCOPES:
        raise OrderNotAccepted(f"scope {shipment.scope!r}; expected one of {', '.join(SHIPMENT_SCOPES)}")
    named = {"whole": [], "sku": shipment.skus, "listing": shipment.listings}[shipment.scope]
    if len(shipment.units) != len(named):
        raise OrderNotAccepted(
            f"{len(shipment.units)} units for {shipment.scope}; expected one for each SKU or listing"
        )
    if any(units <= 0 for units in shipment.units):
        raise OrderNotAccepted(f"{min(shipment.units)} units shipped; expected 1 or more")
    if not shipment.cumulative and not shipment.slip:
        raise OrderNotAccepted("a parcel without its slip; expected the slip, or the units shipped so far (cumulative)")


def _as_told(shipment: ShipmentTold) -> ShipmentTold:
    """The shipment as it was told, without what was booked for it."""
    return ShipmentTold(
        scope=shipment.scope,
        skus=shipment.skus,
        listings=shipment.listings,
        units=shipment.units,
        cumulative=shipment.cumulative,
        slip=shipment.slip,
        shipped_on=shipment.shipped_on,
        source=shipment.source,
    )
