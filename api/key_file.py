"""The file of the keys that seal what must not be read from the database: made once, read again when it changed, rotated.

One key a line, newest first, each 32 random bytes in URL-safe base64 (Fernet). The newest seals, every one opens. Losing the
file loses what it sealed: mall secrets, shops' addresses and raw messages.
"""

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from cryptography.fernet import Fernet

from api.settings import BadSetting

KEY_FILE_BYTES_MAX = 10_000
KEY_PATTERN = re.compile(rb"[A-Za-z0-9_-]{43}=")
_Stamp = tuple[int, int, int]


class KeyFile:
    """The keys of one file. Thread-safe; another process's rotation is seen at the next use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._stamp: _Stamp | None = None
        self._keys: tuple[bytes, ...] = ()

    def keys(self) -> tuple[bytes, ...]:
        """Newest first; the file is made (600) when absent; the same tuple as long as the file is the same. Raises BadSetting."""
        with self._lock:
            if not self.path.exists():
                self._make()
            try:
                found = self.path.stat()
                stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
                if stamp != self._stamp:
                    with self.path.open("rb") as file:
                        self._keys = self._checked(file.read(KEY_FILE_BYTES_MAX).split())
                    self._stamp = stamp
            except OSError as error:
                raise BadSetting(
                    f"cannot read the secret key file {self.path}: {error.strerror}; make it readable for this user"
                ) from error
            return self._keys

    def put_in_front(self) -> None:
        """A new key seals from here on; the others still open. Raises BadSetting."""
        self._replace([Fernet.generate_key(), *self.keys()])

    def keep_newest(self) -> int:
        """Only the newest key is left; the answer is how many were taken out. Raises BadSetting."""
        keys = self.keys()
        if len(keys) > 1:
            self._replace(keys[:1])
        return len(keys) - 1

    def _checked(self, keys: Sequence[bytes]) -> tuple[bytes, ...]:
        for number, key in enumerate(keys, 1):
            if not KEY_PATTERN.fullmatch(key):
                raise BadSetting(
                    f"{self.path}, key {number}: not 32 bytes in URL-safe base64; restore the file from your backup"
                )
        if not keys:
            raise BadSetting(f"{self.path} is empty; restore it from your backup")
        return tuple(keys)

    def _make(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            written = self._written([Fernet.generate_key()])
            try:
                self.path.hardlink_to(written)  # The first of several processes wins; the others read its key.
            except FileExistsError:
                pass
            written.unlink()
        except OSError as error:
            raise BadSetting(
                f"cannot make the secret key file {self.path}: {error.strerror}; set DAICHO_SECRET_KEY_FILE"
            ) from error

    def _replace(self, keys: Sequence[bytes]) -> None:
        """The file is exchanged as a whole, with its owner; whoever reads it meanwhile reads the old or the new one."""
        try:
            before = self.path.stat()
            written = self._written(keys)
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(written, before.st_uid, before.st_gid)
            written.chmod(before.st_mode & 0o777)
            written.replace(self.path)
        except OSError as error:
            raise BadSetting(
                f"cannot write the secret key file {self.path}: {error.strerror}; run this as the user who owns it"
            ) from error

    def _written(self, keys: Sequence[bytes]) -> Path:
        opened, name = tempfile.mkstemp(prefix=f"{self.path.name}.", dir=self.path.parent)  # Mode 600.
        with os.fdopen(opened, "wb") as file:
            file.write(b"".join(key + b"\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        return Path(name)
