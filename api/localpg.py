"""The embedded PostgreSQL 18: one server per DAICHO_HOME, shared by all its processes and outliving each of them.

The server and all its children hold a lock on ``server.lock`` for as long as one of them lives. So who gets that
lock knows that nobody is using the data, whatever stale pid files say, and who does not get it knows to wait: no
process id is ever trusted. Only one starter at a time works, under ``starter.lock``.
"""

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from api import localpg_place
from api.localpg_place import MAJOR, PORT, Place
from api.unavailable import Unavailable

OWNER = "daicho"  # The superuser of the embedded server; trusted because the socket lies in a 700 folder.
DATABASE = "daicho"
TICK_SECONDS = 0.005
START_SECONDS_MAX = 120  # Recovery after a crash replays what was written since the last checkpoint.
STOP_SECONDS_MAX = 60
LEFTOVER_SECONDS_MAX = 0.5  # Children of a killed server end by themselves; one in a long query is ended after this.
LOG_BYTES_MAX = 10_000_000
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "logging_collector": "off",
    # Statements can carry what customers wrote; the server's own log must not keep them.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}


@dataclass(frozen=True)
class Status:
    """What is true of the server now. ``url`` is given whether it runs or not."""

    running: bool
    url: str
    folder: Path
    account: str
    version: str | None


