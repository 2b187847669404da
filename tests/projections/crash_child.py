"""A program that feeds and rebuilds the tables until it is killed at a named place: POINT TIMES URL SCHEMA."""

import sys

from api.database import Database
from ledger import failpoint
from projections.rebuild import Place, rebuild
from projections.runner import Runner
from projections.tables import TABLES
from tests.crashes import at, say
from tests.ledger.rig import RealClock
from tests.projections.rig import connected

PAGE_FACTS = 5


def main(point: str, times: str, url: str, schema: str) -> None:
    """Feeds the live tables, then rebuilds them; says what is done."""
    database = Database(url, schema)
    failpoint.arm(at(point, int(times)))
    clock = RealClock()

    runner = Runner(lambda: connected(database), schema, TABLES, holder="child", clock=clock, page_facts=PAGE_FACTS)
    runner.run_once()
    runner.close()
    say("fed")
    rebuild(Place(lambda: connected(database), schema, "child", clock), TABLES, page_facts=PAGE_FACTS)
    say("rebuilt")


if __name__ == "__main__":
    main(*sys.argv[1:])
