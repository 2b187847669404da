"""A program that adds units under keys and says each key before it is sent and when it was done; killed while it works.

Run as ``python -m tests.ledger.crash_child POINT TIMES SIGNAL URL SCHEMA FACTS SENT``: at the POINT, reached for the given
time, it gets the SIGNAL. Each of its callers sends SENT commands of so many FACTS, each fact one unit.
"""

import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from api.database import Database
from ledger import failpoint
from tests import crashes
from tests.ledger.rig import add_one_by_one, running_writer

CALLERS = 4


def run(point: str, times: str, how: str, url: str, schema: str, facts: str, sent: str) -> None:
    """Every line says what is true before it is read: ``sent KEY`` before the command is sent, ``done KEY`` after its answer."""
    together = threading.Barrier(CALLERS)

    def call(caller: int) -> None:
        for n in range(int(sent)):
            if caller and n == 0:
                together.wait(30)
            key = f"{caller}-{n}"
            crashes.say(f"sent {key}")
            writer.do(add_one_by_one("A", int(facts), key))
            crashes.say(f"done {key}")
            if not caller and n == 0:
                together.wait(30)

    with running_writer(Database(url, schema)) as writer, ThreadPoolExecutor(CALLERS) as callers:
        failpoint.arm(crashes.at(point, int(times), signal.Signals(int(how))))
        for done in [callers.submit(call, caller) for caller in range(CALLERS)]:
            done.result()


if __name__ == "__main__":
    run(*sys.argv[1:])
