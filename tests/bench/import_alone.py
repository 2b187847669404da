"""One file loaded in a process of its own, so that its memory is its own; orders from another one; and the files themselves."""

import csv
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from adapters.rakuten.emulated_catalogue import HEADER, CatalogueItem, catalogue, own_sku
from api.database import Database
from api.jobs import applying, imports, preview, staging
from api.jobs.imports import Wish
from api.settings import Settings
from api.wiring import House, open_house
from ledger.book import orders
from ledger.book.orders import Named
from ledger.command import Done
from ledger.terms import Door, ListingKey, OrderState, Telling, TellingLine

PAGE_SKUS = (1, 2, 3, 4)  # of the catalogue's pages, in turn
UNITS_BELOW = 1_000
ORDERS_A_SECOND = 50
READ_BYTES = 64 * 1_024
READABLE_SECONDS_MAX = 600.0
LOOK_SECONDS = 0.002


@dataclass(frozen=True)
class Loaded:
    """Seconds of each part of one file's way, its facts' positions, the longest lock, and the most memory of the process.

    ``readable``: from the end of apply until the change log held the last fact.
    """

    rows: int
    changed: int
    first: int
    last: int
    staged: float
    previewed: float
    applied: float
    readable: float
    lock: float
    memory_mb: float

    @property
    def seconds(self) -> float:
        """From the file's first byte to a change log that shows it; a dry run is not part of it."""
        return self.staged + self.applied + self.readable


def loaded(database: Database, home: Path, shop: str, file: Path, counted_at: datetime) -> Loaded:
    """The file is applied by a process of its own."""
    command = [*_command("load", database, home, shop), str(file), counted_at.isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Loaded(**json.loads(done.stdout))


@contextmanager
def ordering(database: Database, home: Path, shop: str, skus: int) -> Iterator[list[float]]:
    """ORDERS_A_SECOND orders a second come in from another process; the list has, afterwards, what each waited in ms."""
    waits: list[float] = []
    command = [*_command("order", database, home, shop), str(skus)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    yield waits
    said, _ = child.communicate("", timeout=60)
    assert child.returncode == 0, child.args
    waits.extend(json.loads(said))


def write_file(path: Path, begin: int, size: int, *, add: int) -> None:
    """dl-normal-item.csv of the SKUs behind serial ``begin``: CP932, every cell quoted, CRLF; ``add`` is part of each number."""
    assert begin % sum(PAGE_SKUS) == 0, begin
    pages = islice(catalogue(begin + size), begin // sum(PAGE_SKUS) * len(PAGE_SKUS), None)
    serial = begin
    with path.open("w", encoding="cp932", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(HEADER)
        for page in pages:
            writer.writerows(_lines(page, serial, add))
            serial += len(page.skus)


def _lines(page: CatalogueItem, serial: int, add: int) -> Iterator[tuple[str, ...]]:
    yield (page.item, page.item_number, page.name, "0", *[""] * 13)
    for n, (variant, code) in enumerate(page.skus, start=1):
        units = str((serial + n) * 7 % UNITS_BELOW + add)
        yield (page.item, *[""] * 8, variant, code, "", "", "2980", units, "0", "0")


def _listing(serial: int) -> ListingKey:
    """The page and the variant of the SKU with this serial, from 1, as the catalogue numbers them."""
    block, within = divmod(serial - 1, sum(PAGE_SKUS))
    page = 0
    while within >= PAGE_SKUS[page]:
        within -= PAGE_SKUS[page]
        page += 1
    variant = "normal-inventory" if PAGE_SKUS[page] == 1 else f"{within + 1:02d}"
    return ListingKey(f"dc-item-{block * len(PAGE_SKUS) + page + 1:06d}", variant)


# ------------------------------------------------------------------ the children


def _command(work: str, database: Database, home: Path, shop: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench.import_alone", work, database.url, database.schema, str(home), shop]


def _load(house: House, shop: str, file: Path, counted_at: datetime) -> Loaded:
    first = _position(house, "SELECT position FROM ledger_head") + 1
    house.writer.lock_seconds_max = 0.0
    began = time.perf_counter()
    with file.open("rb") as opened:
        chunks = iter(lambda: opened.read(READ_BYTES), b"")
        wish = Wish(shop, "overwrite", file.name, counted_at, "after")
        staged = staging.stage(house, chunks, wish, "bench", imports.shop_of(house, shop))
    was_staged = time.perf_counter()
    preview.preview(house, staged.import_id)
    was_previewed = time.perf_counter()
    done = applying.apply(house, staged.import_id, house.by("bench"))
    was_applied = time.perf_counter()
    _await_change_log(house, done.position)
    ended = time.perf_counter()
    return Loaded(
        rows=done.rows,
        changed=done.changed,
        first=first,
        last=done.position,
        staged=was_staged - began,
        previewed=was_previewed - was_staged,
        applied=was_applied - was_previewed,
        readable=ended - was_applied,
        lock=house.writer.lock_seconds_max,
        memory_mb=_memory_mb(),
    )


def _await_change_log(house: House, position: int) -> None:
    until = time.monotonic() + READABLE_SECONDS_MAX
    while _position(house, "SELECT position FROM projection_checkpoints WHERE projection = 'change_log'") < position:
        assert time.monotonic() < until, "the change log is not fed"
        time.sleep(LOOK_SECONDS)


def _position(house: House, statement: str) -> int:
    with house.pool.connection() as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None, statement
    return int(row[0])


def _memory_mb() -> float:
    # Not getrusage: its peak is also that of the process that started this one.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1_024


def _order(house: House, shop: str, skus: int) -> list[float]:
    """Orders at an even pace until standard input ends; what each waited from when it was due, in milliseconds."""
    chance, waits, waiting = random.Random(4), list[float](), list[Future[Done]]()
    run = house.new_id()
    print("ready", flush=True)
    ended = house.start_thread("until-told", lambda: (sys.stdin.read(), None)[1])
    began = time.monotonic()
    while ended.is_alive():
        due = began + len(waiting) / ORDERS_A_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
        serial, now = chance.randrange(skus) + 1, datetime.now(UTC)
        key = _listing(serial)
        line = TellingLine(key.item, key.variant, 1)
        number = f"{run}-{len(waiting)}"
        telling = Telling(number, Door.API, now, OrderState.CONFIRMED, True, True, (line,), 1, ordered_at=now)
        verb = orders.take_order(shop, telling, [Named(key, own_sku(serial))])
        future = house.book.submit(verb, house.by("bench"))
        future.add_done_callback(partial(_note, waits, due))
        waiting.append(future)
    for future in waiting:
        future.result()
    return waits


def _note(waits: list[float], due: float, _: Future[Done]) -> None:
    waits.append((time.monotonic() - due) * 1_000)


if __name__ == "__main__":
    work, url, schema, home_text, shop_code, *rest = sys.argv[1:]
    with open_house(Settings(home=Path(home_text)), database=Database(url, schema)) as opened_house:
        if work == "load":
            moment = datetime.fromisoformat(rest[1])
            print(json.dumps(asdict(_load(opened_house, shop_code, Path(rest[0]), moment))))
        else:
            print(json.dumps(_order(opened_house, shop_code, int(rest[0]))))
