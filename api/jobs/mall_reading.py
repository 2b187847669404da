"""A shop's listings read back outside of a push: at the mall's pace, tried again a few times, each reading a fact.

Used before switch-on, for 在庫照合, before numbers are put back, and for one listing that a person wants to see.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.kit.mall import Mall, ReadBack, ReadFailed
from api.jobs import push_rows
from api.jobs.push_look import read_fact
from api.shop_access import ConnectedShop, ShopAccesses, TurnNotGot
from api.tables import mall_paces
from api.wiring import House
from ledger.book import By, pushes
from ledger.shop import ShopNotReady
from ledger.terms import ListingKey, ListingRead, Result
from projections import listing_list
from projections.listing_list import ListingNow
from projections.reading import PAGE_ROWS_MAX

TRIES_MAX = 5
TRY_AGAIN_SECONDS = 2.0


class MallNotRead(ValueError):
    """The mall did not say its numbers. The message has its answer's code and the next step."""


@dataclass(frozen=True)
class Reading:
    """Listings as the tables had them at ``known_position``, and what the mall showed when it was asked then.

    ``position`` is that of the fact.
    """

    rows: Sequence[ListingNow]
    found: Sequence[ListingRead]
    known_position: int
    position: int
    read_at: datetime


def can_be_read(mall: Mall) -> bool:
    """Whether the mall says its numbers by API."""
    return callable(mall.read_back)


def read_listings(
    house: House, accesses: ShopAccesses, one: ConnectedShop, wanted: Sequence[ListingKey], by: By
) -> Iterator[Reading]:
    """These listings are read, in requests of the mall's size. Raises ShopNotReady, MallNotRead."""
    for start in range(0, len(wanted), size := max(1, one.mall.read_batch_max)):
        keys = wanted[start : start + size]
        with house.pool.connection() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            known, _ = push_rows.standing(connection, house.database.schema)
            rows = listing_list.of_keys(connection, house.database.schema, one.code, keys)
        present = [key for key in keys if key in rows]
        if present:
            began = house.clock.now()
            found = read_once(house, accesses, one, present)
            done = house.book.do(pushes.record_read(one.code, read_fact(found, began, known)), by)
            yield Reading([rows[key] for key in present], found, known, int(str(done.answer["position"])), began)


def read_once(
    house: House, accesses: ShopAccesses, one: ConnectedShop, wanted: Sequence[ListingKey]
) -> list[ListingRead]:
    """One request's worth, tried again while the mall is busy. Raises ShopNotReady, MallNotRead."""
    read_back = _read_back(one.mall)
    failed = ReadFailed(Result.TRANSIENT)
    for _ in range(TRIES_MAX):
        wait_for_pace(house, one)
        try:
            with accesses.of(one) as access:
                found = read_back(access, list(wanted))
        except TurnNotGot:
            found = ReadFailed(Result.TRANSIENT, "turn_not_got")
        if not isinstance(found, ReadFailed):
            return found
        failed = found
        if failed.result is Result.REJECTED_AUTH:
            break
        house.clock.sleep(max(failed.wait_seconds, TRY_AGAIN_SECONDS))
    raise MallNotRead(
        f"{one.mall.name} did not say its numbers ({failed.result}, code {failed.code or 'none'}); nothing was done:"
        " check the shop's keys and that the mall answers, then try again"
    )


def keys_of(house: House, code: str, states: Sequence[str]) -> Iterator[ListingKey]:
    """The listings of the shop in these states, in order of their codes, page by page."""
    after, more = ("", "", ""), True
    while more:
        with house.pool.connection() as connection:
            page = listing_list.page(
                connection, house.database.schema, first=PAGE_ROWS_MAX, after=after, shop=code, states=states
            )
        more = page.more
        for row in page.rows:
            after = (row.shop, row.key.item, row.key.variant)
            yield row.key


def wait_for_pace(house: House, one: ConnectedShop) -> None:
    """The shop may be read once, now: its pace is shared with the looks of a running push."""
    pace, kind = mall_paces.pace_of(one.mall.reads_per_second), mall_paces.counted_as(one.mall, mall_paces.READ)
    while True:
        with house.pool.connection() as connection:
            wait = mall_paces.may_call(connection, one.code, kind, pace, now=house.clock.now())
        if wait == 0.0:
            return
        house.clock.sleep(wait)


def _read_back(mall: Mall) -> ReadBack:
    if not callable(mall.read_back):
        raise ShopNotReady(
            f"{mall.name} cannot be read back by API; expected its own stock file instead: --file NAME with its countedAt"
        )
    return mall.read_back
