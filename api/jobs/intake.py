"""受注取込: drains the inbox. A page of rows is read, becomes facts in one commit, and is marked in one transaction.

Facts come before marks, so a worker that dies between them does its page again, and an equal telling has no effect: nothing
is lost and nothing counts twice. A row that fails is tried TRIES_MAX times and then waits for a person; others go on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import TypeAlias

import psycopg
import structlog

import adapters
from adapters.kit.mall import RestoresOnCancel
from adapters.kit.order_mail import JST
from api.jobs.message_reading import Hinted, Reading, Told
from api.jobs.naming import ListingCodes, names_of
from api.jobs.page_reading import INTAKE_STOPPED, Failed, read_page, shops_of
from api.jobs.relink import ProjectedListings, Relink
from api.jobs.worker import Loop
from api.tables import inbox, order_polls
from api.tables.inbox import IGNORED, QUARANTINED, READ, WAITING, InboxRow, Mark
from api.wiring import House
from ledger import keys, shop
from ledger.book import By, Verb
from ledger.book.orders import Named, take_order
from ledger.commit import is_away
from ledger.failpoint import reach
from ledger.shop import COUNTED, SKIP, Backlog, Shop
from ledger.terms import OrderState, Telling
from ledger.view import Draft, View
from ledger.writer import OURS, Decision, Done, LedgerUnavailable, OutcomeUnknown

PAGE_ROWS = 200
CLAIM_SECONDS = 15.0
AGAIN_SECONDS = 2.0  # doubled by every try
LAG_SECONDS_MAX = 2.0  # after a message came: so long it waits for listings that lag behind the ledger
LAG_POLL_SECONDS = 0.02
OTHERS_SECONDS = 0.5  # how often rows that failed or wait are looked at while new ones keep coming
NOT_ACCEPTED = "order_not_accepted"
NOTHING_NEW = "nothing_new"
BACKLOG_SKIPPED = "backlog_skipped"
HINT = "hint"
FAILED = "failed"
FAULTS = (psycopg.Error, ValueError, *OURS)
Connection: TypeAlias = psycopg.Connection
log = structlog.get_logger()


class IntakeStopped(ValueError):
    """受注取込 of the shop was stopped before this order was taken; the message is kept."""


def loops(house: House) -> list[Loop]:
    """What a worker runs so that mails become orders, and unlinked lines are linked when their listing is there."""
    listings = ProjectedListings(house.database.schema)
    woken_by = (inbox.channel(house.database.schema),)
    return [Loop("intake", Intake(house, listings).step, woken_by), Loop("relink", Relink(house, listings).step)]


def drain(house: House, listings: ListingCodes) -> int:
    """One step of a new intake: everything it looks after is looked at. See ``Intake.step``.

    When the database goes away meanwhile, its rows are read again when their claim is over.
    """
    return Intake(house, listings).step()


class Intake:
    """The step function of one process. It keeps when it last looked at what is not urgent, and which rows it still claims."""

    def __init__(self, house: House, listings: ListingCodes) -> None:
        self._house = house
        self._listings = listings
        self._others_at = float("-inf")
        self._claimed: list[int] = []

    def step(self) -> int:
        """The next page of the inbox is taken; the answer is how many rows were moved, 0 when nothing is to be done now.

        Raises what the database raises when it is away; the rows are then to be read as before.
        """
        self._give_back()
        count = self._take_next(inbox.claim_new)
        now = self._house.clock.monotonic()
        if count and now < self._others_at:
            return count
        self._others_at = now + OTHERS_SECONDS
        return count + self._take_next(inbox.claim_again) + self._put_right()

    def _take_next(self, claim: Callable[..., list[InboxRow]]) -> int:
        house = self._house
        with house.pool.connection() as connection:
            _undurable(connection)
            rows = claim(connection, now=house.clock.now(), rows_max=PAGE_ROWS, claim_seconds=CLAIM_SECONDS)
            self._claimed = [row.id for row in rows]
            connection.commit()
            waiting = 0
            if rows:
                reach("intake.claimed")
                waiting = _take_rows(house, self._listings, connection, rows)
            self._claimed = []
        if waiting:
            house.clock.sleep(LAG_POLL_SECONDS)  # so that the next step finds them
        return len(rows)

    def _give_back(self) -> None:
        """The rows that a step before could not take, because the database went away, are to be read at once."""
        if self._claimed:
            with self._house.pool.connection() as connection:
                inbox.give_back(connection, self._claimed)
            self._claimed = []

    def _put_right(self) -> int:
        """What waited for an intake that runs now is to be read; what no try finished waits for a person."""
        with self._house.pool.connection() as connection:
            count = inbox.quarantine_hopeless(connection, now=self._house.clock.now())
            waiting = inbox.shops_waiting(connection)
            for code, one in shops_of(self._house, connection, waiting).items():
                if one.connected and one.intake:
                    count += inbox.release_waiting(connection, code)
        return count


def _take_rows(house: House, listings: ListingCodes, connection: Connection, rows: Sequence[InboxRow]) -> int:
    """The rows are taken together; when that meets a fault, each half by itself, so that in the end only the row at fault fails
    and the others wait for a dozen commits at most.

    The answer is how many wait for listings that lag, to be looked at again in a moment.
    """
    try:
        return _take_page(house, listings, connection, rows)
    except FAULTS as error:
        if _is_nobodys(error):
            raise
        connection.rollback()
        if len(rows) == 1:
            _settle(house, connection, [], [Failed(rows[0], type(error).__name__)])
            return 0
        half = len(rows) // 2
        return sum(_take_rows(house, listings, connection, part) for part in (rows[:half], rows[half:]))


def _is_nobodys(error: Exception) -> bool:
    """Whether no row is at fault: the database is away, or the tables that are read are not made yet."""
    return isinstance(error, LedgerUnavailable | OutcomeUnknown | psycopg.errors.UndefinedTable) or is_away(error)


def _take_page(house: House, listings: ListingCodes, connection: Connection, rows: Sequence[InboxRow]) -> int:
    shops = shops_of(house, connection, sorted({row.shop for row in rows}))
    readings = _by_choice(read_page(house, connection, rows, shops), shops)
    read = [one for one in readings if isinstance(one, Told)]
    names = names_of(connection, listings, [(one.row.shop, one.telling) for one in read])
    soon = house.clock.now() - timedelta(seconds=LAG_SECONDS_MAX)
    waiting = [
        one.row.id for one, its in zip(read, names, strict=True) if not its.certain and one.row.received_at > soon
    ]
    told = [one for one in read if one.row.id not in waiting]
    named = [its.lines for one, its in zip(read, names, strict=True) if one.row.id not in waiting]
    if waiting:
        inbox.give_back(connection, waiting, until=house.clock.now() + timedelta(seconds=LAG_POLL_SECONDS))
    connection.commit()  # no transaction stays open while the ledger's is waited for
    reach("intake.read")
    answers = _take(house, told, named, shops)
    reach("intake.taken")
    found = [_mark(one, answer) for one, answer in zip(told, answers, strict=True)]
    hints = [one for one in readings if isinstance(one, Hinted)]
    marks = [one for one in (*readings, *found) if isinstance(one, Mark)]
    marks += [Mark(one.row.id, READ, HINT) for one in hints]
    failed = [one for one in (*readings, *found) if isinstance(one, Failed)]
    asked_for = [(one.row.shop, number) for one in hints for number in one.orders or ("",)]
    _settle(house, connection, marks, failed, hints=asked_for)
    reach("intake.marked")
    return len(waiting)


def _settle(
    house: House,
    connection: Connection,
    marks: Sequence[Mark],
    failed: Sequence[Failed],
    *,
    hints: Sequence[tuple[str, str]] = (),
) -> None:
    """The rows are marked; the orders of ``hints`` (shop, number) are to be fetched at once."""
    now = house.clock.now()
    _undurable(connection)
    inbox.settle(connection, marks, now=now)
    order_polls.hint(connection, hints, now=now)
    if hints:
        inbox.wake(connection, house.database.schema)
    for one in failed:
        again_at = now + timedelta(seconds=AGAIN_SECONDS * 2 ** (one.row.tries - 1))
        inbox.fail(connection, one.row.id, reason=FAILED, rule=one.rule, again_at=again_at)
    connection.commit()
    for one in failed:
        log.error("inbox_row_failed", inbox=one.row.id, error=one.rule, tries=one.row.tries)


def _undurable(connection: Connection) -> None:
    """This transaction's commit is not waited for on disk: a claim or a mark that a crash takes back is made again."""
    connection.execute("SET LOCAL synchronous_commit = off")


