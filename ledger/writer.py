"""Group commit: waiting commands are decided together under the lock and written in one transaction.

A caller returns when its facts are durable. Decisions are made under the lock of the head, so none is stale and nothing is
retried; one bad command fails alone. When the connection breaks around COMMIT the writer reconnects, waits for the head
and asks whether the very commit was sealed: it answers its callers, or decides all again. It never guesses.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Lock

import msgspec
import psycopg

from ledger.codec import UnknownFact
from ledger.command import (
    Answer,
    Clock,
    Command,
    Decision,
    Done,
    Key,
    KeyReused,
    LedgerUnavailable,
    OutcomeUnknown,
)
from ledger.commit import (
    COPY_FACTS_MIN,
    Connection,
    Head,
    HeadMissing,
    KeptAnswer,
    Statements,
    commit,
    copy_facts,
    head_of,
    is_away,
    queue,
    was_sealed,
)
from ledger.failpoint import reach
from ledger.keys import kind_of
from ledger.reading import Selects, fetch, prefetch
from ledger.session import Session
from ledger.view import NotReadYet, StreamsKept, View, Wanted

__all__ = [
    "Answer",
    "Clock",
    "Command",
    "Decision",
    "Done",
    "Key",
    "KeyReused",
    "LedgerUnavailable",
    "OutcomeUnknown",
    "Writer",
]

BATCH_MAX = 256
ROUNDS_MAX = 8  # of reading more for one commit: order, listing, SKU, set, component, count
ANSWER_BYTES_MAX = 4_096
UNAVAILABLE_SECONDS_MAX = 30.0
RETRY_SECONDS = 0.1
GATHER_SECONDS_MAX = 0.0004  # callers answered together come again together: one commit for all costs half of two

# Faults of our own, or of what is stored: the command that meets one fails with it, and the others go on.
OURS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    UnknownFact,
    msgspec.MsgspecError,
)


@dataclass(frozen=True, slots=True)
class _Waiting:
    command: Command
    future: "Future[Done]"
    since: float


@dataclass(slots=True)
class _Work:
    """One commit in the making. Mutable: filled step by step, and looked at when a step breaks."""

    batch: Sequence[_Waiting]
    view: View
    kept: dict[tuple[str, str], KeptAnswer] = field(default_factory=dict)
    new_keys: list[KeptAnswer] = field(default_factory=list)
    answers: list[tuple[_Waiting, Done | Exception]] = field(default_factory=list)
    link: bytes | None = None  # of facts whose COMMIT may have been sent


class Writer:
    """The one way facts get into the ledger. Thread-safe; one writer a process, any number of processes.

    ``lock_seconds_max`` is the longest a commit took from asking for the lock to its durable end, ``alone_seconds`` what the
    last command that commits alone took so (a bulk sizes its next chunk by it), ``commits`` their number.
    """

    def __init__(self, connect: Callable[[], Connection], schema: str, clock: Clock) -> None:
        self._session = Session(connect)
        self._clock = clock
        self._statements = Statements(schema)
        self._selects = Selects(schema)
        self._kept = StreamsKept()
        self._queue: deque[_Waiting] = deque()
        self._wake = Condition()
        self._committing = Lock()
        self._expected = 1  # commands, before a commit is worth while
        self._stopping = False
        self._running = False
        self.lock_seconds_max = 0.0
        self.alone_seconds = 0.0
        self.commits = 0

    def submit(self, command: Command) -> "Future[Done]":
        """The command waits for the next commit; the future answers when it is durable, or raises what it raised.

        It can be cancelled until its commit begins. Raises LedgerUnavailable when the writer is stopping.
        """
        future: Future[Done] = Future()
        with self._wake:
            if self._stopping:
                raise LedgerUnavailable("the writer is stopping; nothing was recorded, send it again")
            self._queue.append(_Waiting(command, future, self._clock.monotonic()))
            if len(self._queue) == 1 or len(self._queue) >= self._expected:
                self._wake.notify()
        return future

    def do(self, command: Command) -> Done:
        """The command is done and durable. Raises what ``submit`` raises, and what the decision raised."""
        return self.wait_for(self.submit(command))

    def wait_for(self, future: "Future[Done]") -> Done:
        """The result of a submitted command. Where the writer's thread does not run, the caller commits what waits."""
        while not self._running and not future.done():
            self.commit_waiting()
        return future.result()

    def run(self) -> None:
        """Commits what waits until ``stop``; the body of the writer's thread. When it ends no command is left waiting."""
        self._running = True
        try:
            while True:
                with self._wake:
                    while not self._queue and not self._stopping:
                        self._wake.wait()
                    if not self._queue:
                        return
                    self._wake.wait_for(self._gathered, GATHER_SECONDS_MAX)
                self.commit_waiting()
        finally:  # also when the process is ending for a reason beyond commands: nobody waits for ever
            self.stop()
            self._running = False
            while self._queue:
                future = self._queue.popleft().future
                if future.set_running_or_notify_cancel():
                    future.set_exception(LedgerUnavailable("the writer ended; nothing was recorded, send it again"))

    def stop(self) -> None:
        """No further commands are taken; ``run`` ends when the queue is empty."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()

    def close(self) -> None:
        """The connection is closed. Call it after ``run`` has ended."""
        self._session.close()

    def commit_waiting(self) -> int:
        """One batch of waiting commands is decided and committed, in this thread; the answer is how many there were.

        A database that is away is waited for, up to UNAVAILABLE_SECONDS_MAX a command. A batch that the database
        refuses is done again one by one, so that only the command at fault fails.
        """
        with self._committing:
            batch = self._take()
            waiting: Sequence[_Waiting] = batch
            try:
                while waiting:
                    away = self._attempt(waiting)
                    waiting = self._still_in_time(waiting, away)
            finally:  # nobody, unless the process is ending for a reason beyond commands
                for one in (w for w in batch if not w.future.done()):
                    self.close()
                    one.future.set_exception(
                        OutcomeUnknown("the writer ended; send the command again with the same key")
                    )
        return len(batch)

    # -------------------------------------------------------------- one commit

    def _gathered(self) -> bool:
        # A command that commits alone is slow enough without us; an empty queue was taken by a caller of ``do``.
        enough = len(self._queue) >= self._expected or self._stopping
        return enough or not self._queue or self._queue[0].command.alone

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        with self._wake:
            while self._queue and len(batch) < BATCH_MAX:
                if self._queue[0].command.alone and batch:
                    break
                one = self._queue.popleft()
                if not one.future.set_running_or_notify_cancel():
                    continue  # its caller went away
                batch.append(one)
                if one.command.alone:
                    break
        return batch

    def _attempt(self, waiting: Sequence[_Waiting]) -> Exception | None:
        """All of them are answered; or, when the database is away, why those without an answer wait on."""
        try:
            work = self._commit(waiting)
        except OutcomeUnknown as error:
            self.close()
            for one in waiting:
                one.future.set_exception(OutcomeUnknown(*error.args))
            return None
        except (psycopg.Error, ValueError, *OURS) as error:
            self.close()
            if is_away(error):
                self._clock.sleep(RETRY_SECONDS)
                return error
            if len(waiting) == 1:
                waiting[0].future.set_exception(error)
                return None
        else:
            # Those who wait already, and those who are told now and may come again.
            self._expected = min(len(self._queue) + len(waiting), BATCH_MAX)
            reach("writer.before_answer")
            for one, answer in work.answers:
                if isinstance(answer, Done):
                    one.future.set_result(answer)
                else:
                    one.future.set_exception(answer)
            reach("writer.after_answer")
            return None
        return next((away for one in waiting if (away := self._attempt([one]))), None)

    def _commit(self, batch: Sequence[_Waiting]) -> _Work:
        """The batch is durable; its answers wait to be given. Whatever it raises, nothing was recorded, but OutcomeUnknown."""
        connection = self._session.connection()
        if batch[0].command.alone:  # thousands of rows: what can be read before the lock is
            prefetch(connection, self._selects, batch[0].command.wanted, self._kept)
        work = _Work(batch, View(0, self._clock.now()))
        began = self._clock.monotonic()
        try:
            self._record(connection, work)
        except (psycopg.Error, AssertionError):
            if work.link is None:
                raise
            self.close()
            if not self._was_sealed(work.view.facts[0].position, work.link):
                raise
        for name, stream in work.view.streams.items():
            if stream.fold is not None:
                self._kept.put(name, stream)
        self.commits += 1
        took = self._clock.monotonic() - began
        self.lock_seconds_max = max(self.lock_seconds_max, took)
        if batch[0].command.alone:
            self.alone_seconds = took
        return work

    def _record(self, connection: Connection, work: _Work) -> None:
        """One transaction in two round trips: what is wanted is read; what was decided is written, with its COMMIT."""
        facts, pipeline = work.view.facts, self._session.pipeline()
        head = self._read(connection, pipeline, work)
        reach("commit.locked")
        self._decide(connection, pipeline, work)
        reach("commit.decided")
        if not facts and not work.new_keys:
            self._session.roll_back()
            return
        if len(facts) >= COPY_FACTS_MIN:
            self._session.leave_pipeline()
            copy_facts(connection, self._statements, facts)
            pipeline = self._session.pipeline()
        self._write(connection, pipeline, head, work)

    def _read(self, connection: Connection, pipeline: psycopg.Pipeline, work: _Work) -> Head:
        wanted = Wanted()
        for one in work.batch:
            wanted.add(one.command.wanted)
        keys = (one.command.key for one in work.batch)
        names = [(key.scope, key.name) for key in keys if key is not None]
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED", prepare=True)
        locked = connection.execute(self._statements.lock_head, prepare=True)
        for answer in fetch(connection, pipeline, self._selects, work.view, wanted, self._kept, names):
            work.kept[answer.scope, answer.key] = answer
        head = head_of(locked.fetchone())
        work.view.position = head.position
        return head

    def _decide(self, connection: Connection, pipeline: psycopg.Pipeline, work: _Work) -> None:
        left = work.batch
        for _ in range(ROUNDS_MAX):
            wanted, again = Wanted(), []
            behind: set[str] = set()  # orders of which a command waits: what is said of them later is decided later
            for one in left:
                command = one.command
                try:
                    if not behind.isdisjoint(command.wanted.streams):
                        again.append(one)
                        _try(work.view, command)
                    else:
                        work.answers.append((one, _decided(work, command)))
                except NotReadYet as more:
                    wanted.add(more.wanted)
                    if again[-1:] != [one]:
                        again.append(one)
                    behind.update(name for name in command.wanted.streams if kind_of(name) == "order")
            if not again:
                return
            fetch(connection, pipeline, self._selects, work.view, wanted, self._kept)
            left = again
        raise AssertionError(f"a decision asked for more than {ROUNDS_MAX} times")

    def _write(self, connection: Connection, pipeline: psycopg.Pipeline, head: Head, work: _Work) -> None:
        view = work.view
        new = queue(connection, self._statements, head, view.facts, view.effects, work.new_keys, self._clock.now())
        if view.facts:
            work.link = new.hash
        commit(connection, pipeline)

    def _was_sealed(self, first_position: int, link: bytes) -> bool:
        """Asks until the database answers. Raises OutcomeUnknown after UNAVAILABLE_SECONDS_MAX."""
        until = self._clock.monotonic() + UNAVAILABLE_SECONDS_MAX
        while True:
            try:
                return was_sealed(self._session.connection(), self._statements, first_position, link)
            except (psycopg.Error, HeadMissing) as error:
                self.close()
                if self._clock.monotonic() > until:
                    raise OutcomeUnknown(
                        "the database went away during COMMIT; send it again with the same key"
                    ) from error
                self._clock.sleep(RETRY_SECONDS)

    def _still_in_time(self, waiting: Sequence[_Waiting], away: Exception | None) -> list[_Waiting]:
        now, still = self._clock.monotonic(), []
        for one in waiting:
            if one.future.done():
                continue
            if now - one.since <= UNAVAILABLE_SECONDS_MAX:
                still.append(one)
                continue
            error = LedgerUnavailable("the database does not answer; nothing was recorded, send it again")
            error.__cause__ = away
            one.future.set_exception(error)
        return still


def _try(view: View, command: Command) -> None:
    """Decided for what it reads alone. Raises NotReadYet."""
    with suppress(ValueError, *OURS):  # the answer may be another when its turn has come
        command.decide(view)


def _decided(work: _Work, command: Command) -> Done | Exception:
    """The command's answer, its facts in the view; or why it alone fails. Raises NotReadYet.

    A fault while its facts are put into the view is raised: the view is spoilt and the batch is done again.
    """
    key, view = command.key, work.view
    if key is not None and (before := work.kept.get((key.scope, key.name))) is not None:
        if before.digest != key.digest:
            return KeyReused(f"key {key.name!r} of {key.scope} was used with another input; expected a new key")
        return Done(before.position, msgspec.json.decode(before.answer), 0, replayed=True)
    try:
        decision = command.decide(view)
    except (ValueError, *OURS) as error:  # deciding changes nothing, so the others go on
        return error
    count = len(view.facts)
    view.apply(decision.drafts, command.envelope)
    if decision.made is not None:
        view.adopt(decision.made, decision.stale)
    assert command.alone or not view.tops, "a number on top of changes commits alone"
    if key is not None:
        raw = msgspec.json.encode(decision.answer)
        assert len(raw) <= ANSWER_BYTES_MAX, (key.scope, len(raw))
        answer = KeptAnswer(key.scope, key.name, key.digest, raw, view.position)
        work.kept[key.scope, key.name] = answer
        work.new_keys.append(answer)
    return Done(view.position, decision.answer, len(view.facts) - count)
