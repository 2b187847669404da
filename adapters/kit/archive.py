"""Opens a zip that a person sent: its files one after the other, with every limit named; what is suspicious is refused whole.

Limits (OWASP, "Zip bomb"): what the zip says of its sizes is checked before anything is unpacked, and no member gives out more
bytes than it said, whatever is inside. Names are UTF-8 where the zip says so, else CP932, as Windows in Japan writes them.
"""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

MARK = b"PK\x03\x04"
PACKED_BYTES_MAX = 200_000_000
UNPACKED_BYTES_MAX = 200_000_000  # of all members together
UNPACKED_TIMES_MAX = 100
SMALL_BYTES_MAX = 100_000  # a member of up to this may pack better: it can do no harm
MEMBERS_MAX = 1_000
READ_BYTES = 65_536

_END, _END_BYTES, _COMMENT_BYTES_MAX = b"PK\x05\x06", 22, 65_535
_DIRECTORY_BYTES_MAX = MEMBERS_MAX * 1_000  # names and extra fields of a member are far below this
_PASSED = ("__macosx/",)  # what a Mac adds by itself
_PASSED_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, NotImplementedError)


class ArchiveRefused(ValueError):
    """The zip is not opened: what was seen, what was expected, and which member it was."""


@dataclass(frozen=True)
class Member:
    """One file of a zip. ``name`` is without folders."""

    name: str
    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, at most as many as it said. Raises ArchiveRefused when it is damaged."""
        try:
            with self.archive.open(self.entry) as opened:
                while chunk := opened.read(READ_BYTES):
                    yield chunk
        except _UNREADABLE:
            raise ArchiveRefused(
                f"{self.name} in the zip is damaged; expected one that unpacks: send it again"
            ) from None


def is_workbook(file: IO[bytes]) -> bool:
    """Whether the zip is an Excel workbook, by the parts it has. Raises ArchiveRefused."""
    names = {entry.filename for entry in _opened(file).infolist()}
    return "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names)


def members(file: IO[bytes]) -> Sequence[Member]:
    """The files of the zip, in its order. ``file`` can be searched and stays open as long as they are read.

    Raises ArchiveRefused for what is no zip, too large, too many, encrypted, nested, or leads out of its folder.
    """
    archive = _opened(file)
    found = [Member(_name(entry), archive, entry) for entry in archive.infolist() if not _is_passed(entry)]
    if sum(member.entry.file_size for member in found) > UNPACKED_BYTES_MAX:
        raise ArchiveRefused(f"more than {UNPACKED_BYTES_MAX:,} bytes unpacked; expected several smaller zips")
    if not found:
        raise ArchiveRefused("a zip without files; expected the files a mall gave out")
    for member in found:
        _check(member)
    return found


def _opened(file: IO[bytes]) -> zipfile.ZipFile:
    _refuse_crowded(file)
    try:
        archive = zipfile.ZipFile(file)
    except _UNREADABLE:
        raise ArchiveRefused("not a readable zip; expected one that unpacks: send it again") from None
    if len(archive.infolist()) > MEMBERS_MAX:
        raise ArchiveRefused(f"{len(archive.infolist()):,} files in the zip; expected at most {MEMBERS_MAX:,}")
    return archive


def _refuse_crowded(file: IO[bytes]) -> None:
    """A list of members that would take much memory is refused before it is read."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_BYTES - _COMMENT_BYTES_MAX))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise ArchiveRefused("not a whole zip; expected one that was sent to its end: send it again")
    count = int.from_bytes(tail[at + 10 : at + 12], "little")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if count > MEMBERS_MAX or directory > _DIRECTORY_BYTES_MAX:
        raise ArchiveRefused(f"more than {MEMBERS_MAX:,} files in the zip; expected at most {MEMBERS_MAX:,}")
    file.seek(0)


def _check(member: Member) -> None:
    entry = member.entry
    if entry.flag_bits & 0x1:
        raise ArchiveRefused(f"{member.name} in the zip has a password; expected a zip without one")
    if entry.file_size > max(SMALL_BYTES_MAX, entry.compress_size * UNPACKED_TIMES_MAX):
        raise ArchiveRefused(
            f"{member.name} in the zip unpacks to more than {UNPACKED_TIMES_MAX} times its size; expected the file itself"
        )
    if member.name.lower().endswith(".zip"):
        raise ArchiveRefused(f"{member.name} is a zip in the zip; expected the files themselves")


def _is_passed(entry: zipfile.ZipInfo) -> bool:
    path = _path(entry)
    if path.startswith("/") or ".." in path.split("/") or path[1:2] == ":":
        raise ArchiveRefused(f"{path!r} in the zip leads out of its folder; expected plain file names")
    name = path.lower()
    return entry.is_dir() or name.startswith(_PASSED) or name.rsplit("/", 1)[-1] in _PASSED_NAMES


def _name(entry: zipfile.ZipInfo) -> str:
    return _path(entry).rsplit("/", 1)[-1]


def _path(entry: zipfile.ZipInfo) -> str:
    """The member's path with "/" between folders."""
    name = entry.orig_filename
    if not entry.flag_bits & 0x800:  # not UTF-8: zipfile took the bytes for CP437
        try:
            name = name.encode("cp437").decode("cp932")
        except UnicodeError:
            pass
    return name.replace("\\", "/")
