"""Verbs of imports: started, a chunk of rows applied, finished, cancelled.

A chunk is decided ahead of the lock, as the ledger stood at one position (``decide_ahead``). Under the lock only those of its
rows are decided again whose SKU or listing has moved since; the others' facts are already made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ledger import keys, load, shop
from ledger.book import Verb
from ledger.book.load_rows import Decided, How, bring, decide, sku_of, wanted
from ledger.book.stock import check_counted_at
from ledger.codec import Envelope
from ledger.facts.load import ImportChunkApplied, ImportStarted
from ledger.load import AnyRow, LoadRow, NewRow, PlainRow
from ledger.plain import PlainRows
from ledger.reading import Look
from ledger.terms import utc_moment
from ledger.view import Draft, Made, NotReadYet, Span, View, Wanted
from ledger.writer import Decision

__all__ = [
    "Ahead",
    "Before",
    "How",
    "MovedTooMuch",
    "apply_chunk",
    "cancel_import",
    "decide_ahead",
    "finish_import",
    "start_import",
]

FACTS_OF_A_ROW_MAX = 4
EVERY_FACT = 1 << 62
STALE_ROWS_MAX = 200  # more are not decided under the lock, where every order waits


class Seen(Protocol):
    """Is told what would become of each row, when nothing is to be recorded."""

    def take(self, decided: Decided) -> None: ...

    def take_plain(self, row: PlainRow) -> None: ...

    def take_new(self, row: NewRow) -> None: ...


class MovedTooMuch(RuntimeError):
    """So much moved since the rows were read that they are to be decided again, each from all that it says."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A chunk that was decided ahead of the lock: its rows, what became of each and of which SKU it is, the facts made.

    ``listings`` are the streams of the rows' listings, with the SKU that is decided again when one of them moves.
    """

    rows: Sequence[AnyRow]
    outcomes: Sequence[str]
    skus: Sequence[str]
    listings: Mapping[str, str]
    made: Made

    def stale(self, moved: Iterable[str], before: "Before") -> frozenset[str]:
        """The SKUs whose rows rest on one of these streams, or on what the chunk before did.

        Raises MovedTooMuch when more than the stock of a plain row's SKU moved: that row knows nothing else.
        """
        found, more = set(before.skus), set(before.named)
        for stream in moved:
            kind = keys.kind_of(stream)
            if kind == "stock":
                found.add(keys.parts_of(stream)[-1])
            elif kind == "sku":
                more.add(keys.parts_of(stream)[-1])
            elif stream in self.listings:
                more.add(self.listings[stream])
        stale = frozenset((found | more).intersection(self.skus))
        if more and any(isinstance(row, PlainRow) and row.sku in more for row in self.rows):
            raise MovedTooMuch(
                f"more than the stock of {len(more)} SKUs moved; expected no more than that of a plain row"
            )
        return stale

    def before(self, first: int, last: int) -> "Before":
        """What this chunk is to the next one, its facts standing at these positions."""
        named = frozenset(
            code for row, code in zip(self.rows, self.skus, strict=True) if not isinstance(row, PlainRow) and code
        )
        return Before(first, last, frozenset(self.skus), named)


@dataclass(frozen=True, slots=True)
class Before:
    """The chunk that this import committed while the next one was decided: its positions, its SKUs, and those of which it
    may have said more than a number.
    """

    first: int = 0
    last: int = 0
    skus: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()


def decide_ahead(
    look: Look,
    how: How,
    rows: Sequence[AnyRow],
    envelope: Envelope,
    seen: Seen | None = None,
) -> Ahead:
    """The rows as far as one commit may take them, decided as the ledger stood at the look's position; nothing is recorded.

    No SKU of a plain or a new row comes twice. With ``seen`` all rows are decided, it is told of each, and the answer is not
    one to apply. Raises MovedTooMuch, before anything is decided.
    """
    position, facts_max = look.view.position, load.CHUNK_FACTS_MAX if seen is None else EVERY_FACT
    rows = _read(look, how, rows)
    chunk = _Chunk(look, how, envelope, seen)
    for n, row in enumerate(rows):
        if len(look.view.facts) + FACTS_OF_A_ROW_MAX > facts_max:
            break
        match row:
            case PlainRow():
                chunk.take_plain(row)
            case NewRow():
                chunk.take_new(row)
            case LoadRow():
                chunk.take(row, rows[n:])
    done, skus = rows[: len(chunk.outcomes)], chunk.skus
    listings = {row.stream: code for row, code in zip(done, skus, strict=True) if row.stream is not None}
    for row, code in zip(done, skus, strict=True):
        if isinstance(row, LoadRow):
            listings.update(dict.fromkeys(row.pages, code))
    made = Made(position, look.view.facts, chunk.of_facts, look.view.effects)
    return Ahead(done, chunk.outcomes, skus, listings, made)


class _Chunk:
    """Rows as they are decided over one look. Mutable: the outcome and the SKU of every row, the SKU of every fact."""

    def __init__(self, look: Look, how: How, envelope: Envelope, seen: Seen | None) -> None:
        self._look, self._view, self._how, self._envelope, self._seen = look, look.view, how, envelope, seen
        self._plain = PlainRows(envelope, replace(envelope, at=how.counted_at), how.plain_covers, how.import_id)
        self.outcomes: list[str] = []
        self.skus: list[str] = []
        self.of_facts: list[str] = []

    def take_plain(self, row: PlainRow) -> None:
        if self._seen is None:
            self._plain.number(self._view, row)
            self.of_facts.append(row.sku)
        else:
            self._seen.take_plain(row)
        self.outcomes.append(load.CHANGED)
        self.skus.append(row.sku)

    def take_new(self, row: NewRow) -> None:
        if self._seen is None:
            before = len(self._view.facts)
            self._plain.first(self._view, row)
            self.of_facts.extend([row.sku] * (len(self._view.facts) - before))
        else:
            self._seen.take_new(row)
        self.outcomes.append(load.CHANGED)
        self.skus.append(row.sku)

    def take(self, row: LoadRow, following: Sequence[AnyRow]) -> None:
        """``following``: the row and those behind it, what is read for it is read for them too."""
        while True:
            try:
                decided = decide(self._view, self._how, row)
                self._view.apply(decided.drafts, self._envelope)
                break
            except NotReadYet as more:
                others = [one for one in following if isinstance(one, LoadRow)]
                self._look.read(_also_wanted(self._view, self._how, others, more.wanted))
        self.outcomes.append(decided.outcome)
        self.skus.append(decided.sku)
        self.of_facts.extend([decided.sku] * len(decided.drafts))
        if self._seen is not None:
            self._seen.take(decided)


def start_import(import_id: str, started: ImportStarted) -> Verb:
    """The import runs, or runs on. The answer has ``chunk`` and ``last_row``, the last applied, and ``since``, where it began.

    Raises ImportNotAccepted, CountTooOld.
    """
    stream = keys.load(import_id)
    streams = {stream} | ({keys.shop(started.shop)} if started.shop else set())

    def decide_start(view: View) -> Decision:
        check_counted_at(utc_moment(started.counted_at), view.now)
        state = view.state(stream, load.FOLD)
        facts = load.start(state, started, shop_is_pushing=_is_pushing(view, started.shop))
        since = view.position + 1 if facts else state.started_position
        return Decision(
            [Draft(stream, fact) for fact in facts],
            {"chunk": state.chunk, "last_row": state.last_row, "since": since},
        )

    return Verb("start_import", decide_start, (import_id, started), Wanted(streams=streams))


def apply_chunk(chunk: int, ahead: Ahead, how: How, before: Before = Before()) -> Verb:
    """Chunk ``chunk`` (from 1) is applied, in one commit of its own; applied before, it changes nothing.

    ``before``: what this import committed itself since the chunk was decided, and is not asked for again.

    The answer has ``changed``, ``skipped`` (row, reason) and ``stale``, how many rows were decided again. Raises
    ImportNotAccepted, MovedTooMuch.
    """
    stream, rows = keys.load(how.import_id), ahead.rows
    assert 0 < len(rows) <= load.CHUNK_ROWS_MAX, len(rows)
    streams = {stream} | ({keys.shop(how.shop)} if how.shop and how.mode == "add" else set())
    span = Span(ahead.made.position, before.first, before.last)
    passed = before if before.last > ahead.made.position else Before()

    def decide_chunk(view: View) -> Decision:
        state = view.state(stream, load.FOLD)
        if chunk <= state.chunk:
            return Decision((), {"changed": 0, "skipped": [], "stale": 0, "already": True})
        if state.state != load.RUNNING or chunk != state.chunk + 1:
            raise load.ImportNotAccepted(
                f"chunk {chunk} of an import that is {state.state} at chunk {state.chunk}; expected the next chunk of a running one"
            )
        load.refuse_while_pushing(how.mode, shop_is_pushing=how.mode == "add" and _is_pushing(view, how.shop))
        stale = ahead.stale(view.moved_in(span), passed)
        drafts, outcomes = _again(view, how, ahead, stale) if stale else ([], ahead.outcomes)
        changed = sum(outcome == load.CHANGED for outcome in outcomes)
        skipped = [(row.row, said) for row, said in zip(rows, outcomes, strict=True) if said in load.SKIPS]
        applied = ImportChunkApplied(
            chunk=chunk, last_row=rows[-1].row, rows=len(rows), changed=changed, skipped=len(skipped)
        )
        return Decision(
            [Draft(stream, applied), *drafts],
            {"changed": changed, "skipped": skipped, "stale": sum(code in stale for code in ahead.skus)},
            ahead.made,
            stale,
        )

    reads = Wanted(streams=streams, moved=span)
    return Verb("apply_chunk", decide_chunk, (how.import_id, chunk), reads, alone=True)


def finish_import(import_id: str, *, rows: int, unchanged: int, beside: int = 0) -> Verb:
    """Every row was applied or skipped, or (``beside``) waits beside another mall's number. Raises ImportNotAccepted."""
    stream = keys.load(import_id)

    def decide_end(view: View) -> Decision:
        facts = load.finish(view.state(stream, load.FOLD), rows=rows, unchanged=unchanged, beside=beside)
        return Decision([Draft(stream, fact) for fact in facts])

    return Verb("finish_import", decide_end, (import_id, rows, unchanged, beside), Wanted(streams={stream}))


