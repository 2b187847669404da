"""The bytes of a file on their way in: hashed and counted as they pass, and what it begins with without holding the rest."""

import hashlib
from collections.abc import Iterable, Iterator

from adapters.kit.table import HEAD_BYTES


class Hashed:
    """Chunks as they pass, hashed and counted."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._sha256 = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._sha256.update(chunk)
            self.size += len(chunk)
            yield chunk

    def digest(self) -> str:
        """SHA-256 of what has passed, as hex."""
        return self._sha256.hexdigest()


def head_of(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """What the file begins with (HEAD_BYTES or a little more), and all of it."""
    source, parts, size = iter(chunks), [], 0
    for chunk in source:
        parts.append(chunk)
        size += len(chunk)
        if size >= HEAD_BYTES:
            break
    return b"".join(parts), (one for several in (parts, source) for one in several)
