"""The outside doors, as the demonstration goes through them: the command line, GraphQL, files over HTTP, mail over SMTP."""

import http.client
import json
import smtplib
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from api.settings import Settings, child_environment
from ledger.writer import Clock

SECONDS_MAX = 60.0
PROGRAM = "from api.cli import main; main()"
FORWARDER = "shop@example.jp"


class DoorRefused(RuntimeError):
    """A door did not do what the demonstration expected of it."""


@dataclass(frozen=True)
class Doors:
    """The doors of one running Daicho. ``key`` is an API key with every scope; ``say`` shows a command as it is typed."""

    settings: Settings
    http: str
    mail: tuple[str, int]
    clock: Clock
    say: Callable[[str], None]
    key: str = ""

    def daicho(self, *arguments: str, typed: Sequence[str] = ()) -> Any:
        """What the command answers as JSON. ``typed`` are lines for its standard input. Raises DoorRefused."""
        self.say(f"$ daicho {' '.join(arguments)}")
        done = subprocess.run(
            [sys.executable, "-P", "-c", PROGRAM, *arguments, "--json"],  # -P: a folder named api here is not ours
            input="".join(f"{line}\n" for line in typed),
            env=environment(self.settings),
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise DoorRefused(
                f"daicho {arguments[0]}: exit code {done.returncode}: {done.stderr.strip()[-500:]}"
            ) from None

    def graphql(self, query: str, **variables: object) -> Any:
        """The data of the operation. Raises DoorRefused."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        answer = json.loads(self._request("POST", "/graphql", body, {"Content-Type": "application/json"}))
        if answer.get("errors"):
            raise DoorRefused(answer["errors"][0]["message"])
        return answer["data"]

    def put_file(self, shop: str, name: str, content: bytes, **parameters: str) -> Any:
        """The file is staged, and applied when ``apply`` says so. Raises DoorRefused."""
        return json.loads(self._request("PUT", f"/files/{shop}/{name}?{urlencode(parameters)}", content, {}))

    def send_mail(self, raw: bytes, address: str) -> None:
        """The mail is accepted: it is durable. Raises smtplib errors."""
        with smtplib.SMTP(*self.mail, timeout=SECONDS_MAX) as smtp:
            smtp.sendmail(FORWARDER, [address], raw)

    def forwarded(self, raw: bytes) -> bytes:
        """The mail as a provider's automatic forwarding sends it on: what it is, with the provider's lines on top."""
        at = format_datetime(self.clock.now())
        lines = (
            f"Received: from mx.example.jp (mx.example.jp [192.0.2.25]) by forward.example.jp; {at}",
            f"X-Forwarded-For: {FORWARDER}",
            f"Delivered-To: {FORWARDER}",
        )
        return "".join(f"{line}\r\n" for line in lines).encode() + raw

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        return fetched(self.http, method, path, body, {"Authorization": f"Bearer {self.key}", **headers})


def fetched(base: str, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """What this machine's server answers. Raises DoorRefused for a status of 400 or more."""
    parts = urlsplit(base)
    assert parts.hostname is not None, base
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS_MAX)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status >= 400:
        raise DoorRefused(
            f"{method} {path.partition('?')[0]}: {answer.status} {content[:500].decode(errors='replace')}"
        )
    return content


def environment(settings: Settings) -> dict[str, str]:
    """What a ``daicho`` of this house finds in its environment."""
    return child_environment(
        DAICHO_HOME=str(settings.home),
        DAICHO_SCHEMA=settings.schema_name,
        DAICHO_DATABASE_URL="",
        DAICHO_MAIL_DOMAIN=settings.mail_domain,
        DAICHO_DB_USER=settings.db_user or "",
    )
