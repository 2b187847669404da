"""PostgreSQL goes away in the middle of everything: orders, imports, numbers typed and pushes go on, nothing is lost or counted twice."""

import smtplib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg

from api.database import Database
from api.demo.doors import DoorRefused
from api.demo.malls import EmulatedMall
from api.jobs import applying, staging
from api.jobs.imports import Wish
from ledger.writer import LedgerUnavailable, OutcomeUnknown
from tests.api.intake_rig import LaterClock
from tests.journeys.rig import Journey, journey
from tests.ledger.rig import TIMES
from tests.postgres import OwnServer

SKUS = [f"DC-{serial:06d}" for serial in range(1, 9)]  # sold at both malls
UNITS = 5_000  # of each at first: no mall is sold out
TYPED, ADDED, SET = "TYPED", "ADDED", "SET"  # SKUs that are typed, added by files, and set by files
FILE_ROWS = 200
DROPS, DROP_SECONDS = 4 * TIMES, 1.0
STOPS, STOP_SECONDS = 2 * TIMES, 1.0
REST_SECONDS = 0.05
TRIES_MAX = 500
WITHHELD_SECONDS = 660.0  # units that a look found missing are held back for ten minutes
LOOKS_MAX, LOOK_SECONDS_MAX = 6, 10.0
AWAY = (psycopg.OperationalError, LedgerUnavailable, OutcomeUnknown)


