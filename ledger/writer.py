"""Group commit: waiting commands are decided together under the lock and written in one transaction.

A caller returns when its facts are durable. Decisions are made under the lock of the head, so none is stale and nothing is
retried; one bad command fails alone. When the connection breaks around COMMIT the writer reconnects, waits for the head
and asks whether the very commit was sealed: it answers its callers, or decides all again. It never guesses.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from threading import Condition, Lock
from typing import Protocol, TypeAlias

import msgspec
import psycopg

from ledger.codec import Envelope, UnknownFact
from ledger.commit import (
    Connection,
    Head,
    HeadMissing,
    KeptAnswer,
    Statements,
    finish,
    head_of,
    is_away,
    was_sealed,
    write,
)
from ledger.failpoint import reach
from ledger.reading import Selects, fetch, prefetch
from ledger.seal import StoredFact
from ledger.view import Draft, NotReadYet, StreamsKept, View, Wanted

BATCH_MAX = 256
ROUNDS_MAX = 8  # of reading more for one commit: order, listing, SKU, set, component, count
ANSWER_BYTES_MAX = 4_096
UNAVAILABLE_SECONDS_MAX = 30.0
RETRY_SECONDS = 0.1

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

Answer = Mapping[str, object]
_Answers: TypeAlias = dict[tuple[str, str], KeptAnswer]


class LedgerUnavailable(RuntimeError):
    """The database could not be reached in time; nothing of this command was recorded. Send it again."""


class OutcomeUnknown(RuntimeError):
    """The connection broke around COMMIT and could not be made again in time. Send it again with the same key."""


class KeyReused(ValueError):
    """The idempotency key was used before with another input. Use a new key for a new command."""


class Clock(Protocol):
    """Time as wiring gives it."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """The facts to record, possibly none, and what the caller is told."""

    drafts: Sequence[Draft] = ()
    answer: Answer = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Key:
    """The idempotency key of a command. ``digest`` is SHA-256 over its canonical input."""

    scope: str
    name: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """One thing to be decided. ``decide`` is pure and may be asked more than once; ``wanted`` is what it surely reads.

    ``alone``: it commits in a transaction of its own (bulk chunks, overwrites that look at changes).
    """

    decide: Callable[[View], Decision]
    envelope: Envelope
    wanted: Wanted = field(default_factory=Wanted)
    key: Key | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The command's facts are durable. ``position`` is the ledger's last position that the answer is true at.

    ``facts`` 0: nothing new was said. ``replayed``: the same command was done before, this is its first answer.
    """

    position: int
    answer: Answer
    facts: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class _Waiting:
    command: Command
    future: "Future[Done]"
    since: float


