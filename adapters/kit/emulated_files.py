"""A mall's file server without a network, for emulators: folders in memory, faults included, on the emulator's clock.

It is a ``MallFiles``. The mall behind it (``take_due``) looks into its folders before every call, as if it had looked all
the time: a file may be gone when its size is asked for.
"""

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime

from adapters.kit import files_over
from adapters.kit.files_over import (
    Entry,
    Fault,
    Got,
    HostKeyRefused,
    Listed,
    Naming,
    Put,
    PutReply,
    Reached,
    Removed,
    RemoveReply,
)
from adapters.kit.mall import Lost, NotSent, ReadFailed

FOLDERS = "folders"  # where an emulated shop keeps its folders among its extras
FAULTS = (
    "full",  # a put meets a full disk: nothing has the name
    "refused",  # the server does not let us connect
    "host_key",  # the server shows another host key
    "lost",  # a put was done, and its answer is lost
    "lost_before",  # a put came to nothing, and nobody says so
    "hang",  # the call takes its whole time and is cut; nothing was done
)


@dataclass
class FileFault:
    """What the next ``times`` calls of this name (put, list, get, remove; "": any) meet. Mutable: it is counted down."""

    kind: str
    call: str = ""
    times: int = 1

    def __post_init__(self) -> None:
        assert self.kind in FAULTS, self.kind


def _nothing() -> int:
    return 0


@dataclass(repr=False)
class EmulatedFolders:
    """Files by path. ``changed_at``: when each came to its name. Mutable: it plays the world outside."""

    now: Callable[[], datetime]
    files: MutableMapping[str, bytes] = field(default_factory=dict)
    take_due: Callable[[], int] = _nothing
    after_put: Callable[[str], None] = lambda _path: None
    changed_at: dict[str, datetime] = field(default_factory=dict)
    faults: list[FileFault] = field(default_factory=list)
    hang: Callable[[], None] = lambda: None
    calls: list[str] = field(default_factory=list)

    def reach(self) -> Reached | HostKeyRefused | ReadFailed:
        match self._fault("reach"):
            case "host_key":
                return HostKeyRefused(Fault.HOST_KEY_CHANGED, "ssh-ed25519 SHA256:another")
            case "refused" | "hang":
                return files_over.read_failed(Fault.CONNECTION_REFUSED)
            case _:
                return Reached("ssh-ed25519 SHA256:emulated")

    def put(self, folder: str, name: str, content: Iterable[bytes], *, replace: bool) -> PutReply:
        whole, path = b"".join(content), path_of(folder, name)
        kind = self._fault("put")
        failed = {"full": Fault.DISK_FULL, "refused": Fault.CONNECTION_REFUSED, "host_key": Fault.HOST_KEY_CHANGED}
        if kind in failed:
            return NotSent(failed[kind])
        if kind == "hang":
            self.hang()
            return NotSent(Fault.DEADLINE_PASSED)
        if kind == "lost_before":
            return Lost(Fault.CONNECTION_BROKEN)
        if not replace and path in self.files:
            return NotSent(Fault.NAME_EXISTS)
        self.files[path] = whole
        self.changed_at[path] = now = self.now()
        self.after_put(path)
        if kind == "lost":
            return Lost(Fault.CONNECTION_BROKEN)
        return Put(len(whole), Naming.RENAMED, now, self.now())

    def list(self, folder: str) -> Listed | ReadFailed:
        failed = self._failed("list")
        if failed is not None:
            return failed
        inside = folder.rstrip("/") + "/" if folder else ""
        names = sorted(path.removeprefix(inside) for path in self.files if path.startswith(inside))
        entries = [
            Entry(name, len(self.files[inside + name]), self.changed_at.get(inside + name))
            for name in names
            if "/" not in name
        ]
        return Listed(tuple(entries))

    def get(self, folder: str, name: str, *, bytes_max: int) -> Got | ReadFailed:
        failed = self._failed("get")
        if failed is not None:
            return failed
        content = self.files.get(path_of(folder, name))
        if content is None:
            return files_over.read_failed(Fault.FILE_NOT_THERE)
        return Got(content) if len(content) <= bytes_max else files_over.read_failed(Fault.FILE_TOO_LARGE)

    def remove(self, folder: str, name: str) -> RemoveReply:
        failed = self._failed("remove")
        if failed is not None:
            return NotSent(failed.code)
        if self.files.pop(path_of(folder, name), None) is None:
            return NotSent(Fault.FILE_NOT_THERE)
        return Removed()

    # -------------------------------------------------------------- private

    def _failed(self, call: str) -> ReadFailed | None:
        match self._fault(call):
            case "host_key":
                return files_over.read_failed(Fault.HOST_KEY_CHANGED)
            case "refused":
                return files_over.read_failed(Fault.CONNECTION_REFUSED)
            case "hang":
                self.hang()
                return files_over.read_failed(Fault.DEADLINE_PASSED)
            case _:
                return None

    def _fault(self, call: str) -> str:
        self.calls.append(call)
        self.take_due()
        for fault in self.faults:
            if fault.call in ("", call):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault.kind
        return ""


def path_of(folder: str, name: str) -> str:
    """The file's path; "" is the folder the login ends up in."""
    return f"{folder.rstrip('/')}/{name}" if folder else name
