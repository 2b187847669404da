"""The hash chain over every commit: digests of facts, links of commits.

A fact's digest is SHA-256 over length-prefixed fields (8-byte big-endian length, then the bytes) in this order: ledger id,
position, stream, version, name, state; numbers are 8-byte big-endian. A commit's digest is SHA-256 over its facts'
digests; its link is SHA-256 over the length-prefixed previous link, first position, last position, committed_at
(UTC text with Z and six digits) and commit digest. ``docs/ledger-format.md`` has test vectors.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from struct import Struct, pack
from typing import NamedTuple

GENESIS = bytes(32)
SHORT_DIGEST_BYTES = 8


class StoredFact(NamedTuple):  # a tuple: a bulk makes millions
    """One fact as its row: what the digest is over, less the ledger's id."""

    position: int
    stream: str
    version: int
    name: str
    state: bytes


@dataclass(frozen=True, slots=True)
class Seal:
    """One commit's row in the chain."""

    first_position: int
    last_position: int
    committed_at: datetime
    digest: bytes
    hash: bytes
    fact_digests: bytes


def _prefixed(raw: bytes) -> bytes:
    return pack(">Q", len(raw)) + raw


def fact_digest(ledger_id: bytes, fact: StoredFact) -> bytes:
    """SHA-256 of one fact; ``ledger_id`` is the id's UTF-8 bytes."""
    stream, name = fact.stream.encode(), fact.name.encode()
    return hashlib.sha256(
        b"".join(
            (
                pack(">Q", len(ledger_id)),
                ledger_id,
                pack(">QqQ", 8, fact.position, len(stream)),
                stream,
                pack(">QqQ", 8, fact.version, len(name)),
                name,
                pack(">Q", len(fact.state)),
                fact.state,
            )
        )
    ).digest()


def _fact_digests(ledger_id: bytes, facts: Sequence[StoredFact]) -> list[bytes]:
    """As ``fact_digest`` of each: one expression a fact, for this is done while every other commit waits."""
    sha256, joined, eight = hashlib.sha256, b"".join, pack(">Q", 8)
    prefix = pack(">Q", len(ledger_id)) + ledger_id + eight
    sizes = _Sizes()
    named = {name: _prefixed(name.encode()) for name in {fact[3] for fact in facts}}
    number = Struct(">q").pack
    return [
        sha256(
            joined(
                (
                    prefix,
                    number(position),
                    sizes[len(raw := stream.encode())],
                    raw,
                    eight,
                    number(version),
                    named[name],
                    sizes[len(state)],
                    state,
                )
            )
        ).digest()
        for position, stream, version, name, state in facts
    ]


class _Sizes(dict[int, bytes]):
    """A length as the digest has it; each is packed once."""

    def __missing__(self, size: int) -> bytes:
        found = self[size] = pack(">Q", size)
        return found


def committed_text(moment: datetime) -> bytes:
    """The moment of a commit as the link holds it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def link(previous: bytes, first: int, last: int, committed_at: datetime, digest: bytes) -> bytes:
    """The hash of one commit, which the next one builds on."""
    fields = (previous, pack(">q", first), pack(">q", last), committed_text(committed_at), digest)
    return hashlib.sha256(b"".join(map(_prefixed, fields))).digest()


def sealed(ledger_id: str, previous: bytes, committed_at: datetime, facts: Sequence[StoredFact]) -> Seal:
    """The seal of one commit of these facts, which stand at consecutive positions."""
    assert facts, "a commit without facts has no seal"
    raw_id = ledger_id.encode()
    digests = _fact_digests(raw_id, facts)
    digest = hashlib.sha256(b"".join(digests)).digest()
    first, last = facts[0].position, facts[-1].position
    assert last - first + 1 == len(facts), (first, last, len(facts))
    short = b"".join(d[:SHORT_DIGEST_BYTES] for d in digests)
    return Seal(first, last, committed_at, digest, link(previous, first, last, committed_at, digest), short)


@dataclass(frozen=True, slots=True)
class Damage:
    """The first thing wrong in a chain: which commit (by its first position), which fact where that can be told."""

    commit: int
    position: int | None
    what: str

    def __str__(self) -> str:
        where = f"position {self.position} in " if self.position is not None else ""
        return f"{where}commit {self.commit}: {self.what}"


def check(
    ledger_id: bytes, previous: bytes, expected_first: int, seal: Seal, facts: Sequence[StoredFact]
) -> Damage | None:
    """None when the seal covers exactly these facts and follows the previous link; else the first thing wrong."""
    if seal.first_position != expected_first:
        return Damage(seal.first_position, None, f"begins at position {seal.first_position}; expected {expected_first}")
    count = seal.last_position - seal.first_position + 1
    if len(seal.fact_digests) != count * SHORT_DIGEST_BYTES:
        return Damage(
            seal.first_position,
            None,
            f"{len(seal.fact_digests)} bytes of fact digests; expected {count * SHORT_DIGEST_BYTES}",
        )
    at = {fact.position: fact for fact in facts}
    digests = []
    for n in range(count):
        position = seal.first_position + n
        fact = at.get(position)
        if fact is None:
            return Damage(seal.first_position, position, "the fact is missing")
        digest = fact_digest(ledger_id, fact)
        if digest[:SHORT_DIGEST_BYTES] != seal.fact_digests[n * SHORT_DIGEST_BYTES : (n + 1) * SHORT_DIGEST_BYTES]:
            return Damage(seal.first_position, position, "the fact is not the one that was sealed")
        digests.append(digest)
    if hashlib.sha256(b"".join(digests)).digest() != seal.digest:
        return Damage(seal.first_position, None, "the commit's digest is not that of its facts")
    if link(previous, seal.first_position, seal.last_position, seal.committed_at, seal.digest) != seal.hash:
        return Damage(seal.first_position, None, "the link does not follow from the commit before")
    return None
