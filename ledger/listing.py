"""One listing (ショップ商品): which SKU it sells, its state, its rules; and the number it should show (反映予定数)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from ledger.booking import Recipe
from ledger.codec import Record
from ledger.facts.listing import (
    ListingConfirmed,
    ListingFact,
    ListingLinked,
    ListingRecoded,
    ListingRetired,
    ListingSettingsChanged,
    ListingStarted,
    ListingStopped,
    ResendAsked,
)
from ledger.terms import checked_sku
from ledger.view import Fold

LINKED, STOPPED, TO_CONFIRM, EXCLUDED, RETIRED = "linked", "stopped", "to_confirm", "excluded", "retired"
UNITS_PER_LISTING_MAX = 9_999
LEAD_TIME_DAYS_MAX = 30  # Amazon's own maximum
NO_RULES = ListingSettingsChanged()


class ListingNotAccepted(ValueError):
    """The listing cannot be linked, confirmed, stopped or set so; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The listing as its stream says. ``sku`` "" is 未紐付. ``settings`` are its rules."""

    sku: str = ""
    units_per_listing: int = 1
    state: str = TO_CONFIRM
    show_zero: bool = False
    codes: tuple[str, ...] = ()
    settings: ListingSettingsChanged = NO_RULES
    resend_position: int = 0
    sells_at_zero: bool = False


def evolve(state: Listing, record: Record) -> Listing:
    """The listing after one of its facts."""
    match record.fact:
        case ListingLinked() as fact:
            return Listing(
                sku=fact.sku,
                units_per_listing=fact.units_per_listing,
                state=fact.state,
                codes=tuple(fact.codes),
                settings=state.settings,
                resend_position=state.resend_position,
                sells_at_zero=fact.sells_at_zero,
            )
        case ListingConfirmed():
            return replace(state, state=LINKED, show_zero=False)
        case ListingStopped(show_zero=show_zero):
            return replace(state, state=STOPPED, show_zero=show_zero)
        case ListingStarted():
            return replace(state, state=LINKED, show_zero=False)
        case ListingRecoded() | ListingRetired():
            return replace(state, state=RETIRED)
        case ListingSettingsChanged() as settings:
            return replace(state, settings=settings)
        case ResendAsked():
            return replace(state, resend_position=record.position)
        case _:
            return state


FOLD: Fold[Listing] = Fold(Listing(), evolve)


# ------------------------------------------------------------------ decisions


def link(
    state: Listing,
    sku: str,
    *,
    units_per_listing: int = 1,
    excluded: bool = False,
    codes: Sequence[str] = (),
    sells_at_zero: bool | None = None,
) -> list[ListingLinked]:
    """The listing sells ``sku``; new or changed it is 確認待ち, 対象外 when ``excluded``. No fact when nothing new is said.

    ``sells_at_zero``: what the mall's flag says; None: nothing was said of it, it stays as it is.

    Raises SkuNotAccepted, ListingNotAccepted.
    """
    checked_sku(sku)
    if not 1 <= units_per_listing <= UNITS_PER_LISTING_MAX:
        raise ListingNotAccepted(f"入数 {units_per_listing}; expected 1 to {UNITS_PER_LISTING_MAX}")
    same = (state.sku, state.units_per_listing, state.state == EXCLUDED) == (sku, units_per_listing, excluded)
    sells = state.sells_at_zero if sells_at_zero is None else sells_at_zero
    if same and (tuple(codes), sells) == (state.codes, state.sells_at_zero) and state.state != RETIRED:
        return []
    kept = state.state if same and state.state != RETIRED else (EXCLUDED if excluded else TO_CONFIRM)
    return [
        ListingLinked(sku=sku, units_per_listing=units_per_listing, state=kept, codes=list(codes), sells_at_zero=sells)
    ]


def confirm(state: Listing, *, mall_units_seen: int | None, wanted: int | None) -> list[ListingConfirmed]:
    """確認待ち becomes 連動: a person saw both numbers. No fact when it is 連動 already. Raises ListingNotAccepted."""
    if state.state == LINKED:
        return []
    if state.state != TO_CONFIRM or not state.sku:
        raise ListingNotAccepted(f"the listing is {state.state}; expected one that waits to be confirmed (確認待ち)")
    return [ListingConfirmed(mall_units_seen=mall_units_seen, wanted=wanted)]


def stop(state: Listing, *, show_zero: bool) -> list[ListingStopped]:
    """停止: the mall keeps what it shows, or is told 0 first. Raises ListingNotAccepted.

    One that waits to be confirmed is told nothing as it is; stopped and started it would be told without a person's look (D21).
    """
    if state.state == STOPPED and state.show_zero == show_zero:
        return []
    if state.state not in (LINKED, STOPPED):
        raise ListingNotAccepted(f"the listing is {state.state}; expected one that is linked (連動): confirm it first")
    return [ListingStopped(show_zero=show_zero)]


def start(state: Listing) -> list[ListingFact]:
    """連動 again after 停止. Raises ListingNotAccepted."""
    if state.state == LINKED:
        return []
    if state.state != STOPPED:
        raise ListingNotAccepted(f"the listing is {state.state}; expected a stopped one (停止)")
    return [ListingStarted()]


def change_settings(state: Listing, settings: ListingSettingsChanged) -> list[ListingFact]:
    """The listing's rules from here on; no fact when they are the same. Raises ListingNotAccepted.

    What the mall is told beside the number (lead time, restock date, its own items) is told at once where the listing is 連動.
    """
    if (
        settings.reserve < 0
        or not 1 <= settings.share_percent <= 100
        or (settings.cap is not None and settings.cap < 0)
    ):
        raise ListingNotAccepted(
            f"reserve {settings.reserve}, share {settings.share_percent} %, cap {settings.cap};"
            " expected reserve and cap from 0, share from 1 to 100 %"
        )
    threshold, resume = settings.stop_threshold, settings.resume_level
    if (threshold is not None and threshold < 0) or settings.minimum_rest_seconds < 0:
        raise ListingNotAccepted(
            f"stop threshold {threshold}, minimum rest {settings.minimum_rest_seconds} s; expected both from 0"
        )
    if threshold is not None and resume is not None and resume <= threshold:
        raise ListingNotAccepted(f"resume level {resume}; expected more than the stop threshold {threshold}")
    if settings.lead_time_days is not None and not 0 <= settings.lead_time_days <= LEAD_TIME_DAYS_MAX:
        raise ListingNotAccepted(
            f"lead time {settings.lead_time_days} days; expected 0 to {LEAD_TIME_DAYS_MAX}, or none"
        )
    if settings.restock_on is not None and not _is_day(settings.restock_on):
        raise ListingNotAccepted(f"restock date {settings.restock_on!r}; expected a day such as 2026-12-24, or none")
    if settings == state.settings:
        return []
    return [
        settings,
        *([ResendAsked()] if state.state == LINKED and _beside(settings) != _beside(state.settings) else []),
    ]


def _beside(settings: ListingSettingsChanged) -> tuple[object, ...]:
    """What the mall is told beside the number."""
    own = list(zip(settings.own_item_names, settings.own_item_values, strict=True))
    return settings.lead_time_days, settings.restock_on, own


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def wait(state: Listing) -> list[ListingLinked]:
    """確認待ち again, as a new listing is: it is told nothing until a person saw the mall's number beside ours. Raises ListingNotAccepted."""
    if state.state == TO_CONFIRM and state.sku:
        return []
    if state.state not in (LINKED, STOPPED):
        raise ListingNotAccepted(f"the listing is {state.state}; expected one that is linked (連動) or stopped (停止)")
    return [
        ListingLinked(
            sku=state.sku,
            units_per_listing=state.units_per_listing,
            state=TO_CONFIRM,
            codes=list(state.codes),
            sells_at_zero=state.sells_at_zero,
        )
    ]


