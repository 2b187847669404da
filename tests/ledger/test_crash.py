"""R4: kill -9 at every named place of a commit, and PostgreSQL stopped dead while it writes.

Nothing acknowledged is lost; the same keys sent again count nothing twice; a replay gives the levels.
"""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from api import localpg_place
from api.database import Database
from ledger import failpoint
from ledger.commit import COPY_FACTS_MIN
from ledger.writer import Writer
from tests.crashes import LEDGER, NOT_REACHED_YET, REACHED, killed_at, points_of
from tests.ledger.rig import TIMES, add_one_by_one, level, running_writer, whole_ledger
from tests.postgres import OwnServer

REACHED_BEFORE = 3  # the place is reached this often before the kill, so that there is something to lose
STOPS = 4 * TIMES
CALLERS = 4


def test_every_named_place_is_killed_at_or_waits_for_its_part() -> None:
    assert not REACHED.keys() & NOT_REACHED_YET.keys()
    assert set(failpoint.POINTS) == REACHED.keys() | NOT_REACHED_YET.keys()


@pytest.mark.parametrize("point", points_of(LEDGER) * TIMES)
def test_killed_at_a_place_of_a_commit_nothing_is_lost_and_nothing_counts_twice(database: Database, point: str) -> None:
    facts = COPY_FACTS_MIN if point == "commit.copied" else 1
    arguments = (str(REACHED_BEFORE), str(int(signal.SIGKILL)), database.url, database.schema, str(facts), "1000")
    said = killed_at(LEDGER, point, *arguments)
    sent = [line.removeprefix("sent ") for line in said if line.startswith("sent ")]
    done = {line.removeprefix("done ") for line in said if line.startswith("done ")}
    assert done
    found = {record.envelope.trace for record in whole_ledger(database)}
    assert done <= found <= set(sent)
    with running_writer(database) as writer:
        replayed = {key for key in sent if writer.do(add_one_by_one("A", facts, key)).replayed}
    assert replayed == found
    assert level(database, "A") == (len(sent) * facts, len(sent) * facts, 0)
    assert len(whole_ledger(database)) == len(sent) * facts


def test_postgresql_stopped_dead_while_it_writes_keeps_every_unit_it_acknowledged(own_server: OwnServer) -> None:
    database = own_server.database
    with psycopg.connect(database.conninfo()) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    over = threading.Event()

    def call(writer: Writer, caller: int) -> int:
        told = 0
        while not over.is_set():
            done = writer.do(add_one_by_one("A", 1, f"{caller}-{told}"))
            assert done.answer["on_hand"]
            told += 1
        return told

    with running_writer(database) as writer, ThreadPoolExecutor(CALLERS) as callers:
        adding = [callers.submit(call, writer, caller) for caller in range(CALLERS)]
        for n in range(STOPS):
            writer.do(add_one_by_one("A", 1, f"before stop {n}"))
            own_server.kill() if n % 2 else _stop_immediately(own_server)
            own_server.start()
        over.set()
        told = STOPS + sum(each.result(60) for each in adding)
    assert level(database, "A") == (told, told, 0)
    assert len(whole_ledger(database)) == told


def _stop_immediately(server: OwnServer) -> None:
    """As ``pg_ctl stop -m immediate``: no checkpoint, no goodbye; recovery at the next start."""
    pid_file = localpg_place.choose(server.home, None).data / "postmaster.pid"
    os.kill(int(pid_file.read_text().split("\n", 1)[0]), signal.SIGQUIT)
