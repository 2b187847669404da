"""How a telling, a link or a shipment becomes one commit: the fact, carrying what it booked, then the stock facts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ledger import codes, keys
from ledger.book import Verb
from ledger.booking import Booking, Recipe, reconcile
from ledger.codec import Envelope, Record
from ledger.facts.order import (
    Booked,
    LineLinked,
    OrderFact,
    OrderTold,
    OrderVerified,
    ReviewDone,
    ShipmentTold,
)
from ledger.order import FOLD, Order, Stated, evolve, stated
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE, latest_of, utc_moment, utc_text
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

UNRECORDED_AT = datetime.min.replace(tzinfo=UTC)  # of evidence that is weighed before it is a fact; never kept


class OrderNotKnown(ValueError):
    """Nothing was told of this order yet."""


class Shelves:
    """What booking asks, answered by the view. ``counted``: a person said that all of this is inside the numbers already."""

    def __init__(self, view: View, counted: int | None = None) -> None:
        self._view = view
        self._counted = counted

    def have(self, skus: Iterable[str], shop: str) -> None:
        """What booking these SKUs reads is in the view: one round for them, one for the components of sets."""
        told = sorted(set(skus))
        self._view.need(skus=told, streams=map(keys.sku, told), counts=[(code, shop) for code in told])
        parts = sorted({part for code in told for part in self.recipe(code).components})
        self._view.need(skus=parts, streams=map(keys.sku, parts), counts=[(code, shop) for code in parts])

    def stock(self, code: str, place: str = MAIN_PLACE) -> Stock:
        """The SKU's stock, decisions of this commit included."""
        return self._view.stock(code, place)

    def recipe(self, code: str) -> Recipe:
        """The set that the SKU is now, or the SKU that it means."""
        return codes.recipe_of(self._view, code)

    def counted_by(self, code: str, shop: str, at: datetime) -> int | None:
        """The position of the number that knows what this shop sold or took back at this time; None when none does."""
        if self._counted is not None:
            return self._counted
        count = self._view.count(code, shop)
        return count.position if count is not None and count.up_to is not None and at <= count.up_to else None


