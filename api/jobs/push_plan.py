"""What a shop is to be told now, listing by listing: send, look first, wait, or leave. Pure: rows and a clock in, decisions out.

Lower at once, raise after a look (D1). A mall lowers its own number at its own sale, so a push at or above what it shows
may put units back that were just sold; below it, it cannot. What a look finds missing is withheld until its orders come.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from api.jobs.push_missing import UNSEEN_SECONDS_MAX, Withheld, base_of, sold_since
from ledger import listing
from ledger.expected import Numbers
from ledger.listing import Listing, Stopped
from ledger.terms import ListingKey

LOW_WATER_UNITS = 10
LOOK_SECONDS_MAX = 5.0
ZERO_AGAIN_SECONDS = 3_600.0
NOT_FOUND_SECONDS = 600.0

NOT_STOPPED = Stopped()
LOWER, ZERO, RAISE, RESTATE = "lower", "zero", "raise", "restate"


@dataclass(frozen=True, slots=True)
class Manner:
    """What the mall's declaration says about being told. ``lowers``: its number falls at its own sale. ``looks``: it can be read.

    ``beside_batches``: a lower number can reach it while a file or feed is unfinished.
    """

    units_max: int
    lowers: bool = True
    looks: bool = True
    quiet_seconds: float = 120.0
    beside_batches: bool = True


@dataclass(frozen=True, slots=True)
class Queued:
    """One listing as the facts up to one position say. ``free_units`` are the SKU's, None: 在庫未登録.

    ``asks_again``: a person asked for a re-send since the last push. ``stopped``: what the stop threshold says.
    ``wanted_position``: the fact that changed what it should show. ``in_batch``: a file or feed that is not finished holds
    it, with ``batch_units`` unless something else was sent since.
    """

    key: ListingKey
    rules: Listing
    numbers: Numbers
    free_units: int | None
    stopped: Stopped = NOT_STOPPED
    shares_floor_to_zero: bool = False
    asks_again: bool = False
    wanted_position: int = 0
    in_batch: bool = False
    batch_units: int | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known beside the row: the time, what is withheld, and what this listing waits for.

    ``waiting_since``: when a shop that cannot be read first had to wait (quiet time). ``tried_at``: when this rejected listing
    was last sent. ``sync``: a full sync states every number. ``doubted``: a request of it may still be on its way.
    """

    now: datetime
    withheld: Withheld = Withheld()
    waiting_since: datetime | None = None
    tried_at: datetime | None = None
    sync: bool = False
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Tell ``units`` now. ``looked``: it rests on the fresh look."""

    units: int
    trigger: str
    looked: bool = False


@dataclass(frozen=True, slots=True)
class LookFirst:
    """Read the listing's number, then decide again."""

    trigger: str


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Not before this time; ``why`` is a code: quiet, rest, rejected_zero."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing to do until a fact changes; ``why`` is a code."""

    why: str


Decision: TypeAlias = Send | LookFirst | WaitUntil | Leave


@dataclass(frozen=True, slots=True)
class Shown:
    """What the mall shows by itself now as far as the told orders say: ``low`` to ``high``, None: not known."""

    low: int | None
    high: int | None


def decide(row: Queued, manner: Manner, seen: Circumstances) -> Decision:
    """What to do about one listing now."""
    numbers = row.numbers
    if numbers.pending_request is not None and not (row.in_batch and row.batch_units is not None):
        return Leave("in_flight")
    target = target_of(row, manner, seen)
    if target is None:
        return Leave("not_told")
    if numbers.rejected_code is not None and not row.asks_again:
        return _rejected(target, numbers, seen)
    if row.in_batch:
        return Leave("in_batch") if seen.doubted else _beside_batch(target, row, manner)
    fresh = fresh_look(numbers, seen.now)
    found = _after_look(target, row, seen) if fresh else _without_look(target, row, manner, seen)
    if isinstance(found, Leave) and (rest := _rest(row, seen.now)) is not None:
        return WaitUntil(rest, "rest")
    return found


