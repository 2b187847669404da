"""Verbs of look-alikes: two SKUs are made one, in one commit, and parted again as far as that can be undone.

Everything that names the old SKU goes on: its listings sell the new one, its open orders, holds, auctions and sets take of it,
its code is an alias. Orders keep the name they were told with; what they take of it is what it means now (``ledger.codes``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger import keys, sku
from ledger.book import Verb
from ledger.book.unify_moves import (
    Shelf,
    give_back,
    keep_back,
    move_auctions,
    move_holds,
    move_orders,
    move_sets,
    relinked,
    state_numbers,
    take_number,
)
from ledger.facts.order import AllocationMoved
from ledger.facts.sku import AliasAdded, AliasRemoved, SkusUnified, SkusUnifiedUndone
from ledger.sku import SkuState
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE, ListingKey, checked_sku
from ledger.unify import INTO, SUM, Open, UnifyRefused, UnitsMoved, kept_back_after, on_hand_after
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

ORDERS_MAX = 1_000  # open orders in one commit: three facts each
NAMED_MAX = 3

Pages = Sequence[tuple[str, ListingKey]]  # shop, listing


@dataclass(frozen=True, slots=True)
class _Pair:
    """What is asked: see ``unify``."""

    from_sku: str
    into_sku: str
    choice: str
    promised: Open
    listings: Pages
    seen: tuple[int | None, int | None] | None


def unify(
    from_sku: str,
    into_sku: str,
    choice: str,
    promised: Open,
    listings: Pages,
    *,
    seen: tuple[int | None, int | None] | None = None,
) -> Verb:
    """``from_sku`` is one with ``into_sku`` from here on. ``choice``: whose units on hand count, sum, from or into.

    ``promised`` is what of ``from_sku`` is open as it was looked at, ``listings`` those that sell it. ``seen``: the units on
    hand of both that a person chose by; refused when they are others now. Done already, only listings that still sell
    ``from_sku`` are linked. The answer counts what moved and has the numbers. Raises UnifyRefused, UnitsMoved, SkuNotAccepted.
    """
    if checked_sku(from_sku) == checked_sku(into_sku):
        raise UnifyRefused(f"{from_sku} twice; expected two SKUs")
    if len(promised.orders) > ORDERS_MAX:
        raise UnifyRefused(
            f"{len(promised.orders)} open orders of {from_sku}; expected at most {ORDERS_MAX}: ship or cancel some first"
        )
    streams = {keys.sku(from_sku), keys.sku(into_sku), *(keys.listing(shop, key) for shop, key in listings)}
    streams |= {f"order:{name}" for name in promised.orders} | {keys.hold(name) for name in promised.holds}
    pair = _Pair(from_sku, into_sku, choice, promised, listings, seen)

    def decide(view: View) -> Decision:
        view.need(skus=[from_sku, into_sku], streams=streams)
        if view.state(keys.sku(from_sku), sku.FOLD).unified_into == into_sku:
            links = relinked(view, listings, from_sku, into_sku)
            return Decision(links, {"already": True, "listings": len(links)})
        return _unified(view, pair)

    wanted = Wanted(stocks={(MAIN_PLACE, from_sku), (MAIN_PLACE, into_sku)}, streams=streams)
    return Verb("unify", decide, (from_sku, into_sku, choice, seen), wanted)


def _unified(view: View, pair: _Pair) -> Decision:
    from_sku, into_sku, choice = pair.from_sku, pair.into_sku, pair.choice
    there, here = (view.state(keys.sku(code), sku.FOLD) for code in (from_sku, into_sku))
    _check(view, from_sku, there, into_sku, here)
    from_level, into_level = view.level(from_sku), view.level(into_sku)
    gone, stays = from_level.stock, into_level.stock
    if gone.version != pair.promised.version:
        raise UnitsMoved(f"stock of {from_sku} moved while it was looked at; expected none to: try again")
    numbers = (gone.on_hand_units, stays.on_hand_units)
    if pair.seen is not None and pair.seen != numbers:
        raise UnifyRefused(
            f"on hand are {numbers[0]} and {numbers[1]}; you saw {pair.seen[0]} and {pair.seen[1]}: look again"
        )
    on_hand = on_hand_after(choice, gone, stays)
    shelf = Shelf(view, {from_sku: gone, into_sku: stays}, [])
    state_numbers(shelf, (from_sku, from_level), (into_sku, into_level), choice, on_hand)
    move_orders(shelf, pair.promised.orders, from_sku, into_sku, told="")
    holds = move_holds(shelf, pair.promised.holds, from_sku, into_sku)
    move_auctions(shelf, pair.promised.auctions, from_sku, into_sku)
    take_number(shelf, from_sku, into_sku, choice)
    kept = (gone.kept_back_units, stays.kept_back_units)
    links = relinked(view, pair.listings, from_sku, into_sku)
    linked = {one.stream for one in links}
    pages = [(shop, key) for shop, key in pair.listings if keys.listing(shop, key) in linked]
    unified = SkusUnified(
        from_sku,
        into_sku,
        choice,
        *numbers,
        gone.available_units,
        stays.available_units,
        *kept,
        [shop for shop, _ in pages],
        [keys.listing_text(key) for _, key in pages],
        holds,
        sorted(there.sets),
    )
    drafts = [
        *shelf.drafts,
        *keep_back(from_sku, kept[0], 0),
        *keep_back(into_sku, kept[1], kept_back_after(choice, *kept)),
        *move_sets(view, there, from_sku, into_sku),
        *links,
        *_named(here, there, from_sku, into_sku),
        Draft(keys.sku(from_sku), unified),  # last: a number set behind its position is a new one
    ]
    after = shelf.stocks[into_sku]
    answer: dict[str, object] = {
        "onHandBefore": list(numbers),
        "onHand": after.on_hand_units,
        "available": after.available_units,
        "allocated": after.allocated_units,
        "listings": len(pages),
        "orders": sum(isinstance(one.fact, AllocationMoved) for one in drafts),
        "holds": len(holds),
        "sets": sorted(there.sets),
    }
    return Decision(drafts, answer)


def undo_unify(from_sku: str, promised: Open) -> Verb:
    """``from_sku`` is a SKU of its own again, with what can be given back; the answer says what was, and what could not be.

    ``promised`` is what is open of the SKU it was made one with. Raises UnifyRefused, UnitsMoved.
    """
    stream = keys.sku(checked_sku(from_sku))

    def decide(view: View) -> Decision:
        there = view.state(stream, sku.FOLD)
        unified = there.unified
        if unified is None:
            if there.once_into:
                return Decision((), {"already": True})
            raise UnifyRefused(f"{from_sku} was not made one with another SKU; expected one that was")
        into_sku = unified.into_sku
        pages = [
            (shop, keys.listing_key(text)) for shop, text in zip(unified.listing_shops, unified.listings, strict=True)
        ]
        streams = {keys.sku(into_sku), *(keys.listing(shop, key) for shop, key in pages)}
        streams |= {keys.hold(name) for name in unified.holds} | {f"order:{name}" for name in promised.orders}
        view.need(skus=[from_sku, into_sku], streams=streams)
        here = view.state(keys.sku(into_sku), sku.FOLD)
        if here.stands_for is not None:
            raise UnifyRefused(
                f"{into_sku} was made one with {here.stands_for} since; expected that to be undone first"
            )
        if view.stock(into_sku).version != promised.version:
            raise UnitsMoved(f"stock of {into_sku} moved while it was looked at; expected none to: try again")
        return _parted(view, there, unified, promised, pages)

    return Verb("undo_unify", decide, (from_sku,), Wanted(streams={stream}))


def _parted(view: View, there: SkuState, unified: SkusUnified, promised: Open, pages: Pages) -> Decision:
    from_sku, into_sku, level = unified.from_sku, unified.into_sku, view.level(unified.into_sku)
    on_hand, kept = level.stock.on_hand_units, level.stock.kept_back_units
    shelf = Shelf(view, {from_sku: view.stock(from_sku), into_sku: level.stock}, [])
    counted_since = level.counted_position > there.unified_position
    spare = _spare_units(unified, level.stock, counted_since=counted_since)
    back = move_orders(shelf, promised.orders, into_sku, from_sku, told=from_sku)
    holds = move_holds(shelf, promised.holds.intersection(unified.holds), into_sku, from_sku)
    own = set(zip(unified.listing_shops, unified.listings, strict=True))
    move_auctions(shelf, [one for one in promised.auctions if one[:2] in own], into_sku, from_sku)
    if on_hand is not None:
        give_back(shelf, from_sku, into_sku, (spare or 0) + min(back, max(0, on_hand - (spare or 0))))
    links = relinked(view, pages, into_sku, from_sku, waits=True)
    linked = len({one.stream for one in links})
    drafts = [*shelf.drafts, *links]
    kept_after = kept_back_after(unified.choice, unified.kept_back_from, unified.kept_back_into)
    if kept == kept_after:
        drafts += keep_back(from_sku, 0, unified.kept_back_from)
        drafts += keep_back(into_sku, kept_after, unified.kept_back_into)
    drafts.append(Draft(keys.sku(into_sku), AliasRemoved(from_sku)))
    drafts.append(Draft(keys.sku(from_sku), SkusUnifiedUndone(from_sku, into_sku)))
    answer: dict[str, object] = {
        "into": into_sku,
        "onHand": shelf.stocks[from_sku].on_hand_units,
        "available": shelf.stocks[from_sku].available_units,
        "intoAvailable": shelf.stocks[into_sku].available_units,
        "orders": sum(isinstance(one.fact, AllocationMoved) for one in drafts),
        "holds": len(holds),
        "listings": linked,
        "notRestored": _not_restored(unified, spare, counted_since, len(pages) - linked),
    }
    return Decision(drafts, answer)


def _named(here: SkuState, there: SkuState, from_sku: str, into_sku: str) -> list[Draft]:
    """The SKU that stays is registered, by the other one's name where it has none, and has its code as an alias."""
    drafts: list[Draft] = []
    name, jan, product = here.name or there.name, here.jan or there.jan, here.product or there.product
    drafts += [Draft(keys.sku(into_sku), f) for f in sku.register(here, into_sku, name=name, jan=jan, product=product)]
    if from_sku not in here.aliases:
        drafts.append(Draft(keys.sku(into_sku), AliasAdded(from_sku)))
    return drafts


