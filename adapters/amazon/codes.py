"""How Amazon names a listing: one text, the 出品者SKU. It has no variants; the ASIN is no name (several SKUs share one)."""

from unicodedata import category
from urllib.parse import quote

from ledger.terms import ListingKey

SKU_CHARACTERS_MAX = 40  # NOTES.md, "Identity"
SKU_EXPECTED = f"1 to {SKU_CHARACTERS_MAX} characters on one line"

# Every reader of this folder gives keys without a variant. A key that has one all the same (linked by hand) must not
# meet another SKU: its two codes are joined by the unit separator, which stands in no SKU.
_JOINER = "\x1f"


def sku_of(key: ListingKey) -> str:
    """The SKU that stands in addresses and files for this listing."""
    return f"{key.item}{_JOINER}{key.variant}" if key.variant else key.item


def key_of(sku: str) -> ListingKey:
    """The listing a SKU names; the inverse of ``sku_of``."""
    if _JOINER not in sku:
        return ListingKey(sku)
    item, _, variant = sku.partition(_JOINER)
    return ListingKey(item, variant)


def is_sku(sku: str) -> bool:
    """Whether Amazon could have this SKU: not empty, not too long, no control character, no space at its ends."""
    if not 0 < len(sku) <= SKU_CHARACTERS_MAX or sku != sku.strip():
        return False
    return sku.isprintable() or all(map(_stands_on_a_line, sku.replace(_JOINER, "", 1)))


def _stands_on_a_line(character: str) -> bool:
    """Every character but controls and line ends; full-width and no-break spaces do."""
    kind = category(character)
    return kind[0] != "C" and kind not in ("Zl", "Zp")


def in_path(sku: str) -> str:
    """The SKU as a part of an address: ``/`` and everything else that is not plain is escaped."""
    return quote(sku, safe="")
