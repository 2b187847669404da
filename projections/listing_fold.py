"""What facts do to listings, fact by fact: stock and sets, links and rules, the mall's own sales, pushes and reads."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from msgspec.structs import replace

from ledger import expected, keys, listing
from ledger.booking import Recipe
from ledger.codec import Record
from ledger.expected import Numbers, Sale
from ledger.facts import FACTS_OF_STREAM
from ledger.facts.listing import ListingLinked
from ledger.facts.order import Booked, OrderTold
from ledger.facts.push import MallRead, PushAnswered, PushSent, PushSettled
from ledger.facts.shop import ShopSettingsChanged
from ledger.facts.sku import KeptBackSet, SetDefined
from ledger.facts.stock import AuctionKept, AuctionReturned, HoldReturned, HoldTaken
from ledger.push import API
from ledger.terms import MAIN_PLACE, OrderState, Result, utc_moment
from projections.listing_state import IN_NO_SET, Key, ListingFold, Request, Traits

LOWERS_AT, RESTORES, UNITS_MAX_SETTING = "mall.lowers_at", "mall.restores_on_cancel", "mall.units_max"
MAIN_STOCK = keys.stock("", MAIN_PLACE)
# After these a rejected listing is tried again: its code, its setting or a person's re-send changed.
MENDS = ("ListingLinked", "ListingConfirmed", "ListingStarted", "ListingSettingsChanged", "ResendAsked")


# ------------------------------------------------------------------ stock and sets


def _stock(fold: ListingFold, record: Record, time: datetime) -> None:
    sku = main_sku(record.stream)
    if sku is not None:
        state = fold.skus[sku]
        state.available = record.fact.after  # type: ignore[union-attr]
        fold.changed_skus.add(state)
        fold.refresh(sku, record.position, time)


def _kept(fold: ListingFold, record: Record, time: datetime) -> None:
    """Holds and auctions keep units without touching available."""
    sku = main_sku(record.stream)
    if sku is None:
        return
    state = fold.skus[sku]
    match record.fact:
        case HoldTaken(units=units):
            state.held += units
        case HoldReturned(units=units):
            state.held -= units
        case AuctionKept(units=units):
            state.auction_kept += units
        case AuctionReturned(units=units):
            state.auction_kept -= units
        case _:
            raise AssertionError(record.name)
    _stock(fold, record, time)


def _kept_back(fold: ListingFold, record: Record, time: datetime) -> None:
    fact = record.fact
    assert isinstance(fact, KeptBackSet)
    (sku,) = keys.parts_of(record.stream)
    if fact.place == MAIN_PLACE:
        fold.skus[sku].kept_back = fact.units
        fold.changed_skus.add(fold.skus[sku])
        fold.refresh(sku, record.position, time)


def _set_defined(fold: ListingFold, record: Record, time: datetime) -> None:
    fact = record.fact
    assert isinstance(fact, SetDefined)
    (sku,) = keys.parts_of(record.stream)
    state = fold.skus[sku]
    for component in state.recipe.components:  # one that no other fact of the page touches may not be in memory
        fold.sets_of[component] = fold.sets_of.get(component, IN_NO_SET) - {sku}
    state.recipe = Recipe(fact.recipe_version, tuple(fact.components), tuple(fact.units))
    for component in fact.components:
        fold.sets_of[component] |= {sku}
    fold.changed_skus.add(state)
    fold.changed_recipes.add(sku)
    fold.refresh(sku, record.position, time)


# ------------------------------------------------------------------ listings and shops


def _listing(fold: ListingFold, record: Record, time: datetime) -> None:
    key = key_of_stream(record.stream)
    row = fold.rows[key]
    before = row.listing
    row.listing = listing.evolve(before, record)
    row.position, row.version = record.position, record.version
    if record.name in MENDS:
        row.numbers = replace(row.numbers, rejected_code=None)
    fold.changed_rows.add(row)
    if isinstance(record.fact, ListingLinked):
        fold.changed_codes.add(key)
        if before.sku and before.sku != row.listing.sku:
            fold.members[before.sku].pop(key, None)
            fold.reckon(before.sku, record.position, time)
    if row.listing.sku:
        fold.members[row.listing.sku][key] = row
        fold.reckon(row.listing.sku, record.position, time)


def _shop_settings(fold: ListingFold, record: Record, time: datetime) -> None:
    fact = record.fact
    assert isinstance(fact, ShopSettingsChanged)
    (shop,) = keys.parts_of(record.stream)
    before = fold.traits[shop]
    after = traits_after(before, dict(zip(fact.names, fact.values, strict=True)))
    if after == before:
        return
    fold.traits[shop] = after
    fold.changed_traits.add(shop)
    if after.units_max != before.units_max:
        skus = {row.listing.sku for row in fold.rows.values() if row.shop == shop and row.listing.sku}
        for sku in sorted(skus):
            fold.reckon(sku, record.position, time)


def traits_after(before: Traits, settings: Mapping[str, str]) -> Traits:
    """The traits after these settings changed. A maximum that is no number says nothing."""
    most = settings.get(UNITS_MAX_SETTING, "")
    return Traits(
        settings.get(LOWERS_AT, before.lowers_at),
        settings.get(RESTORES, before.restores),
        int(most) if most.isascii() and most.isdigit() else before.units_max,
    )


# ------------------------------------------------------------------ orders: the mall's own sales


def _order(fold: ListingFold, record: Record, time: datetime) -> None:
    fact = record.fact
    assert isinstance(fact, Booked)
    if not fact.sold_listings:
        return
    shop = keys.parts_of(record.stream)[0]
    traits = fold.traits[shop]
    lowers = traits.lowers_at != "never"
    if traits.lowers_at == "payment" and isinstance(fact, OrderTold):
        lowers = fact.state not in (OrderState.PROVISIONAL, OrderState.MALL_CHECKING)
    restores = traits.restores if traits.restores in ("yes", "no") else "unknown"
    told_at = utc_moment(fact.told_at) if isinstance(fact, OrderTold) else record.envelope.at
    sold_at = None if fact.sold_at is None else utc_moment(fact.sold_at)
    for text, quantity in zip(fact.sold_listings, fact.sold_quantities, strict=True):
        key = (shop, text)
        sale = Sale(record.position, quantity, sold_at)
        after = expected.sold(fold.rows[key].numbers, sale, lowers=lowers, restores=restores, told_at=told_at)
        fold.set_numbers(key, after, record.position, time)


# ------------------------------------------------------------------ pushes and reads


def _sent(fold: ListingFold, record: Record, time: datetime) -> None:
    fact = record.fact
    assert isinstance(fact, PushSent)
    (shop,) = keys.parts_of(record.stream)
    request = (shop, fact.request)
    fold.requests[request] = Request(tuple(fact.listings), tuple(fact.units), fact.computed_at, fact.channel)
    fold.changed_requests.add(request)
    for text, units in zip(fact.listings, fact.units, strict=True):
        numbers = fold.rows[shop, text].numbers
        after = expected.sent(numbers, request=fact.request, units=units, computed_at=fact.computed_at)
        fold.set_numbers((shop, text), after, record.position, time)


def _answered(fold: ListingFold, record: Record, time: datetime) -> None:
    fact = record.fact
    assert isinstance(fact, PushAnswered | PushSettled)
    (shop,) = keys.parts_of(record.stream)
    request = fold.requests.get((shop, fact.request))
    if request is None:
        return  # settled twice, or answered after its end: the first one stands
    began = fact.sent_at if isinstance(fact, PushAnswered) else fact.applied_from
    for n, (text, outcome) in enumerate(zip(request.listings, fact.outcomes, strict=True)):
        row = fold.rows[shop, text]
        row.batch_request = None if row.batch_request == fact.request else row.batch_request
        if request.channel != API and isinstance(fact, PushAnswered) and outcome in (Result.ACCEPTED, Result.UNKNOWN):
            row.batch_request = fact.request
            fold.changed_rows.add(row)
            continue
        after = _told(row.numbers, fact, request, n, began, record.position)
        fold.set_numbers((shop, text), after, record.position, time)
    if isinstance(fact, PushSettled) or not {Result.ACCEPTED, Result.UNKNOWN} & set(fact.outcomes):
        fold.requests[shop, fact.request] = None
        fold.changed_requests.add((shop, fact.request))


def _told(
    numbers: Numbers, fact: PushAnswered | PushSettled, request: Request, n: int, began: str, position: int
) -> Numbers:
    """The numbers after the mall's answer for one listing. A newer request of it that is still open stays open."""
    outcome = fact.outcomes[n]
    if outcome == Result.APPLIED and request.computed_at >= numbers.told_position:
        after = expected.applied(
            numbers,
            units=request.units[n],
            computed_at=request.computed_at,
            sent_at=began,
            applied_until=fact.applied_until,
        )
    elif outcome in (Result.APPLIED, Result.UNKNOWN, Result.ACCEPTED):
        # A number older than the one told last was applied too, and nobody knows which of them stands (D8). One that was
        # accepted by a request's answer is applied some time later or not at all: the mall has to be read.
        after = expected.unknown(numbers, position=position, at=utc_moment(fact.applied_until))
    else:
        code = (fact.codes[n] or "rejected") if outcome == Result.REJECTED else None
        after = expected.not_applied(numbers, code=code)
    if numbers.pending_request in (None, fact.request):
        return after
    return replace(
        after,
        pending_request=numbers.pending_request,
        pending_units=numbers.pending_units,
        pending_position=numbers.pending_position,
    )


