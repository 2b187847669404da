"""What a decision may look at while it is made under the lock: stock, streams, counts, and what earlier decisions of the
same commit already changed.

A decision that asks for something not read yet raises ``NotReadYet``; the writer reads it, still under the lock, and asks
again. Decisions are pure, so asking twice is harmless. Streams are kept folded between commits; only newer facts are read.
"""

from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Any, Generic, NamedTuple, TypeVar

from ledger import keys
from ledger.codec import Envelope, Record, encode
from ledger.counting import Covers
from ledger.facts import FACTS_OF_STREAM, Fact
from ledger.facts.sku import KeptBackSet, SkuFact
from ledger.levels import EVERY_SHOP, Count, Effects, Level, Number, book, book_sku, keep_back, latest
from ledger.seal import StoredFact
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE

TAIL_FACTS = 64
STREAMS_KEPT_MAX = 20_000

S = TypeVar("S")


@dataclass(frozen=True)
class Fold(Generic[S]):
    """How a stream is read: from ``initial`` by ``evolve`` over its records, oldest first. Never raises."""

    initial: S
    evolve: Callable[[S, Record], S]


@dataclass(frozen=True, slots=True)
class OnTop:
    """Units that moved and are not inside a counted number, and the SKU's counts until now."""

    available: int = 0
    on_hand: int = 0
    counts: Sequence[Count] = ()


NOTHING_ON_TOP = OnTop()


class Span(NamedTuple):
    """Positions behind ``after``, less those from ``own_first`` to ``own_last``: what the asker wrote itself and knows."""

    after: int
    own_first: int
    own_last: int


@dataclass
class Wanted:
    """What a decision needs to be read. ``counts`` are (place, sku, shop); ``on_top`` are the (place, sku) for whose number
    these covers are stated; ``moved``: the streams with facts in the span, for a command that commits alone.

    Mutable: every decision of a commit adds what it needs.
    """

    stocks: set[tuple[str, str]] = field(default_factory=set)
    streams: set[str] = field(default_factory=set)
    tails: set[str] = field(default_factory=set)
    counts: set[tuple[str, str, str]] = field(default_factory=set)
    on_top: dict[Covers, set[tuple[str, str]]] = field(default_factory=dict)
    moved: Span | None = None

    def add(self, other: "Wanted") -> None:
        """Everything of the other is wanted too."""
        self.stocks |= other.stocks
        self.streams |= other.streams
        self.tails |= other.tails
        self.counts |= other.counts
        for covers, pairs in other.on_top.items():
            self.on_top.setdefault(covers, set()).update(pairs)
        self.moved = other.moved or self.moved

    def __bool__(self) -> bool:
        read = self.stocks or self.streams or self.tails or self.counts or self.on_top
        return bool(read) or self.moved is not None


class NotReadYet(Exception):
    """The decision needs more to be read; not an error."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__("not read yet")
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class Draft:
    """A fact to be recorded on a stream. ``at``: when it happened in the world, when that is not the command's time."""

    stream: str
    fact: Fact
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """Facts made ahead of the lock, as the ledger stood at ``position``, and what they write beside themselves.

    Positions count on from ``position``; ``skus`` says, fact by fact, of which SKU's rows it was made.
    """

    position: int
    facts: Sequence[StoredFact] = ()
    skus: Sequence[str] = ()
    effects: Effects = field(default_factory=Effects)


@dataclass
class StreamRead:
    """A stream as it was read under the lock. Mutable: folded when it is first asked for."""

    version: int
    records: list[Record]  # newer than ``state``
    fold: Fold[Any] | None = None
    state: Any = None


