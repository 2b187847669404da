"""Connections for the application: in one merchant's schema, as the role that may not change history."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from api.unavailable import Unavailable

OWNER_ROLE = "daicho_owner"
APP_ROLE = "daicho_app"
SERVER_VERSION_MIN = 150_000
RETRY_SECONDS = 0.25
# A writer that freezes while it holds the ledger's lock is ended by the server, so that the others go on; when it wakes
# it decides again. PostgreSQL 17 and newer also end one that froze between two messages of a pipeline.
WRITER_SETTINGS = {"idle_in_transaction_session_timeout": "3s", "lock_timeout": "10s"}
TRANSACTION_TIMEOUT = "20s"
TRANSACTION_TIMEOUT_SINCE = 170_000
CONNECT_SECONDS_MAX = 5
RECONNECT_SECONDS = 2.0
APPLICATION_NAME_CHARACTERS_MAX = 63
# What waiting will not mend. libpq gives no codes for a refused login, so its words are read.
HOPELESS = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "permission denied",
)


@dataclass(frozen=True)
class Database:
    """Where one merchant's ledger is: a URL and a schema. The URL may hold a password: it is never printed."""

    url: str = field(repr=False)
    schema: str

    def conninfo(self, *, role: str = APP_ROLE, name: str = "daicho", settings: Mapping[str, str] | None = None) -> str:
        """A connection string that starts in the schema and as the role.

        The role is a start-up option, so RESET ROLE and DISCARD ALL return to it and not to the login's own.
        """
        parts = conninfo_to_dict(self.url)
        options = {"role": role, "search_path": self.schema, "timezone": "UTC", **(settings or {})}
        given = f"{parts.pop('options', '') or ''} "
        text = given + " ".join(f"-c {key}={_escaped(value)}" for key, value in options.items())
        label = f"{name} {self.schema}"[:APPLICATION_NAME_CHARACTERS_MAX]
        return make_conninfo("", **{**parts, "options": text.strip(), "application_name": label})


def open_pool(
    database: Database,
    *,
    name: str,
    size_max: int,
    size_min: int = 1,
    borrow_seconds_max: float = 10.0,
    settings: Mapping[str, str] | None = None,
) -> ConnectionPool:
    """An open pool of the application role. A connection is checked when borrowed, so a restarted server is not felt.

    ``name`` is what pg_stat_activity shows. Close it with ``close()`` or ``with``.
    """

    def check(connection: psycopg.Connection) -> None:
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            # The others that lie idle are gone as well. Found broken one by one, each would be waited for, a second and more.
            pool.drain()
            raise

    pool = ConnectionPool(
        database.conninfo(name=name, settings=settings),
        min_size=size_min,
        max_size=size_max,
        timeout=borrow_seconds_max,
        check=check,
        # Given up soon, so that the next borrower begins anew: the library waits twice as long after every attempt.
        reconnect_timeout=RECONNECT_SECONDS,
        name=name,
        open=False,
    )
    pool.open()
    return pool


def connect_writer(database: Database) -> psycopg.Connection[tuple[object, ...]]:
    """A connection for a process's one writer: it begins and ends its transactions itself, and cannot hold the lock for ever.

    Raises psycopg.OperationalError when the database is away.
    """
    conninfo = database.conninfo(name="writer", settings=WRITER_SETTINGS)
    connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX)
    if connection.info.server_version >= TRANSACTION_TIMEOUT_SINCE:
        connection.execute("SELECT set_config('transaction_timeout', %s, false)", (TRANSACTION_TIMEOUT,))
    return connection


def wait_for(url: str, *, sleep: Callable[[float], None], wait_seconds_max: float) -> int:
    """The version number of the server, once it answers. Raises Unavailable when it never does, or is too old."""
    attempts = int(wait_seconds_max / RETRY_SECONDS) + 1
    seen = ""
    for attempt in range(attempts):
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                version = connection.info.server_version
            break
        except psycopg.ProgrammingError as error:
            raise Unavailable(f"DAICHO_DATABASE_URL is not a connection string: {_without_values(error)}") from None
        except psycopg.OperationalError as error:
            seen = " ".join(str(error).split())
            if any(words in seen for words in HOPELESS):
                raise Unavailable(f"the database refuses us: {seen}; check DAICHO_DATABASE_URL") from error
            if attempt + 1 < attempts:
                sleep(RETRY_SECONDS)
    else:
        raise Unavailable(
            f"the database does not answer after {wait_seconds_max:g} s: {seen}; check DAICHO_DATABASE_URL"
        )
    if version < SERVER_VERSION_MIN:
        raise Unavailable(f"the server is PostgreSQL {version // 10_000}; expected 15 or newer")
    return version


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _without_values(error: psycopg.ProgrammingError) -> str:
    # libpq quotes the piece it did not understand, and that may be a password.
    return str(error).split('"', 1)[0].strip() or "it cannot be read"
