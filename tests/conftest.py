"""Fixtures every test may ask for: a clean ``database``, a ``second_database`` (another merchant), an ``own_server``."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from api.database import Database
from tests import canaries, postgres, programs
from tests.postgres import OwnServer, TestRun

hypothesis.settings.register_profile("daicho", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("daicho")

RUN = pytest.StashKey[TestRun]()
LOCK = pytest.StashKey[int]()
FOREIGN_URL = "DAICHO_TEST_DATABASE_URL"
# What takes seconds begins first, so that no worker ends alone with it.
LONG_ONES = (
    "tests/journeys/",
    "tests/simulator/",
    "tests/api/inbound/test_outages.py",
    "tests/api/test_large_files.py",
    "tests/projections/test_replay.py",
    "tests/api/test_localpg.py",
    "tests/api/test_processes.py",
    "tests/ledger/test_race.py",
    "tests/ledger/test_outages.py",
    "tests/ledger/test_tail.py",
    "tests/projections/test_any_doors.py",
)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(programs)
    config.pluginmanager.register(canaries)
    config.pluginmanager.import_plugin("pytester")
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is None:
        config.stash[RUN], config.stash[LOCK] = postgres.begin(os.environ.get(FOREIGN_URL))
    else:
        config.stash[RUN] = TestRun(Path(given["daicho_folder"]), os.environ.get(FOREIGN_URL))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG_ONES))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["daicho_folder"] = str(node.config.stash[RUN].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if LOCK in config.stash:
        postgres.end(config.stash[RUN], config.stash[LOCK])


@pytest.fixture(scope="session")
def worker_database_url(request: pytest.FixtureRequest) -> str:
    """The database of this worker, migrated; its tables hold whatever the last test left. Made at first use."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    return postgres.new_worker_database(request.config.stash[RUN], worker)


@pytest.fixture
def database(worker_database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """One merchant's empty, migrated schema; connect with ``psycopg.connect(database.conninfo())`` or a pool.

    Afterwards no table and no printed word may hold a secret that the test gave to a shop (``tests/canaries.py``).
    """
    postgres.reset(worker_database_url)
    yield Database(worker_database_url, postgres.SCHEMAS[0])
    canaries.look(worker_database_url, tmp_path, request.node)


@pytest.fixture
def second_database(database: Database) -> Database:
    """Another merchant's schema in the same database."""
    return Database(database.url, postgres.SCHEMAS[1])


@pytest.fixture
def own_server(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    """A durable server for this test alone, to kill, stop and start."""
    with postgres.own_server(request.config.stash[RUN]) as server:
        yield server