# ------------------------------------------------------------------ what may not be made one


def _check(view: View, from_sku: str, there: SkuState, into_sku: str, here: SkuState) -> None:
    for code, state in ((from_sku, there), (into_sku, here)):
        if state.stands_for is not None:
            raise UnifyRefused(f"{code} means {state.stands_for} already; expected a SKU of its own")
        if state.recipe.components:
            raise UnifyRefused(
                f"{code} is a set; expected a SKU with stock of its own: a set is not the same goods as another SKU"
            )
        if not state.registered and not view.stock(code).version:
            raise UnifyRefused(f"{code} is not known; expected a registered SKU: `daicho sku register` registers one")
    both = sorted(there.sets & here.sets)
    if both:
        named = ", ".join(both[:NAMED_MAX])
        raise UnifyRefused(
            f"{named} has both {from_sku} and {into_sku} as components; expected one of them: define the set anew first"
        )


def _spare_units(unified: SkusUnified, into: Stock, *, counted_since: bool) -> int | None:
    """Units that the SKU had to sell and gets back: of what it gave to a sum, as far as it is not sold. None: not known."""
    if unified.choice != SUM or counted_since or unified.available_from is None or into.available_units is None:
        return None
    return max(0, min(unified.available_from, into.available_units))


def _not_restored(unified: SkusUnified, spare: int | None, counted_since: bool, links: int) -> list[str]:
    """Codes of what stays as it is, for a person to look at."""
    codes = []
    if spare is None and unified.choice == INTO:
        codes.append("number_was_the_other_one")
    elif spare is None:
        codes.append("counted_since" if counted_since else "number_not_known")
    elif unified.available_from is not None and spare < unified.available_from:
        codes.append("units_sold_since")
    if unified.sets:
        codes.append("sets_stay")
    if links > 0:
        codes.append("listings_changed_since")
    return codes


__all__ = ["ORDERS_MAX", "undo_unify", "unify"]
