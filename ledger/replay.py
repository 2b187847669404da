"""I1: every number of stock worked out again from the units of the facts alone, and held against what each fact says.

``stock.evolve`` takes on_hand from the fact; here it is added up from the units that moved, so that a fault of a decision is
found although every reader repeats it. One ``Units`` is what the facts of one SKU at one place add up to.
"""

from datetime import datetime
from typing import assert_never

from ledger.facts.sku import (
    BecameAlias,
    CeasedAlias,
    KeptBackSet,
    SetDefined,
    SkuFact,
    SkuRegistered,
    SkuRenamed,
    SkusUnified,
    SkusUnifiedUndone,
)
from ledger.facts.stock import (
    AllocatedAsCounted,
    AllocationReleased,
    AuctionKept,
    AuctionReturned,
    CountedReversed,
    DefectiveCleared,
    DefectiveMarked,
    HoldReturned,
    HoldTaken,
    NumberUndone,
    SetUpPartReplaced,
    StockAdded,
    StockAllocated,
    StockFact,
    StockMoved,
    StockOverwritten,
    StockReceived,
    StockReturned,
    StockShipped,
    StockTakenOut,
    StocktakeVariance,
    StockUnified,
    UndecidedSettled,
)
from ledger.levels import STANDS_FOR_ANOTHER, called_by
from ledger.terms import utc_moment, utc_text

NEVER_BELOW_ZERO = ("allocated", "held", "kept_back", "auction_kept", "defective", "undecided")