# ------------------------------------------------------------------ the number it should show


@dataclass(frozen=True, slots=True)
class Stopped:
    """Whether the stop threshold holds the listing at 0, and since when; what the clock adds is the caller's."""

    since: datetime | None = None


def free_of(frees: Sequence[int | None], recipe: Recipe) -> int | None:
    """free_units of a SKU: its own, or what can be built of a set's components (D13). None: 在庫未登録.

    ``frees`` are those of the components in the recipe's order, or the one of the SKU itself.
    """
    if not recipe.components:
        (free,) = frees
        return free
    if any(free is None for free in frees):
        return None
    return max(0, min(int(free or 0) // units for free, units in zip(frees, recipe.units, strict=True)))


def wanted(
    listing: Listing,
    free: int | None,
    *,
    units_max: int,
    stopped: Stopped = Stopped(),
    now: datetime | None = None,
    shares_floor_to_zero: bool = False,
    withheld_units: int = 0,
) -> int | None:
    """反映予定数, counted in listings: what the listing should show now. None: it is not told anything.

    free less the listing's reserve, times its share (floored; when every share of the SKU floors to 0 the first-choice
    listing shows the rest), at most its cap and the mall's ``units_max``, divided by 入数; 0 when free is at or below the
    stop threshold, until the resume level and the minimum rest. ``withheld_units``: unseen units a look found.
    """
    if listing.state == STOPPED and listing.show_zero:
        return 0
    if listing.state != LINKED or not listing.sku or free is None:
        return None
    rules = listing.settings
    free -= withheld_units
    if rules is NO_RULES:  # nearly all: what follows would say the same
        return min(max(0, free) // listing.units_per_listing, units_max)
    if free <= 0 or _held_at_zero(rules, free, stopped, now):
        return 0
    left = max(0, free - rules.reserve)
    share = left * rules.share_percent // 100
    if share == 0 and left > 0 and shares_floor_to_zero and rules.first_choice:
        share = left
    capped = share if rules.cap is None else min(share, rules.cap)
    return min(capped // listing.units_per_listing, units_max)


def _held_at_zero(rules: ListingSettingsChanged, free: int, stopped: Stopped, now: datetime | None) -> bool:
    if rules.stop_threshold is None:
        return False
    if free <= rules.stop_threshold:
        return True
    if stopped.since is None:
        return False
    resume = rules.stop_threshold + 1 if rules.resume_level is None else rules.resume_level
    rested = now is None or (now - stopped.since).total_seconds() >= rules.minimum_rest_seconds
    return free < resume or not rested
