"""The end of batches: each is asked for until the mall says what became of it, its numbers are read back, or it is too late.

A batch that was recorded and never answered (its worker died) is looked for like every other: a file of its name tells that
it was handed over. Until a batch is settled its listings are told nothing but lower numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from adapters.kit.file_settings import FileSettingNotAccepted
from adapters.kit.mall import ReadFailed
from adapters.kit.push_file import Batch, Finished, Followed, NotThere, PushFile, Unfinished
from api.jobs import push_rows
from api.jobs.push_batch import SETTINGS_MISSING
from api.jobs.push_request import Turn, hold_lease, note
from api.jobs.push_settle import answer_of
from api.shop_access import TurnNotGot
from api.tables import mall_paces, push_batches
from api.tables.push_batches import BatchRow
from ledger import keys
from ledger.book.pushes import record_push_answered, record_push_settled
from ledger.facts.push import PushAnswered, PushSettled
from ledger.failpoint import reach
from ledger.push import API, RequestNotOpen
from ledger.terms import ListingLevel, Outcome, Result, utc_text
from projections.listing_columns import request_of
from projections.listing_state import Request

WITHDRAWN, TOO_LATE, NEVER_THERE, FOUND_AGAIN = "withdrawn", "end_not_seen", "never_arrived", "found_again"
LOOK_SHARE, LOOK_SECONDS_MAX = 1 / 8, 300.0
WAITING, TAKEN = "waiting", "taken"  # where an unfinished batch stands

# What a reading of these listings shows of the batch: outcomes, or None as long as it shows nothing certain.
ReadBatch = Callable[[Batch, Request, bool], Sequence[Outcome] | None]


@dataclass(frozen=True)
class Following:
    """What following needs of a turn. ``read``: None where the mall cannot be read; ``folded`` waits for the tables."""

    turn: Turn
    read: ReadBatch | None
    folded: Callable[[int], bool]


def unfinished(turn: Turn) -> list[BatchRow]:
    """The shop's batches that are not settled, oldest first; rows that were lost are made again."""
    now = turn.house.clock.now()
    with turn.house.pool.connection() as connection:
        rows = push_batches.of_shop(connection, turn.code)
        lost = _open(turn).keys() - {row.request for row in rows}
        for request in sorted(lost):
            push_batches.begin(connection, turn.code, request, sent_at=now, look_at=now, handed=True)
        return push_batches.of_shop(connection, turn.code) if lost else rows


def follow_due(following: Following) -> int:
    """Every batch that is due was asked for; how many were settled. Raises LeaseGone, and psycopg errors."""
    turn = following.turn
    assert turn.one.push_file is not None, turn.code
    now = turn.house.clock.now()
    due = [row for row in unfinished(turn) if row.look_at <= now]
    if not due or not _tables_follow(following):
        return 0
    requests = _open(turn)
    count = 0
    for row in due:
        request = requests.get(row.request)
        if request is None:  # it never was recorded, or is settled already
            with turn.house.pool.connection() as connection:
                push_batches.end(connection, turn.code, row.request)
            continue
        count += _follow(following, turn.one.push_file, row, request)
    return count


def _tables_follow(following: Following) -> bool:
    """The tables know every fact: what they do not hold open was never recorded, or is over."""
    house = following.turn.house
    with house.pool.connection() as connection:
        position, head = push_rows.standing(connection, house.database.schema)
    return position >= head or following.folded(head)


def _open(turn: Turn) -> dict[str, Request]:
    """The batches that the tables hold open, by request."""
    statement = "SELECT request, told FROM listing_requests WHERE shop = %s"
    with turn.house.pool.connection() as connection:
        rows: list[Any] = connection.execute(statement, (turn.code,), prepare=True).fetchall()
    found = {request: request_of(told) for request, told in rows}
    return {name: request for name, request in found.items() if request.channel != API}


def _follow(following: Following, batches: PushFile, row: BatchRow, request: Request) -> int:
    turn = following.turn
    levels = tuple(
        ListingLevel(keys.listing_key(name), units) for name, units in zip(request.listings, request.units, strict=True)
    )
    batch = Batch(row.request, levels, row.sent_at, row.ticket)
    found = _asked(turn, batches, batch)
    reach("batch.followed")
    now = turn.house.clock.now()
    late = now >= row.sent_at + timedelta(seconds=batches.unknown_after_seconds)
    unknown = batch.outcomes(Outcome(Result.UNKNOWN, TOO_LATE))
    match found:
        case ReadFailed():
            note(turn, mall_paces.BATCH, [Outcome(found.result, found.code, found.wait_seconds)])
            if late and row.code != WAITING:
                return _by_reading(following, batches, row, batch, request, unknown)
            return _again(turn, batches, row, row.code, now)
        case Finished(outcomes=outcomes):
            return _by_reading(following, batches, row, batch, request, outcomes)
        case Unfinished(taken=False):
            known = _answered(turn, row, batch)
            if late and _taken_back(turn, batches, batch):
                return _settle(following, known, batch, batch.outcomes(Outcome(Result.TRANSIENT, WITHDRAWN)))
            return _again(turn, batches, row, WAITING, now)
        case NotThere(certain=certain) if certain or not (row.handed or row.answered):
            return _settle(following, row, batch, batch.outcomes(Outcome(Result.TRANSIENT, NEVER_THERE)))
        case Unfinished() | NotThere():
            if following.read is None and not late:
                return _again(turn, batches, row, TAKEN, now)
            taken = batch.outcomes(Outcome(Result.ACCEPTED))
            return _by_reading(following, batches, row, batch, request, unknown if late else taken)
        case _:
            assert_never(found)


