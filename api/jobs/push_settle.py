"""Requests whose end is not known: found after a crash or a lost answer, and settled by what the mall shows later.

The lease is only taken over when such a request can no longer be on its way, so its numbers are either set or never will be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.jobs.push_missing import Base
from api.jobs.push_plan import Queued, told_since
from api.jobs.push_request import CHANNEL, Turn
from api.tables.push_leases import MARGIN_SECONDS
from ledger import keys
from ledger.book.pushes import record_push_answered, record_push_settled
from ledger.codec import decode
from ledger.expected import Numbers
from ledger.facts import Fact
from ledger.facts.push import PushAnswered, PushSent, PushSettled
from ledger.reading import Selects
from ledger.terms import ListingKey, Outcome, Result, utc_moment, utc_text
from ledger.view import TAIL_FACTS

NO_ANSWER = "no_answer_seen"
SUPERSEDED = "superseded"  # another number was told or read since: whether this one was set no longer matters


@dataclass(frozen=True, slots=True)
class Doubt:
    """A request by the API with at least one outcome that nobody knows the end of, not settled yet: unknown, or accepted and
    not seen. Files and feeds are followed by ``push_batch_end.py``.
    """

    sent: PushSent
    answered: PushAnswered

    def unknown(self) -> list[tuple[int, ListingKey]]:
        """(place in the request, listing) of each unknown outcome."""
        places = enumerate(zip(self.sent.listings, self.answered.outcomes, strict=True))
        open_ends = (Result.UNKNOWN, Result.ACCEPTED)
        return [(at, keys.listing_key(name)) for at, (name, outcome) in places if outcome in open_ends]


def close_unanswered(turn: Turn) -> int:
    """Every request by the API without an answer is answered as unknown, once it can no longer apply; how many there were."""
    sent, answered, _ = _tail(turn)
    now, count = turn.house.clock.now(), 0
    for one in sent.values():
        if one.request in answered or utc_moment(one.dead_after) > now:
            continue
        many = len(one.listings)
        unknown = PushAnswered(
            request=one.request,
            outcomes=[str(Result.UNKNOWN)] * many,
            codes=[NO_ANSWER] * many,
            sent_at=_sent_at(turn, one),
            applied_from=_sent_at(turn, one),
            applied_until=one.dead_after,
        )
        turn.house.book.do(record_push_answered(turn.code, unknown), turn.house.by(cause=one.request))
        count += 1
    return count


def doubts_of(turn: Turn) -> list[Doubt]:
    """The requests whose outcome is unknown and not settled, oldest first."""
    sent, answered, settled = _tail(turn)
    found = [Doubt(one, answered[one.request]) for one in sent.values() if one.request in answered]
    return [one for one in found if one.sent.request not in settled and one.unknown()]


def answer_of(turn: Turn, request: str) -> list[Outcome] | None:
    """What the answer of this request says of each listing; None: it is not among the newest facts."""
    found = next((fact for fact in _newest(turn) if isinstance(fact, PushAnswered) and fact.request == request), None)
    if found is None:
        return None
    return [Outcome(Result(result), code) for result, code in zip(found.outcomes, found.codes, strict=True)]


def bases_of(doubts: Sequence[Doubt]) -> Mapping[ListingKey, Sequence[Base]]:
    """The numbers that these requests may have set, by listing."""
    found: dict[ListingKey, list[Base]] = {}
    for one in doubts:
        begin, until = utc_moment(one.answered.applied_from), utc_moment(one.answered.applied_until)
        for at, key in one.unknown():
            base = Base(one.sent.units[at], begin, max(until, utc_moment(one.sent.dead_after)), one.sent.computed_at)
            found.setdefault(key, []).append(base)
    return found


def settle(turn: Turn, doubts: Sequence[Doubt], rows: Mapping[ListingKey, Queued]) -> int:
    """Requests all of whose listings were read or told since are settled; how many. ``rows`` are as the facts say now."""
    count = 0
    for one in doubts:
        unknown, dead_after = one.unknown(), utc_moment(one.sent.dead_after)
        if any(key in rows and not is_known(rows[key].numbers, dead_after) for _, key in unknown):
            continue
        outcomes, codes = list(one.answered.outcomes), list(one.answered.codes)
        evidence, until = 0, one.answered.applied_until
        for at, key in unknown:
            numbers = rows[key].numbers if key in rows else Numbers()
            applied = _shows(numbers, one, one.sent.units[at])
            outcomes[at], codes[at] = (str(Result.APPLIED), "") if applied else (str(Result.TRANSIENT), SUPERSEDED)
            evidence = max(evidence, numbers.read_position)
            if applied and numbers.read_at is not None:
                until = max(until, utc_text(numbers.read_at))
        settled = PushSettled(
            request=one.sent.request,
            outcomes=outcomes,
            codes=codes,
            applied_from=one.answered.applied_from,
            applied_until=until,
            evidence_position=evidence,
        )
        turn.house.book.do(record_push_settled(turn.code, settled), turn.house.by(cause=one.sent.request))
        count += 1
    return count


def is_known(numbers: Numbers, dead_after: datetime) -> bool:
    """Whether the number is known whatever became of the request: told, or read with nothing above it, since it was dead."""
    if numbers.expected_units is None or numbers.uncertain_position or numbers.pending_request is not None:
        return False
    if told_since(numbers, dead_after) or not numbers.read_found:
        return True
    read_since = numbers.read_at is not None and numbers.read_at >= dead_after
    return read_since and numbers.read_units is not None and numbers.read_units <= numbers.expected_units


def _shows(numbers: Numbers, doubt: Doubt, units: int) -> bool:
    """Whether the mall was read to show just this number, with nothing else that explains it."""
    if numbers.read_at is None or numbers.read_units != units or numbers.told_position > doubt.sent.computed_at:
        return False
    sold = any(sale.position > doubt.sent.computed_at for sale in numbers.sales)
    return numbers.read_at >= utc_moment(doubt.answered.applied_from) and not sold


def _sent_at(turn: Turn, sent: PushSent) -> str:
    """When the request may have left at the earliest: its own deadline before the time it is dead."""
    longest = timedelta(seconds=turn.one.call_seconds_max + MARGIN_SECONDS)
    return utc_text(utc_moment(sent.dead_after) - longest)


def _tail(turn: Turn) -> tuple[dict[str, PushSent], dict[str, PushAnswered], set[str]]:
    facts = _newest(turn)
    sent = {fact.request: fact for fact in facts if isinstance(fact, PushSent) and fact.channel == CHANNEL}
    answered = {fact.request: fact for fact in facts if isinstance(fact, PushAnswered)}
    return sent, answered, {fact.request for fact in facts if isinstance(fact, PushSettled)}


def _newest(turn: Turn) -> list[Fact]:
    """The newest facts of the shop's pushes, oldest first."""
    selects = Selects(turn.house.database.schema)
    with turn.house.pool.connection() as connection:
        rows: list[Any] = connection.execute(selects.tails, ([keys.push(turn.code)], TAIL_FACTS)).fetchall()
    return [
        decode(position, stream, version, name, bytes(state)).fact for stream, version, name, state, position in rows
    ]
