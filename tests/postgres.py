"""The PostgreSQL of a test run: one server, one migrated template, one database per worker, a quick reset per test.

The server is the embedded one in a temporary home (no fsync: tests of crashes use a server of their own), or the one
of DAICHO_TEST_DATABASE_URL, whose login must be a superuser. A run that was killed is cleared away by the next one.
"""

import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from api import localpg_place
from api.database import Database
from api.localpg import LocalPostgres
from api.migrations import migrate
from api.unavailable import Unavailable

FOLDER_PREFIX = "daicho-tests-"
SCHEMAS = ("daicho", "daicho_two")  # Two merchants in one database, from the first day.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum_naptime": "1d"}
TURN_KEY = 7_461_993
LOCK_WAIT = "5s"

RESET = """
CREATE SCHEMA baseline;
CREATE TABLE baseline.known AS
    SELECT c.oid::regclass::text AS name, n.nspname AS schema, c.relname AS relation
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname LIKE 'daicho%' AND c.relname <> 'schema_migrations';
ALTER TABLE baseline.known ADD seeded boolean;
CREATE FUNCTION baseline.keep_seeds() RETURNS void LANGUAGE plpgsql AS $$
DECLARE t record; filled boolean;
BEGIN
    FOR t IN SELECT * FROM baseline.known LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', t.schema, t.relation) INTO filled;
        UPDATE baseline.known SET seeded = filled WHERE schema = t.schema AND relation = t.relation;
        IF filled THEN
            EXECUTE format('CREATE TABLE baseline.%I AS TABLE %I.%I', t.schema || '.' || t.relation, t.schema, t.relation);
        END IF;
    END LOOP;
END $$;
CREATE FUNCTION baseline.reset() RETURNS void LANGUAGE plpgsql AS $$
DECLARE t record; filled boolean; used text[] := '{}';
BEGIN
    FOR t IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname LIKE 'daicho%' AND c.relname <> 'schema_migrations'
          AND NOT EXISTS (SELECT FROM baseline.known k WHERE k.schema = n.nspname AND k.relation = c.relname) LOOP
        EXECUTE format('DROP TABLE %I.%I CASCADE', t.nspname, t.relname);
    END LOOP;
    FOR t IN SELECT * FROM baseline.known LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', t.schema, t.relation) INTO filled;
        IF filled AND NOT t.seeded THEN used := used || format('%I.%I', t.schema, t.relation); END IF;
    END LOOP;
    IF used <> '{}' THEN
        EXECUTE 'TRUNCATE ' || array_to_string(used, ', ') || ' RESTART IDENTITY CASCADE';
    END IF;
    FOR t IN SELECT * FROM baseline.known WHERE seeded LOOP
        EXECUTE format('DELETE FROM %I.%I', t.schema, t.relation);
        EXECUTE format('INSERT INTO %I.%I TABLE baseline.%I', t.schema, t.relation, t.schema || '.' || t.relation);
    END LOOP;
END $$;
SELECT baseline.keep_seeds();
"""


HOLDING = r"""
CREATE FUNCTION baseline.holding(canaries text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE t record; found boolean; patterns text[];
BEGIN
    -- As a row prints it (quotes and backslashes doubled), as LIKE wants it; and as bytes print.
    SELECT array_agg(p) INTO patterns FROM (
        SELECT '%' || replace(replace(replace(printed, '\', '\\'), '%', '\%'), '_', '\_') || '%' AS p
            FROM (SELECT replace(replace(c, '\', '\\'), '"', '""') AS printed FROM unnest(canaries) c) doubled
        UNION ALL SELECT '%' || encode(convert_to(c, 'UTF8'), 'hex') || '%' FROM unnest(canaries) c) every_form;
    FOR t IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname LIKE 'daicho%' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I r WHERE r::text LIKE ANY ($1))', t.nspname, t.relname)
            INTO found USING patterns;
        IF found THEN RETURN NEXT t.nspname || '.' || t.relname; END IF;
    END LOOP;
END $$;
"""


