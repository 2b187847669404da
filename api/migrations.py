"""The tables of one merchant's schema, made by numbered SQL files: each runs once, under a lock, and is never edited.

Files are ``ledger/schema/NNNN_name.sql`` and ``api/tables/NNNN_name.sql``, the ledger's first. ``{schema}`` in a file
is replaced by the schema's name. They run as ``daicho_owner``; what ``daicho_app`` may do stands in the files.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources

import psycopg
from psycopg import sql

from api.database import APP_ROLE, OWNER_ROLE, Database
from api.unavailable import Unavailable

FOLDERS = (("ledger", "schema"), ("api", "tables"))
NAME_PATTERN = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
LOCK_WAIT = "300s"  # Another process migrates; the longest file decides.
ATTEMPTS_MAX = 20  # Roles are shared by every database of a server: two creators collide and one looks again.


class MigrationRefused(ValueError):
    """What the database says it ran is not what this program has; nothing was changed."""


@dataclass(frozen=True)
class Migration:
    """One SQL file. ``name`` is how the database remembers it, for ever."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def gather() -> list[Migration]:
    """Every migration this program has, in the order they run. Raises MigrationRefused for a bad file name."""
    found = []
    for package, folder in FOLDERS:
        root = resources.files(package) / folder
        names = sorted(each.name for each in root.iterdir() if each.name.endswith(".sql")) if root.is_dir() else []
        for number, name in enumerate(names, 1):
            match = NAME_PATTERN.fullmatch(name)
            if match is None or int(match[1]) != number:
                raise MigrationRefused(
                    f"{package}/{folder}/{name}: expected {number:04d}_some_name.sql, numbered from 0001 without gaps"
                )
            found.append(Migration(f"{package}/{name.removesuffix('.sql')}", (root / name).read_text(encoding="utf-8")))
    return found


