"""The hash chain followed from the first commit to the last, at the speed of SHA-256.

Facts stay the bytes they are kept as until the seal has said that they are the ones it sealed. Whole commits are compared at
once; only a commit that does not fit is looked at fact by fact (``seal.check``), to name the very fact.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from struct import Struct, pack
from typing import Protocol, TypeAlias

from ledger.seal import GENESIS, SHORT_DIGEST_BYTES, Damage, Seal, StoredFact, check, link

NUMBER = Struct(">q")
EIGHT = pack(">Q", 8)
SIZES = [
    pack(">Q", size) for size in range(65_536)
]  # lengths as the digest has them; longer ones are packed one by one
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
PASS_FACTS_MAX = 2_000_000  # what the rules remember of so many facts stays below 300 MB; a larger ledger is read again

# Position, stream, version, name, state: numbers as 8 bytes, big-endian, texts as UTF-8. As the digest is over them.
Row: TypeAlias = tuple[bytes, bytes, bytes, bytes, bytes]


class Unreadable(ValueError):
    """The ledger cannot be read on from here; the message says where and what was expected. It is damage, not a mistake."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a ledger says of itself before it is read: its id, and its head. ``committed_at`` None: it does not say."""

    ledger_id: str
    position: int
    hash: bytes
    committed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Commit:
    """One seal and the rows that stand at its positions; rows that should stand there may be missing."""

    seal: Seal
    rows: Sequence[Row]


class Source(Protocol):
    """A whole ledger as it was at one position. ``commits`` may be asked again and then begins from the start."""

    @property
    def opening(self) -> Opening: ...

    def commits(self) -> Iterator[Commit]: ...

    def unsealed(self) -> int | None:
        """The position of a fact that no seal can cover (before the first or after the head), None when there is none."""
        ...


class Chain:
    """Follows commits in order. ``position``, ``hash`` and ``committed_at`` are those of the last one that fitted."""

    def __init__(self, opening: Opening, heads: Mapping[int, bytes] | None = None) -> None:
        raw_id = opening.ledger_id.encode()
        self._opening = opening
        self._raw_id = raw_id
        self._prefix = pack(">Q", len(raw_id)) + raw_id + EIGHT
        self._heads = dict(heads or {})
        self.position = 0
        self.hash = GENESIS
        self.committed_at = NEVER
        self.commits = 0
        self._meet_head()

    def follow(self, commit: Commit) -> Damage | None:
        """None when the commit is the next of the chain and its facts are the sealed ones; else the first thing wrong."""
        seal, rows = commit.seal, commit.rows
        damage = self._misplaced(seal)
        if damage is not None:
            return damage
        digests = self._digests(rows)
        fits = (
            len(rows) == seal.last_position - seal.first_position + 1
            and b"".join([digest[:SHORT_DIGEST_BYTES] for digest in digests]) == seal.fact_digests
            and sha256(b"".join(digests)).digest() == seal.digest
            and link(self.hash, seal.first_position, seal.last_position, seal.committed_at, seal.digest) == seal.hash
        )
        if not fits:
            return self._named(seal, rows)
        self.position, self.hash, self.committed_at = seal.last_position, seal.hash, seal.committed_at
        self.commits += 1
        self._meet_head()
        return None

    def ends(self, unsealed: int | None) -> Damage | None:
        """None when the chain ends where the head says, and holds every head that was kept elsewhere."""
        opening = self._opening
        next_commit = self.position + 1
        if self.position != opening.position:
            return Damage(
                next_commit, None, f"no seal follows position {self.position}; the head says {opening.position}"
            )
        if self.hash != opening.hash:
            return Damage(
                next_commit,
                None,
                f"the head's hash is not the last link {self.hash.hex()}; it says {opening.hash.hex()}",
            )
        if opening.committed_at is not None and opening.committed_at != self.committed_at:
            return Damage(
                next_commit,
                None,
                f"the head's time is {opening.committed_at}; the last commit's is {self.committed_at}",
            )
        if unsealed is not None:
            return Damage(next_commit, unsealed, "the fact is not sealed: it was written past the lock")
        for position in sorted(self._heads):
            if position > self.position:
                return Damage(
                    next_commit,
                    None,
                    f"the ledger ends at {self.position}; a head kept elsewhere says {position}: its tail was cut",
                )
            return Damage(
                position, None, "no commit ends here with the hash of the head kept elsewhere: this is not that ledger"
            )
        return None

    def _misplaced(self, seal: Seal) -> Damage | None:
        if seal.last_position > self._opening.position:
            return Damage(
                seal.first_position,
                None,
                f"reaches to position {seal.last_position}; the head says that {self._opening.position} is the last",
            )
        if seal.committed_at < self.committed_at:
            return Damage(seal.first_position, None, f"committed at {seal.committed_at}, before the commit before it")
        return None

    def _digests(self, rows: Sequence[Row]) -> list[bytes]:
        # One expression a fact: this is the loop that a million facts go through.
        prefix, sizes, eight, joined = self._prefix, SIZES, EIGHT, b"".join
        try:
            return [
                sha256(
                    joined(
                        (
                            prefix,
                            position,
                            sizes[len(stream)],
                            stream,
                            eight,
                            version,
                            sizes[len(name)],
                            name,
                            sizes[len(state)],
                            state,
                        )
                    )
                ).digest()
                for position, stream, version, name, state in rows
            ]
        except IndexError:
            return [
                sha256(
                    joined(
                        (
                            prefix,
                            position,
                            _size(stream),
                            stream,
                            eight,
                            version,
                            _size(name),
                            name,
                            _size(state),
                            state,
                        )
                    )
                ).digest()
                for position, stream, version, name, state in rows
            ]

    def _named(self, seal: Seal, rows: Sequence[Row]) -> Damage:
        facts = [stored_fact(row, errors="replace") for row in rows]  # bytes that are no text were never sealed
        found = check(self._raw_id, self.hash, self.position + 1, seal, facts)
        return found or Damage(seal.first_position, None, "its facts do not stand there each once and in order")

    def _meet_head(self) -> None:
        if self._heads and self._heads.get(self.position) == self.hash:
            del self._heads[self.position]


def stored_fact(row: Row, *, errors: str = "strict") -> StoredFact:
    """The row as the seal's own functions take it. Raises UnicodeDecodeError when a name is not text."""
    position, stream, version, name, state = row
    return StoredFact(
        number(position), stream.decode("utf-8", errors), number(version), name.decode("utf-8", errors), state
    )


def row_of(fact: StoredFact) -> Row:
    """The fact as the bytes that its digest is over."""
    return NUMBER.pack(fact.position), fact.stream.encode(), NUMBER.pack(fact.version), fact.name.encode(), fact.state


def number(raw: bytes) -> int:
    """The number behind 8 bytes."""
    return int.from_bytes(raw, "big", signed=True)


def _size(raw: bytes) -> bytes:
    return pack(">Q", len(raw))
