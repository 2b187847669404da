"""What every benchmark stands on: a durable server of its own, fresh schemas, and what is in them afterwards."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from api.database import Database
from api.localpg import LocalPostgres
from api.localpg_place import choose
from api.migrations import migrate
from ledger.snapshot import snapshot
from ledger.verify import verify


@dataclass
class Ground:
    """A server in a home that stays, so that large sets are made once. Mutable: it remembers the schemas it gave."""

    home: Path
    url: str
    quick: bool
    schemas: list[str] = field(default_factory=list)

    def fresh(self, name: str) -> Database:
        """An empty, migrated schema."""
        schema = f"bench_{name}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
        database = Database(self.url, schema)
        migrate(database)
        self.schemas.append(schema)
        return database

    def conditions(self) -> dict[str, object]:
        """What the figures depend on."""
        with psycopg.connect(self.url) as connection:
            names = (
                "server_version",
                "fsync",
                "synchronous_commit",
                "full_page_writes",
                "wal_sync_method",
                "shared_buffers",
            )
            said = {name: connection.execute(f"SHOW {name}".encode()).fetchone() for name in names}
        return {
            **{name: row[0] for name, row in said.items() if row is not None},
            "file_system": _file_system(choose(self.home, None).data),
            "processors": os.cpu_count(),
            "load_average": round(os.getloadavg()[0], 2),
            "quick": self.quick,
        }

    def counts(self, schema: str) -> dict[str, int]:
        """Rows of every table of the schema."""
        with psycopg.connect(self.url) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", (schema,)
            ).fetchall()
            found: dict[str, int] = {}
            for (name,) in tables:
                statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
                row = connection.execute(statement).fetchone()
                found[name] = 0 if row is None else int(row[0])
        return found

    def verified(self, schema: str) -> str:
        """What verify says of the schema's ledger."""
        with (
            psycopg.connect(Database(self.url, schema).conninfo(), autocommit=True) as connection,
            snapshot(connection, schema) as ledger,
        ):
            report = verify(ledger)
        found = "sound" if report.sound else f"NOT SOUND: {report.findings[:1] or report.stopped}"
        return f"{found}; {report.position:,} facts in {report.commits:,} commits, {' '.join(report.rules)}"


@contextmanager
def ground(home: Path, *, quick: bool) -> Iterator[Ground]:
    """The server runs; it is stopped at the end and keeps what it holds."""
    server = LocalPostgres(home, None, sleep=time.sleep)
    try:
        yield Ground(home, server.start(), quick)
    finally:
        server.stop()


def _file_system(folder: Path) -> str:
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    within = [(mount[1], mount[2]) for mount in mounts if folder.is_relative_to(mount[1])]
    return max(within, key=lambda mount: len(mount[0]))[1]
