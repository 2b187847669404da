"""Kept messages read again by the present readers: what they tell differently becomes a correction, as a fact.

A message is read by what is there now: a newer parser, a corrected profile, another setting of the shop. Only where it says
something else than was recorded of it, it goes through intake again; its fact carries the version of the parser, and stands
over the older reading of the same message. Raw messages are kept for a time only; their facts stay.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from api.jobs.intake import BACKLOG_SKIPPED, order_verb
from api.jobs.message_reading import Hinted, Reader, Reading, Told, read_row, reader_of, senders_of
from api.jobs.naming import names_of
from api.jobs.page_reading import DUPLICATE
from api.jobs.relink import ProjectedListings
from api.jobs.settling import Settled, settle
from api.jobs.trying import available_changes, tried
from api.projecting import catch_up
from api.tables import inbox, inbox_kept
from api.tables.inbox import IGNORED, QUARANTINED, READ, InboxRow, Mark
from api.wiring import House
from ledger import keys, shop
from ledger.facts.order import OrderTold
from ledger.order import FOLD as ORDER
from ledger.shop import Shop
from ledger.terms import Telling, utc_text
from ledger.writer import OURS

PAGE_ROWS = 100
PERSON = "person"
BY_CHOICE = (PERSON, DUPLICATE, BACKLOG_SKIPPED)  # ignored for a reason that no reader changes


@dataclass
class Reread:
    """What reading again found. Mutable: counted row by row.

    ``same``: says what was recorded. ``corrected``: says something else. ``understood``: waited or was ignored, and tells of
    an order now. ``not_understood``: waits still. ``other_order``: names another order than before, which a person has to
    look at. ``stopped``: of shops whose intake stands still. ``changes``: by how much available_units would change, by SKU.
    ``ids``: the rows that go through intake again.
    """

    messages: int = 0
    same: int = 0
    corrected: int = 0
    understood: int = 0
    not_understood: int = 0
    other_order: int = 0
    stopped: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    ids: list[int] = field(default_factory=list)


def preview(
    house: House,
    *,
    code: str | None = None,
    since: datetime | None = None,
    progress: Callable[[int], None] | None = None,
) -> Reread:
    """What the kept messages (of one shop; that came from ``since`` on) tell differently now. Nothing is recorded."""
    catch_up(house)  # lines find their listings
    found = Reread()
    shops: dict[str, Shop] = {}
    for page in _pages(house, code, since):
        for row in page:
            shops.setdefault(row.shop, house.look(keys.shop(row.shop), shop.FOLD))
        running = [row for row in page if shops[row.shop].connected and shops[row.shop].intake]
        found.messages += len(page)
        found.stopped += len(page) - len(running)
        _look_at(house, running, shops, found)
        if progress is not None:
            progress(found.messages)
    return found


def apply(house: House, seen: Reread, *, progress: Callable[[int, int], None] | None = None) -> Settled:
    """What a preview found is told to the ledger: those messages go through intake again. Twice is harmless."""
    with house.pool.connection() as connection:
        inbox_kept.read_again(connection, house.database.schema, seen.ids)
    return settle(house, seen.ids, progress=progress)


# ------------------------------------------------------------------ one page


def _pages(house: House, code: str | None, since: datetime | None) -> Iterator[list[InboxRow]]:
    after = 0
    while True:
        with house.pool.connection() as connection:
            rows = inbox_kept.kept_messages(connection, shop=code, since=since, after=after, rows_max=PAGE_ROWS)
        if not rows:
            return
        after = rows[-1].id
        yield [row for row in rows if not (row.state == IGNORED and row.reason in BY_CHOICE)]


def _look_at(house: House, rows: Sequence[InboxRow], shops: dict[str, Shop], found: Reread) -> None:
    with house.pool.connection() as connection:
        readings = _read(house, connection, rows, shops)
        told = [one for one in readings if isinstance(one, Told) and not _says_the_same(house, one, found)]
        listings = ProjectedListings(house.database.schema)
        named = [its.lines for its in names_of(connection, listings, [(one.row.shop, one.telling) for one in told])]
    verbs = [order_verb(one, lines, shops[one.row.shop]) for one, lines in zip(told, named, strict=True)]
    for one, decision in zip(told, tried(house, verbs), strict=True):
        if isinstance(decision, ValueError):
            found.not_understood += 1
        elif decision.drafts:
            found.ids.append(one.row.id)
            found.changes.update(available_changes(decision.drafts))
            if one.row.state == READ:
                found.corrected += 1
            else:
                found.understood += 1
        elif one.row.state == READ:
            found.same += 1
        else:  # known by another door; the row is marked read all the same
            found.ids.append(one.row.id)
            found.understood += 1
    found.same += sum(isinstance(one, Hinted) for one in readings)
    found.same += sum(isinstance(one, Mark) and one.state == IGNORED for one in readings)
    found.not_understood += sum(isinstance(one, Mark) and one.state == QUARANTINED for one in readings)


def _read(
    house: House, connection: psycopg.Connection, rows: Sequence[InboxRow], shops: dict[str, Shop]
) -> list[Reading]:
    readings: list[Reading] = []
    raws = inbox.raw_of(connection, house.seals, rows)
    senders = senders_of(house)
    for row in rows:
        reader = reader_of(shops[row.shop], row.door, senders)
        if row.id not in raws or not isinstance(reader, Reader):
            continue
        try:
            readings.append(read_row(row, raws[row.id], reader))
        except (ValueError, *OURS):  # a fault of the reader: intake records such a row as failed
            continue
    return readings


def _says_the_same(house: House, one: Told, found: Reread) -> bool:
    """Whether the message was recorded with just this; one that now names another order is counted and left."""
    if one.row.state != READ:
        return False
    if one.row.order_number != one.telling.order:
        found.other_order += 1
        return True
    kept = house.look(keys.order(one.row.shop, one.telling.order), ORDER).kept
    own = [k.told for k in kept if k.told.inbox_id == str(one.row.id)]
    proven_now = one.telling.verified and bool(own) and not own[-1].verified
    same = bool(own) and _said(own[-1]) == _says(one.telling) and not proven_now
    found.same += same
    return same


def _said(fact: OrderTold) -> tuple[object, ...]:
    """What was read of the message: not which listings its codes named then."""
    return (
        (fact.state, fact.reason, fact.complete, fact.revision, fact.ordered_at, fact.told_at),
        (fact.items, fact.variants, fact.codes, fact.quantities, fact.units_known),
    )


def _says(telling: Telling) -> tuple[object, ...]:
    lines = telling.lines
    ordered = (
        utc_text(telling.ordered_at)
        if telling.ordered_at
        else telling.ordered_on.isoformat()
        if telling.ordered_on
        else None
    )
    reason = str(telling.reason) if telling.reason else None
    return (
        (str(telling.state), reason, telling.complete, telling.revision, ordered, utc_text(telling.told_at)),
        (
            [line.item for line in lines],
            [line.variant for line in lines],
            ["\t".join(line.codes) for line in lines],
            [line.quantity for line in lines],
            [line.quantity_known for line in lines],
        ),
    )
