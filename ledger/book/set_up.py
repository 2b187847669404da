"""Verbs of the set-up: one of the numbers that malls stated side by side is booked, with all that were seen (D5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger import counting, keys, load
from ledger.book import Verb
from ledger.counting import Covers, Seen
from ledger.facts.load import ImportChunkApplied, SetUpChosen
from ledger.terms import MAIN_PLACE
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

CHOICE_ROWS_MAX = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """One SKU's number among those that ``seen`` has. ``counted_position``: of the number that stood when they were laid beside."""

    row: int
    sku: str
    units: int
    covers: Covers
    counted_at: datetime
    seen: Seen
    counted_position: int


def start_choice(choice_id: str, chosen: SetUpChosen) -> Verb:
    """The choice is being booked, or goes on. The answer has ``chunk``, the last one booked. Raises ImportNotAccepted."""
    stream = keys.load(choice_id)

    def decide(view: View) -> Decision:
        state = view.state(stream, load.FOLD)
        facts = load.choose(state, chosen)
        return Decision([Draft(stream, fact) for fact in facts], {"chunk": state.chunk})

    return Verb("start_choice", decide, (choice_id, chosen), Wanted(streams={stream}))


def book_choices(choice_id: str, chunk: int, rows: Sequence[Choice], *, owed: str | None) -> Verb:
    """Chunk ``chunk`` of the choice is booked; booked before, it changes nothing.

    The answer has ``changed`` and ``skipped`` (row, reason): a SKU with owed units where ``owed`` was not said, or one that
    was counted anew meanwhile. Raises ImportNotAccepted.
    """
    assert 0 < len(rows) <= CHOICE_ROWS_MAX, len(rows)
    stream = keys.load(choice_id)

    def decide(view: View) -> Decision:
        state = view.state(stream, load.FOLD)
        if chunk <= state.chunk:
            return Decision((), {"changed": 0, "skipped": [], "already": True})
        if state.state != load.RUNNING or chunk != state.chunk + 1:
            raise load.ImportNotAccepted(
                f"chunk {chunk} of a choice that is {state.state} at chunk {state.chunk}; expected the next chunk of a running one"
            )
        drafts: list[Draft] = []
        skipped: list[tuple[int, str]] = []
        for row in rows:
            level, top = view.level(row.sku), view.on_top(row.sku, row.covers)
            if level.counted_position != row.counted_position:
                skipped.append((row.row, load.OLDER))
            elif owed is None and counting.owed_units(level.stock, top.available):
                skipped.append((row.row, load.OWED))
            else:
                fact = counting.overwrite(
                    level.stock,
                    row.units,
                    covers=row.covers,
                    applied_on_top=top.available,
                    owed=owed,
                    import_id=choice_id,
                    row=row.row,
                    seen=row.seen,
                )
                drafts.append(Draft(keys.stock(row.sku), fact, row.counted_at))
        applied = ImportChunkApplied(
            chunk=chunk, last_row=rows[-1].row, rows=len(rows), changed=len(drafts), skipped=len(skipped)
        )
        return Decision([Draft(stream, applied), *drafts], {"changed": len(drafts), "skipped": skipped})

    reads = Wanted(streams={stream}, stocks={(MAIN_PLACE, row.sku) for row in rows})
    for row in rows:
        reads.on_top.setdefault(row.covers, set()).add((MAIN_PLACE, row.sku))
    return Verb("book_choices", decide, (choice_id, chunk), reads, alone=True)
