"""What goes wrong between a writer and PostgreSQL: nothing acknowledged is lost, nothing counts twice, others go on."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from api.database import Database, connect_writer
from ledger.commit import Connection
from ledger.store import open_ledger
from ledger.writer import UNAVAILABLE_SECONDS_MAX, Done, LedgerUnavailable, OutcomeUnknown, Writer
from tests.crashes import LEDGER
from tests.ledger.cutting_proxy import Cut, cutting_proxy
from tests.ledger.rig import TIMES, RealClock, add, key_of, level, running_writer, whole_ledger
from tests.postgres import OwnServer

CALLERS = 8
DROPS = 8 * TIMES
DROP_SECONDS = 0.25
FROZEN_SECONDS_MAX = 8.0  # idle_in_transaction_session_timeout of a writer is 3 s


def _add_until(writer: Writer, ended: Callable[[], bool]) -> Callable[[int], int]:
    """A caller that adds one unit after the other, each under its key, and counts those it was told are done."""

    def call(caller: int) -> int:
        told = 0
        while not ended():
            name = f"{caller}-{told}"
            while not _told(writer.submit(add("A", 1, key=key_of(name), line=name))):
                pass  # asked again with the same key, as every caller may
            told += 1
        return told

    return call


def _told(future: Future[Done]) -> bool:
    try:
        return bool(future.result(60).position)
    except (OutcomeUnknown, LedgerUnavailable):
        return False


@pytest.mark.parametrize("cut", Cut)
def test_a_connection_cut_around_commit_is_asked_after_and_answered_once(database: Database, cut: Cut) -> None:
    """No key is needed for it: the writer waits for the lock and asks whether this very commit was sealed."""
    with cutting_proxy(database) as proxy, running_writer(proxy.through()) as writer:
        writer.do(add("A", 1))
        proxy.cuts.append(cut)
        futures = [writer.submit(add("A", 10)), writer.submit(add("A", 10, key=key_of("k")))]
        assert [future.result(30).answer for future in futures] in ([{"on_hand": 11}, {"on_hand": 21}],)
        assert not proxy.cuts
        assert proxy.connections in (2, 3)  # the one that asked may be given up too
        assert writer.do(add("A", 10, key=key_of("k"))).replayed
    assert level(database, "A") == (3, 21, 0)
    assert len(whole_ledger(database)) == 3


@pytest.mark.parametrize("cut", Cut)
def test_the_recorder_too_asks_after_its_commit(database: Database, cut: Cut) -> None:
    """The library's own retry would meet its own events and report a conflict that never was."""
    with cutting_proxy(database) as proxy:
        through = proxy.through()
        with open_ledger(through.conninfo(), through.schema) as ledger:
            recorder = ledger.recorder_of_facts
            state = b'{"at":"2026-07-01T00:00:00Z","actor":"u","trace":"t","command_key":null,"cause":null,"fact":{}}'
            assert recorder.insert_events([StoredEvent("shop:A", 1, "IntakeStarted", state)]) == [1]
            proxy.cuts.append(cut)
            assert recorder.insert_events([StoredEvent("shop:B", 1, "IntakeStarted", state)]) == [2]
            assert not proxy.cuts
    assert [record.stream for record in whole_ledger(database)] == ["shop:A", "shop:B"]


def test_cuts_in_a_row_while_many_add_count_every_unit_once(database: Database) -> None:
    cuts = list(Cut) * 3 * TIMES
    with (
        cutting_proxy(database) as proxy,
        running_writer(proxy.through()) as writer,
        ThreadPoolExecutor(CALLERS) as pool,
    ):
        proxy.cuts.extend(cuts)
        told = sum(pool.map(_add_until(writer, lambda: not proxy.cuts), range(CALLERS)))
    assert level(database, "A") == (told, told, 0)
    assert len(whole_ledger(database)) == told


def test_connections_dropped_again_and_again_lose_and_double_nothing(database: Database) -> None:
    dropped = []
    over = threading.Event()

    def drop() -> None:
        with psycopg.connect(database.url, autocommit=True) as superuser:
            for _ in range(DROPS):
                over.wait(DROP_SECONDS)
                dropped.extend(
                    superuser.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    ).fetchall()
                )
        over.set()

    with running_writer(database) as writer, ThreadPoolExecutor(CALLERS + 1) as pool:
        dropping = pool.submit(drop)
        told = sum(pool.map(_add_until(writer, over.is_set), range(CALLERS)))
        dropping.result(60)
    assert len(dropped) >= DROPS // 2
    assert told > CALLERS
    assert level(database, "A") == (told, told, 0)
    assert len(whole_ledger(database)) == told


