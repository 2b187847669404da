"""FTP commands one by one over the library's client, with what it leaves out: verified TLS also on data connections,
sessions of the control connection taken up there (servers insist), TLS from the first byte, refusals by their code, bounds.

All calls raise; ``ftps.py`` makes outcomes of that.
"""

import ftplib
import re
import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from adapters.kit.file_call import Content, says_full
from adapters.kit.files_over import CHUNK_BYTES, ENTRIES_MAX
from adapters.kit.watchdog import DeadlinePassed, Watchdog

# What the library, a socket and a malformed answer can end in.
WIRE_ERRORS = (ftplib.Error, EOFError, OSError, ValueError, LookupError)

CONNECT_SECONDS_MAX = 10.0
REASON_SECONDS_MAX = 5.0
ANSWER_BYTES_MAX = 1_000_000
LISTING_BYTES_MAX = ENTRIES_MAX * 500
# RFC 959, 4.2: not understood, not implemented, not for that parameter. RFC 2228: not protected as asked.
NOT_OFFERED = (500, 501, 502, 504)


class Security(StrEnum):
    """How the connection is protected. explicit: TLS before the login (RFC 4217). implicit: from the first byte (port 990)."""

    EXPLICIT_TLS = "explicit_tls"
    IMPLICIT_TLS = "implicit_tls"
    PLAIN = "plain"


class FtpRefused(Exception):
    """The server answered with a code of 400 to 599. Its words are not kept. ``full``: its disk or a quota is."""

    def __init__(self, code: int, *, full: bool = False) -> None:
        super().__init__(f"reply {code}")
        self.code = code
        self.full = full or code in (452, 552)


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """One file as the server lists it; None: it does not say."""

    name: str
    size_bytes: int | None
    modified_at: datetime | None


