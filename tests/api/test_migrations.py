"""Migrations run once, in order, from any number of processes, and refuse a past that is not theirs."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from api.database import Database
from api.migrations import Migration, MigrationRefused, gather, migrate, pending
from api.unavailable import Unavailable

FIRST = Migration(
    "ledger/0001_first", "CREATE TABLE {schema}.first (n int); GRANT SELECT ON {schema}.first TO daicho_app;"
)
SECOND = Migration("api/0001_second", "CREATE TABLE {schema}.second (n int);")


@pytest.fixture
def empty(database: Database) -> Database:
    """A schema name that no migration has seen, in the test's own database."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS empty CASCADE")
    return Database(database.url, "empty")


def _tables(database: Database) -> list[str]:
    with psycopg.connect(database.url) as connection:
        rows = connection.execute(
            "SELECT relname || ' of ' || relowner::regrole FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = to_regnamespace(%s) ORDER BY relname",
            (database.schema,),
        )
        return [str(name) for (name,) in rows]


def test_each_migration_runs_once_and_the_owner_role_owns_what_it_makes(empty: Database) -> None:
    assert migrate(empty, [FIRST]) == ["ledger/0001_first"]
    assert migrate(empty, [FIRST, SECOND]) == ["api/0001_second"]
    assert migrate(empty, [FIRST, SECOND]) == []
    assert _tables(empty) == ["first of daicho_owner", "schema_migrations of daicho_owner", "second of daicho_owner"]


def test_many_processes_may_migrate_at_once(empty: Database) -> None:
    with ThreadPoolExecutor(8) as threads:
        ran = list(threads.map(lambda _: migrate(empty, [FIRST, SECOND]), range(8)))
    assert sorted(len(each) for each in ran) == [0] * 7 + [2]


def test_a_changed_file_is_refused_and_nothing_is_changed(empty: Database) -> None:
    migrate(empty, [FIRST])
    changed = Migration(FIRST.name, FIRST.text + "-- edited")
    with pytest.raises(MigrationRefused, match="'ledger/0001_first' was changed after it ran"):
        migrate(empty, [changed, SECOND])
    assert "second of daicho_owner" not in _tables(empty)


def test_a_database_of_a_newer_version_is_refused(empty: Database) -> None:
    migrate(empty, [FIRST, SECOND])
    with pytest.raises(MigrationRefused, match="a newer version was here"):
        migrate(empty, [FIRST])


def test_a_failing_file_leaves_nothing_of_itself(empty: Database) -> None:
    broken = Migration("api/0001_broken", "CREATE TABLE half (n int); SELECT nonsense;")
    with pytest.raises(psycopg.errors.UndefinedColumn) as raised:
        migrate(empty, [FIRST, broken])
    assert raised.value.__notes__ == ["while running api/0001_broken in schema 'empty'; nothing of it was kept"]
    assert _tables(empty) == ["first of daicho_owner", "schema_migrations of daicho_owner"]


def test_a_schema_of_somebody_else_is_left_alone(empty: Database) -> None:
    with psycopg.connect(empty.url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA empty")
    with pytest.raises(MigrationRefused, match="choose another name in DAICHO_SCHEMA"):
        migrate(empty, [FIRST])


def test_a_login_without_rights_is_told_what_the_administrator_must_run(empty: Database) -> None:
    with psycopg.connect(empty.url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS weak_login")
        connection.execute("CREATE ROLE weak_login LOGIN PASSWORD 'weak'")
        weak = Database(make_conninfo(empty.url, user="weak_login", password="weak"), "empty")
        with pytest.raises(Unavailable) as raised:
            migrate(weak, [FIRST])
        advice = [line.strip() for line in str(raised.value).splitlines() if line.startswith("  ")]
        for line in advice:
            if not line.startswith("CREATE ROLE"):  # The roles exist already on this server.
                connection.execute(line.encode())
        assert migrate(weak, [FIRST]) == ["ledger/0001_first"]
        with psycopg.connect(weak.conninfo(), autocommit=True) as application:
            assert application.execute("SELECT count(*) FROM first").fetchone() == (0,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute("DELETE FROM first")
        connection.execute("DROP SCHEMA empty CASCADE")
        connection.execute(
            sql.SQL("REVOKE CREATE ON DATABASE {} FROM weak_login").format(sql.Identifier(connection.info.dbname))
        )
        connection.execute("DROP ROLE weak_login")


def test_nothing_waits_in_a_migrated_schema_and_everything_in_a_new_one(database: Database, empty: Database) -> None:
    assert pending(database) == []
    assert pending(empty) == [migration.name for migration in gather()]
