"""Facts of ``sku:<sku>``: what the merchant sells, its other codes, its recipe when it is a set."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class SkuRegistered:
    """A SKU exists. It has no stock number yet (在庫未登録), which is not zero."""

    sku: str
    name: str = ""
    jan: str = ""
    product: str = ""


@dataclass(frozen=True)
class SkuRenamed:
    name: str
    jan: str
    product: str


@dataclass(frozen=True)
class AliasAdded:
    """商品SKU統一コード: another code of the same SKU."""

    alias: str


@dataclass(frozen=True)
class AliasRemoved:
    alias: str


@dataclass(frozen=True)
class BecameAlias:
    """This code is another code of ``sku``: whoever names it means that one. It stands on the code's own stream."""

    sku: str


@dataclass(frozen=True)
class CeasedAlias:
    """This code is no code of ``sku`` any more."""

    sku: str


@dataclass(frozen=True)
class SkusUnified:
    """``from_sku`` is one thing with ``into_sku`` from here on. It stands on the stream of ``from_sku``.

    ``choice``: whose units on hand count, sum, from or into; the numbers are those a person chose by. What was moved, so that
    it can be moved back: listings (parallel lists), holds, sets that had it as a component.
    """

    from_sku: str
    into_sku: str
    choice: str = ""
    on_hand_from: int | None = None
    on_hand_into: int | None = None
    available_from: int | None = None
    available_into: int | None = None
    kept_back_from: int = 0
    kept_back_into: int = 0
    listing_shops: list[str] = field(default_factory=list)
    listings: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SkusUnifiedUndone:
    from_sku: str
    into_sku: str


@dataclass(frozen=True)
class SetDefined:
    """セット商品: one of this SKU is ``units[i]`` of ``components[i]``. Counts for orders taken from here on (D13)."""

    recipe_version: int
    components: list[str]
    units: list[int]


@dataclass(frozen=True)
class JoinedSet:
    """This SKU is a component of ``set_sku`` by its recipe of this version: it cannot become a set itself."""

    set_sku: str
    recipe_version: int


@dataclass(frozen=True)
class LeftSet:
    """This SKU is no component of ``set_sku`` any more, since its recipe of this version."""

    set_sku: str
    recipe_version: int


@dataclass(frozen=True)
class KeptBackSet:
    """保留在庫数 at one place is ``units`` from here on."""

    place: str
    units: int


SkuFact: TypeAlias = (
    SkuRegistered
    | SkuRenamed
    | AliasAdded
    | AliasRemoved
    | BecameAlias
    | CeasedAlias
    | SkusUnified
    | SkusUnifiedUndone
    | SetDefined
    | JoinedSet
    | LeftSet
    | KeptBackSet
)
