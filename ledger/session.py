"""The writer's connection: made when it is needed, given up when it breaks, and in a pipeline from commit to commit.

Leaving a pipeline costs a round trip, so it is left only for what cannot be in one: a COPY, and a ROLLBACK.
"""

from collections.abc import Callable
from contextlib import ExitStack, suppress

import psycopg

from ledger.commit import Connection

# How a commit's statements are planned must not hang on what the tables held when the connection was made: each goes by an
# index, planned once. Without jit, which a refused plan's imagined cost would call in (before PostgreSQL 18).
PLANNED = {"enable_seqscan": "off", "enable_mergejoin": "off", "jit": "off", "plan_cache_mode": "force_generic_plan"}


class Session:
    """One connection at a time. Only the writer touches it."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._held: Connection | None = None
        self._pipeline: psycopg.Pipeline | None = None
        self._left = ExitStack()

    def connection(self) -> Connection:
        """The connection, a new one where there was none or it broke. Raises psycopg.OperationalError."""
        if self._held is None or self._held.closed:
            self.close()
            self._held = self._connect()
            assert self._held.autocommit, "the writer begins and ends its transactions itself"
            for setting in PLANNED.items():
                self._held.execute("SELECT set_config(%s, %s, false)", setting)
        return self._held

    def pipeline(self) -> psycopg.Pipeline:
        """The connection's pipeline, entered where it was not."""
        if self._pipeline is None:
            self._pipeline = self._left.enter_context(self.connection().pipeline())
        return self._pipeline

    def leave_pipeline(self) -> None:
        """What was queued is done, and the connection takes one statement at a time. Raises psycopg errors."""
        self._pipeline = None
        self._left.close()

    def roll_back(self) -> None:
        """The transaction is over and nothing of it stands; also where the server could not be told."""
        self.leave_pipeline()
        # psycopg's own ROLLBACK would drop every prepared statement.
        self.connection().pgconn.exec_(b"ROLLBACK")

    def close(self) -> None:
        """The connection is closed; what it had not committed is rolled back by the server."""
        if self._held is not None:
            self._held.close()
            self._held = None
        with suppress(psycopg.Error):  # a pipeline of a closed connection says so when it is left
            self.leave_pipeline()
