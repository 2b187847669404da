"""Why a mall shows another number than the ledger says: one class for each listing, with its evidence. Pure.

What is held against the reading is the listing as of the position that was known when the mall was asked; what was told later
is not held against it. Where the mall was asked for its orders, they decide; else what happened nearby makes one class likely.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations
from typing import TypeVar

from msgspec.structs import replace

from api.jobs.push_missing import base_of, sold_since
from ledger import listing
from ledger.expected import CLOCKS_APART, Numbers
from ledger.listing import Listing
from ledger.terms import Result

TOGETHER_MAX = 3  # orders that explain one difference together
TRIED_ORDERS_MAX = 20
USUAL_QUANTITY = 2  # of one order, where none is known
USUAL_ORDERS = 2  # as many orders at once may have been lost; more missing is rather an edit
TOOL_CHANGES = 3  # numbers set by nobody we know, within TOOL_SPAN
TOOL_SPAN = timedelta(minutes=60)
COMING_SPAN = timedelta(minutes=10)  # an order so young is on its way to us
MAY_BE_APPLIED = (Result.APPLIED, Result.UNKNOWN, Result.ACCEPTED)


class Drift(StrEnum):
    """What a listing's number at the mall says. SAME and RULE need nothing; the others are differences."""

    SAME = "same"
    RULE = "rule"
    NOT_TOLD = "not_told"
    MOVING = "moving"
    ORDER_COMING = "order_coming"
    EDIT = "edit"
    LOST_PUSH = "lost_push"
    LOST_ORDER = "lost_order"
    LATE_CANCEL = "late_cancel"
    DUPLICATE = "duplicate"
    UNKNOWN_ITEM = "unknown_item"
    OTHER_TOOL = "other_tool"


@dataclass(frozen=True, slots=True)
class PushMade:
    """One push of the listing. ``expected_before`` None: it was uncertain. ``outcome`` None: no answer yet."""

    position: int
    request: str
    computed_at: int
    units: int
    expected_before: int | None
    outcome: str | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReadMade:
    """One reading of the listing before. ``units`` None: unlimited or not found."""

    position: int
    read_at: datetime
    units: int | None


@dataclass(frozen=True, slots=True)
class OrderKnown:
    """An order of the listing as the ledger has it. ``quantity`` counts listings; ``position``: where it was told first."""

    number: str
    position: int
    quantity: int
    ordered_at: datetime | None
    cancelled: bool


@dataclass(frozen=True, slots=True)
class OrderAtMall:
    """An order of the listing as the mall lists it now."""

    number: str
    quantity: int
    ordered_at: datetime | None
    cancelled: bool


Order = TypeVar("Order", OrderKnown, OrderAtMall)


