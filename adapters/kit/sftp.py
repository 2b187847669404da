"""Files to and from malls over SFTP (a ``MallFiles``): pinned host keys, whole files under their name, one deadline a call.

Nothing of ours is told to a server whose host key no person confirmed. The deadline is kept from outside
(``watchdog.py``): a put over this library can hang although it was given a time limit. A reason is a ``Fault``; no
reason, log line or repr holds a host, a user, a path or the server's words.
"""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import paramiko  # type: ignore[import-untyped]

from adapters.kit import files_over
from adapters.kit.file_call import Content, Ended, Progress, fault_of_network
from adapters.kit.files_over import (
    ENTRIES_MAX,
    Entry,
    Fault,
    Got,
    HostKeyRefused,
    Listed,
    Login,
    PutReply,
    Reached,
    Removed,
    RemoveReply,
)
from adapters.kit.mall import Lost, NotSent, ReadFailed
from adapters.kit.sftp_put import path_of, put_whole
from adapters.kit.sftp_wire import (
    FILE_EXISTS,
    NO_SUCH_FILE,
    PERMISSION_DENIED,
    WIRE_ERRORS,
    KeyNotRead,
    Refused,
    SftpWire,
    fingerprint_of,
    is_confirmed,
    private_key,
    transport_over,
)
from adapters.kit.watchdog import DeadlinePassed, StartThread, Watchdog

CONNECT_SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpWays:
    """What a shop's settings say about its server.

    ``host_keys``: the fingerprints a person confirmed (``SHA256:…``, the type before it or not). ``old_algorithms``: SHA-1
    host keys and key exchange, CBC and MD5 are taken too, when the server has nothing better. ``direct``: the server
    refuses to rename, so files are written under their own name.
    """

    host_keys: tuple[str, ...] = ()
    old_algorithms: bool = False
    direct: bool = False


class MallSftp:
    """The folders of one shop over SFTP; threads may share it. It holds no connection between calls."""

    def __init__(
        self,
        login: Login,
        ways: SftpWays,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        new_token: Callable[[], str],
        start_thread: StartThread,
        deadline_seconds: float,
    ) -> None:
        self._login = login
        self._ways = ways
        self._now = now
        self._monotonic = monotonic
        self._new_token = new_token
        self._start_thread = start_thread
        self._deadline_seconds = deadline_seconds

    def __repr__(self) -> str:
        return "MallSftp()"

    def reach(self) -> Reached | HostKeyRefused | ReadFailed:
        """Logs in and changes nothing."""
        try:
            with self._session() as session:
                return Reached(session.host_key)
        except _OtherHostKey as other:
            return HostKeyRefused(other.fault, other.seen)
        except Ended as ended:
            return files_over.read_failed(ended.fault)

    def put(self, folder: str, name: str, content: Iterable[bytes], *, replace: bool) -> PutReply:
        """The file is there whole, or nothing of it has the name (NotSent), or it may (Lost)."""
        if not files_over.is_file_name(name) or not files_over.is_folder(folder):
            return NotSent(Fault.NAME_NOT_VALID)
        progress = Progress()
        bounded = Content(content)
        try:
            with self._session(bounded) as session:
                return put_whole(
                    session.wire,
                    folder,
                    name,
                    bounded,
                    token=self._new_token(),
                    replace=replace,
                    direct=self._ways.direct,
                    progress=progress,
                    now=self._now,
                )
        except Ended as ended:
            return Lost(ended.fault) if progress.may_be_done else NotSent(ended.fault)

    def list(self, folder: str) -> Listed | ReadFailed:
        """The files of the folder; at most ENTRIES_MAX."""
        if not files_over.is_folder(folder):
            return files_over.read_failed(Fault.NAME_NOT_VALID)
        try:
            with self._session() as session:
                found = list(islice(session.wire.entries(folder or "."), ENTRIES_MAX + 1))
        except Ended as ended:
            at_fault = Fault.FOLDER_NOT_THERE if ended.fault == Fault.FILE_NOT_THERE else ended.fault
            return files_over.read_failed(at_fault)
        if len(found) > ENTRIES_MAX:
            return files_over.read_failed(Fault.ENTRIES_TOO_MANY)
        files = [entry for entry in found if entry.is_file is not False]
        told = [
            Entry(name, entry.size_bytes, _moment(entry.modified_seconds))
            for entry in files
            if files_over.is_listed_name(name := entry.name.decode("ascii", "replace"))
        ]
        entries = sorted((entry for entry in told if not files_over.is_part(entry.name)), key=lambda entry: entry.name)
        return Listed(tuple(entries), len(files) - len(told))

    def get(self, folder: str, name: str, *, bytes_max: int) -> Got | ReadFailed:
        """The file's content; one of more than ``bytes_max`` is not taken in."""
        if not files_over.is_listed_name(name) or not files_over.is_folder(folder):
            return files_over.read_failed(Fault.NAME_NOT_VALID)
        content = bytearray()
        try:
            with self._session() as session:
                handle = session.wire.open_for_reading(path_of(folder, name))
                for part in session.wire.read_all(handle):
                    content += part
                    if len(content) > bytes_max:
                        return files_over.read_failed(Fault.FILE_TOO_LARGE)
        except Ended as ended:
            return files_over.read_failed(ended.fault)
        return Got(bytes(content))

    def remove(self, folder: str, name: str) -> RemoveReply:
        """The file is gone; NotSent(file_not_there) when there was none."""
        if not files_over.is_listed_name(name) or not files_over.is_folder(folder):
            return NotSent(Fault.NAME_NOT_VALID)
        progress = Progress()
        try:
            with self._session() as session, progress.unanswered(Refused):
                session.wire.remove(path_of(folder, name))
        except Ended as ended:
            return Lost(ended.fault) if progress.may_be_done else NotSent(ended.fault)
        return Removed()

    # -------------------------------------------------------------- private

    @contextmanager
    def _session(self, content: Content | None = None) -> Iterator["_Session"]:
        """A session whose every end but success is Ended (or what the content raised)."""
        watchdog = Watchdog(seconds=self._deadline_seconds, monotonic=self._monotonic, start_thread=self._start_thread)
        with watchdog:
            try:
                connection = watchdog.connect(self._login.host, self._login.port, seconds_max=CONNECT_SECONDS_MAX)
                with closing(connection), self._logged_in(connection, watchdog) as session:
                    yield session
            except (Refused, KeyNotRead, DeadlinePassed, *WIRE_ERRORS) as error:
                if content is not None and content.is_asked:
                    raise
                raise Ended(Fault.DEADLINE_PASSED if watchdog.barked else _fault(error)) from None

    @contextmanager
    def _logged_in(self, connection: socket.socket, watchdog: Watchdog) -> Iterator["_Session"]:
        login, ways = self._login, self._ways
        key = private_key(login.private_key, login.passphrase) if login.private_key else None
        transport = transport_over(connection, old_algorithms=ways.old_algorithms, host_keys=ways.host_keys)
        try:
            transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = watchdog.left()
            transport.start_client(timeout=watchdog.left())
            seen = fingerprint_of(transport)
            if not is_confirmed(seen, ways.host_keys):
                raise _OtherHostKey(seen, first=not any(ways.host_keys))
            try:
                further = (
                    transport.auth_password(login.user, login.password)
                    if key is None
                    else transport.auth_publickey(login.user, key)
                )
            except paramiko.BadAuthenticationType:
                raise Ended(Fault.LOGIN_KIND_REFUSED) from None
            except paramiko.AuthenticationException:
                # The library says the same of a connection that was cut meanwhile: a password must not be blamed for that.
                if not transport.is_active():
                    raise EOFError from None
                raise Ended(Fault.LOGIN_REFUSED) from None
            if further:
                raise Ended(Fault.LOGIN_KIND_REFUSED)
            yield _Session(_sftp(transport, watchdog), seen)
        finally:
            _hang_up(connection)
            transport.close()


