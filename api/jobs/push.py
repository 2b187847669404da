"""The push steps: a shop whose listings differ from what they should show is told, until nothing is left or it must wait.

``push_due`` is one step of a worker's loop: it looks which shops wait, and pushes each that no other worker holds. The
queue is the difference wanted ≠ expected, so ten orders are one push and a lost wake-up loses nothing. A shop that can do
nothing now is left alone until its listings change or its time comes.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from api.jobs import push_rows
from api.jobs.push_request import LeaseGone, Turn
from api.jobs.push_rounds import Rounds
from api.jobs.turns import NOTHING, Turns
from api.jobs.worker import Loop
from api.shop_access import FILE, ConnectedShop, ShopAccesses
from api.tables import mall_paces, push_batches, push_breakers, push_leases
from api.wiring import House
from ledger.commit import Statements
from ledger.failpoint import reach
from ledger.shop import ShopNotReady

SHOPS_AT_ONCE_MAX = 16  # by one process: a mall that hangs holds one of them
FOLD_SECONDS_MAX = 5.0
FORGET_SECONDS = 3_600.0
ASLEEP_SECONDS_MAX = 600.0  # then what the mall did not know is asked for again
LEAST_WAIT_SECONDS = 0.005
FOLD_POLL_SECONDS, FOLD_POLL_SECONDS_MAX = 0.005, 0.25


@dataclass(frozen=True)
class Asleep:
    """A shop that could do nothing when its listings stood so; ``until``: when to look again all the same, None: never."""

    sign: tuple[object, ...]
    until: datetime | None


@dataclass(frozen=True)
class Pushing:
    """What the push steps of one worker share. ``holder`` names it in leases; ``asleep`` has the shops that wait.

    ``folded`` waits until the listings know every fact up to a position; False: they do not follow now.
    """

    house: House
    accesses: ShopAccesses
    holder: str
    folded: Callable[[int], bool]
    asleep: dict[str, Asleep] = field(default_factory=dict)


def loops(house: House, accesses: ShopAccesses | None = None) -> list[Loop]:
    """The loop that finds the shops to be pushed; each has its turn in a thread of its own. ``accesses`` are closed with it."""
    accesses = accesses or ShopAccesses(house)
    pushing = pushing_of(house, accesses)

    def turn(code: str) -> float:
        return 0.0 if push_one(pushing, code) else _seconds_until(pushing, code)

    turns = Turns("push", turn, at_once_max=SHOPS_AT_ONCE_MAX, start_thread=house.start_thread)

    def step() -> int:
        turns.give(_due(pushing))
        return 0

    def close() -> None:
        turns.close()
        accesses.close()

    return [Loop("push", step, (Statements(house.database.schema).channel,), close=close)]


def _seconds_until(pushing: Pushing, code: str) -> float:
    """When the shop, which could do nothing just now, may be able to do something."""
    known = pushing.asleep.get(code)
    if known is None or known.until is None:
        return NOTHING
    return max(LEAST_WAIT_SECONDS, (known.until - pushing.house.clock.now()).total_seconds())


def pushing_of(house: House, accesses: ShopAccesses) -> Pushing:
    """The push steps over this house's own tables, as one worker."""
    return Pushing(house, accesses, house.new_id(), lambda position: wait_folded(house, position))


def wait_folded(house: House, position: int) -> bool:
    """Whether the listings know every fact up to ``position``, within FOLD_SECONDS_MAX."""
    until, pause = house.clock.monotonic() + FOLD_SECONDS_MAX, FOLD_POLL_SECONDS
    while True:
        with house.pool.connection() as connection:
            if push_rows.standing(connection, house.database.schema)[0] >= position:
                return True
        if house.clock.monotonic() >= until:
            return False
        house.clock.sleep(pause)
        pause = min(pause * 1.5, FOLD_POLL_SECONDS_MAX)


def push_due(pushing: Pushing, *, only: Collection[str] | None = None) -> int:
    """Every shop that waits (of ``only``) and that nobody else pushes had its turn; the answer is how much was sent or read."""
    return sum(push_one(pushing, code) for code in sorted(_due(pushing)) if only is None or code in only)


