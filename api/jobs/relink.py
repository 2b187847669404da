"""Lines that were 未紐付 are linked once a listing they name is there: an order told before its product was imported.

A pass looks at every unlinked line of the allocation list after listings were linked, otherwise only at orders that
changed since the last pass. What it knows is only where it came to; a lost pass is done again and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from api.jobs.naming import CodedListing, ListingCodes, named_line
from api.wiring import House
from ledger.book.orders import link_line
from ledger.terms import ListingKey, TellingLine
from projections.listing_list import CODES_MAX, listings_named

PAGE_LINES = 500


class ProjectedListings:
    """The codes of linked listings as the projection ``listings`` of one schema has them."""

    def __init__(self, schema: str) -> None:
        self._schema = schema

    def named(self, connection: psycopg.Connection, shop: str, codes: Sequence[str]) -> dict[str, list[CodedListing]]:
        """For each code that names linked listings of the shop: those listings."""
        found: dict[str, list[CodedListing]] = {}
        for start in range(0, len(codes), CODES_MAX):
            part = listings_named(connection, self._schema, shop, codes[start : start + CODES_MAX])
            found.update((code, [CodedListing(one.key, one.sku) for one in linked]) for code, linked in part.items())
        return found

    def position(self, connection: psycopg.Connection) -> int:
        """Every fact up to this position is in the answer of ``named``."""
        return position_of(connection, ["listings"])


@dataclass(frozen=True, slots=True)
class _Line:
    """One unlinked line of the allocation list, and where it stands there."""

    shop: str
    first_position: int
    line: int
    number: str
    item: str
    variant: str
    codes: str

    @property
    def place(self) -> tuple[str, int, int]:
        return self.shop, self.first_position, self.line


class Relink:
    """The step function of one process, with where its pass is."""

    def __init__(self, house: House, listings: ListingCodes) -> None:
        self._house = house
        self._listings = listings
        self._checked: int | None = None  # every line as of this position was looked at with the listings of then
        self._since: int | None = None  # this pass looks at orders that changed after it; None: no pass runs
        self._until = 0
        self._after = ("", 0, 0)

    def step(self) -> int:
        """The next page of unlinked lines is looked at and what they name is linked; 0 when there is nothing to look at."""
        with self._house.pool.connection() as connection:
            if self._since is None and not self._begin(connection):
                return 0
            assert self._since is not None
            lines = _unlinked(connection, self._since, self._after)
            named = [(line, key) for line, key in zip(lines, self._names(connection, lines), strict=True) if key]
        for line, key in named:
            verb = link_line(line.shop, line.number, line.item, line.variant, line.codes, key)
            self._house.book.do(verb, self._house.by(cause="relink"))
        if len(lines) == PAGE_LINES:
            self._after = lines[-1].place
        else:
            self._checked, self._since = self._until, None
        return len(lines)

    def _begin(self, connection: psycopg.Connection) -> bool:
        """A pass begins when listings were linked or orders told since the last one; the first looks at everything."""
        until = position_of(connection, ["listings", "orders"])
        if not until:
            return False
        self._until, self._after = until, ("", 0, 0)
        if self._checked is None:
            self._since = 0
            return True
        row = connection.execute(
            "SELECT coalesce(bool_or(topic = 'ListingLinked'), false) FROM ledger_events WHERE notification_id > %s"
            " AND notification_id <= %s AND topic IN ('ListingLinked', 'OrderTold')"
            " HAVING count(*) > 0",
            (self._checked, until),
            prepare=True,
        ).fetchone()
        if row is None:
            self._checked = max(self._checked, until)
            return False
        self._since = 0 if row[0] else self._checked
        return True

    def _names(self, connection: psycopg.Connection, lines: Sequence[_Line]) -> list[ListingKey | None]:
        """The listing each line names, when it is linked."""
        codes: dict[str, set[str]] = {}
        for line in lines:
            codes.setdefault(line.shop, set()).update(line.codes.split("\t") if line.codes else ())
        found = {shop: self._listings.named(connection, shop, sorted(of_shop)) for shop, of_shop in codes.items()}
        keys = [named_line(_as_told(line), found[line.shop]).key for line in lines]
        known = _linked(connection, [(line.shop, key) for line, key in zip(lines, keys, strict=True) if key])
        return [key if key and (line.shop, key) in known else None for line, key in zip(lines, keys, strict=True)]


def position_of(connection: psycopg.Connection, projections: Sequence[str]) -> int:
    """Every fact up to this position is in all of these projections; 0 while one of them is not there."""
    row = connection.execute(
        "SELECT CASE WHEN count(*) = %s THEN min(position) ELSE 0 END FROM projection_checkpoints WHERE projection = ANY(%s)",
        (len(projections), list(projections)),
        prepare=True,
    ).fetchone()
    return int(row[0] or 0) if row is not None else 0


def _unlinked(connection: psycopg.Connection, since: int, after: tuple[str, int, int]) -> list[_Line]:
    rows = connection.execute(
        "SELECT shop, first_position, line, number, item, variant, codes FROM orders"
        " WHERE sku IS NULL AND quantity_left > 0 AND NOT excluded AND position > %s"
        " AND (shop, first_position, line) > (%s, %s, %s) ORDER BY shop, first_position, line LIMIT %s",
        (since, *after, PAGE_LINES),
        prepare=True,
    )
    return [_Line(*row) for row in rows.fetchall()]


def _linked(connection: psycopg.Connection, keys: Sequence[tuple[str, ListingKey]]) -> set[tuple[str, ListingKey]]:
    if not keys:
        return set()
    rows = connection.execute(
        "SELECT l.shop, l.item, l.variant FROM unnest(%s::text[], %s::text[], %s::text[]) AS w (shop, item, variant)"
        " JOIN listings AS l ON l.shop = w.shop AND l.item = w.item AND l.variant = w.variant"
        " WHERE l.sku <> '' AND l.state NOT IN ('retired', 'excluded')",
        ([shop for shop, _ in keys], [key.item for _, key in keys], [key.variant for _, key in keys]),
        prepare=True,
    )
    return {(shop, ListingKey(item, variant)) for shop, item, variant in rows.fetchall()}


def _as_told(line: _Line) -> TellingLine:
    return TellingLine(line.item, line.variant, 1, codes=tuple(line.codes.split("\t")) if line.codes else ())