def open_sftp(
    login: Login,
    ways: SftpWays,
    *,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
    new_token: Callable[[], str],
    start_thread: StartThread,
    deadline_seconds: float,
) -> MallSftp:
    """A shop's folders. ``new_token`` gives letters and digits, never the same; ``deadline_seconds`` is for a whole call."""
    return MallSftp(
        login,
        ways,
        now=now,
        monotonic=monotonic,
        new_token=new_token,
        start_thread=start_thread,
        deadline_seconds=deadline_seconds,
    )


# ------------------------------------------------------------------ private


@dataclass(frozen=True)
class _Session:
    wire: SftpWire
    host_key: str


class _OtherHostKey(Ended):
    """The server is not one that a person confirmed."""

    def __init__(self, seen: str, *, first: bool) -> None:
        super().__init__(Fault.HOST_KEY_UNCONFIRMED if first else Fault.HOST_KEY_CHANGED)
        self.seen = seen


def _sftp(transport: paramiko.Transport, watchdog: Watchdog) -> SftpWire:
    channel = transport.open_session(timeout=watchdog.left())
    channel.invoke_subsystem("sftp")
    return SftpWire(channel)


def _fault(error: BaseException) -> Fault:
    """What went wrong, by the kind of the error; its text is not used."""
    match error:
        case KeyNotRead():
            return Fault.PRIVATE_KEY_NOT_VALID
        case Refused():
            codes = {
                NO_SUCH_FILE: Fault.FILE_NOT_THERE,
                PERMISSION_DENIED: Fault.PERMISSION_DENIED,
                FILE_EXISTS: Fault.NAME_EXISTS,
            }
            return Fault.DISK_FULL if error.full else codes.get(error.code, Fault.REFUSED)
        case paramiko.ssh_exception.IncompatiblePeer():
            return Fault.ALGORITHMS_TOO_OLD
        case paramiko.SSHException():
            return Fault.CONNECTION_BROKEN
        case _:
            return fault_of_network(error) or Fault.NOT_UNDERSTOOD


def _hang_up(connection: socket.socket) -> None:
    """The library's thread that reads from this connection ends at once."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
