"""R10: a fact that a table cannot take is set aside with its stream; other streams and tables go on; one command runs it again."""

import psycopg
import pytest

from api.database import Database
from ledger import keys
from ledger.facts.sku import AliasAdded, SkuRegistered
from ledger.view import Draft
from projections import change_log
from projections.checkpoint import Checkpoints
from projections.lag import lag, position_of
from projections.quarantine import RETRIES_MAX, Quarantine
from projections.rebuild import rebuild
from projections.rerun import StillPoisoned, rerun
from tests.projections.rig import Ledger, differences
from tests.projections.tables_of_tests import POISONED, Mood, table


def _registered(*skus: str) -> list[Draft]:
    return [Draft(keys.sku(sku), SkuRegistered(sku=sku)) for sku in skus]


def _alias(sku: str, alias: str) -> Draft:
    return Draft(keys.sku(sku), AliasAdded(alias))


def _history(ledger: Ledger) -> None:
    ledger.record(*_registered("A", "B", "C"))
    ledger.record(_alias("A", "a-1"), _alias("B", POISONED), _alias("A", "a-2"))
    ledger.record(_alias("B", "b-2"), _alias("C", "c-1"))


def _seen(ledger: Ledger) -> list[tuple[str, int]]:
    return ledger.rows("SELECT stream, position FROM seen ORDER BY position")


def test_a_poisoned_fact_is_tried_five_times_and_its_stream_waits_while_others_go_on(ledger: Ledger) -> None:
    mood = Mood()
    tables = (table(mood), change_log.TABLE)
    _history(ledger)
    before = ledger.clock.slept
    ledger.caught_up(tables)
    assert mood.refused >= RETRIES_MAX
    assert ledger.clock.slept - before < 1.0
    streams = [stream for stream, _ in _seen(ledger)]
    assert streams == ["sku:A", "sku:B", "sku:C", "sku:A", "sku:A", "sku:C"]
    (waits,) = Quarantine(ledger.schema).page(ledger.reader)
    assert (waits.projection, waits.stream, waits.position, waits.fact) == ("seen", "sku:B", 5, "AliasAdded")
    assert (waits.reason, waits.tries, waits.waiting) == ("poisoned_for_a_test", RETRIES_MAX, 2)
    behind = {
        row.projection: (row.facts_behind, row.set_aside)
        for row in lag(ledger.reader, ledger.schema, tables, ledger.clock.now())
    }
    assert behind == {"seen": (0, 1), "change_log": (0, 0)}


def test_the_same_streams_wait_whatever_the_pages_are(database: Database, ledger: Ledger) -> None:
    mood = Mood()
    _history(ledger)
    found = []
    for page_facts in (1, 2, 3, 8):
        runner = ledger.runner((table(mood),), page_facts=page_facts)
        runner.run_once()
        runner.close()
        found.append((_seen(ledger), [(q.stream, q.position) for q in Quarantine(ledger.schema).page(ledger.reader)]))
        with ledger.reader.transaction():
            Checkpoints(ledger.schema).drop(ledger.reader, table(mood), "seen")
            Quarantine(ledger.schema).clear(ledger.reader, "seen")
    assert all(each == found[0] for each in found)


def test_one_command_takes_the_waiting_facts_in_order_once_the_cause_is_mended(ledger: Ledger) -> None:
    mood = Mood()
    seen = table(mood)
    _history(ledger)
    ledger.caught_up((seen,))
    with pytest.raises(StillPoisoned, match="poisoned_for_a_test"):
        rerun(ledger.place(), seen, "sku:B")
    assert len(Quarantine(ledger.schema).page(ledger.reader)) == 1
    mood.poisoned = False
    assert rerun(ledger.place(), seen, "sku:B") == 2
    assert Quarantine(ledger.schema).page(ledger.reader) == []
    assert rerun(ledger.place(), seen, "sku:B") == 0
    ledger.record(_alias("B", "b-3"))
    ledger.caught_up((seen,))
    assert [position for stream, position in _seen(ledger) if stream == "sku:B"] == [2, 5, 7, 9]
    assert differences(ledger.compared((seen,))) == []


