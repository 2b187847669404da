"""Turns by key beside each other: a shop whose mall hangs, or that is told 100,000 numbers, keeps no other shop waiting.

A key has one turn at a time. Given again while its turn runs, it has one more afterwards, so that nothing said meanwhile is lost.
A turn that may go on soon is had again at just that moment, not when somebody looks again.
"""

from collections.abc import Callable, Iterable
from functools import partial
from math import inf
from queue import SimpleQueue
from threading import Event, Lock, Thread

from api.jobs.worker import Attempts, StartThread

STOP_SECONDS_MAX = 30.0
WAIT_SECONDS_MAX = 2.0  # a thread waits with its key; for longer the key has to be given again
NOTHING = inf


class Turns:
    """Runs ``turn(key)`` of at most ``at_once_max`` keys at the same time, each in a thread.

    A turn answers the seconds until it may go on: 0 at once, NOTHING when there is nothing to do until the key is given again.
    One that raises is recorded by its class alone and tried again, later each time.
    """

    def __init__(self, name: str, turn: Callable[[str], float], *, at_once_max: int, start_thread: StartThread) -> None:
        self._name = name
        self._turn = turn
        self._at_once_max = at_once_max
        self._start_thread = start_thread
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._lock = Lock()
        self._given: dict[str, Event] = {}  # keys that wait or have their turn; set: given again meanwhile
        self._stopping = Event()
        self._threads: list[Thread] = []

    def give(self, keys: Iterable[str]) -> int:
        """Each key has a turn, now or when a thread is free; the answer is how many had none already."""
        begun = 0
        with self._lock:
            for key in keys:
                if key in self._given:
                    self._given[key].set()
                    continue
                self._given[key] = Event()
                self._waiting.put(key)
                begun += 1
                if len(self._threads) < min(self._at_once_max, len(self._given)):
                    self._threads.append(self._start_thread(f"{self._name}-{len(self._threads) + 1}", self._run))
        return begun

    def close(self) -> bool:
        """No turn begins any more; whether those that ran have ended within STOP_SECONDS_MAX."""
        self._stopping.set()
        with self._lock:
            threads = list(self._threads)
            for again in self._given.values():
                again.set()
        for _ in threads:
            self._waiting.put(None)
        for thread in threads:
            thread.join(STOP_SECONDS_MAX / len(threads))
        return not any(thread.is_alive() for thread in threads)

    def _run(self) -> None:
        attempts = Attempts(self._name, self._stopping)
        while (key := self._waiting.get()) is not None:
            one, again = partial(self._turn, key), self._given[key]
            while not self._stopping.is_set():
                again.clear()  # before the turn: what is said while it runs is looked for afterwards
                seconds = attempts.one(one)
                if seconds is None:
                    continue
                if seconds <= WAIT_SECONDS_MAX:
                    again.wait(seconds)
                elif not self._given_again(key):
                    break

    def _given_again(self, key: str) -> bool:
        """Whether the key was given while it had its turn; if not, it has none any more."""
        with self._lock:
            if self._given[key].is_set():
                return True
            del self._given[key]
            return False
