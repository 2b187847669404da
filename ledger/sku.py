"""A SKU: that it exists, its other codes, and the recipe when it is a set (セット商品)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger.booking import Recipe
from ledger.codec import Record
from ledger.facts.sku import (
    AliasAdded,
    AliasRemoved,
    BecameAlias,
    CeasedAlias,
    JoinedSet,
    LeftSet,
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
SETS_NAMED_MAX = 3  # in one sentence
NO_SET = Recipe()


class SetNotAccepted(ValueError):
    """The recipe is not one: 1 to 100 different components, 1 to 9,999 of each, no set inside a set."""


class SetHasNoNumber(ValueError):
    """A set has no stock of its own: it is made of its components (D13)."""


@dataclass(frozen=True, slots=True)
class SkuState:
    """The SKU as its stream says. ``registered`` False: only mentioned so far. ``sets``: those it is a component of.

    ``unified``: how it was made one with another SKU, at ``unified_position``; ``once_into`` are all it ever was one with.
    ``alias_of``: the code is another code of that SKU.
    """

    registered: bool = False
    name: str = ""
    jan: str = ""
    product: str = ""
    aliases: frozenset[str] = frozenset()
    recipe: Recipe = NO_SET
    unified: SkusUnified | None = None
    unified_position: int = 0
    once_into: frozenset[str] = frozenset()
    alias_of: str | None = None
    sets: frozenset[str] = frozenset()

    @property
    def unified_into(self) -> str | None:
        """The SKU it was made one with; None: it is one of its own."""
        return None if self.unified is None else self.unified.into_sku

    @property
    def stands_for(self) -> str | None:
        """The SKU that is meant by this code; None: itself."""
        return self.unified_into or self.alias_of


def evolve(state: SkuState, record: Record) -> SkuState:
    """The SKU after one of its facts."""
    match record.fact:
        case SkuRegistered(name=name, jan=jan, product=product):
            return replace(state, registered=True, name=name, jan=jan, product=product)
        case SkuRenamed(name=name, jan=jan, product=product):
            return replace(state, name=name, jan=jan, product=product)
        case AliasAdded(alias=alias):
            return replace(state, aliases=state.aliases | {alias})
        case AliasRemoved(alias=alias):
            return replace(state, aliases=state.aliases - {alias})
        case SetDefined(recipe_version=version, components=components, units=units):
            return replace(state, recipe=Recipe(version, tuple(components), tuple(units)))
        case JoinedSet(set_sku=set_sku):
            return replace(state, sets=state.sets | {set_sku})
        case LeftSet(set_sku=set_sku):
            return replace(state, sets=state.sets - {set_sku})
        case BecameAlias(sku=sku):
            return replace(state, alias_of=sku)
        case CeasedAlias():
            return replace(state, alias_of=None)
        case SkusUnified(into_sku=into) as unified:
            once = state.once_into | {into}
            return replace(state, unified=unified, unified_position=record.position, once_into=once)
        case SkusUnifiedUndone():
            return replace(state, unified=None)
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

    ``sets_inside`` are those of the components that are sets themselves. A SKU with units on hand, or one that is a
    component of a set, cannot become a set (D13). Raises SetNotAccepted.
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
    if components and state.sets:
        named = ", ".join(sorted(state.sets)[:SETS_NAMED_MAX]) + (
            " and more" if len(state.sets) > SETS_NAMED_MAX else ""
        )
        raise SetNotAccepted(
            f"{sku} is a component of {named}; expected a SKU that is in no set: a set is made of SKUs, not of sets."
            f" Take {sku} out of it first"
        )
    if components and stock.on_hand_units:
        raise SetNotAccepted(
            f"{stock.on_hand_units} units of it are on hand; expected none: a set is made of its components"
        )
    recipe = state.recipe
    if (tuple(components), tuple(units)) == (recipe.components, recipe.units):
        return []
    return [SetDefined(recipe.version + 1, list(components), list(units))]


def joined(before: Recipe, defined: SetDefined, sku: str) -> dict[str, JoinedSet | LeftSet]:
    """What each component is told when the set ``sku`` is defined anew: it is in, or no more; nothing when it stays."""
    version = defined.recipe_version
    into = {code: JoinedSet(sku, version) for code in defined.components if code not in before.components}
    out = {code: LeftSet(sku, version) for code in before.components if code not in defined.components}
    return {**into, **out}


class SkuIsAnother(ValueError):
    """The code was made one with another SKU, or is its alias: what is asked of it is asked of that one."""


def is_another(code: str, state: SkuState) -> SkuIsAnother:
    """The error of somebody who asks something of a code that stands for another SKU."""
    how = "was made one with" if state.unified is not None else "is another code (alias) of"
    return SkuIsAnother(f"{code} {how} {state.stands_for}; expected that SKU: ask it of {state.stands_for}")


def no_number(sku: str, recipe: Recipe) -> SetHasNoNumber:
    """The error of somebody who gives a set a number."""
    parts = ", ".join(f"{code} x {units}" for code, units in zip(recipe.components, recipe.units, strict=True))
    return SetHasNoNumber(
        f"{sku} is a set of {parts}; expected one of these components: a set has no stock of its own, it follows from theirs"
    )
