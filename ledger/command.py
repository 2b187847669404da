"""What is asked of the writer and what it answers: commands, decisions, idempotency keys, and the errors of waiting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ledger.codec import Envelope
from ledger.view import Draft, Made, View, Wanted

Answer = Mapping[str, object]


class LedgerUnavailable(RuntimeError):
    """The database could not be reached in time; nothing of this command was recorded. Send it again."""


class OutcomeUnknown(RuntimeError):
    """The connection broke around COMMIT and could not be made again in time. Send it again with the same key."""


class KeyReused(ValueError):
    """The idempotency key was used before with another input. Use a new key for a new command."""


class Clock(Protocol):
    """Time as wiring gives it."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """The facts to record, possibly none, and what the caller is told.

    ``made``: facts that were made ahead of the lock, less those of the SKUs in ``stale``: these moved, and were decided anew.
    """

    drafts: Sequence[Draft] = ()
    answer: Answer = field(default_factory=dict)
    made: Made | None = None
    stale: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Key:
    """The idempotency key of a command. ``digest`` is SHA-256 over its canonical input."""

    scope: str
    name: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """One thing to be decided. ``decide`` is pure and may be asked more than once; ``wanted`` is what it surely reads.

    ``alone``: it commits in a transaction of its own (bulk chunks, overwrites that look at changes).
    """

    decide: Callable[[View], Decision]
    envelope: Envelope
    wanted: Wanted = field(default_factory=Wanted)
    key: Key | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The command's facts are durable. ``position`` is the ledger's last position that the answer is true at.

    ``facts`` 0: nothing new was said. ``replayed``: the same command was done before, this is its first answer.
    """

    position: int
    answer: Answer
    facts: int
    replayed: bool = False
