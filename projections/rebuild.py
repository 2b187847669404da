"""Tables replayed beside the live ones while the service runs, compared, and swapped in.

Three steps, each resumable after a crash at any place and harmless when two processes do it at once:
1. replay: ``<table>__next`` is filled from position 0 under a lease of its own;
2. join: once it has caught up it is written together with the live table, each page in one transaction, by whoever feeds
   the live table, so that both are seen at one position however busy the ledger is, and are compared there;
3. swap: a rename with a short lock timeout, tried again until it gets its moment; readers see the one or the other.

A new version of a table has another shape: it cannot be compared, and is swapped in once it has caught up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import psycopg
from psycopg import sql

from ledger.codec import UnknownFact
from ledger.failpoint import reach
from projections.checkpoint import Checkpoint, Checkpoints, create_missing, lock_building, lock_making
from projections.compare import Difference, difference
from projections.lease import LEASE_SECONDS, Leases
from projections.page import PAGE_FACTS_MAX
from projections.page_writer import Clock
from projections.quarantine import Quarantine
from projections.runner import Runner
from projections.table import NEXT, Connection, Table

INDEX_MEMORY = "256MB"
SWAP_LOCK_TIMEOUT = "200ms"
SWAP_TRIES_MAX = 100
WAIT_SECONDS = 0.05
JOIN_SECONDS_MAX = 60.0


class RebuildRefused(ValueError):
    """The tables cannot be rebuilt now; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One table after its rebuild. ``position``: where both builds were compared and swapped.

    ``difference``: how the live table differed from the replay, None when they were equal. ``compared`` False: the
    live table had another version, so that nothing could be compared.
    """

    table: str
    position: int
    difference: Difference | None
    compared: bool
    swapped: bool


@dataclass(frozen=True)
class Place:
    """Where a rebuild works: connections of the application's role, a schema, a holder's id, the clock of wiring."""

    connect: Callable[[], Connection]
    schema: str
    holder: str
    clock: Clock


Lane: TypeAlias = Callable[[], Exception | None]  # replays some tables; what went wrong, None: nothing did


@dataclass(frozen=True)
class Lanes:
    """Tables to be replayed side by side, and how wiring runs lanes so and gathers their answers: each in a process of its own."""

    tables: Sequence[Sequence[Table]]
    side_by_side: Callable[[Sequence[Lane]], Sequence[Exception | None]]


def rebuild(
    place: Place,
    tables: Sequence[Table],
    *,
    swap: bool = True,
    progress: Callable[[int, int], None] | None = None,
    page_facts: int = PAGE_FACTS_MAX,
    lanes: Lanes | None = None,
) -> list[Rebuilt]:
    """The tables are what a replay of all facts gives, and the replay is the live table, unless ``swap`` is False.

    ``lanes``: which tables are replayed side by side, each lane by a reader of its own; without it one reader feeds all.
    ``progress`` is told (position, head) after each page. Raises RebuildRefused when another process is rebuilding one
    of them; what a runner raises; and AssertionError when a replay cannot be joined in JOIN_SECONDS_MAX.
    """
    replay(place, tables, progress=progress, page_facts=page_facts, lanes=lanes)
    with place.connect() as connection:
        return [_finish(place, connection, table, swap=swap) for table in tables]


def replay(
    place: Place,
    tables: Sequence[Table],
    *,
    progress: Callable[[int, int], None] | None = None,
    page_facts: int = PAGE_FACTS_MAX,
    lanes: Lanes | None = None,
) -> None:
    """The first step of a rebuild: every replay has its indexes, has caught up, and is joined to its live table. As ``rebuild``."""
    with place.connect() as connection:
        assert connection.autocommit, "the rebuild begins and ends its transactions itself"
        create_missing(connection, place.schema, tables)
        for table in tables:
            _begin(connection, place.schema, table)
    _replay_lanes(place, tables, progress or _tell_nobody, page_facts, lanes)


def outdated(connection: Connection, schema: str, tables: Sequence[Table]) -> list[Table]:
    """The tables whose live build has another version than this program's: rebuild them."""
    known = Checkpoints(schema).all(connection)
    return [table for table in tables if table.name in known and known[table.name].version != table.version]