class Writer:
    """The one way facts get into the ledger. Thread-safe; one writer a process, any number of processes.

    ``lock_seconds_max`` is the longest a commit took from asking for the lock to its durable end, ``commits`` their number.
    """

    def __init__(self, connect: Callable[[], Connection], schema: str, clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._statements = Statements(schema)
        self._selects = Selects(schema)
        self._kept = StreamsKept()
        self._queue: deque[_Waiting] = deque()
        self._wake = Condition()
        self._committing = Lock()
        self._stopping = False
        self._running = False
        self._held: Connection | None = None
        self.lock_seconds_max = 0.0
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
        if self._held is not None:
            self._held.close()
            self._held = None

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
            answers = self._commit(waiting)
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
            reach("writer.before_answer")
            for one, answer in answers:
                if isinstance(answer, Done):
                    one.future.set_result(answer)
                else:
                    one.future.set_exception(answer)
            reach("writer.after_answer")
            return None
        return next((away for one in waiting if (away := self._attempt([one]))), None)

    def _commit(self, batch: Sequence[_Waiting]) -> list[tuple[_Waiting, Done | Exception]]:
        """The batch is durable; the answers wait to be given. Whatever it raises, nothing was recorded, but OutcomeUnknown."""
        connection = self._connection()
        if batch[0].command.alone:  # thousands of rows: what can be read before the lock is
            prefetch(connection, self._selects, batch[0].command.wanted, self._kept)
        began = self._clock.monotonic()
        head, view, kept = self._read(connection, batch)
        reach("commit.locked")
        answers, new_keys = self._decide(connection, view, batch, kept)
        reach("commit.decided")
        if not view.facts and not new_keys:
            connection.execute("ROLLBACK")
        else:
            new = write(connection, self._statements, head, view.facts, view.effects, new_keys, self._clock.now())
            self._finish(connection, new, view.facts)
        for name, stream in view.streams.items():
            if stream.fold is not None:
                self._kept.put(name, stream)
        self.commits += 1
        self.lock_seconds_max = max(self.lock_seconds_max, self._clock.monotonic() - began)
        return answers

    def _read(self, connection: Connection, batch: Sequence[_Waiting]) -> tuple[Head, View, _Answers]:
        wanted = Wanted()
        for one in batch:
            wanted.add(one.command.wanted)
        keys = (one.command.key for one in batch)
        view = View(0, self._clock.now())
        with connection.pipeline():
            connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED", prepare=True)
            locked = connection.execute(self._statements.lock_head, prepare=True)
            names = [(key.scope, key.name) for key in keys if key is not None]
            kept = fetch(connection, self._selects, view, wanted, self._kept, names)
        head = head_of(locked.fetchone())
        view.position = head.position
        return head, view, {(answer.scope, answer.key): answer for answer in kept}

    def _decide(
        self, connection: Connection, view: View, batch: Sequence[_Waiting], kept: _Answers
    ) -> tuple[list[tuple[_Waiting, Done | Exception]], list[KeptAnswer]]:
        answers: list[tuple[_Waiting, Done | Exception]] = []
        new_keys: list[KeptAnswer] = []
        left = batch
        for _ in range(ROUNDS_MAX):
            wanted, again = Wanted(), []
            for one in left:
                try:
                    answers.append((one, _decided(view, one.command, kept, new_keys)))
                except NotReadYet as more:
                    wanted.add(more.wanted)
                    again.append(one)
            if not again:
                return answers, new_keys
            fetch(connection, self._selects, view, wanted, self._kept)
            left = again
        raise AssertionError(f"a decision asked for more than {ROUNDS_MAX} times")

    def _finish(self, connection: Connection, new: Head, facts: Sequence[StoredFact]) -> None:
        try:
            finish(connection)
        except psycopg.Error:
            self.close()
            if not facts or not self._was_sealed(facts[0].position, new.hash):
                raise

    def _was_sealed(self, first_position: int, link: bytes) -> bool:
        """Asks until the database answers. Raises OutcomeUnknown after UNAVAILABLE_SECONDS_MAX."""
        until = self._clock.monotonic() + UNAVAILABLE_SECONDS_MAX
        while True:
            try:
                return was_sealed(self._connection(), self._statements, first_position, link)
            except (psycopg.Error, HeadMissing) as error:
                self.close()
                if self._clock.monotonic() > until:
                    raise OutcomeUnknown(
                        "the database went away during COMMIT; send it again with the same key"
                    ) from error
                self._clock.sleep(RETRY_SECONDS)

    # -------------------------------------------------------------- the connection

    def _connection(self) -> Connection:
        if self._held is None or self._held.closed:
            self._held = self._connect()
            assert self._held.autocommit, "the writer begins and ends its transactions itself"
        return self._held

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


def _decided(view: View, command: Command, kept: _Answers, new_keys: list[KeptAnswer]) -> Done | Exception:
    """The command's answer, its facts in the view; or why it alone fails. Raises NotReadYet.

    A fault while its facts are put into the view is raised: the view is spoilt and the batch is done again.
    """
    key = command.key
    if key is not None and (before := kept.get((key.scope, key.name))) is not None:
        if before.digest != key.digest:
            return KeyReused(f"key {key.name!r} of {key.scope} was used with another input; expected a new key")
        return Done(before.position, msgspec.json.decode(before.answer), 0, replayed=True)
    try:
        decision = command.decide(view)
    except (ValueError, *OURS) as error:  # deciding changes nothing, so the others go on
        return error
    count = len(view.facts)
    view.apply(decision.drafts, command.envelope)
    assert command.alone or not (view.effects.touches or view.tops), (
        "a count by positions, or on top of changes, commits alone"
    )
    if key is not None:
        raw = msgspec.json.encode(decision.answer)
        assert len(raw) <= ANSWER_BYTES_MAX, (key.scope, len(raw))
        answer = KeptAnswer(key.scope, key.name, key.digest, raw, view.position)
        kept[key.scope, key.name] = answer
        new_keys.append(answer)
    return Done(view.position, decision.answer, len(view.facts) - count)
