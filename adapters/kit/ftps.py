"""Files to and from malls over FTP with TLS (a ``MallFiles``): certificates verified, whole files under their name, one deadline a call.

A server that does not offer TLS is never spoken to without it, unless the shop says twice that it is to be: plain FTP shows
user, password and files to everyone on the way. A reason is a ``Fault``; no reason, log line or repr holds a host, a
user, a path or the server's words.

FTP cannot refuse to rename onto a name that exists: ``replace`` False is a look just before, and who writes the same
name in that moment is not seen.
"""

import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

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
    Naming,
    Put,
    PutReply,
    Reached,
    Removed,
    RemoveReply,
)
from adapters.kit.ftps_wire import WIRE_ERRORS, FolderEntry, FtpRefused, FtpWire, ListingTooLong, Security
from adapters.kit.mall import Lost, NotSent, ReadFailed
from adapters.kit.watchdog import DeadlinePassed, StartThread, Watchdog


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpWays:
    """What a shop's settings say about its server.

    ``plain_declared``: with Security.PLAIN, a person accepted that everyone on the way can read user, password and files.
    ``direct``: the server refuses to rename, so files are written under their own name.
    """

    security: Security = Security.EXPLICIT_TLS
    plain_declared: bool = False
    direct: bool = False


class MallFtps:
    """The folders of one shop over FTPS; threads may share it. It holds no connection between calls."""

    def __init__(
        self,
        login: Login,
        ways: FtpWays,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        new_token: Callable[[], str],
        start_thread: StartThread,
        deadline_seconds: float,
        certificates: ssl.SSLContext,
    ) -> None:
        self._login = login
        self._ways = ways
        self._now = now
        self._monotonic = monotonic
        self._new_token = new_token
        self._start_thread = start_thread
        self._deadline_seconds = deadline_seconds
        self._certificates = certificates

    def __repr__(self) -> str:
        return "MallFtps()"

    def reach(self) -> Reached | HostKeyRefused | ReadFailed:
        """Logs in and changes nothing."""
        try:
            with self._session(""):
                return Reached()
        except Ended as ended:
            return files_over.read_failed(ended.fault)

    def put(self, folder: str, name: str, content: Iterable[bytes], *, replace: bool) -> PutReply:
        """The file is there whole, or nothing of it has the name (NotSent), or it may (Lost)."""
        if not files_over.is_file_name(name) or not files_over.is_folder(folder):
            return NotSent(Fault.NAME_NOT_VALID)
        progress = Progress()
        bounded = Content(content)
        try:
            with self._session(folder, bounded) as wire:
                return self._put(wire, name, bounded, replace=replace, progress=progress)
        except Ended as ended:
            return Lost(ended.fault) if progress.may_be_done else NotSent(ended.fault)

    def list(self, folder: str) -> Listed | ReadFailed:
        """The files of the folder; at most ENTRIES_MAX."""
        if not files_over.is_folder(folder):
            return files_over.read_failed(Fault.NAME_NOT_VALID)
        try:
            with self._session(folder) as wire:
                found = wire.entries()
        except Ended as ended:
            return files_over.read_failed(ended.fault)
        if len(found) > ENTRIES_MAX:
            return files_over.read_failed(Fault.ENTRIES_TOO_MANY)
        return _listed(found)

    def get(self, folder: str, name: str, *, bytes_max: int) -> Got | ReadFailed:
        """The file's content; one of more than ``bytes_max`` is not taken in."""
        if not files_over.is_listed_name(name) or not files_over.is_folder(folder):
            return files_over.read_failed(Fault.NAME_NOT_VALID)
        content = bytearray()
        try:
            with self._session(folder) as wire:
                if wire.size_of(name) is None:
                    return files_over.read_failed(Fault.FILE_NOT_THERE)
                for part in wire.retrieve(f"RETR {name}"):
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
            with self._session(folder) as wire:
                if wire.size_of(name) is None:
                    return NotSent(Fault.FILE_NOT_THERE)
                with progress.unanswered(FtpRefused):
                    wire.delete(name)
        except Ended as ended:
            return Lost(ended.fault) if progress.may_be_done else NotSent(ended.fault)
        return Removed()

    # -------------------------------------------------------------- private

    @contextmanager
    def _session(self, folder: str, content: Content | None = None) -> Iterator[FtpWire]:
        """A session in the folder, whose every end but success is Ended (or what the content raised)."""
        self._check_settings()
        watchdog = Watchdog(seconds=self._deadline_seconds, monotonic=self._monotonic, start_thread=self._start_thread)
        with watchdog:
            wire = FtpWire(watchdog, self._ways.security, self._certificates)
            try:
                self._log_in(wire)
                if folder:
                    with _refusal_is(Fault.FOLDER_NOT_THERE):
                        wire.voidcmd(f"CWD {folder}")
                wire.voidcmd("TYPE I")
                yield wire
            except (FtpRefused, DeadlinePassed, *WIRE_ERRORS) as error:
                if content is not None and content.is_asked:
                    raise
                raise Ended(Fault.DEADLINE_PASSED if watchdog.barked else _fault(error)) from None
            finally:
                wire.hang_up()

    def _check_settings(self) -> None:
        if self._ways.security is Security.PLAIN and not self._ways.plain_declared:
            raise Ended(Fault.PLAIN_NOT_DECLARED)
        for text in (self._login.user, self._login.password):
            if not (text.isascii() and text.isprintable()):
                raise Ended(Fault.LOGIN_NOT_VALID)

    def _log_in(self, wire: FtpWire) -> None:
        with _refusal_is(Fault.TLS_NOT_OFFERED):
            wire.open(self._login.host, self._login.port)
        with _refusal_is(Fault.LOGIN_REFUSED):
            wire.login(self._login.user, self._login.password, secure=False)
        with _refusal_is(Fault.TLS_NOT_OFFERED):
            wire.protect_files()

    def _put(self, wire: FtpWire, name: str, content: Content, *, replace: bool, progress: Progress) -> PutReply:
        _sweep(wire, name)
        had_name = wire.size_of(name) is not None
        if had_name and not replace:
            return NotSent(Fault.NAME_EXISTS)
        if self._ways.direct:
            named_from = self._now()
            size_bytes = _store_direct(wire, name, content, progress)
            return Put(size_bytes, Naming.DIRECT, named_from, self._now())
        part = files_over.name_until_whole(name, self._new_token())
        whole = False
        try:
            size_bytes = wire.store(part, content)
            if wire.size_of(part) != size_bytes:
                raise Ended(Fault.SIZE_DIFFERS)
            if not replace and wire.size_of(name) is not None:
                raise Ended(Fault.NAME_EXISTS)
            named_from = self._now()
            naming = _name(wire, part, name, had_name=had_name, replace=replace, progress=progress)
            whole = True
        finally:
            if not whole and not progress.may_be_done:
                _remove_quietly(wire, part)
        return Put(size_bytes, naming, named_from, self._now())


