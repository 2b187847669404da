"""The command line as a person meets it: fast help, --json everywhere, one sentence and the right code for an error."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli import output
from tests import postgres
from tests.docs import generated

PROGRAM = Path(sys.executable).parent / "daicho"
HELP_SECONDS_MAX = 0.3
HEAVY = (
    "fastapi",
    "strawberry",
    "psycopg",
    "pydantic_settings",
    "httpx",
    "paramiko",
    "cryptography",
    "eventsourcing",
    "rich",
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    if (tmp_path / "home").exists():
        postgres.remove_home(tmp_path / "home")


def _daicho(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DAICHO_")}
    return subprocess.run([PROGRAM, *arguments], env=clean | settings, capture_output=True, text=True, check=False)


def test_help_comes_at_once_and_imports_nothing_heavy() -> None:
    script = "import sys; from api.cli import run; run(['--help']); print('|'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Commands:" in done.stdout
    loaded = set(done.stdout.splitlines()[-1].split("|"))
    assert not [name for name in HEAVY if name in loaded]

    def seconds_of_one_run() -> float:
        began = time.perf_counter()
        _daicho("--help")
        return time.perf_counter() - began

    assert min(seconds_of_one_run() for _ in range(5)) < HELP_SECONDS_MAX


def test_every_command_says_what_it_does_and_can_answer_in_json() -> None:
    commands = generated.commands()
    assert "daicho db start" in [command.path for command in commands]
    for command in commands:
        assert command.help, command.path
        assert "--json" in command.options, command.path


def test_the_database_is_started_asked_and_stopped(home: Path) -> None:
    settings = {"DAICHO_HOME": str(home)}
    assert _daicho("db", "status", **settings).returncode == 1
    started = _daicho("db", "start", "--json", **settings)
    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout)["running"] is True
    status = json.loads(_daicho("db", "status", "--json", **settings).stdout)
    assert status["pending_migrations"] == []
    asked = _daicho("db", "psql", "-Atc", "SELECT current_user, current_schema()", **settings)
    assert asked.stdout.strip() == "daicho_app|daicho", asked.stderr
    owner = _daicho("db", "psql", "--owner", "-Atc", "SELECT current_user", **settings)
    assert owner.stdout.strip() == "daicho", owner.stderr
    assert json.loads(_daicho("db", "migrate", "--json", DAICHO_SCHEMA="other", **settings).stdout)["schema"] == "other"
    assert _daicho("db", "stop", **settings).returncode == 0
    assert _daicho("db", "stop", **settings).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "settings", "exit_code", "sentence"),
    [
        (["db", "strat"], {}, 2, "No such command 'strat'"),
        (["db", "status"], {"DAICHO_SHEMA": "x"}, 2, "did you mean DAICHO_SCHEMA?"),
        (["db", "status"], {"DAICHO_SCHEMA": "My Shop"}, 2, "DAICHO_SCHEMA is 'My Shop'; expected a lower-case letter"),
        (["db", "status"], {"DAICHO_HTTP_PORT": "65536"}, 2, "DAICHO_HTTP_PORT is '65536'"),
        (["db", "start"], {"DAICHO_DATABASE_URL": "postgresql://x"}, 2, "not ours to start"),
        (
            ["db", "migrate"],
            {"DAICHO_DATABASE_URL": "postgresql://m:hunter2@127.0.0.1:1/d", "DAICHO_DATABASE_WAIT_SECONDS": "0"},
            3,
            "the database does not answer",
        ),
    ],
)
def test_an_error_is_one_sentence_with_its_exit_code(
    arguments: list[str], settings: dict[str, str], exit_code: int, sentence: str
) -> None:
    done = _daicho(*arguments, "--json", **settings)
    assert done.returncode == exit_code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert json.loads(done.stdout)["exit_code"] == exit_code


def test_a_table_is_straight_with_full_width_text(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, output.Cell]] = [{"sku": "椅子-01", "units": 3}, {"sku": "chair-0002", "units": None}]
    output.show_rows(rows, ["sku", "units"], as_json=False)
    assert capsys.readouterr().out.splitlines() == ["sku         units", "椅子-01     3", "chair-0002  -"]
    output.show_rows(rows, ["sku", "units"], as_json=True)
    assert json.loads(capsys.readouterr().out) == rows


def test_a_long_cell_is_cut_to_the_width_of_the_screen() -> None:
    assert output.width_of(output.shortened("在庫" * 50)) <= output.CELL_WIDTH_MAX
    assert output.shortened("two\nlines") == "two lines"
