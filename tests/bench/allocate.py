"""P1 and P2: how many units are taken a second, spread over SKUs and from one hot SKU, beside what others would do.

Callers are threads that wait for their answer; every command has a key and writes all tables of one commit. It is a 払出, which
writes the rows of an allocation; an allocation without its order is what verify refuses. The yardstick of
P1 is the plain eventsourcing application (an Aggregate, ``repository.get``, ``save``, no snapshots, a pool of 16); that of P2 is
a guarded UPDATE and an event in one pipelined transaction, a connection for each caller.
"""

import gc
import hashlib
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from api.database import Database, connect_writer
from ledger import keys, stock
from ledger.codec import Envelope
from ledger.terms import MAIN_PLACE
from ledger.view import Draft, View, Wanted
from ledger.writer import Command, Decision, Key, Writer
from tests.bench.ground import Ground
from tests.bench.plain import PlainApplication
from tests.bench.rows import Row

GOALS = ("P1", "P2")
SKUS = 2_000
FACTS_A_SKU = 10
HOT = "SKU-00000"
SECONDS, QUICK_SECONDS = 3.0, 1.0
ROUNDS, QUICK_ROUNDS = 5, 3
DIGEST = hashlib.sha256(b"one unit").digest()

Call = Callable[[int, int], None]  # of a caller, for the n-th time


@dataclass(frozen=True)
class Pace:
    """What callers got: calls a second, and how long they waited."""

    rate: float
    p50_ms: float
    p99_ms: float


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def measure(under: Ground) -> list[Row]:
    gc.set_threshold(50_000, 20, 100)  # as api/wiring.py sets it for every process
    database = under.fresh("allocate")
    seconds, rounds = (QUICK_SECONDS, QUICK_ROUNDS) if under.quick else (SECONDS, ROUNDS)
    paces: dict[str, list[Pace]] = {}

    def timed(name: str, callers: int, call: Call) -> None:
        paces.setdefault(name, []).append(pace(callers, call, seconds))

    with ExitStack() as ended:
        writer = ended.enter_context(running_writer(database))
        fill(writer)
        plain = ended.enter_context(PlainApplication(under.url, SKUS, FACTS_A_SKU))
        guarded = ended.enter_context(GuardedUpdates(under.url, 64))
        for number in range(rounds):
            trace = f"r{number}"
            timed("plain", 16, plain.call)
            timed("spread 16", 16, taking(writer, spread, f"{trace}s16"))
            timed("spread 64", 64, taking(writer, spread, f"{trace}s64"))
            timed("guarded 16", 16, guarded.call)
            timed("hot 16", 16, taking(writer, hot, f"{trace}h16"))
            timed("guarded 64", 64, guarded.call)
            timed("hot 64", 64, taking(writer, hot, f"{trace}h64"))
            paces.setdefault("two", []).append(two_processes(database, seconds, trace))
    return rows({name: middle(found) for name, found in paces.items()})


def rows(of: dict[str, Pace]) -> list[Row]:
    plain, one, a, b = "plain eventsourcing", "one process × 16", "/s", "ms"
    guarded = "guarded UPDATE + INSERT"
    return [
        Row("P1", "spread over SKUs, 16 callers", of["spread 16"].rate, a, 7, 10, of["plain"].rate, plain),
        Row("P1", "p99 of it", of["spread 16"].p99_ms, b, 10, lower=True),
        Row("P1", "spread over SKUs, 64 callers", of["spread 64"].rate, a, 13, 20, of["plain"].rate, plain),
        Row("P1", "p99 of it", of["spread 64"].p99_ms, b, 15, lower=True),
        Row("P2", "one hot SKU, 16 callers", of["hot 16"].rate, a, 4, 6, of["guarded 16"].rate, guarded),
        Row("P2", "p99 of it", of["hot 16"].p99_ms, b, 8, lower=True),
        Row("P2", "one hot SKU, 64 callers", of["hot 64"].rate, a, 7, 10, of["guarded 64"].rate, guarded),
        Row("P2", "p99 of it", of["hot 64"].p99_ms, b, 12, lower=True),
        Row("P2", "one hot SKU, two processes × 16", of["two"].rate, a, 0.9, None, of["hot 16"].rate, one),
    ]


# ------------------------------------------------------------------ ours


@contextmanager
def running_writer(database: Database) -> Iterator[Writer]:
    """A writer with its thread, as a process has one."""
    writer = Writer(lambda: connect_writer(database), database.schema, SystemClock())
    thread = threading.Thread(target=writer.run)
    thread.start()
    try:
        yield writer
    finally:
        writer.stop()
        thread.join()
        writer.close()


def take(sku: str, name: str) -> Command:
    """One unit of the SKU is taken, under a key."""

    def decide(view: View) -> Decision:
        fact = stock.take_out(view.stock(sku), "bench", 1)
        return Decision([Draft(keys.stock(sku), fact)], {"available": fact.after})

    envelope = Envelope(datetime.now(UTC), "bench", name, name)
    return Command(decide, envelope, Wanted(stocks={(MAIN_PLACE, sku)}), Key("bench", name, DIGEST))


