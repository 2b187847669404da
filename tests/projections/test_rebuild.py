"""R6: tables replayed beside the live ones while the service writes and readers read; a new shape; crashes; two at once."""

import threading
from datetime import datetime, timedelta

import psycopg
import pytest

from api.wiring import side_by_side
from ledger.book import stock
from projections import change_log, rebuild
from projections.checkpoint import Checkpoints
from projections.compare import stock_levels_findings
from projections.lag import lag, position_of
from projections.lease import Leases
from projections.rebuild import RebuildRefused, Rebuilt
from projections.runner import Runner
from projections.table import NEXT, Table
from projections.tables import LANES, TABLES
from tests.ledger.rig import RealClock
from tests.projections.happenings import beginning
from tests.projections.rig import Ledger, differences
from tests.projections.tables_of_tests import Mood, table

LOG = (change_log.TABLE,)
WRITTEN = 60


def _rebuilt(ledger: Ledger, tables: tuple[Table, ...] = TABLES, holder: str = "rebuilder") -> list[Rebuilt]:
    return rebuild.rebuild(ledger.place(holder), tables)


def test_every_table_is_replayed_and_swapped_in_equal(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.must(*(stock.add("A", 1) for _ in range(5)))
    ledger.caught_up()
    builds = Checkpoints(ledger.schema).all(ledger.reader)
    told: list[tuple[int, int]] = []
    results = rebuild.rebuild(ledger.place(), TABLES, progress=lambda position, head: told.append((position, head)))
    assert [each.table for each in results] == [each.name for each in TABLES]
    assert differences(results) == []
    assert all(each.swapped and each.compared for each in results)
    after = Checkpoints(ledger.schema).all(ledger.reader)
    assert after.keys() == builds.keys()
    assert all(after[name].build > builds[name].build for name in builds)
    head = ledger.rows("SELECT position FROM ledger_head")[0][0]
    assert told[-1] == (head, head)
    ledger.must(stock.add("A", 1))
    ledger.caught_up()
    assert differences(ledger.compared()) == []


def test_tables_replayed_side_by_side_are_the_same(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.must(*(stock.add("A", 1) for _ in range(20)))
    ledger.caught_up()
    place = rebuild.Place(ledger.connect, ledger.schema, "rebuilder", RealClock())
    lanes = rebuild.Lanes(LANES, side_by_side)
    results = rebuild.rebuild(place, TABLES, page_facts=7, lanes=lanes)
    assert [each.table for each in results] == [each.name for each in TABLES]
    assert differences(results) == []
    with pytest.raises(RebuildRefused, match="another process is rebuilding"):
        _refused_by_another(ledger, lanes)


def _refused_by_another(ledger: Ledger, lanes: rebuild.Lanes) -> None:
    """Somebody else holds the lease of one replay, and goes on holding it."""
    with ledger.reader.transaction():
        Checkpoints(ledger.schema).create(ledger.reader, TABLES[0], suffix=NEXT)
    Leases(ledger.schema, "other").take(
        ledger.reader, [f"{TABLES[0].name}{NEXT}"], ledger.clock.now() + timedelta(days=1)
    )
    rebuild.rebuild(ledger.place(), TABLES, lanes=lanes)


def test_nothing_is_left_behind_by_a_rebuild(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.caught_up()
    names = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s"
    before = ledger.rows(names, ledger.schema)
    _rebuilt(ledger)
    ledger.compared()
    assert ledger.rows(names, ledger.schema) == before


def test_a_live_table_that_is_wrong_is_told_and_replaced(ledger: Ledger) -> None:
    ledger.must(*(stock.add("A", 1) for _ in range(3)))
    ledger.caught_up(LOG)
    ledger.rows("UPDATE change_log SET delta = 7 WHERE position = 3 RETURNING 1")
    (found,) = ledger.compared(LOG)
    assert "change_log (position 3): delta differ: live 7, replay 1" in str(found.difference)
    (done,) = _rebuilt(ledger, LOG)
    assert str(done.difference) == str(found.difference)
    assert differences(ledger.compared(LOG)) == []


def test_a_rebuild_while_the_service_writes_and_readers_read_is_felt_by_nobody(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.caught_up()
    over = threading.Event()
    failed: list[psycopg.Error] = []
    runner = Runner(ledger.connect, ledger.schema, TABLES, holder="service", clock=RealClock(), page_facts=10)
    reader = ledger.connect()
    seen: list[int] = []

    def pause(_: float) -> None:
        over.wait(0.002)

    def feed() -> None:
        runner.run(pause, over.is_set)

    def read() -> None:
        try:
            while not over.is_set():
                found = change_log.page(reader, ledger.schema, first=100, sku="A")
                seen.append(len(found.rows) and found.rows[0].position)
                reader.execute("SELECT count(*) FROM listings, shops").fetchall()
        except psycopg.Error as error:
            failed.append(error)

    def write() -> None:
        for _ in range(WRITTEN):
            ledger.must(stock.add("A", 1))

    threads = [threading.Thread(target=body) for body in (feed, read, write)]
    for thread in threads:
        thread.start()
    place = rebuild.Place(ledger.connect, ledger.schema, "rebuilder", RealClock())
    try:
        results = rebuild.rebuild(place, TABLES, page_facts=20)
        threads[2].join(60)
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    reader.close()
    assert failed == []
    assert differences(results) == []
    assert seen == sorted(seen)  # no reader ever saw an older table
    # By real time: a service that lost its connection on the way holds its leases until they run out.
    assert differences(rebuild.rebuild(place, TABLES, swap=False, page_facts=10_000)) == []


def test_two_rebuilders_at_once_are_harmless(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.caught_up()
    refused: list[RebuildRefused] = []
    done: list[Rebuilt] = []

    def work(holder: str) -> None:
        place = rebuild.Place(ledger.connect, ledger.schema, holder, RealClock())
        try:
            done.extend(rebuild.rebuild(place, TABLES, page_facts=50))
        except RebuildRefused as error:
            refused.append(error)

    threads = [threading.Thread(target=work, args=(f"rebuilder-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) >= len(TABLES)
    assert len(refused) <= 1
    assert differences(done) == []
    assert not [name for name in Checkpoints(ledger.schema).all(ledger.reader) if name.endswith(NEXT)]
    ledger.must(stock.add("A", 1))
    ledger.caught_up()
    assert differences(ledger.compared()) == []


def test_a_new_version_is_replayed_beside_the_old_one_and_swapped_in(ledger: Ledger) -> None:
    mood = Mood()
    mood.poisoned = False
    old, new = table(mood), table(mood, version=2)
    beginning(ledger)
    ledger.caught_up((old,))
    assert rebuild.outdated(ledger.reader, ledger.schema, (new,)) == [new]
    (waiting,) = lag(ledger.reader, ledger.schema, (new,), datetime.now().astimezone())
    assert (waiting.version, waiting.version_expected) == (1, 2)
    (done,) = _rebuilt(ledger, (new,))
    assert (done.compared, done.swapped) == (False, True)
    assert ledger.rows("SELECT count(*) FROM seen WHERE version >= 1") == ledger.rows("SELECT count(*) FROM seen")
    assert rebuild.outdated(ledger.reader, ledger.schema, (new,)) == []
    older = ledger.runner((old,))
    assert older.run_once() == 0  # the old program leaves the new table alone
    assert older.outdated == {"seen"}
    older.close()
    ledger.must(stock.add("NEW", 1))
    ledger.caught_up((new,))
    assert position_of(ledger.reader, ledger.schema, "seen") == ledger.rows("SELECT position FROM ledger_head")[0][0]


def test_a_swap_waits_for_a_long_reader_and_lets_others_pass(ledger: Ledger) -> None:
    ledger.must(stock.add("A", 1))
    ledger.caught_up(LOG)
    long, other = ledger.connect(), ledger.connect()
    long.execute("BEGIN")
    long.execute("SELECT count(*) FROM change_log").fetchall()
    results: list[Rebuilt] = []
    place = rebuild.Place(ledger.connect, ledger.schema, "rebuilder", RealClock())
    thread = threading.Thread(target=lambda: results.extend(rebuild.rebuild(place, LOG)))
    thread.start()
    for _ in range(20):
        assert len(change_log.page(other, ledger.schema, first=10).rows) == 1
    assert results == []
    long.execute("COMMIT")
    thread.join(60)
    assert [each.swapped for each in results] == [True]
    long.close()
    other.close()


def test_a_replay_can_be_given_up_and_its_live_table_stays(ledger: Ledger) -> None:
    ledger.must(stock.add("A", 1))
    ledger.caught_up(LOG)
    with ledger.reader.transaction():
        Checkpoints(ledger.schema).create(ledger.reader, change_log.TABLE, suffix=NEXT)
    assert f"change_log{NEXT}" in Checkpoints(ledger.schema).all(ledger.reader)
    rebuild.give_up(ledger.place(), change_log.TABLE)
    assert Checkpoints(ledger.schema).all(ledger.reader).keys() == {"change_log"}
    assert len(change_log.page(ledger.reader, ledger.schema, first=10).rows) == 1


def test_rebuilding_stock_levels_only_compares_and_names_the_first_difference(ledger: Ledger) -> None:
    beginning(ledger)
    assert stock_levels_findings(ledger.reader, ledger.schema) == []
    ledger.rows("UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = 'B' RETURNING 1")
    (found,) = stock_levels_findings(ledger.reader, ledger.schema)
    assert "stock_levels says on_hand 6 for stock:main:B; its facts add up to 5" in str(found)
    assert ledger.rows("SELECT on_hand FROM stock_levels WHERE sku = 'B'") == [(6,)]


def test_an_empty_ledger_is_rebuilt_to_empty_tables(ledger: Ledger) -> None:
    assert differences(_rebuilt(ledger)) == []
    assert ledger.rows("SELECT count(*) FROM change_log") == [(0,)]


@pytest.mark.parametrize("page_facts", [1, 7])
def test_a_replay_that_was_interrupted_goes_on_where_it_was(ledger: Ledger, page_facts: int) -> None:
    beginning(ledger)
    ledger.caught_up(LOG)
    with ledger.reader.transaction():
        Checkpoints(ledger.schema).create(ledger.reader, change_log.TABLE, suffix=NEXT)
    first = Runner(
        ledger.connect,
        ledger.schema,
        LOG,
        holder="died",
        clock=ledger.clock,
        suffix=NEXT,
        page_facts=page_facts,
    )
    first.step()
    first.step()
    first.let_go()  # as a process that was killed: its lease stays until it is over
    told: list[int] = []
    rebuild.rebuild(ledger.place(), LOG, progress=lambda position, head: told.append(position), page_facts=page_facts)
    assert told[0] == 3 * page_facts
    assert differences(ledger.compared(LOG)) == []
