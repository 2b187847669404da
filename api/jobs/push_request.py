"""One push request: recorded before its first byte leaves, sent once, its answer recorded, and what follows for the shop.

The request is recorded under the ledger's lock, and only if the shop still pushes and, for numbers that may raise what the
mall shows, if no stock of those SKUs moved since the numbers were computed: a raise never leaves out an order we were told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from adapters.kit.mall import ShopAccess
from adapters.kit.pace import Pace
from api.jobs import push_rows
from api.jobs.push_plan import LOWER, ZERO, Queued, Send
from api.shop_access import ConnectedShop, ShopAccesses, TurnNotGot
from api.tables import mall_paces, push_breakers, push_leases, push_waits
from api.tables.push_leases import MARGIN_SECONDS, PushLease
from api.wiring import House
from ledger import keys, shop
from ledger.book import By, Verb
from ledger.book.pushes import record_push_answered, record_push_sent
from ledger.book.shops import pause_shop
from ledger.facts.push import PushAnswered, PushSent
from ledger.failpoint import reach
from ledger.push import FenceBroken, RequestNotOpen
from ledger.shop import ShopNotReady
from ledger.terms import MAIN_PLACE, ListingKey, ListingLevel, Outcome, Result, utc_text
from ledger.view import View
from ledger.writer import Decision, LedgerUnavailable

CHANNEL = "api"
FAILING = (Result.TRANSIENT, Result.UNKNOWN, Result.THROTTLED, Result.REJECTED_AUTH)
SEND_SECONDS_MAX = MARGIN_SECONDS / 2  # from holding the lease to the first byte; later, another worker may come


class NumbersMoved(ValueError):
    """Stock of these SKUs moved after the numbers were computed; compute them again."""

    def __init__(self, skus: frozenset[str]) -> None:
        super().__init__(
            f"stock of {len(skus)} SKUs moved since the numbers were computed; expected none: compute them again"
        )
        self.skus = skus


class LeaseGone(RuntimeError):
    """Another worker pushes this shop now; nothing was sent."""


@dataclass(frozen=True)
class Turn:
    """This worker's turn to push one shop. ``on_their_way``: requests that may be recorded and have no answer recorded;
    ``failing``: kinds of calls that failed last.
    """

    house: House
    accesses: ShopAccesses
    one: ConnectedShop
    lease: PushLease
    push_pace: Pace
    read_pace: Pace
    on_their_way: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)

    @property
    def code(self) -> str:
        return self.one.code


@dataclass(frozen=True, slots=True)
class Planned:
    """A listing and what it is told. ``skus``: whose stock the number follows from."""

    row: Queued
    send: Send
    skus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rest:
    """What stands in the request's record beside its numbers: where they were computed, what was looked at, its kin.

    ``put_back``: the numbers are those kept at switch-on, told after 停止.
    """

    computed_at: int
    look_position: int = 0
    look_at: datetime | None = None
    sync: str | None = None
    parent: str | None = None
    attempt: int = 1
    put_back: bool = False


@dataclass(frozen=True)
class Told:
    """What became of a request. ``position`` 0: it did not leave. ``moved``: SKUs whose numbers have to be computed again."""

    request: str = ""
    position: int = 0
    sent: PushSent | None = None
    outcomes: Mapping[ListingKey, Outcome] = field(default_factory=dict)
    moved: frozenset[str] = frozenset()

    def results(self) -> frozenset[Result]:
        return frozenset(one.result for one in self.outcomes.values())


def tell(turn: Turn, batch: Sequence[Planned], rest: Rest) -> Told:
    """The batch was told to the mall, once, and its answer is recorded. Raises LeaseGone, and psycopg errors."""
    mall, clock = turn.one.mall, turn.house.clock
    assert callable(mall.push_api), mall.code
    assert 0 < len(batch) <= mall.push_batch_max, len(batch)
    reach("push.computed")
    try:
        with turn.accesses.of(turn.one) as access:
            began = clock.monotonic()
            by = hold_for(turn, batch, turn.one.call_seconds_max)
            recorded = _record(turn, batch, rest, by)
            if recorded.sent is None:
                return recorded
            reach("push.sent_recorded")
            in_time = clock.monotonic() - began <= SEND_SECONDS_MAX
            return _send(turn, batch, recorded.sent, access, by, in_time=in_time)
    except TurnNotGot:
        return Told()


def hold_for(turn: Turn, batch: Sequence[Planned], seconds: float) -> By:
    """The lease lasts longer than a call of so many seconds that begins now; who asks for it: the newest fact that changed a
    number of it. Raises LeaseGone.
    """
    newest = max(one.row.wanted_position for one in batch)
    hold_lease(turn, seconds)
    with turn.house.pool.connection() as connection:
        trace = push_rows.trace_of(connection, turn.house.database.schema, newest)
    return turn.house.by(trace=trace)


def hold_lease(turn: Turn, seconds: float) -> None:
    """The shop is ours for so many seconds more. Raises LeaseGone."""
    with turn.house.pool.connection() as connection:
        now = turn.house.clock.now()
        if not push_leases.hold(connection, turn.lease, now=now, request_seconds=seconds):
            raise LeaseGone(f"shop {turn.code} is pushed by another worker")


def sent_of(
    turn: Turn, batch: Sequence[Planned], rest: Rest, *, request: str, channel: str, seconds: float
) -> PushSent:
    """The record of a request that can no longer apply ``seconds`` and a margin from now."""
    return PushSent(
        request=request,
        channel=channel,
        triggers=[one.send.trigger for one in batch],
        listings=[keys.listing_text(one.row.key) for one in batch],
        units=[one.send.units for one in batch],
        computed_at=rest.computed_at,
        expected_before=[one.row.numbers.expected_units for one in batch],
        look_position=rest.look_position,
        look_at=None if rest.look_at is None else utc_text(rest.look_at),
        dead_after=utc_text(turn.house.clock.now() + timedelta(seconds=seconds + MARGIN_SECONDS)),
        attempt=rest.attempt,
        sync=rest.sync,
        parent_request=rest.parent,
    )


def careful_skus(batch: Sequence[Planned]) -> frozenset[str]:
    """The SKUs whose stock must not have moved since the numbers were computed: those of numbers that may raise."""
    return frozenset(sku for one in batch if one.send.trigger not in (LOWER, ZERO) for sku in one.skus)


def _record(turn: Turn, batch: Sequence[Planned], rest: Rest, by: By) -> Told:
    """The request is a durable fact; or it must not leave."""
    seconds = turn.one.call_seconds_max
    sent = sent_of(turn, batch, rest, request=turn.house.new_id(), channel=CHANNEL, seconds=seconds)
    turn.on_their_way.add(sent.request)
    try:
        verb = send_kept(turn.code, sent) if rest.put_back else send_fresh(turn.code, sent, careful_skus(batch))
        turn.house.book.do(verb, by)
    except (NumbersMoved, ShopNotReady, FenceBroken, LedgerUnavailable) as refused:  # nothing was recorded
        turn.on_their_way.discard(sent.request)
        if isinstance(refused, LedgerUnavailable):
            raise
        return Told(moved=refused.skus if isinstance(refused, NumbersMoved) else frozenset())
    return Told(request=sent.request, sent=sent)


def send_kept(code: str, sent: PushSent) -> Verb:
    """The request with numbers that were kept is recorded if 在庫反映 is stopped. Raises ShopNotReady, FenceBroken."""
    base = record_push_sent(code, sent)
    stream = keys.shop(code)

    def decide(view: View) -> Decision:
        if view.state(stream, shop.FOLD).push:
            raise ShopNotReady(
                f"在庫反映 of shop {code} runs; expected it to be stopped: daicho shop stop {code} --push"
            )
        return base.decide(view)

    base.wanted.streams.add(stream)
    return replace(base, decide=decide)


def send_fresh(code: str, sent: PushSent, skus: frozenset[str]) -> Verb:
    """The request is recorded if the shop pushes now and no stock of ``skus`` moved after the position of its numbers.

    Raises ShopNotReady, NumbersMoved, FenceBroken.
    """
    base = record_push_sent(code, sent)
    stream = keys.shop(code)

    def decide(view: View) -> Decision:
        view.need(skus=skus, streams=[stream])
        if not view.state(stream, shop.FOLD).pushing:
            raise ShopNotReady(f"shop {code} does not push now; expected 在庫反映 to run")
        moved = frozenset(sku for sku in skus if view.level(sku).position > sent.computed_at)
        if moved:
            raise NumbersMoved(moved)
        return base.decide(view)

    base.wanted.streams.add(stream)
    base.wanted.stocks |= {(MAIN_PLACE, sku) for sku in skus}
    return replace(base, decide=decide)


def level_of(one: Planned) -> ListingLevel:
    """What the mall is told of the listing: its number, and what the merchant set of it beside."""
    rules = one.row.rules.settings
    own = tuple(zip(rules.own_item_names, rules.own_item_values, strict=True))
    return ListingLevel(one.row.key, one.send.units, rules.lead_time_days, rules.restock_on or "", own)


def _send(turn: Turn, batch: Sequence[Planned], sent: PushSent, access: ShopAccess, by: By, *, in_time: bool) -> Told:
    mall, clock = turn.one.mall, turn.house.clock
    assert callable(mall.push_api), mall.code
    levels = [level_of(one) for one in batch]
    began = clock.now()
    if in_time:
        reach("push.before_request")
        outcomes = mall.push_api(access, levels)
        reach("push.after_request")
    else:
        outcomes = [Outcome(Result.TRANSIENT, "too_late")] * len(levels)
    assert len(outcomes) == len(levels), mall.code
    ended = max(began, clock.now())
    position = answer(turn, sent, outcomes, by, began=began, ended=ended)
    turn.on_their_way.discard(sent.request)
    reach("push.answered_recorded")
    told = Told(sent.request, position, sent, dict(zip((level.key for level in levels), outcomes, strict=True)))
    _what_follows(turn, batch, told, ended)
    return told


def answer(turn: Turn, sent: PushSent, outcomes: Sequence[Outcome], by: By, *, began: datetime, ended: datetime) -> int:
    """The answer is recorded; its position. Raises LeaseGone when another worker closed the request meanwhile."""
    answered = PushAnswered(
        request=sent.request,
        outcomes=[str(one.result) for one in outcomes],
        codes=[one.code for one in outcomes],
        sent_at=utc_text(began),
        applied_from=utc_text(began),
        applied_until=utc_text(ended),
    )
    try:
        return turn.house.book.do(record_push_answered(turn.code, answered), replace(by, cause=sent.request)).position
    except RequestNotOpen as error:
        raise LeaseGone(f"shop {turn.code} is pushed by another worker") from error


def _what_follows(turn: Turn, batch: Sequence[Planned], told: Told, now: datetime) -> None:
    """Breaker, pace and pause after the answer; the time at which a rejected 0 was tried."""
    outcomes = list(told.outcomes.values())
    slow = [one.wait_seconds for one in outcomes if one.result is Result.THROTTLED]
    zeros = [
        one.row.key for one in batch if one.send.units == 0 and told.outcomes[one.row.key].result is Result.REJECTED
    ]
    waited = [] if callable(turn.one.mall.read_back) else [one.row.key for one in batch]
    if slow or zeros or waited:
        with turn.house.pool.connection() as connection:
            if slow:
                pace, wait = turn.push_pace, max(slow)
                mall_paces.hold_back(connection, turn.code, mall_paces.PUSH, pace, now=now, wait_seconds=wait)
            push_waits.begin(connection, turn.code, push_waits.REJECTED_ZERO, zeros, now, again=True)
            push_waits.end(connection, turn.code, push_waits.QUIET, waited)
    note(turn, mall_paces.PUSH, outcomes)


def note(turn: Turn, kind: str, outcomes: Sequence[Outcome]) -> None:
    """The breaker of this kind of call knows the result; a key that is not accepted stops the shop and says so."""
    if kind not in turn.failing and not any(one.result in FAILING for one in outcomes):
        return
    turn.failing.add(kind)
    now, chance = turn.house.clock.now(), int(turn.house.new_id()[:8], 16) / 0xFFFF_FFFF
    with turn.house.pool.connection() as connection:
        before = push_breakers.of_shop(connection, turn.code, kind)
        after = push_breakers.after_answer(before, outcomes, now=now, chance=chance)
        if after != before:
            push_breakers.keep(connection, turn.code, kind, after, now=now)
    refused = next((one for one in outcomes if one.result is Result.REJECTED_AUTH), None)
    if refused is not None:
        turn.house.book.do(pause_shop(turn.code, refused.code or "rejected_auth"), turn.house.by())