def test_a_rerun_takes_the_table_from_the_runner_that_feeds_it_and_gives_it_back(ledger: Ledger) -> None:
    mood = Mood()
    seen = table(mood)
    _history(ledger)
    runner = ledger.runner((seen,))
    runner.run_once()
    mood.poisoned = False
    assert rerun(ledger.place(), seen, "sku:B") == 2
    ledger.record(_alias("B", "b-3"))
    ledger.clock.sleep(2)
    assert runner.run_once() > 0
    runner.close()
    assert len(_seen(ledger)) == 9


def test_facts_that_cannot_be_decoded_are_set_aside_for_every_table_that_needs_them(ledger: Ledger) -> None:
    mood = Mood()
    mood.poisoned = False
    _history(ledger)
    with psycopg.connect(ledger.database.conninfo(role="none"), autocommit=True) as owner:
        owner.execute("UPDATE ledger_events SET state = 'torn' WHERE notification_id = 5")
    ledger.caught_up((table(mood), change_log.TABLE))
    found = [(q.projection, q.stream, q.position, q.reason) for q in Quarantine(ledger.schema).page(ledger.reader)]
    assert found == [("seen", "sku:B", 5, "not_decoded")]
    assert len(_seen(ledger)) == 6


def test_a_quarantine_row_that_cannot_be_written_is_loud(ledger: Ledger) -> None:
    mood = Mood()
    _history(ledger)
    with psycopg.connect(ledger.database.conninfo(role="none"), autocommit=True) as owner:
        owner.execute("REVOKE INSERT ON projection_quarantine FROM daicho_app")
        try:
            runner = ledger.runner((table(mood),))
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                runner.run_once()
            runner.close()
            assert position_of(ledger.reader, ledger.schema, "seen") == 4
        finally:
            owner.execute("GRANT INSERT ON projection_quarantine TO daicho_app")


def test_a_replay_sets_aside_what_the_live_table_sets_aside_and_a_mended_one_replaces_it(ledger: Ledger) -> None:
    mood = Mood()
    seen = table(mood)
    _history(ledger)
    ledger.caught_up((seen,))
    assert differences(ledger.compared((seen,))) == []
    mood.poisoned = False
    (done,) = rebuild(ledger.place(), (seen,))
    assert done.swapped
    assert done.difference is not None
    assert "is missing from the live table" in str(done.difference)
    assert Quarantine(ledger.schema).page(ledger.reader) == []
    assert len(_seen(ledger)) == 8


def test_a_replay_that_folds_many_pages_finds_the_poisoned_fact_and_goes_on(ledger: Ledger) -> None:
    mood = Mood()
    folding = table(mood, folding=True)
    _history(ledger)
    ledger.caught_up((folding,))
    streams = Quarantine(ledger.schema).page(ledger.reader)
    (done,) = rebuild(ledger.place(), (folding,), page_facts=2)
    assert done.difference is None
    assert [stream for stream, _ in _seen(ledger)] == ["sku:A", "sku:B", "sku:C", "sku:A", "sku:A", "sku:C"]
    (waits,) = Quarantine(ledger.schema).page(ledger.reader)
    assert (waits.stream, waits.position, waits.waiting) == (streams[0].stream, 5, 2)


def test_a_replay_that_folds_writes_its_rows_once_for_many_pages(ledger: Ledger) -> None:
    mood = Mood()
    folding = table(mood, folding=True)
    for number in range(20):
        ledger.record(*_registered(f"SKU-{number}"))
    ledger.caught_up((folding,))
    mood.saved = 0
    (done,) = rebuild(ledger.place(), (folding,), page_facts=2)
    assert done.difference is None
    assert mood.saved == 1
    assert len(_seen(ledger)) == 20
