"""The runner: pages, leases, unknown facts, holes, a lost database, and what it says of itself."""

import threading

import psycopg
import pytest

from api.database import Database
from ledger import keys
from ledger.book import shops, stock
from ledger.codec import UnknownFact
from ledger.commit import Statements, finish, lock_head, write
from ledger.facts.sku import SkuRegistered
from ledger.seal import StoredFact
from ledger.view import Draft
from projections import change_log
from projections.lag import lag, position_of
from projections.lease import LEASE_SECONDS
from projections.page import Hole
from projections.runner import Runner
from projections.tables import TABLES
from projections.wake import Wake
from tests.ledger.rig import RealClock
from tests.ledger.words import counted
from tests.projections.happenings import beginning
from tests.projections.rig import Ledger, opened

LOG = (change_log.TABLE,)


def _counts(ledger: Ledger) -> tuple[int, int]:
    rows = ledger.rows("SELECT count(*), count(DISTINCT position) FROM change_log")
    return rows[0][0], rows[0][1]


def test_a_page_and_its_checkpoint_are_committed_together(ledger: Ledger) -> None:
    ledger.must(*(stock.add("A", n) for n in range(1, 6)))
    head = ledger.rows("SELECT position FROM ledger_head")[0][0]
    runner = ledger.runner(LOG, page_facts=2)
    seen = []
    while runner.step():
        position = position_of(ledger.reader, ledger.schema, "change_log")
        stock_facts = ledger.rows(
            "SELECT count(*) FROM ledger_events WHERE notification_id <= %s AND originator_id LIKE 'stock:%%'", position
        )
        assert _counts(ledger) == (stock_facts[0][0], stock_facts[0][0])
        seen.append(position)
    assert seen[-1] == head
    assert len(seen) == (head + 1) // 2
    runner.close()


def test_two_runners_and_one_lease_write_every_fact_once(ledger: Ledger) -> None:
    first, second = ledger.runner(LOG, holder="first"), ledger.runner(LOG, holder="second")
    ledger.must(stock.add("A", 1))
    assert first.run_once() > 0
    assert second.run_once() == 0
    assert (first.holds, second.holds) == (frozenset({"change_log"}), frozenset())
    ledger.clock.sleep(LEASE_SECONDS + 1)  # the first one was silent for so long
    ledger.must(stock.add("A", 1))
    assert second.run_once() > 0
    ledger.must(stock.add("A", 1))
    assert first.step() == 0  # it believed that the lease was its own; the epoch says no
    assert first.holds == frozenset()
    second.run_once()
    assert _counts(ledger) == (3, 3)
    first.close()
    second.close()


def test_a_lease_given_back_is_taken_at_once(ledger: Ledger) -> None:
    first, second = ledger.runner(LOG, holder="first"), ledger.runner(LOG, holder="second")
    ledger.must(stock.add("A", 1))
    first.run_once()
    first.close()
    ledger.must(stock.add("A", 1))
    assert second.run_once() > 0
    second.close()
    assert _counts(ledger) == (2, 2)


