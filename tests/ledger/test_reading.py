"""What a commit reads goes by an index, also on tables that were last analysed when they held one row."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from api.database import Database, connect_writer
from ledger.commit import Connection, Statements
from ledger.reading import Selects
from ledger.session import Session
from tests.ledger.rig import add_one_by_one, new_writer

READ = sorted(name for name in vars(Selects("daicho")))
WRITTEN = ["sealed_by", "upsert_levels", "upsert_counts", "insert_keys"]


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A writer's connection."""
    made = Session(lambda: connect_writer(database))
    yield made
    made.close()


def plan(connection: Connection, statement: sql.Composed) -> str:
    """The plan the writer's connection makes of a statement, before it knows any values."""
    text = statement.as_string(connection)
    for n in range(text.count("%s") + text.count("%b")):
        first = min(at for at in (text.find("%s"), text.find("%b")) if at >= 0)
        text = f"{text[:first]}${n + 1}{text[first + 2 :]}"
    connection.execute(f"PREPARE asked AS {text}".encode())
    row = connection.execute(
        "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'asked'"
    ).fetchone()
    assert row is not None
    types = row[0]
    assert isinstance(types, list)
    values = ", ".join("NULL" for _ in types)
    said = "\n".join(str(line) for (line,) in connection.execute(f"EXPLAIN EXECUTE asked({values})".encode()))
    connection.execute("DEALLOCATE asked", prepare=False)
    return said


def analysed_with_one_row(database: Database) -> None:
    """As autovacuum leaves a merchant's first day: the planner takes every table for a single page."""
    writer = new_writer(database)
    writer.do(add_one_by_one("SKU", 1, "first"))
    writer.close()
    with psycopg.connect(database.url, autocommit=True) as superuser:
        superuser.execute("ANALYZE")


@pytest.mark.parametrize("analysed", [False, True])
def test_no_statement_of_a_commit_reads_a_table_from_end_to_end(
    database: Database, session: Session, analysed: bool
) -> None:
    if analysed:
        analysed_with_one_row(database)
    connection, selects, statements = session.connection(), Selects(database.schema), Statements(database.schema)
    for name, statement in [
        *((name, getattr(selects, name)) for name in READ),
        *((name, getattr(statements, name)) for name in WRITTEN),
    ]:
        said = plan(connection, statement)
        assert "Seq Scan" not in said, (name, said)


def test_a_session_makes_a_new_connection_where_the_old_one_broke(database: Database, session: Session) -> None:
    first = session.connection()
    assert session.connection() is first
    assert session.pipeline() is session.pipeline()
    with psycopg.connect(database.url, autocommit=True) as superuser:
        superuser.execute("SELECT pg_terminate_backend(%s)", (first.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        first.execute("SELECT 1").fetchone()
    session.close()
    assert session.connection() is not first
    assert session.connection().execute("SELECT 1").fetchone() == (1,)
