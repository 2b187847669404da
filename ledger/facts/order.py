"""Facts of ``order:<shop>:<number>``: what was told of one order and what the ledger booked for it.

Every fact that books carries the booking, so that the order stream alone says what the order holds:
parallel lists, one entry for each SKU stream that was written in the same commit.
"""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class Booked:
    """What one order fact booked. ``booked_how``: allocated, counted, released, shipped, reversed or settled.

    ``booked_told`` is the SKU that was ordered (the set, when it is one) and ``booked_told_units`` its units;
    ``booked_skus`` and ``booked_units`` are the stream that was written and its units. ``booked_recipes`` is
    the set's recipe version (0: no set). ``booked_to`` says where released or settled units went.
    ``sold_*`` is what the mall took from its own number (below zero: given back), counted in listings: the difference
    the fact made to what the order states. A listing stands twice when it was sold and given back before we were told.
    ``sold_at`` is when the mall took them, None where that is not known (only the date, or an order that was changed).
    The expected number of a listing is made from these. ``reviews_opened`` are codes of 要確認 that the fact itself
    opens: ``no_number:<SKU>`` (在庫未登録), ``unusual_units``, ``unusual_rate`` (an unverified mail above the usual).
    """

    booked_how: list[str] = field(default_factory=list)
    booked_told: list[str] = field(default_factory=list)
    booked_told_units: list[int] = field(default_factory=list)
    booked_skus: list[str] = field(default_factory=list)
    booked_units: list[int] = field(default_factory=list)
    booked_recipes: list[int] = field(default_factory=list)
    booked_to: list[str] = field(default_factory=list)
    sold_listings: list[str] = field(default_factory=list)
    sold_quantities: list[int] = field(default_factory=list)
    sold_at: str | None = None
    reviews_opened: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class OrderTold(Booked):
    """One telling, by one door; also of a cancel. Lines are parallel lists.

    ``items`` and ``variants`` are the codes as told, ``codes`` further codes of the line (tab-separated),
    ``listings`` the listing they named (ListingKey as ``keys.listing_text``; "" 未紐付), ``skus`` and ``units``
    what one such line takes (0 and "" when 未紐付), ``marks`` "" or "excluded" (対象外).
    ``ordered_precision``: second, date or none.
    """

    order: str
    shop: str
    door: str
    revision: int | None
    ordered_at: str | None
    ordered_precision: str
    told_at: str
    complete: bool
    verified: bool
    state: str
    reason: str | None
    parser_version: int
    inbox_id: str | None
    items: list[str]
    variants: list[str]
    codes: list[str]
    quantities: list[int]
    units_known: list[bool]
    listings: list[str]
    skus: list[str]
    units: list[int]
    marks: list[str]
    line_ids: list[str]


@dataclass(frozen=True, kw_only=True)
class OrderVerified(Booked):
    """A person or the mall's API confirmed what unverified mails told; ``by`` is person or api.

    ``positions`` are those of the tellings that are confirmed; a mail that comes later is not.
    """

    by: str
    positions: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class LineLinked(Booked):
    """A line that was 未紐付 names a listing and its SKU from here on. ``mark`` as in OrderTold: "" or "excluded" (対象外)."""

    item: str
    variant: str
    codes: str
    listing: str
    sku: str
    units_per_listing: int
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class ShipmentTold(Booked):
    """出荷: of the whole order, of SKUs or of listings (``scope``). ``cumulative`` False: one parcel, with its ``slip``."""

    scope: str
    skus: list[str]
    listings: list[str]
    units: list[int]
    cumulative: bool
    slip: str
    shipped_on: str | None
    source: str


@dataclass(frozen=True, kw_only=True)
class ShipmentAssumed(Booked):
    """Open lines were closed after ``days`` without a shipping source (D12)."""

    days: int


@dataclass(frozen=True, kw_only=True)
class CountedReviewed(Booked):
    """A person reversed 計上済: the order was not inside the number after all."""

    sku: str


@dataclass(frozen=True, kw_only=True)
class AllocationMoved(Booked):
    """Open units that were allocated to ``from_sku`` are allocated to ``into_sku``, which is the same goods.

    ``told``: only those ordered as this SKU; "": however they were ordered. ``undecided``: units that wait for a person move too.
    """

    from_sku: str
    into_sku: str
    told: str = ""
    undecided: bool = False


@dataclass(frozen=True, kw_only=True)
class ReturnOpened:
    """返品待ち: units that had left were cancelled. ``assumed`` True: it was only assumed that they left (要確認)."""

    skus: list[str]
    units: list[int]
    assumed: bool


@dataclass(frozen=True, kw_only=True)
class ReturnTaken:
    """返品: ``units`` of the SKU told that had left came back, or are known to be gone. ``to``: good, defective or scrap."""

    sku: str
    units: int
    to: str


@dataclass(frozen=True, kw_only=True)
class ReviewDone(Booked):
    """A person closed one 要確認: ``what`` is the code of the mark, ``answer`` the code of what was decided."""

    what: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class PrioritySet:
    priority: int


@dataclass(frozen=True, kw_only=True)
class ServedMoved:
    """引当の付け替え: units on hand that served this order serve ``to_order`` (stream part shop:number)."""

    sku: str
    to_order: str
    units: int


OrderFact: TypeAlias = (
    OrderTold
    | OrderVerified
    | LineLinked
    | ShipmentTold
    | ShipmentAssumed
    | CountedReviewed
    | AllocationMoved
    | ReturnOpened
    | ReturnTaken
    | ReviewDone
    | PrioritySet
    | ServedMoved
)
