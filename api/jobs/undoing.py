"""An import is taken back: what it set and nothing touched since has the number from before it; what moved is named and left.

Look first (``look_back``), then ``undo``: both go through the very facts of the import, page by page. Stopped in the middle, the
same call goes on; done, it says what was done.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from api.cli.output import Cell
from api.jobs.imports import ImportNotKnown, Progress
from api.wiring import House
from ledger import keys, load
from ledger.book import By
from ledger.book import undo as back
from ledger.book.undo import UNDO_ROWS_MAX, Taken
from ledger.codec import Record, decode
from ledger.facts.stock import NumberUndone, StockFact
from ledger.load import Import
from ledger.reading import Selects, selects_of, stock_levels
from ledger.terms import MAIN_PLACE

PAGE_FACTS = 2_000
MOVED_SHOWN_MAX = 100


@dataclass
class Undone:
    """What is, or would be, taken back. Mutable: counted page by page. ``moved``: the SKUs that are left as they are.

    ``already``: taken back before.
    """

    import_id: str
    undone: int = 0
    already: int = 0
    moved: list[str] = field(default_factory=list)
    position: int = 0

    def cells(self) -> dict[str, Cell]:
        """As the command line and the doors show it."""
        return {
            "import": self.import_id,
            "undone": self.undone,
            "already": self.already,
            "left": len(self.moved),
            "moved": list(self.moved[:MOVED_SHOWN_MAX]),
            "position": self.position,
        }


@dataclass(frozen=True, slots=True)
class Set:
    """One number that an import set: by the fact at ``position``, in ``row`` of its file."""

    sku: str
    row: int | None
    before: int | None
    after: int | None
    position: int
    version: int


def look_back(house: House, import_id: str, progress: Progress | None = None) -> Undone:
    """What undoing the import would do now; nothing is recorded. Raises ImportNotKnown, ImportNotAccepted."""
    state = known(house, import_id)
    load.refuse_undo(state)
    return _through(house, import_id, state, None, progress)


def undo(house: House, import_id: str, by: By, progress: Progress | None = None) -> Undone:
    """The import is taken back, as far as nothing moved since. Twice is harmless. Raises ImportNotKnown, ImportNotAccepted."""
    state = known(house, import_id)
    load.refuse_undo(state)
    if state.state == load.UNDONE:
        return Undone(import_id, already=state.rows_undone)
    done = _through(house, import_id, state, by, progress)
    verb = back.undo_import(import_id, rows_undone=done.undone + done.already, rows_kept=len(done.moved))
    done.position = max(done.position, house.book.do(verb, by).position)
    return done


def known(house: House, import_id: str) -> Import:
    """The import as its facts say. Raises ImportNotKnown."""
    state = house.look(keys.load(import_id), load.FOLD)
    if state.state == load.NOT_STARTED:
        raise ImportNotKnown(
            f"import {import_id!r} changed nothing; expected one that `daicho imports` shows as applied"
        )
    return state


def numbers_set(house: House, import_id: str, state: Import) -> Iterator[list[Set]]:
    """The numbers that the import set, in the order it set them, a page at a time."""
    after, end = state.started_position, state.ended_position
    while True:
        with house.pool.connection() as connection:
            last = end or _head(connection)
            page = _page(connection, after, last)
        found = [
            Set(
                keys.parts_of(one.stream)[1],
                getattr(one.fact, "row", None),
                one.fact.before,
                one.fact.after,
                one.position,
                one.version,
            )
            for one in page
            if isinstance(one.fact, StockFact) and back.import_of(one) == import_id
        ]
        if found:
            yield found
        if len(page) < PAGE_FACTS:
            return
        after = page[-1].position


# ------------------------------------------------------------------ page by page


def _through(house: House, import_id: str, state: Import, by: By | None, progress: Progress | None) -> Undone:
    done, seen = Undone(import_id), 0
    for page in numbers_set(house, import_id, state):
        for start in range(0, len(page), UNDO_ROWS_MAX):
            few = {one.sku: one for one in page[start : start + UNDO_ROWS_MAX]}
            taken = _taken(house, import_id, few, done)
            if by is not None and taken:
                answer = house.book.do(back.undo_rows(import_id, taken), by)
                kept = answer.answer["kept"]
                assert isinstance(kept, list), kept
                done.moved.extend(str(sku) for sku in kept)
                done.undone += len(taken) - len(kept)
                done.position = answer.position
            else:
                done.undone += len(taken)
        seen += len(page)
        if progress is not None:
            progress(seen, state.changed)
    return done


def _taken(house: House, import_id: str, numbers: Mapping[str, Set], done: Undone) -> list[Taken]:
    """Those that can be taken back; the others are counted or named."""
    with house.pool.connection() as connection:
        selects = selects_of(house.database.schema)
        levels = stock_levels(connection, selects, [(MAIN_PLACE, sku) for sku in numbers])
        last = [sku for sku, one in numbers.items() if levels[MAIN_PLACE, sku].stock.version == one.version]
        others = [one for sku, one in numbers.items() if levels[MAIN_PLACE, sku].stock.version != one.version]
        streams = _records(connection, selects, {name: 0 for sku in last for name in (keys.stock(sku), keys.sku(sku))})
        newer = _records(connection, selects, {keys.stock(one.sku): one.version for one in others})
    taken: list[Taken] = []
    for sku in last:
        both = [*streams.get(keys.stock(sku), ()), *streams.get(keys.sku(sku), ())]
        found = back.taken_back(sku, sorted(both, key=lambda one: one.position), import_id)
        if found is None:
            done.moved.append(sku)
        else:
            taken.append(found)
    for one in others:
        behind = newer.get(keys.stock(one.sku), ())
        if any(isinstance(record.fact, NumberUndone) and record.fact.import_id == import_id for record in behind):
            done.already += 1
        elif not any(back.import_of(record) == import_id for record in behind):
            done.moved.append(one.sku)  # else a later number of this import stands for the SKU
    return taken


def _records(connection: Connection[Any], selects: Selects, streams: Mapping[str, int]) -> dict[str, list[Record]]:
    if not streams:
        return {}
    rows = connection.execute(selects.streams, (list(streams), list(streams.values())))
    found: dict[str, list[Record]] = {}
    for stream, version, name, state, position in rows.fetchall():
        found.setdefault(stream, []).append(decode(position, stream, version, name, bytes(state)))
    return found


def _page(connection: Connection[Any], after: int, last: int) -> Sequence[Record]:
    rows = connection.execute(
        "SELECT notification_id, originator_id, originator_version, topic, state FROM ledger_events"
        " WHERE notification_id > %s AND notification_id <= %s AND originator_id >= 'stock:' AND originator_id < 'stock;'"
        " ORDER BY notification_id LIMIT %s",
        (after, last, PAGE_FACTS),
    )
    return [decode(row[0], row[1], row[2], row[3], bytes(row[4])) for row in rows.fetchall()]


def _head(connection: Connection[Any]) -> int:
    row = connection.execute("SELECT position FROM ledger_head").fetchone()
    assert row is not None
    return int(row[0])
