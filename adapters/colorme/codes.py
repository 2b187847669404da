"""How カラーミーショップ names a listing: the product's number, and the texts of its options as the shop shows them.

Options have no code of their own on the wire: a variant is addressed by its exact texts, so a renamed choice is another
listing (D27). Two texts are joined as the mall's own ``title`` joins them.
"""

import re

from ledger.terms import ListingKey

JOINT = "　x　"  # ``title`` of a variant in the mall's OpenAPI
_PRODUCT = re.compile(r"[A-Za-z0-9_-]{1,50}")  # the mall's are digits


def is_product(text: str) -> bool:
    """Whether the text may stand as a product's number in an address or a list of numbers."""
    return _PRODUCT.fullmatch(text) is not None


def variant_text(option1: str, option2: str) -> str:
    """The variant code of a listing: the option's text, or both joined; exactly as the mall keeps them."""
    return f"{option1}{JOINT}{option2}" if option2 else option1


def options_of(variant: str) -> tuple[str, str]:
    """The two option texts of a variant code; the second is "" for a product with one option."""
    option1, joint, option2 = variant.partition(JOINT)
    return (option1, option2) if joint else (variant, "")


def listing_of(product: str, option1: str, option2: str) -> ListingKey:
    """The listing of a product's number and its option texts, which are "" for a product without options."""
    return ListingKey(product, variant_text(option1, option2))
