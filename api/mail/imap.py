"""One look into a mailbox over IMAP: opened, looked into, messages fetched unread, marked or moved, all within one deadline.

What goes wrong is a ``MailboxFault`` with a code; what the server said is never in it, because it may quote names. The
library's own fetching and flagging are not used: it does not give the bytes as they came, and it expunges after each flag,
which would take away what somebody else only marked.
"""

import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from imap_tools.errors import ImapToolsError, MailboxFolderSelectError
from imap_tools.mailbox import BaseMailBox
from imap_tools.utils import encode_folder

from adapters.kit.watchdog import DeadlinePassed, StartThread, Watchdog

TLS, STARTTLS, PLAIN = "tls", "starttls", "none"
CONNECT_SECONDS_MAX = 10.0
CALL_SECONDS_MAX = 60.0
UIDS_AT_ONCE = 200  # in one command
FOLDERS_MAX = 500
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UID = re.compile(rb"\bUID (\d{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,15})\b")


class MailboxFault(Exception):
    """The mailbox could not be read. ``code`` is one of those that ``api/mailboxes.py`` has sentences for."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class MailboxLogin:
    """Where and as whom. ``tls``: tls, starttls or none."""

    host: str
    port: int
    tls: str
    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True)
class Ways:
    """How a mailbox is reached: the certificates that are believed, the clock, how threads are started."""

    context: ssl.SSLContext
    monotonic: Callable[[], float]
    start_thread: StartThread
    seconds_max: float = CALL_SECONDS_MAX


def tls_context(more_authorities: Path | None) -> ssl.SSLContext:
    """Certificates of the system's authorities are believed, and of those in the file. Raises OSError, ssl.SSLError."""
    context = ssl.create_default_context()
    if more_authorities is not None:
        context.load_verify_locations(cafile=more_authorities)
    return context


class OpenMailbox:
    """A folder that is selected. ``uid_validity``: uids of another one mean other messages (RFC 9051, 2.3.1.1)."""

    def __init__(self, box: "_Box", guard: Watchdog, folder: str, *, readonly: bool) -> None:
        self._box = box
        self._guard = guard
        with _faults(guard):
            box.folder.set(folder, readonly)
        self.uid_validity = self._number("UIDVALIDITY")
        self.messages = self._number("EXISTS")

    def uids(self, first: int, last: int | None, since: date, *, smaller_than: int | None = None) -> list[int]:
        """Uids from ``first`` to ``last`` (None: the newest) of messages that came on that day or later, ascending.

        The server's own day may be the one before ours: one day more is looked at.
        """
        day = since - timedelta(days=1)
        asked = f"UID {first}:{'*' if last is None else last} SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}"
        if smaller_than is not None:
            asked += f" SMALLER {smaller_than}"
        with _faults(self._guard):
            found = [int(uid) for uid in self._box.uids(asked, charset=None)]
        # "n:*" always names the newest message, also when its uid is below n.
        return sorted(uid for uid in found if uid >= first and (last is None or uid <= last))

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """The size of each message in bytes; one that is gone is left out."""
        sizes: dict[int, int] = {}
        for part in _parts(uids):
            for item in self._command("FETCH", part, "(UID RFC822.SIZE)"):
                if not isinstance(item, bytes):
                    continue
                uid, size = _UID.search(item), _SIZE.search(item)
                if uid is not None and size is not None:
                    sizes[int(uid[1])] = int(size[1])
        return sizes

    def fetch(self, uid: int) -> bytes | None:
        """The message as it came, left unread; None: it is gone."""
        for item in self._command("FETCH", str(uid), "(UID BODY.PEEK[])"):
            if isinstance(item, tuple) and len(item) == 2 and b"BODY[]" in item[0]:
                return bytes(item[1])
        return None

    def mark_seen(self, uids: Sequence[int]) -> None:
        """The messages are read, for whoever looks at the mailbox."""
        for part in _parts(uids):
            self._command("STORE", part, "+FLAGS.SILENT", r"(\Seen)")

    def move(self, uids: Sequence[int], folder: str) -> None:
        """The messages are in the other folder. A server that cannot move gets copies, and those here are marked deleted."""
        if not uids:
            return
        offers = self._offers()
        for part in _parts(uids):
            if "MOVE" in offers:
                self._command("MOVE", part, encode_folder(folder))
                continue
            self._command("COPY", part, encode_folder(folder))
            self._command("STORE", part, "+FLAGS.SILENT", r"(\Deleted)")
            if "UIDPLUS" in offers:
                self._command("EXPUNGE", part)

    def folders(self) -> list[str]:
        """The names of the folders, at most FOLDERS_MAX."""
        with _faults(self._guard):
            return [str(one.name) for one in self._box.folder.list()][:FOLDERS_MAX]

    def _offers(self) -> set[str]:
        """What the server can do now: many say more after the login than before."""
        with _faults(self._guard):
            found = self._box.client.capability()[1]
        return {
            word.upper()
            for item in found
            if isinstance(item, bytes)
            for word in item.decode("ascii", "replace").split()
        }

    def _number(self, name: str) -> int:
        found = self._box.client.untagged_responses.get(name, [None])[-1]
        if not isinstance(found, bytes) or not found.isdigit():
            raise MailboxFault("not_understood")
        return int(found)

    def _command(self, *words: str | bytes) -> list[Any]:
        with _faults(self._guard):
            answer, items = self._box.client.uid(*words)  # type: ignore[arg-type]  # folder names are encoded
        if answer != "OK":
            raise MailboxFault("refused")
        return items


