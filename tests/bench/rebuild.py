"""P5: tables rebuilt from the whole ledger while it is written and read, beside the library's ProjectionRunner on a sample.

The facts are made once from a seed and kept in the home's server: 60 % stock, 25 % orders, 10 % pushes, 5 % others. A child
process commits on while the tables are replayed. All tables go in two lanes, as ``daicho rebuild`` sends them.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import psycopg

from api.database import Database
from api.migrations import MigrationRefused, migrate
from api.wiring import start_thread
from ledger.commit import Connection
from projections.checkpoint import Checkpoints, create_missing
from projections.rebuild import Lanes, Place, rebuild
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
    alone = _replayed(database, [named("change_log")], None)
    lanes = Lanes(LANES, start_thread)
    together = _replayed(database, TABLES, lanes)
    rebuilt = _rebuilt(database)
    size = _bytes(database)

    def row(what: str, speed: float, goal: float | None, stretch: float | None) -> Row:
        return Row("P5", f"{what}, {facts:,} facts", speed, "facts/s", goal, stretch)

    return [
        Row("P5", f"the library's ProjectionRunner, one table, {SAMPLE:,} facts", library, "facts/s"),
        row("change log alone", alone, 100_000, 200_000),
        row("all tables, indexes included, service writing", together, 40_000, 80_000),
        Row("P5", "all tables / the library's runner", together, "facts/s", yardstick=library, beside="library"),
        Row(
            "P5",
            f"rebuild beside live, compared row by row and swapped, {rebuilt[1]:,} facts",
            rebuilt[0],
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


def _replayed(database: Database, tables: Sequence[Table], lanes: Lanes | None) -> float:
    """Facts a second from nothing to the head, the ledger growing meanwhile."""
    _begin_again(database)
    chosen = [tables] if lanes is None else [[table for table in lane if table in tables] for lane in lanes.tables]
    head = _head(database)
    with _written_on(database):
        began = time.monotonic()
        threads = [start_thread(f"lane-{n}", partial(_feed, database, lane, head)) for n, lane in enumerate(chosen)]
        for thread in threads:
            thread.join()
        return head / (time.monotonic() - began)


def _feed(database: Database, tables: Sequence[Table], head: int) -> None:
    runner = Runner(
        lambda: connected(database), database.schema, tables, holder=f"bench-{tables[0].name}", clock=RealClock()
    )
    with runner.uncollected():
        while runner.position < head:
            runner.step()
    runner.close()


def _rebuilt(database: Database) -> tuple[float, int]:
    """Seconds of a whole rebuild of the change log beside its live table, and the facts of it."""
    place = Place(lambda: connected(database), database.schema, "bench-rebuild", RealClock())
    with _written_on(database):
        began = time.monotonic()
        (done,) = rebuild(place, [named("change_log")])
        seconds = time.monotonic() - began
    assert done.difference is None, done.difference
    return seconds, done.position


def _head(database: Database) -> int:
    with connected(database) as connection:
        row = connection.execute("SELECT position FROM ledger_head").fetchone()
        assert row is not None
        return int(str(row[0]))


def _bytes(database: Database) -> int:
    names = [relation.name for table in TABLES for relation in table.relations]
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
