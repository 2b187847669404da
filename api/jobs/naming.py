"""Which listing a line of a telling names: by the further codes of the line first, then by its own key.

A mail may name a product by another field than the listing's own key (Rakuten's 商品番号), so the codes of the shop's
linked listings are asked before the key. A code that several listings share names none of them. Where a code is not known
and the listings lag behind the ledger, that is said, so that the mail can be looked at again in a moment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg

from ledger.book.orders import Named
from ledger.terms import ListingKey, Telling, TellingLine


@dataclass(frozen=True, slots=True)
class CodedListing:
    """A linked listing that a code names, and its SKU."""

    key: ListingKey
    sku: str


class ListingCodes(Protocol):
    """The codes of linked listings, as far as the ledger was read."""

    def named(
        self, connection: psycopg.Connection, shop: str, codes: Sequence[str]
    ) -> Mapping[str, Sequence[CodedListing]]:
        """For each code that names linked listings of the shop: those listings."""
        ...

    def position(self, connection: psycopg.Connection) -> int:
        """Every fact up to this position is in the answer of ``named``."""
        ...


@dataclass(frozen=True, slots=True)
class Names:
    """What each line of a telling names; None is 未紐付. ``certain`` False: a code may be one the listings do not have yet."""

    lines: tuple[Named, ...]
    certain: bool


def names_of(
    connection: psycopg.Connection, listings: ListingCodes, told: Sequence[tuple[str, Telling]]
) -> list[Names]:
    """For each (shop, telling) the listings its lines name."""
    wanted: dict[str, set[str]] = {}
    for shop, telling in told:
        wanted.setdefault(shop, set()).update(code for line in telling.lines for code in line.codes)
    found: dict[str, Mapping[str, Sequence[CodedListing]]] = {}
    lagging: dict[str, bool] = {}
    for shop, codes in wanted.items():
        found[shop], lagging[shop] = _named(connection, listings, shop, sorted(codes))
    return [
        Names(
            tuple(named_line(line, found[shop]) for line in telling.lines),
            not lagging[shop] or all(code in found[shop] for line in telling.lines for code in line.codes),
        )
        for shop, telling in told
    ]


def named_line(line: TellingLine, found: Mapping[str, Sequence[CodedListing]]) -> Named:
    """What the line names among the listings its codes found; its own key where no code is known."""
    if line.sku:
        return Named(None, line.sku, own=True)
    shared = False
    for code in line.codes:
        listings = found.get(code, ())
        if len(listings) == 1:
            return Named(listings[0].key, listings[0].sku)
        shared = shared or len(listings) > 1
    return Named(None) if shared or not line.item else Named(ListingKey(line.item, line.variant))


def _named(
    connection: psycopg.Connection, listings: ListingCodes, shop: str, codes: Sequence[str]
) -> tuple[Mapping[str, Sequence[CodedListing]], bool]:
    """The listings by code, and whether the listings lag behind the ledger so that a code may be missing."""
    found = listings.named(connection, shop, codes) if codes else {}
    if all(code in found for code in codes):
        return found, False
    head = connection.execute("SELECT position FROM ledger_head", prepare=True).fetchone()
    assert head is not None
    lagging = listings.position(connection) < head[0]
    return listings.named(connection, shop, codes), lagging
