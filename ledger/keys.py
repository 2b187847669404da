"""Names of streams: each part percent-encodes ``%``, ``:`` and control characters; over 800 bytes it is its sha256.

A stream is ``<kind>:<part>[:<part>…]``. The text behind a hashed part stands in the stream's first fact.
"""

import hashlib
import re

from ledger.terms import MAIN_PLACE, ListingKey

PART_BYTES_MAX = 800  # 200 characters of 4 bytes: a SKU is never hashed, so a stock stream always names its SKU
LEDGER = "ledger"
_ENCODED = re.compile("[%:\x00-\x1f\x7f]")


def part(text: str) -> str:
    """The text as one part of a stream's name; different texts never give the same part."""
    if len(text) <= PART_BYTES_MAX // 4:
        if text.isprintable() and ":" not in text and "%" not in text:  # nearly all, at half the cost of a search
            return text
        if not _ENCODED.search(text):
            return text
    encoded = "".join(f"%{ord(c):02X}" if c in "%:" or ord(c) < 0x20 or ord(c) == 0x7F else c for c in text)
    raw = encoded.encode("utf-8", "surrogatepass")
    if len(raw) <= PART_BYTES_MAX:
        return encoded
    # "%%" cannot come out of the encoding above, so a hash is never mistaken for a text.
    return "%%" + hashlib.sha256(raw).hexdigest()


def unpart(text: str) -> str:
    """The text behind a part that was not hashed."""
    if "%" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "%":
            out.append(chr(int(text[at + 1 : at + 3], 16)))
            at += 3
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def kind_of(stream: str) -> str:
    """The first part: which facts may stand on the stream (``facts.FACTS_OF_STREAM``)."""
    return stream.partition(":")[0]


def parts_of(stream: str) -> list[str]:
    """The parts behind the kind, decoded."""
    parts = stream.split(":")[1:]
    return [unpart(p) for p in parts] if "%" in stream else parts


def sku(code: str) -> str:
    return f"sku:{part(code)}"


def stock(code: str, place: str = MAIN_PLACE) -> str:
    return f"stock:{part(place)}:{part(code)}"


def order(shop: str, number: str) -> str:
    return f"order:{part(shop)}:{part(number)}"


def order_name(shop: str, number: str) -> str:
    """How stock facts name an order: the order stream without its kind."""
    return f"{part(shop)}:{part(number)}"


def listing(shop: str, key: ListingKey) -> str:
    return f"listing:{part(shop)}:{part(key.item)}:{part(key.variant)}"


def listings_of(shop: str) -> str:
    """What the names of the shop's listing streams begin with."""
    return f"listing:{part(shop)}:"


def listing_text(key: ListingKey) -> str:
    """How parallel lists of facts name a listing of a shop that is known."""
    return f"{part(key.item)}:{part(key.variant)}"


def listing_key(text: str) -> ListingKey:
    """The listing behind ``listing_text``."""
    item, _, variant = text.partition(":")
    return ListingKey(unpart(item), unpart(variant))


def shop(code: str) -> str:
    return f"shop:{part(code)}"


def push(code: str) -> str:
    return f"push:{part(code)}"


def read(code: str) -> str:
    return f"read:{part(code)}"


def load(import_id: str) -> str:
    return f"import:{part(import_id)}"


def receipt(slip: str) -> str:
    return f"receipt:{part(slip)}"


def hold(hold_id: str) -> str:
    return f"hold:{part(hold_id)}"


def stocktake(stocktake_id: str) -> str:
    return f"stocktake:{part(stocktake_id)}"
