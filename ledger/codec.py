"""Facts as bytes: the envelope ``{at, actor, trace, command_key, cause, fact}`` in JSON, by the fact's own name.

The name on disk is the class name; an unknown name is not damage: a newer version wrote it (``UnknownFact``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Generic, NamedTuple, TypeVar

import msgspec

from ledger.facts import FACTS, Fact
from ledger.terms import utc_text

F = TypeVar("F")
_encoder = msgspec.json.Encoder()


class UnknownFact(Exception):
    """The fact's name is not known to this version; a newer one wrote it. Update before reading on."""

    def __init__(self, name: str, position: int) -> None:
        super().__init__(
            f"position {position}: fact {name!r} is not known here; a newer version of Daicho wrote it: update first"
        )
        self.name = name
        self.position = position

    def __reduce__(self) -> tuple[type["UnknownFact"], tuple[str, int]]:
        """Told from one process to another."""
        return UnknownFact, (self.name, self.position)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who, why, when: stands around every fact. ``at`` is when it happened in the world, ``actor`` an opaque id."""

    at: datetime
    actor: str
    trace: str
    command_key: str | None = None
    cause: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Envelope) and _parts(self) == _parts(other)

    def __hash__(self) -> int:
        return hash(_parts(self))


def _parts(envelope: Envelope) -> tuple[object, ...]:
    return (envelope.at, envelope.actor, envelope.trace, envelope.command_key, envelope.cause)


class Record(NamedTuple):  # a tuple: millions are read and made
    """One fact as recorded. ``version`` counts in its stream, ``position`` in the whole ledger, both from 1."""

    position: int
    stream: str
    version: int
    name: str
    envelope: Envelope
    fact: Fact


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _State(Envelope, Generic[F]):
    """An envelope as it is kept: with its fact, so that reading makes one object of both. As an envelope it equals one without."""

    fact: F


@cache
def _decode_of(name: str) -> Callable[[bytes], _State[Fact]]:
    return msgspec.json.Decoder(_State[FACTS[name]]).decode  # type: ignore[valid-type]


def encode(envelope: Envelope, fact: Fact) -> bytes:
    """The state of one fact as it is kept. Times are UTC with Z."""
    return _encoder.encode(
        {
            "at": utc_text(envelope.at),
            "actor": envelope.actor,
            "trace": envelope.trace,
            "command_key": envelope.command_key,
            "cause": envelope.cause,
            "fact": fact,
        }
    )


def template(envelope: Envelope, fact: Fact, varying: Sequence[str]) -> bytes:
    """The state of facts that differ from this one in these fields alone: ``template % values`` is what ``encode`` gives.

    ``varying`` are names of the fact's own fields in their order. The value of one that is a text or a list in ``fact`` is
    given as ``text`` makes it, of another it is a whole number.
    """
    numbers = {name: 8_000_000_000_000_000_001 + n for n, name in enumerate(varying)}
    marks = {name: _like(getattr(fact, name), number) for name, number in numbers.items()}
    marked: Fact = replace(fact, **marks)  # type: ignore[arg-type]
    state = encode(envelope, marked).replace(b"%", b"%%")
    at = -1
    for mark in marks.values():
        written = text(mark)
        assert state.count(written) == 1 and state.index(written) > at, (varying, state)
        at = state.index(written)
        state = state.replace(written, b"%d" if isinstance(mark, int) else b"%b")
    return state


def text(value: object) -> bytes:
    """A field's value as it stands in a state."""
    return _encoder.encode(value)


def _like(value: object, number: int) -> object:
    match value:
        case str():
            return str(number)
        case list():
            return [str(number)]
        case _:
            return number


def decode(position: int, stream: str, version: int, name: str, state: bytes) -> Record:
    """The record behind the bytes. Raises UnknownFact; msgspec.ValidationError when the bytes are damaged."""
    if name not in FACTS:
        raise UnknownFact(name, position)
    read = _decode_of(name)(state)
    return Record(position, stream, version, name, read, read.fact)
