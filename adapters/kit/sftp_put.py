"""The steps of a put over SFTP: sweep, write under another name, compare the size, rename. Ends in Put, NotSent, or raises."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice

from adapters.kit import files_over
from adapters.kit.file_call import Content, Ended, Progress
from adapters.kit.files_over import ENTRIES_MAX, Fault, Naming, Put, PutReply
from adapters.kit.mall import NotSent
from adapters.kit.sftp_wire import NO_SUCH_FILE, PERMISSION_DENIED, WIRE_ERRORS, Refused, SftpWire


def put_whole(
    wire: SftpWire,
    folder: str,
    name: str,
    content: Content,
    *,
    token: str,
    replace: bool,
    direct: bool,
    progress: Progress,
    now: Callable[[], datetime],
) -> PutReply:
    """The file has its name, whole. Raises Ended, Refused or one of WIRE_ERRORS; ``progress`` then says whether it may be there."""
    _sweep(wire, folder, name)
    path = path_of(folder, name)
    had_name = wire.size_of(path) is not None
    if had_name and not replace:
        return NotSent(Fault.NAME_EXISTS)
    if direct:
        named_from = now()
        size_bytes = _write_direct(wire, folder, path, content, replace=replace, progress=progress)
        return Put(size_bytes, Naming.DIRECT, named_from, now())
    part = path_of(folder, files_over.name_until_whole(name, token))
    whole = False
    try:
        size_bytes = _write_part(wire, folder, part, content)
        named_from = now()
        naming = _name(wire, part, path, had_name=had_name, replace=replace, progress=progress)
        whole = True
    finally:
        if not whole and not progress.may_be_done:
            _remove_quietly(wire, part)
    return Put(size_bytes, naming, named_from, now())


def path_of(folder: str, name: str) -> str:
    """Where the file is, as the server names it; "" is the folder the login ends up in."""
    return f"{folder.rstrip('/')}/{name}" if folder else name


# ------------------------------------------------------------------ private


def _write_part(wire: SftpWire, folder: str, part: str, content: Content) -> int:
    with _faults_of_writing(wire, folder):
        handle = wire.create(part, new=True)
        size_bytes = wire.write_all(handle, content)
        wire.finish(handle)
    if wire.size_of(part) != size_bytes:
        raise Ended(Fault.SIZE_DIFFERS)
    return size_bytes


def _write_direct(
    wire: SftpWire, folder: str, path: str, content: Content, *, replace: bool, progress: Progress
) -> int:
    whole = False
    try:
        with _faults_of_writing(wire, folder):
            with progress.unanswered(Refused):
                handle = wire.create(path, new=not replace)
            size_bytes = wire.write_all(handle, content)
            # Asked of the open file: a mall that takes it at once leaves nothing of that name to look at.
            told = wire.size_of_open(handle)
            wire.finish(handle)
        if told is not None and told != size_bytes:
            raise Ended(Fault.SIZE_DIFFERS)
        whole = True
    finally:
        if not whole and progress.may_be_done:
            _remove_quietly(wire, path)  # The mall may have seen the part all the same.
    return size_bytes


def _sweep(wire: SftpWire, folder: str, name: str) -> None:
    """What earlier puts of the name left behind is gone, and so is the part of one that still runs: its renaming fails then."""
    try:
        found = [entry.name.decode("ascii", "replace") for entry in islice(wire.entries(folder or "."), ENTRIES_MAX)]
    except Refused as refused:
        if refused.code == NO_SUCH_FILE:
            raise Ended(Fault.FOLDER_NOT_THERE) from None
        return  # A folder that may be written to and not be listed.
    for entry in found:
        if files_over.is_part_of(entry, name):
            _remove_quietly(wire, path_of(folder, entry))


def _name(wire: SftpWire, part: str, path: str, *, had_name: bool, replace: bool, progress: Progress) -> Naming:
    """The whole file has its name. Without ``replace`` only the plain renaming is asked for, which refuses a name that exists."""
    if replace:
        try:
            with progress.unanswered(Refused):
                wire.posix_rename(part, path)
        except Refused as refused:
            if refused.code == NO_SUCH_FILE:
                raise
        else:
            return Naming.RENAMED_OVER if had_name else Naming.RENAMED
    try:
        with progress.unanswered(Refused):
            wire.rename(part, path)
    except Refused as refused:
        if refused.code in (NO_SUCH_FILE, PERMISSION_DENIED):
            raise
        if wire.size_of(path) is None:
            raise Ended(Fault.RENAME_REFUSED) from None
        if not replace:
            raise Ended(Fault.NAME_EXISTS) from None
    else:
        return Naming.RENAMED
    wire.remove(path)
    try:
        with progress.unanswered(Refused):
            wire.rename(part, path)
    except Refused:
        raise Ended(Fault.RENAME_REFUSED) from None
    return Naming.REMOVED_THEN_RENAMED


@contextmanager
def _faults_of_writing(wire: SftpWire, folder: str) -> Iterator[None]:
    """A refusal to open or write says why: a full disk is asked for, since servers have one code for every failure."""
    try:
        yield
    except Refused as refused:
        if refused.code == NO_SUCH_FILE:
            raise Ended(Fault.FOLDER_NOT_THERE) from None
        if refused.code != PERMISSION_DENIED and (refused.full or wire.has_no_space(folder or ".")):
            raise Ended(Fault.DISK_FULL) from None
        raise


def _remove_quietly(wire: SftpWire, path: str) -> None:
    """The file is gone, unless the server refuses or is gone itself: then the next put of the name removes it."""
    try:
        wire.remove(path)
    except (Refused, *WIRE_ERRORS):
        return
