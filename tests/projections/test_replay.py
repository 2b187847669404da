"""I3: a replay of all facts equals the live tables row by row, whatever the pages, restarts and interleavings were."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.database import Database
from projections import listings, orders
from projections.tables import TABLES
from tests import postgres
from tests.ledger.rig import TIMES
from tests.projections.happenings import beginning, happenings
from tests.projections.rig import Ledger, Step, differences, opened

PAGES = (1, 2, 3, 7, 1_000)


@settings(max_examples=12 * TIMES, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(st.tuples(happenings(), st.sampled_from((0, 0, 0, 1, 2))), min_size=5, max_size=40),
    live_page=st.sampled_from(PAGES),
    replay_page=st.sampled_from(PAGES),
    kept_rows=st.sampled_from((2, 8, 1_000)),
)
def test_a_replay_equals_the_live_tables_after_any_history(
    database: Database, steps: list[tuple[Step, int]], live_page: int, replay_page: int, kept_rows: int
) -> None:
    postgres.reset(database.url)
    with opened(database) as ledger:
        _live(ledger, steps, live_page)
        assert differences(ledger.compared(page_facts=replay_page)) == []
        # Alone, listings are folded over many pages and written when this many rows are in memory.
        folded = replace(listings.TABLE, open=listings.keeping(kept_rows))
        assert differences(ledger.compared((folded, orders.TABLE), page_facts=replay_page, alone=True)) == []


def _live(ledger: Ledger, steps: list[tuple[Step, int]], page_facts: int) -> None:
    """The history happens while the tables are fed: page by page (1), or caught up and started again (2)."""
    runner = ledger.runner(page_facts=page_facts)
    beginning(ledger)
    for step, feeds in steps:
        step(ledger)
        if feeds == 1:
            runner.step()
        elif feeds == 2:
            runner.run_once()
            runner.close()
    runner.run_once()
    runner.close()
    assert ledger.rows("SELECT * FROM projection_quarantine") == []
    assert len(TABLES) == 10