@dataclass(frozen=True, slots=True)
class When:
    """``sold_at``: the units were ordered, None: not known. ``happened_at``: what a count is compared with. ``told_at``: we know."""

    happened_at: datetime
    told_at: datetime
    sold_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What else the caller said of the order. ``counted``: the position of the choice by which it is 計上済."""

    mall_restored: str = "unknown"
    strict: bool = False
    reviews: tuple[str, ...] = ()
    before: tuple[Draft, ...] = field(default=())
    counted: int | None = None


NOTHING_ELSE = Asked()


def booking_of(view: View, shop: str, number: str, order: Order, when: When, asked: Asked = NOTHING_ELSE) -> Booking:
    """An empty booking of this order; it sees the drafts that stand before it."""
    booking = Booking(
        Shelves(view, asked.counted),
        shop,
        number,
        when.happened_at,
        when.told_at,
        list(order.holding.entries),
        asked.mall_restored,
        asked.strict,
    )
    for draft in asked.before:
        booking.take_over(draft)
    return booking


def weigh(
    order: Order, fact: Booked, booking: Booking, when: When, asked: Asked = NOTHING_ELSE
) -> tuple[Stated, list[Draft]]:
    """The fact, carrying what it booked and what it sold, then what follows from it."""
    assert isinstance(fact, OrderTold | OrderVerified | LineLinked | ShipmentTold | ReviewDone)
    stream = keys.order(booking.shop, booking.number)
    if asked.reviews:
        fact = replace(fact, reviews_opened=list(asked.reviews))
    before = stated(order)
    said, more = reconcile(with_fact(order, fact), booking)
    listings, quantities = _sold(before, said)
    carried = booking.on(
        fact,
        sold_listings=listings,
        sold_quantities=quantities,
        sold_at=utc_text(when.sold_at) if when.sold_at is not None and any(q > 0 for q in quantities) else None,
    )
    answered = replace(said, reviews=said.reviews | set(carried.reviews_opened))
    return answered, [*asked.before, Draft(stream, carried), *booking.drafts, *(Draft(stream, one) for one in more)]


def with_evidence(
    name: str,
    shop: str,
    number: str,
    says: object,
    fact_of: Callable[[Order, View], Booked | None],
    *,
    waits: bool = False,
) -> Verb:
    """A verb that adds one fact of evidence; ``waits``: also before its order. Raises OrderNotKnown."""
    stream = keys.order(shop, number)

    def decide(view: View) -> Decision:
        order = known(view, shop, number, waits=waits)
        fact = fact_of(order, view)
        if fact is None:
            return Decision((), answer(stated(order)))
        sold_at = ordered_at(order)
        happened_at = first_told_at(order) or view.now if sold_at is None else latest_of(sold_at, view.now)
        when = When(happened_at, view.now, sold_at)
        said, drafts = weigh(order, fact, booking_of(view, shop, number, order, when), when)
        return Decision(drafts, answer(said))

    return Verb(name, decide, (shop, number, says), Wanted(streams={stream}))


def acting(name: str, shop: str, number: str, says: object, act: Callable[[Order, Booking], Booked | None]) -> Verb:
    """A verb that books something itself; None: nothing is recorded. Raises OrderNotKnown."""
    stream = keys.order(shop, number)

    def decide(view: View) -> Decision:
        order = known(view, shop, number)
        view.need(skus={part.sku for entry in order.holding.entries for part in entry.parts})
        booking = booking_of(view, shop, number, order, When(view.now, view.now, None))
        fact = act(order, booking)
        return Decision(() if fact is None else [Draft(stream, booking.on(fact)), *booking.drafts])  # type: ignore[arg-type]

    return Verb(name, decide, (shop, number, says), Wanted(streams={stream}))


def alone_fact(name: str, shop: str, number: str, says: object, fact_of: Callable[[Order], OrderFact | None]) -> Verb:
    """A verb that books nothing. Raises OrderNotKnown."""
    stream = keys.order(shop, number)

    def decide(view: View) -> Decision:
        fact = fact_of(known(view, shop, number))
        return Decision(() if fact is None else [Draft(stream, fact)])

    return Verb(name, decide, (shop, number, says), Wanted(streams={stream}))


def known(view: View, shop: str, number: str, *, waits: bool = False) -> Order:
    """The order. Raises OrderNotKnown when nothing was told of it and it may not wait."""
    order = view.state(keys.order(shop, number), FOLD)
    if not order.kept and not waits:
        raise OrderNotKnown(f"order {number} of shop {shop} is not known; expected one that was told")
    return order


def as_named(view: View, order: Order, skus: Sequence[str]) -> list[str]:
    """The SKUs as this order names them already, where it names one that means the same; else those they mean. Raises NotReadYet."""
    named = {sku for kept in order.kept for sku in kept.told.skus} | {link.sku for link in order.links.values()}
    known = named - {""}
    view.need(streams=[keys.sku(code) for code in {*skus, *known} - {""}])
    return [codes.as_told(view, code, known) if code else "" for code in skus]


def ordered_at(order: Order) -> datetime | None:
    """When it was ordered, as the earliest of its tellings says to the second; None when none does."""
    seconds = [k.told.ordered_at for k in order.kept if k.told.ordered_precision == "second" and k.told.ordered_at]
    return utc_moment(min(seconds)) if seconds else None


def first_told_at(order: Order) -> datetime | None:
    """When it was told first: an order of which only the date is known was placed before that."""
    told = [k.told.told_at for k in order.kept]
    return utc_moment(min(told)) if told else None


def answer(said: Stated) -> dict[str, object]:
    """What the caller of an order verb is told."""
    unlinked = sum(1 for line in said.lines if not line.sku)
    return {"state": said.state, "units": dict(said.units), "reviews": sorted(said.reviews), "unlinked": unlinked}


def with_fact(order: Order, fact: OrderFact) -> Order:
    """The order as it would be with the fact."""
    return evolve(order, Record(0, "", 0, type(fact).__name__, Envelope(UNRECORDED_AT, "", ""), fact))


def _sold(before: Stated, after: Stated) -> tuple[list[str], list[int]]:
    """What the mall took from its own number and gave back: first what was ordered, then what no longer is."""
    ordered = _difference(_by_listing(before, ordered=True), _by_listing(after, ordered=True))
    kept = _difference(_by_listing(before, ordered=False), _by_listing(after, ordered=False))
    back = {name: kept.get(name, 0) - ordered.get(name, 0) for name in sorted(kept.keys() | ordered.keys())}
    rows = [(name, count) for name, count in [*sorted(ordered.items()), *back.items()] if count]
    return [name for name, _ in rows], [count for _, count in rows]


def _by_listing(said: Stated, *, ordered: bool) -> dict[str, int]:
    totals: dict[str, int] = {}
    for line in said.ordered_lines if ordered else () if said.cancelled else said.lines:
        if line.listing:
            totals[line.listing] = totals.get(line.listing, 0) + line.quantity
    return totals


def _difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after.get(name, 0) - before.get(name, 0) for name in before.keys() | after.keys()}
