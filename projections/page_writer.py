"""One page into the tables of a group: leases held, checkpoints moved, rows written, all in one commit.

A fact that a table cannot take is found by halves, tried again, and its stream set aside for that table; the others go on.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import psycopg

from ledger.failpoint import reach
from projections.checkpoint import Checkpoint, Checkpoints
from projections.lease import Lease, LeaseLost, Leases
from projections.page import Page
from projections.quarantine import POISON, RETRIES_MAX, RETRY_SECONDS, Quarantine, reason_of
from projections.table import NEXT, Connection, FoldingWriter, PoisonedFact, Table, Writer

PIPELINE_FACTS_MAX = 100

Answer: TypeAlias = psycopg.Cursor[tuple[Any, ...]]
Waiting: TypeAlias = Mapping[str, frozenset[str]]  # by projection, the streams that are set aside


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


class Writers:
    """The writers of this process by build, each with the position that its rows are of. Mutable.

    ``ahead`` are the positions that a replay's memory is of, by projection, where its rows are not written yet.
    """

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._writers: dict[tuple[str, int], tuple[Writer, int]] = {}
        self.ahead: dict[str, int] = {}

    def of(self, table: Table, checkpoint: Checkpoint) -> Writer:
        """The build's writer; it remembers nothing when another process wrote since."""
        key = (checkpoint.projection, checkpoint.build)
        found = self._writers.get(key)
        if found is None:
            found = (table.open(checkpoint.names(self._schema)), checkpoint.position)
        writer, position = found
        if position != checkpoint.position:
            writer.forget()
            self.ahead.pop(checkpoint.projection, None)
        self._writers[key] = (writer, checkpoint.position)
        return writer

    def wrote(self, target: Target, position: int) -> None:
        """The writer's memory is of this position."""
        self._writers[target.projection, target.checkpoint.build] = (target.writer, position)
        self.ahead.pop(target.projection, None)

    def undone(self, target: Target) -> None:
        """What the writer remembers was not committed."""
        self._writers.pop((target.projection, target.checkpoint.build), None)
        self.ahead.pop(target.projection, None)
        target.writer.forget()

    def lose(self, projection: str) -> None:
        """Another process may write this table now, its live build and its replay."""
        for key in [key for key in self._writers if key[0].removesuffix(NEXT) == projection.removesuffix(NEXT)]:
            self._writers.pop(key)[0].forget()
            self.ahead.pop(key[0], None)

    def forget(self) -> None:
        """Nothing is remembered."""
        for writer, _ in self._writers.values():
            writer.forget()
        self._writers.clear()
        self.ahead.clear()


class PageWriter:
    """Writes pages for one runner. ``lost`` are the projections whose lease turned out to be gone, until they are taken."""

    def __init__(
        self, leases: Leases, checkpoints: Checkpoints, quarantine: Quarantine, writers: Writers, clock: Clock
    ) -> None:
        self._leases = leases
        self._checkpoints = checkpoints
        self._quarantine = quarantine
        self._writers = writers
        self._clock = clock
        self.lost: set[str] = set()

    def write(self, connection: Connection, group: Sequence[Target], page: Page, waiting: Waiting) -> None:
        """The page is in every table of the group, less what waits or is set aside now."""
        try:
            self._commit(connection, group, page, waiting)
        except LeaseLost:
            return
        except POISON:
            for target in group:
                self._write_alone(connection, target, page, waiting)

    def fold(self, connection: Connection, target: Target, page: Page, waiting: Waiting) -> None:
        """The page is in the writer's memory, behind all that was folded before; no row is written. Raises POISON."""
        assert isinstance(target.writer, FoldingWriter), target.projection
        with ExitStack() as undo:
            undo.callback(self._writers.undone, target)
            own = _less(page, waiting.get(target.projection))
            _refuse_damaged(target.table, own)
            target.writer.take(connection, own)
            undo.pop_all()
        self._writers.ahead[target.projection] = page.last

    def save(self, connection: Connection, target: Target) -> None:
        """All that was folded is in the rows, in one commit. Raises POISON."""
        writer = target.writer
        assert isinstance(writer, FoldingWriter), target.projection
        try:
            self._in_one_commit(
                connection, [target], self._writers.ahead[target.projection], lambda: writer.save(connection)
            )
        except LeaseLost:
            return

    def _write_alone(self, connection: Connection, target: Target, page: Page, waiting: Waiting) -> Target | None:
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
        waiting: Waiting,
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
        waiting: Waiting,
        *,
        set_aside: tuple[str, str, int, str, str, datetime] | None = None,
    ) -> None:
        """The page and its checkpoints are committed together. Raises LeaseLost, and what a table cannot take."""

        def write() -> None:
            for target, chosen in zip(group, page.split([t.table.facts for t in group]), strict=True):
                own = _less(chosen, waiting.get(target.projection))
                _refuse_damaged(target.table, own)
                if own.records:
                    target.writer.write(connection, own)
            if set_aside is not None:
                self._quarantine.add(connection, *set_aside)

        self._in_one_commit(connection, group, page.last, write, piped=len(page.records) < PIPELINE_FACTS_MAX)

    def _in_one_commit(
        self,
        connection: Connection,
        group: Sequence[Target],
        last: int,
        write: Callable[[], None],
        *,
        piped: bool = False,
    ) -> None:
        """What ``write`` writes and the checkpoints at ``last`` are committed together. Raises LeaseLost, and what it raises.

        ``piped``: a small page is written without waiting for each answer; a large one by COPY, which no pipeline carries.
        """
        with ExitStack() as undo:
            undo.callback(self._undo, connection, group)
            with connection.pipeline() if piped else nullcontext():
                connection.execute("BEGIN")
                held = self._leases.hold(
                    connection, {target.lease.projection: target.lease for target in group}.values()
                )
                moved = self._checkpoints.move(connection, [target.checkpoint for target in group], last)
                if not piped:
                    self._refuse_lost(group, held, moved)
                try:
                    write()
                except (*POISON, psycopg.ProgrammingError):
                    self._refuse_lost(group, held, moved)  # the table may be gone with the lease
                    raise
                if piped:  # the answers came with those to what was written
                    self._refuse_lost(group, held, moved)
                reach("projection.page_written")
                connection.execute("COMMIT")
            undo.pop_all()
        reach("projection.page_committed")
        for target in group:
            self._writers.wrote(target, last)

    def _undo(self, connection: Connection, group: Sequence[Target]) -> None:
        for target in group:
            self._writers.undone(target)
        if not connection.closed and not connection.broken:
            connection.execute("ROLLBACK")

    def _refuse_lost(self, group: Sequence[Target], held: Answer, moved: Answer) -> None:
        """Every lease is held and every build stood where it was read. Raises LeaseLost."""
        holds, stood = {name for (name,) in held.fetchall()}, {name for (name,) in moved.fetchall()}
        lost = {target.lease.projection for target in group} - holds
        # Swapped away, or written by somebody who does not hold the lease.
        lost |= {target.lease.projection for target in group if target.projection not in stood}
        if lost:
            self.lost |= lost
            raise LeaseLost(f"another process feeds {', '.join(sorted(lost))} now")


def _less(page: Page, streams: frozenset[str] | None) -> Page:
    return page.without(streams) if streams else page


def _refuse_damaged(table: Table, page: Page) -> None:
    position = next((at for at, _, name in page.damaged if name in table.facts), None)
    if position is not None:
        raise PoisonedFact(position, "not_decoded")


def _moved(target: Target, page: Page) -> Target:
    return replace(target, checkpoint=replace(target.checkpoint, position=page.last))