def test_commands_wait_for_a_database_that_is_stopped_and_started(own_server: OwnServer) -> None:
    database, tried = own_server.database, threading.Semaphore(0)

    def connect() -> Connection:
        tried.release()
        return connect_writer(database)

    with running_writer(database, connect) as writer:
        writer.do(add("A", 1))
        own_server.stop()
        waiting = [writer.submit(add("A", 1)) for _ in range(20)]
        for _ in range(3):
            assert tried.acquire(timeout=30)
        own_server.start()
        assert [future.result(30).answer["on_hand"] for future in waiting] == list(range(2, 22))
    assert level(database, "A") == (21, 21, 0)
    assert len(whole_ledger(database)) == 21


class HurriedClock(RealClock):
    """Sleeping takes no time; the clock says it did."""

    def __init__(self) -> None:
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


@dataclass
class Doors:
    """Connections through a proxy, until the database is away. Mutable: a test closes them."""

    database: Database
    open: bool = True

    def connect(self) -> Connection:
        if not self.open:
            raise psycopg.OperationalError("connection refused")
        return connect_writer(self.database)


def test_a_database_that_stays_away_is_told_within_half_a_minute(database: Database) -> None:
    doors, clock = Doors(database), HurriedClock()
    writer = Writer(doors.connect, database.schema, clock)
    doors.open = False
    futures = [writer.submit(add("A", 1)) for _ in range(3)]
    writer.commit_waiting()
    for future in futures:
        with pytest.raises(LedgerUnavailable, match="nothing was recorded"):
            future.result(0)
    assert UNAVAILABLE_SECONDS_MAX < clock.slept < UNAVAILABLE_SECONDS_MAX + 1
    doors.open = True
    assert writer.do(add("A", 1)).position == 1
    writer.close()


@pytest.mark.parametrize("cut", [Cut.NEVER_ARRIVED, Cut.DONE_BUT_NOT_SAID])
def test_an_outcome_that_cannot_be_learnt_is_told_as_unknown_and_never_guessed(database: Database, cut: Cut) -> None:
    with cutting_proxy(database) as proxy:
        doors, clock = Doors(proxy.through()), HurriedClock()
        writer = Writer(doors.connect, database.schema, clock)
        writer.do(add("A", 1))
        proxy.cuts.append(cut)
        doors.open = False
        future = writer.submit(add("A", 1, key=key_of("k")))
        writer.commit_waiting()
        with pytest.raises(OutcomeUnknown, match="same key"):
            future.result(0)
        doors.open = True
        assert writer.do(add("A", 1, key=key_of("k"))).replayed == (cut is Cut.DONE_BUT_NOT_SAID)
        writer.close()
    assert level(database, "A") == (2, 2, 0)


def test_a_writer_frozen_with_the_lock_is_ended_by_the_server_and_does_its_work_when_it_wakes(
    database: Database,
) -> None:
    arguments = ["commit.decided", "2", str(int(signal.SIGSTOP)), database.url, database.schema, "1", "2"]
    command = [sys.executable, "-m", LEDGER, *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        try:
            os.waitid(os.P_PID, child.pid, os.WSTOPPED)
            began = time.monotonic()
            with running_writer(database) as writer:
                writer.do(add("B", 1))
            assert time.monotonic() - began < FROZEN_SECONDS_MAX
        finally:
            child.send_signal(signal.SIGCONT)
        assert child.wait(60) == 0
    assert level(database, "B") == (1, 1, 0)
    assert level(database, "A") == (8, 8, 0)
    whole_ledger(database)


def test_a_writer_that_waits_long_for_the_lock_asks_again_and_is_answered(database: Database) -> None:
    """Another transaction holds the head for longer than lock_timeout; nobody is told of it."""
    settings = {"lock_timeout": "100ms"}

    def connect() -> Connection:
        return psycopg.connect(database.conninfo(settings=settings), autocommit=True)

    with psycopg.connect(database.conninfo()) as other, running_writer(database, connect) as writer:
        other.execute("SELECT 1 FROM ledger_head FOR UPDATE")
        future = writer.submit(add("A", 1))
        with pytest.raises(TimeoutError):
            future.result(0.4)
        other.rollback()
        assert future.result(30).position == 1
    assert len(whole_ledger(database)) == 1
