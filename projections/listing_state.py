"""Listings in memory: the state of SKUs, listings, shops and open requests, and what each listing should show.

wanted (反映予定数) is worked out again for every listing of a SKU, and of the sets that contain it, whenever its free units
change; so ``wanted_position`` is that of the very fact that changed it, whatever the pages. What the clock adds (minimum
rest, ten minutes of unseen units) is the push clock's: here stands only what facts say.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from msgspec.structs import replace

from ledger import expected, listing
from ledger.booking import Recipe
from ledger.expected import Numbers
from ledger.listing import Listing, Stopped
from ledger.terms import UNITS_MAX

NO_SET = Recipe()
IN_NO_SET: frozenset[str] = frozenset()  # one for all: most SKUs are no component
NOT_STOPPED = Stopped()
LOWERING, OTHER = 0, 1  # ranks of the push queue: lower at once, raise after a look

Key: TypeAlias = tuple[str, str]  # shop, ListingKey as text


@dataclass(slots=True, eq=False)
class SkuState:
    """What listings need of one SKU. Mutable: changed by every fact of its stock. ``free`` of a set: what can be built.

    ``stored``: it has a row already.
    """

    sku: str
    available: int | None = None
    kept_back: int = 0
    held: int = 0
    auction_kept: int = 0
    recipe: Recipe = NO_SET
    free: int | None = None
    stored: bool = False

    @property
    def own_free(self) -> int | None:
        """購入可能数 of its own units."""
        return None if self.available is None else self.available - self.kept_back - self.held - self.auction_kept


@dataclass(slots=True, eq=False)
class ListingRow:
    """One listing with its numbers. Mutable: a page may change it many times.

    ``wanted_unseen`` is wanted less the units that looks found missing; ``batch_request``: an unfinished file or feed
    that holds it; ``stopped_since``: when its stop threshold began to hold it at 0; ``unseen_units`` count listings;
    ``stored``: it has a row already.
    """

    shop: str
    item: str
    variant: str
    listing: Listing = Listing()
    version: int = 0
    numbers: Numbers = Numbers()
    wanted: int | None = None
    wanted_unseen: int | None = None
    wanted_position: int = 0
    stopped_since: datetime | None = None
    batch_request: str | None = None
    unseen_units: int = 0
    position: int = 0
    stored: bool = False

    @property
    def queue_rank(self) -> int | None:
        """Where it stands in the push queue: LOWERING before OTHER; None: nothing is to be told."""
        wanted, unseen, shown = self.wanted, self.wanted_unseen, self.numbers.expected_units
        if wanted is None or unseen is None:
            return None
        if wanted == shown == unseen and self.listing.resend_position <= self.numbers.told_position:
            return None
        if self.numbers.rejected_code is not None and unseen > 0:
            return None  # it waits on the work list; only 0 is tried again
        return LOWERING if unseen == 0 or (shown is not None and unseen < shown) else OTHER


@dataclass(frozen=True, slots=True)
class Traits:
    """How the shop's mall counts: part of the shop's settings."""

    lowers_at: str = "order"
    restores: str = "unknown"
    units_max: int = UNITS_MAX


@dataclass(frozen=True, slots=True)
class Request:
    """A push whose answer, or whose end, is still open."""

    listings: tuple[str, ...]
    units: tuple[int, ...]
    computed_at: int
    channel: str


@dataclass
class ListingFold:
    """Everything the facts of a page touch, loaded before and saved behind it. Mutable: facts are taken one by one.

    ``members`` are the listings of a SKU, ``sets_of`` the sets that contain it, ``shops`` those of any row. ``changed_*`` are to be saved; of
    ``changed_wanted`` only what the listing should show.
    """

    skus: dict[str, SkuState] = field(default_factory=dict)
    rows: dict[Key, ListingRow] = field(default_factory=dict)
    members: dict[str, dict[Key, ListingRow]] = field(default_factory=dict)
    sets_of: dict[str, frozenset[str]] = field(default_factory=dict)
    shops: set[str] = field(default_factory=set)
    traits: dict[str, Traits] = field(default_factory=dict)
    requests: dict[tuple[str, str], Request | None] = field(default_factory=dict)
    changed_skus: set[SkuState] = field(default_factory=set)
    changed_rows: set[ListingRow] = field(default_factory=set)
    changed_wanted: set[ListingRow] = field(default_factory=set)
    changed_codes: set[Key] = field(default_factory=set)
    changed_recipes: set[str] = field(default_factory=set)
    changed_traits: set[str] = field(default_factory=set)
    changed_requests: set[tuple[str, str]] = field(default_factory=set)

    @property
    def changed(self) -> bool:
        """Something waits to be saved."""
        sets = (self.changed_rows, self.changed_wanted, self.changed_skus, self.changed_codes, self.changed_recipes)
        return any(sets) or bool(self.changed_traits or self.changed_requests)

    def saved(self) -> None:
        """Nothing waits to be saved any more, and all of it has rows."""
        for row in self.changed_rows:
            row.stored = True
        for state in self.changed_skus:
            state.stored = True
        self.changed_skus.clear()
        self.changed_rows.clear()
        self.changed_wanted.clear()
        self.changed_codes.clear()
        self.changed_recipes.clear()
        self.changed_traits.clear()
        self.changed_requests.clear()

    # -------------------------------------------------------------- wanted

    def refresh(self, sku: str, position: int, time: datetime) -> None:
        """Free units of the SKU, and of sets with it, are worked out again; where they changed, wanted is too."""
        state = self.skus[sku]
        recipe = state.recipe
        free = state.own_free if recipe is NO_SET or not recipe.components else self._buildable(recipe)
        if free != state.free:
            state.free = free
            self.changed_skus.add(state)
            self.reckon(sku, position, time)
        if sets := self.sets_of[sku]:
            for set_sku in sorted(sets):
                self.refresh(set_sku, position, time)

    def _buildable(self, recipe: Recipe) -> int | None:
        return listing.free_of([self.skus[each].own_free for each in recipe.components], recipe)

    def reckon(self, sku: str, position: int, time: datetime) -> None:
        """wanted of every listing of the SKU follows from its free units, its rules and what looks found missing."""
        free, members = self.skus[sku].free, self.members[sku].values()
        unseen, floored = 0, False
        for row in members:
            if row.unseen_units:
                unseen += row.unseen_units * row.listing.units_per_listing
            floored = floored or row.listing.settings.first_choice
        floored = floored and _floored(members, free)
        for row in members:
            own, stopped = row.listing, NOT_STOPPED
            if row.stopped_since is not None or own.settings.stop_threshold is not None:
                if _held(row, free, time):
                    self.changed_wanted.add(row)
                stopped = NOT_STOPPED if row.stopped_since is None else Stopped(row.stopped_since)
            most = self.traits[row.shop].units_max
            less = wanted = listing.wanted(own, free, units_max=most, stopped=stopped, shares_floor_to_zero=floored)
            if unseen and wanted:
                less = listing.wanted(
                    own,
                    free,
                    units_max=most,
                    stopped=stopped,
                    shares_floor_to_zero=floored,
                    withheld_units=unseen,
                )
            if wanted != row.wanted or less != row.wanted_unseen:
                row.wanted, row.wanted_unseen, row.wanted_position = wanted, less, position
                self.changed_wanted.add(row)

    def set_numbers(self, key: Key, numbers: Numbers, position: int, time: datetime) -> None:
        """The listing has these numbers; when other units are unseen now, its SKU's listings want something else.

        Sales that are inside the number told are forgotten: nothing asks for them again.
        """
        row = self.rows[key]
        if numbers.sales and numbers.sales[0].position <= numbers.told_position:
            sales = tuple(sale for sale in numbers.sales if sale.position > numbers.told_position)
            numbers = replace(numbers, sales=sales)
        row.numbers, row.position = numbers, position
        self.changed_rows.add(row)
        unseen = 0 if numbers.read_units is None else expected.unseen_units(numbers)
        if unseen != row.unseen_units:
            row.unseen_units = unseen
            if row.listing.sku:
                self.reckon(row.listing.sku, position, time)


def _floored(rows: Iterable[ListingRow], free: int | None) -> bool:
    """Whether every linked listing's share floors to 0 although units are free."""
    linked = [row.listing.settings for row in rows if row.listing.state == listing.LINKED]
    return free is not None and all(max(0, free - s.reserve) * s.share_percent // 100 == 0 for s in linked)


def _held(row: ListingRow, free: int | None, time: datetime) -> bool:
    """``stopped_since`` begins when free falls to the stop threshold and ends at the resume level; whether it changed."""
    before, rules = row.stopped_since, row.listing.settings
    threshold = rules.stop_threshold
    if threshold is None or free is None:
        row.stopped_since = None
    elif free <= threshold:
        row.stopped_since = before or time
    elif free >= (threshold + 1 if rules.resume_level is None else rules.resume_level):
        row.stopped_since = None
    return row.stopped_since != before