def test_many_runners_at_once_write_every_fact_once(ledger: Ledger) -> None:
    ledger.must(*(stock.add("A", 1) for _ in range(30)))
    head = ledger.rows("SELECT position FROM ledger_head")[0][0]
    failed: list[Exception] = []

    def feed(name: str) -> None:
        runner = Runner(ledger.connect, ledger.schema, LOG, holder=name, clock=RealClock(), page_facts=3)
        reader = ledger.connect()
        try:
            while position_of(reader, ledger.schema, "change_log") < head:
                runner.step()
                runner.close()  # everybody gets a turn
        except psycopg.Error as error:
            failed.append(error)
        finally:
            reader.close()

    threads = [threading.Thread(target=feed, args=(f"runner-{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert _counts(ledger) == (30, 30)


def test_an_unknown_fact_stops_the_runner_after_what_stands_before_it(ledger: Ledger) -> None:
    ledger.must(stock.add("A", 1))
    known = ledger.rows("SELECT position FROM ledger_head")[0][0]
    _recorded_by_a_newer_version(ledger)
    runner = ledger.runner(TABLES)
    assert runner.step() == known
    with pytest.raises(UnknownFact, match="a newer version of Daicho wrote it"):
        runner.step()
    assert position_of(ledger.reader, ledger.schema, "change_log") == known
    assert ledger.rows("SELECT * FROM projection_quarantine") == []
    runner.close()


def _recorded_by_a_newer_version(ledger: Ledger) -> None:
    statements = Statements(ledger.schema)
    connection = ledger.connect()
    connection.execute("BEGIN")
    head = lock_head(connection, statements)
    fact = StoredFact(head.position + 1, "sku:Z", 1, "SkuTeleported", b"{}")
    write(connection, statements, head, [fact], None, (), ledger.clock.now())
    finish(connection)
    connection.close()


def test_a_hole_in_the_ledger_stops_the_runner(ledger: Ledger) -> None:
    ledger.must(stock.add("A", 1), stock.add("A", 1))
    with psycopg.connect(ledger.database.conninfo(role="none"), autocommit=True) as owner:
        owner.execute("DELETE FROM ledger_events WHERE notification_id = 2")
    runner = ledger.runner(LOG)
    with pytest.raises(Hole, match="position 2 is missing"):
        runner.step()
    runner.close()
    assert position_of(ledger.reader, ledger.schema, "change_log") == 0


def test_facts_past_the_last_seal_stop_the_runner(ledger: Ledger) -> None:
    ledger.must(stock.add("A", 1))
    with psycopg.connect(ledger.database.conninfo(role="none"), autocommit=True) as owner:
        owner.execute("DELETE FROM ledger_seals")
    runner = ledger.runner(LOG)
    with pytest.raises(Hole, match="has no seal"):
        runner.step()
    runner.close()


def test_lag_says_how_far_each_table_is_behind_in_facts_and_seconds(ledger: Ledger) -> None:
    ledger.must(stock.add("A", 1))
    ledger.caught_up()
    ledger.must(stock.add("A", 1), stock.add("A", 1))
    now = ledger.clock.now()
    rows = {row.projection: row for row in lag(ledger.reader, ledger.schema, TABLES, now)}
    assert rows.keys() == {table.name for table in TABLES}
    for row in rows.values():
        assert row.facts_behind == 2
        assert 0 < row.seconds_behind < 60
        assert not row.fed
        assert row.version == row.version_expected
    ledger.caught_up()
    assert {row.facts_behind for row in lag(ledger.reader, ledger.schema, TABLES, ledger.clock.now())} == {0}


def test_the_runner_wakes_when_facts_are_committed_and_looks_again_after_a_lost_connection(ledger: Ledger) -> None:
    connections: list[psycopg.Connection[tuple[object, ...]]] = []

    def connect() -> psycopg.Connection[tuple[object, ...]]:
        connections.append(ledger.connect())
        return connections[-1]

    wake = Wake(connect, ledger.schema)
    runner = Runner(connect, ledger.schema, LOG, holder="runner", clock=RealClock())
    waits: list[float] = []
    over = threading.Event()
    owner = psycopg.connect(ledger.database.conninfo(role="none"), autocommit=True)

    def wait(seconds: float) -> None:
        waits.append(seconds)
        wake.wait(seconds)

    thread = threading.Thread(target=runner.run, args=(wait, over.is_set))
    thread.start()
    try:
        for _ in range(3):
            done = ledger.must(stock.add("A", 1))
            _until(ledger, done.position)
            for connection in list(connections):  # as when the server was started again
                if not connection.closed:
                    owner.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    finally:
        over.set()
        thread.join(30)
        wake.close()
        owner.close()
    assert not thread.is_alive()
    assert _counts(ledger) == (3, 3)


def _until(ledger: Ledger, position: int) -> None:
    waiting = Wake(ledger.connect, ledger.schema)
    for _ in range(2_000):
        if position_of(ledger.reader, ledger.schema, "change_log") >= position:
            waiting.close()
            return
        waiting.wait(0.01)
    raise AssertionError(f"position {position} never came")


def test_two_merchants_in_one_database_keep_to_themselves(ledger: Ledger, second_database: Database) -> None:
    beginning(ledger)
    ledger.caught_up()
    with opened(second_database) as other:
        other.must(counted("A", 3))
        other.must(shops.connect_shop(mall="rakuten", mall_shop_id="9", match_key="sku", settings={}))
        other.caught_up()
        assert _counts(other) == (1, 1)
        assert [row[0] for row in other.rows("SELECT shop FROM shops")] == ["rakuten-9"]
    assert [row[0] for row in ledger.rows("SELECT shop FROM shops ORDER BY 1")] == ["rakuten-1", "yahoo_shopping-1"]


def test_a_process_without_the_tables_of_another_version_leaves_them_alone(ledger: Ledger) -> None:
    ledger.record(Draft(keys.sku("A"), SkuRegistered(sku="A")))
    ledger.caught_up(LOG)
    ledger.rows("UPDATE projection_checkpoints SET version = 99 RETURNING 1")
    ledger.must(stock.add("A", 1))
    runner = ledger.runner(LOG)
    assert runner.run_once() == 0
    assert runner.outdated == {"change_log"}
    runner.close()
