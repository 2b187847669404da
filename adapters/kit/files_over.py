"""Files to and from malls: what ``sftp.py`` and ``ftps.py`` promise alike. Every call ends in an outcome; nothing raises.

A file is put whole or not at all: it is written under a name no mall looks for, its size is checked, then it is renamed.
Nothing is resumed: a file that did not arrive is sent again from its first byte. Each call is a connection of its own
with one deadline from connecting to the last answer, so no call depends on what the one before left behind.

What the mall then does with the file is not known here: ``Put`` says only that it lies there, whole.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias, assert_never

from adapters.kit.mall import Lost, NotSent, ReadFailed
from ledger.terms import Outcome, Result

ENTRIES_MAX = 10_000
FILE_BYTES_MAX = 1_000_000_000
CHUNK_BYTES = 32_768  # What every SFTP server takes in one request.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,149}")
_LISTED = re.compile(r"[ -.0-~]{1,255}")
_FOLDER = re.compile(r"[ -~]{0,500}")


class Fault(StrEnum):
    """Why a call did not do what was asked. The reason of NotSent and Lost, and the code of ReadFailed."""

    # Not connected, or cut off.
    NAME_NOT_FOUND = "name_not_found"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_BROKEN = "connection_broken"
    DEADLINE_PASSED = "deadline_passed"
    NOT_UNDERSTOOD = "answer_not_understood"
    BUSY = "server_busy"
    # Not the server we mean, or not safely.
    HOST_KEY_UNCONFIRMED = "host_key_unconfirmed"
    HOST_KEY_CHANGED = "host_key_changed"
    ALGORITHMS_TOO_OLD = "algorithms_too_old"
    CERTIFICATE_REFUSED = "certificate_refused"
    TLS_FAILED = "tls_failed"
    TLS_NOT_OFFERED = "tls_not_offered"
    PLAIN_NOT_DECLARED = "plain_not_declared"
    # Not let in.
    LOGIN_REFUSED = "login_refused"
    LOGIN_KIND_REFUSED = "login_kind_refused"
    LOGIN_NOT_VALID = "login_not_valid"
    PRIVATE_KEY_NOT_VALID = "private_key_not_valid"
    # Let in, and refused.
    NAME_NOT_VALID = "file_name_not_valid"
    FOLDER_NOT_THERE = "folder_not_there"
    FILE_NOT_THERE = "file_not_there"
    NAME_EXISTS = "name_exists"
    PERMISSION_DENIED = "permission_denied"
    DISK_FULL = "disk_full"
    RENAME_REFUSED = "rename_refused"
    SIZE_DIFFERS = "size_differs"
    REFUSED = "refused"
    FILE_TOO_LARGE = "file_too_large"
    ENTRIES_TOO_MANY = "entries_too_many"


# A person has to change a setting or ask the mall before another try can end differently.
NEEDS_A_PERSON = frozenset(
    {
        Fault.HOST_KEY_UNCONFIRMED,
        Fault.HOST_KEY_CHANGED,
        Fault.ALGORITHMS_TOO_OLD,
        Fault.CERTIFICATE_REFUSED,
        Fault.TLS_NOT_OFFERED,
        Fault.PLAIN_NOT_DECLARED,
        Fault.LOGIN_REFUSED,
        Fault.LOGIN_KIND_REFUSED,
        Fault.LOGIN_NOT_VALID,
        Fault.PRIVATE_KEY_NOT_VALID,
    }
)


class Naming(StrEnum):
    """How the file came to its name.

    renamed: nothing had the name. renamed_over: the former file was replaced in one step. removed_then_renamed: the
    server cannot replace, so between two steps there was no file of the name; a mall that looked then saw none, and had
    the second step failed the former file would be gone. direct: written under the name itself, so the mall may have seen
    a part of it; only for servers that refuse to rename.
    """

    RENAMED = "renamed"
    RENAMED_OVER = "renamed_over"
    REMOVED_THEN_RENAMED = "removed_then_renamed"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who logs in where. ``password`` or ``private_key`` (its text, OpenSSH or PEM, locked with ``passphrase`` or not)."""

    host: str = field(repr=False)
    port: int
    user: str = field(repr=False)
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Reached:
    """Logged in. ``host_key``: the fingerprint of the server that a person confirmed; "" where certificates do that."""

    host_key: str = ""


