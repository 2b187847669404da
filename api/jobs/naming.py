"""Which listing a line of a telling names: by the further codes of the line first, then by its own key.

A mail may name a product by another field than the listing's own key (Rakuten's 商品番号), so the codes of the shop's
linked listings are asked before the key. A code that several listings share names none of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg

from ledger.book.orders import Named
from ledger.terms import ListingKey, Telling, TellingLine
from ledger.writer import Clock

WAIT_SECONDS_MAX = 2.0
POLL_SECONDS = 0.01


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


def names_of(
    connection: psycopg.Connection, listings: ListingCodes, clock: Clock, told: Sequence[tuple[str, Telling]]
) -> list[list[Named]]:
    """For each (shop, telling) the listings its lines name; None is 未紐付.

    A code that is not known is looked for again, for at most WAIT_SECONDS_MAX, while the listings lag behind the ledger.
    """
    wanted: dict[str, set[str]] = {}
    for shop, telling in told:
        wanted.setdefault(shop, set()).update(code for line in telling.lines for code in line.codes)
    found = {shop: _named(connection, listings, clock, shop, codes) for shop, codes in wanted.items()}
    return [[named_line(line, found[shop]) for line in telling.lines] for shop, telling in told]


def named_line(line: TellingLine, found: Mapping[str, Sequence[CodedListing]]) -> Named:
    """What the line names among the listings its codes found; its own key where no code is known."""
    shared = False
    for code in line.codes:
        listings = found.get(code, ())
        if len(listings) == 1:
            return Named(listings[0].key, listings[0].sku)
        shared = shared or len(listings) > 1
    return Named(None) if shared or not line.item else Named(ListingKey(line.item, line.variant))


def _named(
    connection: psycopg.Connection, listings: ListingCodes, clock: Clock, shop: str, codes: Iterable[str]
) -> Mapping[str, Sequence[CodedListing]]:
    asked = sorted(codes)
    if not asked:
        return {}
    found = listings.named(connection, shop, asked)
    if all(code in found for code in asked) or not _caught_up(connection, listings, clock):
        return found
    return listings.named(connection, shop, asked)


def _caught_up(connection: psycopg.Connection, listings: ListingCodes, clock: Clock) -> bool:
    """Whether the listings lagged and now hold every fact there was when this was asked."""
    position = listings.position(connection)
    row = connection.execute("SELECT position FROM ledger_head", prepare=True).fetchone()
    assert row is not None
    if position >= row[0]:
        return False
    until = clock.monotonic() + WAIT_SECONDS_MAX
    while clock.monotonic() < until:
        clock.sleep(POLL_SECONDS)
        if listings.position(connection) >= row[0]:
            return True
    return False