def open_ftps(
    login: Login,
    ways: FtpWays,
    *,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
    new_token: Callable[[], str],
    start_thread: StartThread,
    deadline_seconds: float,
    certificates: ssl.SSLContext | None = None,
) -> MallFtps:
    """A shop's folders. ``new_token`` gives letters and digits, never the same; ``deadline_seconds`` is for a whole call.

    ``certificates`` None: the system's. Another context has to verify too.
    """
    context = certificates or ssl.create_default_context()
    assert context.verify_mode == ssl.CERT_REQUIRED, "certificates are verified"
    assert context.check_hostname, "and are for the host we mean"
    return MallFtps(
        login,
        ways,
        now=now,
        monotonic=monotonic,
        new_token=new_token,
        start_thread=start_thread,
        deadline_seconds=deadline_seconds,
        certificates=context,
    )


# ------------------------------------------------------------------ private


def _sweep(wire: FtpWire, name: str) -> None:
    """What earlier puts of the name left behind is gone, and so is the part of one that still runs: its renaming fails then."""
    try:
        found = wire.entries()
    except FtpRefused:
        return  # A folder that may be written to and not be listed.
    for entry in found[:ENTRIES_MAX]:
        if files_over.is_part_of(entry.name, name):
            _remove_quietly(wire, entry.name)


