"""Why a unit could be sold that was not there: the sale, what its page had been told, and what that number had left out. Pure.

Sales are put in the order in which the malls made them, not in which we were told. The sale that went beyond what there was is
the one that should not have been possible; its page showed a number that left something out, and each thing left out is a step:

- ``late_telling``: an order sold before it, of which we were told after it; ``silent_intake``: more than ten minutes late.
- ``push_in_flight``: an order we had been told of; its number was on the way. ``mall_not_told``: for more than a minute
  (the shop's push was stopped, rejected, waiting for its turn, or its mall away).
- ``lowering_met_unseen_orders``: our lowering wrote over the mall's own, larger one: it had sold more than we had been told.
- ``sold_after_look``: our raise was looked for, and this was sold between the look and its arrival.
- ``later_than_quiet_time``: our raise at a mall that cannot be read, told later than its quiet time.
- ``ours_left_out_known_order``: our raise left out an order that we had been told of, or that its look had shown. Ours; never.
- ``sold_at_zero``: the page showed nothing by what it had been told, and sold (flag, edit at the mall, unlimited).
- ``never_told``: the page's number was never ours.
- ``manual_overwrite``, ``count_disagreed``, ``units_taken_out``, ``set_by_file``: a person, a count or a file took units away.
- ``cancel_told_late``: a cancel gave units back to the mall and was told later.
- ``more_than_shown``: nothing was left out: one order asked for more than there was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.terms import ListingKey

SILENT = timedelta(minutes=10)
IN_FLIGHT = timedelta(seconds=60)
SECOND = timedelta(seconds=1)  # a mall's time of an order is cut to its second
OURS = "ours_left_out_known_order"
# Which step is named first: what a push of ours did, then what was on its way, then what nobody had told us.
ORDER = (
    OURS,
    "lowering_met_unseen_orders",
    "sold_after_look",
    "later_than_quiet_time",
    "sold_at_zero",
    "never_told",
    "mall_not_told",
    "push_in_flight",
    "silent_intake",
    "late_telling",
    "manual_overwrite",
    "count_disagreed",
    "units_taken_out",
    "set_by_file",
    "cancel_told_late",
    "more_than_shown",
)
STOCK_STEPS = {
    "StockOverwritten": "manual_overwrite",
    "StockAdded": "manual_overwrite",
    "SetUpPartReplaced": "set_by_file",
    "StocktakeVariance": "count_disagreed",
    "CountedReversed": "count_disagreed",
    "StockReceived": "units_taken_out",
    "StockTakenOut": "units_taken_out",
    "StockMoved": "units_taken_out",
    "DefectiveMarked": "units_taken_out",
}
GIVEN_BACK = "AllocationReleased"


@dataclass(frozen=True, slots=True)
class Event:
    """One change of what is available, as the change log has it. ``listing``: that of the order's line, None: not known."""

    position: int
    kind: str
    delta: int
    shop: str | None
    order: str | None
    happened_at: datetime
    recorded_at: datetime
    by_import: bool = False
    listing: ListingKey | None = None

    @property
    def sells(self) -> bool:
        return self.kind == "StockAllocated"


@dataclass(frozen=True, slots=True)
class Push:
    """A number that a page was told and showed, counted in listings. ``looked_at`` None: no look came first."""

    position: int
    computed_at: int
    units: int
    expected_before: int | None
    trigger: str
    applied_from: datetime
    applied_until: datetime
    looked_at: datetime | None

    @property
    def lowers(self) -> bool:
        return self.trigger in ("lower", "zero") and self.looked_at is None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the page's number had left out. ``order`` of ``shop``, or a fact of stock, at ``position``."""

    code: str
    position: int
    shop: str | None
    order: str | None
    units: int
    happened_at: datetime
    recorded_at: datetime


def oversold(events: Sequence[Event], balance: int) -> dict[int, int]:
    """Units sold beyond what there was, by the position of the sale, when what happened is put in the order of the world.

    ``balance`` is what was available after all of them.
    """
    left = balance - sum(event.delta for event in events)
    beyond: dict[int, int] = {}
    for event in sorted(events, key=lambda one: (one.happened_at, one.position)):
        left += event.delta
        if event.sells and left < 0:
            beyond[event.position] = min(-event.delta, -left)
    return beyond


