"""Verbs of pushes and reads: what a mall was told, answered and showed."""

from datetime import datetime

from ledger import keys, push
from ledger.book import Verb
from ledger.facts.push import MallRead, OrdersLooked, PushAnswered, PushSent, PushSettled
from ledger.terms import utc_moment, utc_text
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision


def record_push_sent(shop: str, sent: PushSent) -> Verb:
    """The request is recorded, durable before its first byte leaves. The answer has ``position``.

    Raises FenceBroken, FileNotFinished.
    """
    stream = keys.push(shop)

    def decide(view: View) -> Decision:
        assert sent.computed_at <= view.position, "numbers are computed at a position that exists"
        facts = push.send(view.tail(stream), sent, now=utc_text(view.now))
        return Decision([Draft(stream, f) for f in facts], {"position": view.position + 1})

    return Verb("record_push_sent", decide, (shop, sent), Wanted(tails={stream}))


def record_push_answered(shop: str, answered: PushAnswered) -> Verb:
    """The mall's answer is recorded. Raises RequestNotOpen."""
    stream = keys.push(shop)

    def decide(view: View) -> Decision:
        return Decision([Draft(stream, f) for f in push.answer(view.tail(stream), answered)])

    return Verb(
        "record_push_answered", decide, (shop, answered), Wanted(tails={stream}), utc_moment(answered.applied_until)
    )


def record_push_settled(shop: str, settled: PushSettled) -> Verb:
    """The end of a file, feed or unknown answer is recorded, hours after it was sent maybe. Twice is harmless.

    Raises KeyReused when the request was settled otherwise before.
    """
    stream = keys.push(shop)
    key = (stream, f"{settled.request}:settled")

    def decide(view: View) -> Decision:
        return Decision([Draft(stream, f) for f in push.settle(view.tail(stream), settled)])

    return Verb("record_push_settled", decide, (shop, settled), Wanted(tails={stream}), key=key)


def record_read(shop: str, read: MallRead) -> Verb:
    """What the mall showed is recorded; the answer has ``position``, by which reviews and pushes name it."""
    stream = keys.read(shop)
    assert len(read.listings) == len(read.units) == len(read.found) == len(read.sellable), shop

    def decide(view: View) -> Decision:
        return Decision([Draft(stream, read)], {"position": view.position + 1})

    return Verb("record_read", decide, (shop, read), Wanted(tails={stream}), utc_moment(read.read_at))


def record_look(shop: str, *, door: str, up_to: datetime, found: int) -> Verb:
    """The shop's orders up to ``up_to`` were asked for."""
    stream = keys.read(shop)
    looked = OrdersLooked(door=door, up_to=utc_text(up_to), found=found)

    def decide(view: View) -> Decision:
        return Decision([Draft(stream, looked)], {"position": view.position + 1})

    return Verb("record_look", decide, (shop, looked), Wanted(tails={stream}), up_to)
