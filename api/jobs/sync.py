"""一括同期: every linked listing of a shop is stated again. Where the mall can be read, it is read back and differences are sent.

It goes on page by page between the rounds of order-driven pushes, in the same turn of the shop, and never before them.
Where it is, is a row; a sync that lost its worker is taken up by the next one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from api.jobs import push_rows
from api.jobs.push_plan import Leave, LookFirst, Queued, Send
from api.jobs.push_rows import Rows
from api.tables import push_syncs
from api.tables.push_syncs import Running
from api.wiring import House
from ledger import keys, shop
from ledger.book import By, Verb
from ledger.facts.shop import SyncFinished, SyncPaused, SyncResumed, SyncStarted
from ledger.terms import ListingKey
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

if TYPE_CHECKING:
    from api.jobs.push_rounds import Rounds

READ_SECONDS_MAX = 3.0
REQUESTS_A_PAGE_MAX = 50  # rounds spent on one page before the next is read


def start(house: House, code: str, by: By, *, trigger: str) -> str:
    """A full sync of the shop runs; the answer is its id. ``trigger`` is schedule or person. One that runs goes on.

    Raises ShopNotReady when 在庫反映 does not run.
    """
    mine = house.new_id()
    with house.pool.connection() as connection:
        count = push_rows.linked(connection, house.database.schema, code)
        found = push_syncs.begin(connection, code, mine, house.clock.now(), listings=count)
    if found != mine:
        return found
    try:
        house.book.do(started(code, found, trigger, count), by)
    except shop.ShopNotReady:
        with house.pool.connection() as connection:
            push_syncs.end(connection, code, found)
        raise
    return found


class NoSync(ValueError):
    """No full sync of the shop runs; the message says what was expected."""


def pause(house: House, code: str, by: By) -> int:
    """The shop's full sync waits where it is; orders go on. The answer is the position. Raises NoSync."""
    return _turned(house, code, by, paused=True)


def resume(house: House, code: str, by: By) -> int:
    """The shop's full sync goes on where it was. The answer is the position. Raises NoSync."""
    return _turned(house, code, by, paused=False)


def stop(house: House, code: str, by: By) -> int:
    """The shop's full sync is over, with what it did. The answer is the position. Raises NoSync."""
    with house.pool.connection() as connection:
        at = push_syncs.progress(connection, code)
        if at is None:
            raise NoSync(_none_runs(code))
        push_syncs.end(connection, code, at.sync)
    ended = Running(at.sync, "", at.sent, at.same, at.rejected)
    return house.book.do(finished(code, ended, ["stopped"]), by).position


def _turned(house: House, code: str, by: By, *, paused: bool) -> int:
    with house.pool.connection() as connection:
        at = push_syncs.progress(connection, code)
        if at is None:
            raise NoSync(_none_runs(code))
        changed = push_syncs.pause(connection, code, paused=paused)
    fact = SyncPaused(sync=at.sync) if paused else SyncResumed(sync=at.sync)
    stream = keys.shop(code)
    drafts = [Draft(stream, fact)] if changed else []
    verb = Verb("turn_sync", lambda _: Decision(drafts), (code, at.sync, paused), Wanted(streams={stream}))
    return house.book.do(verb, by).position


def _none_runs(code: str) -> str:
    return f"no full sync of shop {code} runs; expected one: daicho sync start {code}"


def started(code: str, sync: str, trigger: str, listings: int) -> Verb:
    """The sync has begun. Raises ShopNotReady."""
    stream = keys.shop(code)

    def decide(view: View) -> Decision:
        if not view.state(stream, shop.FOLD).pushing:
            raise shop.ShopNotReady(f"shop {code} does not push now; expected 在庫反映 to run: start it first")
        return Decision([Draft(stream, SyncStarted(sync=sync, trigger=trigger, listings=listings))])

    return Verb("start_sync", decide, (code, sync), Wanted(streams={stream}))


