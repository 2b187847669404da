"""From what an order states to stock facts: books the difference between the target and what the order holds.

Evidence facts (a telling, a link, a shipment) never book by themselves: each is added to the order, the target is worked
out again, and the difference is booked in the same commit, on the order's fact and on every SKU stream it touches.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from msgspec import structs

from ledger import keys, stock
from ledger.booked import Entry, Part
from ledger.facts.order import Booked, OrderFact, ReturnOpened
from ledger.facts.stock import StockFact
from ledger.order import Order, Stated, stated
from ledger.stock import Stock, evolve
from ledger.terms import MAIN_PLACE, CancelReason, utc_moment
from ledger.view import Draft

B = TypeVar("B", bound=Booked)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The set a SKU is now; ``components`` empty: no set."""

    version: int = 0
    components: tuple[str, ...] = ()
    units: tuple[int, ...] = ()


class Shelves(Protocol):
    """What booking asks of the ledger: stock, recipes, and counts that already knew an order."""

    def have(self, skus: Iterable[str], shop: str) -> None:
        """All that will be asked of these SKUs, and of the components of those that are sets, is read in one go."""
        ...

    def stock(self, sku: str, place: str = MAIN_PLACE) -> Stock: ...

    def recipe(self, sku: str) -> Recipe: ...

    def counted_by(self, sku: str, shop: str, ordered_at: datetime) -> int | None: ...


