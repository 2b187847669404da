"""Two builds of a table held against each other, row by row, at one position; and the ledger's stock levels against a replay."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from ledger.invariants import Finding
from ledger.snapshot import snapshot
from ledger.verify import verify
from projections.checkpoint import Checkpoint
from projections.table import Connection, Names, Relation, Table


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row that is not the same: its relation, its key, and what differs."""

    relation: str
    key: Mapping[str, object]
    what: str

    def __str__(self) -> str:
        named = ", ".join(f"{name} {value!r}" for name, value in self.key.items())
        return f"{self.relation} ({named}): {self.what}"


def difference(
    connection: Connection, schema: str, table: Table, live: Checkpoint, replay: Checkpoint
) -> Difference | None:
    """None when both builds have the same rows; else the first difference. In one snapshot, both at one position."""
    for relation in table.relations:
        left, right = live.names(schema), replay.names(schema)
        if _digest(connection, left, relation) != _digest(connection, right, relation):
            found = _first(connection, left, right, relation)
            if found is not None:
                return found
    return None


def _digest(connection: Connection, names: Names, relation: Relation) -> Any:
    statement = sql.SQL("SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {} AS t")
    return connection.execute(statement.format(names.of(relation.name))).fetchone()


def _first(connection: Connection, left: Names, right: Names, relation: Relation) -> Difference | None:
    key = sql.SQL(", ").join(map(sql.Identifier, relation.key))
    live, replay = left.of(relation.name), right.of(relation.name)
    statement = sql.SQL(
        "SELECT {key} FROM (SELECT * FROM (TABLE {live} EXCEPT TABLE {replay}) AS a"
        " UNION ALL SELECT * FROM (TABLE {replay} EXCEPT TABLE {live}) AS b) AS d ORDER BY {key} LIMIT 1"
    ).format(key=key, live=live, replay=replay)
    row = connection.execute(statement).fetchone()
    if row is None:
        return None
    named = dict(zip(relation.key, row, strict=True))
    rows = [_row(connection, table, relation, row) for table in (live, replay)]
    return Difference(relation.name, named, _what(*rows))


def _row(connection: Connection, table: sql.Identifier, relation: Relation, key: tuple[object, ...]) -> Any:
    where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in relation.key)
    cursor = connection.execute(sql.SQL("SELECT * FROM {} WHERE {}").format(table, where), key)
    row = cursor.fetchone()
    names = [column.name for column in cursor.description or ()]
    return None if row is None else dict(zip(names, row, strict=True))


def _what(live: dict[str, object] | None, replay: dict[str, object] | None) -> str:
    if live is None or replay is None:
        return "is missing from the live table" if live is None else "is in the live table, and not in the replay"
    unequal = [name for name in live if live[name] != replay.get(name)]
    return f"{', '.join(unequal)} differ: live {_shown(live, unequal)}, replay {_shown(replay, unequal)}"


def _shown(row: dict[str, object], names: Iterable[str]) -> str:
    return ", ".join(str(row[name]) for name in names)


def stock_levels_findings(connection: Connection, schema: str) -> list[Finding]:
    """What a replay of all facts finds wrong with the ledger's stock_levels, the first thing first. Changes nothing.

    The connection must be in autocommit: facts and levels are read in one snapshot of its own. A break of the chain is
    found too: nothing behind it can be replayed.
    """
    with snapshot(connection, schema) as ledger:
        report = verify(ledger)
    if report.stopped is not None:
        raise report.stopped
    return [finding for finding in report.findings if finding.rule in ("I1", "I4")]
