"""How far the tables are behind the ledger, in facts and in seconds, and what waits: shown, and asked by readers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from projections.table import Connection, Table


@dataclass(frozen=True, slots=True)
class Lag:
    """One build of a table. ``seconds_behind``: for how long its oldest fact not yet shown has been recorded.

    ``fed``: somebody holds its lease now. ``version`` is that of the build, ``version_expected`` this program's; where
    they differ the table waits for a rebuild. ``set_aside``: streams that wait in quarantine.
    """

    projection: str
    position: int
    head: int
    seconds_behind: float
    fed: bool
    version: int
    version_expected: int
    set_aside: int

    @property
    def facts_behind(self) -> int:
        return self.head - self.position


def lag(connection: Connection, schema: str, tables: Sequence[Table], now: datetime) -> list[Lag]:
    """Every build of these tables, the live ones and replays on their way; a table that nobody ever fed is absent."""
    names = ("projection_checkpoints", "projection_leases", "projection_quarantine", "ledger_head", "ledger_seals")
    statement = sql.SQL(
        "SELECT c.projection, c.position, h.position, c.version, coalesce(l.until > %s, false),"
        " (SELECT count(*) FROM {projection_quarantine} AS q WHERE q.projection = c.projection),"
        " CASE WHEN c.position < h.position THEN (SELECT s.committed_at FROM {ledger_seals} AS s"
        " WHERE s.first_position <= c.position + 1 ORDER BY s.first_position DESC LIMIT 1) END"
        " FROM {projection_checkpoints} AS c CROSS JOIN {ledger_head} AS h"
        " LEFT JOIN {projection_leases} AS l ON l.projection = c.projection"
        " OR (c.joined AND l.projection = replace(c.projection, '__next', '')) ORDER BY c.projection"
    ).format(**{name: sql.Identifier(schema, name) for name in names})
    rows: list[Any] = connection.execute(statement, (now,), prepare=True).fetchall()
    expected = {table.name: table.version for table in tables}
    found = []
    for projection, position, head, version, fed, set_aside, since in rows:
        table = projection.partition("__")[0]
        if table in expected:
            seconds = 0.0 if since is None else max(0.0, (now - since).total_seconds())
            found.append(Lag(projection, position, head, seconds, fed, version, expected[table], set_aside))
    return found


def position_of(connection: Connection, schema: str, projection: str) -> int:
    """Every fact up to this position is in the table; 0 when nobody ever fed it. What ``atLeast`` waits for."""
    statement = sql.SQL("SELECT position FROM {} WHERE projection = %s").format(
        sql.Identifier(schema, "projection_checkpoints")
    )
    row: Any = connection.execute(statement, (projection,), prepare=True).fetchone()
    return row[0] if row else 0
