"""在庫反映 起動 and 停止, never by surprise: the mall is read back, the difference is counted and guarded, a person says yes.

The numbers a mall showed at the review stand in MallRead facts from ``read_position`` on: they are kept, and can be put back.
"""

from dataclasses import dataclass, field, replace

from api.jobs import mall_reading
from api.projecting import catch_up
from api.shop_access import ConnectedShop, ShopAccesses
from api.windows import SYNC_AT, default_time
from api.wiring import House
from ledger import keys, listing
from ledger.book import shops
from ledger.codec import Record
from ledger.facts.shop import DryRunReviewed
from ledger.shop import ShopNotReady
from ledger.terms import UNITS_MAX, ListingRead
from ledger.view import Fold
from ledger.writer import Done
from projections.listing_list import ListingNow

# The guard, unless the shop's settings say otherwise: a first switch-on that changes this much is confirmed by a person.
GUARD_CHANGED_PERCENT = 30
GUARD_TO_ZERO = 50
NAMED_MAX = 20  # listings and SKUs that a review names


@dataclass(frozen=True, slots=True)
class Seen:
    """The counts that a person saw at a review, and says yes to: the guard lets as many pass, and not more."""

    changed: int
    to_zero: int


@dataclass
class Difference:
    """Counts of one review. Mutable: listings are added one by one. ``unsold``: SKUs in 在庫未登録, ``on_at_zero``: listings that
    0 will not stop; the first of each.
    """

    listings: int = 0
    changed: int = 0
    to_zero: int = 0
    unregistered: int = 0
    not_found: int = 0
    sells_at_zero: int = 0
    to_confirm: int = 0
    units_max: int = UNITS_MAX
    unsold: list[str] = field(default_factory=list)
    on_at_zero: list[str] = field(default_factory=list)

    def add(self, row: ListingNow, found: ListingRead) -> None:
        """One listing beside what the mall shows for it."""
        self.listings += 1
        self.to_confirm += row.state == listing.TO_CONFIRM
        if row.sells_at_zero:
            self.sells_at_zero += 1
            self.on_at_zero += [str(row.key)] if len(self.on_at_zero) < NAMED_MAX else []
        wanted = would_want(row, self.units_max)
        if wanted is None:
            self.unregistered += 1
            self.unsold += [row.sku] if len(self.unsold) < NAMED_MAX else []
            return
        self.not_found += not found.found
        self.changed += found.units != wanted
        self.to_zero += wanted == 0 and found.units != 0


def review(house: House, code: str, actor: str, *, seen: Seen | None = None) -> Done:
    """The shop is read back and its numbers are held against what we want; what a person was shown is a fact.

    The answer has the counts and ``guardPassed``. ``seen``: the counts of the review before, which the person says yes to: the
    guard lets this one pass when no more would change. Raises ShopNotReady, MallNotRead.
    """
    accesses = ShopAccesses(house)
    try:
        one = accesses.connected(code)
        read_position, difference = _read_all(house, accesses, one, actor)
    finally:
        accesses.close()
    return record_review(house, one, actor, read_position, difference, seen)


def record_review(
    house: House, one: ConnectedShop, actor: str, read_position: int, found: Difference, seen: Seen | None
) -> Done:
    """What a person was shown is a fact, with whether the guard lets it pass. Raises ShopNotReady for a shop without listings."""
    code = one.code
    if not found.listings:
        raise ShopNotReady(f"shop {code} has no linked listings; expected its product file to be imported first")
    agreed = seen is not None and found.changed <= seen.changed and found.to_zero <= seen.to_zero
    passed = agreed or _within_guard(one, found)
    reviewed = DryRunReviewed(
        read_position=read_position,
        listings=found.listings,
        changed=found.changed,
        to_zero=found.to_zero,
        unregistered=found.unregistered,
        sells_at_zero=found.sells_at_zero,
        guard_passed=passed,
    )
    done = house.book.do(shops.review_dry_run(code, reviewed), house.by(actor))
    answer = {
        "unregistered": found.unregistered,
        "unregisteredSkus": found.unsold,
        "sellsAtZero": found.sells_at_zero,
        "sellsAtZeroListings": found.on_at_zero,
        "toConfirm": found.to_confirm,
        "listings": found.listings,
        "wouldChange": found.changed,
        "toZero": found.to_zero,
        "notAtTheMall": found.not_found,
        "guardPassed": passed,
        "readPosition": read_position,
        "position": done.position,
    }
    return replace(done, answer=answer)


def start_push(house: House, code: str, actor: str) -> Done:
    """在庫反映 起動, with the numbers of the last review kept and a full sync every night, unless the shop has a time for it.

    Raises ShopNotReady, which names what is missing.
    """
    kept = house.look(keys.shop(code), _LAST_READ)
    night = {SYNC_AT: default_time(code)}
    return house.book.do(shops.start_push(code, kept_position=kept, settings=night), house.by(actor))


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


def _read_all(house: House, accesses: ShopAccesses, one: ConnectedShop, actor: str) -> tuple[int, Difference]:
    """Every listing of the shop is read, in requests of the mall's size, at its pace; each reading is a fact."""
    catch_up(house)
    first, seen = 0, Difference(units_max=one.mall.units_max)
    wanted = list(mall_reading.keys_of(house, one.code, [listing.LINKED, listing.TO_CONFIRM]))
    for reading in mall_reading.read_listings(house, accesses, one, wanted, house.by(actor)):
        first = first or reading.position
        for row, told in zip(reading.rows, reading.found, strict=True):
            seen.add(row, told)
    return first, seen


def _within_guard(one: ConnectedShop, seen: Difference) -> bool:
    percent = int(one.shop.settings.get("guard.changed_percent", GUARD_CHANGED_PERCENT))
    to_zero = int(one.shop.settings.get("guard.to_zero", GUARD_TO_ZERO))
    return seen.changed * 100 <= percent * seen.listings and seen.to_zero <= to_zero


def _last_read(position: int, record: Record) -> int:
    return record.fact.read_position if isinstance(record.fact, DryRunReviewed) else position


_LAST_READ: Fold[int] = Fold(0, _last_read)