class LocalPostgres:
    """The server of one home. ``settings`` are added to the server's own, for a server that this call starts."""

    def __init__(
        self,
        home: Path,
        db_user: str | None,
        *,
        sleep: Callable[[float], None],
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._home = home
        self._db_user = db_user
        self._sleep = sleep
        self._settings = {**SETTINGS, **(settings or {})}

    def start(self) -> str:
        """The server accepts connections at the URL returned, started if it was not running. Raises Unavailable."""
        place = localpg_place.settle(self._home, self._db_user)
        if _version(place) is None:
            with self._turn(place):
                self._start(place)
        return _url(place)

    def stop(self) -> bool:
        """The server is stopped (fast: open transactions are rolled back). False when it was not running. Raises Unavailable."""
        place = localpg_place.choose(self._home, self._db_user)
        if not place.data.exists():
            return False
        with self._turn(place):
            if _free(place):
                return False
            self._end(place, signal.SIGINT)
        return True

    def revive(self) -> bool:
        """A server that was killed runs again, and the answer is True; one that runs or was stopped is left alone. Raises Unavailable."""
        place = localpg_place.choose(self._home, self._db_user)
        if not (place.data / "postmaster.pid").exists() or not _free(place):
            return False  # A server that is stopped takes its pid file away, one that is killed cannot.
        self.start()
        return True

    def status(self) -> Status:
        """What is true now; starts nothing. Raises Unavailable."""
        place = localpg_place.choose(self._home, self._db_user)
        version = _version(place)
        return Status(version is not None, _url(place), place.folder, place.account.name, version)

    def psql(self) -> tuple[Path, str]:
        """The psql program that fits the running server, and the URL to give it. Raises Unavailable."""
        return localpg_place.shipped_binaries() / "psql", self.start()

    @contextmanager
    def _turn(self, place: Place) -> Iterator[None]:
        lock = _take(place, "starter.lock")
        for _ in self._ticks(START_SECONDS_MAX):
            if lock is not None:
                break
            lock = _take(place, "starter.lock")
        if lock is None:
            raise Unavailable(
                f"another process has been starting or stopping the database of {place.home} for {START_SECONDS_MAX} s; see {place.log}"
            )
        try:
            yield
        finally:
            os.close(lock)

    def _start(self, place: Place) -> None:
        waited_seconds = 0.0
        for _ in self._ticks(START_SECONDS_MAX):
            if _version(place) is not None:
                return
            lock = _take(place, "server.lock")
            if lock is not None:
                try:
                    self._launch(place, lock)
                finally:
                    os.close(lock)  # The server has its own copy.
                waited_seconds = 0.0
                self._await_launched(place)
                continue
            # Somebody lives: a server that recovers or shuts down, or what a killed one left behind.
            waited_seconds += TICK_SECONDS
            if waited_seconds > LEFTOVER_SECONDS_MAX:
                self._clear(place)
        raise Unavailable(
            f"the database of {place.home} does not answer after {START_SECONDS_MAX} s; its log ends: {_log_end(place)}"
        )

    def _launch(self, place: Place, lock: int) -> None:
        binaries = localpg_place.server_binaries(place, lock=lock)
        if not place.data.exists():
            _make_data(place, binaries, lock, durable=self._settings.get("fsync") != "off")
        found = (place.data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise Unavailable(
                f"{place.data} was written by PostgreSQL {found}, this is {MAJOR}: dump it with the old version and load it, or set DAICHO_DATABASE_URL"
            )
        for stale in (place.data / "postmaster.pid", place.socket, place.socket.with_name(f"{place.socket.name}.lock")):
            stale.unlink(missing_ok=True)
        if place.log.exists() and place.log.stat().st_size > LOG_BYTES_MAX:
            place.log.rename(place.log.with_suffix(".log.1"))
        sockets = str(place.socket_folder).replace('"', '""')
        command: list[str | Path] = [binaries / "postgres", "-D", place.data, "-p", str(PORT), "-k", f'"{sockets}"']
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        # The shell hands the server over to init, so that it outlives us and never becomes our zombie.
        script = 'log="$1"; shift; exec "$@" >>"$log" 2>&1 &'
        done = subprocess.run(
            ["sh", "-c", script, "sh", place.log, *command],
            start_new_session=True,
            pass_fds=(lock,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            **place.account.spawn_options(),
        )
        if done.returncode != 0:
            raise Unavailable(
                f"the shell could not start PostgreSQL for '{place.account.name}' (exit code {done.returncode}); see {place.log}"
            )

    def _await_launched(self, place: Place) -> None:
        for _ in self._ticks(START_SECONDS_MAX):
            if _version(place) is not None:
                return
            if _free(place):
                raise Unavailable(f"PostgreSQL did not start in {place.folder}; its log ends: {_log_end(place)}")

    def _clear(self, place: Place) -> None:
        """What a dead server left behind is gone; a living one that works towards answering is left alone."""
        server = _postmaster(place)
        if server is None:
            for process in _processes(place):
                _signal(process, signal.SIGKILL)
        elif _says_ready(place) and not place.socket.exists():
            self._end(place, signal.SIGINT)  # Somebody swept the socket away: only a restart brings it back.

    def _end(self, place: Place, how: signal.Signals) -> None:
        for attempt in (how, signal.SIGQUIT):
            server = _postmaster(place)
            for process in [server] if server is not None else _processes(place):
                _signal(process, attempt if server is not None else signal.SIGKILL)
            for _ in self._ticks(STOP_SECONDS_MAX):
                if _free(place):
                    return
        raise Unavailable(f"the database of {place.home} does not stop; see {place.log}")

    def _ticks(self, seconds: float) -> Iterator[None]:
        for _ in range(int(seconds / TICK_SECONDS)):
            yield
            self._sleep(TICK_SECONDS)


def _url(place: Place) -> str:
    return f"postgresql://{OWNER}@/{DATABASE}?host={quote(str(place.socket_folder), safe='/')}&port={PORT}"


def _version(place: Place) -> str | None:
    """The version of the server that answers, or None when none does."""
    import psycopg

    if not place.socket.exists():
        return None
    try:
        with psycopg.connect(_url(place), connect_timeout=5) as connection:
            number = connection.info.server_version
    except psycopg.OperationalError as error:
        # A full server answers too; only it has no place for us.
        return MAJOR if "too many clients" in str(error) else None
    return f"{number // 10_000}.{number % 10_000}"


def _take(place: Place, name: str) -> int | None:
    """The lock's file descriptor, or None when somebody holds it. It is let go by closing it everywhere."""
    lock = localpg_place.open_owned(place.folder / name, place.account)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _free(place: Place) -> bool:
    lock = _take(place, "server.lock")
    if lock is None:
        return False
    os.close(lock)
    return True


def _make_data(place: Place, binaries: Path, lock: int, *, durable: bool) -> None:
    # Made aside and renamed: what a killed initdb leaves is never taken for a database.
    unfinished = place.folder / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    making: list[str | Path] = [
        binaries / "initdb",
        "-D",
        unfinished,
        "-U",
        OWNER,
        "--auth-local=trust",
        "--auth-host=reject",
        "--encoding=UTF8",
    ]
    making += [
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    ]
    naming: list[str | Path] = [
        binaries / "postgres",
        "--single",
        "-D",
        unfinished,
        "-c",
        "log_min_messages=error",
        "postgres",
    ]
    for command, text in ((making, b""), (naming, f"CREATE DATABASE {DATABASE}\n".encode())):
        options = {name: value for name, value in place.account.spawn_options().items() if name != "stdin"}
        done = subprocess.run(command, input=text, capture_output=True, pass_fds=(lock,), check=False, **options)
        if done.returncode != 0:
            said = " ".join((done.stderr or done.stdout).decode(errors="replace").split())
            raise Unavailable(f"cannot make a database in {place.folder}: {said[-600:]}")
    unfinished.rename(place.data)


def _postmaster(place: Place) -> int | None:
    """The process id of the living server of this data, or None; the pid file alone is not believed."""
    try:
        named = int((place.data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return named if named in _processes(place) else None


def _processes(place: Place) -> list[int]:
    """Every process that works in the data folder, as PostgreSQL's processes and nobody else's do."""
    found: list[int] = []
    if not place.data.exists():
        return found  # An initdb whose starter was killed: it ends by itself.
    data = place.data.stat()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            where = (entry / "cwd").stat()
            program = (entry / "exe").readlink().name
        except OSError:
            continue  # Ended meanwhile, or another account's.
        if (where.st_dev, where.st_ino) == (data.st_dev, data.st_ino) and program.startswith("postgres"):
            found.append(int(entry.name))
    return found


def _signal(process: int, how: signal.Signals) -> None:
    try:
        os.kill(process, how)
    except ProcessLookupError:
        return


def _says_ready(place: Place) -> bool:
    try:
        lines = (place.data / "postmaster.pid").read_text().split("\n")
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"


def _log_end(place: Place) -> str:
    try:
        lines = place.log.read_text(errors="replace").splitlines()
    except OSError:
        return "(it is empty)"
    return " / ".join(lines[-4:]) or "(it is empty)"