class FtpWire(ftplib.FTP_TLS):
    """One FTP session. Every call raises FtpRefused or one of WIRE_ERRORS."""

    def __init__(self, watchdog: Watchdog, security: Security, certificates: ssl.SSLContext) -> None:
        # Latin-1 reads every byte: names and words in Shift_JIS must not end the session.
        super().__init__(context=certificates, encoding="latin-1")
        self._watchdog = watchdog
        self._security = security
        self._certificates = certificates
        self._heard_bytes = 0

    def open(self, host: str, port: int) -> None:
        """Connected and, unless plain was asked for, under TLS; nothing of ours was told yet."""
        self.host, self.port = host, port
        connection = self._watchdog.connect(host, port, seconds_max=CONNECT_SECONDS_MAX)
        if self._security is Security.IMPLICIT_TLS:
            connection = self._under_tls(connection)
        self.sock = connection
        self.af = connection.family
        self.file = connection.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        if self._security is Security.EXPLICIT_TLS:
            self.auth()

    def protect_files(self) -> None:
        """Data connections are under TLS too. Raises FtpRefused where the server does not offer that."""
        if self._security is not Security.PLAIN:
            self.prot_p()

    def hang_up(self) -> None:
        """The connection is closed; the server is told, and not waited for."""
        if self.sock is not None:
            try:
                self.putcmd("QUIT")
            except WIRE_ERRORS:
                pass  # It is gone already.
            _end(self.sock)
            self.close()

    def store(self, name: str, content: Content) -> int:
        """The server has said that it has all of it; how many bytes."""
        size_bytes = 0
        begun = heard = False
        try:
            with self._transfer(f"STOR {name}") as connection:
                begun = True
                for part in content:
                    connection.sendall(part)
                    size_bytes += len(part)
                _say_that_all_is_sent(connection, self._watchdog)
                heard = True
                self.voidresp()
        except OSError:
            # A server without room ends the data connection first, and then says why.
            if begun and not heard and not content.is_asked:
                heard = True
                self._hear_why()
            raise
        finally:
            if begun and not heard:
                self._forget_answer()
        return size_bytes

    def retrieve(self, command: str) -> Iterator[bytes]:
        """What the server sends; at its end the server has said that it was all."""
        with self._transfer(command) as connection:
            while part := connection.recv(CHUNK_BYTES):
                yield part
            _say_that_all_is_sent(connection, self._watchdog)
        self.voidresp()

    def size_of(self, name: str) -> int | None:
        """The size of the file in this folder; None: there is none. Reads it back where the server does not tell sizes."""
        try:
            answer = self.sendcmd(f"SIZE {name}")  # RFC 3659, 4
            return int(answer[3:].split()[0])
        except FtpRefused as refused:
            if refused.code == 550:
                return None
            if refused.code not in NOT_OFFERED:
                raise
        found = next((entry for entry in self.entries() if entry.name == name), None)
        if found is None or found.size_bytes is not None:
            return None if found is None else found.size_bytes
        return sum(len(part) for part in self.retrieve(f"RETR {name}"))

    def entries(self) -> list[FolderEntry]:
        """The files of this folder: by MLSD (RFC 3659, 7), else by NLST, which knows only names."""
        try:
            lines = self._listing("MLSD")
        except FtpRefused as refused:
            if refused.code not in NOT_OFFERED:
                raise
        else:
            return [entry for line in lines if (entry := _entry(line)) is not None]
        try:
            names = {re.split(r"[/\\]", line)[-1] for line in self._listing("NLST")}
        except FtpRefused as refused:
            if refused.code not in (450, 550):
                raise
            names = set()  # So do servers answer for an empty folder.
        return [FolderEntry(name, None, None) for name in names if name not in ("", ".", "..")]

    def getline(self) -> str:
        """As the library's, of a bounded answer."""
        line = super().getline()
        self._heard_bytes += len(line)
        if self._heard_bytes > ANSWER_BYTES_MAX:
            raise AnswerNotUnderstood
        return line

    def getresp(self) -> str:
        """As the library's, but a refusal is FtpRefused."""
        self._heard_bytes = 0
        try:
            return super().getresp()
        except (ftplib.error_temp, ftplib.error_perm) as error:
            code = str(error)[:3]
            full = says_full(str(error))
            raise FtpRefused(int(code), full=full) if code.isdecimal() else AnswerNotUnderstood from None

    def _hear_why(self) -> None:
        """Raises FtpRefused when the server says within a moment why it ended the transfer."""
        assert self.sock is not None, "a transfer has begun"
        self.sock.settimeout(min(REASON_SECONDS_MAX, self._watchdog.left()))
        try:
            self.voidresp()
        except TimeoutError:
            return

    def _forget_answer(self) -> None:
        """The answer to a transfer that we gave up is taken in, so that the next answer is not mistaken for it."""
        try:
            self._hear_why()
        except (FtpRefused, DeadlinePassed, *WIRE_ERRORS):
            return

    def _listing(self, command: str) -> list[str]:
        raw = bytearray()
        for part in self.retrieve(command):
            raw += part
            if len(raw) > LISTING_BYTES_MAX:
                raise ListingTooLong
        return raw.decode("latin-1").splitlines()

    @contextmanager
    def _transfer(self, command: str) -> Iterator[socket.socket]:
        """A data connection on which the server has begun to do what the command says."""
        host, port = self.makepasv()
        with ExitStack() as open_ones:
            connection = self._watchdog.connect(host, port, seconds_max=CONNECT_SECONDS_MAX)
            open_ones.callback(_end, connection)
            answer = self.sendcmd(command)
            if not answer.startswith("1"):
                raise AnswerNotUnderstood
            if self._security is not Security.PLAIN:
                session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
                connection = self._under_tls(connection, session)
                open_ones.callback(_end, connection)
            yield connection

    def _under_tls(self, connection: socket.socket, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
        try:
            return self._certificates.wrap_socket(connection, server_hostname=self.host, session=session)
        except OSError:
            _end(connection)
            raise


class AnswerNotUnderstood(ValueError):
    """The answer is too long, or of another kind than this command has."""


class ListingTooLong(ValueError):
    """The folder holds more than we take in."""


# ------------------------------------------------------------------ private


def _say_that_all_is_sent(connection: socket.socket, watchdog: Watchdog) -> None:
    """TLS and then the connection are ended from our side; the server's own end is not waited for, some never send it.

    Nothing is closed yet: what the server sent meanwhile is unread, and closing would then take back what is on its way.
    """
    if isinstance(connection, ssl.SSLSocket):
        connection.setblocking(False)
        for _ in range(2):
            try:
                connection.unwrap()
            except ssl.SSLWantWriteError:
                select.select([], [connection], [], watchdog.left())
            except OSError:
                break  # Said; or the server is gone, which its answer or its absence tells.
            else:
                break
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        return  # The server was quicker.


def _end(connection: socket.socket) -> None:
    """The connection is over for the server too: closing alone is not, while the watchdog has its duplicate."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # The server was quicker, or TLS has another object for it.
    connection.close()


def _entry(line: str) -> FolderEntry | None:
    """The file an MLSD line tells of: ``type=file;size=12;modify=20261123030000; name``. None: a folder."""
    told, _, name = line.partition(" ")
    facts = {key.lower(): value for key, _, value in (fact.partition("=") for fact in told.split(";") if fact)}
    if facts.get("type", "file").lower() != "file" or not name:
        return None
    size = facts.get("size", "")
    modified = facts.get("modify", "")[:14]
    is_time = len(modified) == 14 and modified.isdecimal()
    return FolderEntry(
        name,
        int(size) if size.isdecimal() else None,
        datetime.strptime(modified, "%Y%m%d%H%M%S").replace(tzinfo=UTC) if is_time else None,
    )
