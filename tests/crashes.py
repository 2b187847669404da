"""Which program is killed at which named place: every place of ``ledger.failpoint`` stands here once.

A part adds its places to REACHED with its own child program, and a test of its own that asks ``points_of`` for them,
kills with ``killed_at``, and looks afterwards that nothing acknowledged is lost and nothing counts twice.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

from ledger import failpoint

LEDGER = "tests.ledger.crash_child"
INBOUND = "tests.api.inbound.crash_child"
ORDERS = "tests.api.jobs.orders_crash_child"
MAILBOX = "tests.api.jobs.mailbox_crash_child"
PUSH = "tests.api.jobs.crash_child"
BATCH = "tests.api.jobs.batch_crash_child"
BULK = "tests.api.jobs.import_crash_child"
PROJECTIONS = "tests.projections.crash_child"

REACHED: dict[str, str] = {
    "commit.locked": LEDGER,
    "commit.decided": LEDGER,
    "commit.copied": LEDGER,
    "commit.inserted": LEDGER,
    "commit.sealed": LEDGER,
    "commit.before_commit": LEDGER,
    "commit.sent": LEDGER,
    "commit.after_commit": LEDGER,
    "writer.before_answer": LEDGER,
    "writer.after_answer": LEDGER,
    "bulk.before_chunk": BULK,
    "bulk.after_chunk": BULK,
    "bulk.before_finish": BULK,
    "upload.row_page_stored": BULK,
    "inbox.before_store": INBOUND,
    "inbox.stored": INBOUND,
    "inbox.answered": INBOUND,
    "orders.claimed": ORDERS,
    "orders.fetched": ORDERS,
    "orders.stored": ORDERS,
    "mailbox.claimed": MAILBOX,
    "mailbox.stored": MAILBOX,
    "mailbox.touched": MAILBOX,
    "intake.claimed": INBOUND,
    "intake.read": INBOUND,
    "intake.taken": INBOUND,
    "intake.marked": INBOUND,
    "projection.page_read": PROJECTIONS,
    "projection.page_written": PROJECTIONS,
    "projection.page_committed": PROJECTIONS,
    "projection.lease_taken": PROJECTIONS,
    "rebuild.created": PROJECTIONS,
    "rebuild.before_swap": PROJECTIONS,
    "rebuild.after_swap": PROJECTIONS,
    "push.leased": PUSH,
    "push.computed": PUSH,
    "push.sent_recorded": PUSH,
    "push.before_request": PUSH,
    "push.after_request": PUSH,
    "push.answered_recorded": PUSH,
    "batch.begun": BATCH,
    "batch.sent_recorded": BATCH,
    "batch.before_submit": BATCH,
    "batch.after_submit": BATCH,
    "batch.answered_recorded": BATCH,
    "batch.followed": BATCH,
    "batch.settled": BATCH,
}

# Place -> the part that adds it to the table above, with its program.
NOT_REACHED_YET: dict[str, str] = {}

CHILD_SECONDS_MAX = 60


def points_of(program: str) -> list[str]:
    """The places at which this program is killed, in the order they are declared."""
    return [point for point in failpoint.POINTS if REACHED.get(point) == program]


def killed_at(program: str, point: str, *arguments: str) -> list[str]:
    """What the child said, line by line, until it was killed at the place; it says a line before anyone relies on it."""
    command = [sys.executable, "-m", program, point, *arguments]
    child = subprocess.run(command, stdout=subprocess.PIPE, timeout=CHILD_SECONDS_MAX, check=False)
    assert child.returncode == -signal.SIGKILL, (
        f"{program} ended with {child.returncode}; expected to be killed at {point}"
    )
    said = child.stdout.decode()
    return said[: said.rfind("\n") + 1].splitlines()


def at(point: str, times: int, how: signal.Signals = signal.SIGKILL) -> Callable[[str], None]:
    """For ``failpoint.arm``: this process gets the signal when it reaches the place for the given time."""
    left = [times]

    def reached(name: str) -> None:
        if name == point:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), how)

    return reached


def say(line: str) -> None:
    """A line is with the parent before this returns, whatever becomes of this process."""
    os.write(1, f"{line}\n".encode())
