"""What a person decides about differences that 在庫照合 found: push our number again, or take the mall's. By facts alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import sql

from api.jobs.drift_classes import Drift
from api.projecting import catch_up
from api.wiring import House
from ledger.book import By, stock
from ledger.book.drift import PUSH_AGAIN, TAKE_MALL_NUMBER, mended, push_again
from ledger.codec import decode
from ledger.facts.push import MallRead
from ledger.listing import NO_RULES
from ledger.terms import ListingKey, utc_moment
from projections import drift, listing_list
from projections.drift import DriftRow
from projections.listing_list import ListingNow
from projections.reading import PAGE_ROWS_MAX

HOWS = (PUSH_AGAIN, TAKE_MALL_NUMBER)
CHUNK = 500
SHOWN_MAX = 20


class NotMended(ValueError):
    """The differences cannot be mended so; the message says what was expected."""


@dataclass
class Mended:
    """What was done. ``refused`` counts those left as they are; ``reasons`` says why of the first. Mutable: counted one by one."""

    mended: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)
    position: int = 0

    def refuse(self, key: ListingKey, why: str) -> None:
        """The listing is left as it is."""
        self.refused += 1
        if len(self.reasons) < SHOWN_MAX:
            self.reasons.append(f"{key}: {why}")


def mend(
    house: House,
    shop: str,
    how: str,
    by: By,
    *,
    run: str | None = None,
    only: Sequence[ListingKey] = (),
    classes: Sequence[str] = (),
) -> Mended:
    """The open differences of the run (the shop's last) are mended: ``only`` these listings, or all of these ``classes``.

    A second time does nothing. Raises NotMended when nothing is chosen, or the run is not known.
    """
    if how not in HOWS:
        raise NotMended(f"{how!r}; expected one of {', '.join(HOWS)}")
    if not only and not classes:
        raise NotMended("nothing is chosen; expected listings, or classes of differences such as edit or lost_push")
    unknown = next((name for name in classes if name not in tuple(Drift)), None)
    if unknown is not None:
        raise NotMended(f"class {unknown!r}; expected one of {', '.join(Drift)}")
    catch_up(house)
    name = run or _newest(house, shop)
    rows = [row for row in _open(house, shop, name, classes) if not only or row.key in only]
    done = Mended()
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        if how == PUSH_AGAIN:
            _push_again(house, shop, name, chunk, by, done)
        else:
            _take(house, shop, name, chunk, by, done)
    return done


def _newest(house: House, shop: str) -> str:
    with house.pool.connection() as connection:
        found = drift.newest_run(connection, house.database.schema, shop)
    if found is None:
        raise NotMended(f"shop {shop} was never reconciled; expected `daicho reconcile --shop {shop}` first")
    return found.run


def _open(house: House, shop: str, run: str, classes: Sequence[str]) -> Iterator[DriftRow]:
    after, more = ("", "", "", ""), True
    while more:
        with house.pool.connection() as connection:
            page = drift.page(
                connection,
                house.database.schema,
                first=PAGE_ROWS_MAX,
                after=after,
                shop=shop,
                run=run,
                classes=classes,
                open_only=True,
            )
        more = page.more
        for row in page.rows:
            after = row.place
            yield row


def _push_again(house: House, shop: str, run: str, rows: Sequence[DriftRow], by: By, done: Mended) -> None:
    before = done.mended
    answer = house.book.do(push_again(shop, run, [row.key for row in rows]), by)
    done.mended += int(str(answer.answer["listings"]))
    done.position = answer.position
    left = len(rows) - (done.mended - before)
    if left:
        done.refused += left
        done.reasons.append(
            f"{left} listings are not linked (連動) and are not told; expected them to be confirmed or started"
        )


def _take(house: House, shop: str, run: str, rows: Sequence[DriftRow], by: By, done: Mended) -> None:
    with house.pool.connection() as connection:
        listings = listing_list.of_keys(connection, house.database.schema, shop, [row.key for row in rows])
        read_at = _read_times(connection, house.database.schema, {row.read_position for row in rows})
    taken = []
    for row in rows:
        listing = listings.get(row.key)
        why = _refusal(row, listing)
        if why is not None or listing is None:
            done.refuse(row.key, why or "it is not known")
            continue
        assert row.read_units is not None
        counted_at = read_at[row.read_position]
        covers = stock.sales_of(shop, counted_at, listing.numbers.told_position)
        units = row.read_units * listing.units_per_listing
        try:
            answer = house.book.do(stock.overwrite(listing.sku, units, covers=covers, counted_at=counted_at), by)
        except ValueError as refused:
            done.refuse(row.key, str(refused))
            continue
        done.mended, done.position = done.mended + 1, answer.position
        taken.append(row.key)
    if taken:
        done.position = house.book.do(mended(shop, run, TAKE_MALL_NUMBER, taken), by).position


def _refusal(row: DriftRow, listing: ListingNow | None) -> str | None:
    """Why the mall's number is not the SKU's; None: it may be."""
    if row.read_units is None or listing is None:
        return "the mall showed no number"
    if listing.settings != NO_RULES:
        return "its rules show only a part of the stock; expected the stock to be set instead (在庫一括更新)"
    if listing.numbers.told_position > row.known_position:
        return "the mall was told since it was read; expected it to be reconciled again"
    return None


def _read_times(connection: Any, schema: str, positions: set[int]) -> dict[int, datetime]:
    statement = sql.SQL(
        "SELECT notification_id, originator_id, originator_version, topic, state FROM {} WHERE notification_id = ANY (%s)"
    ).format(sql.Identifier(schema, "ledger_events"))
    found = {}
    for position, stream, version, name, state in connection.execute(statement, (sorted(positions),)).fetchall():
        fact = decode(position, stream, version, name, bytes(state)).fact
        assert isinstance(fact, MallRead), name
        found[position] = utc_moment(fact.read_at)
    return found
