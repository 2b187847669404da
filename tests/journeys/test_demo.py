"""``daicho demo`` as a person runs it, with few SKUs: killed in the middle, played again, stopped by Ctrl-C."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import postgres

PROGRAM = Path(sys.executable).parent / "daicho"
STOP_SECONDS_MAX = 30


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "家 home"
    postgres.remove_home(tmp_path / "家 home" / "demo")


@contextmanager
def demo(home: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DAICHO_")}
    command: list[str | Path] = [PROGRAM, "demo", "--skus", "40", *arguments]
    environment = clean | {"DAICHO_HOME": str(home)}
    with (
        (home.parent / "errors").open("w+", encoding="utf-8") as errors,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def test_a_demonstration_that_was_killed_is_played_again_ends_as_it_should_and_goes_on_until_it_is_stopped(
    home: Path,
) -> None:
    with demo(home) as killed:
        assert killed.stdout is not None
        said = [line for _, line in zip(range(8), killed.stdout, strict=False)]
        assert any("連携ショップ基本設定" in line for line in said), said
        killed.kill()
    with demo(home, "--json") as again:
        assert again.stdout is not None
        line = again.stdout.readline()
        assert line, (home.parent / "errors").read_text(encoding="utf-8")
        record = json.loads(line)
        assert not [point for point in record["points"] if not point["holds"]], record["points"]
        assert (len(record["points"]), record["asItShould"]) == (7, True)
        again.send_signal(signal.SIGINT)
        assert again.wait(STOP_SECONDS_MAX) == 0
    text = (home / "demo" / "daicho.log").read_text(encoding="utf-8")
    assert not [entry for entry in map(json.loads, text.splitlines()) if entry["level"] in ("error", "critical")], text
    for secret in (record["key"], *(address.partition("@")[0] for address in record["addresses"].values())):
        assert secret not in text


def test_a_second_demonstration_in_the_same_home_is_a_sentence(home: Path) -> None:
    (home / "demo").mkdir(parents=True)
    with (home / "demo" / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with demo(home) as second:
            assert second.wait(STOP_SECONDS_MAX) == 3
    assert "a demonstration runs already" in (home.parent / "errors").read_text(encoding="utf-8")
