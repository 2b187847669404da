"""One deadline for a whole HTTP request, and the exact moment it began to leave; a network back end under the client.

A timeout per read lets a mall that sends one byte now and then hold a worker for ever; here every operation of a
request gets only what is left of its time.
"""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore


class DeadlinePassed(Exception):
    """The time of the whole request is over."""


@dataclass
class Progress:
    """How far a request is. ``began``: its first byte was handed to the connection; it may have been applied. Mutable: it moves."""

    until: float
    began: bool = False


class DeadlineBackend(httpcore.NetworkBackend):
    """Connections whose every operation is bounded by the deadline of the request that runs in this thread."""

    def __init__(self, *, monotonic: Callable[[], float], seconds: float, connect_seconds: float) -> None:
        assert seconds > 0, seconds
        self._monotonic = monotonic
        self._seconds = seconds
        self._connect_seconds = connect_seconds
        self._inner = httpcore.SyncBackend()
        self._running = threading.local()

    @contextmanager
    def running(self) -> Iterator[Progress]:
        """Inside, this thread's operations belong to one request that ends ``seconds`` from now."""
        progress = Progress(self._monotonic() + self._seconds)
        self._running.progress = progress
        try:
            yield progress
        finally:
            self._running.progress = None

    def left(self) -> float:
        """Seconds left of the running request. Raises DeadlinePassed. Closing outside of one gets a moment."""
        progress: Progress | None = getattr(self._running, "progress", None)
        if progress is None:
            return 1.0
        seconds = progress.until - self._monotonic()
        if seconds <= 0:
            raise DeadlinePassed
        return seconds

    def begin(self) -> None:
        """A byte of the request is about to leave."""
        progress: Progress | None = getattr(self._running, "progress", None)
        if progress is not None:
            progress.began = True

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  (the deadline stands in for it)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = min(self._connect_seconds, self.left())
        return _Stream(self._inner.connect_tcp(host, port, seconds, local_address, socket_options), self)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, backend: DeadlineBackend) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._inner.read(max_bytes, self._backend.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        seconds = self._backend.left()
        self._backend.begin()
        self._inner.write(buffer, seconds)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._backend.left()), self._backend)

    def get_extra_info(self, info: str) -> Any:  # the library's own signature
        return self._inner.get_extra_info(info)
