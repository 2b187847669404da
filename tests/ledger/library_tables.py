"""Tables for the library's own test cases: those of the ledger under another name, made by its owner, used by its role.

They are read out of ``ledger/schema/0001_ledger.sql``, so that the cases prove the tables that merchants have.
"""

import re
from importlib import resources

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from api.database import OWNER_ROLE, Database

SCHEMA = "daicho_library"
OF_THE_LIBRARY = re.compile(r"\{schema\}\.ledger_|\{schema\}\.stored_event_")


def make_schema(url: str) -> Database:
    """An empty schema for the library's cases."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
        connection.execute(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {OWNER_ROLE}".encode())
        connection.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO daicho_app".encode())
    return Database(url, SCHEMA)


def make_tables(database: Database, base: str, *, id_type: str) -> None:
    """``<base>_events``, ``_seals``, ``_head``, ``_snapshots`` and ``_tracking`` are there, with the ledger's rights."""
    text = (resources.files("ledger") / "schema" / "0001_ledger.sql").read_text(encoding="utf-8")
    text = re.sub("--[^\n]*", "", text)
    with psycopg.connect(database.conninfo(role=OWNER_ROLE), autocommit=True) as owner:
        for statement in text.split(";"):
            if OF_THE_LIBRARY.search(statement) and "CREATE TYPE" not in statement:
                owner.execute(_renamed(statement, base, id_type).encode())
        made = owner.execute("SELECT to_regtype(%s)", (f"{SCHEMA}.stored_event_{id_type}",)).fetchone()
        if made == (None,):
            (composite,) = [each for each in text.split(";") if "CREATE TYPE" in each]
            owner.execute(_renamed(composite, base, id_type).encode())


def make_counters(database: Database) -> None:
    """The table of the library's example view, which the role may write."""
    with psycopg.connect(database.conninfo(role=OWNER_ROLE), autocommit=True) as owner:
        table = sql.Identifier(database.schema, "counters")
        owner.execute(sql.SQL("CREATE TABLE {} (name text PRIMARY KEY, count bigint NOT NULL)").format(table))
        owner.execute(sql.SQL("GRANT SELECT, INSERT, UPDATE ON {} TO daicho_app").format(table))


def environment(database: Database, *, id_type: str) -> dict[str, str]:
    """What an application of the library needs to use our store as the role of the application."""
    parts = conninfo_to_dict(database.url)
    return {
        "PERSISTENCE_MODULE": "ledger.store",
        "ORIGINATOR_ID_TYPE": id_type,
        "POSTGRES_CONNINFO": database.conninfo(name="library"),
        "POSTGRES_SCHEMA": database.schema,
        "POSTGRES_DBNAME": str(parts.get("dbname") or ""),
        "POSTGRES_HOST": str(parts.get("host") or ""),
        "POSTGRES_USER": str(parts.get("user") or ""),
        "POSTGRES_PASSWORD": str(parts.get("password") or ""),
    }


def _renamed(statement: str, base: str, id_type: str) -> str:
    statement = statement.replace("{schema}.ledger_", f"{SCHEMA}.{base}_").replace("{schema}", SCHEMA)
    statement = re.sub(r"\bledger_(\w+_idx)", rf"{base}_\1", statement)
    # Grants name our own tables beside the library's; those are not made here.
    statement = re.sub(rf"{SCHEMA}\.stock_\w+,\s*|,\s*{SCHEMA}\.(stock_\w+|command_keys)", "", statement)
    if id_type == "uuid":
        statement = statement.replace('originator_id      text COLLATE "C"', "originator_id uuid")
        statement = statement.replace("stored_event_text", "stored_event_uuid").replace(
            "originator_id text", "originator_id uuid"
        )
    return statement