def migrate(database: Database, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Every migration has run, once; the names of those that ran now. Safe from any number of processes.

    Raises MigrationRefused when the database and this program disagree about the past, Unavailable when the login
    may not do what is needed (the sentence has the SQL for an administrator).
    """
    wanted = gather() if migrations is None else list(migrations)
    conninfo = database.conninfo(role="none", name="migrate")
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(f"SET lock_timeout = '{LOCK_WAIT}'")
            connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"{database.schema} migrate",))
            _make_roles(connection)
            _make_schema(connection, database.schema)
            done = _done(connection, database.schema)
            _refuse_another_past(done, wanted)
            names = [migration.name for migration in wanted if migration.name not in done]
            for migration in wanted:
                if migration.name not in done:
                    _run(connection, database.schema, migration)
            return names
    except psycopg.errors.LockNotAvailable as error:
        raise Unavailable(
            f"another process has been migrating schema '{database.schema}' for {LOCK_WAIT}; look at pg_stat_activity"
        ) from error
    except psycopg.OperationalError as error:
        raise Unavailable(
            f"the database broke off during the migration: {' '.join(str(error).split())}; run it again"
        ) from error


def pending(database: Database) -> list[str]:
    """Names of the migrations that have not run yet; all of them for a new schema. Changes nothing."""
    with psycopg.connect(database.conninfo(role="none", name="migrate"), autocommit=True) as connection:
        table = f"{database.schema}.schema_migrations"
        known = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
        if known != (True,):
            return [migration.name for migration in gather()]
        rows = connection.execute(
            sql.SQL("SELECT name FROM {}.schema_migrations").format(sql.Identifier(database.schema))
        )
        done = {name for (name,) in rows}
    return [migration.name for migration in gather() if migration.name not in done]


def _make_roles(connection: psycopg.Connection) -> None:
    for role in (OWNER_ROLE, APP_ROLE):
        for _ in range(ATTEMPTS_MAX):
            try:
                if _yes(connection, "SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", role):
                    connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
                if not _yes(connection, "SELECT pg_has_role(current_user, %s, 'MEMBER')", role):
                    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
                break
            except psycopg.errors.InsufficientPrivilege as error:
                raise Unavailable(_for_the_administrator(connection)) from error
            except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation, psycopg.errors.InternalError_):
                continue  # Somebody else made it at the same moment.
        else:
            raise Unavailable(f"cannot make the role {role}: other processes keep changing it; run the migration again")


def _make_schema(connection: psycopg.Connection, schema: str) -> None:
    try:
        if _yes(connection, "SELECT to_regnamespace(%s) IS NULL", schema):
            connection.execute(
                sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(schema), sql.Identifier(OWNER_ROLE))
            )
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unavailable(_for_the_administrator(connection)) from error
    owner = connection.execute(
        "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = %s", (schema,)
    ).fetchone()
    if owner != (OWNER_ROLE,):
        raise MigrationRefused(
            f"schema '{schema}' belongs to '{owner[0] if owner else ''}', expected '{OWNER_ROLE}': "
            "it is not one of ours; choose another name in DAICHO_SCHEMA"
        )
    with _as_owner(connection, schema):
        # CREATE: the application's role owns the projection tables, which it drops and builds as it likes.
        connection.execute(
            sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(sql.Identifier(schema), sql.Identifier(APP_ROLE))
        )
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            ' (name text COLLATE "C" PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())'
        )
        connection.execute(sql.SQL("GRANT SELECT ON schema_migrations TO {}").format(sql.Identifier(APP_ROLE)))


def _done(connection: psycopg.Connection, schema: str) -> dict[str, str]:
    rows = connection.execute(sql.SQL("SELECT name, sha256 FROM {}.schema_migrations").format(sql.Identifier(schema)))
    return {str(name): str(digest) for name, digest in rows.fetchall()}


def _refuse_another_past(done: dict[str, str], wanted: Sequence[Migration]) -> None:
    known = {migration.name: migration for migration in wanted}
    for name, digest in done.items():
        if name not in known:
            raise MigrationRefused(
                f"the database ran '{name}', which this program does not have: a newer version was here; use that one"
            )
        if known[name].sha256 != digest:
            raise MigrationRefused(
                f"'{name}' was changed after it ran (it had sha256 {digest[:12]}…, now {known[name].sha256[:12]}…): "
                "restore the file and write a new one with the next number"
            )


def _run(connection: psycopg.Connection, schema: str, migration: Migration) -> None:
    text = migration.text.replace("{schema}", schema)
    with _as_owner(connection, schema):
        try:
            connection.execute(text.encode())
        except psycopg.Error as error:
            error.add_note(f"while running {migration.name} in schema '{schema}'; nothing of it was kept")
            raise
        connection.execute(
            sql.SQL("INSERT INTO {}.schema_migrations (name, sha256) VALUES (%s, %s)").format(sql.Identifier(schema)),
            (migration.name, migration.sha256),
        )


@contextmanager
def _as_owner(connection: psycopg.Connection, schema: str) -> Iterator[None]:
    """One transaction as daicho_owner with the schema first in the search path."""
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER_ROLE)))
        connection.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(schema)))
        yield


def _yes(connection: psycopg.Connection, question: str, name: str) -> bool:
    return connection.execute(question.encode(), (name,)).fetchone() == (True,)


def _for_the_administrator(connection: psycopg.Connection) -> str:
    login, database = connection.info.user, connection.info.dbname
    return (
        f"the login '{login}' may not create what Daicho needs in '{database}'. An administrator runs once:\n"
        f"  CREATE ROLE {OWNER_ROLE} NOLOGIN;\n"
        f"  CREATE ROLE {APP_ROLE} NOLOGIN;\n"
        f'  GRANT {OWNER_ROLE}, {APP_ROLE} TO "{login}";\n'
        f'  GRANT CREATE ON DATABASE "{database}" TO "{login}";\n'
        "(leave out the roles that exist already)"
    )