def cancel_import(import_id: str) -> Verb:
    """A person stopped it. Raises ImportNotAccepted."""
    stream = keys.load(import_id)

    def decide_end(view: View) -> Decision:
        return Decision([Draft(stream, fact) for fact in load.cancel(view.state(stream, load.FOLD))])

    return Verb("cancel_import", decide_end, (import_id,), Wanted(streams={stream}))


# ------------------------------------------------------------------ ahead of the lock


def _read(look: Look, how: How, rows: Sequence[AnyRow]) -> Sequence[AnyRow]:
    """The same rows, with all that deciding them surely reads in the view; plain and new rows bring what they need.

    Raises MovedTooMuch when a link that is newer than its row made it one of a plain or a new row's SKU.
    """
    full = [row for row in rows if isinstance(row, LoadRow)]
    if not full:
        return rows
    fresh = _still_linked(look, full)
    bring(look.view, how, fresh)
    look.read(wanted(how, fresh))
    codes = _skus_of(look, fresh)
    if any(not isinstance(row, LoadRow) and row.sku in codes for row in rows):
        raise MovedTooMuch(
            "a listing was linked anew; expected every row of its SKU to be decided from all that it says"
        )
    following = iter(fresh)
    return [next(following) if isinstance(row, LoadRow) else row for row in rows]


