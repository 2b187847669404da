"""One commit: what the role may not do, what a commit's time is, and the two ways a commit is written."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.projection import ApplicationSubscription
from eventsourcing.utils import Environment

from api.database import Database, connect_writer
from ledger.codec import Record
from ledger.commit import COPY_FACTS_MIN, Head, HeadMissing, is_away, moment_after
from ledger.facts.shop import IntakeStarted
from ledger.seal import GENESIS, Seal, StoredFact, check
from ledger.store import LedgerFactory, LedgerMapper, LedgerRecorder, open_ledger
from ledger.writer import Writer
from tests.ledger.library_tables import environment, make_schema, make_tables
from tests.ledger.rig import RealClock, add, envelope, level, new_writer, running_writer, whole_ledger

FORBIDDEN = [
    f"{verb} {table}{rest}"
    for table in ("ledger_events", "ledger_seals", "ledger_snapshots")
    for verb, rest in (("UPDATE", " SET originator_id = ''"), ("DELETE FROM", ""), ("TRUNCATE", ""))
    if (table, verb) != ("ledger_seals", "UPDATE")
] + [
    "UPDATE ledger_seals SET hash = ''",
    "UPDATE ledger_head SET ledger_id = 'another'",
    "DELETE FROM ledger_head",
    "TRUNCATE ledger_head",
    "INSERT INTO ledger_head (only_row, ledger_id, position, hash, committed_at) VALUES (false, 'x', 0, '', now())",
    "DELETE FROM stock_levels",
    "TRUNCATE stock_levels, stock_changes, stock_counts, command_keys",
    "DROP TABLE ledger_events",
    "ALTER TABLE ledger_events DISABLE TRIGGER ALL",
    "LOCK TABLE ledger_events IN EXCLUSIVE MODE",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_role_of_the_application_may_not_change_history(database: Database, statement: str) -> None:
    writer = new_writer(database)
    writer.do(add("A", 1))
    writer.close()
    with (
        connect_writer(database) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        connection.transaction(),
    ):
        connection.execute(statement.encode())
    whole_ledger(database)


def test_a_fact_may_not_take_the_place_of_another(database: Database) -> None:
    """A position or a version that is taken stays taken, also for a writer that goes past the lock."""
    writer = new_writer(database)
    writer.do(add("A", 1))
    writer.close()
    statement = "INSERT INTO ledger_events VALUES ('stock:main:A', %s, 'StockReceived', '', %s)"
    with connect_writer(database) as connection:
        for version, position in ((1, 2), (2, 1)):
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute(statement, (version, position))


def test_without_its_head_row_nothing_is_recorded(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("DELETE FROM daicho.ledger_head")
    writer = new_writer(database)
    with pytest.raises(HeadMissing, match="expected exactly one"):
        writer.do(add("A", 1))
    writer.close()
    with psycopg.connect(database.url) as owner:
        assert owner.execute("SELECT count(*) FROM daicho.ledger_events").fetchone() == (0,)


class SteppedClock(RealClock):
    """A clock that a test sets."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def test_the_time_of_a_commit_never_goes_back(database: Database) -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    clock = SteppedClock(noon)
    writer = Writer(lambda: connect_writer(database), database.schema, clock)
    for hours in (0, -1, -1, 1):
        clock.moment = noon + timedelta(hours=hours)
        writer.do(add("A", 1))
    writer.close()
    with psycopg.connect(database.conninfo()) as connection:
        times = [row[0] for row in connection.execute("SELECT committed_at FROM ledger_seals ORDER BY first_position")]
    assert times == [noon, noon, noon, noon + timedelta(hours=1)]
    assert moment_after(Head("id", 1, GENESIS, noon), noon - timedelta(seconds=1)) == noon
    whole_ledger(database)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("server closed the connection"),
        psycopg.InterfaceError("the connection is closed"),
        psycopg.errors.AdminShutdown(),
        psycopg.errors.CannotConnectNow(),
        psycopg.errors.TooManyConnections(),
        psycopg.errors.DiskFull(),
        psycopg.errors.LockNotAvailable(),
        psycopg.errors.IdleInTransactionSessionTimeout(),
        psycopg.errors.ReadOnlySqlTransaction(),
    ],
    ids=repr,
)
def test_a_database_that_could_not_be_asked_is_away(error: psycopg.Error) -> None:
    assert is_away(error)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.UniqueViolation(),
        psycopg.errors.InsufficientPrivilege(),
        psycopg.errors.ProgramLimitExceeded(),
        psycopg.errors.PipelineAborted(),
        psycopg.DataError("NUL"),
        AssertionError(),
    ],
    ids=repr,
)
def test_a_database_that_refused_is_not_away(error: Exception) -> None:
    assert not is_away(error)