@dataclass
class Booking:
    """The drafts of one order's commit, with the stock as it stands after each of them.

    Mutable: it is filled while one order is decided, and thrown away with the decision.
    """

    shelves: Shelves
    shop: str
    number: str
    happened_at: datetime
    told_at: datetime
    entries: list[Entry]
    mall_restored: str = "unknown"
    strict: bool = False
    drafts: list[Draft] = field(default_factory=list)
    how: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    told_units: list[int] = field(default_factory=list)
    skus: list[str] = field(default_factory=list)
    units: list[int] = field(default_factory=list)
    recipes: list[int] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    reviews: list[str] = field(default_factory=list)
    _stocks: dict[str, Stock] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return keys.order_name(self.shop, self.number)

    def stock(self, sku: str) -> Stock:
        found = self._stocks.get(sku)
        return self.shelves.stock(sku) if found is None else found

    def _add(self, sku: str, fact: StockFact, at: datetime) -> None:
        self._stocks[sku] = evolve(self.stock(sku), fact)
        self.drafts.append(Draft(keys.stock(sku), fact, at))

    def take_over(self, draft: Draft) -> None:
        """A stock fact of the same commit that stands before the booking (a hold that is consumed) is seen by it."""
        if keys.kind_of(draft.stream) == "stock":
            _, sku = keys.parts_of(draft.stream)
            self._stocks[sku] = evolve(self.stock(sku), draft.fact)  # type: ignore[arg-type]

    def _row(self, how: str, told: str, told_units: int, sku: str, units: int, recipe: int, to: str = "") -> None:
        self.how.append(how)
        self.told.append(told)
        self.told_units.append(told_units)
        self.skus.append(sku)
        self.units.append(units)
        self.recipes.append(recipe)
        self.to.append(to)

    def shipped_units(self, told: str) -> int:
        """Units of the SKU told that have left, this booking included."""
        return sum(entry.shipped_units for entry in self.entries if entry.told == told)

    # -------------------------------------------------------------- the four things an order does to stock

    def allocate(self, told: str, units: int, listing: str, at: datetime) -> None:
        """引当 of ``units`` of the SKU told, or of its components; 計上済 where a count already knew what was ordered ``at`` this time."""
        recipe = self.shelves.recipe(told)
        is_set = bool(recipe.components)
        version = recipe.version if is_set else 0
        used = (recipe.version, recipe.components, recipe.units) if is_set else None
        wanted = list(zip(recipe.components, recipe.units, strict=True)) if is_set else [(told, 1)]
        known = {sku: self.shelves.counted_by(sku, self.shop, at) for sku, _ in wanted}
        if self.strict:
            self._refuse_more_than_free([(sku, each) for sku, each in wanted if known[sku] is None], units)
        parts = []
        for sku, each in wanted:
            now, count, position = self.stock(sku), each * units, known[sku]
            if position is None:
                fact: StockFact = stock.allocate(
                    now, order=self.name, listing=listing, sku_told=told, units=count, recipe=used
                )
            else:
                fact = stock.allocate_as_counted(
                    now,
                    order=self.name,
                    listing=listing,
                    sku_told=told,
                    units=count,
                    recipe=used,
                    against_position=position,
                )
            if now.on_hand_units is None:
                self.reviews.append(f"no_number:{sku}")  # 在庫未登録: allocated, and a person looks (D32)
            how = "allocated" if position is None else "counted"
            parts.append(Part(sku, each, how))
            self._row(how, told, units, sku, count, version)
            self._add(sku, fact, at)
        self.entries.append(Entry(told, version, tuple(parts), units))

    def _refuse_more_than_free(self, parts: list[tuple[str, int]], units: int) -> None:
        short = []
        for sku, each in parts:
            free = self.stock(sku).free_units or 0
            if free < each * units:
                short.append(f"{sku}: {each * units} asked, {max(0, free)} free")
        if short:
            raise stock.NotEnough("not enough free units: " + "; ".join(short))

    def release(self, told: str, units: int, reason: str | None, at: datetime) -> None:
        """引当解除 of up to ``units`` that are open, newest allocation first, by the recipe they were allocated with."""
        self._take(told, units, lambda entry, count: self._release(entry, count, reason, at), shipped=False)

    def ship(self, told: str, units: int, *, assumed: bool) -> None:
        """出荷確定 of up to ``units`` that are open, newest allocation first."""
        self._take(told, units, lambda entry, count: self._ship(entry, count, assumed), shipped=True)

    def _take(self, told: str, units: int, book: Callable[[Entry, int], None], *, shipped: bool) -> None:
        left = units
        for n in range(len(self.entries) - 1, -1, -1):
            entry = self.entries[n]
            count = min(left, entry.open_units)
            if entry.told != told or count <= 0:
                continue
            book(entry, count)
            gone = entry.shipped_units + (count if shipped else 0)
            self.entries[n] = structs.replace(entry, open_units=entry.open_units - count, shipped_units=gone)
            left -= count

    def _release(self, entry: Entry, units: int, reason: str | None, at: datetime) -> None:
        rest: list[tuple[str, tuple[str, int]]] = []
        for part in entry.parts:
            first, *more = self._destinations(part.sku, part.each * units, reason, at)
            self._release_to(entry, units, part.sku, first, at)
            rest.extend((part.sku, one) for one in more)
        for sku, destination in rest:  # behind the rows of all components, and taking no units of the SKU told again
            self._release_to(entry, 0, sku, destination, at)

    def _release_to(self, entry: Entry, told_units: int, sku: str, to: tuple[str, int], at: datetime) -> None:
        where, count = to
        self._row("released", entry.told, told_units, sku, count, entry.recipe_version, where)
        fact = stock.release(
            self.stock(sku),
            order=self.name,
            sku_told=entry.told,
            units=count,
            to=where,
            mall_restored=self.mall_restored,
        )
        self._add(sku, fact, at)

    def _destinations(self, sku: str, units: int, reason: str | None, at: datetime) -> list[tuple[str, int]]:
        now = self.stock(sku)
        to = destination(reason, now)
        if to in ("sale", "undecided") and self.shelves.counted_by(sku, self.shop, at) is not None:
            return [("counted", units)]
        there = there_units(to, units, now)
        return [part for part in ((to, there), ("sale", units - there)) if part[1]]

    def _ship(self, entry: Entry, units: int, assumed: bool) -> None:
        for part in entry.parts:
            count = part.each * units
            self._row("shipped", entry.told, units, part.sku, count, entry.recipe_version)
            fact = stock.ship(self.stock(part.sku), order=self.name, sku_told=entry.told, units=count, assumed=assumed)
            self._add(part.sku, fact, self.told_at)

    def reverse(self, told: str, sku: str, units: int) -> None:
        """計上済 reversed for one SKU stream."""
        self._row("reversed", told, 0, sku, units, 0)
        self._add(
            sku, stock.reverse_counted(self.stock(sku), order=self.name, sku_told=told, units=units), self.told_at
        )

    def settle(self, sku: str, units: int, to: str) -> None:
        """Undecided units go where a person said."""
        self._row("settled", sku, 0, sku, units, 0, to)
        self._add(sku, stock.settle(self.stock(sku), order=self.name, units=units, to=to), self.told_at)

    def on(self, fact: B, **sold: Any) -> B:
        """The evidence fact, carrying what was booked for it, and what was ``sold``."""
        booked: dict[str, Any] = {
            "booked_how": self.how,
            "booked_told": self.told,
            "booked_told_units": self.told_units,
            "booked_skus": self.skus,
            "booked_units": self.units,
            "booked_recipes": self.recipes,
            "booked_to": self.to,
            "reviews_opened": [*fact.reviews_opened, *self.reviews],
        }
        return replace(fact, **booked, **sold)