@contextmanager
def opened(login: MailboxLogin, folder: str, ways: Ways, *, readonly: bool) -> Iterator[OpenMailbox]:
    """The folder is open, and everything asked of it inside ``with`` ends with the deadline. Raises MailboxFault."""
    guard = Watchdog(seconds=ways.seconds_max, monotonic=ways.monotonic, start_thread=ways.start_thread)
    with guard:
        with _faults(guard, lost="cannot_connect"):
            box = _Box(login, ways.context, guard)
        try:
            with _faults(guard, refused="login_refused"):
                if (login.user + login.password).isascii():
                    box.login(login.user, login.password, initial_folder=None)
                else:
                    box.login_utf8(login.user, login.password, initial_folder=None)
            yield OpenMailbox(box, guard, folder, readonly=readonly)
            with suppress(MailboxFault), _faults(guard):
                box.logout()
        finally:
            with suppress(OSError):  # it is closed already
                box.client.shutdown()


# ------------------------------------------------------------------ private


class _Client(imaplib.IMAP4):
    """A connection that the watchdog guards from its first byte, in TLS at once where that is asked for."""

    def __init__(self, login: MailboxLogin, context: ssl.SSLContext, guard: Watchdog) -> None:
        self._login = login
        self._context = context
        self._guard = guard
        super().__init__(login.host, login.port)

    def _create_socket(self, _timeout: float | None) -> socket.socket:
        plain = self._guard.connect(self._login.host, self._login.port, seconds_max=CONNECT_SECONDS_MAX)
        if self._login.tls != TLS:
            return plain
        return self._context.wrap_socket(plain, server_hostname=self._login.host)


class _Box(BaseMailBox):
    """The library's mailbox over our connection."""

    def __init__(self, login: MailboxLogin, context: ssl.SSLContext, guard: Watchdog) -> None:
        self._given = (login, context, guard)
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        login, context, guard = self._given
        client = _Client(login, context, guard)
        if login.tls == STARTTLS:
            client.starttls(context)
        return client


@contextmanager
def _faults(guard: Watchdog, *, refused: str = "refused", lost: str = "connection_lost") -> Iterator[None]:
    """What the library, the network and the server do is a MailboxFault."""
    try:
        yield
    except (ImapToolsError, imaplib.IMAP4.error, OSError, DeadlinePassed, ValueError, LookupError, TypeError) as error:
        raise MailboxFault("timed_out" if guard.barked else _code(error, refused=refused, lost=lost)) from None


def _code(error: Exception, *, refused: str, lost: str) -> str:
    match error:
        case socket.gaierror():
            return "host_not_found"
        case ssl.SSLCertVerificationError():
            return "certificate_not_trusted"
        case ssl.SSLError():
            return "tls_failed"
        case TimeoutError() | DeadlinePassed():
            return "timed_out"
        case imaplib.IMAP4.readonly():
            return "read_only"
        case imaplib.IMAP4.abort():
            return "connection_lost"
        case OSError():
            return lost
        case MailboxFolderSelectError():
            return "folder_unknown"
        case ImapToolsError() | imaplib.IMAP4.error():
            return refused
        case _:
            return "not_understood"


def _parts(uids: Sequence[int]) -> Iterator[str]:
    for start in range(0, len(uids), UIDS_AT_ONCE):
        yield ",".join(map(str, uids[start : start + UIDS_AT_ONCE]))
