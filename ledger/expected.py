"""モール想定数: what a listing should show by itself now, from what we told it, what it sold since, and what we read.

A mall lowers its own number at its own sale (D1). expected = told − this listing's own units ordered after that push was
applied + units the mall put back itself. Where an order cannot be placed before or after the push, expected is uncertain
(None) and the listing is restated once, after a look or a quiet time. Pure: the listings projection keeps one row a listing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from ledger.terms import latest_of, utc_moment

CLOCKS_APART = timedelta(seconds=30)
RECENT_SALES_MAX = 64
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale the mall made by itself: quantity in listings, when it was ordered (None: only the date is known)."""

    position: int
    quantity: int
    ordered_at: datetime | None

    def placed_before(self, moment: datetime) -> bool:
        """Whether it was surely placed before ``moment``, by the mall's clock: a time is cut to its second or minute."""
        return self.ordered_at is not None and latest_of(self.ordered_at) <= moment - SECOND


class Numbers(msgspec.Struct, frozen=True):  # a struct: a replay makes millions, each from the one before
    """What one listing was told, should show, and showed. Units count listings.

    ``sent_at`` to ``applied_until``: when the expected number began: by our push, or by the read that replaced an uncertain one.
    ``read_known_position``: orders told up to there are inside the number that was read. ``taken_back_position``: the
    newest cancel of an own sale. ``pending_*``: the request whose answer is open. ``uncertain_position``: the fact that made expected uncertain, 0 when
    it is certain; a restate names it, so that one order restates a listing once. ``sales``: the newest own sales.
    """

    told_units: int | None = None
    told_position: int = 0
    sent_at: datetime | None = None
    applied_until: datetime | None = None
    expected_units: int | None = None
    uncertain_position: int = 0
    uncertain_since: datetime | None = None
    read_units: int | None = None
    read_found: bool = True
    read_at: datetime | None = None
    read_position: int = 0
    read_known_position: int = 0
    taken_back_position: int = 0
    pending_request: str | None = None
    pending_units: int | None = None
    pending_position: int = 0
    rejected_code: str | None = None
    sales: tuple[Sale, ...] = ()


def sent(numbers: Numbers, *, request: str, units: int, computed_at: int) -> Numbers:
    """A request with this number is on its way."""
    return replace(numbers, pending_request=request, pending_units=units, pending_position=computed_at)


def applied(numbers: Numbers, *, units: int, computed_at: int, sent_at: str, applied_until: str) -> Numbers:
    """The mall shows the number, less what it sold since; a sale near the push makes expected uncertain."""
    began, ended = utc_moment(sent_at), utc_moment(applied_until)
    after = replace(
        numbers,
        told_units=units,
        told_position=computed_at,
        sent_at=began,
        applied_until=ended,
        expected_units=units,
        uncertain_position=0,
        uncertain_since=None,
        pending_request=None,
        pending_units=None,
        pending_position=0,
        rejected_code=None,
    )
    for sale in numbers.sales:
        if sale.position > computed_at:  # one told before the number was computed is inside it, whatever the clocks say
            after = _counted(after, sale)
    if numbers.uncertain_position > computed_at and not _is_of_a_sale(numbers):
        # A cancel, or another request: this push did not know it, and what it does to the number may come after the push.
        after = _uncertain(after, numbers.uncertain_position, numbers.uncertain_since or ended)
    if len(numbers.sales) == RECENT_SALES_MAX and numbers.sales[0].position > computed_at:
        after = _uncertain(after, numbers.sales[-1].position, ended)  # there were more than are remembered
    return after


def not_applied(numbers: Numbers, *, code: str | None) -> Numbers:
    """The mall did not take it; ``code`` when this listing is at fault: it leaves the queue for the work list."""
    return replace(
        numbers,
        pending_request=None,
        pending_units=None,
        pending_position=0,
        rejected_code=code or numbers.rejected_code,
    )


def unknown(numbers: Numbers, *, position: int, at: datetime) -> Numbers:
    """The request may have been applied: what the mall shows is uncertain until it is read or told again."""
    after = replace(numbers, pending_request=None, pending_units=None, pending_position=0)
    return _uncertain(after, position, at)


