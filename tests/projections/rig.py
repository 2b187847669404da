"""A ledger with a book and runners on a test's database, and a clock that moves one second each time it is asked."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from api.database import Database, connect_writer
from ledger import keys
from ledger.book import Book, By, Verb
from ledger.codec import Envelope
from ledger.view import Draft, View
from ledger.writer import Command, Decision, Done, Writer
from projections.rebuild import Lanes, Place, Rebuilt, rebuild
from projections.runner import Runner
from projections.table import Connection, Table
from projections.tables import TABLES
from tests.ledger.words import DAY

BY = By("person:1", "trace-1")


def connected(database: Database) -> Connection:
    """A connection as the application has it."""
    return psycopg.connect(database.conninfo(), autocommit=True)


class TickingClock:
    """Time that stands still but for one second each time the day is asked for, and for what is slept."""

    def __init__(self) -> None:
        self.moment = DAY + timedelta(hours=12)
        self.slept = 0.0

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.moment += timedelta(seconds=seconds)


class Ledger:
    """One merchant's ledger and its tables, driven step by step."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.schema = database.schema
        self.clock = TickingClock()
        self.writer = Writer(lambda: connect_writer(database), database.schema, self.clock)
        self.book = Book(self.writer, self.clock.now)
        self.reader = self.connect()

    def connect(self) -> Connection:
        return connected(self.database)

    def do(self, *verbs: Verb) -> list[Done | Exception]:
        """The verbs are done one after the other; a refusal is an answer."""
        return self.book.do_page([(verb, BY) for verb in verbs])

    def must(self, *verbs: Verb) -> Done:
        """The verbs are done, none refused; the answer of the last."""
        answers = self.do(*verbs)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        last = answers[-1]
        assert isinstance(last, Done)
        return last

    def record(self, *drafts: Draft) -> Done:
        """The facts are recorded as they are, in one commit."""

        def decide(view: View) -> Decision:
            view.need(
                skus=[keys.parts_of(d.stream)[1] for d in drafts if d.stream.startswith("stock:")],
                streams=[d.stream for d in drafts if not d.stream.startswith("stock:")],
            )
            return Decision(drafts)

        return self.writer.do(Command(decide, Envelope(self.clock.now(), "person:1", "trace-1"), alone=True))

    def runner(self, tables: Sequence[Table] = TABLES, *, holder: str = "runner", page_facts: int = 10_000) -> Runner:
        return Runner(self.connect, self.schema, tables, holder=holder, clock=self.clock, page_facts=page_facts)

    def caught_up(self, tables: Sequence[Table] = TABLES) -> None:
        """The live tables are as far as the ledger."""
        runner = self.runner(tables)
        runner.run_once()
        runner.close()

    def place(self, holder: str = "rebuilder") -> Place:
        return Place(self.connect, self.schema, holder, self.clock)

    def compared(
        self, tables: Sequence[Table] = TABLES, *, page_facts: int = 10_000, alone: bool = False
    ) -> list[Rebuilt]:
        """The live tables held against a replay, which is dropped again; each table in a lane of its own when ``alone``."""
        lanes = Lanes([[table] for table in tables], lambda bodies: [body() for body in bodies]) if alone else None
        return rebuild(self.place(), tables, swap=False, page_facts=page_facts, lanes=lanes)

    def rows(self, query: str, *values: object) -> list[Any]:
        """The rows of a query in this schema."""
        return self.reader.execute(query.encode(), values).fetchall()

    def close(self) -> None:
        self.writer.close()
        self.reader.close()


@contextmanager
def opened(database: Database) -> Iterator[Ledger]:
    """A ledger on this database, its connections closed at the end."""
    ledger = Ledger(database)
    try:
        yield ledger
    finally:
        ledger.close()


def differences(results: Sequence[Rebuilt]) -> list[str]:
    """What differed, as sentences."""
    return [f"{each.table} at {each.position}: {each.difference}" for each in results if each.difference is not None]


Step = Callable[[Ledger], object]
