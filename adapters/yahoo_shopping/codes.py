"""How Yahoo!ショッピング writes the name of a listing: 商品コード, 個別商品コード, and the two joined."""

import re

from ledger.terms import ListingKey

CODE_CHARACTERS_MAX = (
    99  # setStock: 商品コード and 個別商品コード, each at most 99 half-width letters, digits and hyphens
)
CODE = re.compile(r"[A-Za-z0-9-]{1,99}")
API_SEPARATOR = ":"  # setStock and getStock
MAIL_SEPARATOR = "/"  # order mails
CODE_EXPECTED = "1 to 99 half-width letters, digits and hyphens"


def is_code(text: str) -> bool:
    """Whether Yahoo! could have given this code; what is not one makes setStock refuse the whole request (st-02101)."""
    return CODE.fullmatch(text) is not None


def is_listing(key: ListingKey) -> bool:
    """Whether both codes of the key are ones Yahoo! accepts; the variant may be empty."""
    return is_code(key.item) and (not key.variant or is_code(key.variant))


def joined(key: ListingKey) -> str:
    """The name of the listing in a request: ``code`` or ``code:sub-code``."""
    return f"{key.item}{API_SEPARATOR}{key.variant}" if key.variant else key.item


def listing_of(text: str) -> ListingKey:
    """The listing a name of a request means: ``code`` or ``code:sub-code``."""
    item, _, variant = text.partition(API_SEPARATOR)
    return ListingKey(item, variant)