class StreamsKept:
    """Folded streams between commits, the least used dropped beyond STREAMS_KEPT_MAX. Only the writer touches it."""

    def __init__(self, most: int = STREAMS_KEPT_MAX) -> None:
        self._streams: OrderedDict[str, StreamRead] = OrderedDict()
        self._most = most

    def get(self, name: str) -> StreamRead | None:
        kept = self._streams.get(name)
        if kept is not None:
            self._streams.move_to_end(name)
        return kept

    def put(self, name: str, stream: StreamRead) -> None:
        self._streams[name] = stream
        self._streams.move_to_end(name)
        while len(self._streams) > self._most:
            self._streams.popitem(last=False)


class View:
    """One commit in the making: what was read, and what its decisions changed so far."""

    def __init__(self, position: int, now: datetime) -> None:
        self.position = position  # of the last fact, drafts of this commit included
        self.now = now
        self.facts: list[StoredFact] = []
        self.records: list[Record] = []
        self.effects = Effects()
        self.levels: dict[tuple[str, str], Level] = {}
        self.streams: dict[str, StreamRead] = {}
        self.tails: dict[str, list[Record]] = {}
        self.counts: dict[tuple[str, str, str], Count | None] = {}
        self.tops: dict[Covers, dict[tuple[str, str], OnTop]] = {}
        self.moved: dict[Span, frozenset[str]] = {}
        self._tops_asked: tuple[Covers | None, dict[tuple[str, str], OnTop]] = (None, {})
        self._counts_seen = 0
        self._pairs: dict[str, tuple[str, str]] = {}
        self._dated: tuple[Envelope, datetime, Envelope] | None = None

    # -------------------------------------------------------------- what decisions ask

    def need(
        self,
        *,
        skus: Iterable[str] = (),
        streams: Iterable[str] = (),
        tails: Iterable[str] = (),
        counts: Iterable[tuple[str, str]] = (),
        place: str = MAIN_PLACE,
    ) -> None:
        """All of these are read, in one round; ``counts`` are (sku, shop). Raises NotReadYet."""
        wanted = Wanted(
            stocks={(place, s) for s in skus if (place, s) not in self.levels},
            streams={s for s in streams if s not in self.streams},
            tails={s for s in tails if s not in self.tails},
            counts={
                (place, sku, shop)
                for sku, name in counts
                for shop in (name, EVERY_SHOP)
                if (place, sku, shop) not in self.counts
            },
        )
        if wanted:
            raise NotReadYet(wanted)

    def level(self, sku: str, place: str = MAIN_PLACE) -> Level:
        """The level of the SKU at the place, decisions of this commit included."""
        found = self.levels.get((place, sku))
        if found is None:
            raise NotReadYet(Wanted(stocks={(place, sku)}))
        return found

    def stock(self, sku: str, place: str = MAIN_PLACE) -> Stock:
        """The stock of the SKU at the place, decisions of this commit included."""
        return self.level(sku, place).stock

    def state(self, stream: str, fold: Fold[S]) -> S:
        """The stream, folded, decisions of this commit included. A stream is always asked with one and the same fold."""
        found = self.streams.get(stream)
        if found is None:
            raise NotReadYet(Wanted(streams={stream}))
        if found.fold is None:
            found.fold, found.state = fold, fold.initial
        assert found.fold is fold, stream
        if found.records:
            state = found.state
            for record in found.records:
                state = fold.evolve(state, record)
            found.state, found.records = state, []
        value: S = found.state
        return value

    def tail(self, stream: str) -> Sequence[Record]:
        """The last TAIL_FACTS facts of a long stream, oldest first, decisions of this commit included."""
        found = self.tails.get(stream)
        if found is None:
            raise NotReadYet(Wanted(tails={stream}))
        return found

    def count(self, sku: str, shop: str, place: str = MAIN_PLACE) -> Count | None:
        """The count that still speaks for the SKU's number and this shop's sales; None when there is none."""
        names = [(place, sku, shop), (place, sku, EVERY_SHOP)]
        missing = {name for name in names if name not in self.counts}
        if missing:
            raise NotReadYet(Wanted(counts=missing))
        level = self.level(sku, place)
        found = [c for c in (*(self.counts[name] for name in names), level.own_count) if c is not None]
        return latest([c for c in found if c.shop in (shop, EVERY_SHOP)], level)

    def on_top(self, sku: str, covers: Covers, place: str = MAIN_PLACE) -> OnTop:
        """What moved and is not inside a number with these covers. Only for a command that commits alone."""
        if covers is not self._tops_asked[0]:  # a bulk asks thousands of times with the same ones
            self._tops_asked = (covers, self.tops.setdefault(covers, {}))
        found = self._tops_asked[1].get((place, sku))
        if found is None:
            raise NotReadYet(Wanted(on_top={covers: {(place, sku)}}))
        return found

    def moved_in(self, span: Span) -> frozenset[str]:
        """The streams with facts in the span. Raises NotReadYet."""
        found = self.moved.get(span)
        if found is None:
            raise NotReadYet(Wanted(moved=span))
        return found

    def trial(self) -> "View":
        """A view that sees what this one does, for trying drafts one after the other; this one stays as it is."""
        made = View(self.position, self.now)
        made.levels, made.counts, made.tops = dict(self.levels), dict(self.counts), self.tops
        made.tails = dict(self.tails)
        made.streams = {
            name: StreamRead(read.version, list(read.records), read.fold, read.state)
            for name, read in self.streams.items()
        }
        return made

    # -------------------------------------------------------------- what the writer does

    def apply(self, drafts: Sequence[Draft], envelope: Envelope) -> None:
        """The drafts are facts of this commit. Raises NotReadYet, before anything changed, when a stream was not read."""
        missing = [wanted for draft in drafts if (wanted := self._unread(draft)) is not None]
        if missing:
            for wanted in missing[1:]:
                missing[0].add(wanted)
            raise NotReadYet(missing[0])
        # All of them, before anything changes: a text that cannot be kept is the command's own error.
        kept = [(own := self._own(draft, envelope), encode(own, draft.fact)) for draft in drafts]
        for draft, (own, state) in zip(drafts, kept, strict=True):
            self._record(draft, own, state)

    def record_number(self, stream: str, name: str, state: bytes, number: Number) -> None:
        """A plain number that was made elsewhere is the next fact of this commit; nothing else in it looks at its SKU."""
        self.position += 1
        assert number.position == self.position, (stream, number)
        self.effects.numbers.append(number)
        self.facts.append(StoredFact(self.position, stream, number.version, name, state))

    def record_first(self, pair: tuple[str, str], level: Level, facts: Sequence[tuple[str, str, bytes]]) -> None:
        """Facts (stream, name, state) that were made elsewhere, each the first of its stream, are the next of this commit;
        they leave this level behind.
        """
        for stream, name, state in facts:
            self.position += 1
            self.facts.append(StoredFact(self.position, stream, 1, name, state))
        assert level.position == self.position, (pair, level)
        self.effects.levels[pair] = level

    def adopt(self, made: Made, without: Container[str]) -> None:
        """The facts that were made ahead are facts of this commit, less those of the SKUs ``without``.

        Nothing has moved since ``made.position`` that the others rest on: their versions are the next ones.
        """
        base, at, effects = made.position, self.position, self.effects
        kept = [sku not in without for sku in made.skus]
        new = [at, *(at + n for n in accumulate(kept))]  # by the position behind the base, where it stands now
        self.position = new[-1]
        moved = zip(made.facts, kept, strict=True)
        self.facts += [StoredFact(new[fact[0] - base], *fact[1:]) for fact, is_kept in moved if is_kept]
        numbers = (number for number in made.effects.numbers if number.sku not in without)
        effects.numbers += [Number(*number[:3], new[number[3] - base], *number[4:]) for number in numbers]
        for pair, level in made.effects.levels.items():
            if pair[1] not in without:
                counted = new[level[2] - base] if level[2] > base else level[2]
                effects.levels[pair] = Level._make((level[0], new[level[1] - base], counted, *level[3:]))
        changes = (change for change in made.effects.changes if change.sku not in without)
        effects.changes.extend(change._replace(position=new[change.position - base]) for change in changes)
        for count in made.effects.counts:
            if count.sku not in without:
                effects.counts.append(Count(*count[:4], new[count[4] - base], count[5]))

    def _own(self, draft: Draft, envelope: Envelope) -> Envelope:
        """The draft's envelope: the command's, with the draft's own time when it has one; a bulk has one time for all."""
        if draft.at is None:
            return envelope
        if self._dated is None or self._dated[0] is not envelope or self._dated[1] is not draft.at:
            own = Envelope(draft.at, envelope.actor, envelope.trace, envelope.command_key, envelope.cause)
            self._dated = (envelope, draft.at, own)
        return self._dated[2]

    def _unread(self, draft: Draft) -> Wanted | None:
        """What is to be read before the draft can be a fact."""
        stream, fact = draft.stream, draft.fact
        kind = keys.kind_of(stream)
        assert type(fact) in FACTS_OF_STREAM[kind], (stream, type(fact).__name__)
        if kind == "stock":
            pair = self._pair_of(stream)
            return None if pair in self.levels else Wanted(stocks={pair})
        if kind == "sku":  # its version stands in the level of the main place
            (sku,) = keys.parts_of(stream)
            places = {MAIN_PLACE, fact.place} if isinstance(fact, KeptBackSet) else {MAIN_PLACE}
            unread = {(place, sku) for place in places if (place, sku) not in self.levels}
            return Wanted(stocks=unread) if unread else None
        return None if stream in self.streams or stream in self.tails else Wanted(streams={stream})

    def _pair_of(self, stream: str) -> tuple[str, str]:
        """Place and SKU of a stock stream; each name is taken apart once."""
        pair = self._pairs.get(stream)
        if pair is None:
            place, sku = keys.parts_of(stream)
            pair = self._pairs[stream] = (place, sku)
        return pair

    def _record(self, draft: Draft, own: Envelope, state: bytes) -> None:
        fact, stream = draft.fact, draft.stream
        self.position += 1
        name = type(fact).__name__
        kind = keys.kind_of(stream)
        if kind == "stock":
            pair = self._pair_of(stream)
            after = book(self.effects, self.levels[pair], *pair, fact, own.at, self.position)  # type: ignore[arg-type]
            self.levels[pair] = after
            version = after.stock.version
            self._remember_counts()
        elif kind == "sku":
            version = self._of_sku(stream, fact)  # type: ignore[arg-type]
        else:
            version = self._next_version(stream)
        record = Record(self.position, stream, version, name, own, fact)
        if stream in self.streams:
            self.streams[stream].records.append(record)
        if stream in self.tails:
            self.tails[stream] = [*self.tails[stream], record][-TAIL_FACTS:]
        self.records.append(record)
        self.facts.append(StoredFact(self.position, stream, version, name, state))

    def _of_sku(self, stream: str, fact: SkuFact) -> int:
        (sku,) = keys.parts_of(stream)
        before = self.levels[MAIN_PLACE, sku]
        version = before.sku_version + 1
        after = book_sku(before, fact, version, self.position)
        self.levels[MAIN_PLACE, sku] = self.effects.levels[MAIN_PLACE, sku] = after
        if stream in self.streams:
            self.streams[stream].version = version
        if isinstance(fact, KeptBackSet):
            kept = keep_back(self.levels[fact.place, sku], fact, self.position)
            self.levels[fact.place, sku] = self.effects.levels[fact.place, sku] = kept
        return version

    def _next_version(self, stream: str) -> int:
        found = self.streams.get(stream)
        if found is not None:
            found.version += 1
            return found.version
        tail = self.tails[stream]
        return tail[-1].version + 1 if tail else 1

    def _remember_counts(self) -> None:
        for count in self.effects.counts[self._counts_seen :]:
            self.counts[count.place, count.sku, count.shop] = count
        self._counts_seen = len(self.effects.counts)
