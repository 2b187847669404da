"""A process that races for the units of one SKU: each line of its input is a race, each line of its output what it got.

Run as ``python -m tests.ledger.race_child URL SCHEMA NAME COMMANDS``; a line is ``SEED SKU``, the answer ``ACCEPTED UNITS``.
"""

import random
import sys
from concurrent.futures import ThreadPoolExecutor

from api.database import Database
from ledger.stock import NotEnough
from ledger.writer import Writer
from tests.ledger.rig import hold, running_writer

CALLERS = 2
UNITS_MAX = 3


def run(url: str, schema: str, name: str, commands: str) -> None:
    """Says ``ready`` when the writer has a connection, then races until its input ends."""
    with running_writer(Database(url, schema)) as writer, ThreadPoolExecutor(CALLERS) as callers:
        with_connection(writer)
        print("ready", flush=True)
        for line in sys.stdin:
            seed, sku = line.split()
            shares = [(writer, sku, f"{name}.{seed}.{caller}", int(commands)) for caller in range(CALLERS)]
            taken = [units for got in callers.map(lambda share: take(*share), shares) for units in got]
            print(len(taken), sum(taken), flush=True)


def with_connection(writer: Writer) -> None:
    try:
        writer.do(hold("no such SKU", 1, "warm"))
    except ValueError:
        pass  # it has no number, as it should


def take(writer: Writer, sku: str, name: str, commands: int) -> list[int]:
    """The units of the holds that were accepted: first of several units, at the end of one, so that nothing is left over."""
    chance, accepted = random.Random(name), []
    for n in range(commands):
        units = chance.randint(1, UNITS_MAX) if n < commands * 2 // 3 else 1
        try:
            writer.do(hold(sku, units, f"{name}.{n}"))
        except NotEnough:
            continue
        accepted.append(units)
    return accepted


if __name__ == "__main__":
    run(*sys.argv[1:])