def _skus_of(look: Look, rows: Sequence[LoadRow]) -> set[str]:
    """The SKUs that the rows speak of; what codes mean that were made one with others is read too."""
    while True:
        more, found = Wanted(), set[str]()
        for row in rows:
            try:
                found.add(sku_of(look.view, row))
            except NotReadYet as unread:
                more.add(unread.wanted)
        if not more:
            return found
        look.read(more)


def _still_linked(look: Look, rows: Sequence[LoadRow]) -> Sequence[LoadRow]:
    """Rows whose listing has facts that are newer than what the row knows read its stream, and all else anew."""
    known = {row.stream: row.linked.version for row in rows if row.stream is not None and row.linked is not None}
    newer = look.newer(known) if known else set()
    return [row.unread() if row.stream in newer else row for row in rows] if newer else rows


def _also_wanted(view: View, how: How, rows: Sequence[LoadRow], more: Wanted) -> Wanted:
    """What this row wants, and in the same round what those behind it will."""
    for row in rows:
        try:
            decide(view, how, row)
        except NotReadYet as also:
            more.add(also.wanted)
    return more


# ------------------------------------------------------------------ under the lock


def _again(view: View, how: How, ahead: Ahead, stale: frozenset[str]) -> tuple[list[Draft], list[str]]:
    """The drafts of the rows of these SKUs, decided as the ledger stands now, and what became of every row. Raises MovedTooMuch."""
    at = [n for n, code in enumerate(ahead.skus) if code in stale]
    if len(at) > STALE_ROWS_MAX:
        raise MovedTooMuch(f"{len(at)} rows of {len(ahead.rows)} moved; expected at most {STALE_ROWS_MAX}")
    rows = [ahead.rows[n].unread() for n in at]
    reads = wanted(how, rows)
    view.need(skus={sku for _, sku in reads.stocks}, streams=reads.streams)
    trial, drafts, outcomes = view.trial(), list[Draft](), list(ahead.outcomes)
    for place, (n, row) in enumerate(zip(at, rows, strict=True)):
        try:
            _, found, outcomes[n] = decide(trial, how, row)
            trial.apply(found, TRIED)
        except NotReadYet as more:
            raise NotReadYet(_also_wanted(trial, how, rows[place:], more.wanted)) from None
        drafts.extend(found)
    return drafts, outcomes


TRIED = Envelope(utc_moment("2000-01-01T00:00:00.000000Z"), "", "")  # of drafts on a trial view, which is thrown away


def _is_pushing(view: View, code: str | None) -> bool:
    return bool(code) and view.state(keys.shop(code or ""), shop.FOLD).push
