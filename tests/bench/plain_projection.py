"""The yardstick of P5: the library's own ProjectionRunner over the same ledger, one transaction a fact."""

import time
from typing import Any

import psycopg
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg import sql

from api.database import Database
from ledger.codec import Record
from ledger.store import Ledger, LedgerFactory

WAIT_SECONDS_MAX = 300.0


class Rows(PostgresTrackingRecorder):
    """One row a fact, written with its tracking position, as the library's own examples of views are."""

    def add(self, record: Record, tracking: Tracking) -> None:
        """The row is in the table and the position moved, in one transaction."""
        statement = sql.SQL("INSERT INTO {} VALUES (%s, %s, %s)").format(
            sql.Identifier(self.datastore.schema, "bench_rows")
        )
        with self.datastore.get_connection() as connection, connection.transaction(), connection.cursor() as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(statement, (record.position, record.stream, record.name))


class Plain(Projection[Rows]):
    """Every fact to one row."""

    name = "benchplain"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.add(domain_event, tracking)


def facts_a_second(database: Database, sample: int) -> float:
    """How quickly the library's runner takes the first ``sample`` facts of this ledger."""
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_rows, benchplain_tracking")
        connection.execute("CREATE TABLE bench_rows (position bigint PRIMARY KEY, stream text, name text)")
        connection.execute(
            "CREATE TABLE benchplain_tracking (application_name text PRIMARY KEY, notification_id bigint)"
        )
    parts = psycopg.conninfo.conninfo_to_dict(database.url)
    env = {
        **Ledger.env,
        LedgerFactory.POSTGRES_CONNINFO: database.conninfo(),
        "POSTGRES_SCHEMA": database.schema,
        "POSTGRES_DBNAME": str(parts.get("dbname") or ""),
        "POSTGRES_HOST": str(parts.get("host") or ""),
        "POSTGRES_USER": str(parts.get("user") or ""),
        "POSTGRES_PASSWORD": str(parts.get("password") or ""),
    }
    began = time.monotonic()
    with ProjectionRunner(application_class=Ledger, projection_class=Plain, view_class=Rows, env=env) as runner:
        runner.wait(sample, timeout=WAIT_SECONDS_MAX)
        seconds = time.monotonic() - began
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM bench_rows").fetchone()
        connection.execute("DROP TABLE IF EXISTS bench_rows, benchplain_tracking")
    assert row is not None
    assert int(row[0]) >= sample
    return float(int(row[0]) / seconds)
