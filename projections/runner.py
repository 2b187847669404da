"""The runner: one reader of facts feeds every table of a process, page by page, each page and its checkpoints in one commit.

Commits are not waited for on disk (synchronous_commit off): facts are durable, and a table and its checkpoint go back
together. ``step`` has no thread and looks at no clock of its own; ``run`` is the body of a worker's thread.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import psycopg

from ledger.commit import is_away
from ledger.failpoint import reach
from projections.checkpoint import Checkpoint, Checkpoints, create_missing
from projections.lease import RENEW_SECONDS, Lease, LeaseLost, Leases
from projections.page import PAGE_FACTS_MAX, FactReader, Page
from projections.quarantine import POISON, RETRIES_MAX, RETRY_SECONDS, Quarantine, reason_of
from projections.table import NEXT, Connection, PoisonedFact, Table, Writer

POLL_SECONDS = 1.0  # a lost notification is found by then
AWAY_SECONDS = 0.5
PIPELINE_FACTS_MAX = 100


class Clock(Protocol):
    """Time as wiring gives it."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Target:
    """One build that this runner may write now."""

    table: Table
    checkpoint: Checkpoint
    lease: Lease
    writer: Writer

    @property
    def projection(self) -> str:
        return self.checkpoint.projection


class Runner:
    """Feeds the tables whose leases it gets. One thread at a time.

    ``suffix`` NEXT: it feeds the replays of these tables and not the live ones. ``holder`` is an opaque id of the process.
    ``outdated`` are tables of another version than this program's: they wait for a rebuild.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        schema: str,
        tables: Sequence[Table],
        *,
        holder: str,
        clock: Clock,
        suffix: str = "",
        page_facts: int = PAGE_FACTS_MAX,
    ) -> None:
        assert 0 < page_facts <= PAGE_FACTS_MAX, page_facts
        self._connect = connect
        self._schema = schema
        self._tables = {table.name: table for table in tables}
        self._clock = clock
        self._suffix = suffix
        self._page_facts = page_facts
        self._leases_of = Leases(schema, holder)
        self._checkpoints = Checkpoints(schema)
        self._quarantine = Quarantine(schema)
        self._readers: dict[frozenset[str], FactReader] = {}
        self._writers: dict[tuple[str, int], tuple[Writer, int]] = {}  # with the position its memory is of
        self._leases: dict[str, Lease] = {}
        self._asked = float("-inf")
        self._held: Connection | None = None
        self._position = 0
        self.outdated: frozenset[str] = frozenset()

    @property
    def holds(self) -> frozenset[str]:
        """The projections whose lease this runner believes it has."""
        return frozenset(self._leases)

    @property
    def position(self) -> int:
        """Where the table furthest behind stood after the last page; 0 before the first."""
        return self._position

    def keep_leases(self) -> None:
        """The leases that are free are this runner's. ``step`` does it too."""
        self._keep_leases(self._connection())

    def uncollected(self) -> AbstractContextManager[None]:
        """While many pages are written one after the other: Python looks for cycles only behind the last."""
        return _collecting_later()

    def run(self, wait: Callable[[float], None], stopping: Callable[[], bool]) -> None:
        """Feeds the tables until ``stopping``. ``wait`` returns when facts may have come, or after the seconds given.

        A database that is away is waited for. Raises UnknownFact, Hole, and psycopg errors that waiting does not mend:
        it is better to stop than to show what is not so.
        """
        while not stopping():
            try:
                if self.step() == 0:
                    wait(POLL_SECONDS)
            except psycopg.Error as error:
                if not is_away(error) and not self._is_lost():  # a pipeline says only that it was aborted
                    raise
                self.let_go()
                self._clock.sleep(AWAY_SECONDS)
        self.close()

    def run_once(self) -> int:
        """Every table whose lease it gets is as far as the ledger was; the answer is how many positions that took."""
        total = 0
        with _collecting_later():
            while moved := self.step():
                total += moved
        return total

    def step(self) -> int:
        """One page for the tables that are furthest behind; the answer is how many positions they moved, 0 at the end."""
        connection = self._connection()
        self._keep_leases(connection)
        if not self._leases:
            return 0
        targets, waiting, head = self._look(connection)
        if not targets:
            return 0
        lowest = min(target.checkpoint.position for target in targets)
        if lowest >= head:
            return 0
        group = [target for target in targets if target.checkpoint.position == lowest]
        others = [t.checkpoint.position for t in targets if t.checkpoint.position > lowest]
        until = min([lowest + self._page_facts, head, *others])
        with _collecting_later():
            page = self._reader(group).read(connection, lowest, until)
            reach("projection.page_read")
            self._write(connection, group, page, waiting)
        self._position = page.last
        return page.last - lowest

    def release(self) -> None:
        """Others may take the leases at once."""
        for lease in self._leases.values():
            self._leases_of.release(self._connection(), lease)
        self._leases.clear()

    def let_go(self) -> None:
        """The connection is closed and nothing is believed any more: after a loss of the connection."""
        self._leases.clear()
        self._asked = float("-inf")
        for writer, _ in self._writers.values():
            writer.forget()
        self._writers.clear()
        if self._held is not None:
            self._held.close()
            self._held = None

    def close(self) -> None:
        """The connection is closed and the leases are free; where the database is away they run out by themselves."""
        with suppress(psycopg.OperationalError):
            if self._held is not None and not self._held.closed:
                self.release()
        self.let_go()

    # -------------------------------------------------------------- what it may write, and from where

    def _connection(self) -> Connection:
        if self._held is None or self._held.closed:
            self.let_go()
            self._held = self._connect()
            assert self._held.autocommit, "the runner begins and ends its transactions itself"
            self._held.prepared_max = None  # they are few; none may be dropped inside a pipeline
            self._held.execute("SET synchronous_commit = off")
            if not self._suffix:
                create_missing(self._held, self._schema, list(self._tables.values()))
        return self._held

    def _is_lost(self) -> bool:
        return self._held is not None and (self._held.closed or self._held.broken)

    def _keep_leases(self, connection: Connection) -> None:
        """Asks for the leases it has not; holding on to those it has. Every RENEW_SECONDS."""
        moment = self._clock.monotonic()
        if moment - self._asked < RENEW_SECONDS:
            return
        self._asked = moment
        now = self._clock.now()
        for name, lease in list(self._leases.items()):
            if self._leases_of.hold(connection, lease, now).rowcount != 1:
                self._lose(name)
        missing = {f"{name}{self._suffix}" for name in self._tables} - self._leases.keys()
        if missing:
            for lease in self._leases_of.take(connection, missing, now):
                self._lose(lease.projection)
                self._leases[lease.projection] = lease

    def _lose(self, projection: str) -> None:
        self._leases.pop(projection, None)
        for key in [key for key in self._writers if key[0].removesuffix(NEXT) == projection.removesuffix(NEXT)]:
            self._writers.pop(key)[0].forget()

    def _look(self, connection: Connection) -> tuple[list[Target], Mapping[str, frozenset[str]], int]:
        """The builds to write, the streams that wait, and the head."""
        seen = self._checkpoints.look(connection)
        checkpoints, head = seen.checkpoints, seen.head
        waiting = self._quarantine.streams(connection, seen.waiting) if seen.waiting else {}
        targets, outdated = [], set()
        for lease in self._leases.values():
            table = self._tables[lease.projection.removesuffix(NEXT)]
            for checkpoint in _builds(checkpoints, lease.projection):
                if checkpoint.version != table.version:
                    outdated.add(table.name)
                else:
                    targets.append(Target(table, checkpoint, lease, self._writer(table, checkpoint)))
        self.outdated = frozenset(outdated)
        return targets, waiting, head

    def _writer(self, table: Table, checkpoint: Checkpoint) -> Writer:
        key = (checkpoint.projection, checkpoint.build)
        found = self._writers.get(key)
        if found is None:
            found = (table.open(checkpoint.names(self._schema)), checkpoint.position)
        writer, position = found
        if position != checkpoint.position:
            writer.forget()
        self._writers[key] = (writer, checkpoint.position)
        return writer

    def _reader(self, group: Sequence[Target]) -> FactReader:
        wanted = frozenset[str]().union(*(target.table.facts for target in group))
        if wanted not in self._readers:
            self._readers[wanted] = FactReader(self._schema, wanted)
        return self._readers[wanted]

    # -------------------------------------------------------------- one page

    def _write(
        self, connection: Connection, group: Sequence[Target], page: Page, waiting: Mapping[str, frozenset[str]]
    ) -> None:
        """The page is in every table of the group, less what waits or is set aside now."""
        try:
            self._commit(connection, group, page, waiting)
        except LeaseLost:
            return
        except POISON:
            for target in group:
                self._write_alone(connection, target, page, waiting)

    def _write_alone(
        self, connection: Connection, target: Target, page: Page, waiting: Mapping[str, frozenset[str]]
    ) -> Target | None:
        """The page is in this table; the fact that it cannot take is found by halves and set aside. None: lease lost."""
        try:
            self._commit(connection, [target], page, waiting)
        except LeaseLost:
            return None
        except POISON as error:
            at = error.position if isinstance(error, PoisonedFact) else None
            if page.first == page.last:
                return self._try_again(connection, target, page, waiting, error)
            middle = (page.first + page.last) // 2 if at is None else min(max(at, page.first + 1) - 1, page.last - 1)
            now: Target | None = target
            for first, last in ((page.first, middle), (middle + 1, page.last)):
                if now is None:
                    return None
                projection = now.projection
                fresh = self._quarantine.streams(connection, [projection])
                now = self._write_alone(connection, now, page.part(first, last), fresh)
            return now
        return _moved(target, page)

    def _try_again(
        self,
        connection: Connection,
        target: Target,
        page: Page,
        waiting: Mapping[str, frozenset[str]],
        error: Exception,
    ) -> Target | None:
        """One fact that was not taken: tried RETRIES_MAX times in all, then its stream is set aside."""
        for _ in range(RETRIES_MAX - 1):
            self._clock.sleep(RETRY_SECONDS)
            try:
                self._commit(connection, [target], page, waiting)
            except LeaseLost:
                return None
            except POISON as again:
                error = again
            else:
                return _moved(target, page)
        facts = [(r.stream, r.name) for r in page.records] or [(stream, name) for _, stream, name in page.damaged]
        ((stream, name),) = facts
        aside = (target.projection, stream, page.first, name, reason_of(error), self._clock.now())
        empty = Page(page.first, page.last, (), ())
        try:
            self._commit(connection, [target], empty, {}, set_aside=aside)
        except LeaseLost:
            return None
        return _moved(target, page)

    def _commit(
        self,
        connection: Connection,
        group: Sequence[Target],
        page: Page,
        waiting: Mapping[str, frozenset[str]],
        *,
        set_aside: tuple[str, str, int, str, str, datetime] | None = None,
    ) -> None:
        """The page and its checkpoints are committed together. Raises LeaseLost, and what a table cannot take."""
        with ExitStack() as undo:
            undo.callback(self._undo, connection, group)
            self._begin(connection, group, page)
            # A small page is written without waiting for each answer; a large one by COPY, which no pipeline carries.
            with connection.pipeline() if len(page.records) < PIPELINE_FACTS_MAX else nullcontext():
                for target, chosen in zip(group, page.split([t.table.facts for t in group]), strict=True):
                    streams = waiting.get(target.projection)
                    own = chosen.without(streams) if streams else chosen
                    _refuse_damaged(target.table, own)
                    if own.records:
                        target.writer.write(connection, own)
                if set_aside is not None:
                    self._quarantine.add(connection, *set_aside)
                reach("projection.page_written")
                connection.execute("COMMIT")
            undo.pop_all()
        reach("projection.page_committed")
        for target in group:
            key = (target.projection, target.checkpoint.build)
            self._writers[key] = (target.writer, page.last)

    def _undo(self, connection: Connection, group: Sequence[Target]) -> None:
        for target in group:
            self._writers.pop((target.projection, target.checkpoint.build), None)
            target.writer.forget()
        if not connection.closed and not connection.broken:
            connection.execute("ROLLBACK")

    def _begin(self, connection: Connection, group: Sequence[Target], page: Page) -> None:
        """The transaction is open, its leases are held and its checkpoints moved. Raises LeaseLost."""
        now = self._clock.now()
        leases = {target.lease.projection: target.lease for target in group}
        with connection.pipeline():
            connection.execute("BEGIN")
            held = {name: self._leases_of.hold(connection, lease, now) for name, lease in sorted(leases.items())}
            moved = [self._checkpoints.move(connection, target.checkpoint, page.last) for target in group]
        for name, cursor in held.items():
            if cursor.rowcount != 1:
                self._lose(name)
                raise LeaseLost(f"another process feeds {name} now")
        for target, cursor in zip(group, moved, strict=True):
            if cursor.rowcount != 1:  # swapped away, or written by nobody who holds the lease
                self._lose(target.lease.projection)
                raise LeaseLost(f"{target.projection} is not the build that was read")


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Python looks for cycles when the page is done, not hundreds of times while it is decoded: facts have none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _builds(checkpoints: Mapping[str, Checkpoint], projection: str) -> list[Checkpoint]:
    """The builds under one lease: the live one with a joined replay, or a replay alone."""
    own = checkpoints.get(projection)
    if projection.endswith(NEXT):
        return [own] if own is not None and not own.joined else []
    replay = checkpoints.get(f"{projection}{NEXT}")
    return [build for build in (own, replay if replay is not None and replay.joined else None) if build is not None]


def _refuse_damaged(table: Table, page: Page) -> None:
    position = next((at for at, _, name in page.damaged if name in table.facts), None)
    if position is not None:
        raise PoisonedFact(position, "not_decoded")


def _moved(target: Target, page: Page) -> Target:
    return replace(target, checkpoint=replace(target.checkpoint, position=page.last))