# ------------------------------------------------------------------ taking


def _by_choice(readings: Sequence[Reading | Failed], shops: Mapping[str, Shop]) -> list[Reading | Failed]:
    """The readings, those of a time that a person chose to skip as marks: they are left as they are, for good."""
    return [
        Mark(
            one.row.id,
            IGNORED,
            BACKLOG_SKIPPED,
            parser_version=one.telling.parser_version,
            order_number=one.telling.order,
        )
        if isinstance(one, Told) and chosen_for(one, shops[one.row.shop]) == SKIP
        else one
        for one in readings
    ]


def chosen_for(one: Told, state: Shop) -> str | None:
    """What a person chose for the message: take, counted or skip; None: it is of a time when intake ran."""
    backlog = _backlog_of(one, state)
    return None if backlog is None else backlog.choice


def _backlog_of(one: Told, state: Shop) -> Backlog | None:
    return state.backlog_of(one.row.received_at, placed_at(one.telling))


def placed_at(telling: Telling) -> datetime:
    """When what is told happened at the mall: the order's time; its day's end in Japan (D2); else when it was told."""
    if telling.state == OrderState.CANCELLED:
        return telling.told_at
    if telling.ordered_at is None and telling.ordered_on is not None:
        return datetime.combine(telling.ordered_on + timedelta(days=1), time(), JST)
    return telling.ordered_at or telling.told_at


