"""Doors and workers as processes of their own, over a benchmark's schema: what the benchmarks of orders and mails call.

The doors also answer ``POST /empty``, an empty async route of the same server: the yardstick of the others.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from api.app import build
from api.database import Database
from api.jobs.worker import working
from api.mail.smtp import receiving
from api.processes import loops
from api.projecting import ensure_tables
from api.prompt_callers import PromptProtocol
from api.settings import Settings
from api.wiring import House, open_house

DOORS, MAIL, WORK = "doors", "mail", "work"


@dataclass(frozen=True)
class Child:
    """A process that runs. ``said``: the first thing it said, a port where it has one."""

    said: str


@contextmanager
def child(part: str, database: Database, home: Path) -> Iterator[Child]:
    """The part runs; it is ended on leaving."""
    command = [sys.executable, "-m", "tests.bench.doors", part, database.url, database.schema, str(home)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        assert said, f"{part} did not begin"
        yield Child(said)
    finally:
        process.terminate()
        process.wait(30)


def _run(part: str, url: str, schema: str, home: str) -> None:
    database = Database(url, schema)
    settings = Settings(home=Path(home), mail_domain="mail.test", mail_bytes_max=1_000_000)
    with open_house(settings, database=database) as house:
        ensure_tables(house)
        if part == DOORS:
            _serve(house)
        elif part == MAIL:
            with receiving(house, host="127.0.0.1", port=0) as receiver:
                print(receiver.port, flush=True)
                _for_ever()
        else:
            with working(house, loops(house), stop_seconds_max=3.0):
                print("working", flush=True)
                _for_ever()


def _serve(house: House) -> None:
    app = build(house)

    async def empty() -> dict[str, bool]:
        return {"stored": True}

    app.add_api_route("/empty", empty, methods=["POST"])
    config = uvicorn.Config(app, http=PromptProtocol, log_config=None, access_log=False, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listening.getsockname()[1], flush=True)
    server.run(sockets=[listening])


def _for_ever() -> None:
    while True:
        time.sleep(60)


if __name__ == "__main__":
    _run(*sys.argv[1:])
