"""The library as our store: the application, the recorder, and the mapper with our own fact names.

The only file of the ledger that knows the eventsourcing library. The recorder is a subclass of the library's, so that
everything that reads or follows it works unchanged; the library's shipped recorder test cases pass against it. It differs
in the commit: head lock instead of LOCK TABLE, our gapless positions, a seal in the same transaction (``commit.py``).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar, cast

import eventsourcing.postgres as library
import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    Mapper,
    OperationalError,
    PersistenceError,
    ProgrammingError,
    StoredEvent,
)
from eventsourcing.utils import Environment, EnvType, retry
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row, tuple_row

from ledger.codec import Record, decode, encode
from ledger.commit import Connection, Statements, finish, lock_head, was_sealed, write
from ledger.seal import StoredFact

__all__ = [
    "IntegrityError",
    "Ledger",
    "LedgerFactory",
    "LedgerMapper",
    "LedgerProcessRecorder",
    "LedgerRecorder",
    "LedgerSubscription",
    "open_ledger",
]

EVENTS_SUFFIX = "_events"
POOL_CONNECTIONS_MAX = 4  # a subscription holds one for as long as it lives
RETRIES_MAX = 10  # of the library's own recorder
RETRY_SECONDS = 0.2
LISTEN_SECONDS = 0.1  # how soon a subscription sees that it was stopped


class LedgerSubscription(library.PostgresSubscription):
    """The library's subscription. Its first look is made while LISTEN may be still on its way: what is recorded between the
    two would wait for the next commit. So it looks once more when it listens.
    """

    def _listen(self) -> None:
        try:
            with self._recorder.datastore.get_connection() as connection:
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._recorder.channel_name)))
                self._has_been_notified.set()
                while not (self._has_been_stopped or self._thread_error):
                    for _ in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                        self._has_been_notified.set()
        except (PersistenceError, psycopg.Error) as error:
            self._thread_error = self._thread_error or error
        finally:
            self.stop()


class LedgerRecorder(library.PostgresApplicationRecorder):
    """The library's recorder with our commit. ``<base>_head`` and ``<base>_seals`` stand beside ``<base>_events``."""

    def __init__(
        self, datastore: library.PostgresDatastore, *, events_table_name: str = "stored_events", **kwargs: Any
    ) -> None:
        super().__init__(datastore, events_table_name=events_table_name, **kwargs)
        if datastore.enable_db_functions:
            raise ProgrammingError(
                "POSTGRES_ENABLE_DB_FUNCTIONS bypasses the head lock and the seal; expected it to be off"
            )
        if not events_table_name.endswith(EVENTS_SUFFIX):
            raise ProgrammingError(f"events table {events_table_name!r}; expected a name ending in {EVENTS_SUFFIX}")
        base = events_table_name.removesuffix(EVENTS_SUFFIX)
        self._statements = Statements(datastore.schema, base, id_type=datastore.originator_id_type)
        self.channel_name = self._statements.channel

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "LedgerSubscription":
        """The library's subscription, which also sees what was recorded just before it began to listen."""
        return LedgerSubscription(recorder=self, gt=gt, topics=topics)

    def create_table(self) -> None:
        """Refused: the migrations make the tables, once, as the owner."""
        raise ProgrammingError("the ledger's tables are made by its migrations; expected daicho db migrate to have run")

    @retry((InterfaceError, OperationalError), max_attempts=RETRIES_MAX, wait=RETRY_SECONDS)
    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """These events are recorded at the next positions and sealed; the answer is their positions.

        A connection that breaks around COMMIT is made again and asked whether this very commit was sealed, so a retry
        never meets its own events. Raises the library's IntegrityError on a version conflict.
        """
        if not stored_events and not kwargs:
            return None
        broken: psycopg.OperationalError | None = None
        with self.datastore.get_connection() as connection:
            facts, link = self._write(connection, stored_events, kwargs)
            try:
                finish(connection)
            except psycopg.OperationalError as error:
                broken = error
                connection.close()
        if broken is not None and not (facts and self._was_sealed(facts[0].position, link)):
            raise OperationalError(str(broken)) from broken
        return [fact.position for fact in facts] or None

    def _write(
        self, connection: psycopg.Connection[DictRow], stored_events: Sequence[StoredEvent], kwargs: dict[str, Any]
    ) -> tuple[list[StoredFact], bytes]:
        """The events as facts, written in a transaction that is still open, and the link of their commit."""
        with _rows_as_tuples(connection) as rows, ExitStack() as undo:
            rows.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            undo.callback(_roll_back, rows)
            head = lock_head(rows, self._statements)
            with connection.cursor(row_factory=dict_row) as cursor:
                self._insert_events(cursor, stored_events, **kwargs)
            facts = [_stored_fact(head.position + n, event) for n, event in enumerate(stored_events, start=1)]
            clock = rows.execute("SELECT clock_timestamp()").fetchone()
            assert clock is not None
            new = write(rows, self._statements, head, facts, None, (), cast("Any", clock[0]))
            undo.pop_all()  # Written: COMMIT is the caller's.
        return facts, new.hash

    def _was_sealed(self, first_position: int, link: bytes) -> bool:
        with self.datastore.get_connection() as connection, _rows_as_tuples(connection) as rows:
            return was_sealed(rows, self._statements, first_position, link)


