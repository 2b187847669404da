"""What running shops would be told if numbers were others: listings up, down and to 0, by the rules that pushes follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from psycopg import Connection

from ledger import listing
from ledger.booking import Recipe
from projections import listing_list
from projections.listing_list import ListingNow

SKUS_AT_ONCE = 1_000
_recipe = msgspec.json.Decoder(Recipe).decode


@dataclass
class Told:
    """Listings of one shop by what they would be told. Mutable: counted listing by listing. ``first``: shown no number of ours yet."""

    up: int = 0
    down: int = 0
    to_zero: int = 0
    first: int = 0


class ToldShops:
    """Counts, SKU by SKU, what these shops would be told. Mutable. What looks withhold and the minimum rest are the push clock's."""

    def __init__(self, connection: Connection[Any], schema: str, shops: Sequence[str]) -> None:
        self._connection, self._schema = connection, schema
        self._told = {shop: Told() for shop in shops}
        self._components: dict[str, int | None] = {}  # available units of those that sets are made of
        self._units_max: Mapping[str, int] = {}
        if shops:
            rows = connection.execute("SELECT shop, units_max FROM listing_shops WHERE shop = ANY (%s)", (list(shops),))
            self._units_max = {str(shop): int(units) for shop, units in rows.fetchall()}

    def add(self, skus: Sequence[str], after: Sequence[int | None]) -> None:
        """These SKUs would have these numbers. Nothing is read where no shop runs."""
        if not self._told:
            return
        for start in range(0, len(skus), SKUS_AT_ONCE):
            few = skus[start : start + SKUS_AT_ONCE]
            numbers = dict(zip(few, after[start : start + SKUS_AT_ONCE], strict=True))
            kept = self._kept_back(few)
            frees = {sku: None if units is None else units - kept.get(sku, 0) for sku, units in numbers.items()}
            self._count(frees)
            rows = self._connection.execute(
                "SELECT DISTINCT component FROM listing_sets WHERE component = ANY (%s)", (few,)
            )
            self._components |= {str(sku): numbers[sku] for (sku,) in rows.fetchall()}

    def ended(self) -> dict[str, Told]:
        """What each shop would be told, sets included, whose components all are known now."""
        if self._components:
            self._count(self._of_sets())
        return {shop: told for shop, told in self._told.items() if told != Told()}

    def _kept_back(self, skus: Sequence[str]) -> dict[str, int]:
        rows = self._connection.execute(
            "SELECT sku, kept_back + held + auction_kept FROM listing_skus WHERE sku = ANY (%s)", (list(skus),)
        )
        return {str(sku): int(units) for sku, units in rows.fetchall()}

    def _of_sets(self) -> dict[str, int | None]:
        """What could be built of every set with one of the components."""
        rows = self._connection.execute(
            "SELECT k.sku, k.recipe FROM listing_skus AS k WHERE k.recipe IS NOT NULL"
            " AND k.sku IN (SELECT sku FROM listing_sets WHERE component = ANY (%s))",
            (sorted(self._components),),
        ).fetchall()
        recipes = {str(sku): _recipe(recipe) for sku, recipe in rows}
        parts = sorted({one for recipe in recipes.values() for one in recipe.components})
        found = self._connection.execute(
            "SELECT sku, available, kept_back + held + auction_kept FROM listing_skus WHERE sku = ANY (%s)", (parts,)
        ).fetchall()
        frees: dict[str, int | None] = {}
        for sku, available, kept in found:
            units = self._components.get(sku, available)
            frees[sku] = None if units is None else units - kept
        return {
            sku: listing.free_of([frees.get(one) for one in recipe.components], recipe)
            for sku, recipe in recipes.items()
        }

    def _count(self, frees: Mapping[str, int | None]) -> None:
        rows = listing_list.of_skus(self._connection, self._schema, sorted(frees))
        by_sku: dict[str, list[ListingNow]] = {}
        for row in rows:
            by_sku.setdefault(row.sku, []).append(row)
        for sku, members in by_sku.items():
            free = frees[sku]
            floored = free is not None and all(
                max(0, free - row.settings.reserve) * row.settings.share_percent // 100 == 0
                for row in members
                if row.state == listing.LINKED
            )
            for row in members:
                if row.shop in self._told:
                    self._one(row, free, floored=floored)

    def _one(self, row: ListingNow, free: int | None, *, floored: bool) -> None:
        rules = listing.Listing(row.sku, row.units_per_listing, row.state, row.show_zero, row.codes, row.settings)
        wanted = listing.wanted(rules, free, units_max=self._units_max[row.shop], shares_floor_to_zero=floored)
        shown, told = row.numbers.expected_units, self._told[row.shop]
        if wanted is None or wanted == shown:
            return
        if shown is None:
            told.first += 1
        elif wanted == 0:
            told.to_zero += 1
        elif wanted > shown:
            told.up += 1
        else:
            told.down += 1