def decide_in_doubt(row: Queued, manner: Manner, seen: Circumstances, dead_after: datetime | None) -> Decision:
    """What to do about a listing of which a request's answer is unknown: it may arrive until ``dead_after``. None: there is none.

    Until then only lower numbers go. Afterwards the listing is read, as the request may have arrived behind what was told
    since; where it cannot be read it is told once more.
    """
    found = decide(row, manner, seen)
    if dead_after is None or (isinstance(found, Send) and found.trigger in (LOWER, ZERO)):
        return found
    if seen.now < dead_after:
        return WaitUntil(dead_after, "unknown")
    numbers = row.numbers
    if numbers.rejected_code is not None or told_since(numbers, dead_after):
        return found
    if manner.looks:
        return LookFirst("unknown") if numbers.read_at is None or numbers.read_at < dead_after else found
    again = decide(replace(row, asks_again=True), manner, seen)
    waits = isinstance(again, WaitUntil) and again.why == "quiet"
    return Send(0, ZERO) if waits and target_of(row, manner, seen) == 0 else again


def told_since(numbers: Numbers, moment: datetime) -> bool:
    """Whether the number that is expected began at or after the moment: nothing sent before it can have replaced it."""
    return numbers.sent_at is not None and numbers.sent_at >= moment


def target_of(row: Queued, manner: Manner, seen: Circumstances) -> int | None:
    """反映予定数 with what the clock and looks add; None: it is not told anything."""
    return listing.wanted(
        row.rules,
        row.free_units,
        units_max=manner.units_max,
        stopped=row.stopped,
        now=seen.now,
        shares_floor_to_zero=row.shares_floor_to_zero,
        withheld_units=seen.withheld.certain_units,
    )


def fresh_look(numbers: Numbers, now: datetime) -> bool:
    """Whether the mall's number was read within LOOK_SECONDS_MAX, and since then nothing was sent and no sale told."""
    if numbers.read_at is None or now - numbers.read_at > timedelta(seconds=LOOK_SECONDS_MAX):
        return False
    if any(sale.position > numbers.read_known_position for sale in numbers.sales):
        return False  # whether the number that was read had fallen by it is not known
    return numbers.applied_until is None or numbers.read_at >= numbers.applied_until


def shown(numbers: Numbers) -> Shown:
    """What the mall shows by itself, from the newest of push and read; orders too near it make a range.

    An expected number that is uncertain gives no lower bound: an unknown answer may have set any number.
    """
    base = base_of(numbers)
    if base is None:
        return Shown(None, None)
    after, near = sold_since(numbers.sales, base)
    high = base.units - after
    if numbers.expected_units is None:
        return Shown(None, high)
    if base.is_read:
        low, high = high - near, min(high, numbers.expected_units)
        return Shown(min(low, high), high)
    return Shown(numbers.expected_units, numbers.expected_units)


# ------------------------------------------------------------------ how it is decided


def _after_look(target: int, row: Queued, seen: Circumstances) -> Decision:
    """The number was read a moment ago: lower, raise less what may be unseen, or nothing."""
    numbers = row.numbers
    if not numbers.read_found:
        return WaitUntil(_moment(numbers.read_at) + timedelta(seconds=NOT_FOUND_SECONDS), "not_found")
    if numbers.read_units is None:
        return Send(target, RESTATE, looked=True)  # unlimited at the mall: any number is less
    found = numbers.read_units
    if target < found or (target == 0 and found != 0):
        return Send(target, ZERO if target == 0 else LOWER, looked=True)
    if target > found:
        careful = max(found, target - _in_listings(row, seen.withheld.possible_units))
        return Send(careful, RAISE, looked=True) if careful > found else Leave("withheld")
    same = numbers.expected_units is not None and numbers.expected_units >= found and not numbers.uncertain_position
    return Leave("same") if same and not row.asks_again else Send(target, RESTATE, looked=True)


