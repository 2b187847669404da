"""A push worker that is killed at a named place: it pushes one shop once, on the clock it is given."""

import sys
from pathlib import Path

from api.database import Database
from api.jobs.push import push_shop
from ledger import failpoint
from tests.api.jobs.pushing import stage
from tests.crashes import at, say


def main(point: str, url: str, schema: str, home: str, code: str, seconds: str) -> None:
    """Killed at ``point`` while it pushes the shop ``code``; its clock begins ``seconds`` after that of the stage."""
    with stage(Database(url, schema), Path(home), began_seconds=float(seconds)) as scene:
        scene.fold()
        say("ready")
        failpoint.arm(at(point, 1))
        push_shop(scene.pushing, code)


if __name__ == "__main__":
    main(*sys.argv[1:])
