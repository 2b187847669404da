"""Turns by key beside each other: a shop whose mall hangs, or that is told 100,000 numbers, keeps no other shop waiting.

A key has one turn at a time. Given again while its turn runs, it has one more afterwards, so that nothing said meanwhile is lost.
"""

from collections.abc import Callable, Iterable
from functools import partial
from queue import SimpleQueue
from threading import Event, Lock, Thread

from api.jobs.worker import Attempts, StartThread

STOP_SECONDS_MAX = 30.0


class Turns:
    """Runs ``turn(key)`` until it answers 0, of at most ``at_once_max`` keys at the same time, each in a thread.

    A turn that raises is recorded by its class alone and tried again, later each time.
    """

    def __init__(self, name: str, turn: Callable[[str], int], *, at_once_max: int, start_thread: StartThread) -> None:
        self._name = name
        self._turn = turn
        self._at_once_max = at_once_max
        self._start_thread = start_thread
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._lock = Lock()
        self._given: dict[str, bool] = {}  # keys that wait or have their turn; True: once more afterwards
        self._stopping = Event()
        self._threads: list[Thread] = []

    def give(self, keys: Iterable[str]) -> int:
        """Each key has a turn, now or when a thread is free; the answer is how many had none already."""
        begun = 0
        with self._lock:
            for key in keys:
                if key in self._given:
                    self._given[key] = True
                    continue
                self._given[key] = False
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
        for _ in threads:
            self._waiting.put(None)
        for thread in threads:
            thread.join(STOP_SECONDS_MAX / len(threads))
        return not any(thread.is_alive() for thread in threads)

    def _run(self) -> None:
        attempts = Attempts(self._name, self._stopping)
        while (key := self._waiting.get()) is not None:
            one = partial(self._turn, key)
            while not self._stopping.is_set() and (attempts.one(one) != 0 or self._again(key)):
                pass

    def _again(self, key: str) -> bool:
        """Whether the key was given again while it had its turn; if not, it has none any more."""
        with self._lock:
            again = self._given.pop(key)
            if again:
                self._given[key] = False
            return again
