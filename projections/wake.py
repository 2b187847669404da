"""Wakes the runner when facts were committed: LISTEN on the ledger's channel, with a connection of its own.

A notification only wakes: what is lost with a connection is found by the poll, so nothing depends on this session.
"""

from collections.abc import Callable

from psycopg import sql

from ledger.commit import Statements
from projections.table import Connection


class Wake:
    """Waits for the ledger of one schema. One thread."""

    def __init__(self, connect: Callable[[], Connection], schema: str) -> None:
        self._connect = connect
        self._listen = sql.SQL("LISTEN {}").format(sql.Identifier(Statements(schema).channel))
        self._held: Connection | None = None

    def wait(self, seconds: float) -> None:
        """Facts may have come since the last call, or the seconds are over. Raises psycopg errors when the database is away.

        After a new connection it returns at once: what was committed before it listened is looked for.
        """
        if self._held is None or self._held.closed:
            connection = self._connect()
            assert connection.autocommit, "a transaction would keep notifications back"
            connection.execute(self._listen)
            self._held = connection
            return
        for _ in self._held.notifies(timeout=seconds, stop_after=1):
            pass

    def close(self) -> None:
        """The connection is closed."""
        if self._held is not None:
            self._held.close()
            self._held = None