class LedgerProcessRecorder(LedgerRecorder, library.PostgresProcessRecorder):
    """Events and a tracking position in one transaction."""


class LedgerFactory(library.PostgresFactory):
    """Makes our recorders where the library would make its own, and never a table.

    POSTGRES_CONNINFO, where given, says all of the connection, also what the library has no key for (role, TLS).
    """

    POSTGRES_CONNINFO = "POSTGRES_CONNINFO"
    application_recorder_class = LedgerRecorder
    process_recorder_class = LedgerProcessRecorder

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        conninfo = self.env.get(self.POSTGRES_CONNINFO)
        if conninfo:
            kwargs = self.datastore.pool.kwargs
            assert isinstance(kwargs, dict), kwargs
            kwargs.update(conninfo_to_dict(conninfo))

    def env_create_table(self) -> bool:
        """Never: the migrations make the tables, as the owner."""
        return False


class LedgerMapper(Mapper[str]):
    """Between stored events and our records: the topic is the fact's own name, the state is our envelope."""

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        assert isinstance(domain_event, Record), domain_event
        state = encode(domain_event.envelope, domain_event.fact)
        return StoredEvent(domain_event.stream, domain_event.version, domain_event.name, state)

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """The record behind a stored event; a notification has its position, else it is 0. Raises UnknownFact."""
        position, stream = getattr(stored_event, "id", 0), str(stored_event.originator_id)
        return decode(position, stream, stored_event.originator_version, stored_event.topic, stored_event.state)


class Ledger(Application[str]):
    """The ledger as the library's application: recorder, notifications and subscriptions over ``ledger_events``."""

    env: ClassVar[dict[str, str]] = {
        "PERSISTENCE_MODULE": "ledger.store",
        "MAPPER_TOPIC": "ledger.store:LedgerMapper",
        "ORIGINATOR_ID_TYPE": "text",
        "POSTGRES_MAX_OVERFLOW": str(POOL_CONNECTIONS_MAX - 1),
        "POSTGRES_POOL_SIZE": "1",
        "POSTGRES_PRE_PING": "yes",
    }

    @property
    def recorder_of_facts(self) -> LedgerRecorder:
        recorder = self.recorder
        assert isinstance(recorder, LedgerRecorder)
        return recorder

    def records(self, start: int, limit: int) -> Iterator[Record]:
        """Up to ``limit`` records from position ``start`` on, in order. Raises UnknownFact."""
        for n in self.recorder_of_facts.select_notifications(start, limit):
            yield decode(n.id, str(n.originator_id), n.originator_version, n.topic, n.state)


def open_ledger(conninfo: str, schema: str) -> Ledger:
    """The ledger of one merchant's schema. Close it with ``close()`` or ``with``."""
    parts = conninfo_to_dict(conninfo)
    env = {
        LedgerFactory.POSTGRES_CONNINFO: conninfo,
        LedgerFactory.POSTGRES_SCHEMA: schema,
        LedgerFactory.POSTGRES_DBNAME: str(parts.get("dbname") or ""),
        LedgerFactory.POSTGRES_HOST: str(parts.get("host") or ""),
        LedgerFactory.POSTGRES_USER: str(parts.get("user") or ""),
        LedgerFactory.POSTGRES_PASSWORD: str(parts.get("password") or ""),
    }
    return Ledger(env=env)


@contextmanager
def _rows_as_tuples(connection: psycopg.Connection[DictRow]) -> Iterator[Connection]:
    """The library's connection, its rows as our statements expect them."""
    same = cast("Connection", connection)
    kept = connection.row_factory
    same.row_factory = tuple_row
    try:
        yield same
    finally:
        connection.row_factory = kept


def _roll_back(connection: Connection) -> None:
    if not connection.closed:
        connection.execute("ROLLBACK")


def _stored_fact(position: int, event: StoredEvent) -> StoredFact:
    # An id that is a UUID is sealed as its text, which is also what is read back.
    return StoredFact(position, str(event.originator_id), event.originator_version, event.topic, event.state)
