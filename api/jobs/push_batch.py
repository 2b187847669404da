"""One batch (file, upload or feed): recorded before it leaves, handed over once, its answer recorded. Its end: push_batch_end.

The row in ``push_batches`` is there before the fact, so that whoever goes on after a crash asks the mall for the batch.
"""

from collections.abc import Sequence
from datetime import timedelta

from adapters.kit.file_settings import FileSettingNotAccepted
from adapters.kit.mall import ReadFailed
from adapters.kit.push_file import Batch, BatchAccess, PushFile
from api.jobs.push_request import (
    SEND_SECONDS_MAX,
    NumbersMoved,
    Planned,
    Rest,
    Told,
    Turn,
    answer,
    careful_skus,
    hold_for,
    hold_lease,
    level_of,
    note,
    send_fresh,
    sent_of,
)
from api.shop_access import TurnNotGot
from api.tables import mall_paces, push_batches
from ledger.book import By
from ledger.facts.push import PushSent
from ledger.failpoint import reach
from ledger.push import FenceBroken, FileNotFinished
from ledger.shop import ShopNotReady
from ledger.terms import Outcome, Result
from ledger.writer import LedgerUnavailable

RECORD_TRIES_MAX = 5  # each leaves the listings out whose stock moved meanwhile
SETTINGS_MISSING = "file_settings_missing"


def give(turn: Turn, planned: Sequence[Planned], rest: Rest) -> Told:
    """The batch was handed to the mall, once, and its answer is recorded. Raises LeaseGone, and psycopg errors.

    ``Told.position`` 0: nothing left, because every number moved or the shop stopped.
    """
    batches = turn.one.push_file
    assert batches is not None, turn.one.mall.code
    assert 0 < len(planned) <= batches.rows_max, len(planned)
    try:
        with turn.accesses.of_batches(turn.one) as access:
            return _give(turn, batches, access, planned, rest)
    except TurnNotGot:
        return Told()
    except FileSettingNotAccepted:
        _stop_for_settings(turn)
        return Told()


def is_clear(turn: Turn) -> bool:
    """Whether the mall would take a batch now: nothing of ours or of another tool is in its way."""
    batches = turn.one.push_file
    assert batches is not None, turn.one.mall.code
    try:
        with turn.accesses.of_batches(turn.one) as access:
            hold_lease(turn, batches.call_seconds_max)
            blocked = batches.may_submit(access)
    except TurnNotGot:
        return False
    except FileSettingNotAccepted:
        _stop_for_settings(turn)
        return False
    if isinstance(blocked, ReadFailed):
        note(turn, mall_paces.BATCH, [Outcome(blocked.result, blocked.code, blocked.wait_seconds)])
    return blocked is None


def _stop_for_settings(turn: Turn) -> None:
    """A person has to enter them: the shop stops and says so."""
    note(turn, mall_paces.BATCH, [Outcome(Result.REJECTED_AUTH, SETTINGS_MISSING)])


def _give(turn: Turn, batches: PushFile, access: BatchAccess, planned: Sequence[Planned], rest: Rest) -> Told:
    house = turn.house
    began = house.clock.monotonic()
    by = hold_for(turn, planned, batches.call_seconds_max)
    request, now = house.new_id(), house.clock.now()
    look_at = now + timedelta(seconds=batches.call_seconds_max)
    turn.on_their_way.add(request)
    with house.pool.connection() as connection:
        push_batches.begin(connection, turn.code, request, sent_at=now, look_at=look_at, handed=False)
    reach("batch.begun")
    recorded, left = _record(turn, batches, planned, rest, request, by)
    if recorded.sent is None:
        with house.pool.connection() as connection:
            push_batches.end(connection, turn.code, request)
        turn.on_their_way.discard(request)
        return recorded
    reach("batch.sent_recorded")
    in_time = house.clock.monotonic() - began <= SEND_SECONDS_MAX
    return _submit(turn, batches, access, left, recorded.sent, by, in_time=in_time)


def _record(
    turn: Turn, batches: PushFile, planned: Sequence[Planned], rest: Rest, request: str, by: By
) -> tuple[Told, Sequence[Planned]]:
    """The batch is a durable fact, without the listings whose stock moved since; or it must not leave."""
    left, moved = planned, frozenset[str]()
    seconds = batches.call_seconds_max + batches.unknown_after_seconds
    for _ in range(RECORD_TRIES_MAX):
        if not left:
            break
        sent = sent_of(turn, left, rest, request=request, channel=batches.channel, seconds=seconds)
        try:
            turn.house.book.do(send_fresh(turn.code, sent, careful_skus(left)), by)
        except NumbersMoved as refused:
            moved |= refused.skus
            left = [one for one in left if not (careful_skus([one]) & refused.skus)]
        except (ShopNotReady, FenceBroken, FileNotFinished):
            return Told(), ()
        except LedgerUnavailable:  # nothing was recorded
            turn.on_their_way.discard(request)
            raise
        else:
            return Told(request=request, sent=sent), left
    return Told(moved=moved), ()


def _submit(
    turn: Turn,
    batches: PushFile,
    access: BatchAccess,
    planned: Sequence[Planned],
    sent: PushSent,
    by: By,
    *,
    in_time: bool,
) -> Told:
    clock = turn.house.clock
    levels = tuple(level_of(one) for one in planned)
    began = clock.now()
    batch = Batch(sent.request, levels, began)
    if in_time:
        with turn.house.pool.connection() as connection:
            push_batches.hand_over(connection, turn.code, sent.request)
        reach("batch.before_submit")
        given = batches.submit(access, batch)
        outcomes: Sequence[Outcome] = given.outcomes
        if given.ticket:
            with turn.house.pool.connection() as connection:
                push_batches.named(connection, turn.code, sent.request, given.ticket)
        reach("batch.after_submit")
    else:
        outcomes = batch.outcomes(Outcome(Result.TRANSIENT, "too_late"))
    assert len(outcomes) == len(levels), turn.one.mall.code
    ended = max(began, clock.now())
    position = answer(turn, sent, outcomes, by, began=began, ended=ended)
    turn.on_their_way.discard(sent.request)
    reach("batch.answered_recorded")
    with turn.house.pool.connection() as connection:
        if any(one.result in push_batches.OPEN for one in outcomes):
            look_at = ended + timedelta(seconds=batches.look_seconds)
            push_batches.answered(connection, turn.code, sent.request, outcomes, look_at)
        else:
            push_batches.end(connection, turn.code, sent.request)
    note(turn, mall_paces.BATCH, outcomes)
    return Told(sent.request, position, sent, {level.key: one for level, one in zip(levels, outcomes, strict=True)})
