"""元に戻す: after 停止 the mall shows the numbers again that were kept at switch-on. Only what differs is told, as pushes with
their own trigger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from api.jobs import mall_reading, push_rows
from api.jobs.push_plan import Queued, Send
from api.jobs.push_request import Planned, Rest, Turn, tell
from api.projecting import catch_up
from api.shop_access import ConnectedShop, ShopAccesses
from api.tables import mall_paces, push_leases
from api.wiring import House
from ledger import keys
from ledger.book import By, shops
from ledger.codec import Record, decode
from ledger.facts.push import MallRead
from ledger.facts.shop import NumbersPutBack, PushStarted
from ledger.shop import ShopNotReady
from ledger.terms import ListingKey, Result
from ledger.view import Fold
from projections import listing_list

TRIGGER = "put_back"
SHOWN_MAX = 100
TRIES_MAX = 5
TRY_AGAIN_SECONDS = 2.0
AGAIN = (Result.THROTTLED, Result.TRANSIENT, Result.REFUSED)


@dataclass(frozen=True)
class PutBack:
    """What putting back did, or would do. ``differing``: listings with (the number now, the number kept), the first of them.

    ``unlimited`` showed no number at switch-on; ``position`` 0: a dry run.
    """

    listings: int
    sent: int
    same: int
    rejected: int
    unlimited: int
    differing: Sequence[tuple[ListingKey, int | None, int]]
    position: int


def put_back(house: House, code: str, by: By, *, dry_run: bool = False) -> PutBack:
    """The mall shows the kept numbers again, as far as it takes them. Twice is harmless: then nothing differs.

    Raises ShopNotReady while 在庫反映 runs, or when nothing was kept; MallNotRead.
    """
    accesses = ShopAccesses(house)
    try:
        one = accesses.connected(code)
        if one.shop.push:
            raise ShopNotReady(
                f"在庫反映 of shop {code} runs; expected it to be stopped first: daicho shop stop {code} --push"
            )
        if not callable(one.mall.push_api):
            raise ShopNotReady(
                f"{one.mall.name} is not told by API; expected its stock file of before switch-on to be uploaded by hand"
            )
        catch_up(house)
        kept_position, kept = _kept(house, code)
        numbers = {key: units for key, units in kept.items() if units is not None}
        differing = _differing(house, accesses, one, numbers, by)
        same, unlimited = len(numbers) - len(differing), len(kept) - len(numbers)
        shown = [(key, now, numbers[key]) for key, now in list(differing.items())[:SHOWN_MAX]]
        if dry_run:
            return PutBack(len(kept), len(differing), same, 0, unlimited, shown, 0)
        sent = _tell_all(house, accesses, one, {key: numbers[key] for key in differing})
        fact = NumbersPutBack(
            kept_position=kept_position,
            listings=len(kept),
            sent=sent,
            same=same,
            rejected=len(differing) - sent,
            unlimited=unlimited,
        )
        position = house.book.do(shops.put_back(code, fact), by).position
        return PutBack(len(kept), sent, same, len(differing) - sent, unlimited, shown, position)
    finally:
        accesses.close()


# ------------------------------------------------------------------ what was kept


def _started(found: PushStarted | None, record: Record) -> PushStarted | None:
    return record.fact if isinstance(record.fact, PushStarted) else found


_LAST_START: Fold[PushStarted | None] = Fold(None, _started)


def _kept(house: House, code: str) -> tuple[int, Mapping[ListingKey, int | None]]:
    """The numbers that the mall showed at the review of the last switch-on; None: unlimited. Raises ShopNotReady."""
    started = house.look(keys.shop(code), _LAST_START)
    if started is None or not started.kept_position:
        raise ShopNotReady(f"在庫反映 of shop {code} was never started; expected numbers that were kept at switch-on")
    statement = sql.SQL(
        "SELECT notification_id, originator_id, originator_version, topic, state FROM {} WHERE originator_id = %s"
        " AND topic = 'MallRead' AND notification_id BETWEEN %s AND %s ORDER BY originator_version"
    ).format(sql.Identifier(house.database.schema, "ledger_events"))
    kept: dict[ListingKey, int | None] = {}
    with house.pool.connection() as connection:
        values = (keys.read(code), started.kept_position, started.reviewed_position)
        rows: list[Any] = connection.execute(statement, values).fetchall()
    for position, stream, version, name, state in rows:
        fact = decode(position, stream, version, name, bytes(state)).fact
        assert isinstance(fact, MallRead), name
        for text, units, found in zip(fact.listings, fact.units, fact.found, strict=True):
            if found:
                kept[keys.listing_key(text)] = units
    if not kept:
        raise ShopNotReady(f"nothing was read at the switch-on of shop {code}; expected numbers that were kept then")
    return started.kept_position, kept


def _differing(
    house: House, accesses: ShopAccesses, one: ConnectedShop, kept: Mapping[ListingKey, int], by: By
) -> Mapping[ListingKey, int | None]:
    """The listings whose number is another one now, with that number. Where the mall cannot be read, what it should show."""
    differing: dict[ListingKey, int | None] = {}
    if mall_reading.can_be_read(one.mall):
        for reading in mall_reading.read_listings(house, accesses, one, list(kept), by):
            for row, found in zip(reading.rows, reading.found, strict=True):
                if found.found and found.units != kept[row.key]:
                    differing[row.key] = found.units
        return differing
    with house.pool.connection() as connection:
        rows = listing_list.of_keys(connection, house.database.schema, one.code, list(kept))
    expected = {key: row.numbers.expected_units for key, row in rows.items()}
    return {key: units for key, units in expected.items() if units != kept[key]}


# ------------------------------------------------------------------ telling


def _tell_all(house: House, accesses: ShopAccesses, one: ConnectedShop, wanted: Mapping[ListingKey, int]) -> int:
    """The listings were told, in requests of the mall's size at its pace; how many it took."""
    if not wanted:
        return 0
    catch_up(house)
    with house.pool.connection() as connection:
        now = house.clock.now()
        lease = push_leases.take(
            connection, one.code, holder=house.new_id(), now=now, request_seconds=one.call_seconds_max
        )
    if lease is None:
        raise ShopNotReady(
            f"a request to shop {one.code} may still be on its way; expected it to end: try again in {one.call_seconds_max:.0f} seconds"
        )
    push_pace, read_pace = (
        mall_paces.pace_of(one.mall.requests_per_second),
        mall_paces.pace_of(one.mall.reads_per_second),
    )
    turn = Turn(house, accesses, one, lease, push_pace, read_pace)
    try:
        left = list(wanted)
        sent = 0
        size = one.mall.push_batch_max
        for start in range(0, len(left), size):
            sent += _tell(turn, {key: wanted[key] for key in left[start : start + size]})
        return sent
    finally:
        if not turn.on_their_way:
            with house.pool.connection() as connection:
                push_leases.release(connection, lease, now=house.clock.now(), doubts=0)


