"""Processes of Daicho as an operator starts them, over a test's database, on ports that are free."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.database import Database

PROGRAM = Path(sys.executable).parent / "daicho"
STOP_SECONDS_MAX = 20


@dataclass
class Process:
    """A process that runs on. ``said``: what it printed when it was ready."""

    process: "subprocess.Popen[str]"
    said: Any
    errors: Path

    def stop(self, number: int = signal.SIGTERM) -> int:
        """The exit code after the signal."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS_MAX)

    def logs(self) -> list[dict[str, Any]]:
        """Every line it logged; each is JSON."""
        return [json.loads(line) for line in self.errors.read_text(encoding="utf-8").splitlines()]

    def events(self) -> list[str]:
        return [str(entry["event"]) for entry in self.logs()]


def settings_of(database: Database, home: Path) -> dict[str, str]:
    """The environment of a process over this database."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DAICHO_")}
    return clean | {
        "DAICHO_DATABASE_URL": database.url,
        "DAICHO_SCHEMA": database.schema,
        "DAICHO_HOME": str(home),
        "DAICHO_HTTP_PORT": "0",
        "DAICHO_SMTP_PORT": "0",
        "DAICHO_MAIL_DOMAIN": "mail.test",
    }


@contextmanager
def started(environment: dict[str, str], folder: Path, *arguments: str) -> Iterator[Process]:
    """The process is ready; it is killed on leaving when it still runs."""
    errors = folder / f"{arguments[0]}-{len(list(folder.iterdir()))}.log"
    with (
        errors.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            [PROGRAM, *arguments, "--json"], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, errors.read_text(encoding="utf-8")
            yield Process(process, json.loads(line), errors)
        finally:
            if process.poll() is None:
                process.kill()


def run(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command that ends by itself."""
    return subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False)


def answered(environment: dict[str, str], *arguments: str) -> Any:
    """What a command answers as JSON; it must go well."""
    done = run(environment, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
