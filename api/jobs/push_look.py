"""A look: a shop's numbers are read just before a raise, what is missing is withheld, and the reading is a fact.

What is missing is kept before the fact and what it explains taken off after it, so that a crash between them withholds too
much rather than too little.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.kit.mall import ReadFailed
from api.jobs.push_missing import Base, Unseen, explained_by_look, unseen_at
from api.jobs.push_plan import Queued
from api.jobs.push_request import Turn, hold_lease, note
from api.shop_access import TurnNotGot
from api.tables import mall_paces, push_unseen
from ledger import keys
from ledger.book.pushes import record_read
from ledger.facts.push import MallRead
from ledger.terms import ListingKey, ListingRead, Outcome, Result, utc_text

DOOR = "api"


def look(
    turn: Turn, rows: Sequence[Queued], *, known_position: int, doubts: Mapping[ListingKey, Sequence[Base]]
) -> int | None:
    """The position of the reading, or None when the mall did not say its numbers.

    ``rows`` are as of ``known_position``. ``doubts``: numbers that requests without a known answer may have set. Raises LeaseGone.
    """
    mall, clock = turn.one.mall, turn.house.clock
    assert callable(mall.read_back), mall.code
    assert 0 < len(rows) <= mall.read_batch_max, len(rows)
    try:
        with turn.accesses.of(turn.one) as access:
            hold_lease(turn, turn.one.call_seconds_max)
            began = clock.now()
            found = mall.read_back(access, [row.key for row in rows])
    except TurnNotGot:
        return None
    if isinstance(found, ReadFailed):
        _failed(turn, found)
        return None
    hold_lease(
        turn, turn.one.call_seconds_max
    )  # what was read so long ago that another worker took over is worth nothing
    note(turn, mall_paces.READ, [Outcome(Result.APPLIED)])
    missing = [_missing(turn, row, one, began, known_position, doubts) for row, one in zip(rows, found, strict=True)]
    entries = [entry for entry in missing if entry is not None]
    if entries:
        with turn.house.pool.connection() as connection:
            push_unseen.add(connection, entries)
    done = turn.house.book.do(record_read(turn.code, read_fact(found, began, known_position)), turn.house.by())
    _explain(turn, rows, found, began, known_position)
    return int(str(done.answer["position"]))


def read_aside(turn: Turn, wanted: Sequence[ListingKey]) -> list[ListingRead] | None:
    """What the mall shows of these; no fact and no look: whether a batch on its way is what shows is not known yet.

    None: the mall did not say. Raises LeaseGone.
    """
    mall = turn.one.mall
    assert callable(mall.read_back), mall.code
    assert 0 < len(wanted) <= mall.read_batch_max, len(wanted)
    try:
        with turn.accesses.of(turn.one) as access:
            hold_lease(turn, turn.one.call_seconds_max)
            found = mall.read_back(access, wanted)
    except TurnNotGot:
        return None
    if isinstance(found, ReadFailed):
        _failed(turn, found)
        return None
    note(turn, mall_paces.READ, [Outcome(Result.APPLIED)])
    return found


def read_fact(found: Sequence[ListingRead], read_at: datetime, known_position: int) -> MallRead:
    """The reading as a fact. ``read_at``: when it was asked for, so that nothing after it is thought to be inside;
    ``known_position``: up to where orders were known then.
    """
    return MallRead(
        door=DOOR,
        listings=[keys.listing_text(one.key) for one in found],
        units=[one.units for one in found],
        found=[one.found for one in found],
        sellable=[one.sellable for one in found],
        read_at=utc_text(read_at),
        known_position=known_position,
    )


def _missing(
    turn: Turn,
    row: Queued,
    found: ListingRead,
    read_at: datetime,
    known_position: int,
    doubts: Mapping[ListingKey, Sequence[Base]],
) -> Unseen | None:
    if not found.found or found.units is None:
        return None
    missing = unseen_at(row.numbers, read_units=found.units, read_at=read_at, doubts=doubts.get(row.key, ()))
    if missing.sold_after is None or not (missing.certain or missing.possible):
        return None
    return Unseen(
        shop=turn.code,
        key=row.key,
        sku=row.rules.sku,
        units_per_listing=row.rules.units_per_listing,
        certain=missing.certain,
        possible=missing.possible,
        sold_after=missing.sold_after,
        seen_at=read_at,
        known_position=known_position,
    )


def _explain(
    turn: Turn, rows: Sequence[Queued], found: Sequence[ListingRead], read_at: datetime, known_position: int
) -> None:
    """What this look says of the shop's missing units: orders it proves to be behind them are taken off."""
    with turn.house.pool.connection() as connection, connection.transaction():
        entries = push_unseen.running(connection, read_at, {row.rules.sku for row in rows})
        for row, one in zip(rows, found, strict=True):
            mine = [entry for entry in entries if (entry.shop, entry.key) == (turn.code, row.key)]
            if mine and one.units is not None:
                left = explained_by_look(row.numbers, mine, read_units=one.units, read_at=read_at)
                push_unseen.keep(connection, left, known_position)


def _failed(turn: Turn, failed: ReadFailed) -> None:
    outcome = Outcome(failed.result, failed.code, failed.wait_seconds)
    if failed.result is Result.THROTTLED:
        with turn.house.pool.connection() as connection:
            mall_paces.hold_back(
                connection,
                turn.code,
                mall_paces.counted_as(turn.one.mall, mall_paces.READ),
                turn.read_pace,
                now=turn.house.clock.now(),
                wait_seconds=failed.wait_seconds,
            )
    note(turn, mall_paces.READ, [outcome])