class Units:
    """What the facts of one SKU at one place add up to. Mutable: a million facts are added one by one."""

    __slots__ = (
        "allocated",
        "auction_kept",
        "called",
        "counted_at",
        "counted_by",
        "counted_plainly",
        "counted_position",
        "defective",
        "held",
        "kept_back",
        "on_hand",
        "position",
        "recipe_version",
        "sku_version",
        "undecided",
        "version",
    )

    def __init__(self) -> None:
        self.version = 0
        self.on_hand: int | None = None
        self.allocated = 0
        self.held = 0
        self.kept_back = 0
        self.auction_kept = 0
        self.defective = 0
        self.undecided = 0
        self.counted_position = 0
        self.counted_at: datetime | None = None
        self.counted_by = ""
        self.position = 0
        self.sku_version = 0
        self.recipe_version = 0
        self.called = 0
        self.counted_plainly = False

    @property
    def available(self) -> int | None:
        return None if self.on_hand is None else self.on_hand - self.allocated

    def level(self) -> tuple[object, ...]:
        """The values in the order of ``LEVEL_COLUMNS``."""
        return (
            self.version,
            self.on_hand,
            self.allocated,
            self.held,
            self.kept_back,
            self.auction_kept,
            self.defective,
            self.undecided,
            self.counted_position,
            self.counted_at,
            self.counted_by,
            self.position,
            self.sku_version,
            self.recipe_version,
            self.called,
            self.counted_plainly,
        )

    def keep_back(self, fact: KeptBackSet, position: int) -> None:
        """保留在庫数 is this from here on."""
        self.kept_back = fact.units
        self.position = position

    def of_sku(self, fact: SkuFact, version: int, position: int) -> None:
        """A fact of the SKU itself; it stands in the row of the main place."""
        self.sku_version, self.position = version, position
        if isinstance(fact, SkuRegistered | SkuRenamed):
            self.called = called_by(fact.name, fact.jan, fact.product)
        elif isinstance(fact, SetDefined):
            self.recipe_version = fact.recipe_version if fact.components else 0
        elif isinstance(fact, SkusUnified | BecameAlias):
            self.recipe_version = STANDS_FOR_ANOTHER
        elif isinstance(fact, SkusUnifiedUndone | CeasedAlias):
            self.recipe_version = 0

    def add(self, place: str, fact: StockFact, at: datetime, position: int) -> str | None:
        """The fact's units are added; the answer is the first thing the fact says that does not follow, None when all does.

        What a fact says is taken over where it differs, so that one fault is told once.
        """
        before, on_hand_before = self.available, self.on_hand
        self._move(place, fact)
        self.version += 1
        self.position = position
        if isinstance(fact, StocktakeVariance):
            self.counted_position, self.counted_plainly = position, False
        if isinstance(fact, StockUnified):
            self.counted_position, self.counted_at, self.counted_by, self.counted_plainly = position, at, "", False
        if isinstance(fact, StockOverwritten):
            self.counted_position, self.counted_at = position, at
            # The shop whose own file it was stands first; "*" is every shop: our own number, or a person's.
            self.counted_by = fact.covers_shops[0].removeprefix("*") if fact.covers_shops else ""
            self.counted_plainly = (
                fact.target == "available"
                and len(fact.covers_shops) == 1
                and fact.covers_up_to_position == [0]
                and fact.covers_up_to == [utc_text(at)]
            )
        if isinstance(fact, NumberUndone):
            self.counted_position, self.counted_by = fact.counted_position, fact.counted_by
            self.counted_at = utc_moment(fact.counted_at) if fact.counted_at else None
            self.counted_plainly = fact.counted_plainly
        wrong = (
            _differs("before", fact.before, before)
            or _differs("on_hand", fact.on_hand, self.on_hand)
            or _differs("after", fact.after, self.available)
            or _wrong_inside(fact, on_hand_before)
            or self._below_zero()
        )
        self.on_hand = fact.on_hand
        return wrong

    def _below_zero(self) -> str | None:
        if min(self.allocated, self.held, self.kept_back, self.auction_kept, self.defective, self.undecided) >= 0:
            return None
        name = next(name for name in NEVER_BELOW_ZERO if getattr(self, name) < 0)
        return f"leaves {name} at {getattr(self, name)}; expected 0 or more"

    def _move(self, place: str, fact: StockFact) -> None:
        match fact:
            case StockAllocated(units=units):
                self.allocated += units
            case StockShipped(units=units):
                self.allocated -= units
                self._lift(-units)
            case AllocationReleased(units=units, to=to):
                self.allocated -= units
                if to != "sale":
                    self._lift(-units)
                self.defective += units if to == "defective" else 0
                self.undecided += units if to == "undecided" else 0
            case StockOverwritten(target=target, units=units, applied_on_top=on_top):
                self.on_hand = units + on_top + (self.allocated if target == "available" else 0)
            case StockAdded(units=units, applied_on_top=on_top):
                self._set_available((self.available or 0) + units + on_top)
            case SetUpPartReplaced(units_before=units_before, units_after=units_after, applied_on_top=on_top):
                self._set_available((self.available or 0) + units_after - units_before + on_top)
            case AllocatedAsCounted(units=units):
                self.allocated += units
                self._lift(units)
            case NumberUndone(on_hand=on_hand):
                self.on_hand = on_hand  # as before the import that is undone
            case _:
                self._move_rarely(place, fact)

    def _move_rarely(
        self,
        place: str,
        fact: CountedReversed
        | UndecidedSettled
        | StockReceived
        | StockReturned
        | StockTakenOut
        | StockMoved
        | DefectiveMarked
        | DefectiveCleared
        | StocktakeVariance
        | StockUnified
        | HoldTaken
        | HoldReturned
        | AuctionKept
        | AuctionReturned,
    ) -> None:
        match fact:
            case StockReceived(units=units):
                self.on_hand = (self.on_hand or 0) + units
            case StockMoved(from_place=from_place, to_place=to_place, units=units):
                self.on_hand = (
                    (self.on_hand or 0) + (units if place == to_place else 0) - (units if place == from_place else 0)
                )
            case StocktakeVariance(on_hand=on_hand):
                self.on_hand = on_hand  # a count says what is there; how it came to it is beside it in the fact
            case StockUnified(on_hand=on_hand, defective_units=defective, undecided_units=undecided):
                self.on_hand = on_hand
                self.defective += defective
                self.undecided += undecided
            case CountedReversed(units=units) | StockTakenOut(units=units):
                self._lift(-units)
            case UndecidedSettled(units=units, to=to):
                self.undecided -= units
                self.defective += units if to == "defective" else 0
                self._lift(units if to == "sale" else 0)
            case StockReturned(units=units, to=to):
                self.defective += units if to == "defective" else 0
                self._lift(units if to == "good" else 0)
            case DefectiveMarked(units=units):
                self.defective += units
                self._lift(-units)
            case DefectiveCleared(units=units):
                self.defective -= units
                self._lift(units)
            case HoldTaken(units=units):
                self.held += units
            case HoldReturned(units=units):
                self.held -= units
            case AuctionKept(units=units):
                self.auction_kept += units
            case AuctionReturned(units=units):
                self.auction_kept -= units
            case _:
                assert_never(fact)

    def _lift(self, units: int) -> None:
        if self.on_hand is not None:  # 在庫未登録 stays without a number
            self.on_hand += units

    def _set_available(self, units: int) -> None:
        self.on_hand = units + self.allocated


LEVEL_COLUMNS = (
    "version",
    "on_hand",
    "allocated",
    "held",
    "kept_back",
    "auction_kept",
    "defective",
    "undecided",
    "counted_position",
    "counted_at",
    "counted_by",
    "position",
    "sku_version",
    "recipe_version",
    "called",
    "counted_plainly",
)


def _differs(what: str, said: int | None, expected: int | None) -> str | None:
    return None if said == expected else f"says {what} {said}; the facts before it give {expected}"


def _wrong_inside(fact: StockFact, on_hand_before: int | None) -> str | None:
    if isinstance(fact, AllocatedAsCounted | StocktakeVariance | StockUnified):
        return _differs("on_hand_before", fact.on_hand_before, on_hand_before)
    return None
