"""在庫照合 with the mall's own file instead of its API: held against what the ledger knew when the file was made."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import adapters
from adapters.kit.file_form import RowProblem
from adapters.kit.mall import Mall
from api.as_of import SKUS_MAX, listings_at
from api.jobs.imports import shop_of
from api.jobs.listing_bulk import File
from api.jobs.listing_bulk_check import mall_rows
from api.jobs.mall_reading import keys_of
from api.jobs.push_look import read_fact
from api.jobs.reconcile import FILE, LOOKED_AT, PERSON, Progress, Ran, Suspect, begin, rules_of
from api.jobs.switching import would_want
from api.projecting import catch_up
from api.shop_access import ShopAccesses
from api.wiring import House
from ledger import keys
from ledger.book import By
from ledger.book.pushes import record_read
from ledger.shop import Shop
from ledger.terms import ListingKey, ListingRead, utc_text
from projections import listing_list
from projections.reading import position_at

CHUNK_ROWS = 200
AGE_MAX = timedelta(days=30)


class FileTooOld(ValueError):
    """The file was made so long ago that the orders since are no evidence any more, or it is of a time to come."""


def reconcile_files(
    house: House,
    code: str,
    files: Sequence[File],
    counted_at: datetime,
    by: By,
    *,
    whole: bool = False,
    progress: Progress | None = None,
) -> Ran:
    """Every row of the mall's files is held against its listing as it was known at ``counted_at``.

    ``whole``: the files hold everything the shop sells, so that a listing that is in none is unknown to the mall.
    Raises ShopNotReady, FileRefused, FileTooOld.
    """
    shop, now = shop_of(house, code), house.clock.now()
    if not now - AGE_MAX <= counted_at <= now:
        raise FileTooOld(f"counted at {utc_text(counted_at)}; expected a time within the last {AGE_MAX.days} days")
    catch_up(house)
    accesses = ShopAccesses(house)
    try:
        run = begin(house, accesses.connected(code), by, trigger=PERSON, door=FILE)
        with house.pool.connection() as connection:
            known = position_at(connection, house.database.schema, counted_at)
        seen: set[ListingKey] = set()
        for chunk in numbers_of(files, adapters.declared(shop.mall), shop):
            found = _suspects(house, run.one.mall.units_max, code, chunk, known, counted_at, by)
            seen |= {one.key for one in found}
            run.take(found)
            if progress is not None:
                progress(len(seen), 0)
        if whole:
            missing = [key for key in keys_of(house, code, LOOKED_AT) if key not in seen]
            for start in range(0, len(missing), CHUNK_ROWS):
                absent = [ListingRead(key, None, found=False) for key in missing[start : start + CHUNK_ROWS]]
                run.take(_suspects(house, run.one.mall.units_max, code, absent, known, counted_at, by))
        run.ask_orders(accesses)
        return run.finish()
    finally:
        accesses.close()


def numbers_of(files: Sequence[File], mall: Mall, shop: Shop) -> Iterator[list[ListingRead]]:
    """The rows that state a number, a listing once; the last row that names it counts."""
    chunk: dict[ListingKey, ListingRead] = {}
    for file in files:
        for row in mall_rows(file, mall, shop):
            if isinstance(row, RowProblem) or (row.units is None and not row.unlimited):
                continue
            chunk[row.key] = ListingRead(row.key, row.units)
            if len(chunk) == CHUNK_ROWS:
                yield list(chunk.values())
                chunk = {}
    if chunk:
        yield list(chunk.values())


def _suspects(
    house: House, units_max: int, code: str, chunk: Sequence[ListingRead], known: int, counted_at: datetime, by: By
) -> list[Suspect]:
    """The listings as they were at the position, with what the file shows; the reading is a fact. Codes nobody linked are left out."""
    shown = {one.key: one for one in chunk}
    schema = house.database.schema
    with house.pool.connection() as connection:
        rows = listing_list.of_keys(connection, schema, code, list(shown))
        rows = {key: row for key, row in rows.items() if row.sku and row.state in LOOKED_AT}
        moved = [row for row in rows.values() if max(row.position, row.wanted_position) > known]
        skus = sorted({row.sku for row in moved})
        then = [
            listings_at(connection, schema, skus[start : start + SKUS_MAX], known)
            for start in range(0, len(skus), SKUS_MAX)
        ]
    known_rows = {
        keys.listing_key(text): (row, as_of.frees.get(row.listing.sku))
        for as_of in then
        for (shop, text), row in as_of.rows.items()
        if shop == code
    }
    found = []
    for key, now in rows.items():
        numbers, rules, wanted, free = now.numbers, rules_of(now), would_want(now, units_max), now.free_units
        if now in moved:
            row, free = known_rows[key]
            numbers, rules, wanted = row.numbers, row.listing, row.wanted
            if not rules.sku:
                continue  # it was linked after the file was made
        found.append(Suspect(key, rules, numbers, wanted, free, shown[key], counted_at, known, 0))
    if not found:
        return []
    done = house.book.do(
        record_read(code, replace(read_fact([o.shown for o in found], counted_at, known), door=FILE)), by
    )
    position = int(str(done.answer["position"]))
    return [replace(one, read_position=position) for one in found]
