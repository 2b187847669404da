"""反映エラー: listings that a mall refused, each with its plain cause; sent again, now, or stopped; and the causes of the push log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import adapters
from adapters.kit.causes import cause_of
from api.projecting import catch_up
from api.wiring import House
from ledger.book import By, shops
from ledger.terms import ListingKey
from projections import listing_list
from projections.listing_list import ListingNow
from projections.reading import PAGE_ROWS_MAX

CHUNK = 1_000
WAIT_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.2
NEXT_STEP = (
    "コードが違えば daicho listing replace で直す、直したら daicho listing resend で送り直す、売らないなら停止する"
    " / replace its code, send it again, or stop it"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """One listing of the work list: the mall's code, what it means, since when, how often it was tried."""

    shop: str
    item: str
    variant: str
    sku: str
    code: str
    cause: str
    wanted_units: int | None
    expected_units: int | None
    refused_at: datetime | None
    attempts: int
    position: int
    next_step: str = NEXT_STEP


@dataclass(frozen=True, slots=True)
class Resent:
    """Listings that are to be told again. ``answered``: how many the mall had answered when we stopped waiting."""

    listings: int
    answered: int
    outcomes: Mapping[str, int]
    position: int


@cache
def _mall_of(shop: str) -> str:
    return next((code for code in adapters.codes() if shop.startswith(f"{code}-")), "")


def cause(shop: str, outcome: str | None, code: str | None) -> str | None:
    """Why a push of the shop did not do what it should, in plain Japanese; None: nothing is wrong."""
    return cause_of(adapters.FOLDER / (_mall_of(shop) or "kit"), outcome, code)


def refused(
    house: House, *, shop: str | None = None, after: tuple[str, str, str] = ("", "", ""), first: int = 100
) -> Sequence[Refused]:
    """Up to ``first`` listings of the work list behind (shop, item, variant)."""
    with house.pool.connection() as connection:
        schema = house.database.schema
        page = listing_list.page(
            connection, schema, first=min(first, PAGE_ROWS_MAX), after=after, shop=shop, rejected=True
        )
        tried = {row.key: _tried(connection, row) for row in page.rows}
    return [_refused(row, *tried[row.key]) for row in page.rows]


def _tried(connection: Any, row: ListingNow) -> tuple[datetime | None, int]:
    """When it was refused last, and how often since it was last taken."""
    found = connection.execute(
        "SELECT max(coalesce(sent_at, recorded_at)), count(*) FROM (SELECT * FROM push_log WHERE shop = %s AND item = %s"
        " AND variant = %s ORDER BY position DESC LIMIT 20) AS p WHERE outcome = 'rejected'",
        (row.shop, row.key.item, row.key.variant),
    ).fetchone()
    return (found[0], int(found[1])) if found else (None, 0)


def _refused(row: ListingNow, refused_at: datetime | None, attempts: int) -> Refused:
    code = row.numbers.rejected_code or ""
    return Refused(
        shop=row.shop,
        item=row.key.item,
        variant=row.key.variant,
        sku=row.sku,
        code=code,
        cause=cause(row.shop, "rejected", code) or "",
        wanted_units=row.wanted_units,
        expected_units=row.numbers.expected_units,
        refused_at=refused_at,
        attempts=attempts,
        position=row.position,
    )


def resend(house: House, shop: str, found: Sequence[ListingKey], by: By, *, wait: bool = False) -> Resent:
    """These listings (none: the whole work list of the shop) are told again now. ``wait``: until the mall answered, at most
    WAIT_SECONDS_MAX. Raises ListingNotAccepted.
    """
    catch_up(house)
    wanted = list(found) or _all_refused(house, shop)
    position = 0
    for start in range(0, len(wanted), CHUNK):
        position = house.book.do(shops.ask_resend(shop, wanted[start : start + CHUNK]), by).position
    outcomes = _await(house, shop, wanted[:CHUNK], position) if wait and wanted else {}
    return Resent(len(wanted), sum(outcomes.values()), outcomes, position)


def listings_of(house: House, skus: Sequence[str]) -> Mapping[str, Sequence[ListingKey]]:
    """By shop, the listings that sell these SKUs."""
    catch_up(house)
    with house.pool.connection() as connection:
        rows = listing_list.of_skus(connection, house.database.schema, skus)
    found: dict[str, list[ListingKey]] = {}
    for row in rows:
        found.setdefault(row.shop, []).append(row.key)
    return found


def _all_refused(house: House, shop: str) -> list[ListingKey]:
    found: list[ListingKey] = []
    after: tuple[str, str, str] = ("", "", "")
    while page := refused(house, shop=shop, after=after):
        found += [ListingKey(one.item, one.variant) for one in page]
        after = (page[-1].shop, page[-1].item, page[-1].variant)
    return found


def _await(house: House, shop: str, wanted: Sequence[ListingKey], position: int) -> dict[str, int]:
    """How the mall answered for these since the position."""
    until = house.clock.monotonic() + WAIT_SECONDS_MAX
    while True:
        catch_up(house)
        with house.pool.connection() as connection:
            rows = connection.execute(
                "SELECT DISTINCT ON (p.item, p.variant) p.outcome FROM push_log AS p"
                " JOIN unnest(%s::text[], %s::text[]) AS w (item, variant) ON p.item = w.item AND p.variant = w.variant"
                " WHERE p.shop = %s AND p.position > %s AND p.outcome IS NOT NULL ORDER BY p.item, p.variant, p.position DESC",
                ([key.item for key in wanted], [key.variant for key in wanted], shop, position),
            ).fetchall()
        found: dict[str, int] = {}
        for (outcome,) in rows:
            found[str(outcome)] = found.get(str(outcome), 0) + 1
        if len(rows) >= len(wanted) or house.clock.monotonic() >= until:
            return found
        house.clock.sleep(LOOK_SECONDS)
