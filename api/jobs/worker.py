"""The loops of a worker process: each calls its step function while there is work, then waits for a notification or a second.

A step does what waits and answers how much it did. A notification only wakes; the poll finds what a lost one said, so that
nothing depends on a database session. A step that raises is recorded by its class alone and tried again, later each time.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Protocol, TypeVar

import psycopg
import structlog
from psycopg import sql
from psycopg_pool import PoolClosed

from api.logs import where
from api.wiring import House

POLL_SECONDS = 1.0
BACK_OFF_SECONDS = 0.1
BACK_OFF_SECONDS_MAX = 5.0
LISTEN_SECONDS = 0.5  # how soon the listener sees that the worker stops
CONNECT_SECONDS_MAX = 5
STOP_SECONDS_MAX = 30.0
log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True)
class Loop:
    """One job. ``step`` does what waits, in bounded bites, and answers how much it did: 0 is "nothing left".

    ``channels``: notifications that wake it. ``poll_seconds``: it looks by itself that often. ``close`` gives up what its
    steps hold open, once those of every loop have ended.
    """

    name: str
    step: Callable[[], int]
    channels: tuple[str, ...] = ()
    poll_seconds: float = POLL_SECONDS
    close: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class LoopState:
    """How a loop fares. ``failures``: tries that failed since the last that did not; ``error`` is the class of the last."""

    name: str
    steps: int
    failures: int
    error: str | None


class Attempts:
    """Tries of one thread. One that raises is recorded by its class and place alone; then it waits, longer each time."""

    def __init__(self, name: str, stopping: Event) -> None:
        self._name = name
        self._stopping = stopping
        self._failures = 0

    def one(
        self, step: Callable[[], T], note: Callable[[int, str | None], None] = lambda _failures, _error: None
    ) -> T | None:
        """What the step answered; None: it failed, and the time to wait has passed. ``note`` is told failures and class before that."""
        try:
            count = step()
        except Exception as error:  # noqa: BLE001  # the one place: recorded, seen, tried again
            if not (self._stopping.is_set() and isinstance(error, PoolClosed)):
                self._failed(error, note)
            return None  # of a process that ends: what the step did not end is begun again by the next one
        if self._failures:
            log.info("loop_recovered", loop=self._name, failures=self._failures)
        self._failures = 0
        note(0, None)
        return count

    def _failed(self, error: Exception, note: Callable[[int, str | None], None]) -> None:
        self._failures += 1
        # The class, the database's code and the place: a message may quote what arrived.
        name, code = type(error).__name__, error.sqlstate if isinstance(error, psycopg.Error) else None
        log.error("loop_failed", loop=self._name, error=name, code=code, failures=self._failures, where=where(error))
        note(self._failures, name)
        self._stopping.wait(min(BACK_OFF_SECONDS * 2 ** min(self._failures, 16), BACK_OFF_SECONDS_MAX))


class StartThread(Protocol):
    """Runs ``body`` in a new thread of this name."""

    def __call__(self, name: str, body: Callable[[], None], /) -> Thread: ...


class Worker:
    """Runs loops, a thread for each, and one that listens for all of them; ``listening`` is set while it hears."""

    def __init__(
        self, loops: Sequence[Loop], *, connect: Callable[[], psycopg.Connection], start_thread: StartThread
    ) -> None:
        names = [loop.name for loop in loops]
        assert len(set(names)) == len(names), names
        self._loops = tuple(loops)
        self._connect = connect
        self._start_thread = start_thread
        self._wakes = {loop.name: Event() for loop in loops}
        self._stopping = Event()
        self.listening = Event()
        self._lock = Lock()
        self._states = {name: LoopState(name, 0, 0, None) for name in names}
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Every loop runs."""
        assert not self._threads, "started already"
        if any(loop.channels for loop in self._loops):
            self._threads.append(self._start_thread("worker-listen", self._listen))
        for loop in self._loops:
            self._threads.append(self._start_thread(f"worker-{loop.name}", _body(self._run, loop)))

    def stop(self, wait_seconds_max: float = STOP_SECONDS_MAX) -> bool:
        """No step begins any more; the answer is whether those that ran have ended in time."""
        self._stopping.set()
        for wake in self._wakes.values():
            wake.set()
        for thread in self._threads:
            thread.join(wait_seconds_max)
        if any(thread.is_alive() for thread in self._threads):
            return False
        for loop in self._loops:
            if loop.close is not None:
                loop.close()
        return True

    def wake(self, name: str) -> None:
        """The loop looks for work now."""
        self._wakes[name].set()

    def states(self) -> list[LoopState]:
        """How each loop fares, in the order they were given."""
        with self._lock:
            return [self._states[loop.name] for loop in self._loops]

    # -------------------------------------------------------------- threads

    def _run(self, loop: Loop) -> None:
        wake, attempts = self._wakes[loop.name], Attempts(loop.name, self._stopping)
        while not self._stopping.is_set():
            wake.clear()  # before the step: what comes while it runs is looked for afterwards
            count = attempts.one(loop.step, lambda failures, error: self._note(loop, failures, error))
            if count == 0 and not self._stopping.is_set():
                wake.wait(loop.poll_seconds)

    def _note(self, loop: Loop, failures: int, name: str | None) -> None:
        with self._lock:
            self._states[loop.name] = LoopState(loop.name, self._states[loop.name].steps + 1, failures, name)

    def _listen(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                with self._connect() as connection:
                    self._listen_on(connection)
                failures = 0
            except psycopg.Error as error:
                failures = 1 if self.listening.is_set() else failures + 1
                self.listening.clear()
                log.warning("listen_failed", error=type(error).__name__, code=error.sqlstate, failures=failures)
                self._stopping.wait(min(BACK_OFF_SECONDS * 2 ** min(failures, 16), BACK_OFF_SECONDS_MAX))

    def _listen_on(self, connection: psycopg.Connection) -> None:
        assert connection.autocommit, "a transaction would keep notifications back"
        woken: dict[str, list[Event]] = {}
        for loop in self._loops:
            for channel in loop.channels:
                woken.setdefault(channel, []).append(self._wakes[loop.name])
        for channel in woken:
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        for wake in self._wakes.values():
            wake.set()  # what was said while nobody listened
        self.listening.set()
        while not self._stopping.is_set():
            for notice in connection.notifies(timeout=LISTEN_SECONDS):
                for wake in woken.get(notice.channel, ()):
                    wake.set()
                if self._stopping.is_set():
                    return


@contextmanager
def working(house: House, loops: Sequence[Loop], *, stop_seconds_max: float = STOP_SECONDS_MAX) -> Iterator[Worker]:
    """The loops run over this house's database; stopped on leaving. Each may take ``stop_seconds_max`` to end its step."""

    def connect() -> psycopg.Connection:
        conninfo = house.database.conninfo(name="listen")
        return psycopg.connect(conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX)

    worker = Worker(loops, connect=connect, start_thread=house.start_thread)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(stop_seconds_max)


def _body(run: Callable[[Loop], None], loop: Loop) -> Callable[[], None]:
    return lambda: run(loop)