def _read(fold: ListingFold, record: Record, time: datetime) -> None:
    fact = record.fact
    assert isinstance(fact, MallRead)
    (shop,) = keys.parts_of(record.stream)
    for text, units, found in zip(fact.listings, fact.units, fact.found, strict=True):
        numbers = fold.rows[shop, text].numbers
        after = expected.read(
            numbers,
            units=units,
            found=found,
            read_at=fact.read_at,
            position=record.position,
            known_position=fact.known_position,
        )
        fold.set_numbers((shop, text), after, record.position, time)


def main_sku(stream: str) -> str | None:
    """The SKU of a stock stream of the main place; None: it is of another place."""
    return keys.unpart(stream[len(MAIN_STOCK) :]) if stream.startswith(MAIN_STOCK) else None


def key_of_stream(stream: str) -> Key:
    """The listing behind ``listing:<shop>:<item>:<variant>``."""
    _, shop, text = stream.split(":", 2)
    return keys.unpart(shop), text


Take: TypeAlias = Callable[[ListingFold, Record, datetime], None]

TAKES: dict[str, Take] = {
    **{kind.__name__: _stock for kind in FACTS_OF_STREAM["stock"]},
    **{kind.__name__: _listing for kind in FACTS_OF_STREAM["listing"]},
    **{kind.__name__: _order for kind in FACTS_OF_STREAM["order"] if issubclass(kind, Booked)},
    **{kind.__name__: _kept for kind in (HoldTaken, HoldReturned, AuctionKept, AuctionReturned)},
    "KeptBackSet": _kept_back,
    "SetDefined": _set_defined,
    "ShopSettingsChanged": _shop_settings,
    "PushSent": _sent,
    "PushAnswered": _answered,
    "PushSettled": _answered,
    "MallRead": _read,
}
