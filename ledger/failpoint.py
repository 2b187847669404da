"""Named places at which a process may be made to die: the crash tests kill -9 at every one of them.

A place costs one comparison when nothing is armed. Names are declared here, so that a test can visit them all.
"""

from collections.abc import Callable

POINTS = (
    "commit.locked",
    "commit.decided",
    "commit.copied",
    "commit.inserted",
    "commit.sealed",
    "commit.before_commit",
    "commit.sent",
    "commit.after_commit",
    "writer.before_answer",
    "writer.after_answer",
    "bulk.before_chunk",
    "bulk.after_chunk",
    "bulk.before_finish",
    "projection.page_read",
    "projection.page_written",
    "projection.page_committed",
    "projection.lease_taken",
    "rebuild.created",
    "rebuild.before_swap",
    "rebuild.after_swap",
    "inbox.before_store",
    "inbox.stored",
    "inbox.answered",
    "orders.claimed",
    "orders.fetched",
    "orders.stored",
    "mailbox.claimed",
    "mailbox.stored",
    "mailbox.touched",
    "intake.claimed",
    "intake.read",
    "intake.taken",
    "intake.marked",
    "push.leased",
    "push.computed",
    "push.sent_recorded",
    "push.before_request",
    "push.after_request",
    "push.answered_recorded",
    "batch.begun",
    "batch.sent_recorded",
    "batch.before_submit",
    "batch.after_submit",
    "batch.answered_recorded",
    "batch.followed",
    "batch.settled",
    "upload.row_page_stored",
)

_armed: Callable[[str], None] | None = None


def arm(action: Callable[[str], None] | None) -> None:
    """From here on ``action`` is called with the name of each place that is reached; None disarms."""
    global _armed
    _armed = action


def reach(name: str) -> None:
    """The process is at the named place. Does nothing unless a test armed it."""
    if _armed is not None:
        assert name in POINTS, name
        _armed(name)
