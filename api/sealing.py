"""Seals what must not be read from the database: secrets, raw messages, addresses. The keys are in a file beside it.

MultiFernet (AES-128-CBC with HMAC-SHA256): the newest key seals, every key of the file opens. Each seal is bound to its
purpose, so that one row's bytes moved into another row do not open there.
"""

import base64
from collections.abc import Callable, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class CannotOpen(ValueError):
    """The sealed bytes were not sealed for this purpose by any key of the key file."""


class Seals:
    """Seals and opens with these keys, newest first, as they are at each use. Thread-safe."""

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        self._keys = keys
        self._made: tuple[Sequence[bytes], MultiFernet] | None = None

    @property
    def _fernet(self) -> MultiFernet:
        keys, made = self._keys(), self._made
        if made is None or made[0] is not keys:
            made = self._made = (keys, MultiFernet([Fernet(key) for key in keys]))
        return made[1]

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Bytes that only the key file opens, and only for this purpose."""
        # Fernet answers base64 text; the bytes behind it are a quarter shorter.
        return base64.urlsafe_b64decode(self._fernet.encrypt(_bound(purpose) + plain))

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """What was sealed for this purpose. Raises CannotOpen."""
        try:
            plain = self._fernet.decrypt(base64.urlsafe_b64encode(sealed))
        except InvalidToken:
            raise CannotOpen(
                f"sealed {_kind(purpose)}: no key of the key file opens it; expected the file it was sealed with: "
                "restore secret.key from your backup (DAICHO_SECRET_KEY_FILE)"
            ) from None
        bound = _bound(purpose)
        if not plain.startswith(bound):
            raise CannotOpen(
                f"sealed {_kind(purpose)}: it was sealed for another row; expected its own; enter it again"
            )
        return plain[len(bound) :]

    def rotated(self, sealed: bytes) -> bytes:
        """The same content and purpose, sealed with the newest key. Raises CannotOpen."""
        try:
            return base64.urlsafe_b64decode(self._fernet.rotate(base64.urlsafe_b64encode(sealed)))
        except InvalidToken:
            raise CannotOpen("no key of the key file opens it; restore the keys it was sealed with") from None

    def with_newest(self, sealed: bytes) -> bool:
        """Whether the newest key alone opens it."""
        try:
            Fernet(self._keys()[0]).decrypt(base64.urlsafe_b64encode(sealed))
        except InvalidToken:
            return False
        return True


def _bound(purpose: str) -> bytes:
    encoded = purpose.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _kind(purpose: str) -> str:
    return purpose.partition(":")[0]
