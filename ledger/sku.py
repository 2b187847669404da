"""A SKU: that it exists, its other codes, and the recipe when it is a set (セット商品)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger.booking import Recipe
from ledger.codec import Record
from ledger.facts.sku import (
    AliasAdded,
    AliasRemoved,
    SetDefined,
    SkuRegistered,
    SkuRenamed,
    SkusUnified,
    SkusUnifiedUndone,
)
from ledger.stock import Stock
from ledger.terms import checked_sku
from ledger.view import Fold

SET_UNITS_MAX = 9_999
COMPONENTS_MAX = 100
NO_SET = Recipe()


class SetNotAccepted(ValueError):
    """The recipe is not one: 1 to 100 different components, 1 to 9,999 of each, no set inside a set."""


class SetHasNoNumber(ValueError):
    """A set has no stock of its own: it is made of its components (D13)."""


@dataclass(frozen=True, slots=True)
class SkuState:
    """The SKU as its stream says. ``registered`` False: only mentioned so far."""

    registered: bool = False
    name: str = ""
    jan: str = ""
    product: str = ""
    aliases: frozenset[str] = frozenset()
    recipe: Recipe = NO_SET
    unified_into: str | None = None


def evolve(state: SkuState, record: Record) -> SkuState:
    """The SKU after one of its facts."""
    match record.fact:
        case SkuRegistered(name=name, jan=jan, product=product):
            return SkuState(True, name, jan, product, state.aliases, state.recipe, state.unified_into)
        case SkuRenamed(name=name, jan=jan, product=product):
            return replace(state, name=name, jan=jan, product=product)
        case AliasAdded(alias=alias):
            return replace(state, aliases=state.aliases | {alias})
        case AliasRemoved(alias=alias):
            return replace(state, aliases=state.aliases - {alias})
        case SetDefined(recipe_version=version, components=components, units=units):
            return replace(state, recipe=Recipe(version, tuple(components), tuple(units)))
        case SkusUnified(into_sku=into):
            return replace(state, unified_into=into)
        case SkusUnifiedUndone():
            return replace(state, unified_into=None)
        case _:
            return state


FOLD: Fold[SkuState] = Fold(SkuState(), evolve)


def register(state: SkuState, sku: str, *, name: str, jan: str, product: str) -> list[SkuRegistered | SkuRenamed]:
    """The SKU exists with this name. No fact when nothing new is said; an empty name, JAN or product says nothing. Raises SkuNotAccepted."""
    checked_sku(sku)
    if not state.registered:
        return [SkuRegistered(sku, name, jan, product)]
    new = (name or state.name, jan or state.jan, product or state.product)
    return [] if new == (state.name, state.jan, state.product) else [SkuRenamed(*new)]


def define_set(
    state: SkuState,
    stock: Stock,
    components: Sequence[str],
    units: Sequence[int],
    *,
    sku: str,
    sets_inside: Sequence[str],
) -> list[SetDefined]:
    """The SKU is a set by this recipe for orders taken from here on; no components: it is a set no more.

    ``sets_inside`` are those of the components that are sets themselves. A SKU with units on hand cannot become a set
    (D13). Raises SetNotAccepted.
    """
    if len(components) != len(units) or len(set(components)) != len(components) or len(components) > COMPONENTS_MAX:
        raise SetNotAccepted(
            f"{len(components)} components; expected up to {COMPONENTS_MAX} different ones, each with its units"
        )
    bad = next((n for n in units if not 1 <= n <= SET_UNITS_MAX), None)
    if bad is not None:
        raise SetNotAccepted(f"{bad} units of a component; expected 1 to {SET_UNITS_MAX}")
    if sku in components or sets_inside:
        raise SetNotAccepted(f"{', '.join(sets_inside) or sku} is a set; expected components that are no sets")
    if components and stock.on_hand_units:
        raise SetNotAccepted(
            f"{stock.on_hand_units} units of it are on hand; expected none: a set is made of its components"
        )
    recipe = state.recipe
    if (tuple(components), tuple(units)) == (recipe.components, recipe.units):
        return []
    return [SetDefined(recipe.version + 1, list(components), list(units))]
