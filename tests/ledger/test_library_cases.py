"""The library's own shipped test cases for recorders, factories, applications and projections, against our store.

Every case of ``eventsourcing.tests`` that is about a store of its kind runs here, unchanged, as the role of the application.
Two are not about ours: ``TranscoderTestCase`` has no recorder, and ``TaggedDecisionCountersProjectionTestCase`` wants the
recorders of dynamic consistency boundaries, another family. One expects what our kind of recorder does not do, and stands
below with what it does instead: ``ApplicationRecorderAsSnapshots``.
"""

import os
import threading
from collections.abc import Iterator
from typing import Any, ClassVar
from unittest import TestCase
from uuid import UUID, uuid4

import eventsourcing.postgres as library
import pytest
from eventsourcing.application import Application
from eventsourcing.persistence import (
    AggregateRecorder,
    IntegrityError,
    ProcessRecorder,
    ProgrammingError,
    StoredEvent,
    Tracking,
    TrackingRecorder,
)
from eventsourcing.tests import application as applications
from eventsourcing.tests import persistence as recorders
from eventsourcing.tests import projection as projections
from eventsourcing.utils import Environment
from psycopg import sql

from api.database import Database
from ledger.store import LedgerFactory, LedgerProcessRecorder, LedgerRecorder, LedgerSubscription
from tests.ledger.library_tables import environment, make_counters, make_schema, make_tables

# One case reads a deprecated attribute and checks that it warns.
pytestmark = pytest.mark.filterwarnings("always:'log' is deprecated")


class OnOurTables(TestCase):
    """Tables of the base name and id type in a schema of their own, and a factory of ours to make recorders with."""

    bases: ClassVar[tuple[str, ...]] = ("stored",)
    id_type: ClassVar[str] = "uuid"
    database: Database
    settings: dict[str, str]

    @pytest.fixture(autouse=True)
    def _tables(self, worker_database_url: str) -> Iterator[None]:
        self.database = make_schema(worker_database_url)
        for base in self.bases:
            make_tables(self.database, base, id_type=self.id_type)
        self.settings = environment(self.database, id_type=self.id_type)
        self.factories: list[LedgerFactory] = []
        kept = dict(os.environ)
        os.environ.update(self.settings)  # applications of the cases are made without arguments
        yield
        os.environ.clear()
        os.environ.update(kept)
        for factory in self.factories:
            factory.close()

    def new_factory(self, name: str = "stored") -> LedgerFactory:
        factory = LedgerFactory(Environment(name, self.settings))
        self.factories.append(factory)
        return factory

    def new_originator_id(self) -> UUID | str:
        return uuid4() if self.id_type == "uuid" else f"stock:main:{uuid4()}"


class TestApplicationRecorderWithUuids(OnOurTables, recorders.ApplicationRecorderTestCase[Any]):
    def create_recorder(self) -> Any:
        return self.new_factory().application_recorder()

    def test_insert_subscribe_as_offered_by_the_library(self) -> None:
        self.optional_test_insert_subscribe()

    def test_what_is_recorded_before_a_subscription_listens_is_not_waited_for(self) -> None:
        recorder = self.create_recorder()
        looked, may_listen = threading.Event(), threading.Event()

        class LateListener(LedgerSubscription):
            def _pull(self) -> None:
                super()._pull()
                looked.set()

            def _listen(self) -> None:
                may_listen.wait(30)
                super()._listen()

        with LateListener(recorder=recorder) as subscription:
            assert looked.wait(30)
            recorder.insert_events([StoredEvent(self.new_originator_id(), 1, "topic", b"state")])
            may_listen.set()
            assert next(subscription).topic == "topic"


class TestApplicationRecorderWithTexts(TestApplicationRecorderWithUuids):
    id_type = "text"


class TestProcessRecorderAsApplicationRecorder(TestApplicationRecorderWithUuids):
    def create_recorder(self) -> Any:
        return self.new_factory().process_recorder()


class NotInterleaving(OnOurTables, recorders.NonInterleavingNotificationIDsBaseCase):
    __test__ = False

    def create_recorder(self) -> Any:
        return self.new_factory().application_recorder()


class TestPositionsOfTwoWritersDoNotInterleaveFor100(NotInterleaving):
    __test__ = True
    insert_num = 100


class TestPositionsOfTwoWritersDoNotInterleaveFor1000(NotInterleaving):
    __test__ = True
    insert_num = 1_000  # from here on by COPY


class TestPositionsOfTwoWritersDoNotInterleaveFor10000(NotInterleaving):
    __test__ = True
    insert_num = 10_000


class TestPositionsOfTwoWritersDoNotInterleaveFor3000Texts(NotInterleaving):
    __test__ = True
    id_type = "text"
    insert_num = 3_000


class TestProcessRecorder(OnOurTables, recorders.ProcessRecorderTestCase):
    def create_recorder(self) -> ProcessRecorder:
        return self.new_factory().process_recorder()


class TestTrackingRecorder(OnOurTables, recorders.TrackingRecorderTestCase):
    def create_recorder(self) -> TrackingRecorder:
        return self.new_factory().tracking_recorder()


class TestTrackingOfProcessRecorder(TestTrackingRecorder):
    def create_recorder(self) -> TrackingRecorder:
        return self.new_factory().process_recorder()


