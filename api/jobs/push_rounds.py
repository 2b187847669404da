"""The rounds of one turn of a shop: each reads the queue again, decides, and makes one request or one look.

What is sent was true a moment before: nothing is computed far ahead. Orders go before a full sync.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from adapters.kit.mall import LowersAt
from adapters.kit.push_file import Batch
from api.jobs import push_batch_end, push_batch_read, push_rows, push_settle, sync
from api.jobs.push_batch import give
from api.jobs.push_look import look
from api.jobs.push_plan import (
    Circumstances,
    Decision,
    LookFirst,
    Manner,
    Queued,
    Send,
    WaitUntil,
    decide_in_doubt,
    urgency,
)
from api.jobs.push_request import Planned, Rest, Told, Turn, tell
from api.jobs.push_rows import Rows
from api.jobs.push_settle import Doubt
from api.jobs.push_ways import GATHER_SECONDS_MAX, Ways
from api.shop_access import ConnectedShop
from api.tables import mall_paces, push_breakers, push_waits
from api.wiring import House
from ledger.terms import ListingKey, Outcome, Result, utc_moment
from projections.listing_state import Request

ROUNDS_MAX = 200
SLEEP_SECONDS_MAX = 2.0
LOOKING = (LowersAt.ORDER, LowersAt.PENDING)  # the mall's own number says what was ordered


def manner_of(one: ConnectedShop, *, api: bool = True) -> Manner:
    """What the mall's declaration says about being told. ``api``: the shop's keys for it are there."""
    mall = one.mall
    lowers = mall.lowers_at in LOOKING
    looks = lowers and callable(mall.read_back) and api
    return Manner(mall.units_max, lowers, looks, mall.mail_quiet_seconds, beside_batches=api)


class Rounds:
    """One turn of a shop. ``count``: listings sent and read; ``due_at``: when there may be more to do, None: when facts say so.

    ``doubts``: requests whose answer is unknown and not settled. ``told_keys``: the listings of the last request that left.
    """

    def __init__(self, turn: Turn, folded: Callable[[int], bool]) -> None:
        self.turn = turn
        self.folded = folded
        self.ways = Ways(turn)
        self.manner = manner_of(turn.one, api=self.ways.api or not self.ways.by_file)
        self.told_keys: frozenset[ListingKey] = frozenset()
        self.count = 0
        self.due_at: datetime | None = None
        self.doubts: list[Doubt] = []
        self._suspects: list[frozenset[ListingKey]] = []  # halves of a batch that was refused without naming a row
        self._parent: str | None = None
        self._reads_fail = False
        self._gathers_until: datetime | None = None

    @property
    def house(self) -> House:
        return self.turn.house

    def run(self) -> None:
        """Rounds until nothing is to be done now. Orders first, then one page of a full sync at a time."""
        if not self.turn.lease.clean:
            self._find_doubts()
        self.follow()
        for _ in range(ROUNDS_MAX):
            if not self.round() and not sync.page(self):
                break
        if self.ways.due_at is not None:
            self._later(self.ways.due_at)

    def follow(self) -> None:
        """Batches that are due are asked for; those that ended are settled. Nothing is sent."""
        if self.ways.batches is None:
            return
        read = self._read_batch if self.manner.looks else None
        self.count += push_batch_end.follow_due(push_batch_end.Following(self.turn, read, self.folded))
        self.ways.refresh()
        if self.ways.due_at is not None:
            self._later(self.ways.due_at)

    def _read_batch(self, batch: Batch, request: Request, late: bool) -> Sequence[Outcome] | None:
        return push_batch_read.outcomes_read(self.turn, self._read_slot, batch, request, late=late)

    def round(self) -> bool:
        """One request or look for what differs; False: nothing can be done now."""
        rows = self.read_queue()
        if rows is None:
            self._later(self.house.clock.now())
            return False
        decisions = self.decide(rows)
        self._note_waits(rows, decisions)
        sends = self.planned(rows, decisions)
        looks = [row for row in rows.rows if isinstance(decisions[row.key], LookFirst)]
        if self.ways.waits:
            looks = []  # what they would show is too old when a batch can leave
        if sends and not (looks and self._gathers()):
            return self.send(rows, sends)
        return self._look(rows, looks) or (bool(sends) and self.send(rows, sends))

    def _gathers(self) -> bool:
        """Whether a batch waits a moment for what is to be looked at first: the next one can leave only minutes later."""
        if not self.ways.by_file:
            return False
        now = self.house.clock.now()
        if self._gathers_until is None:
            self._gathers_until = now + timedelta(seconds=GATHER_SECONDS_MAX)
        return now < self._gathers_until

    # -------------------------------------------------------------- reading and deciding

    def read_queue(self) -> Rows | None:
        """The listings that may have to be told, at the newest position; None: the tables do not follow now."""
        rows = self._queue()
        if rows.position < rows.head:
            if not self.folded(rows.head):
                return None
            rows = self._queue()
        return rows

    def _queue(self) -> Rows:
        doubtful = [key for doubt in self.doubts for _, key in doubt.unknown()]
        schema, now = self.house.database.schema, self.house.clock.now()
        with self.house.pool.connection() as connection:
            return push_rows.queue(connection, schema, self.turn.code, now=now, also=doubtful)

    def decide(self, rows: Rows, *, full_sync: bool = False) -> Mapping[ListingKey, Decision]:
        """What to do about each row now."""
        now, dead = self.house.clock.now(), self._dead_after()
        found = {}
        for row in rows.rows:
            quiet, tried = rows.waiting.get(row.key), rows.tried.get(row.key)
            doubted = row.key in dead and now < dead[row.key]
            seen = Circumstances(now, rows.withheld(row), quiet, tried, full_sync, doubted)
            found[row.key] = decide_in_doubt(row, self.manner, seen, dead.get(row.key))
        return found

    def _dead_after(self) -> Mapping[ListingKey, datetime]:
        found: dict[ListingKey, datetime] = {}
        for doubt in self.doubts:
            moment = utc_moment(doubt.sent.dead_after)
            found.update({key: max(found.get(key, moment), moment) for _, key in doubt.unknown()})
        return found

    def planned(self, rows: Rows, decisions: Mapping[ListingKey, Decision]) -> list[Planned]:
        """What is to be sent now, the most urgent first."""
        sends = [(row, found) for row in rows.rows if isinstance(found := decisions[row.key], Send)]
        sends.sort(key=lambda pair: urgency(pair[1]))
        return [Planned(row, send, rows.skus_of(row)) for row, send in sends]

    def _note_waits(self, rows: Rows, decisions: Mapping[ListingKey, Decision]) -> None:
        """Since when listings wait for quiet is kept; when the first wait is over is when this shop is due again."""
        waits = {key: found for key, found in decisions.items() if isinstance(found, WaitUntil)}
        for moment in [found.until for found in waits.values()] + ([rows.missing_until] if rows.missing_until else []):
            self._later(moment)
        quiet = {key for key, found in waits.items() if found.why == "quiet"}
        begun, over = quiet - rows.waiting.keys(), (rows.waiting.keys() & decisions.keys()) - quiet
        over = {
            key for key in over if not isinstance(decisions[key], Send)
        }  # a sent one ends its wait when it is applied
        if begun or over:
            now = self.house.clock.now()
            with self.house.pool.connection() as connection:
                push_waits.begin(connection, self.turn.code, push_waits.QUIET, begun, now)
                push_waits.end(connection, self.turn.code, push_waits.QUIET, over)

    def _later(self, moment: datetime) -> None:
        self.due_at = moment if self.due_at is None else min(self.due_at, moment)

    # -------------------------------------------------------------- sending

    def send(self, rows: Rows, sends: Sequence[Planned], *, sync_id: str | None = None) -> bool:
        """One request or batch of the first of these, when the pace allows it; False: not now."""
        self.told_keys = frozenset()
        leaving = self.ways.leaving(sends)
        if leaving is None:
            return False
        if leaving.by_batch:
            return self._give(rows, leaving.sends, sync_id)
        waited = self._slot(mall_paces.PUSH, for_order=sync_id is None)
        if waited is not None:
            return waited  # time went by: the numbers are read again first
        batch = self._batch(leaving.sends)
        rest = self._rest(rows, batch, sync_id)
        if not self._suspects:
            self._parent = None
        told = tell(self.turn, batch, rest)
        if told.position == 0:
            self._later(self.house.clock.now())
            return bool(told.moved)
        self._told(batch, told)
        self._suspect(batch, told)
        if told.results() & {Result.UNKNOWN, Result.ACCEPTED}:
            self.doubts = push_settle.doubts_of(self.turn)
        ended = told.results() & {Result.REJECTED_AUTH, Result.THROTTLED, Result.TRANSIENT, Result.UNKNOWN}
        if not self.folded(told.position):
            return False
        if self.doubts:
            self._settle()
        return not ended

    def _give(self, rows: Rows, sends: Sequence[Planned], sync_id: str | None) -> bool:
        """One batch was handed over; False: nothing more in this turn that a batch would carry."""
        clear = self.ways.is_clear()
        if clear is not True:
            if clear is False:
                self.ways.block()
            return True
        told = give(self.turn, sends, self._rest(rows, sends, sync_id))
        self._gathers_until = None
        if told.position == 0 and told.moved:
            return True
        if told.position == 0:
            self.ways.block()
            return True
        self._told(sends, told)
        self.ways.refresh()
        if not any(one in (Result.ACCEPTED, Result.UNKNOWN) for one in told.results()):
            self.ways.block()
        return self.folded(told.position)

    def _told(self, batch: Sequence[Planned], told: Told) -> None:
        self.told_keys = frozenset(told.outcomes)
        self.count += len(batch)

    def _rest(self, rows: Rows, batch: Sequence[Planned], sync_id: str | None) -> Rest:
        looks = [one.row.numbers for one in batch if one.send.looked]
        return Rest(
            computed_at=rows.position,
            look_position=max((n.read_position for n in looks), default=0),
            look_at=max((n.read_at for n in looks if n.read_at is not None), default=None),
            sync=sync_id,
            parent=self._parent,
            attempt=1 if self._parent is None else 2,
        )

    def _batch(self, sends: Sequence[Planned]) -> list[Planned]:
        """At most one request's worth; while a refused batch is being searched, only its next half."""
        while self._suspects:
            half = self._suspects.pop()
            batch = [one for one in sends if one.row.key in half]
            if batch:
                return batch[: self.turn.one.mall.push_batch_max]
        return list(sends[: self.turn.one.mall.push_batch_max])

    def _suspect(self, batch: Sequence[Planned], told: Told) -> None:
        """A batch refused without a row at fault is halved, down to one; with one it is simply sent again without it."""
        results = told.results()
        if Result.REFUSED not in results:
            return
        self._parent = told.request
        if Result.REJECTED not in results and len(batch) > 1:
            middle = len(batch) // 2
            keys = [one.row.key for one in batch]
            self._suspects += [frozenset(keys[middle:]), frozenset(keys[:middle])]

    def _slot(self, kind: str, *, for_order: bool = True) -> bool | None:
        """None: a call may leave now. True: a short wait is over, look again. False: too long to wait here."""
        pace = self.turn.push_pace if kind == mall_paces.PUSH else self.turn.read_pace
        with self.house.pool.connection() as connection:
            wait = mall_paces.may_call(
                connection,
                self.turn.code,
                mall_paces.counted_as(self.turn.one.mall, kind),
                pace,
                now=self.house.clock.now(),
                for_order=for_order,
            )
        if wait == 0.0:
            return None
        if wait > SLEEP_SECONDS_MAX:
            self._later(self.house.clock.now() + timedelta(seconds=wait))
            return False
        self.house.clock.sleep(wait)
        return True

    # -------------------------------------------------------------- looking

    def _look(self, rows: Rows, wanted: Sequence[Queued]) -> bool:
        """One reading of the first of these, and the tables know it; False: nothing to read, or the mall does not answer."""
        if not wanted or self._reads_fail:
            return False
        return self.read_numbers(wanted[: self.turn.one.mall.read_batch_max], rows.position)

    def read_numbers(self, wanted: Sequence[Queued], known_position: int) -> bool:
        """These were read and the tables know it. False: the mall does not answer now."""
        now = self.house.clock.now()
        with self.house.pool.connection() as connection:
            breaker = push_breakers.of_shop(connection, self.turn.code, mall_paces.READ)
        if breaker != push_breakers.ShopBreaker():
            self.turn.failing.add(mall_paces.READ)
        if not breaker.may_send(now):
            self._later(breaker.opens_at() or now)
            return False
        if not self._read_slot():
            return False
        position = look(self.turn, wanted, known_position=known_position, doubts=push_settle.bases_of(self.doubts))
        if position is None:
            self._reads_fail = True
            self._later(now + timedelta(seconds=1))
            return False
        self.count += len(wanted)
        folded = self.folded(position)
        if folded and self.doubts:
            self._settle()
        return folded

    def _read_slot(self) -> bool:
        """The pace lets one reading leave now; False: not for a while."""
        while (waited := self._slot(mall_paces.READ)) is not None:
            if not waited:
                return False
        return True

    # -------------------------------------------------------------- requests whose end is not known

    def _find_doubts(self) -> None:
        push_settle.close_unanswered(self.turn)
        self.doubts = push_settle.doubts_of(self.turn)

    def _settle(self) -> None:
        over = [doubt for doubt in self.doubts if utc_moment(doubt.sent.dead_after) <= self.house.clock.now()]
        wanted = {key for doubt in over for _, key in doubt.unknown()}
        if not wanted:
            return
        with self.house.pool.connection() as connection:
            rows = push_rows.of_listings(
                connection, self.house.database.schema, self.turn.code, wanted, now=self.house.clock.now()
            )
        if push_settle.settle(self.turn, over, {row.key: row for row in rows.rows}):
            self.doubts = push_settle.doubts_of(self.turn)
