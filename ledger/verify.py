"""`daicho verify`: the chain from the first fact to the head, and everything that must be true of the facts together.

The chain is judged first, commit by commit: a fact is decoded only after its seal has said that it is the one that was
sealed. What cannot be seen from inside (a tail that was cut off with its seals, a ledger that was written again as a whole)
is found only with a head kept elsewhere: ``heads``, from ``daicho seal-head``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import msgspec

from ledger import keys
from ledger.chain import PASS_FACTS_MAX, Chain, Commit, Opening, Source, Unreadable, stored_fact
from ledger.codec import Record, UnknownFact, decode
from ledger.facts import FACTS_OF_STREAM
from ledger.facts.order import Booked
from ledger.facts.push import PushFact
from ledger.facts.sku import SkuFact
from ledger.facts.stock import StockFact
from ledger.invariants import (
    Finding,
    LevelRow,
    OrderMove,
    OrdersAndStockAgree,
    Partition,
    PushesGoForward,
    StockAddsUp,
    Versions,
)
from ledger.seal import Damage

FINDINGS_MAX = 20
PROGRESS_FACTS = 250_000
WHOLE = Partition()
PARTS_OF_STREAM = {"stock": 2, "sku": 1}  # place and SKU; SKU: never hashed, so they can be read back


class HeadNotUnderstood(ValueError):
    """A head is written ``POSITION:HASH`` as `daicho seal-head` prints it: a number, a colon, 64 hexadecimal digits."""


class Ledger(Source, Protocol):
    """What ``verify`` reads. ``levels`` None: there is no stock table beside these facts (an exported file)."""

    def levels(self) -> Iterator[LevelRow] | None: ...


@dataclass(frozen=True, slots=True)
class Further:
    """One more check, of something the facts alone do not show (projections, the inbox). It yields what is wrong."""

    rule: str
    run: Callable[[Opening], Iterable[Finding]]


@dataclass(frozen=True)
class Report:
    """What was read and what is wrong, the first thing first; at most FINDINGS_MAX.

    ``rules`` were checked to the end. ``behind``: listings over which a file ended late; each is to be sent again.
    ``stopped``: a newer version of Daicho wrote a fact, and nothing is known of what stands behind it.
    """

    opening: Opening
    position: int
    commits: int
    rules: tuple[str, ...]
    findings: tuple[Finding, ...]
    behind: int = 0
    stopped: UnknownFact | None = None

    @property
    def sound(self) -> bool:
        return not self.findings and self.stopped is None


@dataclass
class _Found:
    """Mutable: gathers what is wrong until it is enough."""

    findings: list[Finding] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        return len(self.findings) >= FINDINGS_MAX

    def take(self, more: Iterable[Finding]) -> None:
        self.findings.extend(islice(more, FINDINGS_MAX - len(self.findings)))


def verify(
    ledger: Ledger,
    *,
    heads: Mapping[int, bytes] | None = None,
    further: Sequence[Further] = (),
    chain_only: bool = False,
    progress: Callable[[int], None] | None = None,
    progress_facts: int = PROGRESS_FACTS,
    pass_facts_max: int = PASS_FACTS_MAX,
) -> Report:
    """What is wrong with the ledger, if anything. Reads it once, and again for each further ``pass_facts_max`` facts.

    A break of the chain ends the reading: nothing behind it can be believed. ``progress`` is told a position about every
    ``progress_facts`` facts.
    """
    opening, found = ledger.opening, _Found()
    chain = Chain(opening, heads)
    passes = 1 if chain_only else 1 + max(0, opening.position - 1) // pass_facts_max
    checked, behind = ["I4"] if chain_only else ["I1", "I2", "I4", "I5"], 0
    try:
        for number in range(passes):
            rules = None if chain_only else Rules(Partition(number, passes))
            commits = _telling(ledger.commits(), progress or _tell_nobody, progress_facts)
            damage = _read(commits, chain if number == 0 else None, rules, found)
            if number == 0 and damage is None:
                damage = chain.ends(ledger.unsealed())
            if damage is not None:
                return _broken(opening, chain, found, Finding("I4", damage.what, damage.commit, damage.position))
            if rules is not None:
                found.take(rules.end(ledger.levels()))
                behind += rules.behind
            if found.enough:
                break
    except Unreadable as unreadable:
        return _broken(opening, chain, found, Finding("I4", str(unreadable)))
    except UnknownFact as unknown:
        return Report(opening, chain.position, chain.commits, (), tuple(found.findings), stopped=unknown)
    for check in further:
        found.take(check.run(opening))
        checked.append(check.rule)
    return Report(opening, chain.position, chain.commits, tuple(sorted(checked)), tuple(found.findings), behind)


def heads_of(texts: Iterable[str]) -> dict[int, bytes]:
    """The heads as `daicho seal-head` printed them. Raises HeadNotUnderstood."""
    heads: dict[int, bytes] = {}
    for text in texts:
        position, _, digits = text.strip().partition(":")
        if not position.isascii() or not position.isdecimal() or len(digits) != 64:
            raise HeadNotUnderstood(
                f"head {text!r}; expected POSITION:HASH as `daicho seal-head` prints it, 64 hexadecimal digits"
            )
        try:
            link = bytes.fromhex(digits)
        except ValueError as error:
            raise HeadNotUnderstood(f"head {text!r}; expected 64 hexadecimal digits after the colon") from error
        if heads.setdefault(int(position), link) != link:
            raise HeadNotUnderstood(f"two heads of position {position} with different hashes; expected one")
    return heads


def head_text(opening: Opening) -> str:
    """The head as it is kept elsewhere."""
    return f"{opening.position}:{opening.hash.hex()}"


def _read(commits: Iterable[Commit], chain: Chain | None, rules: "Rules | None", found: _Found) -> Damage | None:
    """The first break of the chain; what else is wrong is in ``found``."""
    for commit in commits:
        damage = chain.follow(commit) if chain is not None else None
        if damage is not None:
            return damage
        if rules is not None and not found.enough:
            found.take(rules.take(commit))
        elif chain is None:
            return None
    return None


def _broken(opening: Opening, chain: Chain, found: _Found, finding: Finding) -> Report:
    return Report(opening, chain.position, chain.commits, (), (finding, *found.findings)[:FINDINGS_MAX])


def _telling(commits: Iterator[Commit], progress: Callable[[int], None], every: int) -> Iterator[Commit]:
    told = every
    for commit in commits:
        yield commit
        if commit.seal.last_position >= told:
            progress(commit.seal.last_position)
            told = commit.seal.last_position + every


def _tell_nobody(position: int) -> None:
    """Nobody waits for it."""


class Rules:
    """The invariants I1, I2, I5 and the versions, fed commit by commit; of one partition of the streams, or of all.

    ``take`` is for what is read from a ledger; ``take_records`` for who has the records already (a simulator, a test).
    """

    def __init__(self, partition: Partition = WHOLE) -> None:
        self._first = partition.number == 0
        self._versions = Versions(partition)
        self._stock = StockAddsUp(partition)
        self._orders = OrdersAndStockAgree(partition)
        self._pushes = PushesGoForward(partition)

    @property
    def behind(self) -> int:
        """How many listings wait to be sent again because a file ended late."""
        return len(self._pushes.behind)

    def take(self, commit: Commit) -> Iterator[Finding]:
        """What is wrong with this commit. Raises UnknownFact."""
        first, records = commit.seal.first_position, []
        for row in commit.rows:
            fact = stored_fact(row)
            try:
                records.append(decode(fact.position, fact.stream, fact.version, fact.name, fact.state))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if self._first:
                    what = f"{fact.name} is sealed as it was written, but cannot be read: {type(error).__name__}"
                    yield Finding("I4", what, first, fact.position)
        yield from self.take_records(records, first)

    def take_records(self, records: Sequence[Record], commit: int | None = None) -> Iterator[Finding]:
        """What is wrong with these records, which are all of the next commit; ``commit`` is its first position."""
        if commit is None:
            commit = records[0].position if records else 0
        for record in records:
            yield from self._take(record, commit)
        yield from self._orders.commit_ends(commit)

    def end(self, levels: Iterator[LevelRow] | None) -> Iterator[Finding]:
        """What is wrong when all is read."""
        if levels is not None:
            yield from self._stock.compare(levels)

    def _take(self, record: Record, commit: int) -> Iterator[Finding]:
        kind, fact = keys.kind_of(record.stream), record.fact
        if self._first and type(fact) not in FACTS_OF_STREAM.get(kind, ()):
            yield Finding("I4", f"{record.name} stands on {record.stream}, where it may not", commit, record.position)
            return
        parts = _parts(record.stream) if kind in PARTS_OF_STREAM else []
        if len(parts) != PARTS_OF_STREAM.get(kind, 0):
            if self._first:
                what = f"{record.name} stands on {record.stream}, which is no name of a {kind} stream"
                yield Finding("I4", what, commit, record.position)
        elif isinstance(fact, StockFact):
            place, sku = parts
            yield from self._stock.take(record, fact, place)
            if isinstance(fact, OrderMove):
                yield from self._orders.take_stock(record, fact, sku)
        else:
            yield from self._versions.take(record)
            if isinstance(fact, Booked):
                yield from self._orders.take_order(record, fact)
            elif isinstance(fact, PushFact):
                yield from self._pushes.take(record, fact)
            elif isinstance(fact, SkuFact):
                self._stock.take_sku(record, fact, parts[0])


def _parts(stream: str) -> list[str]:
    try:
        return keys.parts_of(stream)
    except ValueError:
        return []


__all__ = [
    "FINDINGS_MAX",
    "Finding",
    "Further",
    "HeadNotUnderstood",
    "Ledger",
    "Report",
    "Rules",
    "head_text",
    "heads_of",
    "verify",
]