def destination(reason: str | None, now: Stock) -> str:
    """Where released units go (D9). An unknown reason on a SKU with 不足 lines waits for a person."""
    match reason:
        case CancelReason.BUYER | CancelReason.UNPAID:
            return "sale"
        case CancelReason.OUT_OF_STOCK:
            return "short_pick"
        case CancelReason.DEFECTIVE:
            return "defective"
        case _:
            return "undecided" if now.short_units > 0 else "sale"


def there_units(to: str, units: int, now: Stock) -> int:
    """How many of the released units can have been on the shelf: what is owed and was never there cannot be missing from it."""
    if to == "sale" or now.on_hand_units is None:
        return units
    owed = now.short_units if to == "short_pick" else 0
    return max(0, min(units - owed, now.on_hand_units))


def reconcile(order: Order, booking: Booking) -> tuple[Stated, list[OrderFact]]:
    """The difference between what the order states and what it holds is booked; further order facts are the second value.

    ``order`` already holds the evidence. Units never become more than stated, nor are shipped ones released: a cancel of
    shipped units opens a return. Units that were cancelled before they were ever allocated are allocated and released, so
    that a cancel that is told first leaves the same stock, by the same rules.
    """
    said = stated(order)
    at = booking.told_at if said.cancelled_at is None else utc_moment(said.cancelled_at)
    listings = {line.sku: line.listing for line in said.ordered_lines}
    held = order.holding
    taken = {part.sku for entry in held.entries for part in entry.parts}
    booking.shelves.have(said.ordered_units.keys() | {entry.told for entry in held.entries} | taken, booking.shop)
    for told in sorted(said.ordered_units.keys() | {entry.told for entry in held.entries}):
        units, has = said.units.get(told, 0), held.held_units(told)
        target = max(units, said.shipped.get(told, 0))
        cancelled = said.ordered_units.get(told, 0) - units
        never = said.ordered_units.get(told, 0) - held.ever_units.get(told, 0) if cancelled > 0 else 0
        more = max(0, target - has, never)
        first = max(0, min(more, said.ordered_units.get(told, 0) - held.ever_units.get(told, 0)))
        # What was given back is taken again when that is told: a count that knew the order did not know this.
        for count, ordered_at in ((more - first, booking.told_at), (first, booking.happened_at)):
            if count:
                booking.allocate(told, count, listings.get(told, ""), ordered_at)
        if has + more > target:
            booking.release(told, has + more - target, said.reason, at)
        left = said.shipped.get(told, 0) - booking.shipped_units(told)
        if left > 0:
            booking.ship(told, left, assumed=False)
    return said, _returns(order, said, booking)


def _returns(order: Order, said: Stated, booking: Booking) -> list[OrderFact]:
    """Units that have left and are no longer ordered come back, or a person looks for them (返品待ち)."""
    back = {
        told: booking.shipped_units(told) - said.units.get(told, 0) - order.returned.get(told, 0)
        for told in dict.fromkeys(entry.told for entry in booking.entries)
    }
    found = {told: units for told, units in back.items() if units > 0}
    if not found:
        return []
    return [ReturnOpened(skus=list(found), units=list(found.values()), assumed=order.assumed_shipped)]
