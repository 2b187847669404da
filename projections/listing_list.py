"""Listings, read: pages of them, by SKU, by the codes that orders name them by, the push queue, and the work list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger import keys
from ledger.expected import Numbers, Sale
from ledger.facts.listing import ListingSettingsChanged
from ledger.terms import ListingKey
from projections.listing_columns import FIELDS, row_of
from projections.listing_state import LOWERING
from projections.reading import Found, Query, checked_first
from projections.table import Connection, Names, columns

CODES_MAX = 1_000
QUEUE_MAX = 10_000


@dataclass(frozen=True, slots=True)
class ListingNow:
    """One listing as the facts up to now leave it. Units count listings, but ``free_units`` counts its SKU.

    ``wanted_units`` None: it is not told anything. ``wanted_unseen_units``: wanted less what looks found missing, which
    holds until its orders come or ten minutes pass. ``lowers``: it goes at once; else it may wait for a look.
    ``batch_request``: an unfinished file or feed that holds it. ``sells_at_zero``: 0 does not stop the page.
    ``queued`` False: the mall should show what we want.
    """

    shop: str
    key: ListingKey
    sku: str
    units_per_listing: int
    state: str
    show_zero: bool
    codes: tuple[str, ...]
    settings: ListingSettingsChanged
    free_units: int | None
    wanted_units: int | None
    wanted_unseen_units: int | None
    wanted_position: int
    stopped_since: datetime | None
    resend_position: int
    numbers: Numbers
    unseen_units: int
    batch_request: str | None
    sells_at_zero: bool
    position: int
    queued: bool
    lowers: bool

    @property
    def sales(self) -> tuple[Sale, ...]:
        """Its own sales since the number it was told."""
        return self.numbers.sales


@dataclass(frozen=True, slots=True)
class Linked:
    """What intake needs of a listing that an order names."""

    key: ListingKey
    sku: str
    units_per_listing: int
    state: str


def page(
    connection: Connection,
    schema: str,
    *,
    first: int,
    after: tuple[str, str, str] = ("", "", ""),
    shop: str | None = None,
    sku: str | None = None,
    states: Sequence[str] = (),
    rejected: bool = False,
    differing: bool = False,
    sells_at_zero: bool = False,
) -> Found[ListingNow]:
    """Up to ``first`` listings behind (shop, item, variant), in that order. ``rejected``: the work list (反映エラー);
    ``differing``: those in the push queue; ``sells_at_zero``: those whose page 0 does not stop. Raises PageNotAccepted.
    """
    checked_first(first)
    query = Query(schema, "listings", FIELDS, order="shop, item, variant")
    query.where("(shop, item, variant) > (%s, %s, %s)", *after)
    query.where("shop = %s", shop)
    query.where("sku = %s AND sku <> ''", sku)
    query.where("state = ANY (%s)", list(states) or None)
    query.where("rejected_code IS NOT NULL AND %s", rejected or None)
    query.where("queue_rank IS NOT NULL AND %s", differing or None)
    query.where("sells_at_zero AND %s", sells_at_zero or None)
    rows = query.rows(connection, first + 1)
    return Found(tuple(_now(connection, schema, rows[:first])), len(rows) > first)


def of_keys(
    connection: Connection, schema: str, shop: str, wanted: Iterable[ListingKey]
) -> dict[ListingKey, ListingNow]:
    """These listings of the shop; those that nothing is known of are absent."""
    query = Query(schema, "listings", FIELDS, order="shop, item, variant")
    parts = [(shop, key.item, key.variant) for key in wanted]
    query.where(
        "(shop, item, variant) IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]))", *columns(parts, 3)
    )
    return {now.key: now for now in _now(connection, schema, query.rows(connection, len(parts)))}


def of_skus(connection: Connection, schema: str, skus: Sequence[str]) -> list[ListingNow]:
    """Every listing of these SKUs, in order of shop and code."""
    query = Query(schema, "listings", FIELDS, order="shop, item, variant")
    query.where("sku = ANY (%s) AND sku <> ''", list(skus))
    return _now(connection, schema, query.rows(connection, QUEUE_MAX))


def push_queue(
    connection: Connection, schema: str, shop: str, *, limit: int, after: tuple[int, str, str] = (-1, "", "")
) -> list[ListingNow]:
    """Up to ``limit`` listings of the shop whose wanted and expected numbers differ: lowerings first, then the others.

    In order of their code, so that a drain that cannot send the first ones goes on behind ``after`` (rank, item,
    variant; rank 0 lowers, 1 others). Listings that are on their way, or wait for a look or the minimum rest, are in it
    too: what the clock decides is the push clock's.
    """
    assert 0 < limit <= QUEUE_MAX, limit
    query = Query(schema, "listings", FIELDS, order="queue_rank, item, variant")
    query.where("shop = %s", shop)
    query.where("queue_rank IS NOT NULL AND (queue_rank, item, variant) > (%s, %s, %s)", *after)
    return _now(connection, schema, query.rows(connection, limit))


def waiting(connection: Connection, schema: str) -> dict[str, tuple[int, int]]:
    """For each shop with a push queue: how many listings are to be lowered, and how many others wait."""
    statement = Names(schema, 0).sql(
        "SELECT shop, count(*) FILTER (WHERE queue_rank = 0), count(*) FILTER (WHERE queue_rank > 0)"
        " FROM {listings} WHERE queue_rank IS NOT NULL GROUP BY shop ORDER BY shop"
    )
    rows: list[Any] = connection.execute(statement, prepare=True).fetchall()
    return {shop: (lowering, other) for shop, lowering, other in rows}


def listings_named(
    connection: Connection, schema: str, shop: str, codes: Sequence[str]
) -> dict[str, tuple[Linked, ...]]:
    """The linked listings of the shop by a further code of theirs (not the item code); at most CODES_MAX codes at once.

    A code that names several listings has them all; one that names none is absent. Item codes are left out: a mail's code may
    be another listing's item code (Rakuten's 商品番号 and 商品管理番号), and a line's own key is asked for as a key.
    """
    assert len(codes) <= CODES_MAX, len(codes)
    statement = Names(schema, 0).sql(
        "SELECT c.code, l.item, l.variant, l.sku, l.units_per_listing, l.state FROM {listing_codes} AS c"
        " JOIN {listings} AS l ON l.shop = c.shop AND l.item = c.item AND l.variant = c.variant"
        " WHERE c.shop = %s AND c.code = ANY (%s) AND l.state <> 'retired' ORDER BY c.code, l.item, l.variant"
    )
    found: dict[str, tuple[Linked, ...]] = {}
    rows: list[Any] = connection.execute(statement, (shop, list(codes)), prepare=True).fetchall()
    for code, item, variant, sku, units_per_listing, state in rows:
        linked = Linked(ListingKey(item, variant), sku, units_per_listing, state)
        found[code] = (*found.get(code, ()), linked)
    return found


def _now(connection: Connection, schema: str, rows: Sequence[Any]) -> list[ListingNow]:
    listed = [row_of(row) for row in rows]
    frees = _frees(connection, schema, {row.listing.sku for row in listed} - {""})
    return [
        ListingNow(
            shop=row.shop,
            key=ListingKey(row.item, row.variant),
            sku=row.listing.sku,
            units_per_listing=row.listing.units_per_listing,
            state=row.listing.state,
            show_zero=row.listing.show_zero,
            codes=row.listing.codes,
            settings=row.listing.settings,
            free_units=frees.get(row.listing.sku),
            wanted_units=row.wanted,
            wanted_unseen_units=row.wanted_unseen,
            wanted_position=row.wanted_position,
            stopped_since=row.stopped_since,
            resend_position=row.listing.resend_position,
            numbers=row.numbers,
            unseen_units=row.unseen_units,
            batch_request=row.batch_request,
            sells_at_zero=row.listing.sells_at_zero,
            position=row.position,
            queued=row.queue_rank is not None,
            lowers=row.queue_rank == LOWERING,
        )
        for row in listed
    ]


def _frees(connection: Connection, schema: str, skus: Iterable[str]) -> dict[str, int | None]:
    statement = Names(schema, 0).sql("SELECT sku, free FROM {listing_skus} WHERE sku = ANY (%s)")
    rows: list[Any] = connection.execute(statement, (sorted(skus),), prepare=True).fetchall()
    return dict(rows)


def name_of(listing: ListingNow) -> str:
    """How facts of its shop name the listing."""
    return keys.listing_text(listing.key)
