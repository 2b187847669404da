"""Two SKUs made one in a ledger in memory: what the job looks at before it asks the verb."""

from typing import Any

from ledger import keys, listing
from ledger.book.unify import undo_unify, unify
from ledger.terms import ListingKey
from ledger.unify import Open, open_of
from tests.ledger.given import Memory


def promised(ledger: Memory, code: str) -> Open:
    """What of the SKU's stock is open now."""
    return open_of(ledger.streams.get(keys.stock(code), ()))


def pages_of(ledger: Memory, code: str) -> list[tuple[str, ListingKey]]:
    """The listings that sell the SKU now."""
    found = []
    for stream in sorted(ledger.streams):
        if keys.kind_of(stream) == "listing" and ledger.state(stream, listing.FOLD).sku == code:
            shop, item, variant = keys.parts_of(stream)
            found.append((shop, ListingKey(item, variant)))
    return found


def make_one(ledger: Memory, out: str, onto: str, choice: str = "sum", **more: Any) -> dict[str, Any]:
    """The first SKU is one with the second from here on; the answer of the verb."""
    return ledger.when(unify(out, onto, choice, promised(ledger, out), pages_of(ledger, out), **more))


def part_again(ledger: Memory, out: str, onto: str) -> dict[str, Any]:
    """The first SKU is one of its own again; the answer of the verb."""
    return ledger.when(undo_unify(out, promised(ledger, onto)))