# ------------------------------------------------------------------ by the library's way


def test_facts_written_and_read_by_the_library_are_our_facts(database: Database) -> None:
    """Application, mapper and recorder of ``store.py`` and the writer are two ways to one ledger."""
    with running_writer(database) as writer, open_ledger(database.conninfo(), database.schema) as ledger:
        writer.do(add("A", 3))
        mapper = LedgerMapper(ledger.construct_transcoder())
        started = Record(0, "shop:A", 1, "IntakeStarted", envelope(), IntakeStarted())
        assert ledger.recorder_of_facts.insert_events([mapper.to_stored_event(started)]) == [2]
        writer.do(add("A", 4))
        records = list(ledger.records(1, 10))
        assert [(record.position, record.name) for record in records] == [
            (1, "StockReceived"),
            (2, "IntakeStarted"),
            (3, "StockReceived"),
        ]
        with ApplicationSubscription(ledger, gt=1) as subscription:
            followed, tracking = next(iter(subscription))
        seen: object = followed
        assert seen == records[1]
        assert tracking.notification_id == 2
        assert list(ledger.events.get("shop:A")) == [mapper.to_domain_event(mapper.to_stored_event(started))]
    assert whole_ledger(database) == records
    assert level(database, "A") == (2, 7, 0)


def test_a_version_conflict_leaves_nothing_behind(database: Database) -> None:
    with open_ledger(database.conninfo(), database.schema) as ledger:
        recorder = ledger.recorder_of_facts
        state = LedgerMapper(ledger.construct_transcoder()).to_stored_event(
            Record(0, "shop:A", 1, "IntakeStarted", envelope(), IntakeStarted())
        )
        other = StoredEvent("shop:B", 1, state.topic, state.state)
        assert recorder.insert_events([state]) == [1]
        for conflicting in ([other, state], [other, other]):
            with pytest.raises(IntegrityError):
                recorder.insert_events(conflicting)
        assert recorder.insert_events([other]) == [2]
    assert len(whole_ledger(database)) == 2


@pytest.mark.parametrize("count", [1, COPY_FACTS_MIN - 1, COPY_FACTS_MIN])
@pytest.mark.parametrize("id_type", ["text", "uuid"])
def test_an_application_of_the_library_gets_the_same_seals(worker_database_url: str, id_type: str, count: int) -> None:
    database = make_schema(worker_database_url)
    make_tables(database, "example", id_type=id_type)
    settings = environment(database, id_type=id_type)
    names = [uuid5(UUID(int=0), str(n)) for n in range(count)]
    events = [StoredEvent(n if id_type == "uuid" else str(n), 1, "topic", b"state") for n in names]
    recorder = _recorder("example", settings)
    try:
        assert recorder.insert_events(events) == list(range(1, count + 1))
        assert [each.originator_id for each in recorder.select_notifications(1, count)] == [
            e.originator_id for e in events
        ]
    finally:
        recorder.datastore.close()
    with psycopg.connect(database.conninfo()) as connection:
        head = connection.execute("SELECT ledger_id, position FROM example_head").fetchone()
        seal = connection.execute(
            "SELECT first_position, last_position, committed_at, digest, hash, fact_digests FROM example_seals"
        ).fetchone()
    assert head is not None
    assert seal is not None
    facts = [StoredFact(n, str(name), 1, "topic", b"state") for n, name in enumerate(names, start=1)]
    assert head[1] == count
    assert check(head[0].encode(), GENESIS, 1, Seal(*seal), facts) is None


def _recorder(name: str, settings: dict[str, str]) -> LedgerRecorder:
    recorder = LedgerFactory(Environment(name, settings)).application_recorder()
    assert isinstance(recorder, LedgerRecorder)
    return recorder
