"""Stock of one SKU at one place: what is true now, and which facts may come next.

Units are whole pieces (個). ``available_units`` (想定在庫数) may fall below zero: an order taken by a mall has already
happened, so overselling is recorded and shown, never refused. ``evolve`` never checks: rules may tighten, history
may not fail. ``on_hand_units`` None is 在庫未登録: no number yet, which is not zero.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypedDict, assert_never

from ledger.facts.sku import KeptBackSet
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
from ledger.terms import UNITS_MAX, UnitsNotAccepted, checked_units

RELEASES = ("sale", "short_pick", "defective", "undecided", "counted")


class NotEnough(ValueError):
    """A strict command (hold, manual order) asked for more units than are free."""


class NumberMissing(ValueError):
    """The SKU has no stock number yet (在庫未登録); set one first by 上書き."""


class Stock(NamedTuple):  # a tuple: a bulk makes millions, at a third of a frozen dataclass's cost
    """One SKU at one place. ``version`` is the version of its stream, 0 when nothing was recorded yet."""

    version: int = 0
    on_hand_units: int | None = None
    allocated_units: int = 0
    held_units: int = 0
    kept_back_units: int = 0
    auction_kept_units: int = 0
    defective_units: int = 0
    undecided_units: int = 0

    @property
    def available_units(self) -> int | None:
        """想定在庫数: on hand less allocated; negative = owed; None: no number yet."""
        return None if self.on_hand_units is None else self.on_hand_units - self.allocated_units

    @property
    def free_units(self) -> int | None:
        """購入可能数: available less what is kept back, held, or kept by auctions; may be negative."""
        available = self.available_units
        return (
            None if available is None else available - self.kept_back_units - self.held_units - self.auction_kept_units
        )

    @property
    def short_units(self) -> int:
        """不足: units owed beyond what is on hand. A SKU without a number owes nothing known."""
        return 0 if self.on_hand_units is None else max(0, self.allocated_units - self.on_hand_units)


class Around(TypedDict):
    """The fields every stock fact has: available units before and after it, on hand after it."""

    before: int | None
    after: int | None
    on_hand: int | None


def around(stock: Stock, *, on_hand_delta: int = 0, allocated_delta: int = 0) -> Around:
    """What a fact with these deltas leaves behind."""
    if stock.on_hand_units is None:
        return Around(before=None, after=None, on_hand=None)
    on_hand = stock.on_hand_units + on_hand_delta
    after = on_hand - stock.allocated_units - allocated_delta
    return Around(before=stock.available_units, after=after, on_hand=on_hand)


def set_to(stock: Stock, available_after: int) -> Around:
    """What a fact leaves behind that sets available_units whatever it was."""
    return Around(before=stock.available_units, after=available_after, on_hand=available_after + stock.allocated_units)


def evolve(stock: Stock, fact: StockFact | KeptBackSet) -> Stock:
    """The stock after the fact. Never raises: what is recorded has happened."""
    if isinstance(fact, KeptBackSet):  # stands on the SKU's stream, so the version of this one stays
        return stock._replace(kept_back_units=fact.units)
    allocated, held, auction_kept = stock.allocated_units, stock.held_units, stock.auction_kept_units
    defective, undecided = stock.defective_units, stock.undecided_units
    match fact:
        case StockOverwritten() | StockAdded():  # they move on hand alone; first, for they come by the million
            pass
        case StockAllocated(units=units) | AllocatedAsCounted(units=units):
            allocated += units
        case StockShipped(units=units):
            allocated -= units
        case AllocationReleased(units=units, to=to):
            allocated -= units
            defective += units if to == "defective" else 0
            undecided += units if to == "undecided" else 0
        case UndecidedSettled(units=units, to=to):
            undecided -= units
            defective += units if to == "defective" else 0
        case StockReturned(units=units, to=to):
            defective += units if to == "defective" else 0
        case StockUnified():
            defective += fact.defective_units
            undecided += fact.undecided_units
        case DefectiveMarked(units=units):
            defective += units
        case DefectiveCleared(units=units):
            defective -= units
        case HoldTaken(units=units):
            held += units
        case HoldReturned(units=units):
            held -= units
        case AuctionKept(units=units):
            auction_kept += units
        case AuctionReturned(units=units):
            auction_kept -= units
        case (
            SetUpPartReplaced()
            | NumberUndone()
            | StockReceived()
            | StockTakenOut()
            | StockMoved()
            | StocktakeVariance()
            | CountedReversed()
        ):
            pass  # they move on hand alone
        case _:
            assert_never(fact)
    return Stock(
        stock.version + 1, fact.on_hand, allocated, held, stock.kept_back_units, auction_kept, defective, undecided
    )


# ------------------------------------------------------------------ decisions


def receive(stock: Stock, receipt: str, line: str, units: int) -> StockReceived:
    """入荷: on hand rises; a SKU without a number gets one. Negative undoes. Raises UnitsNotAccepted."""
    if not -UNITS_MAX <= units <= UNITS_MAX or units == 0:
        raise UnitsNotAccepted(f"units received: {units}; expected 1 to {UNITS_MAX:,} (below zero to undo)")
    on_hand = (stock.on_hand_units or 0) + units
    return StockReceived(
        receipt=receipt,
        line=line,
        units=units,
        before=stock.available_units,
        after=on_hand - stock.allocated_units,
        on_hand=on_hand,
    )


def take_back(stock: Stock, order: str, units: int, to: str) -> StockReturned:
    """返品 to good, defective or scrap. Raises UnitsNotAccepted, NumberMissing."""
    assert to in ("good", "defective", "scrap"), to
    _counted(stock)
    _some(units)
    return StockReturned(order=order, units=units, to=to, **around(stock, on_hand_delta=units if to == "good" else 0))


def take_out(stock: Stock, reason: str, units: int) -> StockTakenOut:
    """払出 with a reason code. Raises UnitsNotAccepted, NumberMissing."""
    _counted(stock)
    _some(units)
    return StockTakenOut(reason=reason, units=units, **around(stock, on_hand_delta=-units))


def mark_defective(stock: Stock, units: int) -> DefectiveMarked:
    """Good units become 不良: on hand falls. Raises UnitsNotAccepted, NumberMissing."""
    _counted(stock)
    _some(units)
    return DefectiveMarked(units=units, **around(stock, on_hand_delta=-units))


def clear_defective(stock: Stock, units: int) -> DefectiveCleared:
    """不良 units are good again. Raises NotEnough, NumberMissing."""
    _counted(stock)
    if not 0 < units <= stock.defective_units:
        raise NotEnough(f"{units} units to be good again; expected 1 to {stock.defective_units}, the defective units")
    return DefectiveCleared(units=units, **around(stock, on_hand_delta=units))


def allocate(
    stock: Stock,
    *,
    order: str,
    listing: str,
    sku_told: str,
    units: int,
    recipe: tuple[int, Sequence[str], Sequence[int]] | None = None,
) -> StockAllocated:
    """引当. Always possible; see the note on overselling above. ``recipe``: version, components, units of a set."""
    assert units > 0, units
    version, components, component_units = recipe or (0, (), ())
    return StockAllocated(
        order=order,
        listing=listing,
        sku_told=sku_told,
        units=units,
        recipe_version=version,
        components=list(components),
        component_units=list(component_units),
        **around(stock, allocated_delta=units),
    )


def allocate_as_counted(
    stock: Stock,
    *,
    order: str,
    sku_told: str,
    units: int,
    against_position: int,
    listing: str = "",
    recipe: tuple[int, Sequence[str], Sequence[int]] | None = None,
) -> AllocatedAsCounted:
    """計上済: the number of ``against_position`` knew this order; on hand rises with allocated, available stays."""
    assert units > 0, units
    version, components, component_units = recipe or (0, (), ())
    return AllocatedAsCounted(
        order=order,
        sku_told=sku_told,
        units=units,
        against_position=against_position,
        on_hand_before=stock.on_hand_units,
        listing=listing,
        recipe_version=version,
        components=list(components),
        component_units=list(component_units),
        **around(stock, on_hand_delta=units, allocated_delta=units),
    )


def reverse_counted(stock: Stock, *, order: str, sku_told: str, units: int) -> CountedReversed:
    """The order was not inside the number after all: available falls."""
    assert units > 0, units
    return CountedReversed(order=order, sku_told=sku_told, units=units, **around(stock, on_hand_delta=-units))


def release(stock: Stock, *, order: str, sku_told: str, units: int, to: str, mall_restored: str) -> AllocationReleased:
    """引当解除. To sale: available rises. Short pick, defective, undecided, counted: on hand falls too, available stays (D9)."""
    assert units > 0 and to in RELEASES, (units, to)
    delta = 0 if to == "sale" else -units
    return AllocationReleased(
        order=order,
        sku_told=sku_told,
        units=units,
        to=to,
        mall_restored=mall_restored,
        **around(stock, on_hand_delta=delta, allocated_delta=-units),
    )


def settle(stock: Stock, *, order: str, units: int, to: str) -> UndecidedSettled:
    """A person looked for undecided units. Raises NotEnough."""
    assert to in ("sale", "short_pick", "defective"), to
    if not 0 < units <= stock.undecided_units:
        raise NotEnough(f"{units} units to settle; expected 1 to {stock.undecided_units}, the undecided units")
    return UndecidedSettled(
        order=order, units=units, to=to, **around(stock, on_hand_delta=units if to == "sale" else 0)
    )


def ship(stock: Stock, *, order: str, sku_told: str, units: int, assumed: bool) -> StockShipped:
    """出荷確定: on hand and allocated fall together, available stays."""
    assert units > 0, units
    return StockShipped(
        order=order,
        sku_told=sku_told,
        units=units,
        assumed=assumed,
        **around(stock, on_hand_delta=-units, allocated_delta=-units),
    )


def take_hold(stock: Stock, hold: str, units: int) -> HoldTaken:
    """取り置き: strict, never more than is free. Raises NotEnough, NumberMissing."""
    _counted(stock)
    free = stock.free_units
    assert free is not None
    if not 0 < units <= free:
        raise NotEnough(f"{units} units to hold; expected 1 to {max(0, free)}, the free units")
    return HoldTaken(hold=hold, units=units, **around(stock))


def return_hold(stock: Stock, hold: str, units: int) -> HoldReturned:
    """The held units are free again, or go to an order in the same commit."""
    assert 0 < units <= stock.held_units, (units, stock)
    return HoldReturned(hold=hold, units=units, **around(stock))


def _some(units: int) -> None:
    if not checked_units(units):
        raise UnitsNotAccepted("units: 0; expected 1 or more")


def _counted(stock: Stock) -> None:
    if stock.on_hand_units is None:
        raise NumberMissing("no stock number yet (在庫未登録); expected one set by 上書き first")
