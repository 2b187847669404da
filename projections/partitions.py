"""Relations partitioned by position: partitions of a fixed range are made as the positions reach them.

A partition is made beside its parent and attached, which keeps readers and writers out of each other's way.
"""

from psycopg import sql

from projections.table import Connection, Names

PARTITION_POSITIONS = 5_000_000


class Partitions:
    """The partitions of one relation of one build. Call ``ensure`` inside the transaction of the page."""

    def __init__(self, names: Names, relation: str) -> None:
        self._names = names
        self._relation = relation
        self._known: set[int] = set()

    def ensure(self, connection: Connection, first: int, last: int) -> None:
        """Rows of these positions have a partition."""
        for number in range(first // PARTITION_POSITIONS, last // PARTITION_POSITIONS + 1):
            if number not in self._known:
                self._make(connection, number)
                self._known.add(number)

    def forget(self) -> None:
        """The transaction did not commit: what it made is not there."""
        self._known.clear()

    def _make(self, connection: Connection, number: int) -> None:
        parent, own = self._names.of(self._relation), self._names.partition(self._relation, number)
        # In a DO block: psycopg forgets its prepared statements when it sees an ALTER, which a pipeline does not survive.
        statement = sql.SQL(
            "DO $$ BEGIN IF to_regclass({text}) IS NULL THEN CREATE TABLE {own} (LIKE {parent} INCLUDING DEFAULTS);"
            " ALTER TABLE {parent} ATTACH PARTITION {own} FOR VALUES FROM ({first}) TO ({behind}); END IF; END $$"
        )
        connection.execute(
            statement.format(
                text=sql.Literal(own.as_string()),
                own=own,
                parent=parent,
                first=sql.Literal(number * PARTITION_POSITIONS),
                behind=sql.Literal((number + 1) * PARTITION_POSITIONS),
            )
        )
