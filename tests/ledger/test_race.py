"""R1: many processes race for the units of one SKU with a strict command, and are given exactly what there is."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from api.database import Database
from ledger import keys
from ledger.facts.stock import HoldTaken
from tests.ledger.rig import TIMES, add, level, new_writer, whole_ledger

PROCESSES = 16
SEEDS = 5 * TIMES
COMMANDS = 12  # of each of a process's two callers
STOCK = 200  # about a third of what is asked for


def test_sixteen_processes_racing_for_one_sku_are_given_exactly_its_stock(database: Database) -> None:
    writer = new_writer(database)
    with racing(database) as racers:
        for seed in range(SEEDS):
            sku = f"HOT-{seed}"
            writer.do(add(sku, STOCK))
            for racer in racers:
                assert racer.stdin is not None
                racer.stdin.write(f"{seed} {sku}\n")
                racer.stdin.flush()
            got = [tuple(map(int, _line(racer).split())) for racer in racers]
            assert sum(units for _, units in got) == STOCK
            assert level(database, sku) == (1 + sum(accepted for accepted, _ in got), STOCK, STOCK)
            assert sum(accepted > 0 for accepted, _ in got) > 1, "a race of one is none"
    writer.close()
    _never_below_zero(database)


def _never_below_zero(database: Database) -> None:
    free: dict[str, int] = {}
    for record in whole_ledger(database):
        (_, sku) = keys.parts_of(record.stream)
        fact = record.fact
        free[sku] = free[sku] - fact.units if isinstance(fact, HoldTaken) else STOCK
        assert free[sku] >= 0, record
    assert set(free.values()) == {0}


@contextmanager
def racing(database: Database) -> Iterator[list["subprocess.Popen[str]"]]:
    """The processes, each connected and waiting for a race; ended with their input."""
    with ExitStack() as ended:
        racers = []
        for n in range(PROCESSES):
            command = [
                sys.executable,
                "-m",
                "tests.ledger.race_child",
                database.url,
                database.schema,
                str(n),
                str(COMMANDS),
            ]
            racer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            racers.append(ended.enter_context(racer))
        for racer in racers:
            assert _line(racer) == "ready\n"
        yield racers
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.close()
        assert [racer.wait(60) for racer in racers] == [0] * PROCESSES


def _line(racer: "subprocess.Popen[str]") -> str:
    assert racer.stdout is not None
    return racer.stdout.readline()
