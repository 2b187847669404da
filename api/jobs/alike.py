"""Look-alikes (バラバラに登録): SKUs that look the same, each with the numbers a person decides by; and new codes that look like known ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from adapters.kit.table_writing import TableWriter
from api.projecting import catch_up
from api.wiring import House
from ledger.reading import Selects, stock_levels
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE
from projections import skus
from projections.reading import PAGE_ROWS_MAX, Found
from projections.skus import Alike, SkuRow

LISTINGS_NAMED_MAX = 5
REASONS = {skus.CODE: "コード", skus.JAN: "JAN", skus.NAME: "商品名"}
HEADER = (
    "理由",
    "統一元SKU",
    "統一先SKU",
    "在庫",
    "統一元の実在庫数",
    "統一元の受注残数",
    "統一元の受注数",
    "統一元の出品",
    "統一先の実在庫数",
    "統一先の受注残数",
    "統一先の受注数",
    "統一先の出品",
    "統一元の商品名",
    "統一先の商品名",
)


@dataclass(frozen=True, slots=True)
class LikeSku:
    """One SKU of a group. ``open_orders`` are orders with open units of it; ``listings`` named up to LISTINGS_NAMED_MAX."""

    row: SkuRow
    stock: Stock
    open_orders: int
    listing_count: int
    listings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LikeGroup:
    """SKUs that look the same by ``reason``. ``into``: the one proposed to stay, that with the most pages and orders."""

    alike: Alike
    skus: tuple[LikeSku, ...]
    into: str


def groups(
    connection: "psycopg.Connection[Any]", schema: str, *, first: int, after: tuple[str, str] = ("", "")
) -> Found[LikeGroup]:
    """A page of groups behind ``after`` (reason, key). Raises PageNotAccepted."""
    found = skus.alike(connection, schema, first=first, after=after)
    known = _skus(connection, schema, sorted({code for group in found.rows for code in group.skus}))
    rows = []
    for group in found.rows:
        members = tuple(known[code] for code in group.skus)
        into = max(members, key=lambda one: (one.listing_count, one.open_orders, one.stock.version, one.row.sku))
        rows.append(LikeGroup(group, members, into.row.sku))
    return Found(tuple(rows), found.more)


def every_group(house: House) -> Iterator[LikeGroup]:
    """All groups, page by page; the lists have caught up before."""
    catch_up(house)
    after = ("", "")
    while True:
        with house.pool.connection() as connection:
            page = groups(connection, house.database.schema, first=PAGE_ROWS_MAX, after=after)
        yield from page.rows
        if not page.more:
            return
        after = (page.rows[-1].alike.reason, page.rows[-1].alike.key)


def as_csv(found: Iterator[LikeGroup]) -> Iterator[bytes]:
    """The list a person fills in (在庫: sum, from or into) and sends by ``daicho sku unify-file``; a pair is in it once."""
    writer = TableWriter(HEADER)
    seen: set[tuple[str, str]] = set()
    for group in found:
        into = next(one for one in group.skus if one.row.sku == group.into)
        for one in group.skus:
            pair = (one.row.sku, group.into)
            if one is into or pair in seen or pair[::-1] in seen:
                continue
            seen.add(pair)
            yield from writer.add(_cells(group, one, into))
    yield writer.rest()


def like(house: House, codes: Sequence[str]) -> dict[str, list[str]]:
    """For each of the codes the registered SKUs that differ only by case, width, hyphens or spaces (D30)."""
    with house.pool.connection() as connection:
        return skus.like(connection, house.database.schema, codes)


def _cells(group: LikeGroup, one: LikeSku, into: LikeSku) -> list[str | int | None]:
    return [
        REASONS[group.alike.reason],
        one.row.sku,
        into.row.sku,
        "",
        *_numbers(one),
        *_numbers(into),
        one.row.name,
        into.row.name,
    ]


def _numbers(one: LikeSku) -> list[str | int | None]:
    more = f" +{one.listing_count - len(one.listings)}" if one.listing_count > len(one.listings) else ""
    pages = " ".join(one.listings) + more
    return [one.stock.on_hand_units, one.stock.allocated_units, one.open_orders, pages]


def _skus(connection: "psycopg.Connection[Any]", schema: str, codes: Sequence[str]) -> dict[str, LikeSku]:
    if not codes:
        return {}
    rows = {row.sku: row for row in skus.of_codes(connection, schema, codes)}
    levels = stock_levels(connection, Selects(schema), [(MAIN_PLACE, code) for code in codes])
    orders: dict[str, int] = dict(
        connection.execute(
            "SELECT part_sku, count(DISTINCT (shop, number)) FROM orders WHERE part_sku = ANY (%s) AND open_units > 0"
            " GROUP BY part_sku",
            (list(codes),),
            prepare=True,
        ).fetchall()
    )
    pages = {
        row[0]: (row[1], tuple(row[2]))
        for row in connection.execute(
            "SELECT sku, count(*), (array_agg(shop || ':' || item || CASE WHEN variant = '' THEN '' ELSE '/' || variant END"
            " ORDER BY shop, item, variant))[1:%s] FROM listings WHERE sku = ANY (%s) AND state <> 'retired' GROUP BY sku",
            (LISTINGS_NAMED_MAX, list(codes)),
            prepare=True,
        ).fetchall()
    }
    found = {}
    for code in codes:
        count, named = pages.get(code, (0, ()))
        level = levels.get((MAIN_PLACE, code))
        stock = Stock() if level is None else level.stock
        found[code] = LikeSku(rows[code], stock, orders.get(code, 0), count, named)
    return found
