"""Reads products as カラーミーショップ answers them: numbers of the product or of its variants, never anything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.colorme.access import get
from adapters.colorme.codes import listing_of
from adapters.kit.answers import json_of
from adapters.kit.mall import Answer, Reply, ShopAccess
from ledger.terms import ListingKey

PRODUCTS_MAX = 50  # ``limit`` of GET /v1/products
FIELDS = "id,stocks,stock_managed,display_state,variants"  # without them long texts of every product would come


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant. ``units`` None: the mall keeps no number of it."""

    option1: str
    option2: str
    units: int | None


@dataclass(frozen=True, slots=True)
class Product:
    """One product. ``managed`` False: 在庫管理しない, sold without limit. ``units`` None: no number of the product itself."""

    number: str
    units: int | None
    managed: bool
    shown: bool
    variants: tuple[Variant, ...]

    @property
    def by_variant(self) -> bool:
        """Whether the stock is kept for each variant; the mall then ignores the product's own number."""
        return any(variant.units is not None for variant in self.variants)

    def levels(self) -> dict[ListingKey, int | None]:
        """Every listing that has its own number, and that number; None where the mall sells without limit."""
        if not self.by_variant:
            return {ListingKey(self.number): self.units if self.managed else None}
        return {
            listing_of(self.number, one.option1, one.option2): one.units if self.managed else None
            for one in self.variants
        }


def ask(access: ShopAccess, numbers: Sequence[str]) -> Reply:
    """The mall's reply for these products, at most PRODUCTS_MAX."""
    assert 0 < len(numbers) <= PRODUCTS_MAX, len(numbers)
    return get(access, "/products", {"ids": ",".join(numbers), "limit": str(PRODUCTS_MAX), "fields": FIELDS})


def products_of(answer: Answer) -> Mapping[str, Product] | None:
    """The products of a list by their numbers; None when the answer is none of this API."""
    said = json_of(answer)
    listed = said.get("products") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        return None
    found = [product(one) for one in listed]
    if any(one is None for one in found):
        return None
    return {one.number: one for one in found if one is not None}


def product_of(answer: Answer) -> Product | None:
    """The one product of an answer; None when it is none of this API."""
    said = json_of(answer)
    return product(said.get("product")) if isinstance(said, dict) else None


def product(said: object) -> Product | None:
    """A product as the mall writes it; None when it has no number or a count is none."""
    if not isinstance(said, dict):
        return None
    number, units, listed = said.get("id"), said.get("stocks"), said.get("variants") or []
    if not _is_number(number) or not _is_count(units) or not isinstance(listed, list):
        return None
    variants = [_variant(one) for one in listed]
    if any(one is None for one in variants):
        return None
    return Product(
        number=str(number),
        units=_count(units),
        managed=said.get("stock_managed") is not False,
        shown=said.get("display_state") != "hidden",
        variants=tuple(one for one in variants if one is not None),
    )


# ------------------------------------------------------------------ private


def _variant(said: object) -> Variant | None:
    if not isinstance(said, dict):
        return None
    option1, option2, units = said.get("option1_value"), said.get("option2_value"), said.get("stocks")
    if not isinstance(option1, str) or not isinstance(option2, str | None) or not _is_count(units):
        return None
    return Variant(option1, option2 or "", _count(units))


def _is_number(said: object) -> bool:
    return isinstance(said, (int, str)) and not isinstance(said, bool) and 0 < len(str(said)) <= 50


def _is_count(said: object) -> bool:
    return said is None or (isinstance(said, int) and not isinstance(said, bool) and abs(said) <= 999_999_999)


def _count(said: object) -> int | None:
    """A count below zero is shown as sold out."""
    return max(0, said) if isinstance(said, int) else None
