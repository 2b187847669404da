"""P5: tables rebuilt from the whole ledger while it is written and read, beside the library's ProjectionRunner on a sample.

The facts are made once from a seed and kept in the home's server: 60 % stock, 25 % orders, 10 % pushes, 5 % others. A child
process commits on while the tables are replayed. All tables go in two lanes, as ``daicho rebuild`` sends them.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from api.database import Database
from api.migrations import MigrationRefused, migrate
from api.wiring import side_by_side
from ledger.commit import Connection
from projections.checkpoint import Checkpoints, create_missing
from projections.rebuild import Lanes, Place, rebuild, replay
from projections.runner import Runner
from projections.table import NEXT, Table
from projections.tables import LANES, TABLES, named
from tests.bench import history
from tests.bench.ground import Ground
from tests.bench.plain_projection import facts_a_second
from tests.bench.rows import Row
from tests.ledger.rig import RealClock

GOALS = ("P5",)
FACTS, QUICK_FACTS = 5_000_000, 200_000
SKUS_MAX = 100_000
SAMPLE = 2_000
SEED = 5
COMMITS_A_SECOND = 20
"""What the service writes meanwhile."""


def measure(under: Ground) -> list[Row]:
    """Facts a second of the change log alone and of all tables, beside the library's runner."""
    facts = int(os.environ.get("FACTS", QUICK_FACTS if under.quick else FACTS))
    database = _kept(under, facts)
    library = facts_a_second(database, SAMPLE)
    alone = _replayed(database, [named("change_log")])
    together = _replayed(database, TABLES)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    size = _bytes(database)
    fed, rebuilt = _rebuilt(database)

    def row(what: str, speed: float, goal: float | None = None, stretch: float | None = None) -> Row:
        return Row("P5", f"{what}, {facts:,} facts", speed, "facts/s", goal, stretch)

    return [
        Row("P5", f"the library's ProjectionRunner, one table, {SAMPLE:,} facts", library, "facts/s"),
        row("change log alone, indexes included, service writing", alone, 100_000, 200_000),
        row("all tables, indexes included, service writing", together, 40_000, 80_000),
        Row("P5", "all tables / the library's runner", together, "facts/s", yardstick=library, beside="library"),
        Row("P5", "largest process of the replay", memory, "MB", lower=True),
        row("the live change log, from nothing", fed),
        Row(
            "P5",
            f"change log replayed beside it, compared row by row, swapped, {facts:,} facts",
            rebuilt,
            "s",
            lower=True,
        ),
        Row("P5", "bytes a fact of all tables with indexes", size / facts, "bytes", lower=True),
    ]


def connected(database: Database) -> Connection:
    """A connection as the application has it."""
    return psycopg.connect(database.conninfo(), autocommit=True)


def _kept(under: Ground, facts: int) -> Database:
    """The ledger of this many facts, made at the first run in this home, and again when the ledger's tables are others."""
    database = Database(under.url, f"bench_history_{facts}")
    try:
        migrate(database)
        made = _head(database)
    except MigrationRefused:
        made = 0
    if made < facts:
        print(f"bench: making {facts:,} facts once", flush=True)
        database = under.fresh(f"history_{facts}")
        with connected(database) as fresh:
            history.fill(fresh, database.schema, facts, seed=SEED, skus=min(SKUS_MAX, max(1_000, facts // 50)))
    return database


def _begin_again(database: Database) -> None:
    with connected(database) as connection:
        for table in TABLES:
            for suffix in ("", NEXT):
                with connection.transaction():
                    Checkpoints(database.schema).drop(connection, table, f"{table.name}{suffix}")
        connection.execute("DELETE FROM projection_leases")
        create_missing(connection, database.schema, TABLES)


def _replayed(database: Database, tables: Sequence[Table]) -> float:
    """Facts a second from nothing to a replay that has caught up and has its indexes, the ledger growing meanwhile."""
    _begin_again(database)
    head = _head(database)
    with _written_on(database):
        began = time.monotonic()
        replay(_place(database), tables, lanes=Lanes(LANES, side_by_side))
        return head / (time.monotonic() - began)


def _rebuilt(database: Database) -> tuple[float, float]:
    """Facts a second of the live change log; then seconds of its whole rebuild while it is fed and written on."""
    _begin_again(database)
    log, head = named("change_log"), _head(database)
    runner = Runner(lambda: connected(database), database.schema, [log], holder="bench", clock=RealClock())
    began = time.monotonic()
    runner.run_once()
    fed = head / (time.monotonic() - began)
    runner.close()
    with _written_on(database):
        began = time.monotonic()
        (done,) = rebuild(_place(database), [log])
        seconds = time.monotonic() - began
    assert done.difference is None, done.difference
    return fed, seconds


def _place(database: Database) -> Place:
    return Place(lambda: connected(database), database.schema, "bench-rebuild", RealClock())


def _head(database: Database) -> int:
    with connected(database) as connection:
        row = connection.execute("SELECT position FROM ledger_head").fetchone()
        assert row is not None
        return int(str(row[0]))


def _bytes(database: Database) -> int:
    """Of the replays; the live tables are empty."""
    names = [f"{relation.name}{NEXT}" for table in TABLES for relation in table.relations]
    with connected(database) as connection:
        row = connection.execute(
            "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind = 'r' AND (c.relname = ANY (%s) OR c.relispartition)",
            (database.schema, names),
        ).fetchone()
        assert row is not None
        return int(str(row[0]))


@contextmanager
def _written_on(database: Database) -> Iterator[None]:
    """Another process commits on meanwhile."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.visible",
        "write",
        database.url,
        database.schema,
        "600",
        str(COMMITS_A_SECOND),
    ]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.terminate()
        child.wait(30)
