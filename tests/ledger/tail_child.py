"""A process that follows the ledger and says what it sees, until it is killed; it starts after the position it is told.

Run as ``python -m tests.ledger.tail_child URL SCHEMA WAY AFTER``; WAY is ``pages`` (select_notifications) or ``subscription``.
"""

import sys
import time
from collections.abc import Iterator

from api.database import Database
from ledger.store import LedgerRecorder, open_ledger
from tests import crashes

PAGE_FACTS = 7
POLL_SECONDS = 0.005


def run(url: str, schema: str, way: str, after: str) -> None:
    """One line a fact: ``POSITION STREAM VERSION``."""
    database = Database(url, schema)
    with open_ledger(database.conninfo(name="tail"), schema) as ledger:
        recorder = ledger.recorder_of_facts
        followed = pages(recorder, int(after)) if way == "pages" else subscription(recorder, int(after))
        for line in followed:
            crashes.say(line)


def pages(recorder: LedgerRecorder, after: int) -> Iterator[str]:
    """What select_notifications answers, page by page, asked again and again."""
    while True:
        page = recorder.select_notifications(after, PAGE_FACTS, inclusive_of_start=False)
        for n in page:
            yield f"{n.id} {n.originator_id} {n.originator_version}"
            after = n.id
        if not page:
            time.sleep(POLL_SECONDS)


def subscription(recorder: LedgerRecorder, after: int) -> Iterator[str]:
    """What the library's subscription gives, woken by NOTIFY."""
    with recorder.subscribe(gt=after) as followed:
        for n in followed:
            yield f"{n.id} {n.originator_id} {n.originator_version}"


if __name__ == "__main__":
    run(*sys.argv[1:])