def _asked(turn: Turn, batches: PushFile, batch: Batch) -> Followed:
    try:
        with turn.accesses.of_batches(turn.one) as access:
            hold_lease(turn, batches.call_seconds_max)
            return batches.follow(access, batch)
    except TurnNotGot:
        return ReadFailed(Result.TRANSIENT, "turn_not_got")
    except FileSettingNotAccepted:
        return ReadFailed(Result.REJECTED_AUTH, SETTINGS_MISSING)


def _taken_back(turn: Turn, batches: PushFile, batch: Batch) -> bool:
    """The mall has left it lying too long: stale numbers are not applied hours later when it is gone in time."""
    try:
        with turn.accesses.of_batches(turn.one) as access:
            hold_lease(turn, batches.call_seconds_max)
            return batches.withdraw(access, batch)
    except (TurnNotGot, FileSettingNotAccepted):
        return False


def _by_reading(
    following: Following, batches: PushFile, row: BatchRow, batch: Batch, request: Request, outcomes: Sequence[Outcome]
) -> int:
    """What the mall has not said the end of is read back: taken numbers until they show or it is too late, unknown ones at once.

    Without reading, what was taken counts as applied when the mall said no more of it, and the rest stays unknown.
    """
    turn, now = following.turn, following.turn.house.clock.now()
    waited = now - row.sent_at
    left = [at for at, one in enumerate(outcomes) if one.result in push_batches.OPEN and at not in row.closed]
    late = waited >= timedelta(seconds=batches.unknown_after_seconds)
    over = late or any(outcomes[at].result is Result.UNKNOWN for at in left)
    ends = list(outcomes)
    if left and following.read is not None:
        part = replace(batch, levels=tuple(batch.levels[at] for at in left))
        shown = following.read(part, request, over)
        if shown is None and waited < timedelta(seconds=2 * batches.unknown_after_seconds):
            return _again(turn, batches, row, TAKEN, now)
        for at, one in zip(left, shown or part.outcomes(Outcome(Result.UNKNOWN, TOO_LATE)), strict=True):
            ends[at] = one
    return _settle(following, row, batch, ends)


def _again(turn: Turn, batches: PushFile, row: BatchRow, code: str, now: datetime) -> int:
    """It is asked for once more, less often the longer it takes."""
    elapsed = (now - row.sent_at).total_seconds()
    seconds = max(batches.look_seconds, min(elapsed * LOOK_SHARE, LOOK_SECONDS_MAX))
    with turn.house.pool.connection() as connection:
        push_batches.looked(connection, turn.code, row.request, code, now + timedelta(seconds=seconds))
    return 0


def _answered(turn: Turn, row: BatchRow, batch: Batch) -> BatchRow:
    """The batch as its answer left it. One whose worker never said what came of it is answered now, as accepted."""
    if row.answered:
        return row
    accepted = PushAnswered(
        request=row.request,
        outcomes=[str(Result.ACCEPTED)] * len(batch.levels),
        codes=[FOUND_AGAIN] * len(batch.levels),
        sent_at=utc_text(row.sent_at),
        applied_from=utc_text(row.sent_at),
        applied_until=utc_text(max(row.sent_at, turn.house.clock.now())),
    )
    outcomes: Sequence[Outcome] = batch.outcomes(Outcome(Result.ACCEPTED))
    try:
        turn.house.book.do(record_push_answered(turn.code, accepted), turn.house.by(cause=row.request))
    except RequestNotOpen:  # it was answered, and the row was not told
        outcomes = answer_of(turn, row.request) or outcomes
    with turn.house.pool.connection() as connection:
        push_batches.answered(connection, turn.code, row.request, outcomes, row.look_at)
    closed = {at: one for at, one in enumerate(outcomes) if one.result not in push_batches.OPEN}
    return replace(row, answered=True, closed=closed)


def _settle(following: Following, row: BatchRow, batch: Batch, outcomes: Sequence[Outcome]) -> int:
    """The end is a fact. Listings that the answer ended keep what it said."""
    turn = following.turn
    closed = _answered(turn, row, batch).closed
    applied = Outcome(Result.APPLIED)  # what the mall said it took, and no more of
    ends = [closed.get(at, applied if one.result is Result.ACCEPTED else one) for at, one in enumerate(outcomes)]
    settled = PushSettled(
        request=row.request,
        outcomes=[str(one.result) for one in ends],
        codes=[one.code for one in ends],
        applied_from=utc_text(row.sent_at),
        applied_until=utc_text(max(row.sent_at, turn.house.clock.now())),
        evidence_position=0,
    )
    position = turn.house.book.do(record_push_settled(turn.code, settled), turn.house.by(cause=row.request)).position
    reach("batch.settled")
    with turn.house.pool.connection() as connection:
        push_batches.end(connection, turn.code, row.request)
    note(turn, mall_paces.BATCH, [one for at, one in enumerate(ends) if at not in closed])
    following.folded(position)
    return 1
