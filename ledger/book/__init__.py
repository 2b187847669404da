"""The verbs the rest of the house calls. Each verb is a ``Verb``: what to decide, and what it will surely read.

``Book.do`` decides one verb and returns when its facts are durable; ``Book.do_page`` decides many, each failing alone.
Rules stand in the modules of the ledger; here they are given what they need from the view.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import msgspec

from ledger import keys
from ledger.codec import Envelope
from ledger.facts import LedgerOpened
from ledger.view import Draft, Fold, View, Wanted
from ledger.writer import Command, Decision, Done, Key, Writer


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing to be decided. ``at``: when it happened in the world, None: now. ``alone``: commits by itself.

    ``says`` is the canonical input: the digest of an idempotency key is made from it. ``key``: (scope, name) of a verb
    that has an identity of its own, whoever asks for it.
    """

    name: str
    decide: Callable[[View], Decision]
    says: object
    wanted: Wanted = field(default_factory=Wanted)
    at: datetime | None = None
    alone: bool = False
    key: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class By:
    """Who asks, and why: stands in the envelope of every fact. ``actor`` is an opaque id, ``trace`` one way's id."""

    actor: str
    trace: str
    cause: str | None = None


class Book:
    """The ledger's verbs over one writer."""

    def __init__(self, writer: Writer, now: Callable[[], datetime]) -> None:
        self._writer = writer
        self._now = now

    def submit(self, verb: Verb, by: By, *, key: tuple[str, str] | None = None) -> "Future[Done]":
        """The verb waits for the next commit. ``key``: (scope, the client's key); the same again gives the first answer."""
        kept, key = None, key or verb.key
        if key is not None:
            kept = Key(
                key[0], key[1], sha256(msgspec.json.encode((verb.name, verb.says), order="deterministic")).digest()
            )
        envelope = Envelope(verb.at or self._now(), by.actor, by.trace, key[1] if key else None, by.cause)
        return self._writer.submit(Command(verb.decide, envelope, verb.wanted, kept, verb.alone))

    def do(self, verb: Verb, by: By, *, key: tuple[str, str] | None = None) -> Done:
        """The verb is done and durable. Raises what its rules raise (ValueErrors), LedgerUnavailable, KeyReused."""
        return self.result(self.submit(verb, by, key=key))

    def do_page(self, verbs: Sequence[tuple[Verb, By]]) -> list[Done | Exception]:
        """All are done, in as few commits as possible; one that its rules refuse is answered by its error."""
        futures = [self.submit(verb, by) for verb, by in verbs]
        answers: list[Done | Exception] = []
        for future in futures:
            try:
                answers.append(self.result(future))
            except ValueError as error:
                answers.append(error)
        return answers

    def result(self, future: "Future[Done]") -> Done:
        """What a submitted verb did, once it is durable. Raises what ``do`` raises."""
        return self._writer.wait_for(future)


def plain(name: str, says: Mapping[str, object], decide: Callable[[View], Sequence[Draft]], **more: object) -> Verb:
    """A verb whose answer is nothing but its facts."""
    return Verb(name, lambda view: Decision(decide(view)), says, **more)  # type: ignore[arg-type]


def open_ledger(ledger_id: str) -> Verb:
    """The first fact is recorded. Twice is harmless."""
    fold: Fold[bool] = _OPENED

    def decide(view: View) -> Sequence[Draft]:
        return [] if view.state(keys.LEDGER, fold) else [Draft(keys.LEDGER, LedgerOpened(ledger_id=ledger_id))]

    return plain("open_ledger", {"ledger_id": ledger_id}, decide, wanted=Wanted(streams={keys.LEDGER}))


_OPENED: Fold[bool] = Fold(False, lambda _state, _record: True)
