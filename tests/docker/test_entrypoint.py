"""The container's door and its health check by themselves: words become commands, secrets come from files, errors are sentences."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.docker.image import ROOT

URL = "postgresql://somebody@database/daicho"
TELLING = f"""#!{sys.executable}
import json, os, sys
print(json.dumps([os.path.basename(sys.argv[0]), sys.argv[1:], dict(os.environ)]))
"""


@pytest.mark.parametrize(
    ("words", "program", "told"),
    [
        ([], "daicho", ["serve"]),
        (["api"], "daicho", ["serve"]),
        (["work"], "daicho", ["work"]),
        (["mail"], "daicho", ["mail"]),
        (["migrate", "--json"], "daicho", ["db", "migrate", "--json"]),
        (["shop", "show", "a b"], "daicho", ["shop", "show", "a b"]),
        (["healthy", "mail"], "daicho-healthy", ["mail"]),
    ],
)
def test_words_become_commands(tmp_path: Path, words: list[str], program: str, told: list[str]) -> None:
    seen = json.loads(_door(tmp_path, words, {"DAICHO_DATABASE_URL": URL}).stdout)
    assert (seen[0], seen[1]) == (program, told)


def test_a_secret_is_read_from_its_file_as_it_stands_there(tmp_path: Path) -> None:
    password, url = tmp_path / "password", tmp_path / "url"
    password.write_text("$(id) 'quoted' \\n\n")
    url.write_text(URL)
    settings = {"PGPASSWORD_FILE": str(password), "DAICHO_DATABASE_URL_FILE": str(url)}
    _, _, environment = json.loads(_door(tmp_path, ["api"], settings).stdout)
    assert environment["PGPASSWORD"] == "$(id) 'quoted' \\n"
    assert environment["DAICHO_DATABASE_URL"] == URL
    assert not {"PGPASSWORD_FILE", "DAICHO_DATABASE_URL_FILE"} & environment.keys(), "Daicho knows no such setting"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "'api' needs DAICHO_DATABASE_URL"),
        ({"DAICHO_DATABASE_URL": ""}, "expected postgresql://user@host/name of a PostgreSQL 15 or newer"),
        ({"PGPASSWORD_FILE": "/nowhere"}, "PGPASSWORD_FILE is /nowhere, which user"),
        ({"DAICHO_DATABASE_URL_FILE": "/dev/null"}, "DAICHO_DATABASE_URL_FILE is /dev/null, which is empty"),
    ],
)
def test_what_is_missing_is_said_before_anything_starts(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    done = _door(tmp_path, ["api"], settings)
    assert done.returncode == 3
    assert done.stdout == ""
    assert sentence in done.stderr


def test_the_health_check_asks_the_api_and_says_what_is_wrong() -> None:
    for status, code in ((200, 0), (503, 1)):
        with _http(status) as port:
            done = _health("api", DAICHO_HTTP_PORT=str(port))
            assert done.returncode == code
            assert done.stderr == ("" if code == 0 else "unhealthy: /readyz answers 503; expected 200\n")
    assert "nothing answers on port 1" in _health("api", DAICHO_HTTP_PORT="1").stderr


def test_the_health_check_asks_the_mail_receiver() -> None:
    for greeting, code in ((b"220 mail.localhost ready\r\n", 0), (b"421 too busy\r\n", 1)):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            greeter = Thread(target=_greet, args=(listening, greeting), daemon=True)
            greeter.start()
            assert _health("mail", DAICHO_SMTP_PORT=str(port)).returncode == code
            greeter.join(10)


def test_the_health_check_of_a_worker_needs_its_database() -> None:
    done = _health("work", DAICHO_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nowhere")
    assert (done.returncode, done.stderr) == (1, "unhealthy: the database does not answer: OperationalError\n")


def test_the_health_check_says_when_it_cannot_tell_what_to_ask() -> None:
    assert "cannot tell what to ask; expected one of api, mail, work" in _health("nonsense").stderr


def _door(folder: Path, words: list[str], settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name in ("daicho", "daicho-healthy"):
        (folder / name).write_text(TELLING)
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", **settings}
    command = ["sh", str(ROOT / "docker" / "entrypoint.sh"), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)


def _health(word: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "docker" / "healthy.py"), word]
    environment = {"PATH": os.environ["PATH"], **settings}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)


@contextmanager
def _http(status: int) -> Iterator[int]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  named by the library
            return

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(10)


def _greet(listening: socket.socket, greeting: bytes) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.sendall(greeting)
        connection.recv(100)
