"""Facts of ``stock:<place>:<sku>``: every change of units at one place.

Every fact says what it left behind: ``before`` and ``after`` are available_units (想定在庫数) around it and
``on_hand`` is on_hand_units after it; None means that the SKU has no number yet (在庫未登録), which is not zero.
"""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a stock fact leaves behind."""

    before: int | None
    after: int | None
    on_hand: int | None


@dataclass(frozen=True, kw_only=True)
class StockOverwritten(Left):
    """上書き. The envelope's ``at`` is counted_at: when the number was true.

    ``units`` is the number as stated for ``target`` ("available" 想定, "on_hand" 実); ``applied_on_top`` is the sum of
    changes that the number could not know: moved since, or owed (不足) at its time when it was said to be before them.
    ``covers_*`` are parallel: shop ("" what has no shop, "*" every other), the time up to which its sales are inside
    the number, and the position up to which they are (0: by time). With a position the time is what the number takes
    over from the count before it, "" when it takes over none: an order of this shop that is told late is inside when
    it was placed up to that time.
    ``seen_*`` are the numbers other malls stated when this one was chosen (D5).
    """

    target: str
    units: int
    applied_on_top: int
    import_id: str | None = None
    row: int | None = None
    covers_shops: list[str]
    covers_up_to: list[str]
    covers_up_to_position: list[int]
    seen_shops: list[str]
    seen_units: list[int]
    seen_counted_at: list[str]


@dataclass(frozen=True, kw_only=True)
class StockAdded(Left):
    """追加: a mall's part of divided stock summed in. ``shop`` None: not a mall's part. ``at`` is counted_at."""

    units: int
    shop: str | None
    applied_on_top: int = 0
    import_id: str | None = None
    row: int | None = None


@dataclass(frozen=True, kw_only=True)
class SetUpPartReplaced(Left):
    """A second 追加 of one shop replaced that shop's part (D6)."""

    shop: str
    units_before: int
    units_after: int
    applied_on_top: int = 0
    import_id: str | None = None
    row: int | None = None


@dataclass(frozen=True, kw_only=True)
class NumberUndone(Left):
    """What an import set is taken back: the SKU's number, and what it knows, are those before it; None: 在庫未登録 again.

    ``import_id`` is the import that was undone. ``counted_*`` say of the last 上書き or 棚卸 before it what stock_levels says,
    ``counts_*`` (parallel) what stock_counts says of each shop: "" no time, part -1 no part, position -1 no count.
    """

    import_id: str
    row: int | None
    counted_position: int
    counted_at: str
    counted_by: str
    counted_plainly: bool
    counts_shops: list[str]
    counts_up_to: list[str]
    counts_positions: list[int]
    counts_parts: list[int]


@dataclass(frozen=True, kw_only=True)
class StockReceived(Left):
    """入荷, keyed for ever by receipt slip and line. ``units`` below zero undoes."""

    receipt: str
    line: str
    units: int


@dataclass(frozen=True, kw_only=True)
class StockReturned(Left):
    """返品. ``to`` is good, defective or scrap. ``order`` "" when it is not known."""

    order: str
    units: int
    to: str


@dataclass(frozen=True, kw_only=True)
class StockTakenOut(Left):
    """払出, with a reason code."""

    reason: str
    units: int


@dataclass(frozen=True, kw_only=True)
class StockMoved(Left):
    """移動: stands on the stream of both places."""

    from_place: str
    to_place: str
    units: int


@dataclass(frozen=True, kw_only=True)
class DefectiveMarked(Left):
    units: int


@dataclass(frozen=True, kw_only=True)
class DefectiveCleared(Left):
    units: int


@dataclass(frozen=True, kw_only=True)
class StocktakeVariance(Left):
    """棚卸差異. ``counted`` is what was on the shelf at ``at``; ``applied_on_top`` what moved since."""

    stocktake: str
    counted: int
    on_hand_before: int | None
    applied_on_top: int
    picked_in: bool


@dataclass(frozen=True, kw_only=True)
class StockUnified(Left):
    """The SKU was made one with ``other_sku``, or parted from it again: ``on_hand`` is what is here from now on.

    ``choice``: whose units count, sum, from or into; undo: what was given back. ``defective_units`` and ``undecided_units``
    came here (below zero: left). ``covers_*`` are parallel: the shops whose sales up to that time the number knows.
    """

    other_sku: str
    choice: str
    on_hand_before: int | None
    defective_units: int
    undecided_units: int
    covers_shops: list[str]
    covers_up_to: list[str]


@dataclass(frozen=True, kw_only=True)
class StockAllocated(Left):
    """引当. ``units`` of this SKU for ``order``; ``sku_told`` is what was ordered (the set, when it is one).

    ``recipe_version`` 0: no set. ``components`` and ``component_units`` are the whole recipe that was used.
    """

    order: str
    listing: str
    sku_told: str
    units: int
    recipe_version: int = 0
    components: list[str]
    component_units: list[int]


@dataclass(frozen=True, kw_only=True)
class AllocatedAsCounted(Left):
    """計上済: an order that was already inside the number of ``against_position``; available stays (D2)."""

    order: str
    sku_told: str
    units: int
    against_position: int
    on_hand_before: int | None
    listing: str = ""
    recipe_version: int = 0
    components: list[str] = field(default_factory=list)
    component_units: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class CountedReversed(Left):
    """A person says the order was not inside the number after all: available falls by ``units``."""

    order: str
    sku_told: str
    units: int


@dataclass(frozen=True, kw_only=True)
class AllocationReleased(Left):
    """引当解除. ``to``: sale, short_pick (欠品), defective, undecided (欠品調査中), or counted (the number of a mall's file,
    made after the cancel, has the units back already). ``mall_restored``: yes, no, unknown.
    """

    order: str
    sku_told: str
    units: int
    to: str
    mall_restored: str


@dataclass(frozen=True, kw_only=True)
class UndecidedSettled(Left):
    """A person looked: the undecided units of ``order`` go to sale, short_pick or defective."""

    order: str
    units: int
    to: str


@dataclass(frozen=True, kw_only=True)
class StockShipped(Left):
    """出荷確定. ``assumed``: closed after the shop's days without a shipping source (D12)."""

    order: str
    sku_told: str
    units: int
    assumed: bool


@dataclass(frozen=True, kw_only=True)
class HoldTaken(Left):
    hold: str
    units: int


@dataclass(frozen=True, kw_only=True)
class HoldReturned(Left):
    hold: str
    units: int


@dataclass(frozen=True, kw_only=True)
class AuctionKept(Left):
    """A running auction keeps ``units`` from every other listing (D26)."""

    shop: str
    listing: str
    units: int


@dataclass(frozen=True, kw_only=True)
class AuctionReturned(Left):
    shop: str
    listing: str
    units: int


StockFact: TypeAlias = (
    StockOverwritten
    | StockAdded
    | SetUpPartReplaced
    | NumberUndone
    | StockReceived
    | StockReturned
    | StockTakenOut
    | StockMoved
    | DefectiveMarked
    | DefectiveCleared
    | StocktakeVariance
    | StockUnified
    | StockAllocated
    | AllocatedAsCounted
    | CountedReversed
    | AllocationReleased
    | UndecidedSettled
    | StockShipped
    | HoldTaken
    | HoldReturned
    | AuctionKept
    | AuctionReturned
)
