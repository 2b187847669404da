"""``make bench``: every benchmark, the table of figures beside yardsticks and goals, and ``bench.json``.

``ONLY=allocate`` runs one file (or ``ONLY=P1`` those of one goal); ``QUICK=1`` runs fewer and shorter rounds. A benchmark is a
file of this folder with ``GOALS`` and ``measure(ground) -> list[Row]``; nothing else names it.
"""

import importlib
import os
import pkgutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from tests import bench
from tests.bench.ground import Ground, ground
from tests.bench.rows import Row, table, write_json

ANSWER = Path("bench.json")


def run() -> int:
    only, quick = os.environ.get("ONLY", ""), os.environ.get("QUICK", "") not in ("", "0")
    home = Path(os.environ.get("DAICHO_HOME", ".daicho")).resolve() / "bench"
    chosen = [module for module in _benchmarks() if not only or only in (_name(module), *module.GOALS)]
    if not chosen:
        names = ", ".join(f"{_name(module)} ({' '.join(module.GOALS)})" for module in _benchmarks())
        print(f"bench: ONLY={only} names none; expected one of: {names}")
        return 2
    rows: list[Row] = []
    with ground(home, quick=quick) as under:
        conditions = under.conditions()
        print("bench:", ", ".join(f"{name} {value}" for name, value in conditions.items()), flush=True)
        for module in chosen:
            began = time.monotonic()
            rows.extend(module.measure(under))
            print(f"bench: {_name(module)} took {time.monotonic() - began:.0f} s", flush=True)
            _say_what_was_written(under)
    print(table(rows))
    write_json(ANSWER, rows, conditions)
    return 0


def _benchmarks() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(bench.__path__):
        if found.name != "__main__":
            module = importlib.import_module(f"{bench.__name__}.{found.name}")
            if hasattr(module, "GOALS"):
                yield module


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _say_what_was_written(under: Ground) -> None:
    while under.schemas:
        schema = under.schemas.pop()
        counts = ", ".join(f"{name} {count:,}" for name, count in under.counts(schema).items())
        print(f"bench: {schema}: {counts}", flush=True)
        print(f"bench: {schema}: verify: {under.verified(schema)}", flush=True)


if __name__ == "__main__":
    sys.exit(run())