def _take(
    house: House, told: Sequence[Told], named: Sequence[Sequence[Named]], shops: Mapping[str, Shop]
) -> list[Done | Exception]:
    """What became of each telling; those of one page share a commit."""
    answers: dict[int, Done | Exception] = {}
    verbs: dict[int, tuple[Verb, By]] = {}
    for one, lines in zip(told, named, strict=True):
        try:
            verb = _verb(one, lines, shops[one.row.shop])
        except ValueError as error:
            answers[one.row.id] = error
            continue
        verbs[one.row.id] = (verb, house.by(trace=one.row.trace, cause=f"inbox:{one.row.id}"))
    answers.update(zip(verbs, house.book.do_page(list(verbs.values())), strict=True))
    return [answers[one.row.id] for one in told]


def _verb(one: Told, named: Sequence[Named], state: Shop) -> Verb:
    """The order is taken if intake still runs when it is decided; the first one proves that intake works.

    What a person chose at a start since the page was read, is looked at again with the choice.
    """
    verb = order_verb(one, named, state)
    stream = keys.shop(one.row.shop)

    def decide(view: View) -> Decision:
        now = view.state(stream, shop.FOLD)
        if not now.intake or now.backlogs != state.backlogs:
            raise IntakeStopped(f"受注取込 of shop {one.row.shop} is stopped; the message is kept")
        decision = verb.decide(view)
        proofs = [] if one.telling.state == OrderState.CANCELLED else shop.prove_intake(now, one.telling.door)
        return Decision([*decision.drafts, *(Draft(stream, fact, view.now) for fact in proofs)], decision.answer)

    verb.wanted.streams.add(stream)
    return replace(verb, decide=decide)


def order_verb(one: Told, named: Sequence[Named], state: Shop) -> Verb:
    """The verb that takes what the row tells, in a shop of this state; 計上済 where a person chose so."""
    restores = {RestoresOnCancel.YES: "yes", RestoresOnCancel.NO: "no"}.get(
        adapters.mall(state.mall).restores_on_cancel, "unknown"
    )
    backlog = _backlog_of(one, state)
    counted = backlog if backlog is not None and backlog.choice == COUNTED else None
    return take_order(
        one.row.shop, one.telling, named, inbox_id=str(one.row.id), mall_restored=restores, counted=counted
    )


def _mark(one: Told, answer: Done | Exception) -> Mark | Failed:
    number, version = one.telling.order, one.telling.parser_version
    match answer:
        case Done(position=position, facts=facts):
            reason = "" if facts else NOTHING_NEW
            return Mark(
                one.row.id,
                READ,
                reason,
                parser_version=version,
                order_number=number,
                position=position,
                proof=one.proof,
            )
        case IntakeStopped():
            return Mark(one.row.id, WAITING, INTAKE_STOPPED)
        case ValueError():
            rule = type(answer).__name__
            return Mark(one.row.id, QUARANTINED, NOT_ACCEPTED, rule, parser_version=version, proof=one.proof)
        case _:
            return Failed(one.row, type(answer).__name__)