def give_up(place: Place, table: Table) -> None:
    """A replay of this table that was begun is gone; the live table stays as it is."""
    with place.connect() as connection, connection.transaction():
        _drop_replay(connection, place, table)


def _begin(connection: Connection, schema: str, table: Table) -> None:
    """There is a replay of this version: the one that was begun before, or a new one."""
    checkpoints = Checkpoints(schema)
    with connection.transaction():
        lock_building(connection, schema)
        found = checkpoints.all(connection).get(f"{table.name}{NEXT}")
        if found is None or found.version != table.version:
            checkpoints.create(connection, table, suffix=NEXT)
            Quarantine(schema).clear(connection, f"{table.name}{NEXT}")
    reach("rebuild.created")


def _replay_lanes(
    place: Place,
    tables: Sequence[Table],
    progress: Callable[[int, int], None],
    page_facts: int,
    lanes: Lanes | None,
) -> None:
    """Every lane is replayed, side by side when there are several. Raises what the first of them raised."""
    asked = [[table for table in tables if table in lane] for lane in lanes.tables] if lanes is not None else []
    chosen = [lane for lane in asked if lane]
    if lanes is None or len(chosen) < 2:
        _replay(place, tables, progress, page_facts)
        return
    assert sum(map(len, chosen)) == len(tables), "a table is in one lane"

    def replayed(lane: Sequence[Table]) -> Exception | None:
        try:
            _replay(place, lane, progress, page_facts)
        except (psycopg.Error, RuntimeError, ValueError, AssertionError, UnknownFact) as error:
            return error
        return None

    answers = lanes.side_by_side([partial(replayed, lane) for lane in chosen])
    failed = next((answer for answer in answers if answer is not None), None)
    if failed is not None:
        raise failed


def _replay(
    place: Place,
    tables: Sequence[Table],
    progress: Callable[[int, int], None],
    page_facts: int,
) -> None:
    """Every replay has caught up with the ledger, and waits to be joined."""
    runner = Runner(
        place.connect,
        place.schema,
        tables,
        holder=place.holder,
        clock=place.clock,
        suffix=NEXT,
        page_facts=page_facts,
    )
    head = sql.SQL("SELECT position FROM {}").format(sql.Identifier(place.schema, "ledger_head"))
    connection = place.connect()
    try:
        _take_leases(place, connection, runner, tables)
        for _ in ("all facts", "those that came while the indexes were made"):
            with runner.uncollected():
                while moved := runner.step():
                    row = connection.execute(head, prepare=True).fetchone()
                    assert row is not None
                    progress(runner.position, int(str(row[0])))
                    if moved < page_facts and runner.position >= int(str(row[0])) - page_facts:
                        break
            for table in tables:
                _make_indexes(connection, place, table)
        checkpoints = Checkpoints(place.schema)
        known = checkpoints.all(connection)
        for table in tables:
            replay, live = known.get(f"{table.name}{NEXT}"), known[table.name]
            if replay is not None and not replay.joined and live.version == table.version:
                checkpoints.join(connection, replay)
    finally:
        runner.close()
        connection.close()


def _make_indexes(connection: Connection, place: Place, table: Table) -> None:
    """The replay has the indexes that readers need. Nothing when it is joined or swapped in: it had them before."""
    with connection.transaction():
        lock_making(connection, place.schema, table)
        replay = Checkpoints(place.schema).all(connection).get(f"{table.name}{NEXT}")
        if replay is not None and not replay.joined and replay.version == table.version:
            connection.execute(sql.SQL("SET LOCAL maintenance_work_mem = {}").format(sql.Literal(INDEX_MEMORY)))
            table.create_indexes(connection, replay.names(place.schema))


def _take_leases(place: Place, connection: Connection, runner: Runner, tables: Sequence[Table]) -> None:
    """The runner feeds every replay that is not joined yet. Waits for the lease of a rebuilder that died. Raises RebuildRefused."""
    until = place.clock.monotonic() + 2 * LEASE_SECONDS
    while True:
        known = Checkpoints(place.schema).all(connection)
        alone = {f"{t.name}{NEXT}" for t in tables if (c := known.get(f"{t.name}{NEXT}")) is not None and not c.joined}
        runner.keep_leases()
        if alone <= runner.holds:
            return
        if place.clock.monotonic() > until:
            names = ", ".join(sorted(name.removesuffix(NEXT) for name in alone - runner.holds))
            raise RebuildRefused(f"another process is rebuilding {names}; wait for it, or end it and try again")
        place.clock.sleep(WAIT_SECONDS)