@dataclass(frozen=True, slots=True)
class Case:
    """One listing: what the ledger said when the mall was asked, what the mall showed, and what happened before.

    Sequences are oldest first. ``at_mall`` None: the mall was not asked for its orders. ``moved``: a push of it came between.
    """

    rules: Listing
    numbers: Numbers
    wanted_units: int | None
    free_units: int | None
    units_max: int
    read_units: int | None
    found: bool
    read_at: datetime
    pushes: Sequence[PushMade] = ()
    reads: Sequence[ReadMade] = ()
    orders: Sequence[OrderKnown] = ()
    at_mall: Sequence[OrderAtMall] | None = None
    restores: str = "unknown"
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The class and what shows it. ``sure`` False: the likeliest of several."""

    drift: Drift
    evidence: tuple[str, ...] = ()
    sure: bool = True


def plainly(case: Case) -> Verdict | None:
    """The class of a listing that shows what it should, or whose number is on its way; None: there is a difference to explain."""
    if not case.found:
        return Verdict(Drift.UNKNOWN_ITEM, _last_push(case))
    if case.moved or case.numbers.pending_request is not None:
        return Verdict(Drift.MOVING)
    if case.read_units is None:
        return None
    shows = shown_units(case)
    if shows and case.read_units not in shows:
        return None
    if not shows and case.wanted_units is not None and case.read_units != case.wanted_units:
        return Verdict(Drift.NOT_TOLD, (f"state:{case.rules.state}",))
    if case.wanted_units is None or case.wanted_units == case.read_units:
        return _by_rule(case) or Verdict(Drift.SAME)
    rejected = case.numbers.rejected_code
    return Verdict(Drift.NOT_TOLD, (f"rejected:{rejected}",) if rejected else (f"state:{case.rules.state}",))


def explain(case: Case) -> Verdict:
    """Why the mall shows another number. The same as ``plainly`` where there is no difference."""
    if (plain := plainly(case)) is not None:
        return plain
    if case.read_units is None:
        return Verdict(Drift.EDIT, ("unlimited", *_last_push(case)))
    if tool := _other_tool(case):
        return tool
    shows = shown_units(case)
    nearest = min(shows, key=lambda units: abs(units - int(case.read_units or 0)))
    gap = case.read_units - nearest
    answered = bool(case.pushes) and case.pushes[-1].outcome == Result.APPLIED
    # A push whose answer said applied is lost more seldom than an order; one without an answer more often.
    if gap < 0 and answered and (found := _fewer(case, -gap)):
        return found
    found = _lost_push(case) or (_more(case, gap) if gap > 0 else _fewer(case, -gap))
    return found or Verdict(
        Drift.EDIT, (f"gap:{gap:+d}", *_last_read(case), *_last_push(case)), case.at_mall is not None
    )


def shown_units(case: Case) -> tuple[int, ...]:
    """The numbers the mall may show by itself, as the ledger knows; () it was never told and never read."""
    numbers = case.numbers
    if numbers.expected_units is not None and not numbers.uncertain_position:
        return (max(0, numbers.expected_units),)
    if numbers.told_units is None or numbers.sent_at is None:
        return ()
    base = base_of(_told_only(numbers))
    assert base is not None
    after, near = sold_since(numbers.sales, base)
    back = sum(o.quantity for o in case.orders if o.cancelled and o.position > 0) if case.restores != "no" else 0
    high = base.units - after
    found = {
        units for units in range(high - near, high + (back if numbers.taken_back_position else 0) + 1) if units >= 0
    }
    later = [p for p in case.pushes if p.computed_at > numbers.told_position and p.outcome in MAY_BE_APPLIED]
    return tuple(sorted(found | {push.units for push in later}))


def _told_only(numbers: Numbers) -> Numbers:
    return replace(numbers, read_at=None, read_units=None)


# ------------------------------------------------------------------ explanations


def _by_rule(case: Case) -> Verdict | None:
    """A rule explains why the page does not show the whole stock."""
    if case.wanted_units is None or case.free_units is None or case.rules.state != listing.LINKED:
        return None
    plain = max(0, case.free_units) // case.rules.units_per_listing
    if plain == case.wanted_units:
        return None
    rules, free = case.rules.settings, case.free_units
    named = []
    if rules.stop_threshold is not None and case.wanted_units == 0:
        named.append(f"stop_threshold:{rules.stop_threshold}")
    if rules.reserve:
        named.append(f"reserve:{rules.reserve}")
    if rules.share_percent != 100:
        named.append(f"share:{rules.share_percent}")
    if rules.cap is not None and max(0, free) > rules.cap:
        named.append(f"cap:{rules.cap}")
    if plain > case.units_max:
        named.append(f"units_max:{case.units_max}")
    return Verdict(Drift.RULE, (f"free:{free}", *named))


def _other_tool(case: Case) -> Verdict | None:
    """The number was set again and again, and not by us."""
    changes = [*_unexplained(case)]
    recent = [at for at in changes if case.read_at - at <= TOOL_SPAN]
    if len(recent) < TOOL_CHANGES:
        return None
    return Verdict(Drift.OTHER_TOOL, (f"changes:{len(recent)}", *_last_read(case), *_last_push(case)))


def _unexplained(case: Case) -> Iterator[datetime]:
    """When readings showed a number that neither a push nor an order explains; this reading is the last of them."""
    happened: list[tuple[datetime, int, int | None]] = []  # time, kind (0 push, 1 order, 2 reading), units
    happened += [(p.sent_at, 0, p.units) for p in case.pushes if p.outcome == Result.APPLIED and p.sent_at is not None]
    happened += [(o.ordered_at, 1, o.quantity) for o in case.orders if o.ordered_at is not None]
    happened += [(r.read_at, 2, r.units) for r in case.reads if r.read_at < case.read_at]
    happened.append((case.read_at, 2, case.read_units))
    number: int | None = None
    near = 0
    set_at: datetime | None = None
    for at, kind, units in sorted(happened, key=lambda one: (one[0], one[1])):
        if kind == 0:
            number, near, set_at = units, 0, at
        elif kind == 1:
            if number is not None and units is not None:
                number -= units
                near += units if set_at is not None and at - set_at <= CLOCKS_APART else 0
        elif units is not None:
            if number is not None and not number <= units <= number + near:
                yield at
            number, near, set_at = units, 0, at


def _lost_push(case: Case) -> Verdict | None:
    """The mall shows what it would show if the last push had never come."""
    made = [push for push in case.pushes if push.outcome in MAY_BE_APPLIED]
    if not made:
        return None
    last = made[-1]
    before, known = last.expected_before, last.computed_at
    if before is None and len(made) > 1:
        before, known = made[-2].units, made[-2].computed_at
    if before is None or before == last.units:
        return None
    since = sum(order.quantity for order in case.orders if order.position > known and not order.cancelled)
    if case.read_units != before - since:
        return None
    return Verdict(Drift.LOST_PUSH, (f"push:{last.position}", f"before:{before}", f"outcome:{last.outcome}"))


def _more(case: Case, gap: int) -> Verdict | None:
    """The mall shows more: an order is counted twice, or one was given back there."""
    open_orders = [order for order in case.orders if not order.cancelled][-TRIED_ORDERS_MAX:]
    if case.at_mall is not None:
        there = {order.number: order for order in case.at_mall}
        cancelled = [o for o in open_orders if o.number in there and there[o.number].cancelled]
        if some := _together(cancelled, gap):
            return Verdict(Drift.LATE_CANCEL, (*_named(some), f"gap:+{gap}"))
    twins = [order for order in open_orders if _has_twin(order, open_orders)]
    if some := _together(twins, gap):
        pairs = [other for one in some for other in open_orders if _are_twins(one, other)]
        return Verdict(Drift.DUPLICATE, (*_named([*some, *pairs]), f"gap:+{gap}"), case.at_mall is not None)
    if case.at_mall is None and case.restores != "no" and (some := _together(open_orders, gap)):
        return Verdict(Drift.LATE_CANCEL, (*_named(some), f"gap:+{gap}"), sure=False)
    return None


def _fewer(case: Case, gap: int) -> Verdict | None:
    """The mall shows less: it sold what we were not told."""
    if case.at_mall is not None:
        known = {order.number for order in case.orders}
        untold = [order for order in case.at_mall if order.number not in known and not order.cancelled]
        some = _together(untold[-TRIED_ORDERS_MAX:], gap)
        if not some:
            return None
        young = all(o.ordered_at is not None and case.read_at - o.ordered_at <= COMING_SPAN for o in some)
        return Verdict(
            Drift.ORDER_COMING if young else Drift.LOST_ORDER,
            (*(f"order:{order.number}" for order in some), f"gap:-{gap}"),
        )
    usual = max((order.quantity for order in case.orders), default=USUAL_QUANTITY)
    if gap > USUAL_ORDERS * max(usual, USUAL_QUANTITY):
        return None
    return Verdict(Drift.LOST_ORDER, (f"gap:-{gap}", *_last_read(case), *_last_push(case)), sure=False)


def _has_twin(order: OrderKnown, others: Sequence[OrderKnown]) -> bool:
    """Whether an order told before it is the same but for its number."""
    return any(_are_twins(order, other) and other.position < order.position for other in others)


def _are_twins(one: OrderKnown, other: OrderKnown) -> bool:
    same = (one.quantity, one.ordered_at) == (other.quantity, other.ordered_at)
    return same and one.ordered_at is not None and one.number != other.number


def _together(orders: Sequence[Order], units: int) -> Sequence[Order]:
    """All of the orders, or a few of them, that make so many units, the newest first; () none do."""
    if orders and sum(order.quantity for order in orders) == units:
        return orders
    for count in range(1, TOGETHER_MAX + 1):
        for some in combinations(reversed(orders), count):
            if sum(order.quantity for order in some) == units:
                return some
    return ()


def _named(orders: Sequence[OrderKnown]) -> list[str]:
    return [f"order:{number}" for number in dict.fromkeys(order.number for order in orders)]


def _last_push(case: Case) -> tuple[str, ...]:
    return (f"push:{case.pushes[-1].position}",) if case.pushes else ()


def _last_read(case: Case) -> tuple[str, ...]:
    return (f"read:{case.reads[-1].position}",) if case.reads else ()
