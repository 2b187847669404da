"""P6: from a durable commit to every table: 1,000 facts a second, written, fed and watched by three processes."""

import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Thread

import psycopg

from api.database import Database
from ledger.codec import Envelope
from ledger.commit import Connection, Statements, finish, lock_head, write
from ledger.levels import Level
from ledger.view import View
from projections.runner import Runner
from projections.tables import TABLES
from projections.wake import Wake
from tests.bench import history
from tests.bench.ground import Ground
from tests.bench.rows import Row
from tests.ledger.rig import RealClock

GOALS = ("P6",)
FACTS, QUICK_FACTS = 100_000, 20_000
SECONDS, QUICK_SECONDS = 30.0, 8.0
FACTS_A_SECOND = 1_000
COMMITS_A_SECOND = 250
SKUS = 2_000
SEED = 6
LOOK_SECONDS = 0.001


def measure(under: Ground) -> list[Row]:
    """p50 and p99 of milliseconds until every table holds a commit's last fact."""
    database = under.fresh("visible")
    seconds = QUICK_SECONDS if under.quick else SECONDS
    with connected(database) as connection:
        history.fill(connection, database.schema, QUICK_FACTS if under.quick else FACTS, seed=SEED, skus=SKUS)
    with _child("feed", database) as feeder:
        _wait_until_fed(database)
        waits = _watched(database, seconds)
    assert feeder.returncode is not None
    waits.sort()
    what = f"committed → in every table, {FACTS_A_SECOND:,} facts/s in {COMMITS_A_SECOND} commits/s"

    def row(percent: int, goal: float, stretch: float) -> Row:
        milliseconds = waits[min(len(waits) - 1, len(waits) * percent // 100)] * 1_000
        return Row("P6", f"{what}, p{percent}", milliseconds, "ms", goal, stretch, lower=True)

    return [
        row(50, 10, 5),
        row(99, 50, 25),
        Row("P6", f"{what}, mean", statistics.fmean(waits) * 1_000, "ms", lower=True),
    ]


@contextmanager
def connected(database: Database) -> Iterator[Connection]:
    """A connection as the application has it."""
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        yield connection


def _wait_until_fed(database: Database) -> None:
    with connected(database) as connection:
        while _least(connection) < _head(connection):
            time.sleep(0.05)


def _watched(database: Database, seconds: float) -> list[float]:
    """Seconds from each commit until it was seen in every table."""
    waiting: list[tuple[int, float]] = []
    waits: list[float] = []
    with _child("write", database, str(seconds)) as writer, connected(database) as connection:
        assert writer.stdout is not None
        lines = Queue[str]()
        Thread(target=_take_over, args=(writer, lines), daemon=True).start()
        until = time.monotonic() + seconds + 30
        while writer.poll() is None or waiting or not lines.empty():
            assert time.monotonic() < until, f"{len(waiting)} commits never came"
            while not lines.empty():
                position, moment = lines.get().split()
                waiting.append((int(position), float(moment)))
            seen, now = _least(connection), time.monotonic()
            while waiting and waiting[0][0] <= seen:
                waits.append(now - waiting.pop(0)[1])
            time.sleep(LOOK_SECONDS)
    return waits


def _take_over(writer: "subprocess.Popen[str]", lines: "Queue[str]") -> None:
    for line in writer.stdout or ():
        lines.put(line)


def _least(connection: Connection) -> int:
    row = connection.execute(
        "SELECT CASE WHEN count(*) = %s THEN min(position) ELSE 0 END FROM projection_checkpoints",
        (len(TABLES),),
        prepare=True,
    ).fetchone()
    assert row is not None
    return int(str(row[0]))


def _head(connection: Connection) -> int:
    row = connection.execute("SELECT position FROM ledger_head", prepare=True).fetchone()
    assert row is not None
    return int(str(row[0]))


@contextmanager
def _child(work: str, database: Database, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.bench.visible", work, database.url, database.schema, *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(30)


# ------------------------------------------------------------------ the children


def _feed(database: Database) -> None:
    clock = RealClock()

    def connect() -> Connection:
        return psycopg.connect(database.conninfo(name="feed"), autocommit=True)

    runner = Runner(connect, database.schema, TABLES, holder="bench", clock=clock)
    wake = Wake(connect, database.schema)
    runner.run(wake.wait, lambda: False)


def _write(database: Database, seconds: float, commits_a_second: int) -> None:
    """Commits of a few facts at an even pace; says each position and when it was durable."""
    made = history.History(SEED + 1, SKUS)
    statements = Statements(database.schema)
    levels: dict[tuple[str, str], Level] = {}
    versions: dict[str, int] = {}
    with connected(database) as connection:
        rows = connection.execute("SELECT originator_id, max(originator_version) FROM ledger_events GROUP BY 1")
        versions.update({str(stream): int(str(version)) for stream, version in rows})
        history.know(connection, database.schema, made, levels)
        happenings = made.days(begin=_head(connection))
        began = time.monotonic()
        for number in itertools.count():
            due = began + number / commits_a_second
            if due - began > seconds:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            connection.execute("BEGIN")
            head = lock_head(connection, statements)
            view = View(head.position, RealClock().now())
            view.levels = levels
            made.position = head.position
            while len(view.facts) < FACTS_A_SECOND // COMMITS_A_SECOND:
                drafts = next(happenings)
                history.known(view, drafts, versions, levels)
                made.position = view.position
                made.now = RealClock().now()
                view.apply(drafts, Envelope(made.now, "made:2", f"{view.position:032x}"))
            versions.update({fact.stream: fact.version for fact in view.facts})
            new = write(connection, statements, head, view.facts, view.effects, (), RealClock().now())
            finish(connection)
            print(new.position, time.monotonic(), flush=True)


if __name__ == "__main__":
    _, work, url, schema, *rest = sys.argv
    if work == "feed":
        _feed(Database(url, schema))
    else:
        _write(Database(url, schema), float(rest[0]), int(rest[1]) if len(rest) > 1 else COMMITS_A_SECOND)
