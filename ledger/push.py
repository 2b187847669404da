"""One push request: the fence (an older number never follows a newer one), and what its answer may be.

Fence per shop: ``computed_at`` never goes back. One request is two facts; a file or feed, or an unknown answer, gets one
more when it is settled. At most one request per listing is in flight: the lease on the shop keeps that. A listing is never
in two unfinished files or feeds; a lowering by the API may go beside one (D8). Looked at is the tail of the shop's stream.
"""

from collections.abc import Sequence

from ledger.codec import Record
from ledger.facts.push import PushAnswered, PushSent, PushSettled
from ledger.terms import Result

REQUEST_LISTINGS_MAX = 10_000
API = "api"  # every other channel is a file or a feed: accepted first, applied later


class FenceBroken(ValueError):
    """The numbers were computed at an older position than those sent before; compute them again."""


class RequestNotOpen(ValueError):
    """The request is not known here, or was answered with something else before."""


class FileNotFinished(ValueError):
    """A listing of this file or feed is in another one that is not finished; wait for its end, or lower it by the API."""


def send(tail: Sequence[Record], sent: PushSent, *, now: str = "") -> list[PushSent]:
    """The request is about to leave. The same request again is none. Raises FenceBroken, FileNotFinished.

    ``now`` is UTC text: a request that got no answer is no longer waited for after its ``dead_after``.
    """
    count = len(sent.listings)
    assert 0 < count <= REQUEST_LISTINGS_MAX, count
    assert count == len(sent.units) == len(sent.expected_before) == len(sent.triggers), sent.request
    assert len(set(sent.listings)) == count, "a listing stands once in a request"
    assert min(sent.units) >= 0, "a negative number is never sent"
    before = [r.fact for r in tail if isinstance(r.fact, PushSent)]
    if any(b.request == sent.request for b in before):
        return []
    newest = max((b.computed_at for b in before), default=0)
    if sent.computed_at < newest:
        raise FenceBroken(f"numbers of position {sent.computed_at}; expected position {newest} or newer")
    if sent.channel != API:
        for other in _unfinished(tail, now):
            both = sorted(set(other.listings) & set(sent.listings))
            if both:
                raise FileNotFinished(
                    f"{len(both)} listings are in request {other.request}, which is not finished; expected its end first"
                )
    return [sent]


def _unfinished(tail: Sequence[Record], now: str) -> list[PushSent]:
    """Files and feeds that the mall may still apply."""
    facts = [r.fact for r in tail]
    answers = {f.request: f for f in facts if isinstance(f, PushAnswered)}
    ended = {f.request for f in facts if isinstance(f, PushSettled)}
    ended |= {r for r, f in answers.items() if not {Result.ACCEPTED, Result.UNKNOWN} & set(f.outcomes)}
    files = [f for f in facts if isinstance(f, PushSent) and f.channel != API and f.request not in ended]
    return [f for f in files if f.request in answers or now < f.dead_after]


def answer(tail: Sequence[Record], answered: PushAnswered) -> list[PushAnswered]:
    """The mall's answer. The same answer again is none. Raises RequestNotOpen."""
    for outcome in answered.outcomes:
        Result(outcome)
    known = [r.fact for r in tail if isinstance(r.fact, PushAnswered) and r.fact.request == answered.request]
    if known:
        if known[0].outcomes == answered.outcomes:
            return []
        raise RequestNotOpen(f"request {answered.request} was answered before; expected it to be open")
    sent = [r.fact for r in tail if isinstance(r.fact, PushSent) and r.fact.request == answered.request]
    if not sent:
        raise RequestNotOpen(f"request {answered.request} was not sent; expected PushSent first")
    if len(sent[0].listings) != len(answered.outcomes):
        raise RequestNotOpen(f"{len(answered.outcomes)} outcomes; expected {len(sent[0].listings)}, one a listing")
    return [answered]


def settle(tail: Sequence[Record], settled: PushSettled) -> list[PushSettled]:
    """The end of a request by evidence. The same again is none. Raises RequestNotOpen."""
    for outcome in settled.outcomes:
        Result(outcome)
    if any(isinstance(r.fact, PushSettled) and r.fact.request == settled.request for r in tail):
        return []
    for record in tail:
        sent = record.fact
        if (
            isinstance(sent, PushSent)
            and sent.request == settled.request
            and len(sent.listings) != len(settled.outcomes)
        ):
            raise RequestNotOpen(f"{len(settled.outcomes)} outcomes; expected {len(sent.listings)}, one a listing")
    return [settled]
