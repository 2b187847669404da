"""確認待ち becomes 連動 by list: every listing of a shop that was read, with the mall's number beside ours, as a person saw them."""

from dataclasses import dataclass

import adapters
from api.jobs.imports import shop_of
from api.jobs.switching import would_want
from api.projecting import catch_up
from api.wiring import House
from ledger.book import By, shops
from ledger.listing import TO_CONFIRM
from ledger.terms import ListingKey
from projections import listing_list
from projections.reading import PAGE_ROWS_MAX

CONFIRM_MAX = 1_000  # listings in one commit


@dataclass(frozen=True, slots=True)
class Confirmed:
    """How many listings are 連動 now, and how many still wait because the mall's number was never read or is not there."""

    confirmed: int
    not_read: int
    position: int


def confirm_read(house: House, shop: str, by: By) -> Confirmed:
    """Every listing of the shop that waits and was read is 連動; again it goes on where it stopped. Raises ShopNotReady, ListingNotAccepted."""
    catch_up(house)
    units_max = adapters.mall(shop_of(house, shop).mall).units_max
    after, more, not_read, confirmed, position = ("", "", ""), True, 0, 0, 0
    waiting: dict[ListingKey, tuple[int | None, int | None]] = {}
    while more or waiting:
        if more:
            with house.pool.connection() as connection:
                page = listing_list.page(
                    connection,
                    house.database.schema,
                    first=PAGE_ROWS_MAX,
                    after=after,
                    shop=shop,
                    states=[TO_CONFIRM],
                )
            more = page.more
            for row in page.rows:
                after = (row.shop, row.key.item, row.key.variant)
                if row.sku and row.numbers.read_at is not None and row.numbers.read_found:
                    waiting[row.key] = (row.numbers.read_units, would_want(row, units_max))
                else:
                    not_read += 1
        if waiting and (len(waiting) >= CONFIRM_MAX or not more):
            done = house.book.do(shops.confirm_listings(shop, waiting), by)
            confirmed, position = confirmed + len(waiting), done.position
            waiting = {}
    return Confirmed(confirmed, not_read, position)
