#!/opt/daicho/bin/python3
"""The health check of the container: exit code 0 when what it runs does its work, 1 with a sentence when not.

The first argument says what to ask (api, work, mail); without it the container's first process tells.
"""

import os
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

WAIT_SECONDS_MAX = 4  # The image's HEALTHCHECK gives up after 5.
FIRST_PROCESS = Path("/proc/1/cmdline")
ROLES = {"serve": "api", "api": "api", "work": "work", "mail": "mail"}


class Unwell(Exception):
    """What is wrong, as a sentence for `docker inspect`."""


def api() -> None:
    """The HTTP server says that it and its database answer."""
    port = os.environ.get("DAICHO_HTTP_PORT", "8380")
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=WAIT_SECONDS_MAX).close()
    except urllib.error.HTTPError as error:
        raise Unwell(f"/readyz answers {error.code}; expected 200") from None
    except OSError as error:
        raise Unwell(f"nothing answers on port {port}: {error}") from None


def mail() -> None:
    """The mail receiver greets."""
    port = os.environ.get("DAICHO_SMTP_PORT", "8325")
    try:
        with socket.create_connection(("127.0.0.1", int(port)), timeout=WAIT_SECONDS_MAX) as connection:
            greeting = connection.recv(200)
            connection.sendall(b"QUIT\r\n")
    except OSError as error:
        raise Unwell(f"nothing answers on port {port}: {error}") from None
    if not greeting.startswith(b"220"):
        raise Unwell(f"the mail receiver on port {port} does not greet; expected 220")


def work() -> None:
    """The worker of this container is connected to the database and listens there for what is new."""
    import psycopg

    url = os.environ["DAICHO_DATABASE_URL"]
    name = f"listen {os.environ.get('DAICHO_SCHEMA') or 'daicho'}"
    question = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE application_name = %s AND client_addr IS NOT DISTINCT FROM inet_client_addr()"
    )
    try:
        with psycopg.connect(url, connect_timeout=WAIT_SECONDS_MAX) as connection:
            found = connection.execute(question, (name,)).fetchone()
    except psycopg.Error as error:
        raise Unwell(f"the database does not answer: {type(error).__name__}") from None
    if found is None or found[0] == 0:
        raise Unwell(f"no connection named '{name}' comes from here: the worker does not listen")


def role(arguments: list[str]) -> str:
    """What the container runs. Raises Unwell when nobody can tell."""
    words = arguments or FIRST_PROCESS.read_bytes().decode(errors="replace").split("\0")
    for word in words:
        if word in ROLES:
            return ROLES[word]
    raise Unwell(f"cannot tell what to ask; expected one of {', '.join(sorted(set(ROLES.values())))}")


def main() -> int:
    """The exit code after the question was asked."""
    try:
        {"api": api, "mail": mail, "work": work}[role(sys.argv[1:])]()
    except Unwell as unwell:
        sys.stderr.write(f"unhealthy: {unwell}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
