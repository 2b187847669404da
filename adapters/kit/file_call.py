"""What one running call of ``sftp.py`` or ``ftps.py`` knows: how it ended, whether the file may have its name, the content."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from adapters.kit.files_over import FILE_BYTES_MAX, Fault
from adapters.kit.watchdog import DeadlinePassed

# Protocols have one code for many failures; servers say more in words. Compared, never shown.
_FULL_WORDS = ("no space left", "quota exceeded", "disk full", "disk quota")


class Ended(Exception):
    """The call came to nothing. Becomes an outcome inside ``kit``; its message is a code."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Progress:
    """Whether the request that changes what the mall sees may have been obeyed."""

    def __init__(self) -> None:
        self.may_be_done = False

    @contextmanager
    def unanswered(self, *refusals: type[Exception]) -> Iterator[None]:
        """Inside, such a request leaves. An error of these kinds is an answer: it was not obeyed. Any other leaves that open."""
        before = self.may_be_done
        self.may_be_done = True
        try:
            yield
        except refusals:
            self.may_be_done = before
            raise


class Content:
    """The content of a put, at most FILE_BYTES_MAX; says whether an error that passes is its own or the connection's."""

    def __init__(self, parts: Iterable[bytes], *, bytes_max: int = FILE_BYTES_MAX) -> None:
        self._parts = iter(parts)
        self._bytes_max = bytes_max
        self._size_bytes = 0
        self.is_asked = False
        self.is_begun = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.is_asked = self.is_begun = True
        part = next(self._parts, None)
        self.is_asked = False
        if part is None:
            raise StopIteration
        self._size_bytes += len(part)
        if self._size_bytes > self._bytes_max:
            raise Ended(Fault.FILE_TOO_LARGE)
        return part


def says_full(words: str) -> bool:
    """Whether a server says in words that its disk or a quota is full."""
    return any(one in words.lower() for one in _FULL_WORDS)


def fault_of_network(error: BaseException) -> Fault | None:
    """The fault an error of sockets and time limits stands for; None: it is none of those. Its text is not used."""
    kinds: tuple[tuple[type[BaseException], Fault], ...] = (
        (DeadlinePassed, Fault.DEADLINE_PASSED),
        (TimeoutError, Fault.DEADLINE_PASSED),
        (socket.gaierror, Fault.NAME_NOT_FOUND),
        (ConnectionRefusedError, Fault.CONNECTION_REFUSED),
        (EOFError, Fault.CONNECTION_BROKEN),
        (OSError, Fault.CONNECTION_BROKEN),
    )
    return next((fault for kind, fault in kinds if isinstance(error, kind)), None)