def _without_look(target: int, row: Queued, manner: Manner, seen: Circumstances) -> Decision:
    numbers, now = row.numbers, shown(row.numbers)
    if target == 0 and not (now.low == now.high == 0):
        return Send(0, ZERO)
    if now.low is not None and target < now.low:
        return Send(target, LOWER)
    certain = now.low is not None and now.low == now.high
    if certain and target == now.low and not (seen.sync or row.asks_again):
        if numbers.expected_units == target or not manner.looks:
            return Leave("same")
        if _looked_lately(numbers, seen.now):
            return Leave("withheld")  # the orders behind the missing units come, or their time ends
    raising = RESTATE if now.high is None or target <= now.high else RAISE
    if certain and raising == RAISE and target - _in_listings(row, seen.withheld.possible_units) <= (now.high or 0):
        return Leave("withheld")
    if certain and row.free_units is not None and row.free_units > LOW_WATER_UNITS:
        return Send(target, raising)
    if manner.looks:
        if not numbers.read_found and _looked_lately(numbers, seen.now):
            return WaitUntil(_moment(numbers.read_at) + timedelta(seconds=NOT_FOUND_SECONDS), "not_found")
        return LookFirst(raising)
    return _after_quiet(target, raising, row, manner, seen)


def _beside_batch(target: int, row: Queued, manner: Manner) -> Decision:
    """Until the batch is finished the mall shows its number or the one before: only what is lower than both may go (D8).

    Whatever went beside it is told again after its end: which of the two came last nobody knows.
    """
    numbers, shown_soon = row.numbers, row.batch_units
    shown_now = numbers.expected_units
    if not manner.beside_batches:
        return Leave("in_batch")
    if target == 0 and (shown_now != 0 if shown_soon is None else shown_soon > 0):
        return Send(0, ZERO)
    if shown_soon is not None:  # applied already, it fell by what the mall sold since
        shown_soon -= sum(sale.quantity for sale in numbers.sales if sale.position > numbers.pending_position)
    if shown_now is not None and target < (shown_now if shown_soon is None else min(shown_now, shown_soon)):
        return Send(target, LOWER)
    return Leave("in_batch")


def _after_quiet(target: int, trigger: str, row: Queued, manner: Manner, seen: Circumstances) -> Decision:
    """The mall cannot be read: it has to be silent for the quiet time, counted from the newest thing heard of it."""
    numbers = row.numbers
    heard = [seen.waiting_since or seen.now, *([numbers.uncertain_since] if numbers.uncertain_since else [])]
    heard += [sale.ordered_at for sale in numbers.sales if sale.ordered_at is not None]
    due = max(heard) + timedelta(seconds=manner.quiet_seconds)
    return Send(target, trigger) if seen.now >= due else WaitUntil(due, "quiet")


def _rejected(target: int, numbers: Numbers, seen: Circumstances) -> Decision:
    """It left the queue for the work list; only 0 is tried again, once an hour."""
    if target != 0 or numbers.expected_units == 0:
        return Leave("rejected")
    due = seen.now if seen.tried_at is None else seen.tried_at + timedelta(seconds=ZERO_AGAIN_SECONDS)
    return Send(0, ZERO) if seen.now >= due else WaitUntil(due, "rejected_zero")


def _rest(row: Queued, now: datetime) -> datetime | None:
    """When the minimum rest at 0 ends, while it runs."""
    since = row.stopped.since
    if since is None or row.rules.settings.stop_threshold is None:
        return None
    ends = since + timedelta(seconds=row.rules.settings.minimum_rest_seconds)
    return ends if ends > now else None


def _looked_lately(numbers: Numbers, now: datetime) -> bool:
    return numbers.read_at is not None and now - numbers.read_at < timedelta(seconds=UNSEEN_SECONDS_MAX)


def _in_listings(row: Queued, units: int) -> int:
    return -(-units // row.rules.units_per_listing)


def _moment(moment: datetime | None) -> datetime:
    assert moment is not None
    return moment


def urgency(decision: Send) -> int:
    """Zeros first, then lower numbers, then the rest."""
    return {ZERO: 0, LOWER: 1}.get(decision.trigger, 2)