def _store_direct(wire: FtpWire, name: str, content: Content, progress: Progress) -> int:
    whole = False
    progress.may_be_done = True
    try:
        size_bytes = wire.store(name, content)
        told = wire.size_of(name)  # None: the mall has taken it already, and the server has said that it had all of it.
        if told is not None and told != size_bytes:
            raise Ended(Fault.SIZE_DIFFERS)
        whole = True
    except FtpRefused:
        progress.may_be_done = content.is_begun  # Refused before the first byte: nothing was touched.
        raise
    finally:
        if not whole and progress.may_be_done:
            _remove_quietly(wire, name)  # The mall may have seen the part all the same.
    return size_bytes


def _name(wire: FtpWire, part: str, name: str, *, had_name: bool, replace: bool, progress: Progress) -> Naming:
    """The whole file has its name: replaced in one step where the server does that, else in two."""
    try:
        _rename(wire, part, name, progress)
    except FtpRefused as refused:
        if wire.size_of(name) is None:
            raise Ended(Fault.RENAME_REFUSED) from None
        if not replace:
            raise Ended(Fault.NAME_EXISTS) from None
        if refused.code not in (450, 550, 553):
            raise
    else:
        return Naming.RENAMED_OVER if had_name else Naming.RENAMED
    wire.delete(name)
    with _refusal_is(Fault.RENAME_REFUSED):
        _rename(wire, part, name, progress)
    return Naming.REMOVED_THEN_RENAMED


def _rename(wire: FtpWire, part: str, name: str, progress: Progress) -> None:
    wire.sendcmd(f"RNFR {part}")
    with progress.unanswered(FtpRefused):
        wire.voidcmd(f"RNTO {name}")


def _remove_quietly(wire: FtpWire, name: str) -> None:
    """The file is gone, unless the server refuses or is gone itself: then the next put of the name removes it."""
    try:
        wire.delete(name)
    except (FtpRefused, *WIRE_ERRORS):
        return


def _listed(found: list[FolderEntry]) -> Listed:
    told = [
        Entry(entry.name, entry.size_bytes, entry.modified_at)
        for entry in found
        if files_over.is_listed_name(entry.name)
    ]
    entries = sorted((entry for entry in told if not files_over.is_part(entry.name)), key=lambda entry: entry.name)
    return Listed(tuple(entries), len(found) - len(told))


@contextmanager
def _refusal_is(fault: Fault) -> Iterator[None]:
    """A refusal of this step has this meaning, unless the server says that it is busy."""
    try:
        yield
    except FtpRefused as refused:
        raise Ended(Fault.BUSY if refused.code == 421 else fault) from None


def _fault(error: BaseException) -> Fault:
    """What went wrong, by the kind of the error or the code of the reply (RFC 959, 4.2); its text is not used."""
    match error:
        case FtpRefused(full=True):
            return Fault.DISK_FULL
        case FtpRefused(code=code):
            codes = {
                421: Fault.BUSY,
                425: Fault.CONNECTION_BROKEN,
                426: Fault.CONNECTION_BROKEN,
                530: Fault.LOGIN_REFUSED,
                532: Fault.PERMISSION_DENIED,
                550: Fault.PERMISSION_DENIED,
                553: Fault.PERMISSION_DENIED,
            }
            return codes.get(code, Fault.REFUSED)
        case ListingTooLong():
            return Fault.ENTRIES_TOO_MANY
        case ssl.SSLCertVerificationError():
            return Fault.CERTIFICATE_REFUSED
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return Fault.CONNECTION_BROKEN
        case ssl.SSLError():
            return Fault.TLS_FAILED
        case _:
            return fault_of_network(error) or Fault.NOT_UNDERSTOOD
