"""R4: kill -9 at every named place of the runner and of a rebuild; afterwards the tables are what a replay gives."""

from datetime import timedelta

import pytest

from ledger.book import stock
from projections.checkpoint import Checkpoints
from projections.lease import LEASE_SECONDS
from projections.rebuild import rebuild
from projections.table import NEXT
from projections.tables import TABLES
from tests.crashes import PROJECTIONS, killed_at, points_of
from tests.ledger.rig import TIMES, RealClock
from tests.projections.happenings import beginning
from tests.projections.rig import Ledger, differences

# Times the place is reached before the kill: while the live tables are fed, and while a replay is. More in a soak.
REACHED_BEFORE = {
    "projection.page_read": (3, 12),
    "projection.page_written": (3, 12, 1),
    "projection.page_committed": (12, 3),
    "projection.lease_taken": (2, 1, 3),
    "rebuild.created": (6, 1),
    "rebuild.before_swap": (4, 1, 6),
    "rebuild.after_swap": (1, 6),
}


def _kills() -> list[tuple[str, int]]:
    chosen = {point: times if TIMES > 1 else times[:1] for point, times in REACHED_BEFORE.items()}
    return [(point, times) for point in points_of(PROJECTIONS) for times in chosen[point]]


@pytest.mark.parametrize(("point", "times"), _kills() * TIMES)
def test_killed_at_a_place_of_the_projections_nothing_is_lost_or_counted_twice(
    ledger: Ledger, point: str, times: int
) -> None:
    beginning(ledger)
    killed_at(PROJECTIONS, point, str(times), ledger.database.url, ledger.schema)
    ledger.must(stock.add("A", 1))
    ledger.clock.moment = RealClock().now() + timedelta(seconds=LEASE_SECONDS + 1)  # the child is silent for so long
    ledger.caught_up()
    results = rebuild(ledger.place(), TABLES)
    assert differences(results) == []
    assert not [name for name in Checkpoints(ledger.schema).all(ledger.reader) if name.endswith(NEXT)]
    ledger.must(stock.add("A", 1))
    ledger.caught_up()
    assert differences(ledger.compared()) == []
    changes = "SELECT count(*) FROM change_log"
    facts = "SELECT count(*) FROM ledger_events WHERE starts_with(originator_id, 'stock:')"
    assert ledger.rows(changes) == ledger.rows(facts)
