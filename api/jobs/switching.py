"""在庫反映 起動 and 停止, never by surprise: the mall is read back, the difference is counted and guarded, a person says yes.

The numbers a mall showed at the review stand in MallRead facts from ``read_position`` on: they are kept, and can be put back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from adapters.kit.mall import Mall, ReadBack, ReadFailed
from api.jobs import push_rows
from api.jobs.push_look import read_fact
from api.projecting import catch_up
from api.shop_access import ConnectedShop, ShopAccesses
from api.tables import mall_paces
from api.wiring import House
from ledger import keys, listing
from ledger.book import pushes, shops
from ledger.codec import Record
from ledger.facts.shop import DryRunReviewed
from ledger.shop import ShopNotReady
from ledger.terms import UNITS_MAX, ListingRead, Result
from ledger.view import Fold
from ledger.writer import Done
from projections import listing_list
from projections.listing_list import ListingNow
from projections.reading import PAGE_ROWS_MAX

TRIES_MAX = 5
TRY_AGAIN_SECONDS = 2.0
# The guard, unless the shop's settings say otherwise: a first switch-on that changes this much is confirmed by a person.
GUARD_CHANGED_PERCENT = 30
GUARD_TO_ZERO = 50


class MallNotRead(ValueError):
    """The mall did not say its numbers; nothing was reviewed. The message has its answer's code and the next step."""


@dataclass
class _Difference:
    """Counts of one review. Mutable: listings are added page by page."""

    listings: int = 0
    changed: int = 0
    to_zero: int = 0
    unregistered: int = 0
    not_found: int = 0
    sells_at_zero: int = 0
    units_max: int = UNITS_MAX

    def add(self, row: ListingNow, found: ListingRead) -> None:
        """One listing beside what the mall shows for it."""
        self.listings += 1
        self.sells_at_zero += row.sells_at_zero
        wanted = would_want(row, self.units_max)
        if wanted is None:
            self.unregistered += 1
            return
        self.not_found += not found.found
        self.changed += found.units != wanted
        self.to_zero += wanted == 0 and found.units != 0


def review(house: House, code: str, actor: str, *, confirm: bool = False) -> Done:
    """The shop is read back and its numbers are held against what we want; what a person was shown is a fact.

    The answer has the counts and ``guardPassed``. ``confirm``: the person saw the difference, so the guard lets it pass.
    Raises ShopNotReady, MallNotRead.
    """
    accesses = ShopAccesses(house)
    try:
        one = accesses.connected(code)
        read_position, seen = _read_all(house, accesses, one, actor)
    finally:
        accesses.close()
    if not seen.listings:
        raise ShopNotReady(f"shop {code} has no linked listings; expected its product file to be imported first")
    passed = confirm or _within_guard(one, seen)
    reviewed = DryRunReviewed(
        read_position=read_position,
        listings=seen.listings,
        changed=seen.changed,
        to_zero=seen.to_zero,
        unregistered=seen.unregistered,
        sells_at_zero=seen.sells_at_zero,
        guard_passed=passed,
    )
    done = house.book.do(shops.review_dry_run(code, reviewed), house.by(actor))
    answer = {
        "listings": seen.listings,
        "wouldChange": seen.changed,
        "toZero": seen.to_zero,
        "unregistered": seen.unregistered,
        "sellsAtZero": seen.sells_at_zero,
        "notAtTheMall": seen.not_found,
        "guardPassed": passed,
        "readPosition": read_position,
        "position": done.position,
    }
    return replace(done, answer=answer)


def start_push(house: House, code: str, actor: str) -> Done:
    """在庫反映 起動, with the numbers of the last review kept. Raises ShopNotReady, which names what is missing."""
    kept = house.look(keys.shop(code), _LAST_READ)
    return house.book.do(shops.start_push(code, kept_position=kept), house.by(actor))


def stop_push(house: House, code: str, actor: str) -> Done:
    """在庫反映 停止 at once; the answer says how many numbers are still on their way."""
    waiting = on_their_way(house, code)
    done = house.book.do(shops.stop_push(code, waiting), house.by(actor))
    return replace(done, answer={"onTheirWay": waiting, "position": done.position})