def finished(code: str, at: Running, reasons: Sequence[str] = ()) -> Verb:
    """The sync has ended."""
    stream = keys.shop(code)
    fact = SyncFinished(sync=at.sync, sent=at.sent, same=at.same, rejected=at.rejected, reasons=list(reasons))
    return Verb("finish_sync", lambda _: Decision([Draft(stream, fact)]), (code, at.sync), Wanted(streams={stream}))


def page(rounds: "Rounds") -> bool:
    """One page of the shop's running sync is stated; between its requests orders go first. False: none runs, or not now."""
    house, turn = rounds.house, rounds.turn
    with house.pool.connection() as connection:
        at = push_syncs.running(connection, turn.code)
    if at is None or rounds.ways.waits:
        return False
    found = _next(rounds, at.after)
    rows = found.rows
    if not rows:
        house.book.do(finished(turn.code, at), house.by())
        with house.pool.connection() as connection:
            push_syncs.end(connection, turn.code, at.sync)
        return True
    if rounds.manner.looks and not _read(rounds, rows, found.position, at):
        return False
    stated = _state(rounds, [row.key for row in rows], at)
    if stated is None:
        return False
    with house.pool.connection() as connection:
        push_syncs.move(connection, turn.code, replace(stated, after=keys.listing_text(rows[-1].key)))
    return True


def _next(rounds: "Rounds", after: str) -> Rows:
    mall, most = rounds.turn.one.mall, rounds.ways.rows_max()
    if rounds.manner.looks:  # no more than stay fresh until they are told
        most = min(most, mall.read_batch_max * max(1, int(mall.reads_per_second * READ_SECONDS_MAX)))
    if not rounds.ways.by_file:
        most = min(most, mall.read_batch_max) if rounds.manner.looks else most
    with rounds.house.pool.connection() as connection:
        return push_rows.linked_after(
            connection, rounds.house.database.schema, rounds.turn.code, after, most, now=rounds.house.clock.now()
        )


def _read(rounds: "Rounds", rows: Sequence[Queued], position: int, at: Running) -> bool:
    """The page was read in this sync, in requests of the mall's size; False: the mall does not answer now.

    What differs is told at once between two pages, so what was read already is not asked for again.
    """
    size = rounds.turn.one.mall.read_batch_max
    left = [row for row in rows if not _read_since(row, at.started_at)]
    return all(rounds.read_numbers(left[start : start + size], position) for start in range(0, len(left), size))


def _read_since(row: Queued, moment: datetime | None) -> bool:
    return moment is not None and row.numbers.read_at is not None and row.numbers.read_at >= moment


def _state(rounds: "Rounds", wanted: Sequence[ListingKey], at: Running) -> Running | None:
    """The listings were told what differs; None: the mall or its pace does not let us now."""
    house, turn, left = rounds.house, rounds.turn, set(wanted)
    for _ in range(REQUESTS_A_PAGE_MAX):
        with house.pool.connection() as connection:
            rows = push_rows.of_listings(connection, house.database.schema, turn.code, left, now=house.clock.now())
        decisions = rounds.decide(rows, full_sync=not rounds.manner.looks)
        sends = rounds.planned(rows, decisions)
        settled = {key for key, found in decisions.items() if not isinstance(found, Send | LookFirst)}
        same = sum(isinstance(decisions[key], Leave) for key in settled)
        rejected = sum(row.numbers.rejected_code is not None for row in rows.rows if row.key in settled)
        at = replace(at, same=at.same + same - rejected, rejected=at.rejected + rejected)
        left -= settled | (left - {row.key for row in rows.rows})
        if not sends:
            return at  # a look that is too old by now is the queue's: it differs, and it is told there
        if not rounds.send(rows, sends, sync_id=at.sync):
            return None
        told = rounds.told_keys
        at = replace(at, sent=at.sent + len(told))
        left -= told
        while rounds.round():
            pass
    return at
