"""A child process for the tests of the embedded server: starts, stops or writes as the account it is told.

Run as ``python -m tests.api.embedded_home VERB HOME ACCOUNT [BINARIES]``. Everything is imported first and the rights
are dropped after, so that it works too where the account cannot read this checkout. BINARIES is a folder that holds a
readable copy of the package with PostgreSQL.
"""

import os
import pwd
import sys
import time
from pathlib import Path

import psycopg

from api.localpg import LocalPostgres
from api.unavailable import Unavailable


def run(verb: str, home: str, account: str, binaries: str = "") -> int:
    try:
        psycopg.connect("host=/nonexistent", connect_timeout=1)
    except psycopg.OperationalError:
        pass  # Everything a connection imports is loaded now.
    if os.geteuid() == 0 and account != "root":
        entry = pwd.getpwnam(account)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if binaries:
        sys.path.insert(0, binaries)
    server = LocalPostgres(Path(home), None, sleep=time.sleep)
    try:
        if verb == "start":
            print(server.start(), flush=True)
        elif verb == "stop":
            print(server.stop(), flush=True)
        elif verb == "write":
            _write(server.start())
    except Unavailable as error:
        print(error, flush=True)
        return 3
    return 0


def _write(url: str) -> None:
    """Rows are committed one by one; each number is printed only after its COMMIT was acknowledged."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS written (number int PRIMARY KEY)")
        for number in range(1_000_000):
            connection.execute("INSERT INTO written VALUES (%s)", (number,))
            print(number, flush=True)


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