def on_their_way(house: House, code: str) -> int:
    """How many of the shop's listings are in a request without an answer, or in an unfinished file or feed."""
    catch_up(house)
    with house.pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM listings WHERE shop = %s AND (pending_request IS NOT NULL OR batch_request IS NOT NULL)",
            (code,),
        ).fetchone()
    assert row is not None
    return int(row[0])


def would_want(row: ListingNow, units_max: int) -> int | None:
    """What the listing would be told once it is 連動; None: its SKU has no number yet, or it is not to be told."""
    if row.state == listing.TO_CONFIRM:
        rules = listing.Listing(row.sku, row.units_per_listing, listing.LINKED, False, row.codes, row.settings)
        return listing.wanted(rules, row.free_units, units_max=units_max)
    return row.wanted_units


# ------------------------------------------------------------------ reading the mall back


def _read_all(house: House, accesses: ShopAccesses, one: ConnectedShop, actor: str) -> tuple[int, _Difference]:
    """Every listing of the shop is read, in requests of the mall's size, at its pace; each reading is a fact."""
    catch_up(house)
    first, seen = 0, _Difference(units_max=one.mall.units_max)
    for rows in _batches(house, one.code, max(1, one.mall.read_batch_max)):
        with house.pool.connection() as connection:
            _, known = push_rows.standing(connection, house.database.schema)
        began = house.clock.now()
        found = _read(house, accesses, one, rows)
        done = house.book.do(pushes.record_read(one.code, read_fact(found, began, known)), house.by(actor))
        first = first or int(str(done.answer["position"]))
        for row, told in zip(rows, found, strict=True):
            seen.add(row, told)
    return first, seen


def _read(house: House, accesses: ShopAccesses, one: ConnectedShop, rows: Sequence[ListingNow]) -> list[ListingRead]:
    read_back = _read_back(one.mall)
    failed = ReadFailed(Result.TRANSIENT)
    for _ in range(TRIES_MAX):
        _wait_for_pace(house, one)
        with accesses.of(one) as access:
            found = read_back(access, [row.key for row in rows])
        if not isinstance(found, ReadFailed):
            return found
        failed = found
        if failed.result is Result.REJECTED_AUTH:
            break
        house.clock.sleep(max(failed.wait_seconds, TRY_AGAIN_SECONDS))
    raise MallNotRead(
        f"{one.mall.name} did not say its numbers ({failed.result}, code {failed.code or 'none'}); nothing was reviewed:"
        " check the shop's keys and that the mall answers, then review again"
    )


def _wait_for_pace(house: House, one: ConnectedShop) -> None:
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
            f"{mall.name} cannot be read back; expected its stock file to be imported and reviewed instead"
        )
    return mall.read_back


def _batches(house: House, code: str, size: int) -> Iterator[list[ListingNow]]:
    after, more = ("", "", ""), True
    batch: list[ListingNow] = []
    while more:
        with house.pool.connection() as connection:
            page = listing_list.page(
                connection,
                house.database.schema,
                first=PAGE_ROWS_MAX,
                after=after,
                shop=code,
                states=[listing.LINKED, listing.TO_CONFIRM],
            )
        more = page.more
        for row in page.rows:
            after = (row.shop, row.key.item, row.key.variant)
            batch.append(row)
            if len(batch) == size:
                yield batch
                batch = []
    if batch:
        yield batch


def _within_guard(one: ConnectedShop, seen: _Difference) -> bool:
    percent = int(one.shop.settings.get("guard.changed_percent", GUARD_CHANGED_PERCENT))
    to_zero = int(one.shop.settings.get("guard.to_zero", GUARD_TO_ZERO))
    return seen.changed * 100 <= percent * seen.listings and seen.to_zero <= to_zero


def _last_read(position: int, record: Record) -> int:
    return record.fact.read_position if isinstance(record.fact, DryRunReviewed) else position


_LAST_READ: Fold[int] = Fold(0, _last_read)