@dataclass(frozen=True)
class TestRun:
    """What the workers of one run share: a folder. Its name makes the names of databases unique on a shared server."""

    __test__ = False  # Not a class of tests, whatever its name begins with.

    folder: Path
    foreign_url: str | None

    @property
    def template(self) -> str:
        return f"{self.folder.name.replace('-', '_')}_template"

    def server(self) -> LocalPostgres:
        return LocalPostgres(self.folder / "home", None, sleep=time.sleep, settings=NOT_DURABLE)

    def admin_url(self) -> str:
        return self.foreign_url or self.server().start()


def begin(foreign_url: str | None) -> tuple[TestRun, int]:
    """A new run and the lock that says it lives. What killed runs left behind is gone."""
    parent = Path(tempfile.gettempdir())
    for folder in parent.glob(f"{FOLDER_PREFIX}*"):
        lock = _lock_of(folder)
        if lock is not None:
            end(TestRun(folder, None), lock)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    lock = _lock_of(folder)
    assert lock is not None
    return TestRun(folder, foreign_url), lock


def end(run: TestRun, lock: int) -> None:
    """The server and the databases of the run are gone."""
    if run.foreign_url is not None:
        _drop_databases(run)
    for home in run.folder.glob("home*"):
        remove_home(home)
    shutil.rmtree(run.folder, ignore_errors=True)
    os.close(lock)


def remove_home(home: Path) -> None:
    """The server of this home is stopped and its folders are gone, those outside the home too."""
    try:
        place = localpg_place.choose(home, None)
    except Unavailable:
        return  # It never became one.
    LocalPostgres(home, None, sleep=time.sleep).stop()
    for folder in (place.folder, place.socket_folder, home):
        shutil.rmtree(folder, ignore_errors=True)


def new_worker_database(run: TestRun, worker: str) -> str:
    """The URL of this worker's own database, cloned from the migrated template."""
    admin = run.admin_url()
    name = f"{run.template.removesuffix('_template')}_{worker}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (TURN_KEY,))
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (run.template,)).fetchone() is None:
            _make_template(connection, admin, run.template)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(run.template))
        )
    return make_conninfo(admin, dbname=name)


def reset(url: str) -> None:
    """Every table is as after the migrations; tables made by a test are gone.

    Fails when a connection of an earlier test still holds a transaction open.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET lock_timeout = '{LOCK_WAIT}'".encode())
        connection.execute("SET client_min_messages = error")
        connection.execute("SELECT baseline.reset()")


def _make_template(connection: psycopg.Connection, admin: str, template: str) -> None:
    unfinished = f"{template}_new"
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(unfinished)))
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(unfinished))
    )
    url = make_conninfo(admin, dbname=unfinished)
    for schema in SCHEMAS:
        migrate(Database(url, schema))
    with psycopg.connect(url, autocommit=True) as inside:
        inside.execute(RESET.encode())
        inside.execute(HOLDING.encode())
    connection.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(template))
    )


def _drop_databases(run: TestRun) -> None:
    assert run.foreign_url is not None
    with psycopg.connect(run.foreign_url, autocommit=True) as connection:
        pattern = f"{run.template.removesuffix('_template')}%"
        for (name,) in connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", (pattern,)
        ).fetchall():
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _lock_of(folder: Path) -> int | None:
    """The lock of a run's folder, or None when that run lives or is not ours to touch."""
    try:
        lock = os.open(folder / "run.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


@dataclass(frozen=True)
class OwnServer:
    """A durable server of one test, to be killed, stopped and started at will."""

    home: Path
    database: Database

    def start(self) -> None:
        LocalPostgres(self.home, None, sleep=time.sleep).start()

    def stop(self) -> None:
        LocalPostgres(self.home, None, sleep=time.sleep).stop()

    def kill(self) -> None:
        """kill -9 of the server process; its children end by themselves."""
        pid_file = localpg_place.choose(self.home, None).data / "postmaster.pid"
        os.kill(int(pid_file.read_text().split("\n", 1)[0]), signal.SIGKILL)


@contextmanager
def own_server(run: TestRun) -> Iterator[OwnServer]:
    """A migrated durable server in a home of its own, gone at the end; if the run is killed, at the end of the next one."""
    home = Path(tempfile.mkdtemp(prefix="home-", dir=run.folder))
    try:
        database = Database(LocalPostgres(home, None, sleep=time.sleep).start(), SCHEMAS[0])
        migrate(database)
        yield OwnServer(home, database)
    finally:
        remove_home(home)
