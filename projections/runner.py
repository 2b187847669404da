"""The runner: one reader of facts feeds every table of a process, page by page, each page and its checkpoints in one commit.

Commits are not waited for on disk (synchronous_commit off): facts are durable, and a table and its checkpoint go back
together. ``step`` has no thread and looks at no clock of its own; ``run`` is the body of a worker's thread.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, NamedTuple

import psycopg

from ledger.commit import is_away
from ledger.failpoint import reach
from projections.checkpoint import Checkpoint, Checkpoints, create_missing
from projections.lease import RENEW_SECONDS, Lease, Leases
from projections.page import PAGE_FACTS_MAX, FactReader
from projections.page_writer import Clock, PageWriter, Target, Waiting, Writers
from projections.quarantine import POISON, Quarantine
from projections.table import NEXT, Connection, FoldingWriter, Table

FOLDED_FACTS_MAX = 1_000_000  # a replay that dies loses what it folded and did not write
POLL_SECONDS = 1.0  # a lost notification is found by then
AWAY_SECONDS = 0.5


class Level(NamedTuple):
    """Where all tables of a runner stood after a page, and who read it."""

    reader: FactReader
    last: int


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
        self._writers = Writers(schema)
        self._page_writer = PageWriter(self._leases_of, self._checkpoints, self._quarantine, self._writers, clock)
        self._leases: dict[str, Lease] = {}
        self._asked = float("-inf")
        self._held: Connection | None = None
        self._position = 0
        self._plainly_until = 0
        self._level: Level | None = None
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
        # The next page is asked for with the look: where all tables stood together, they most likely do still.
        guess = self._level
        with connection.pipeline() if guess is not None else nullcontext():
            look = self._checkpoints.ask(connection)
            asked = None if guess is None else guess.reader.ask(connection, guess.last, guess.last + self._page_facts)
        self._level = None
        targets, waiting, head = self._looked(connection, look)
        if not targets:
            return 0
        if self._folds(targets):
            return self._fold(connection, targets[0], waiting, head)
        lowest = min(target.checkpoint.position for target in targets)
        if lowest >= head:
            self._level = guess
            return 0
        group = [target for target in targets if target.checkpoint.position == lowest]
        others = [t.checkpoint.position for t in targets if t.checkpoint.position > lowest]
        reader = self._reader(group)
        with _collecting_later():
            if asked is not None and not others and guess == Level(reader, lowest):
                page = reader.answered(asked, lowest)
            else:
                page = reader.read(connection, lowest, min([lowest + self._page_facts, head, *others]))
            reach("projection.page_read")
            self._page_writer.write(connection, group, page, waiting)
        if not others and not self._page_writer.lost:
            self._level = Level(reader, page.last)
        self._forget_lost()
        self._position = page.last
        return page.last - lowest

    def _folds(self, targets: Sequence[Target]) -> bool:
        """A replay of one table whose rows many pages change: they are written once for many pages."""
        if not self._suffix or len(targets) != 1 or not isinstance(targets[0].writer, FoldingWriter):
            return False
        return targets[0].checkpoint.position >= self._plainly_until

    def _fold(self, connection: Connection, target: Target, waiting: Waiting, head: int) -> int:
        """One page into memory, and all of memory into the rows where it is time. As ``step``."""
        begun = self._writers.ahead.get(target.projection, target.checkpoint.position)
        if begun >= head:
            return 0
        until = min(begun + self._page_facts, head)
        with _collecting_later():
            page = self._reader([target]).read(connection, begun, until)
            reach("projection.page_read")
            try:
                self._page_writer.fold(connection, target, page, waiting)
                assert isinstance(target.writer, FoldingWriter)
                folded = page.last - target.checkpoint.position
                if page.last < until or until == head or target.writer.is_full or folded >= FOLDED_FACTS_MAX:
                    self._page_writer.save(connection, target)
            except POISON:
                self._plainly_until = page.last  # page by page from the last commit on, to find the fact
        self._forget_lost()
        self._position = page.last
        return page.last - begun

    def _forget_lost(self) -> None:
        for projection in self._page_writer.lost:
            self._lose(projection)
        self._page_writer.lost.clear()

    def release(self) -> None:
        """Others may take the leases at once."""
        for lease in self._leases.values():
            self._leases_of.release(self._connection(), lease)
        self._leases.clear()

    def let_go(self) -> None:
        """The connection is closed and nothing is believed any more: after a loss of the connection."""
        self._leases.clear()
        self._asked = float("-inf")
        self._level = None
        self._writers.forget()
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
            if self._leases_of.renew(connection, lease, now).rowcount != 1:
                self._lose(name)
        missing = {f"{name}{self._suffix}" for name in self._tables} - self._leases.keys()
        if missing:
            for lease in self._leases_of.take(connection, missing, now):
                self._lose(lease.projection)
                self._leases[lease.projection] = lease

    def _lose(self, projection: str) -> None:
        self._leases.pop(projection, None)
        self._writers.lose(projection)

    def _looked(self, connection: Connection, asked: psycopg.Cursor[Any]) -> tuple[list[Target], Waiting, int]:
        """The builds to write, the streams that wait, and the head."""
        seen = self._checkpoints.seen(asked)
        checkpoints, head = seen.checkpoints, seen.head
        waiting = self._quarantine.streams(connection, seen.waiting) if seen.waiting else {}
        targets, outdated = [], set()
        for lease in self._leases.values():
            table = self._tables[lease.projection.removesuffix(NEXT)]
            for checkpoint in _builds(checkpoints, lease.projection):
                if checkpoint.version != table.version:
                    outdated.add(table.name)
                else:
                    targets.append(Target(table, checkpoint, lease, self._writers.of(table, checkpoint)))
        self.outdated = frozenset(outdated)
        return targets, waiting, head

    def _reader(self, group: Sequence[Target]) -> FactReader:
        wanted = frozenset[str]().union(*(target.table.facts for target in group))
        if wanted not in self._readers:
            self._readers[wanted] = FactReader(self._schema, wanted)
        return self._readers[wanted]


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