class TestSnapshotRecorder(OnOurTables, recorders.AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return self.new_factory().aggregate_recorder("snapshots")


class TestApplicationRecorderAsSnapshots(OnOurTables, recorders.AggregateRecorderTestCase):
    """The case is for recorders of snapshots, which have no positions: it wants ``insert_events`` to answer None.

    An application recorder answers the positions it gave; the library's own fails the same line.
    """

    test_insert_and_select = None  # type: ignore[assignment]

    def create_recorder(self) -> AggregateRecorder:
        return self.new_factory().application_recorder()

    def test_insert_answers_the_positions_it_gave(self) -> None:
        recorder = self.create_recorder()
        assert recorder.insert_events([]) is None
        first = StoredEvent(self.new_originator_id(), 1, "first", b"{}")
        assert recorder.insert_events([first]) == [1]
        second = StoredEvent(first.originator_id, 2, "second", b"{}")
        with pytest.raises(IntegrityError):
            recorder.insert_events([second, first])
        assert recorder.insert_events([second]) == [2]
        assert recorder.select_events(first.originator_id) == [first, second]
        assert recorder.select_events(first.originator_id, desc=True, limit=1) == [second]
        assert recorder.select_events(first.originator_id, gt=1, lte=2) == [second]


class OurTrackingRecorder(library.PostgresTrackingRecorder):
    """A view's recorder, as the factory case wants one of its own."""


class TestFactory(OnOurTables, recorders.InfrastructureFactoryTestCase[LedgerFactory]):
    topic: ClassVar[str] = "ledger.store:LedgerFactory"
    bases = ("stored", "notification")

    def setUp(self) -> None:
        self.env = Environment("", {**self.settings, "PERSISTENCE_MODULE": self.topic})
        super().setUp()

    def expected_factory_class(self) -> type[LedgerFactory]:
        return LedgerFactory

    def expected_aggregate_recorder_class(self) -> type[AggregateRecorder]:
        return library.PostgresAggregateRecorder

    def expected_application_recorder_class(self) -> type[LedgerRecorder]:
        return LedgerRecorder

    def expected_tracking_recorder_class(self) -> type[TrackingRecorder]:
        return library.PostgresTrackingRecorder

    def tracking_recorder_subclass(self) -> type[TrackingRecorder]:
        return OurTrackingRecorder

    def expected_process_recorder_class(self) -> type[ProcessRecorder]:
        return LedgerProcessRecorder


class TestFactoryByModule(TestFactory):
    topic = "ledger.store"


class TestExampleApplication(OnOurTables, applications.ExampleApplicationTestCase):
    bases = ("bankaccounts",)
    expected_factory_topic = "ledger.store:LedgerFactory"


class TestApplication(OnOurTables, applications.ApplicationTestCase):
    bases = ("application",)


class CountersView(library.PostgresTrackingRecorder, projections.EventCountersView):
    """The counts of the library's example projection, each counted in the transaction that tracks it."""

    def get_created_event_counter(self) -> int:
        return self._count("created")

    def get_subsequent_event_counter(self) -> int:
        return self._count("subsequent")

    def incr_created_event_counter(self, tracking: Tracking) -> None:
        self._increase("created", tracking)

    def incr_subsequent_event_counter(self, tracking: Tracking) -> None:
        self._increase("subsequent", tracking)

    def _count(self, name: str) -> int:
        with self.datastore.transaction() as cursor:
            found = cursor.execute(self._named("SELECT count FROM {} WHERE name = %s"), (name,)).fetchone()
            return 0 if found is None else int(found["count"])

    def _increase(self, name: str, tracking: Tracking) -> None:
        statement = "INSERT INTO {} AS c VALUES (%s, 1) ON CONFLICT (name) DO UPDATE SET count = c.count + 1"
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(self._named(statement), (name,))

    def _named(self, statement: Any) -> sql.Composed:
        return sql.SQL(statement).format(sql.Identifier(self.datastore.schema, "counters"))


class WithCounters(OnOurTables):
    bases = ("application", "eventcounters")
    env: ClassVar[dict[str, str]]

    def setUp(self) -> None:
        make_counters(self.database)
        type(self).env = self.settings


class TestEventCountersView(WithCounters, projections.EventCountersViewTestCase):
    def construct_event_counters_view(self) -> projections.EventCountersView:
        return self.new_factory("eventcounters").tracking_recorder(CountersView)


class TestProjectionOfCounters(WithCounters, projections.AggregateEventCountersProjectionTestCase):
    view_class = CountersView


class TestEventSourcedProjection(OnOurTables, projections.EventSourcedProjectionTestCase):
    bases = ("application", "counters")

    def setUp(self) -> None:
        type(self).env = self.settings


def test_an_application_of_the_library_may_not_take_the_path_without_a_seal(worker_database_url: str) -> None:
    database = make_schema(worker_database_url)
    make_tables(database, "application", id_type="uuid")
    settings = {**environment(database, id_type="uuid"), "POSTGRES_ENABLE_DB_FUNCTIONS": "yes"}
    with pytest.raises(ProgrammingError, match="bypasses the head lock"):
        Application[UUID](env=settings)
