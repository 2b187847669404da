"""Builds everything once: the only place, with settings, where the real clock, sleep, randomness and threads come from."""

import gc
import multiprocessing
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from threading import Thread

from psycopg_pool import ConnectionPool

from api import logs
from api.database import Database, connect_writer, open_pool, wait_for
from api.key_file import KeyFile
from api.localpg import LocalPostgres
from api.mail.dns import TxtRecords, ask_system
from api.migrations import migrate
from api.sealing import Seals
from api.settings import Settings
from ledger.book import Book, By, open_ledger
from ledger.reading import Selects, state_of
from ledger.view import Fold, S
from ledger.writer import Clock, Writer

logs.configure()  # before anything is logged: standard output is for answers

POOL_SIZE = 32  # a call that may renew a shop's secrets holds one; the pool opens and closes them as needed
SYSTEM = "system"  # the actor of what nobody asked for


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class House:
    """One process's share of a merchant's Daicho: the ledger's verbs, a pool for reading, the clock, new ids,
    the seals of secrets, how threads are started, and who is asked for TXT records (``api/mail/dns.py``).

    ``new_id`` gives 24 hexadecimal digits, for traces, requests and imports; ``new_secret`` 32 random bytes as text for URLs.
    """

    settings: Settings
    database: Database
    clock: Clock
    pool: ConnectionPool
    writer: Writer
    book: Book
    new_id: Callable[[], str]
    new_secret: Callable[[], str]
    seals: Seals
    start_thread: Callable[[str, Callable[[], None]], Thread]
    txt: Callable[[str], tuple[bytes, ...] | None]

    def look(self, stream: str, fold: Fold[S]) -> S:
        """The stream folded as it is now; for looking, never for deciding."""
        with self.pool.connection() as connection:
            return state_of(connection, Selects(self.database.schema), stream, fold)

    def by(self, actor: str = SYSTEM, *, trace: str | None = None, cause: str | None = None) -> By:
        """Who asks: a trace of its own unless one is given."""
        return By(actor, trace or self.new_id(), cause)


def start_thread(name: str, body: Callable[[], None]) -> Thread:
    """A thread that runs ``body`` and does not keep the process alive."""
    thread = Thread(target=body, name=name, daemon=True)
    thread.start()
    return thread


def side_by_side(bodies: Sequence[Callable[[], Exception | None]]) -> list[Exception | None]:
    """What each of the bodies answered, all run at once, each in a fork of this process: Python runs one thread at a time.

    Call it while no other thread runs. Raises ChildProcessError when one of them was ended from outside.
    """
    context = multiprocessing.get_context("fork")
    started = []
    for number, body in enumerate(bodies):
        answer, say = context.Pipe(duplex=False)
        process = context.Process(target=_say, args=(body, say), name=f"beside-{number}", daemon=True)
        process.start()
        say.close()
        started.append((process, answer))
    answers: list[Exception | None] = []
    for process, answer in started:
        try:
            answers.append(answer.recv())
        except EOFError as error:
            process.join()
            raise ChildProcessError(f"{process.name} ended with {process.exitcode} and without an answer") from error
        process.join()
    return answers


def _say(body: Callable[[], Exception | None], answer: Connection) -> None:
    answer.send(body())
    answer.close()


def local_postgres(settings: Settings) -> LocalPostgres:
    """The embedded server of this home; it is not started by this."""
    return LocalPostgres(settings.home, settings.db_user, sleep=time.sleep)


def reached_database(settings: Settings) -> Database:
    """The database answers: the one of DAICHO_DATABASE_URL, else the embedded one, started. Raises Unavailable."""
    if settings.database_url is None:
        return Database(local_postgres(settings).start(), settings.schema_name)
    database = Database(settings.database_url.get_secret_value(), settings.schema_name)
    wait_for(database.url, sleep=time.sleep, wait_seconds_max=settings.database_wait_seconds)
    return database


def ready_database(settings: Settings) -> Database:
    """The database answers and every migration has run. Raises Unavailable, MigrationRefused."""
    database = reached_database(settings)
    migrate(database)
    return database


def new_id() -> str:
    """24 random hexadecimal digits (96 bits)."""
    return secrets.token_hex(12)


@contextmanager
def open_house(
    settings: Settings,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
    ask_txt: Callable[[str], tuple[bytes, ...] | None] = ask_system,
) -> Iterator[House]:
    """The house of these settings, its writer running; on leaving, what waits is committed and everything is closed.

    ``database``: one that is ready already (tests). ``ask_txt``: who answers questions to DNS. Raises Unavailable, MigrationRefused.
    """
    # Facts and folded streams live long: the default thresholds spend half of a bulk's time looking at them again.
    gc.set_threshold(50_000, 20, 100)
    ready = database or ready_database(settings)
    time_of_house = clock or SystemClock()
    writer = Writer(lambda: connect_writer(ready), ready.schema, time_of_house)
    key_file = KeyFile(settings.key_file)
    key_file.keys()  # made, or found unreadable, before anything is taken
    seals = Seals(key_file.keys)
    thread = start_thread("ledger-writer", writer.run)
    try:
        with open_pool(ready, name="daicho", size_max=POOL_SIZE) as pool:
            book = Book(writer, time_of_house.now)
            with pool.connection() as connection:
                row = connection.execute("SELECT ledger_id FROM ledger_head").fetchone()
            assert row is not None
            book.do(open_ledger(str(row[0])), By(SYSTEM, new_id()))
            yield House(
                settings,
                ready,
                time_of_house,
                pool,
                writer,
                book,
                new_id,
                lambda: secrets.token_urlsafe(32),
                seals,
                start_thread,
                TxtRecords(ask_txt, time_of_house.monotonic),
            )
    finally:
        writer.stop()
        thread.join()
        writer.close()
