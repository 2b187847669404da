"""A page of the inbox is opened and read: each row becomes what it tells, a mark, or a failed try. Nothing is taken here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import psycopg

from api.jobs.message_reading import (
    CONFIRMATION_BYTES_MAX,
    Reader,
    Reading,
    confirmation,
    read_row,
    reader_of,
    senders_of,
    too_large_to_read,
)
from api.sealing import CannotOpen
from api.tables import inbox
from api.tables.inbox import IGNORED, QUARANTINED, WAITING, InboxRow, Mark
from api.wiring import House
from ledger import keys, shop
from ledger.reading import Selects, state_of
from ledger.shop import Shop
from ledger.terms import Door
from ledger.writer import OURS

PAGE_BYTES_MAX = 8_000_000  # of messages open at once
INTAKE_STOPPED = "intake_stopped"
SHOP_NOT_CONNECTED = "shop_not_connected"
DUPLICATE = "duplicate"
Connection: TypeAlias = psycopg.Connection
Readers: TypeAlias = Mapping[tuple[str, str], Reader | str]  # by shop and door


@dataclass(frozen=True, slots=True)
class Failed:
    """A try of a row that failed. ``rule`` is the class of what was raised."""

    row: InboxRow
    rule: str


def shops_of(house: House, connection: Connection, codes: Sequence[str]) -> dict[str, Shop]:
    """The shops as they are now; for looking, never for deciding."""
    selects = Selects(house.database.schema)
    return {code: state_of(connection, selects, keys.shop(code), shop.FOLD) for code in codes}


def read_page(
    house: House, connection: Connection, rows: Sequence[InboxRow], shops: Mapping[str, Shop]
) -> list[Reading | Failed]:
    """What each row tells, the mark of one that tells nothing, or its failed try."""
    first = inbox.first_of_same(connection, rows)
    running = {code for code, one in shops.items() if one.connected and one.intake}
    doors = {(row.shop, row.door) for row in rows if row.shop in running}
    senders = senders_of(house)
    readers = {(code, door): reader_of(shops[code], door, senders) for code, door in doors}
    marks = {row.id: mark for row in rows if (mark := _unread(row, shops[row.shop], readers, first)) is not None}
    marks |= _confirmations(house, connection, [row for row in rows if row.id in marks and row.id not in first], marks)
    readings: list[Reading | Failed] = list(marks.values())
    for group in _groups([row for row in rows if row.id not in marks]):
        readings.extend(_read_group(house, connection, group, readers))
    return readings


def _unread(row: InboxRow, one: Shop, readers: Readers, first: Mapping[int, int]) -> Mark | None:
    """The mark of a row whose message need not be opened."""
    if not one.connected:
        return Mark(row.id, WAITING, SHOP_NOT_CONNECTED)
    if not one.intake:
        return Mark(row.id, WAITING, INTAKE_STOPPED)
    if row.id in first:
        return Mark(row.id, IGNORED, DUPLICATE, same_as=first[row.id])
    reader = readers[row.shop, row.door]
    return Mark(row.id, QUARANTINED, reader) if isinstance(reader, str) else too_large_to_read(row)


def _confirmations(
    house: House, connection: Connection, rows: Sequence[InboxRow], marks: Mapping[int, Mark]
) -> dict[int, Mark]:
    """Mails that ask whether mails may be forwarded here, also while the intake is stopped: that is when they come."""
    asked: dict[int, Mark] = {}
    small = [row for row in rows if row.door == Door.MAIL and row.size_bytes <= CONFIRMATION_BYTES_MAX]
    for group in _groups([row for row in small if marks[row.id].state == WAITING]):
        try:
            raws = inbox.raw_of(connection, house.seals, group)
        except CannotOpen:  # it is said when the intake reads them
            continue
        asked |= {row.id: mark for row in group if (mark := confirmation(row, raws.get(row.id))) is not None}
    return asked


def _groups(rows: Sequence[InboxRow]) -> Iterator[list[InboxRow]]:
    group: list[InboxRow] = []
    size = 0
    for row in rows:
        if group and size + row.size_bytes > PAGE_BYTES_MAX:
            yield group
            group, size = [], 0
        group.append(row)
        size += row.size_bytes
    if group:
        yield group


def _read_group(
    house: House, connection: Connection, rows: Sequence[InboxRow], readers: Readers
) -> Iterator[Reading | Failed]:
    try:
        raws = inbox.raw_of(connection, house.seals, rows)
    except ValueError as error:  # CannotOpen: which of them, is found one by one
        if len(rows) == 1:
            yield Failed(rows[0], type(error).__name__)
            return
        for row in rows:
            yield from _read_group(house, connection, [row], readers)
        return
    for row in rows:
        reader = readers[row.shop, row.door]
        assert isinstance(reader, Reader), row.shop
        try:
            yield read_row(row, raws.get(row.id), reader)
        except (ValueError, *OURS) as error:
            yield Failed(row, type(error).__name__)
