"""A deadline that is kept from outside: when time is over, the connections of the call are cut, whoever waits on them.

Time limits of a socket are per read: a server that sends a byte now and then, or a library that waits on a lock of its
own, outlives them. Here a second thread waits for the end of the call and otherwise shuts its sockets down, after which
every waiting read and write ends.
"""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol


class DeadlinePassed(Exception):
    """The time of the whole call is over."""


class Joinable(Protocol):
    """A started thread."""

    def join(self, timeout: float | None = None) -> None: ...


StartThread = Callable[[str, Callable[[], None]], Joinable]


class Watchdog:
    """Inside ``with``, what is guarded is cut off ``seconds`` after its beginning; at its end the second thread is gone."""

    def __init__(self, *, seconds: float, monotonic: Callable[[], float], start_thread: StartThread) -> None:
        assert seconds > 0, seconds
        self._seconds = seconds
        self._monotonic = monotonic
        self._until = monotonic() + seconds
        self._start_thread = start_thread
        self._over = threading.Event()
        self._guarded: list[socket.socket] = []
        self._lock = threading.Lock()
        self._barked = False

    def __enter__(self) -> "Watchdog":
        self._until = self._monotonic() + self._seconds
        self._thread = self._start_thread("file-call-watchdog", self._watch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        for guarded in self._guarded:
            guarded.close()

    @property
    def barked(self) -> bool:
        """Whether the connections were cut because time was over."""
        return self._barked

    def left(self) -> float:
        """Seconds left of the call. Raises DeadlinePassed."""
        seconds = self._until - self._monotonic()
        if self._barked or seconds <= 0:
            raise DeadlinePassed
        return seconds

    def guard(self, connection: socket.socket) -> None:
        """The connection ends with the deadline, whatever wraps it later. Raises DeadlinePassed.

        A duplicate is kept: shutting it down ends the connection itself, also one that TLS has taken over by now.
        """
        with self._lock:
            if not self._barked:
                self._guarded.append(connection.dup())
                return
        raise DeadlinePassed

    def connect(self, host: str, port: int, *, seconds_max: float) -> socket.socket:
        """A guarded connection; who is done with it shuts it down, closing it leaves our duplicate open. Raises OSError, DeadlinePassed."""
        connection = socket.create_connection((host, port), min(seconds_max, self.left()))
        try:
            connection.settimeout(self.left())
            self.guard(connection)
        except DeadlinePassed:
            connection.close()
            raise
        return connection

    def _watch(self) -> None:
        if self._over.wait(self._seconds):
            return
        with self._lock:
            self._barked = True
            for guarded in self._guarded:
                try:
                    guarded.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # The other side was quicker.
