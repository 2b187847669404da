"""From what an order states to stock facts: books the difference between the target and what the order holds.

Evidence facts (a telling, a link, a shipment) never book by themselves: each is added to the order, the target is worked
out again, and the difference is booked in the same commit, on the order's fact and on every SKU stream it touches.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from ledger import keys, stock
from ledger.facts.order import Booked, OrderFact, ReturnOpened
from ledger.facts.stock import StockFact
from ledger.order import Entry, Order, Part, Stated, stated
from ledger.stock import Stock, evolve
from ledger.terms import MAIN_PLACE, CancelReason
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

    # -------------------------------------------------------------- the four things an order does to stock

    def allocate(self, told: str, units: int, listing: str) -> None:
        """引当 of ``units`` of the SKU told, or of its components; 計上済 where a count already knew the order."""
        recipe = self.shelves.recipe(told)
        wanted = list(zip(recipe.components, recipe.units, strict=True)) if recipe.components else [(told, 1)]
        if self.strict:
            self._refuse_more_than_free(wanted, units)
        parts = []
        for sku, each in wanted:
            count = each * units
            known = self.shelves.counted_by(sku, self.shop, self.happened_at)
            if known is None:
                fact: StockFact = stock.allocate(
                    self.stock(sku),
                    order=self.name,
                    listing=listing,
                    sku_told=told,
                    units=count,
                    recipe=(recipe.version, recipe.components, recipe.units) if recipe.components else None,
                )
            else:
                fact = stock.allocate_as_counted(
                    self.stock(sku), order=self.name, sku_told=told, units=count, against_position=known
                )
            how = "allocated" if known is None else "counted"
            parts.append(Part(sku, each, how))
            self._row(how, told, units, sku, count, recipe.version)
            self._add(sku, fact, self.happened_at)
        self.entries.append(Entry(told, recipe.version, tuple(parts), units))

    def _refuse_more_than_free(self, parts: list[tuple[str, int]], units: int) -> None:
        short = []
        for sku, each in parts:
            free = self.stock(sku).free_units or 0
            if free < each * units:
                short.append(f"{sku}: {each * units} asked, {max(0, free)} free")
        if short:
            raise stock.NotEnough("not enough free units: " + "; ".join(short))

    def release(self, told: str, units: int, reason: str | None) -> int:
        """引当解除 of up to ``units``, newest allocation first, by the recipe it was made with; the answer is what was not open."""
        return self._take(told, units, lambda entry, count: self._release(entry, count, reason), shipped=False)

    def ship(self, told: str, units: int, *, assumed: bool) -> int:
        """出荷確定 of up to ``units``, newest allocation first; the answer is what was not open."""
        return self._take(told, units, lambda entry, count: self._ship(entry, count, assumed), shipped=True)

    def _take(self, told: str, units: int, book: Callable[[Entry, int], None], *, shipped: bool) -> int:
        left = units
        for n in range(len(self.entries) - 1, -1, -1):
            entry = self.entries[n]
            count = min(left, entry.open_units)
            if entry.told != told or count <= 0:
                continue
            book(entry, count)
            gone = entry.shipped_units + (count if shipped else 0)
            self.entries[n] = replace(entry, open_units=entry.open_units - count, shipped_units=gone)
            left -= count
        return left

    def _release(self, entry: Entry, units: int, reason: str | None) -> None:
        for part in entry.parts:
            to = destination(reason, self.stock(part.sku))
            count = part.each * units
            self._row("released", entry.told, units, part.sku, count, entry.recipe_version, to)
            fact = stock.release(
                self.stock(part.sku),
                order=self.name,
                sku_told=entry.told,
                units=count,
                to=to,
                mall_restored=self.mall_restored,
            )
            self._add(part.sku, fact, self.told_at)

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

    def on(self, fact: B) -> B:
        """The evidence fact, carrying what was booked for it."""
        booked: dict[str, Any] = {
            "booked_how": self.how,
            "booked_told": self.told,
            "booked_told_units": self.told_units,
            "booked_skus": self.skus,
            "booked_units": self.units,
            "booked_recipes": self.recipes,
            "booked_to": self.to,
        }
        return replace(fact, **booked)


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


def reconcile(order: Order, booking: Booking) -> tuple[Stated, list[OrderFact]]:
    """The difference between what the order states and what it holds is booked; further order facts are the second value.

    ``order`` already holds the evidence. Units never become more than stated, nor are shipped ones released (a cancel of
    shipped units opens a return).
    """
    said = stated(order)
    more: list[OrderFact] = []
    listings = {line.sku: line.listing for line in said.lines}
    held: dict[str, int] = {}
    for entry in order.entries:
        held[entry.told] = held.get(entry.told, 0) + entry.open_units + entry.shipped_units
    for told in sorted(said.units.keys() | held.keys()):
        want, has = said.units.get(told, 0), held.get(told, 0)
        if want > has:
            booking.allocate(told, want - has, listings.get(told, ""))
        elif want < has:
            not_open = booking.release(told, has - want, said.reason) - (order.returned or {}).get(told, 0)
            if not_open > 0:
                more.append(ReturnOpened(skus=[told], units=[not_open], assumed=order.assumed_shipped))
    for told, target in sorted(said.shipped.items()):
        left = target - sum(entry.shipped_units for entry in booking.entries if entry.told == told)
        if left > 0:
            booking.ship(told, left, assumed=order.assumed_shipped)
    return said, more
