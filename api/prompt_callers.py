"""HTTP for callers that are prompt: answers leave at once, and who does not send the head of a request in time is told 408.

uvicorn ends an idle connection, and has no limit for one that sends its head byte by byte; a few hundred of them would use up
the places of a process. Bodies have their limits at their doors.
"""

import asyncio
import socket
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS_MAX = 10.0
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
log = structlog.get_logger()


class PromptProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, for callers whose head is whole within ``head_seconds_max``."""

    head_seconds_max = HEAD_SECONDS_MAX

    def __init__(self, *values: Any, **more: Any) -> None:
        super().__init__(*values, **more)
        self._head_by: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio sets it for sockets that say that they are TCP; those of a listening socket we made do not. Without it the
        # body of every answer waits 40 ms for the caller's acknowledgement of its head.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()  # the head is whole, or was none
        elif self._head_by is None:
            self._wait()  # the next one on this connection has begun

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._head_by = self.loop.call_later(self.head_seconds_max, self._too_slow)

    def _wait_no_more(self) -> None:
        if self._head_by is not None:
            self._head_by.cancel()
            self._head_by = None

    def _too_slow(self) -> None:
        self._head_by = None
        if self.transport.is_closing() or self.conn.their_state is not h11.IDLE:
            return
        log.warning("head_too_slow", seconds=self.head_seconds_max)
        self.transport.write(TOO_SLOW)
        self.transport.close()