def victims(events: Sequence[Event], balance: int, position: int) -> list[tuple[Event, int]]:
    """The sales that are beyond what there was since the fact at ``position``, and were not before it; the newest sale first.

    Its own order, when no other sale is.
    """
    known = {event.position: event for event in events}
    before = [event for event in events if event.position < position]
    cause = known[position]
    earlier = oversold(before, balance - cause.delta)
    found = {at: units - earlier.get(at, 0) for at, units in oversold(events, balance).items()}
    more = sorted(((known[at], units) for at, units in found.items() if units > 0), key=lambda one: -one[0].position)
    return more or ([(cause, min(-cause.delta, -balance))] if cause.sells else [])


def steps(
    sale: Event, events: Sequence[Event], pushes: Sequence[Push], units_per_listing: int, balance: int
) -> list[Step]:
    """What the page's number had left out when it made the sale, the most telling first. ``pushes``: of that page, oldest first;
    ``balance``: what is available after all events.
    """
    at = sale.happened_at
    push = next((one for one in reversed(pushes) if one.applied_until <= at + SECOND), None)
    computed_at = 0 if push is None else push.computed_at
    left_out = push is not None and _left_out_own(sale, events, push, units_per_listing, balance)
    found: list[Step] = []
    own = 0
    for event in events:
        if event.position == sale.position or event.position <= computed_at or event.happened_at > at:
            continue
        same_page = event.listing is not None and (event.shop, event.listing) == (sale.shop, sale.listing)
        if event.sells and same_page and (push is None or event.happened_at + SECOND >= push.applied_from):
            own += -event.delta  # the mall lowered its own number
            continue
        code = _code(event, at, push, same_page=same_page, left_out=left_out)
        if code is not None:
            found.append(_step(code, event))
    shown = None if push is None else push.units - own // units_per_listing
    if shown is not None and shown <= 0:
        found.insert(0, _step("sold_at_zero", sale))
    if push is None and not found:
        found.append(_step("never_told", sale))
    return sorted(found, key=lambda step: ORDER.index(step.code)) or [_step("more_than_shown", sale)]


def step_of_stock(event: Event) -> Step:
    """The one step of a shortage that no order made."""
    code = "set_by_file" if event.by_import else STOCK_STEPS.get(event.kind, "units_taken_out")
    return _step(code, event)


def _left_out_own(sale: Event, events: Iterable[Event], push: Push, units_per_listing: int, balance: int) -> bool:
    """Whether a raise was more than there was less the page's own sales that we had been told of, or that its look had shown."""
    known = balance - sum(event.delta for event in events if event.position > push.computed_at)
    looked_at = push.looked_at
    shown = sum(
        -event.delta
        for event in events
        if event.sells
        and (event.shop, event.listing) == (sale.shop, sale.listing)
        and event.position > push.computed_at
        and (event.position < push.position or (looked_at is not None and event.happened_at + SECOND <= looked_at))
    )
    return push.units * units_per_listing > known - shown


def _code(event: Event, at: datetime, push: Push | None, *, same_page: bool, left_out: bool) -> str | None:
    """Why the page's number had left the event out; None: it made nothing of it possible."""
    if event.sells:
        if same_page:
            assert push is not None
            return _written_over(event, push, left_out=left_out)
        return _sold_elsewhere(event, at, push)
    if event.kind == GIVEN_BACK:
        return "cancel_told_late" if event.delta > 0 and event.recorded_at > at else None
    if event.delta >= 0:
        return None
    return step_of_stock(event).code


def _written_over(event: Event, push: Push, *, left_out: bool) -> str | None:
    """The page's own sale, which its mall had taken off, and which our number put back; None: the number had it taken off too."""
    if push.lowers:
        return "lowering_met_unseen_orders"
    known = event.position < push.position
    if not known and push.looked_at is None:
        return "later_than_quiet_time"
    if not known and push.looked_at is not None and event.happened_at + SECOND > push.looked_at:
        return "sold_after_look"
    return OURS if left_out else None


def _sold_elsewhere(event: Event, at: datetime, push: Push | None) -> str:
    if event.recorded_at > at + SECOND:
        return "silent_intake" if event.recorded_at - event.happened_at > SILENT else "late_telling"
    if push is not None and event.position < push.position and not push.lowers:
        return OURS if push.expected_before is None or push.units > push.expected_before else "push_in_flight"
    return "push_in_flight" if at - event.recorded_at <= IN_FLIGHT else "mall_not_told"


def _step(code: str, event: Event) -> Step:
    return Step(code, event.position, event.shop, event.order, -event.delta, event.happened_at, event.recorded_at)
