"""R3: whoever follows the ledger sees every fact, in order, once, however commits are delayed and rolled back.

Positions are given under the lock that is held until COMMIT, so a reader never passes a fact that commits later; nothing is
waited for but the lock, so an old snapshot that someone holds open delays nobody.
"""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from api.database import Database
from ledger import failpoint
from ledger.store import open_ledger
from tests.ledger.rig import TIMES, add_one_by_one, running_writer, whole_ledger

WRITERS = 8
COMMANDS = 40 * TIMES  # of each writer
FACTS_MAX = 3
DELAY_SECONDS_MAX = 0.006  # before COMMIT, with the lock held
ROLLED_BACK = 0.1  # this part of commits breaks before its COMMIT and is done again
KILLS = 3 * TIMES
STALL_SECONDS_MAX = 1.0
STATE = b'{"at":"2026-07-01T00:00:00Z","actor":"u","trace":"t","command_key":null,"cause":null,"fact":{}}'
OVER = "over"


@pytest.fixture
def trouble() -> Iterator[list[str]]:
    """Commits are delayed at random, and broken at random just before their COMMIT."""
    chance, broken = random.Random(20260701), list[str]()

    def before_commit(name: str) -> None:
        if name == "commit.before_commit":
            time.sleep(chance.random() * DELAY_SECONDS_MAX)
            if chance.random() < ROLLED_BACK:
                broken.append(name)
                raise psycopg.OperationalError("the test breaks this commit")

    failpoint.arm(before_commit)
    yield broken
    failpoint.arm(None)


def test_followers_that_are_killed_and_resume_see_every_fact_in_order_once(
    database: Database, trouble: list[str]
) -> None:
    with old_snapshot(database), ThreadPoolExecutor(WRITERS + 3) as pool:
        killed = [pool.submit(_followed, database, way) for way in ("pages", "subscription")]
        writing = [pool.submit(_write, database, n) for n in range(WRITERS)]
        stalled = pool.submit(_longest_stall, database)
        for each in writing:
            each.result(120)
        _say_over(database)
        facts = [f"{r.position} {r.stream} {r.version}" for r in whole_ledger(database)]
        assert len(trouble) > WRITERS
        for each_way in killed:
            assert each_way.result(60) == facts
        assert stalled.result(60) < STALL_SECONDS_MAX


def _write(database: Database, n: int) -> None:
    """Half of them by the writer, half by the library's recorder, each to a stream of its own and to one of all."""
    chance = random.Random(n)
    if n % 2:
        with running_writer(database) as writer:
            for command in range(COMMANDS):
                sku = chance.choice(["A", f"own-{n}"])
                writer.do(add_one_by_one(sku, chance.randint(1, FACTS_MAX), f"{n}-{command}"))
        return
    with open_ledger(database.conninfo(), database.schema) as ledger:
        version = 0
        for _ in range(COMMANDS):
            count = chance.randint(1, FACTS_MAX)
            events = [StoredEvent(f"shop:{n}", version + each, "IntakeStarted", STATE) for each in range(1, count + 1)]
            assert ledger.recorder_of_facts.insert_events(events)
            version += count


def _say_over(database: Database) -> None:
    with running_writer(database) as writer:
        writer.do(add_one_by_one(OVER, 1, OVER))


def _followed(database: Database, way: str) -> list[str]:
    """What a follower said that was killed again and again and went on after the last position it had said."""
    chance, seen = random.Random(way), list[str]()
    for kill in range(KILLS + 1):
        after = seen[-1].split(" ")[0] if seen else "0"
        most = chance.randint(1, WRITERS * COMMANDS // KILLS) if kill < KILLS else None
        seen.extend(_lines_of_one(database, way, after, most))
        if _is_over(seen):
            break
    return seen


def _lines_of_one(database: Database, way: str, after: str, most: int | None) -> list[str]:
    command = [sys.executable, "-m", "tests.ledger.tail_child", database.url, database.schema, way, after]
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        for line in follower.stdout:
            said.append(line.rstrip("\n"))
            if _is_over(said) or len(said) == most:
                follower.kill()
                break
        rest = follower.stdout.read()  # said before it was killed; half a line was not said
    return [*said, *rest[: rest.rfind("\n") + 1].splitlines()]


def _is_over(said: list[str]) -> bool:
    return bool(said) and said[-1].split(" ")[1] == f"stock:main:{OVER}"


def _longest_stall(database: Database) -> float:
    """The longest time from the moment a fact is there to the moment a subscription gives it."""
    stalls = [0.0]
    with open_ledger(database.conninfo(), database.schema) as ledger:
        recorder = ledger.recorder_of_facts
        there: dict[int, float] = {}
        over = threading.Event()

        def look() -> None:
            last = 0
            while not over.is_set():
                newest = recorder.max_notification_id() or 0
                there.update((position, time.monotonic()) for position in range(last + 1, newest + 1))
                last = newest
                over.wait(0.01)

        looking = threading.Thread(target=look)
        looking.start()
        with recorder.subscribe(gt=0) as followed:
            for n in followed:
                stalls.append(time.monotonic() - there.get(n.id, time.monotonic()))
                if n.originator_id == f"stock:main:{OVER}":
                    break
        over.set()
        looking.join()
    return max(stalls)


@contextmanager
def old_snapshot(database: Database) -> Iterator[None]:
    """Someone looked at the ledger, and sits there with the transaction open."""
    with psycopg.connect(database.conninfo(name="idle")) as idle:
        idle.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        idle.execute("SELECT count(*) FROM ledger_events")
        yield
        idle.rollback()