def sold(numbers: Numbers, sale: Sale, *, lowers: bool, restores: str, told_at: datetime) -> Numbers:
    """The listing's own sale was told (quantity above zero) or taken back (below). ``restores``: yes, no, or unknown."""
    if not lowers or sale.quantity == 0:
        return numbers
    kept = replace(numbers, taken_back_position=sale.position)
    if sale.quantity > 0:
        kept = replace(numbers, sales=(*numbers.sales, sale)[-RECENT_SALES_MAX:])
    if numbers.told_units is None and numbers.expected_units is None:
        return kept
    if sale.quantity > 0:
        return _counted(kept, sale)
    if restores == "no":
        return kept
    if restores == "yes" and kept.expected_units is not None:
        return replace(kept, expected_units=kept.expected_units - sale.quantity)
    return _uncertain(kept, sale.position, told_at)


def read(
    numbers: Numbers, *, units: int | None, found: bool, read_at: str, position: int, known_position: int = 0
) -> Numbers:
    """The mall showed this. An uncertain expected becomes what was seen; a certain one stays (what differs is explained, not erased).

    Sales told up to ``known_position`` (0: up to the reading's own) are inside ``units``; later ones are counted by their time.
    """
    moment, known = utc_moment(read_at), known_position or position
    if numbers.read_at is not None and moment < numbers.read_at:
        return numbers  # a newer reading is known
    after = replace(
        numbers,
        read_units=units,
        read_found=found,
        read_at=moment,
        read_position=position,
        read_known_position=known,
    )
    certain = numbers.uncertain_position == 0 and numbers.expected_units is not None
    if certain or units is None or numbers.pending_request is not None:
        return after
    if numbers.uncertain_since is not None and moment < numbers.uncertain_since - CLOCKS_APART:
        return after
    # Orders placed before this moment are inside the number that was read.
    after = replace(
        after, expected_units=units, sent_at=moment, applied_until=moment, uncertain_position=0, uncertain_since=None
    )
    for sale in numbers.sales:
        if sale.position > known:  # told while the mall was asked
            after = _counted(after, sale)
    return after


def unseen_units(numbers: Numbers) -> int:
    """Units a look found missing: sold at the mall, their orders not told yet. Counted in listings.

    A number that is on its way may be what was read.
    """
    if numbers.read_units is None or numbers.expected_units is None or numbers.read_at is None:
        return 0
    if numbers.applied_until is not None and numbers.read_at <= numbers.applied_until:
        return 0
    later = sum(s.quantity for s in numbers.sales if s.ordered_at is not None and s.ordered_at > numbers.read_at)
    shown = (
        numbers.expected_units if numbers.pending_units is None else min(numbers.expected_units, numbers.pending_units)
    )
    return max(0, shown + later - numbers.read_units)


def _counted(numbers: Numbers, sale: Sale) -> Numbers:
    if numbers.sent_at is None or numbers.applied_until is None:
        return numbers
    if sale.ordered_at is None:
        return _uncertain(numbers, sale.position, numbers.applied_until)
    if sale.placed_before(numbers.sent_at - CLOCKS_APART):
        return numbers  # the mall lowered its number, then our absolute number replaced it
    if sale.ordered_at <= numbers.applied_until + CLOCKS_APART:
        return _uncertain(numbers, sale.position, sale.ordered_at)
    if numbers.expected_units is None or numbers.uncertain_position:
        return numbers
    return replace(numbers, expected_units=numbers.expected_units - sale.quantity)


def _is_of_a_sale(numbers: Numbers) -> bool:
    """Whether a remembered sale that is too near the push before is what made it uncertain."""
    certain = replace(numbers, uncertain_position=0, uncertain_since=None)
    sales = (sale for sale in numbers.sales if sale.position == numbers.uncertain_position)
    return any(_counted(certain, sale).uncertain_position for sale in sales)


def _uncertain(numbers: Numbers, position: int, since: datetime) -> Numbers:
    return replace(numbers, expected_units=None, uncertain_position=position, uncertain_since=since)
