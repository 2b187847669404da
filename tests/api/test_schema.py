"""The tables as the migrations leave them: every text key in byte order, and an application role that cannot rewrite."""

import psycopg
import pytest
from psycopg import sql

from api.database import Database

SEALED = ("ledger_events", "ledger_seals")


def test_every_text_key_has_byte_order(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        rows = connection.execute(
            """
            SELECT DISTINCT t.relname || '.' || a.attname
            FROM pg_index i
            JOIN pg_class t ON t.oid = i.indrelid
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
            JOIN pg_type y ON y.oid = a.atttypid
            JOIN pg_collation c ON c.oid = a.attcollation
            WHERE t.relnamespace = to_regnamespace(%s) AND y.typname IN ('text', 'varchar') AND c.collname <> 'C'
            """,
            (database.schema,),
        )
        assert rows.fetchall() == []


def test_the_owner_role_owns_every_table_and_nobody_else_may_enter(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        owners = connection.execute(
            "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = to_regnamespace(%s)",
            (database.schema,),
        )
        assert owners.fetchall() == [("daicho_owner",)]
        entering = connection.execute(
            "SELECT DISTINCT grantee::regrole::text FROM pg_namespace, aclexplode(nspacl) WHERE nspname = %s",
            (database.schema,),
        )
        assert sorted(str(name) for (name,) in entering) == ["daicho_app", "daicho_owner"]


@pytest.mark.parametrize("table", SEALED)
@pytest.mark.parametrize("attempt", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"])
def test_the_application_cannot_change_what_is_recorded(database: Database, table: str, attempt: str) -> None:
    column = sql.Identifier("state" if table == "ledger_events" else "hash")
    holes = [sql.Identifier(table), column, column][: attempt.count("{}")]
    with (
        psycopg.connect(database.conninfo(), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(sql.SQL(attempt).format(*holes))


def test_the_application_cannot_hand_itself_more_rights(database: Database) -> None:
    trigger = (
        b"CREATE TRIGGER quiet BEFORE INSERT ON ledger_events EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    )
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        connection.execute("GRANT UPDATE ON ledger_events TO daicho_app")  # PostgreSQL only warns: nothing was granted.
        allowed = connection.execute("SELECT has_table_privilege('ledger_events', 'UPDATE')").fetchone()
        assert allowed == (False,)
        for attempt in (b"ALTER TABLE ledger_seals OWNER TO daicho_app", trigger):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(attempt)
