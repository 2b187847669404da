"""P4: a mall's CSV of 100,000 and of 1,000,000 rows, from its bytes to a change log that can be read, beside a COPY of its facts.

Every file goes the way an operator's goes: staged, previewed, applied, in a process of its own, while a runner here feeds the change log.
Two cases: no SKU is known yet, and every SKU gets another number. Orders come in from another process in rounds of their own.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event

import psycopg
from psycopg import sql

from api.database import Database
from api.settings import Settings
from api.shops import connect
from api.wiring import open_house, start_thread
from ledger.commit import Connection
from projections.runner import Runner
from projections.tables import named
from projections.wake import Wake
from tests.bench.ground import Ground
from tests.bench.import_alone import Loaded, loaded, ordering, write_file
from tests.bench.rows import Row
from tests.ledger.rig import RealClock

GOALS = ("P4",)
ROWS, MANY_ROWS = 100_000, 1_000_000
ROUNDS, QUICK_ROUNDS = 3, 1
COPY_BYTES = 1 << 20
FIRST_HOURS_AGO = 12.0
MEMORY_MB_MAX = 300
NEW, CHANGED = "all new", "all changed"

Case = tuple[Loaded, float]  # what the import took, and the COPY of its facts


def measure(under: Ground) -> list[Row]:
    """Both cases at 100,000 rows, with orders and without; at 1,000,000 rows without, where the run is not a quick one."""
    found: dict[str, list[Case]] = {NEW: [], CHANGED: []}
    beside: dict[str, list[Case]] = {NEW: [], CHANGED: []}
    order_ms: dict[str, list[float]] = {NEW: [], CHANGED: []}
    for _ in range(QUICK_ROUNDS if under.quick else ROUNDS):
        with _Round(under, ROWS) as one:
            found[NEW].append(one.load(NEW, begin=0))
            found[CHANGED].append(one.load(CHANGED, begin=0))
            for what, begin in ((CHANGED, 0), (NEW, ROWS)):
                with ordering(one.database, under.home, one.shop, ROWS) as said:
                    beside[what].append(one.load(what, begin=begin))
                order_ms[what].extend(said)
    rows = [row for what in found for row in _rows(what, ROWS, found[what])]
    for what in found:
        rows.extend(_with_orders(what, beside[what], order_ms[what]))
    if not under.quick:
        with _Round(under, MANY_ROWS) as one:
            many = {what: [one.load(what, begin=0)] for what in (NEW, CHANGED)}
        for what in many:
            rows.extend(_rows(what, MANY_ROWS, many[what]))
            rows.append(_per_row(what, found[what], many[what]))
    return rows


# ------------------------------------------------------------------ the figures


def _rows(what: str, size: int, cases: Sequence[Case]) -> list[Row]:
    name = f"{size:,} rows, {what}"
    one, copied = _middle(cases)
    facts = one.last - one.first + 1
    return [
        Row(
            "P4",
            f"{name}: {facts:,} facts, change log readable",
            one.seconds,
            "s",
            10,
            6,
            copied,
            "COPY of its facts",
            lower=True,
        ),
        Row("P4", f"{name}: staged from its bytes", one.staged, "s", lower=True),
        Row("P4", f"{name}: applied", one.applied, "s", lower=True),
        Row("P4", f"{name}: change log behind the last commit", one.readable, "s", lower=True),
        Row("P4", f"{name}: longest lock", max(case.lock for case, _ in cases) * 1_000, "ms", 100, lower=True),
        Row("P4", f"{name}: memory", max(case.memory_mb for case, _ in cases), "MB", MEMORY_MB_MAX, lower=True),
        Row(
            "P4",
            f"{name}: dry run of dry run + apply",
            one.previewed / (one.previewed + one.applied),
            "",
            0.5,
            lower=True,
        ),
    ]


def _with_orders(what: str, cases: Sequence[Case], order_ms: Sequence[float]) -> list[Row]:
    name, waits = f"{ROWS:,} rows, {what}, {len(order_ms):,} orders meanwhile", sorted(order_ms)
    one, copied = _middle(cases)
    return [
        Row("P4", f"{name}: an order's commit, p50", waits[len(waits) // 2], "ms", lower=True),
        Row("P4", f"{name}: an order's commit, p99", waits[len(waits) * 99 // 100], "ms", 150, lower=True),
        Row("P4", f"{name}: change log readable", one.seconds, "s", None, None, copied, "COPY", lower=True),
    ]


def _per_row(what: str, few: Sequence[Case], many: Sequence[Case]) -> Row:
    seconds = [_middle(cases)[0].seconds / size * 1e6 for cases, size in ((many, MANY_ROWS), (few, ROWS))]
    text = f"{MANY_ROWS:,} rows, {what}: a row of it beside one of {ROWS:,}"
    return Row("P4", text, seconds[0], "µs", 1.15, None, seconds[1], f"{ROWS:,} rows", lower=True)


def _middle(cases: Sequence[Case]) -> Case:
    """The case whose ratio to its COPY is the median one."""
    by_ratio = sorted(cases, key=lambda case: case[0].seconds / case[1])
    return by_ratio[len(by_ratio) // 2]


# ------------------------------------------------------------------ a round


class _Round:
    """A schema with one shop, whose change log is fed while files are loaded. Mutable: it counts its files."""

    def __init__(self, under: Ground, size: int) -> None:
        self._under, self._size = under, size
        self._files = 0
        self._began = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=FIRST_HOURS_AGO)
        name = f"imports_{size}"
        self.database = under.fresh(name)
        if under.schemas.count(self.database.schema) > 1:  # of several rounds the last one stays to be looked at
            under.schemas.remove(self.database.schema)
        self.shop = ""

    def __enter__(self) -> "_Round":
        with open_house(Settings(home=self._under.home), database=self.database) as house:
            verb = connect("rakuten", "samplestore", match_key="", settings={"shop_number": "402853"})
            self.shop = str(house.book.do(verb, house.by()).answer["shop"])
        return self

    def __exit__(self, *_: object) -> None:
        self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self._under.home / "dl-normal-item.csv"

    def load(self, what: str, *, begin: int) -> Case:
        """One more file, of the SKUs behind ``begin``, with numbers of its own, made an hour after the one before."""
        self._files += 1
        write_file(self._file, begin, self._size, add=self._files)
        self._settle()
        counted_at = self._began + timedelta(hours=self._files)
        with _feeding(self.database):
            took = loaded(self.database, self._under.home, self.shop, self._file, counted_at)
        assert took.changed == took.rows == self._size, (what, took)
        copied = self._copied(took)
        ratio = f"{took.seconds:.1f} s = {took.seconds / copied:.1f}x COPY, lock {took.lock * 1_000:.0f} ms"
        print(f"bench: {self._size:,} rows, {what}: {ratio}, load {os.getloadavg()[0]:.1f}", flush=True)
        return took, copied

    def _settle(self) -> None:
        """What a worker and the server would have done since the last file: the listings fed, tables vacuumed, pages written."""
        runner = _runner(self.database, "listings")
        runner.run_once()
        runner.close()
        with psycopg.connect(self._under.url, autocommit=True) as connection:
            connection.execute("SELECT set_config('search_path', %s, false)", (self.database.schema,))
            for table in ("ledger_events", "ledger_seals", "stock_levels", "listings", "import_rows"):
                connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
            connection.execute("CHECKPOINT")

    def _copied(self, took: Loaded) -> float:
        """Seconds of one COPY of exactly these facts into an empty table of the same columns, keys and indexes."""
        kept = self._under.home / "facts.copy"
        columns = "originator_id, originator_version, topic, state, notification_id"
        with psycopg.connect(self._under.url, autocommit=True) as connection:
            connection.execute("SELECT set_config('search_path', %s, false)", (self.database.schema,))
            connection.execute("CREATE TABLE facts_copied (LIKE ledger_events INCLUDING ALL)")
            which = f"notification_id BETWEEN {took.first} AND {took.last} ORDER BY notification_id"
            with kept.open("wb") as file, connection.cursor() as cursor:
                select = f"COPY (SELECT {columns} FROM ledger_events WHERE {which}) TO STDOUT (FORMAT BINARY)"
                with cursor.copy(select.encode()) as copy:
                    for block in copy:
                        file.write(block)
            connection.execute("CHECKPOINT")
            began = RealClock().monotonic()
            insert = f"COPY facts_copied ({columns}) FROM STDIN (FORMAT BINARY)".encode()
            with kept.open("rb") as file, connection.cursor() as cursor, cursor.copy(insert) as copy:
                while block := file.read(COPY_BYTES):
                    copy.write(block)
            seconds = RealClock().monotonic() - began
            connection.execute("DROP TABLE facts_copied")
        kept.unlink()
        return seconds


def _runner(database: Database, table: str) -> Runner:
    def connect_here() -> Connection:
        return psycopg.connect(database.conninfo(name="projections"), autocommit=True)

    return Runner(connect_here, database.schema, [named(table)], holder=f"bench-{table}", clock=RealClock())


@contextmanager
def _feeding(database: Database) -> Iterator[None]:
    """The change log is fed by this process, which does nothing else meanwhile."""
    runner, ended = _runner(database, "change_log"), Event()
    runner.keep_leases()
    wake = Wake(partial(psycopg.connect, database.conninfo(name="wake"), autocommit=True), database.schema)
    thread = start_thread("feed", partial(runner.run, wake.wait, ended.is_set))
    try:
        yield
    finally:
        ended.set()
        thread.join()
