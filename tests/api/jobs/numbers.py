"""Numbers of one listing by the seconds after noon: what it was told, sold and showed; and what is decided about it."""

from datetime import UTC, datetime, timedelta

from api.jobs.push_missing import Withheld
from api.jobs.push_plan import Circumstances, Decision, Manner, Queued, decide
from ledger import expected
from ledger.expected import Numbers, Sale
from ledger.facts.listing import ListingSettingsChanged
from ledger.listing import LINKED, Listing
from ledger.terms import ListingKey, utc_text

NOON = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)  # 12:00 in Japan
KEY = ListingKey("cup", "blue")
READ = Manner(units_max=99_999)
NOTHING = Withheld()
MAIL_ONLY = Manner(units_max=99_999, looks=False, quiet_seconds=120)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def told(units: int, *, seconds: float = 0.0, position: int = 10) -> Numbers:
    """The mall applied this number from us, so many seconds after noon."""
    moment = utc_text(at(seconds))
    return expected.applied(Numbers(), units=units, computed_at=position, sent_at=moment, applied_until=moment)


def sells(numbers: Numbers, *, seconds: float, position: int, quantity: int = 1, restores: str = "no") -> Numbers:
    """The mall's own order of this time was told at this position."""
    sale = Sale(position, quantity, at(seconds))
    return expected.sold(numbers, sale, lowers=True, restores=restores, told_at=at(seconds + 60))


def reads(
    numbers: Numbers, units: int | None, *, seconds: float, position: int = 50, found: bool = True, known: int = 0
) -> Numbers:
    """We read the mall's number."""
    moment = utc_text(at(seconds))
    return expected.read(numbers, units=units, found=found, read_at=moment, position=position, known_position=known)


def row(numbers: Numbers, free: int | None, *, each: int = 1, state: str = LINKED, **rules: int) -> Queued:
    settings = ListingSettingsChanged(**rules)  # type: ignore[arg-type]
    return Queued(KEY, Listing(sku="CUP", units_per_listing=each, state=state, settings=settings), numbers, free)


def decided(
    one: Queued, *, seconds: float, manner: Manner = READ, withheld: Withheld = NOTHING, **more: object
) -> Decision:
    return decide(one, manner, Circumstances(at(seconds), withheld, **more))  # type: ignore[arg-type]