def receive(sku: str) -> Command:
    """The SKU has its first units."""

    def decide(view: View) -> Decision:
        return Decision([Draft(keys.stock(sku), stock.receive(view.stock(sku), "bench", "1", 1_000_000))])

    return Command(decide, Envelope(datetime.now(UTC), "bench", "fill"), Wanted(stocks={(MAIN_PLACE, sku)}))


def fill(writer: Writer) -> None:
    """Every SKU has FACTS_A_SKU facts."""
    names = [f"SKU-{n:05}" for n in range(SKUS)]
    waiting = [writer.submit(receive(sku)) for sku in names]
    waiting += [writer.submit(take(sku, f"fill-{sku}-{n}")) for n in range(FACTS_A_SKU - 1) for sku in names]
    for future in waiting:
        future.result()


def spread(chance: random.Random) -> str:
    return f"SKU-{chance.randrange(SKUS):05}"


def hot(_chance: random.Random) -> str:
    return HOT


def taking(writer: Writer, choose: Callable[[random.Random], str], trace: str) -> Call:
    chances = [random.Random(caller) for caller in range(64)]

    def call(caller: int, n: int) -> None:
        writer.do(take(choose(chances[caller]), f"{trace}-{caller}-{n}"))

    return call


def two_processes(database: Database, seconds: float, trace: str) -> Pace:
    """The hot SKU, by 16 callers in each of two processes at the same time."""
    command = [sys.executable, "-m", "tests.bench.allocate", database.url, database.schema, str(seconds), trace]
    children = [
        subprocess.Popen([*command, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for n in range(2)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    said = []
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        out, _ = child.communicate(timeout=60)
        assert child.returncode == 0, child.args
        said.append([float(each) for each in out.split()])
    return Pace(sum(each[0] for each in said), max(each[1] for each in said), max(each[2] for each in said))


def one_of_two(url: str, schema: str, seconds: str, trace: str, number: str) -> None:
    """One of the processes: ready, waits for the word, says its rate and its waiting times."""
    gc.set_threshold(50_000, 20, 100)
    with running_writer(Database(url, schema)) as writer:
        writer.do(take(HOT, f"{trace}-{number}-warm"))
        print("ready", flush=True)
        sys.stdin.readline()
        got = pace(16, taking(writer, hot, f"{trace}-two-{number}"), float(seconds))
    print(got.rate, got.p50_ms, got.p99_ms)


# ------------------------------------------------------------------ the other


class GuardedUpdates:
    """A row per SKU and a table of events: what a careful application without events at heart does."""

    def __init__(self, url: str, callers: int) -> None:
        self._url = url
        self._callers = callers
        self._connections: list[psycopg.Connection[tuple[object, ...]]] = []

    def __enter__(self) -> "GuardedUpdates":
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS bench_guarded CASCADE")
            connection.execute("CREATE SCHEMA bench_guarded")
            connection.execute(
                "CREATE TABLE bench_guarded.stock (sku text PRIMARY KEY, available bigint) WITH (fillfactor = 80)"
            )
            connection.execute(
                "CREATE TABLE bench_guarded.events (id bigserial PRIMARY KEY, sku text, key text UNIQUE, state jsonb)"
            )
            connection.execute("INSERT INTO bench_guarded.stock VALUES (%s, 100000000)", (HOT,))
        self._connections = [psycopg.connect(self._url, autocommit=True) for _ in range(self._callers)]
        self._round = 0
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    def call(self, caller: int, n: int) -> None:
        """One unit, if it is there, and its event."""
        connection, key = self._connections[caller], f"{time.monotonic_ns()}-{caller}-{n}"
        state = f'{{"order":"bench:{key}","listing":"","units":1,"actor":"bench","trace":"{key}"}}'
        with connection.pipeline(), connection.transaction():
            connection.execute(
                "UPDATE bench_guarded.stock SET available = available - 1 WHERE sku = %s AND available >= 1",
                (HOT,),
                prepare=True,
            )
            connection.execute(
                "INSERT INTO bench_guarded.events (sku, key, state) VALUES (%s, %s, %s)",
                (HOT, key, state),
                prepare=True,
            )


# ------------------------------------------------------------------ the clock


def pace(callers: int, call: Call, seconds: float) -> Pace:
    """Every caller calls again and again until the time is over; one that is refused or fails ends the benchmark."""
    waits: list[list[float]] = [[] for _ in range(callers)]
    faults: list[BaseException] = []
    together = threading.Barrier(callers + 1)
    over = threading.Event()

    def work(caller: int) -> None:
        together.wait()
        n = 0
        try:
            while not over.is_set():
                began = time.perf_counter()
                call(caller, n)
                waits[caller].append(time.perf_counter() - began)
                n += 1
        except Exception as error:
            faults.append(error)
            raise

    threads = [threading.Thread(target=work, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    together.wait()
    began = time.perf_counter()
    over.wait(seconds)
    over.set()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    assert not faults, faults[0]
    every = sorted(wait for each in waits for wait in each)
    return Pace(len(every) / took, every[len(every) // 2] * 1e3, every[int(len(every) * 0.99)] * 1e3)


def middle(found: list[Pace]) -> Pace:
    """The medians of several rounds."""
    return Pace(
        statistics.median(each.rate for each in found),
        statistics.median(each.p50_ms for each in found),
        statistics.median(each.p99_ms for each in found),
    )


if __name__ == "__main__":
    one_of_two(*sys.argv[1:])
