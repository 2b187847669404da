"""A ledger in memory for given/when/then: the real view, rules and effects, with lists where the writer has PostgreSQL.

``given(...)`` makes one from verbs and drafts; ``when`` does one more thing; then the test looks. What a commit reads is
answered as the SQL of ``ledger/reading.py`` answers it; ``test_scenarios.py`` holds the two against each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from ledger import keys, listing
from ledger.book import Verb
from ledger.codec import Envelope, Record
from ledger.counting import Covers
from ledger.facts import Fact
from ledger.levels import EVERY_SHOP, Change, Count, Effects, Level
from ledger.listing import Listing
from ledger.order import FOLD, Order, Stated, stated
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE, ListingKey
from ledger.verify import Rules
from ledger.view import TAIL_FACTS, Draft, Fold, NotReadYet, OnTop, StreamRead, View, Wanted

ROUNDS_MAX = 8
BEGAN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Ledger(Protocol):
    """What a scenario needs: time that it sets, and verbs that it does. In memory, or on PostgreSQL."""

    now: datetime

    def when(self, verb: Verb) -> dict[str, Any]: ...


@dataclass
class Memory:
    """The ledger as lists. ``last`` are the records of the last commit. Mutable: it is told verb by verb."""

    now: datetime = BEGAN
    position: int = 0
    records: list[Record] = field(default_factory=list)
    last: list[Record] = field(default_factory=list)
    levels: dict[tuple[str, str], Level] = field(default_factory=dict)
    counts: dict[tuple[str, str, str], Count] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    streams: dict[str, list[Record]] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)

    # -------------------------------------------------------------- what happens

    def when(self, verb: Verb) -> dict[str, Any]:
        """The verb is decided and its facts are recorded, in one commit; the answer is the verb's. Raises what it raises."""
        (answer,) = self.together(verb)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def together(self, *verbs: Verb) -> list[dict[str, Any] | Exception]:
        """The verbs are decided in one commit, each failing alone, as the writer does it."""
        view = View(self.position, self.now)
        answers: list[dict[str, Any] | Exception] = []
        for number, verb in enumerate(verbs):
            assert not verb.alone or len(verbs) == 1, verb.name
            self._fetch(view, verb.wanted)
            answers.append(self._decided(view, verb, number))
        self._keep(view.records, view.effects)
        return answers

    def _decided(self, view: View, verb: Verb, number: int) -> dict[str, Any] | Exception:
        envelope = Envelope(verb.at or self.now, "person:1", f"trace-{self.position}-{number}")
        for _ in range(ROUNDS_MAX):
            try:
                decision = verb.decide(view)
                view.apply(decision.drafts, envelope)
            except NotReadYet as more:
                self._fetch(view, more.wanted)
            except ValueError as error:
                return error
            else:
                return dict(decision.answer)
        raise AssertionError(f"{verb.name} asked for more than {ROUNDS_MAX} times")

    def record(self, *drafts: Draft) -> None:
        """These facts are recorded as they are, in one commit: for what no verb says yet."""
        view = View(self.position, self.now)
        while True:
            try:
                view.apply(drafts, Envelope(self.now, "person:1", f"trace-{self.position}"))
                break
            except NotReadYet as more:
                self._fetch(view, more.wanted)
        self._keep(view.records, view.effects)

    def _keep(self, records: Sequence[Record], effects: Effects) -> None:
        self.last = list(records)
        self.records.extend(records)
        self.position += len(records)
        for record in records:
            self.streams.setdefault(record.stream, []).append(record)
        self.levels.update(effects.levels)
        self.changes.extend(effects.changes)
        for count in effects.counts:
            self.counts[count.place, count.sku, count.shop] = count
        wrong = [str(finding) for finding in self.rules.take_records(records)]
        assert not wrong, wrong  # I1, I2, I4 and I5 hold after every commit of every test

    # -------------------------------------------------------------- what a commit reads

    def _fetch(self, view: View, wanted: Wanted) -> None:
        for pair in wanted.stocks - view.levels.keys():
            view.levels[pair] = self.levels.get(pair, Level())
        for name in wanted.streams - view.streams.keys():
            found = [*self.streams.get(name, ()), *(r for r in view.records if r.stream == name)]
            view.streams[name] = StreamRead(found[-1].version if found else 0, found)
        for name in wanted.tails - view.tails.keys():
            found = [*self.streams.get(name, ()), *(r for r in view.records if r.stream == name)]
            view.tails[name] = found[-TAIL_FACTS:]
        for row in wanted.counts - view.counts.keys():
            view.counts[row] = self.counts.get(row)
        for covers, pairs in wanted.on_top.items():
            tops = {(place, sku): self._on_top(place, sku, covers) for place, sku in pairs}
            view.tops.setdefault(covers, {}).update(tops)
        span = wanted.moved
        if span is not None:
            moved = (r for r in self.records if r.position > span.after)
            view.moved[span] = frozenset(r.stream for r in moved if not span.own_first <= r.position <= span.own_last)

    def _on_top(self, place: str, sku: str, covers: Covers) -> OnTop:
        entries = {
            shop: (up_to, known)
            for shop, up_to, known in zip(covers.shops, covers.up_to, covers.up_to_position, strict=True)
        }
        moved = [
            change
            for change in self.changes
            if (change.place, change.sku) == (place, sku)
            and _not_inside(change, entries.get(change.shop, entries.get(EVERY_SHOP)))
        ]
        counts = tuple(c for c in self.counts.values() if (c.place, c.sku) == (place, sku))
        return OnTop(sum(c.delta for c in moved), sum(c.on_hand_delta for c in moved), counts)

    # -------------------------------------------------------------- what a test looks at

    def stock(self, sku: str) -> Stock:
        """The SKU's stock now."""
        return self.levels.get((MAIN_PLACE, sku), Level()).stock

    def available(self, sku: str) -> int | None:
        """想定在庫数 of the SKU now."""
        return self.stock(sku).available_units

    def state(self, stream: str, fold: Fold[Any]) -> Any:
        """The stream, folded."""
        state = fold.initial
        for record in self.streams.get(stream, ()):
            state = fold.evolve(state, record)
        return state

    def order(self, shop: str, number: str) -> Order:
        """The order as its stream says."""
        order = self.state(keys.order(shop, number), FOLD)
        assert isinstance(order, Order)
        return order

    def stated(self, shop: str, number: str) -> Stated:
        """What the order's tellings say together."""
        return stated(self.order(shop, number))

    def listing(self, shop: str, item: str, variant: str = "") -> Listing:
        """The listing as its stream says."""
        found = self.state(keys.listing(shop, ListingKey(item, variant)), listing.FOLD)
        assert isinstance(found, Listing)
        return found

    def facts(self, name: str | type[Fact] = "") -> list[Any]:
        """The facts of the last commit, of one name or class where it is given."""
        wanted = name if isinstance(name, str) else name.__name__
        return [r.fact for r in self.last if wanted in ("", r.name)]

    def names(self) -> list[str]:
        """The names of the last commit's facts, in order."""
        return [record.name for record in self.last]


def _not_inside(change: Change, entry: tuple[str, int] | None) -> bool:
    if entry is None:
        return True
    up_to, known = entry
    return change.position > known if known > 0 else change.happened_at > datetime.fromisoformat(up_to)


def given(*happened: Verb | Draft | Callable[[Memory], object], now: datetime = BEGAN) -> Memory:
    """A ledger in which all of this has happened, one commit after the other."""
    memory = Memory(now)
    for one in happened:
        match one:
            case Verb():
                memory.when(one)
            case Draft():
                memory.record(one)
            case _:
                one(memory)
    memory.last = []
    return memory


def held_units(order: Order) -> dict[str, int]:
    """Units that the order holds, by SKU told: open and shipped."""
    totals: dict[str, int] = {}
    for entry in order.holding.entries:
        totals[entry.told] = totals.get(entry.told, 0) + entry.open_units + entry.shipped_units
    return {told: units for told, units in totals.items() if units}


def open_units(order: Order) -> dict[str, int]:
    """Units that the order holds and that have not left, by SKU told."""
    totals: dict[str, int] = {}
    for entry in order.holding.entries:
        totals[entry.told] = totals.get(entry.told, 0) + entry.open_units
    return {told: units for told, units in totals.items() if units}
