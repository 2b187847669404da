"""Words the ledger shares with the malls: what an order says, what a listing is told, what a mall answered.

Nothing here can hold a person: an order has a number, codes, units and times, and no other text.
Units are whole pieces (個). Times are aware datetimes in UTC; a date in Japan is a ``date``.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

SKU_CHARACTERS_MAX = 200  # product.md: a SKU is 1..200 characters, kept exactly
CODE_CHARACTERS_MAX = 200  # the longest item or variant code of any mall of the seed is 99 (Yahoo!) to 100 characters
UNITS_MAX = 9_999_999  # the widest count of any stock file; a mall's own maximum is its declaration's units_max
MAIN_PLACE = "main"


class SkuNotAccepted(ValueError):
    """The text is not a SKU: 1 to 200 characters without control characters are expected."""


class UnitsNotAccepted(ValueError):
    """The count is not one Daicho keeps: a whole number from 0 to 9,999,999 is expected."""


class Door(StrEnum):
    """The way a telling came. Order of richness: ``RICHNESS``."""

    MAIL = "mail"
    CSV = "csv"
    WEBHOOK = "webhook"
    API = "api"
    PERSON = "person"


RICHNESS: dict[str, int] = {Door.MAIL: 1, Door.CSV: 2, Door.WEBHOOK: 3, Door.API: 4, Door.PERSON: 5}


class OrderState(StrEnum):
    """What the mall says of the whole order: 仮, モール確認待ち, 確定, 出荷済, キャンセル."""

    PROVISIONAL = "provisional"
    MALL_CHECKING = "mall_checking"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class CancelReason(StrEnum):
    """Why a mall says an order was cancelled; decides where the units go (D9)."""

    BUYER = "buyer"
    UNPAID = "unpaid"
    OUT_OF_STOCK = "out_of_stock"
    DEFECTIVE = "defective"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ListingKey:
    """One page, or one variant of one page, in one shop: the mall's own codes, exactly as the mall keeps them."""

    item: str
    variant: str = ""

    def __str__(self) -> str:
        return f"{self.item}/{self.variant}" if self.variant else self.item


@dataclass(frozen=True, slots=True)
class TellingLine:
    """One line of an order as told. ``quantity`` counts the listing, before 入数.

    ``item`` and ``variant`` are the codes as this door writes them; a mail may name a product by another
    field than the listing's own key (Rakuten's 商品番号), so ``codes`` holds every further code of the line
    that may name the listing, best first. ``quantity_known`` False: the telling did not say, at least 1. ``sku``: the line
    names the merchant's own SKU itself, and no listing; ``item`` is then the SKU too.
    """

    item: str
    variant: str
    quantity: int
    quantity_known: bool = True
    line_id: str = ""
    codes: tuple[str, ...] = ()
    sku: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """One statement of a mall about one order, by one door.

    ``complete`` True: it names every line of the order; False: it changes only what it names (a cancel mail,
    a one-SKU mail). ``ordered_on`` alone (``ordered_at`` None) means that only the date in Japan is known.
    ``revision`` is the mall's own rising number of the order, None where it has none; ``told_at`` is when the
    mall made the statement (mail Date, update time). ``parser_version`` rises with each change of the reader.
    """

    order: str
    door: Door
    told_at: datetime
    state: OrderState
    complete: bool
    verified: bool
    lines: tuple[TellingLine, ...]
    parser_version: int
    ordered_at: datetime | None = None
    ordered_on: date | None = None
    revision: int | None = None
    reason: CancelReason | None = None


@dataclass(frozen=True, slots=True)
class ListingLevel:
    """The number one listing is to show, counted in listings (already divided by 入数). Never negative.

    ``lead_time_days``, ``restock_on`` (a day in Japan) and ``own_items`` (name, value: モール独自の項目) are told with it where the
    merchant set them and the mall takes them; None and empty leave the mall's as they are.
    """

    key: ListingKey
    units: int
    lead_time_days: int | None = None
    restock_on: str = ""
    own_items: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ListingRead:
    """The number a mall showed for one listing. ``units`` None: unlimited or not set, which is not zero."""

    key: ListingKey
    units: int | None
    found: bool = True
    sellable: bool = True


class Result(StrEnum):
    """How a mall answered for one listing of one push request.

    accepted: taken, applied later. applied: the mall shows it. refused: the whole batch was refused, nothing
    written, this row was not at fault. rejected: this listing is at fault. rejected_auth: our key is not
    accepted. throttled: too fast. transient: try again, nothing was written. unknown: it may have been applied.
    """

    ACCEPTED = "accepted"
    APPLIED = "applied"
    REFUSED = "refused"
    REJECTED = "rejected"
    REJECTED_AUTH = "rejected_auth"
    THROTTLED = "throttled"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mall's answer for one listing. ``code`` is the mall's own code, never its free text."""

    result: Result
    code: str = ""
    wait_seconds: float = 0.0


@lru_cache(maxsize=4_096)
def utc_text(moment: datetime) -> str:
    """The moment as facts keep it: UTC, six digits of a second, Z. Texts sort as the moments do."""
    assert moment.tzinfo is not None, "a moment without a zone is not a moment"
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@lru_cache(maxsize=4_096)
def utc_moment(text: str) -> datetime:
    """The moment a fact keeps as text. Raises ValueError for text that ``utc_text`` did not write."""
    if not text.endswith("Z"):
        raise ValueError(f"time {text!r}; expected UTC text ending in Z")
    return datetime.fromisoformat(text)


def latest_of(ordered_at: datetime, known_at: datetime | None = None) -> datetime:
    """When an order of this time was placed at the latest: at second 0 its mall may give no seconds, so within the minute.

    It was placed before it was known (``known_at``).
    """
    if ordered_at.second or ordered_at.microsecond:
        return ordered_at
    latest = ordered_at + timedelta(seconds=59)
    return latest if known_at is None else max(ordered_at, min(latest, known_at))


def checked_sku(text: str) -> str:
    """The text itself, when it is a SKU. Raises SkuNotAccepted."""
    if not 1 <= len(text) <= SKU_CHARACTERS_MAX:
        raise SkuNotAccepted(f"SKU of {len(text)} characters; expected 1 to {SKU_CHARACTERS_MAX}")
    bad = next((c for c in text if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000), None)
    if bad is not None:
        raise SkuNotAccepted(
            f"SKU with control character U+{ord(bad):04X} at place {text.index(bad) + 1}; expected none"
        )
    return text


def checked_units(units: int, *, what: str = "units") -> int:
    """The count itself, when it is 0 to UNITS_MAX. Raises UnitsNotAccepted."""
    if not 0 <= units <= UNITS_MAX:
        raise UnitsNotAccepted(f"{what}: {units}; expected a whole number from 0 to {UNITS_MAX:,}")
    return units
