"""Whether a batch was applied, by what the mall shows: for uploads without a result, and for files whose log does not come.

Only listings that the batch was to change say anything; and all of them have to show their number, for a batch may be half
applied. What a number below it by told sales means is the same: applied, then sold.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from adapters.kit.push_file import Batch
from api.jobs import push_rows
from api.jobs.push_look import look, read_aside
from api.jobs.push_missing import Base
from api.jobs.push_plan import Queued
from api.jobs.push_request import Turn
from ledger.terms import ListingKey, ListingLevel, ListingRead, Outcome, Result
from projections.listing_state import Request

NOT_FOUND, NOT_SHOWN = "not_found", "not_shown"
UNCHANGED_SECONDS = timedelta(seconds=300)  # a batch that only restated numbers is taken to be applied by then


def outcomes_read(
    turn: Turn, slot: Callable[[], bool], batch: Batch, request: Request, *, late: bool
) -> list[Outcome] | None:
    """One outcome a listing by what the mall shows now; None: nothing certain yet. ``slot`` waits until one may read.

    ``late``: the batch cannot be applied any more, so what is shown is its end, whole or half; what it leaves open, and
    what it lowered, is looked at, so that units sold meanwhile are not taken for the batch's. Raises LeaseGone.
    """
    size = turn.one.mall.read_batch_max
    rows, known = _rows(turn, batch)
    changed = [
        level for level in batch.levels if level.key in rows and _was_to_change(rows[level.key], level, batch.request)
    ]
    if not changed and not late and turn.house.clock.now() < batch.sent_at + UNCHANGED_SECONDS:
        return None
    first = _read(turn, slot, [level.key for level in changed[:size]] or [batch.levels[0].key])
    if first is None:
        return None
    if not late and not all(_shows(first.get(level.key), level, rows, request) for level in changed[:size]):
        return None
    found = dict(first)
    for page in _pages([level.key for level in batch.levels if level.key not in found], size):
        more = _read(turn, slot, page)
        if more is None:
            return None
        found |= more
    if not late and not all(_shows(found.get(level.key), level, rows, request) for level in changed):
        return None
    outcomes = [_outcome(found.get(level.key), level, rows, request) for level in batch.levels]
    unsure = {
        level.key: level.units
        for level, one in zip(batch.levels, outcomes, strict=True)
        if level.key in rows and (one.result is Result.UNKNOWN or _may_be_sales(rows[level.key], level))
    }
    return outcomes if _looked_at(turn, slot, batch, request, rows, unsure, known) else None


def _looked_at(
    turn: Turn,
    slot: Callable[[], bool],
    batch: Batch,
    request: Request,
    rows: Mapping[ListingKey, Queued],
    unsure: Mapping[ListingKey, int],
    known: int,
) -> bool:
    """These were looked at, with the number the batch may have set in mind; False: the mall did not say."""
    now = turn.house.clock.now()
    doubts = {key: [Base(units, batch.sent_at, now, request.computed_at)] for key, units in unsure.items()}
    for page in _pages(list(unsure), turn.one.mall.read_batch_max):
        wanted = [rows[key] for key in page]
        if not slot() or look(turn, wanted, known_position=known, doubts=doubts) is None:
            return False
    return True


def _rows(turn: Turn, batch: Batch) -> tuple[Mapping[ListingKey, Queued], int]:
    wanted = [level.key for level in batch.levels]
    with turn.house.pool.connection() as connection:
        schema, now = turn.house.database.schema, turn.house.clock.now()
        rows = push_rows.of_listings(connection, schema, turn.code, wanted, now=now)
    return {row.key: row for row in rows.rows}, rows.position


def _was_to_change(row: Queued, level: ListingLevel, request: str) -> bool:
    """Whether its number, once shown, can only have come from the batch."""
    before = _before(row)
    return row.numbers.pending_request == request and before is not None and before != level.units


def _may_be_sales(row: Queued, level: ListingLevel) -> bool:
    """A number that fell to the batch's may have been sold down to it before the batch came: no raise may forget that."""
    before = _before(row)
    return before is not None and before > level.units


def _before(row: Queued) -> int | None:
    numbers = row.numbers
    return numbers.read_units if numbers.expected_units is None else numbers.expected_units


def _read(turn: Turn, slot: Callable[[], bool], wanted: Sequence[ListingKey]) -> dict[ListingKey, ListingRead] | None:
    if not slot():
        return None
    found = read_aside(turn, wanted)
    return None if found is None else {one.key: one for one in found}


def _shows(read: ListingRead | None, level: ListingLevel, rows: Mapping[ListingKey, Queued], request: Request) -> bool:
    """Whether this is the number of the batch, or what told sales since left of it. One the mall does not know shows nothing."""
    if read is None or not read.found:
        return read is not None
    if read.units is None or read.units > level.units:
        return False
    row = rows.get(level.key)
    sales = row.numbers.sales if row is not None else ()
    sold = sum(sale.quantity for sale in sales if sale.position > request.computed_at)
    return level.units - read.units <= sold


def _outcome(
    read: ListingRead | None, level: ListingLevel, rows: Mapping[ListingKey, Queued], request: Request
) -> Outcome:
    if read is None:
        return Outcome(Result.UNKNOWN, NOT_SHOWN)
    if not read.found:
        return Outcome(Result.REJECTED, NOT_FOUND)
    if _shows(read, level, rows, request):
        return Outcome(Result.APPLIED)
    return Outcome(Result.UNKNOWN, NOT_SHOWN)


def _pages(keys: Sequence[ListingKey], size: int) -> Iterator[Sequence[ListingKey]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
