"""Takes away what is kept for a time only: answers of repeated calls, dated changes, raw messages, rows of imported files.

Facts and seals are never among it. A page at a time, so that no statement holds many rows; what is left waits for the
next round.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import LiteralString

from api.jobs.worker import Loop
from api.wiring import House
from ledger.levels import CHANGES_KEPT_DAYS

KEYS_KEPT_DAYS = 30
PAGE_ROWS = 5_000
ROUND_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows that go when they are older than ``days``. ``delete`` takes (moment, page of rows)."""

    name: str
    days: int
    delete: LiteralString


def loops(house: House) -> list[Loop]:
    """The loop that takes away what is over its time."""
    return [Loop("retention", partial(sweep, house), poll_seconds=ROUND_SECONDS)]


def sweep(house: House) -> int:
    """One page of each kind is gone; the answer is how many rows, 0 when nothing is over its time."""
    count = 0
    for one in kinds(house):
        with house.pool.connection() as connection:
            before = house.clock.now() - timedelta(days=one.days)
            count += max(0, connection.execute(one.delete, (before, PAGE_ROWS)).rowcount)
    return count


def kinds(house: House) -> Sequence[Kept]:
    """What is kept for a time, and how long in this house."""
    days = house.settings.message_days
    return (
        Kept("answers", KEYS_KEPT_DAYS, _deletion("command_keys", "kept_at < %s")),
        Kept("changes", CHANGES_KEPT_DAYS + 1, _deletion("stock_changes", "happened_at < %s")),
        Kept("messages", days, _deletion("inbox_messages", _READ_MESSAGES)),
        Kept("rows", days, _deletion("import_rows", _OLD_IMPORTS)),
        Kept("lines", days, _deletion("import_lines", _OLD_IMPORTS)),
        Kept("parents", days, _deletion("import_parents", _OLD_IMPORTS)),
        Kept("files", days, _deletion("import_pieces", _OLD_IMPORTS)),
        Kept("differences", days, _deletion("import_differences", _OLD_IMPORTS)),
    )


_OLD_IMPORTS: LiteralString = "import_id IN (SELECT import_id FROM import_files WHERE made_at < %s)"

# A message that was not read is kept: it waits for a person.
_READ_MESSAGES: LiteralString = (
    "inbox_id IN (SELECT id FROM inbox WHERE state IN ('read', 'ignored') AND received_at < %s)"
)


def _deletion(table: LiteralString, condition: LiteralString) -> LiteralString:
    return f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {condition} LIMIT %s))"
