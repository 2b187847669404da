"""What moves when a SKU is made one with another, or parted from it: orders, holds, auctions, numbers, sets, listings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger import hold as holds
from ledger import keys, listing, sku, stock
from ledger.book.evidence import first_told_at, ordered_at
from ledger.booked import Entry
from ledger.facts.listing import ListingLinked, ListingStopped
from ledger.facts.load import HoldMoved
from ledger.facts.order import AllocationMoved
from ledger.facts.sku import JoinedSet, KeptBackSet, LeftSet, SetDefined
from ledger.facts.stock import AuctionKept, AuctionReturned, HoldTaken, StockFact, StockUnified
from ledger.levels import Level
from ledger.order import FOLD, Order
from ledger.sku import SkuState
from ledger.stock import Stock, around
from ledger.terms import MAIN_PLACE, ListingKey, latest_of, utc_text
from ledger.unify import UNDO, UnifyRefused, covers_after
from ledger.view import Draft, View


@dataclass
class Shelf:
    """The two stocks while drafts are made for them. Mutable: each fact moves one of them."""

    view: View
    stocks: dict[str, Stock]
    drafts: list[Draft]

    def put(self, code: str, fact: StockFact, at: datetime | None = None) -> None:
        self.stocks[code] = stock.evolve(self.stocks[code], fact)
        self.drafts.append(Draft(keys.stock(code), fact, at))


def move_orders(shelf: Shelf, names: frozenset[str], out: str, onto: str, *, told: str) -> int:
    """Open units that the orders hold of ``out`` are held of ``onto``; how many. ``told``: only those ordered as this SKU."""
    count = 0
    for name in sorted(names):
        order = shelf.view.state(f"order:{name}", FOLD)
        entries = [one for one in order.holding.entries if _takes(one, out) and told in ("", one.told)]
        waiting = order.holding.undecided.get(out, 0) if not told else 0
        if not waiting and not any(one.open_units for one in entries):
            continue
        twice = next((one for one in entries if one.open_units and _takes(one, onto)), None)
        if twice is not None:
            raise UnifyRefused(
                f"order {name} holds open units of {twice.told} by a recipe that has both {out} and {onto};"
                " expected none: ship or cancel it first"
            )
        count += _move_order(shelf, name, order, [one for one in entries if one.open_units], out, onto, told)
    return count


def _takes(entry: Entry, code: str) -> bool:
    return any(part.sku == code for part in entry.parts)


def _move_order(shelf: Shelf, name: str, order: Order, entries: Sequence[Entry], out: str, onto: str, told: str) -> int:
    rows: list[tuple[str, str, int, str, int, int, str]] = []
    facts: list[tuple[str, str, int]] = []
    for entry in entries:
        (part,) = (one for one in entry.parts if one.sku == out)
        units = part.each * entry.open_units
        rows.append(("released", entry.told, entry.open_units, out, units, entry.recipe_version, "sale"))
        rows.append(("allocated", entry.told, entry.open_units, onto, units, entry.recipe_version, ""))
        facts.append(
            (
                entry.told,
                next(
                    (
                        k.told.listings[n]
                        for k in reversed(order.kept)
                        for n, code in enumerate(k.told.skus)
                        if code == entry.told
                    ),
                    "",
                ),
                units,
            )
        )
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(7)]
    moved = AllocationMoved(
        from_sku=out,
        into_sku=onto,
        told=told,
        undecided=not told,
        booked_how=columns[0],
        booked_told=columns[1],
        booked_told_units=columns[2],
        booked_skus=columns[3],
        booked_units=columns[4],
        booked_recipes=columns[5],
        booked_to=columns[6],
    )
    shelf.drafts.append(Draft(f"order:{name}", moved))
    sold_at = ordered_at(order)
    at = first_told_at(order) if sold_at is None else latest_of(sold_at, shelf.view.now)
    for sku_told, page, units in facts:  # at the order's own time: a number of before it has it on top still
        released = stock.release(
            shelf.stocks[out], order=name, sku_told=sku_told, units=units, to="sale", mall_restored="no"
        )
        shelf.put(out, released, at)
        shelf.put(
            onto, stock.allocate(shelf.stocks[onto], order=name, listing=page, sku_told=sku_told, units=units), at
        )
    return sum(units for _, _, units in facts)


def move_holds(shelf: Shelf, names: Sequence[str] | frozenset[str], out: str, onto: str) -> list[str]:
    """Running holds of ``out`` are of ``onto``; which of them moved."""
    moved = []
    for name in sorted(names):
        hold = shelf.view.state(keys.hold(name), holds.FOLD)
        if hold.sku != out or not hold.units:
            continue
        shelf.drafts.append(Draft(keys.hold(name), HoldMoved(sku=onto)))
        shelf.put(out, stock.return_hold(shelf.stocks[out], name, hold.units))
        shelf.put(onto, HoldTaken(hold=name, units=hold.units, **around(shelf.stocks[onto])))
        moved.append(name)
    return moved


def move_auctions(shelf: Shelf, found: Iterable[tuple[str, str, int]], out: str, onto: str) -> None:
    """Units that running auctions (shop, listing, units) keep are kept of ``onto``."""
    for shop, text, units in sorted(found):
        shelf.put(out, AuctionReturned(shop=shop, listing=text, units=units, **around(shelf.stocks[out])))
        shelf.put(onto, AuctionKept(shop=shop, listing=text, units=units, **around(shelf.stocks[onto])))


def state_numbers(
    shelf: Shelf, out: tuple[str, Level], onto: tuple[str, Level], choice: str, on_hand: int | None
) -> None:
    """What is on hand of the one SKU, before orders move to it: so it owes at no moment more than in the end.

    Defective units and those that wait for a person are there whoever counted.
    """
    (from_sku, from_level), (into_sku, into_level) = out, onto
    gone, covers = shelf.stocks[from_sku], covers_after(choice, from_level, into_level)
    units = (gone.defective_units, gone.undecided_units)
    shelf.put(into_sku, _unified(shelf.stocks[into_sku], from_sku, choice, on_hand, *units, covers))


def take_number(shelf: Shelf, from_sku: str, into_sku: str, choice: str) -> None:
    """The SKU that is no more has no number, behind everything that moved."""
    gone = shelf.stocks[from_sku]
    shelf.put(from_sku, _unified(gone, into_sku, choice, None, -gone.defective_units, -gone.undecided_units, {}))


def _unified(
    now: Stock,
    other: str,
    choice: str,
    on_hand: int | None,
    defective: int,
    undecided: int,
    covers: Mapping[str, datetime],
) -> StockUnified:
    return StockUnified(
        other_sku=other,
        choice=choice,
        on_hand_before=now.on_hand_units,
        defective_units=defective,
        undecided_units=undecided,
        covers_shops=list(covers),
        covers_up_to=[utc_text(moment) for moment in covers.values()],
        before=now.available_units,
        after=None if on_hand is None else on_hand - now.allocated_units,
        on_hand=on_hand,
    )


def keep_back(code: str, before: int, after: int) -> list[Draft]:
    """保留在庫数 of the SKU changes from one number to the other; nothing when they are equal."""
    return [] if before == after else [Draft(keys.sku(code), KeptBackSet(MAIN_PLACE, after))]


def move_sets(view: View, there: SkuState, from_sku: str, into_sku: str) -> list[Draft]:
    """Sets that had the SKU as a component have the other one, for orders from here on."""
    names = sorted(there.sets)
    view.need(skus=names, streams=map(keys.sku, names))
    drafts: list[Draft] = []
    for name in names:
        recipe = view.state(keys.sku(name), sku.FOLD).recipe
        components = [into_sku if code == from_sku else code for code in recipe.components]
        version = recipe.version + 1
        drafts.append(Draft(keys.sku(name), SetDefined(version, components, list(recipe.units))))
        drafts.append(Draft(keys.sku(from_sku), LeftSet(name, version)))
        drafts.append(Draft(keys.sku(into_sku), JoinedSet(name, version)))
    return drafts


def relinked(
    view: View, found: Sequence[tuple[str, ListingKey]], out: str, onto: str, *, waits: bool = False
) -> list[Draft]:
    """The listings that sell ``out`` sell ``onto``, in the state they are in; ``waits``: those that were told wait for a person."""
    drafts: list[Draft] = []
    for shop, key in found:
        stream = keys.listing(shop, key)
        now = view.state(stream, listing.FOLD)
        if now.sku != out or now.state == listing.RETIRED:
            continue
        state = listing.TO_CONFIRM if waits and now.state == listing.LINKED else now.state
        linked = ListingLinked(
            sku=onto,
            units_per_listing=now.units_per_listing,
            state=state,
            codes=list(now.codes),
            sells_at_zero=now.sells_at_zero,
        )
        drafts.append(Draft(stream, linked))
        if now.show_zero:
            drafts.append(Draft(stream, ListingStopped(show_zero=True)))
    return drafts


def give_back(shelf: Shelf, from_sku: str, into_sku: str, moved: int | None) -> None:
    """``moved`` units on hand go from ``into_sku`` back to ``from_sku``."""
    if moved is None:
        return
    for code, other, number in (
        (into_sku, from_sku, (shelf.stocks[into_sku].on_hand_units or 0) - moved),
        (from_sku, into_sku, moved),
    ):
        shelf.put(code, _unified(shelf.stocks[code], other, UNDO, number, 0, 0, {}))