def _tell(turn: Turn, wanted: Mapping[ListingKey, int]) -> int:
    """One request's worth, again for what the mall was too busy for; how many it took."""
    house, left, taken = turn.house, dict(wanted), 0
    for _ in range(TRIES_MAX):
        _wait_for_pace(turn)
        with house.pool.connection() as connection:
            rows = push_rows.of_listings(connection, house.database.schema, turn.code, left, now=house.clock.now())
        batch = [_planned(row, left[row.key]) for row in rows.rows]
        if not batch:
            return taken
        told = tell(turn, batch, Rest(computed_at=rows.position, put_back=True))
        taken += sum(one.result in (Result.APPLIED, Result.ACCEPTED) for one in told.outcomes.values())
        left = {key: left[key] for key, one in told.outcomes.items() if one.result in AGAIN}
        if not left or told.position == 0:
            return taken
        house.clock.sleep(max([TRY_AGAIN_SECONDS, *(one.wait_seconds for one in told.outcomes.values())]))
        catch_up(house)
    return taken


def _planned(row: Queued, units: int) -> Planned:
    return Planned(row, Send(units, TRIGGER), ())


def _wait_for_pace(turn: Turn) -> None:
    while True:
        with turn.house.pool.connection() as connection:
            wait = mall_paces.may_call(
                connection, turn.code, mall_paces.PUSH, turn.push_pace, now=turn.house.clock.now()
            )
        if wait == 0.0:
            return
        turn.house.clock.sleep(wait)
