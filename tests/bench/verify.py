"""P10: how quickly verify proves a ledger, beside SHA-256 of the same bytes. ``python -m tests.bench.verify [FACTS]``.

Every figure is from a process of its own, so that its memory is its own: the chain alone, all rules, an export, and the file
of it. The database is the embedded one of a temporary home, as durable as a user's.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from api.database import Database
from api.localpg import LocalPostgres
from api.migrations import migrate
from ledger.export import FileLedger, export
from ledger.snapshot import snapshot
from ledger.verify import verify
from tests import postgres
from tests.bench import history

SCHEMA = "daicho"
SKUS_MAX = 100_000
FACTS_A_SKU = 10
SEED = 10


def measure(size: int) -> dict[str, Any]:
    """Seconds and facts a second of each way to prove a ledger of about ``size`` facts, and the memory each needed in MB."""
    home = Path(tempfile.mkdtemp(prefix="daicho-bench-"))
    try:
        database = Database(LocalPostgres(home, None, sleep=time.sleep).start(), SCHEMA)
        migrate(database)
        began = time.perf_counter()
        with psycopg.connect(database.conninfo(), autocommit=True) as connection:
            skus = min(SKUS_MAX, max(1, size // FACTS_A_SKU))
            facts = history.fill(connection, SCHEMA, size, seed=SEED, skus=skus)
        answer: dict[str, Any] = {"facts": facts, "skus": skus, "made_seconds": round(time.perf_counter() - began, 1)}
        file = home / "ledger.jsonl"
        for way in ("sha256", "chain", "all", "export", "file_chain", "file_all"):
            answer[way] = _alone(way, database.url, file)
            answer[way]["facts_per_second"] = round(facts / answer[way]["seconds"])
        answer["file_bytes"] = file.stat().st_size
        return answer
    finally:
        postgres.remove_home(home)


def _alone(way: str, url: str, file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.verify", "--one", way, url, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def one(way: str, url: str, file: Path) -> dict[str, Any]:
    """One way, in this process."""
    with psycopg.connect(Database(url, SCHEMA).conninfo(), autocommit=True) as connection:
        if way == "sha256":
            return _digests_alone(connection)
        began = time.perf_counter()
        if way.startswith("file"):
            with file.open("rb") as opened:
                _sound(verify(FileLedger(opened), chain_only=way == "file_chain").sound)
        else:
            with snapshot(connection, SCHEMA) as ledger:
                if way == "export":
                    with file.open("wb") as opened:
                        export(ledger, opened)
                else:
                    _sound(verify(ledger, chain_only=way == "chain").sound)
        return _spent(time.perf_counter() - began)


def _digests_alone(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """SHA-256 of every state, once each, with nothing around it: what no proof can be quicker than."""
    seconds, count = 0.0, 0
    with snapshot(connection, SCHEMA) as ledger:
        for commit in ledger.commits():
            states = [row[4] for row in commit.rows]
            began = time.perf_counter()
            for state in states:
                hashlib.sha256(state).digest()
            seconds += time.perf_counter() - began
            count += len(states)
    return _spent(seconds)


def _spent(seconds: float) -> dict[str, Any]:
    # Not getrusage: its peak is also that of the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return {"seconds": round(seconds, 2), "memory_mb": peak // 1_024}


def _sound(sound: bool) -> None:
    assert sound, "the ledger that was made is not sound"


def main(arguments: list[str]) -> None:
    """Prints what was measured; with ``--one`` the measurement of one way."""
    if arguments[:1] == ["--one"]:
        way, url, file = arguments[1:]
        print(json.dumps(one(way, url, Path(file))))
        return
    answer = measure(int(arguments[0]) if arguments else 1_000_000)
    for name, value in answer.items():
        print(
            f"{name:13} {value if not isinstance(value, dict) else '  '.join(f'{key} {each:,}' for key, each in value.items())}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