@dataclass(frozen=True, slots=True)
class HostKeyRefused:
    """The server is not one that a person confirmed; neither user nor password was told to it.

    ``seen`` is its fingerprint, to be compared with what the mall published and then confirmed. ``fault`` is
    host_key_unconfirmed (none was ever confirmed) or host_key_changed (another one was).
    """

    fault: Fault
    seen: str


@dataclass(frozen=True, slots=True)
class Put:
    """The whole file lies under its name, ``size_bytes`` long. It got its name between ``named_from`` and ``named_until``."""

    size_bytes: int
    naming: Naming
    named_from: datetime
    named_until: datetime


@dataclass(frozen=True, slots=True)
class Removed:
    """The file is gone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a folder. Size and time (UTC) as the server says them; None: it does not."""

    name: str = field(repr=False)
    size_bytes: int | None
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Listed:
    """The plain files of the folder, by name. ``not_read`` counts names that are not printable ASCII; ours half-put are left out."""

    entries: tuple[Entry, ...]
    not_read: int = 0


@dataclass(frozen=True, slots=True)
class Got:
    """The whole file."""

    content: bytes = field(repr=False)


PutReply: TypeAlias = Put | NotSent | Lost
RemoveReply: TypeAlias = Removed | NotSent | Lost


class MallFiles(Protocol):
    """The folders of one shop at one mall, over SFTP or FTPS. Never raises for what the server does; threads may share it.

    A folder is named as the server names it; "" is where the login ends up. ``put``: NotSent means that no part of the
    file has the name, Lost that it may (then look with ``list``); what ``content`` raises goes through, nothing has the
    name then. ``replace`` False: a file that has the name is left as it is, NotSent(name_exists).
    """

    def reach(self) -> Reached | HostKeyRefused | ReadFailed: ...

    def put(self, folder: str, name: str, content: Iterable[bytes], *, replace: bool) -> PutReply: ...

    def list(self, folder: str) -> Listed | ReadFailed: ...

    def get(self, folder: str, name: str, *, bytes_max: int) -> Got | ReadFailed: ...

    def remove(self, folder: str, name: str) -> RemoveReply: ...


def outcome_of_put(reply: PutReply) -> Outcome:
    """What a put means for the listings of the file: accepted (the mall has yet to read it), unknown, or nothing written."""
    match reply:
        case Put():
            return Outcome(Result.ACCEPTED)
        case NotSent(reason=reason):
            return Outcome(_result_of(reason), reason)
        case Lost(reason=reason):
            return Outcome(Result.UNKNOWN, reason)
        case _:
            assert_never(reply)


def read_failed(fault: Fault) -> ReadFailed:
    """A reading call came to nothing: rejected_auth where a person is needed, else transient."""
    return ReadFailed(_result_of(fault), fault)


def is_file_name(name: str) -> bool:
    """Whether we would put, get or remove under this name: 1 to 150 of A-Z a-z 0-9 . _ -, not beginning with . or -."""
    return _NAME.fullmatch(name) is not None


def is_folder(folder: str) -> bool:
    """Whether this may be a folder: printable ASCII, at most 500 characters."""
    return _FOLDER.fullmatch(folder) is not None


def is_listed_name(name: str) -> bool:
    """Whether this may be a name a server lists: 1 to 255 printable ASCII characters, no slash, not . or .. ."""
    return _LISTED.fullmatch(name) is not None and name not in (".", "..")


def name_until_whole(name: str, token: str) -> str:
    """The name a file has while it is written: malls look for a beginning or an ending, and it has neither.

    ``token`` (letters and digits) is new for every put, so two that run at once never write into one file.
    """
    assert token.isalnum(), "a token is letters and digits"
    return f"daicho-{token}-{name}.part"


def is_part_of(entry_name: str, name: str) -> bool:
    """Whether this is what an earlier put of ``name``, cut off in the middle, left behind."""
    return re.fullmatch(rf"daicho-[A-Za-z0-9]+-{re.escape(name)}\.part", entry_name) is not None


def is_part(entry_name: str) -> bool:
    """Whether this is a file of ours that is not whole yet, or never will be."""
    return re.fullmatch(r"daicho-[A-Za-z0-9]+-.+\.part", entry_name) is not None


def _result_of(reason: str) -> Result:
    return Result.REJECTED_AUTH if reason in NEEDS_A_PERSON else Result.TRANSIENT
