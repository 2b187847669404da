"""Verbs that take back what an import set: the number of each SKU as it was before it, where nothing moved since.

A SKU is taken back only while the import's fact is the last one of its stock; any other that came behind it (an order, a
person, another file) leaves the SKU as it is, and it is named. What an import registered and linked stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger import keys, load
from ledger.book import Verb
from ledger.codec import Record
from ledger.facts.stock import NumberUndone, SetUpPartReplaced, StockAdded, StockFact, StockOverwritten
from ledger.levels import Count, Effects, Level, book, replay
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE, utc_text
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

VOID = -1  # the position of a count that speaks for no number
UNDO_ROWS_MAX = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """A SKU that an import set and nothing touched since. ``version`` is that of its stock; ``fact`` takes the number back."""

    sku: str
    version: int
    fact: NumberUndone


def import_of(record: Record) -> str | None:
    """The import that set a number by this fact; None: no import did."""
    fact = record.fact
    return fact.import_id if isinstance(fact, StockOverwritten | StockAdded | SetUpPartReplaced) else None


def taken_back(sku: str, records: Sequence[Record], import_id: str) -> Taken | None:
    """How the number is taken back; None: something behind the import's facts moved it, or it was taken back before.

    ``records`` are all facts of the SKU's stock at the main place and of the SKU itself, in the order of their positions.
    """
    stock = [record for record in records if isinstance(record.fact, StockFact)]
    kept = len(stock)
    while kept and import_of(stock[kept - 1]) == import_id:
        kept -= 1
    if kept == len(stock) or any(import_of(record) == import_id for record in stock[:kept]):
        return None
    first = stock[kept]
    before, counts = _state([record for record in records if record.position < first.position])
    touched = set(_state(stock[kept:])[1])
    now = stock[-1].fact
    assert isinstance(now, StockFact)
    listed = [counts.get(shop) or Count(MAIN_PLACE, sku, shop, None, VOID) for shop in sorted(touched | counts.keys())]
    row = first.fact.row if isinstance(first.fact, StockOverwritten | StockAdded | SetUpPartReplaced) else None
    fact = NumberUndone(
        before=now.after,
        after=before.stock.available_units,
        on_hand=before.stock.on_hand_units,
        import_id=import_id,
        row=row,
        counted_position=before.counted_position,
        counted_at=utc_text(before.counted_at) if before.counted_at else "",
        counted_by=before.counted_by,
        counted_plainly=before.counted_plainly,
        counts_shops=[count.shop for count in listed],
        counts_up_to=[utc_text(count.up_to) if count.up_to else "" for count in listed],
        counts_positions=[count.position for count in listed],
        counts_parts=[VOID if count.part_units is None else count.part_units for count in listed],
    )
    return Taken(sku, stock[-1].version, fact)


def undo_rows(import_id: str, rows: Sequence[Taken]) -> Verb:
    """These SKUs have their numbers back; the answer's ``kept`` are those that moved meanwhile. Raises ImportNotAccepted."""
    assert len(rows) <= UNDO_ROWS_MAX, len(rows)
    stream = keys.load(import_id)

    def decide(view: View) -> Decision:
        load.refuse_undo(view.state(stream, load.FOLD))
        drafts: list[Draft] = []
        kept: list[str] = []
        for row in rows:
            if view.stock(row.sku).version == row.version:
                drafts.append(Draft(keys.stock(row.sku), row.fact))
            else:
                kept.append(row.sku)
        return Decision(drafts, {"undone": len(drafts), "kept": kept})

    reads = Wanted(streams={stream}, stocks={(MAIN_PLACE, row.sku) for row in rows})
    return Verb("undo_rows", decide, (import_id, [(row.sku, row.version) for row in rows]), reads)


def undo_import(import_id: str, *, rows_undone: int, rows_kept: int) -> Verb:
    """The import is 取消済: what could be taken back is. Twice is harmless. Raises ImportNotAccepted."""
    stream = keys.load(import_id)

    def decide(view: View) -> Decision:
        facts = load.undo(view.state(stream, load.FOLD), rows_undone=rows_undone, rows_kept=rows_kept)
        return Decision([Draft(stream, fact) for fact in facts])

    return Verb("undo_import", decide, (import_id, rows_undone, rows_kept), Wanted(streams={stream}))


def _state(records: Sequence[Record]) -> tuple[Level, dict[str, Count]]:
    """The level of the main place after these facts, and the last count of each shop."""
    levels: dict[tuple[str, str], Level] = {}
    counts: dict[str, Count] = {}
    for record in records:
        fact = record.fact
        if isinstance(fact, StockFact):
            place, sku = keys.parts_of(record.stream)
            effects = Effects()
            before = levels.get((place, sku), Level(Stock()))
            levels[place, sku] = book(effects, before, place, sku, fact, record.envelope.at, record.position)
            counts |= {count.shop: count for count in effects.counts if place == MAIN_PLACE}
        else:
            replay(levels, record)
    found = next((level for (place, _), level in levels.items() if place == MAIN_PLACE), Level())
    return found, counts