@dataclass
class Busy:
    """A shop's day in fast motion. ``sold``: units by SKU; ``typed`` and ``files``: what was acknowledged. Mutable."""

    daicho: Journey
    over: threading.Event = field(default_factory=threading.Event)
    sold: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    typed: int = 0
    files: int = 0
    set_to: int = 0

    def _again(self, what: str, ask: Callable[[], object], away: tuple[type[Exception], ...]) -> None:
        """As any program does: asked until it is acknowledged."""
        for _ in range(TRIES_MAX):
            try:
                ask()
            except away as error:
                if isinstance(error, DoorRefused) and "does not answer" not in str(error):
                    raise
                threading.Event().wait(REST_SECONDS)
            else:
                return
        raise AssertionError(f"never acknowledged: {what}")

    def sell(self, mall: EmulatedMall) -> None:
        """Orders at a mall, each forwarded as a mail until it is accepted."""
        doors, address = self.daicho.doors, self.daicho.addresses[mall.code]
        at_rakuten, number = mall is self.daicho.malls.rakuten, 0

        def send(raw: bytes) -> None:
            doors.send_mail(doors.forwarded(raw), address)  # a mail that is not accepted stays with the mall

        while not self.over.wait(REST_SECONDS):
            sku = SKUS[number % len(SKUS)]
            listing = self.daicho.malls.rakuten_listings[sku] if at_rakuten else self.daicho.malls.yahoo_listing(sku)
            number += 1
            mall.sell(listing)
            with self.lock:
                self.sold[sku] += 1
            self._again("a mail", partial(mall.shop.deliver_due, send), (smtplib.SMTPException, OSError))

    def type_numbers(self) -> None:
        """One unit more by a program, under a key of its own each time."""
        query = f'mutation ($k: String!) {{ addStock(sku: "{TYPED}", units: 1, key: $k) {{ position }} }}'
        while not self.over.wait(REST_SECONDS):
            ask = partial(self.daicho.ask, query, k=f"typed-{self.typed}")
            self._again("a number typed", ask, (DoorRefused, OSError))
            self.typed += 1

    def add_files(self) -> None:
        """A file of one unit more of many SKUs, applied until it is done, however often it stops in the middle."""
        text = "商品SKU,想定在庫数\n" + "".join(f"{ADDED}-{n},1\n" for n in range(FILE_ROWS))
        while not self.over.wait(REST_SECONDS):
            self._add_file([text.encode()])
            self.files += 1

    def _add_file(self, content: list[bytes]) -> None:
        house, staged = self.daicho.house, [""]

        def stage() -> None:
            staged[0] = staging.stage(house, content, Wish(None, "add", "zaiko.csv"), "user:1", None).import_id

        def apply() -> None:
            applying.apply(house, staged[0], house.by("user:1"), chunk_rows=50)

        self._again("a file staged", stage, AWAY)
        self._again("a file applied", apply, AWAY)

    def set_by_files(self) -> None:
        """A file that sets numbers, sent over HTTP until it is answered."""
        while not self.over.wait(REST_SECONDS):
            self.set_to += 1
            text = "商品SKU,想定在庫数\n" + "".join(f"{SET}-{n},{self.set_to}\n" for n in range(FILE_ROWS))
            put = partial(self.daicho.doors.put_file, "-", "zaiko.csv", text.encode(), apply="true")
            self._again("a file put", put, (DoorRefused, OSError))

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Everything at once; on leaving, all of it has come to its end."""
        malls = self.daicho.malls
        work = (partial(self.sell, malls.rakuten), partial(self.sell, malls.yahoo), self.type_numbers)
        with ThreadPoolExecutor(5) as pool:
            doing = [pool.submit(one) for one in (*work, self.add_files, self.set_by_files)]
            try:
                yield
            finally:
                self.over.set()
            for one in doing:
                one.result(120)


def _prepared(daicho: Journey) -> Busy:
    daicho.set_up()
    text = "商品SKU,想定在庫数\n" + "".join(f"{sku},{UNITS}\n" for sku in SKUS)
    assert daicho.doors.put_file("-", "zaiko.csv", text.encode(), apply="true")["changed"] == len(SKUS)
    daicho.settled()
    return Busy(daicho)


def _all_is_there(busy: Busy, clock: LaterClock) -> None:
    """Whatever was acknowledged counts once, verify finds nothing wrong, and both malls end at the numbers there are."""
    daicho = busy.daicho
    left = {sku: UNITS - busy.sold[sku] for sku in SKUS}
    daicho.within("every order is taken", lambda: {sku: daicho.available(sku) for sku in SKUS} == left)
    assert min(sum(busy.sold.values()), busy.typed, busy.files, busy.set_to) > 0
    assert daicho.available(TYPED) == busy.typed
    for number in (0, FILE_ROWS // 2, FILE_ROWS - 1):
        assert daicho.available(f"{ADDED}-{number}") == busy.files
        assert daicho.available(f"{SET}-{number}") == busy.set_to
    with daicho.house.pool.connection() as connection:
        rows = connection.execute(
            "SELECT left(sku, 4), count(*), min(on_hand - allocated), max(on_hand - allocated)"
            " FROM stock_levels WHERE sku LIKE ANY (%s) GROUP BY 1 ORDER BY 1",
            ([f"{ADDED}-%", f"{SET}-%"],),
        ).fetchall()
    assert rows == [("ADDE", FILE_ROWS, busy.files, busy.files), ("SET-", FILE_ROWS, busy.set_to, busy.set_to)]
    assert _shown_in_the_end(daicho, clock, {sku: (left[sku], left[sku]) for sku in SKUS})
    assert daicho.daicho("inbox", "--state", "quarantined") == []
    assert daicho.daicho("verify")["sound"] is True


def _shown_in_the_end(daicho: Journey, clock: LaterClock, wanted: dict[str, tuple[int, int]]) -> bool:
    """Whether both malls come to show this. What a look found missing is held back for ten minutes, after which another
    look may find the same of a listing whose push had lost its answer: so an hour passes.
    """
    for _ in range(LOOKS_MAX):
        clock.later_seconds += WITHHELD_SECONDS
        until = time.monotonic() + LOOK_SECONDS_MAX
        while time.monotonic() < until:
            if {sku: daicho.shown(sku) for sku in wanted} == wanted:
                return True
            threading.Event().wait(REST_SECONDS)
    return False


def test_every_connection_dropped_once_a_second_loses_and_doubles_nothing(database: Database, tmp_path: Path) -> None:
    clock, dropped = LaterClock(), 0
    with journey(database, tmp_path, clock=clock) as daicho:
        busy = _prepared(daicho)
        with busy.going_on(), psycopg.connect(database.url, autocommit=True) as superuser:
            for _ in range(DROPS):
                threading.Event().wait(DROP_SECONDS)
                dropped += superuser.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                ).rowcount
        assert dropped > 5 * DROPS
        _all_is_there(busy, clock)


def test_postgresql_stopped_and_started_in_the_middle_of_everything_loses_and_doubles_nothing(
    own_server: OwnServer, tmp_path: Path
) -> None:
    clock = LaterClock()
    with journey(own_server.database, tmp_path, clock=clock) as daicho:
        busy = _prepared(daicho)
        with busy.going_on():
            for number in range(STOPS):
                threading.Event().wait(STOP_SECONDS)
                own_server.kill() if number % 2 else own_server.stop()
                threading.Event().wait(STOP_SECONDS / 2)
                own_server.start()
            threading.Event().wait(STOP_SECONDS)
        _all_is_there(busy, clock)