# ------------------------------------------------------------------ compare and swap


def _finish(place: Place, connection: Connection, table: Table, *, swap: bool) -> Rebuilt:
    """The replay is compared at one position and swapped in, or dropped when ``swap`` is False."""
    runner = Runner(place.connect, place.schema, [table], holder=place.holder, clock=place.clock)
    until = place.clock.monotonic() + JOIN_SECONDS_MAX
    try:
        while True:
            runner.run_once()  # does nothing while a service feeds the table
            done = _compared(place, connection, table)
            if done is not None:
                break
            assert place.clock.monotonic() < until, f"the replay of {table.name} never stood where the live table does"
            place.clock.sleep(WAIT_SECONDS)
        if swap:
            _swap(place, connection, table)
        else:
            with connection.transaction():
                _drop_replay(connection, place, table)
    finally:
        runner.close()
    position, found, compared = done
    return Rebuilt(table.name, position, found, compared, swap)


def _compared(place: Place, connection: Connection, table: Table) -> tuple[int, Difference | None, bool] | None:
    """(position, difference, whether it could be compared); None while the builds are not at one position."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        known = Checkpoints(place.schema).all(connection)
        live, replay = known[table.name], known.get(f"{table.name}{NEXT}")
        if replay is None:
            raise RebuildRefused(
                f"another process has swapped in or given up the replay of {table.name}; look at `daicho lag`"
            )
        if live.version != replay.version:
            return (replay.position, None, False) if replay.position >= live.position else None
        if live.position != replay.position or not replay.joined:
            return None
        return live.position, difference(connection, place.schema, table, live, replay), True
    except psycopg.errors.UndefinedTable:
        return None  # another process swapped the replay in between the two looks: the next look says so
    finally:
        connection.execute("ROLLBACK")


def _swap(place: Place, connection: Connection, table: Table) -> None:
    """The replay is the live table from here on, and the old one is gone."""
    reach("rebuild.before_swap")
    for _ in range(SWAP_TRIES_MAX):
        try:
            if _swapped(place, connection, table):
                reach("rebuild.after_swap")
                return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            pass  # a reader is in the way for a moment; those behind it do not wait for us meanwhile
        place.clock.sleep(WAIT_SECONDS)
    raise RebuildRefused(
        f"{table.name} is read without a pause by something long; end it and rebuild again: it will go on from here"
    )


def _swapped(place: Place, connection: Connection, table: Table) -> bool:
    """One try. False: the builds were not at one position just now."""
    schema, checkpoints = place.schema, Checkpoints(place.schema)
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(SWAP_LOCK_TIMEOUT)))
        lock_building(connection, schema)
        Leases(schema, place.holder).lock(connection, [table.name, f"{table.name}{NEXT}"])
        known = checkpoints.all(connection)
        live, replay = known[table.name], known.get(f"{table.name}{NEXT}")
        if replay is None:
            raise RebuildRefused(f"another process has swapped in or given up the replay of {table.name}")
        if replay.position < live.position or (live.version == replay.version and replay.position != live.position):
            return False
        _rename(connection, schema, table, live, replay)
        checkpoints.take_place(connection, replay)
        Quarantine(schema).rename(connection, replay.projection, table.name)
    return True


def _rename(connection: Connection, schema: str, table: Table, live: Checkpoint, replay: Checkpoint) -> None:
    table.drop(connection, live.names(schema))
    names = replay.names(schema)
    for relation in table.relations:
        connection.execute(
            sql.SQL("ALTER TABLE {} RENAME TO {}").format(names.of(relation.name), sql.Identifier(relation.name))
        )


def _drop_replay(connection: Connection, place: Place, table: Table) -> None:
    lock_building(connection, place.schema)
    name = f"{table.name}{NEXT}"
    Leases(place.schema, place.holder).lock(connection, [table.name, name])
    Checkpoints(place.schema).drop(connection, table, name)
    Quarantine(place.schema).clear(connection, name)


def _tell_nobody(position: int, head: int) -> None:
    """Nobody waits for it."""
