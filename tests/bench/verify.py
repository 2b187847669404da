"""P10: how quickly verify proves a ledger, beside SHA-256 of the same bytes.

Every figure is from a process of its own, so that its memory is its own: the chain alone, all rules, an export, and the file
of it.
"""

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from api.database import Database
from ledger.export import FileLedger, export
from ledger.snapshot import snapshot
from ledger.verify import verify
from tests.bench import history
from tests.bench.ground import Ground
from tests.bench.rows import Row

GOALS = ("P10",)
FACTS, QUICK_FACTS = 1_000_000, 100_000
SKUS_MAX = 100_000
FACTS_A_SKU = 10
SEED = 10
MEMORY_MB_MAX = 300


def measure(under: Ground) -> list[Row]:
    """Each way to prove a ledger, by facts a second, and the memory of the one that needs most."""
    database = under.fresh("verify")
    size = QUICK_FACTS if under.quick else FACTS
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        facts = history.fill(connection, database.schema, size, seed=SEED, skus=min(SKUS_MAX, size // FACTS_A_SKU))
    file = under.home / "verify.jsonl"
    spent = {way: _alone(way, database, file) for way in ("sha256", "chain", "all", "export", "file_chain", "file_all")}
    file.unlink()
    # The goals are seconds for 1,000,000 facts.
    scale = facts / 1_000_000
    sha = spent["sha256"]["seconds"]

    def row(way: str, what: str, goal: float | None = None, stretch: float | None = None) -> Row:
        seconds = spent[way]["seconds"]
        return Row(
            "P10", f"{what}, {facts:,} facts, seconds per million", seconds / scale, "s", goal, stretch, lower=True
        )

    return [
        row("sha256", "SHA-256 of the states alone"),
        row("chain", "verify the chain", 10, 3),
        row("all", "verify every rule", 60),
        row("export", "export"),
        row("file_chain", "verify the chain of a file"),
        row("file_all", "verify every rule of a file"),
        Row(
            "P10",
            "chain beside SHA-256 of the same bytes",
            spent["chain"]["seconds"],
            "s",
            None,
            None,
            sha,
            "sha256",
            lower=True,
        ),
        Row(
            "P10",
            "memory of the way that needs most",
            max(s["memory_mb"] for s in spent.values()),
            "MB",
            MEMORY_MB_MAX,
            lower=True,
        ),
    ]


def _alone(way: str, database: Database, file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.verify", way, database.url, database.schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def one(way: str, database: Database, file: Path) -> dict[str, Any]:
    """One way, in this process."""
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        if way == "sha256":
            return _digests_alone(connection, database.schema)
        began = time.perf_counter()
        if way.startswith("file"):
            with file.open("rb") as opened:
                _sound(verify(FileLedger(opened), chain_only=way == "file_chain").sound)
        else:
            with snapshot(connection, database.schema) as ledger:
                if way == "export":
                    with file.open("wb") as opened:
                        export(ledger, opened)
                else:
                    _sound(verify(ledger, chain_only=way == "chain").sound)
        return _spent(time.perf_counter() - began)


def _digests_alone(connection: psycopg.Connection[Any], schema: str) -> dict[str, Any]:
    """SHA-256 of every state, once each, with nothing around it: what no proof can be quicker than."""
    seconds = 0.0
    with snapshot(connection, schema) as ledger:
        for commit in ledger.commits():
            states = [row[4] for row in commit.rows]
            began = time.perf_counter()
            for state in states:
                hashlib.sha256(state).digest()
            seconds += time.perf_counter() - began
    return _spent(seconds)


def _spent(seconds: float) -> dict[str, Any]:
    # Not getrusage: its peak is also that of the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return {"seconds": seconds, "memory_mb": peak // 1_024}


def _sound(sound: bool) -> None:
    assert sound, "the ledger that was made is not sound"


if __name__ == "__main__":
    chosen, url, schema, path = sys.argv[1:]
    print(json.dumps(one(chosen, Database(url, schema), Path(path))))
