"""How far each build of a table has come: one row a build, moved in the transaction of its page."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from ledger.arrays import integers, texts
from projections.table import NEXT, Connection, Names, Table


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Every fact up to ``position`` is in this build. ``joined``: it is written with the live one, in one transaction."""

    projection: str
    version: int
    build: int
    position: int
    joined: bool

    @property
    def table(self) -> str:
        return self.projection.removesuffix(NEXT)

    def names(self, schema: str) -> Names:
        return Names(schema, self.build, NEXT if self.projection.endswith(NEXT) else "")


@dataclass(frozen=True, slots=True)
class Look:
    """What a runner sees before a page. ``waiting``: the builds with streams in quarantine."""

    checkpoints: Mapping[str, Checkpoint]
    head: int
    waiting: frozenset[str]


class Checkpoints:
    """The SQL of the checkpoints of one schema. Callers hold the transaction."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        table = sql.Identifier(schema, "projection_checkpoints")
        sequence = sql.Literal(f'"{schema}".projection_builds')
        self._all = sql.SQL("SELECT projection, version, build, position, joined FROM {}").format(table)
        self._look = (
            sql.SQL(
                "SELECT c.projection, c.version, c.build, c.position, c.joined, h.position,"
                " EXISTS (SELECT FROM {quarantine} AS q WHERE q.projection = c.projection)"
                " FROM {head} AS h LEFT JOIN {table} AS c ON true"
            )
            .format(
                table=table,
                head=sql.Identifier(schema, "ledger_head"),
                quarantine=sql.Identifier(schema, "projection_quarantine"),
            )
            .as_bytes()
        )
        self._new = sql.SQL(
            "INSERT INTO {} (projection, version, build, position) VALUES (%s, %s, nextval({}), 0)"
            " RETURNING projection, version, build, position, joined"
        ).format(table, sequence)
        self._move = (
            sql.SQL(
                "UPDATE {} AS c SET position = %s FROM unnest(%s::text[], %s::bigint[], %s::bigint[])"
                " AS w (projection, build, position) WHERE c.projection = w.projection AND c.build = w.build"
                " AND c.position = w.position RETURNING c.projection"
            )
            .format(table)
            .as_bytes()
        )
        self._drop = sql.SQL("DELETE FROM {} WHERE projection = %s").format(table)
        self._join = sql.SQL("UPDATE {} SET joined = true WHERE projection = %s AND build = %s").format(table)
        self._rename = sql.SQL(
            "UPDATE {} SET projection = %s, joined = false WHERE projection = %s AND build = %s"
        ).format(table)

    def all(self, connection: Connection) -> dict[str, Checkpoint]:
        """Every build by its projection's name."""
        rows: Sequence[Any] = connection.execute(self._all, prepare=True).fetchall()
        return {row[0]: Checkpoint(*row) for row in rows}

    def ask(self, connection: Connection) -> psycopg.Cursor[Any]:
        """What ``seen`` reads is on its way."""
        return connection.execute(self._look, prepare=True)

    def seen(self, asked: psycopg.Cursor[Any]) -> Look:
        """Every build, the ledger's head, and which builds have streams that wait: of one moment."""
        rows: Sequence[Any] = asked.fetchall()
        assert rows, "the head row of the ledger is missing; expected exactly one"
        known = {row[0]: Checkpoint(*row[:5]) for row in rows if row[0] is not None}
        return Look(known, rows[0][5], frozenset(row[0] for row in rows if row[6]))

    def create(self, connection: Connection, table: Table, *, suffix: str = "") -> Checkpoint:
        """A new, empty build of the table stands at position 0; what stood under its name is gone."""
        name = f"{table.name}{suffix}"
        connection.execute(self._drop, (name,))
        row: Any = connection.execute(self._new, (name, table.version)).fetchone()
        checkpoint = Checkpoint(*row)
        names = checkpoint.names(self._schema)
        table.drop(connection, names)
        table.create(connection, names)
        return checkpoint

    def drop(self, connection: Connection, table: Table, projection: str) -> None:
        """The build under this name is gone with its relations."""
        connection.execute(self._drop, (projection,))
        table.drop(connection, Names(self._schema, 0, projection.removeprefix(table.name)))

    def move(
        self, connection: Connection, checkpoints: Collection[Checkpoint], position: int
    ) -> psycopg.Cursor[tuple[object, ...]]:
        """The builds stand at ``position`` from here on. The rows are the projections that stood where these say."""
        values = (
            position,
            texts(each.projection for each in checkpoints),
            integers(each.build for each in checkpoints),
            integers(each.position for each in checkpoints),
        )
        return connection.execute(self._move, values, prepare=True)

    def join(self, connection: Connection, checkpoint: Checkpoint) -> None:
        """The replay is written together with its live table from here on."""
        connection.execute(self._join, (checkpoint.projection, checkpoint.build))

    def take_place(self, connection: Connection, checkpoint: Checkpoint) -> None:
        """The replay's row is the live one's from here on."""
        connection.execute(self._drop, (checkpoint.table,))
        connection.execute(self._rename, (checkpoint.table, checkpoint.projection, checkpoint.build))


def create_missing(connection: Connection, schema: str, tables: Sequence[Table]) -> None:
    """Every table has a live build. Safe from many processes at once."""
    checkpoints = Checkpoints(schema)
    known = checkpoints.all(connection)
    if all(table.name in known for table in tables):
        return
    with connection.transaction():
        lock_building(connection, schema)
        known = checkpoints.all(connection)
        for table in tables:
            if table.name not in known:
                checkpoints.create(connection, table)


def lock_building(connection: Connection, schema: str) -> None:
    """No other process creates, drops or swaps tables until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{schema} projections",))


def lock_making(connection: Connection, schema: str, table: Table) -> None:
    """No other process makes indexes of this table's replay until the transaction ends."""
    name = f"{schema} projections {table.name} indexes"
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))
