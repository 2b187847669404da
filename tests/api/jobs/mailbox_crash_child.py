"""A worker that is killed at a named place while it reads a mailbox that was declared before."""

import sys
from pathlib import Path

from api.database import Database
from api.jobs.mailbox_polling import MailboxPolling
from ledger import failpoint
from tests.api.intake_rig import TurnedClock, opened
from tests.crashes import at, say


def main(point: str, url: str, schema: str, home: str, certificate: str) -> None:
    """Killed at ``point``."""
    with opened(Database(url, schema), Path(home), TurnedClock(), mailbox_ca_file=Path(certificate)) as house:
        polling = MailboxPolling(house)
        say("ready")
        failpoint.arm(at(point, 1))
        polling.step()


if __name__ == "__main__":
    main(*sys.argv[1:])