def push_one(pushing: Pushing, code: str) -> int:
    """The shop had its turn, unless nothing changed since it could do nothing; the answer is how much was sent or read."""
    house = pushing.house
    try:
        one = pushing.accesses.connected(code)
    except ShopNotReady:
        return 0
    if not _may_push(one):
        return _follow(pushing, one)
    with house.pool.connection() as connection:
        sign = push_rows.sign_of(connection, house.database.schema, code)
    known, now = pushing.asleep.get(code), house.clock.now()
    if known is None or known.sign != sign or (known.until is not None and now >= known.until):
        return _turn(pushing, one, sign)
    return 0


def push_shop(pushing: Pushing, code: str) -> int:
    """The shop was told what it should show, as far as its mall and its pace let us; the answer is how much was sent or read.

    Nothing is sent unless 在庫反映 runs. Raises ShopNotReady, and psycopg errors; the lease is given back unless a request
    is open.
    """
    one = pushing.accesses.connected(code)
    return _turn(pushing, one, None) if _may_push(one) else 0


def _due(pushing: Pushing) -> set[str]:
    """The shops that may have something to do, as the newest facts say; none while the listings do not follow."""
    house, schema = pushing.house, pushing.house.database.schema
    with house.pool.connection() as connection:
        position, head = push_rows.standing(connection, schema)
    if position < head and not pushing.folded(head):
        return set()
    now = house.clock.now()
    with house.pool.connection() as connection:
        return push_rows.shops_that_wait(connection, schema, now) | push_leases.left_open(connection, now)


def _may_push(one: ConnectedShop) -> bool:
    return one.shop.pushing and (one.push_file is not None if one.send_type == FILE else callable(one.mall.push_api))


def _follow(pushing: Pushing, one: ConnectedShop) -> int:
    """A shop that is not told numbers now may have batches on their way: what became of those that are due is asked for."""
    house, now = pushing.house, pushing.house.clock.now()
    if one.push_file is None or one.shop.paused is not None:
        return 0
    with house.pool.connection() as connection:
        if one.code not in push_batches.due(connection, now):
            return 0
        seconds = one.call_seconds_max
        lease = push_leases.take(connection, one.code, holder=pushing.holder, now=now, request_seconds=seconds)
    if lease is None:
        return 0
    rounds = _rounds(pushing, one, lease)
    try:
        rounds.follow()
    except LeaseGone:
        return rounds.count
    with house.pool.connection() as connection:
        push_leases.release(connection, lease, now=house.clock.now(), doubts=0 if lease.clean else 1)
    return rounds.count


def _turn(pushing: Pushing, one: ConnectedShop, sign: tuple[object, ...] | None) -> int:
    house, code = pushing.house, one.code
    now = house.clock.now()
    with house.pool.connection() as connection:
        breaker = push_breakers.of_shop(connection, code, mall_paces.PUSH)
        may = breaker.may_send(now)
        lease = None
        if may:
            seconds = one.call_seconds_max
            lease = push_leases.take(connection, code, holder=pushing.holder, now=now, request_seconds=seconds)
    if lease is None:
        if not may and sign is not None:
            pushing.asleep[code] = Asleep(sign, breaker.opens_at())
        return 0
    reach("push.leased")
    rounds = _rounds(pushing, one, lease)
    if breaker != push_breakers.ShopBreaker():
        rounds.turn.failing.add(mall_paces.PUSH)
    try:
        rounds.run()
    except LeaseGone:
        return rounds.count
    finally:
        if not rounds.turn.on_their_way:
            with house.pool.connection() as connection:
                push_leases.release(connection, lease, now=house.clock.now(), doubts=len(rounds.doubts))
    pushing.asleep.pop(code, None)
    if rounds.count == 0 and sign is not None:
        latest = house.clock.now() + timedelta(seconds=ASLEEP_SECONDS_MAX)
        pushing.asleep[code] = Asleep(sign, min(rounds.due_at or latest, latest))
    return rounds.count


def _rounds(pushing: Pushing, one: ConnectedShop, lease: push_leases.PushLease) -> Rounds:
    push_pace, read_pace = (
        mall_paces.pace_of(one.mall.requests_per_second),
        mall_paces.pace_of(one.mall.reads_per_second),
    )
    return Rounds(Turn(pushing.house, pushing.accesses, one, lease, push_pace, read_pace), pushing.folded)
