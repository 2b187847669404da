"""The loops of a worker: woken by a notification, by the poll, tried again after a fault, stopped in time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
from structlog.testing import capture_logs

from api.database import Database
from api.jobs.worker import Loop, Worker
from api.wiring import start_thread

LONG = 60.0
ENOUGH = 10.0


@contextmanager
def worker_of(database: Database, *loops: Loop) -> Iterator[Worker]:
    worker = Worker(
        loops,
        connect=lambda: psycopg.connect(database.conninfo(name="listen"), autocommit=True),
        start_thread=start_thread,
    )
    worker.start()
    try:
        yield worker
    finally:
        assert worker.stop(ENOUGH)


def until(true: Callable[[], bool]) -> None:
    """Returns once it is true."""
    over = time.monotonic() + ENOUGH
    while not true():
        assert time.monotonic() < over, "it never became true"
        time.sleep(0.005)


class Counting:
    """A step that does so much as is left, one at a call."""

    def __init__(self, left: int = 0) -> None:
        self.left = left
        self.calls = 0
        self.idle = threading.Event()

    def __call__(self) -> int:
        self.calls += 1
        if self.left:
            self.left -= 1
            return 1
        self.idle.set()
        return 0


def _called_since(step: Counting, before: int) -> bool:
    return step.calls > before


def notify(database: Database, channel: str) -> None:
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        connection.execute("SELECT pg_notify(%s, '')", (channel,))


def test_a_step_is_called_until_nothing_is_left(database: Database) -> None:
    step = Counting(left=5)
    with worker_of(database, Loop("counting", step, poll_seconds=LONG)):
        assert step.idle.wait(ENOUGH)
        assert step.calls == 6


def test_a_notification_wakes_the_loops_of_its_channel_alone(database: Database) -> None:
    step, other = Counting(), Counting()
    loops = [
        Loop("step", step, (f"{database.schema}.one", f"{database.schema}.two"), LONG),
        Loop("other", other, (f"{database.schema}.three",), LONG),
    ]
    with worker_of(database, *loops) as worker:
        assert worker.listening.wait(ENOUGH)
        for n in range(5):
            before = step.calls
            notify(database, f"{database.schema}.{'two' if n % 2 else 'one'}")
            until(partial(_called_since, step, before))
        assert other.calls <= 2  # at the start, and when listening began


def test_the_poll_finds_what_no_notification_said(database: Database) -> None:
    step = Counting()
    with worker_of(database, Loop("polling", step, poll_seconds=0.01)):
        until(lambda: step.calls > 3)


def test_a_lost_connection_listens_again_and_looks_at_once(database: Database) -> None:
    step = Counting()
    with worker_of(database, Loop("step", step, (f"{database.schema}.one",), LONG)) as worker:
        assert worker.listening.wait(ENOUGH)
        with psycopg.connect(database.url, autocommit=True) as owner:
            listener = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'listen%' AND datname = current_database()"
            for (pid,) in owner.execute(listener).fetchall():
                owner.execute("SELECT pg_terminate_backend(%s)", (pid,))
        until(lambda: not worker.listening.is_set())
        before = step.calls
        assert worker.listening.wait(ENOUGH)
        until(lambda: step.calls > before)
        before = step.calls
        notify(database, f"{database.schema}.one")
        until(lambda: step.calls > before)


def test_a_step_that_fails_is_recorded_by_its_class_and_tried_again(database: Database) -> None:
    calls = []

    def step() -> int:
        calls.append(1)
        if len(calls) <= 2:
            raise RuntimeError("CANARY: what a mail said")
        return 0

    loops = [Loop("failing", step, poll_seconds=LONG), Loop("well", Counting(), poll_seconds=LONG)]
    with capture_logs() as logs, worker_of(database, *loops) as worker:
        until(lambda: worker.states()[0].failures == 1)
        assert worker.states()[0].error == "RuntimeError"
        until(lambda: len(calls) == 3)
        until(lambda: worker.states()[0].error is None)
        assert worker.states()[1].failures == 0
    assert [entry["error"] for entry in logs if entry["event"] == "loop_failed"] == ["RuntimeError"] * 2
    assert "CANARY" not in str(logs)


def test_a_worker_stops_after_the_step_that_runs(database: Database) -> None:
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def step() -> int:
        began.set()
        go_on.wait(ENOUGH)
        ended.set()
        return 1

    with worker_of(database, Loop("long", step, poll_seconds=LONG)) as worker:
        assert began.wait(ENOUGH)
        assert not worker.stop(0.01)
        go_on.set()
    assert ended.is_set()
