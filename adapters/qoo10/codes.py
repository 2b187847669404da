"""How Qoo10 names a listing: 商品番号 or 販売者商品コード, and an option by its texts and its code."""

import re
from dataclasses import dataclass

from ledger.terms import CODE_CHARACTERS_MAX, ListingKey

AXIS = "||*"  # QAPI: between the axes inside OptionName, OptionValue and OptionCode
ROW = "$$"  # QAPI: between the rows of InventoryInfo, so no text of an option holds it
ITEM_CODE_DIGITS = (9, 10)  # QAPI guide: 9 to 10 digits, the first not 0

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Option:
    """One option of an item as the API names it, axes joined by ``||*``.

    ``exact`` False: only one text is known (a 販売者オプションコード as a rule); the mall's own texts are to be read first
    where it does not fit.
    """

    name: str
    value: str
    code: str
    exact: bool = True


def is_item_code(item: str) -> bool:
    """Whether the text is a 商品番号 of Qoo10; else it is taken for a 販売者商品コード."""
    return len(item) in ITEM_CODE_DIGITS and item.isascii() and item.isdigit() and item[0] != "0"


def item_fields(item: str) -> dict[str, str]:
    """The item as a call names it."""
    return {"ItemCode": item} if is_item_code(item) else {"SellerCode": item}


def variant_of(name: str, value: str, code: str) -> str:
    """The variant of an option that a file or a person names: its code where it has one, else its two texts."""
    return code or f"{name}{ROW}{value}"


def option_of(variant: str, *, unknown_name: str) -> Option:
    """The option a variant means: ``code``, ``name$$value`` or ``name$$value$$code``."""
    name, row, rest = variant.partition(ROW)
    if not row:
        return Option(unknown_name, variant, variant, exact=False)
    value, _, code = rest.partition(ROW)
    return Option(name, value, code)


def told_codes(item: str, seller_code: str, option_code: str) -> tuple[str, ...]:
    """The further codes by which an order names the listing: shop-wide ones only, since option codes repeat among items."""
    other = seller_code if seller_code != item else ""
    if not option_code:
        return (other,) if other else ()
    return (f"{item}/{option_code}", f"{other}/{option_code}") if other else (f"{item}/{option_code}",)


def is_text(code: str) -> bool:
    """Whether a code can be kept: without control characters, not longer than any mall's codes; a full-width space is one."""
    if not 0 < len(code) <= CODE_CHARACTERS_MAX:
        return False
    return code.isprintable() or not _CONTROL.search(code)


def is_listing(key: ListingKey) -> bool:
    """Whether both codes of the key could be ones of Qoo10."""
    return is_text(key.item) and (not key.variant or is_text(key.variant))
