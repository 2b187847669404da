"""One page into the tables of a group: leases held, checkpoints moved, rows written, all in one commit.

A fact that a table cannot take is found by halves, tried again, and its stream set aside for that table; the others go on.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeAlias

from ledger.failpoint import reach
from projections.checkpoint import Checkpoint, Checkpoints
from projections.lease import Lease, LeaseLost, Leases
from projections.page import Page
from projections.quarantine import POISON, RETRIES_MAX, RETRY_SECONDS, Quarantine, reason_of
from projections.table import NEXT, Connection, PoisonedFact, Table, Writer

PIPELINE_FACTS_MAX = 100

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
    """The writers of this process by build, each with the position that its memory is of. Mutable."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._writers: dict[tuple[str, int], tuple[Writer, int]] = {}

    def of(self, table: Table, checkpoint: Checkpoint) -> Writer:
        """The build's writer; it remembers nothing when another process wrote since."""
        key = (checkpoint.projection, checkpoint.build)
        found = self._writers.get(key)
        if found is None:
            found = (table.open(checkpoint.names(self._schema)), checkpoint.position)
        writer, position = found
        if position != checkpoint.position:
            writer.forget()
        self._writers[key] = (writer, checkpoint.position)
        return writer

    def wrote(self, target: Target, position: int) -> None:
        """The writer's memory is of this position."""
        self._writers[target.projection, target.checkpoint.build] = (target.writer, position)

    def undone(self, target: Target) -> None:
        """What the writer remembers was not committed."""
        self._writers.pop((target.projection, target.checkpoint.build), None)
        target.writer.forget()

    def lose(self, projection: str) -> None:
        """Another process may write this table now, its live build and its replay."""
        for key in [key for key in self._writers if key[0].removesuffix(NEXT) == projection.removesuffix(NEXT)]:
            self._writers.pop(key)[0].forget()

    def forget(self) -> None:
        """Nothing is remembered."""
        for writer, _ in self._writers.values():
            writer.forget()
        self._writers.clear()


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
            self._writers.wrote(target, page.last)

    def _undo(self, connection: Connection, group: Sequence[Target]) -> None:
        for target in group:
            self._writers.undone(target)
        if not connection.closed and not connection.broken:
            connection.execute("ROLLBACK")

    def _begin(self, connection: Connection, group: Sequence[Target], page: Page) -> None:
        """The transaction is open, its leases are held and its checkpoints moved. Raises LeaseLost."""
        now = self._clock.now()
        leases = {target.lease.projection: target.lease for target in group}
        with connection.pipeline():
            connection.execute("BEGIN")
            held = {name: self._leases.hold(connection, lease, now) for name, lease in sorted(leases.items())}
            moved = [self._checkpoints.move(connection, target.checkpoint, page.last) for target in group]
        for name, cursor in held.items():
            if cursor.rowcount != 1:
                self.lost.add(name)
                raise LeaseLost(f"another process feeds {name} now")
        for target, cursor in zip(group, moved, strict=True):
            if cursor.rowcount != 1:  # swapped away, or written by nobody who holds the lease
                self.lost.add(target.lease.projection)
                raise LeaseLost(f"{target.projection} is not the build that was read")


def _refuse_damaged(table: Table, page: Page) -> None:
    position = next((at for at, _, name in page.damaged if name in table.facts), None)
    if position is not None:
        raise PoisonedFact(position, "not_decoded")


def _moved(target: Target, page: Page) -> Target:
    return replace(target, checkpoint=replace(target.checkpoint, position=page.last))
