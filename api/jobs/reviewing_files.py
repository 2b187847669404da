"""The review before switch-on with the mall's own file, for malls whose numbers cannot be read by API."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from api.jobs.listing_bulk import File
from api.jobs.push_look import read_fact
from api.jobs.reconcile import FILE
from api.jobs.reconcile_file import FileTooOld, numbers_of
from api.jobs.switching import Difference, Seen, record_review
from api.projecting import catch_up
from api.shop_access import ShopAccesses
from api.wiring import House
from ledger import listing
from ledger.book.pushes import record_read
from ledger.terms import utc_text
from ledger.writer import Done
from projections import listing_list
from projections.reading import position_at

AGE_SECONDS_MAX = 86_400.0  # what a mall showed longer ago is no review of what it shows


def review_files(
    house: House, code: str, files: Sequence[File], counted_at: datetime, actor: str, *, seen: Seen | None = None
) -> Done:
    """As ``switching.review``, held against what the files say the mall showed at ``counted_at``. Listings that are in none of
    them are not in the review's counts. Raises ShopNotReady, FileRefused, FileTooOld.
    """
    age = (house.clock.now() - counted_at).total_seconds()
    if not 0 <= age <= AGE_SECONDS_MAX:
        raise FileTooOld(f"counted at {utc_text(counted_at)}; expected a file that the mall made within the last day")
    catch_up(house)
    accesses = ShopAccesses(house)
    try:
        one = accesses.connected(code)
    finally:
        accesses.close()
    first, difference = 0, Difference(units_max=one.mall.units_max)
    with house.pool.connection() as connection:
        known = position_at(connection, house.database.schema, counted_at)
    for chunk in numbers_of(files, one.mall, one.shop):
        with house.pool.connection() as connection:
            rows = listing_list.of_keys(connection, house.database.schema, code, [found.key for found in chunk])
        listed = [
            (row, found)
            for found in chunk
            if (row := rows.get(found.key)) is not None and row.state in (listing.LINKED, listing.TO_CONFIRM)
        ]
        if not listed:
            continue
        fact = replace(read_fact([found for _, found in listed], counted_at, known), door=FILE)
        done = house.book.do(record_read(code, fact), house.by(actor))
        first = first or int(str(done.answer["position"]))
        for row, found in listed:
            difference.add(row, found)
    return record_review(house, one, actor, first, difference, seen)
