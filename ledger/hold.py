"""取り置き: units of one SKU promised to the merchant's own reference number until a JST date-time."""

from dataclasses import dataclass, replace
from datetime import datetime

from ledger.codec import Record
from ledger.facts.load import HoldAsked, HoldConsumed, HoldExpired, HoldExtended, HoldMoved, HoldPlaced, HoldReleased
from ledger.terms import MAIN_PLACE, UnitsNotAccepted, checked_units, utc_moment, utc_text
from ledger.view import Fold

REFERENCE_CHARACTERS_MAX = 100
ON_EXPIRY = ("release", "ask")


class HoldNotAccepted(ValueError):
    """The hold cannot be placed, extended, consumed or ended so; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The hold as its stream says. ``units`` are those still held; 0 when it ended."""

    placed: bool = False
    reference: str = ""
    place: str = MAIN_PLACE
    sku: str = ""
    units: int = 0
    ends_at: datetime | None = None
    on_expiry: str = "ask"
    asked: bool = False


def evolve(hold: Hold, record: Record) -> Hold:
    """The hold after one of its facts."""
    match record.fact:
        case HoldPlaced() as fact:
            return Hold(
                True, fact.reference, fact.place, fact.sku, fact.units, utc_moment(fact.ends_at), fact.on_expiry
            )
        case HoldExtended(ends_at=ends_at):
            return replace(hold, ends_at=utc_moment(ends_at), asked=False)
        case HoldAsked():
            return replace(hold, asked=True)
        case HoldMoved(sku=sku):
            return replace(hold, sku=sku)
        case HoldConsumed(units=units) | HoldExpired(units=units) | HoldReleased(units=units):
            return replace(hold, units=hold.units - units)
        case _:
            return hold


FOLD: Fold[Hold] = Fold(Hold(), evolve)


def place(
    hold: Hold, *, reference: str, sku: str, units: int, ends_at: datetime, on_expiry: str, now: datetime
) -> list[HoldPlaced]:
    """The units are promised. The same hold again is harmless. Raises HoldNotAccepted, UnitsNotAccepted."""
    if not checked_units(units, what="units to hold"):
        raise UnitsNotAccepted("units to hold: 0; expected 1 or more")
    if not 1 <= len(reference) <= REFERENCE_CHARACTERS_MAX:
        raise HoldNotAccepted(
            f"reference of {len(reference)} characters; expected the merchant's own number, 1 to {REFERENCE_CHARACTERS_MAX}"
        )
    if on_expiry not in ON_EXPIRY:
        raise HoldNotAccepted(f"on expiry {on_expiry!r}; expected release or ask")
    if ends_at <= now:
        raise HoldNotAccepted(f"ends at {utc_text(ends_at)}; expected a time after now, {utc_text(now)}")
    if hold.placed:
        raise HoldNotAccepted("the hold exists already; expected a new hold id, or extend it")
    return [
        HoldPlaced(
            reference=reference, place=MAIN_PLACE, sku=sku, units=units, ends_at=utc_text(ends_at), on_expiry=on_expiry
        )
    ]


def extend(hold: Hold, ends_at: datetime, now: datetime) -> list[HoldExtended]:
    """The hold ends later. Raises HoldNotAccepted."""
    _running(hold)
    if ends_at <= now:
        raise HoldNotAccepted(f"ends at {utc_text(ends_at)}; expected a time after now, {utc_text(now)}")
    return [] if hold.ends_at == ends_at else [HoldExtended(ends_at=utc_text(ends_at))]


def consume(hold: Hold, order: str, sku: str, units: int) -> list[HoldConsumed]:
    """An order takes up to ``units`` of the hold in its own commit. Raises HoldNotAccepted."""
    _running(hold)
    if hold.sku != sku:
        raise HoldNotAccepted(f"the hold is of {hold.sku}; expected one of {sku}")
    return [HoldConsumed(order=order, units=min(units, hold.units))]


def expire(hold: Hold, now: datetime) -> list[HoldExpired | HoldAsked]:
    """Its time is over: the units are free again, or a person is asked. Nothing when it ended or runs on."""
    if not hold.units or hold.ends_at is None or hold.ends_at > now:
        return []
    if hold.on_expiry == "release":
        return [HoldExpired(units=hold.units)]
    return [] if hold.asked else [HoldAsked()]


def release(hold: Hold) -> list[HoldReleased]:
    """A person ended it: the units are free again. Twice is harmless."""
    return [HoldReleased(units=hold.units)] if hold.units else []


def _running(hold: Hold) -> None:
    if not hold.units:
        raise HoldNotAccepted("the hold is not running; expected one with units still held")
