"""The demonstration from its beginning to its end: a home of its own, two malls, set-up, one order, what must be true."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg import sql

from api import logs
from api.database import Database
from api.demo import one_order, outcome, setting_up
from api.demo.doors import Doors
from api.demo.malls import EmulatedMall, Malls, emulated_malls
from api.demo.one_order import Way
from api.demo.outcome import Point
from api.demo.teller import Teller
from api.jobs.worker import Loop, working
from api.migrations import migrate
from api.permissions import SCOPES
from api.processes import Parts, Running, running
from api.settings import Settings
from api.unavailable import Unavailable
from api.wiring import House, SystemClock, local_postgres, open_house, reached_database

FOLDER, LOCK, LOG = "demo", "demo.lock", "daicho.log"
DELIVER_SECONDS = 0.3


@dataclass(frozen=True)
class Played:
    """A demonstration that was played and goes on."""

    house: House
    running: Running
    malls: Malls
    doors: Doors
    addresses: Mapping[str, str]
    way: Way
    points: list[Point]

    @property
    def as_it_should(self) -> bool:
        return all(point.holds for point in self.points)


@contextmanager
def played(settings: Settings, teller: Teller, *, rakuten_skus: int, yahoo_skus: int) -> Iterator[Played]:
    """The demonstration was played in a home of its own, and everything runs on while inside. Raises Unavailable, NotInTime, DoorRefused."""
    own = settings_of_demo(settings)
    clock = SystemClock()
    with (
        _alone(own.home),
        _logged(own.home / LOG),
        _fresh_database(own) as database,
        emulated_malls(clock, rakuten_skus=rakuten_skus, yahoo_skus=yahoo_skus) as malls,
        open_house(own, database=database) as house,
        running(house, Parts(doors=True, work=True, mail=True)) as parts,
    ):
        assert parts.http is not None
        assert parts.mail is not None
        doors = Doors(own, parts.http, parts.mail, clock, teller.command)
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        doors = replace(doors, key=doors.daicho("key", "add", "demo", *scopes)["key"])
        addresses = setting_up.connect(doors, malls, teller)
        setting_up.import_stock(doors, malls, teller)
        setting_up.prove_intake(doors, malls, addresses, teller)
        setting_up.switch_on(doors, malls, teller)
        way = one_order.sell_one(doors, malls, addresses, teller)
        one_order.tell_way(way, teller)
        one_order.tell_logs(way, teller)
        points = outcome.points(doors, malls, way)
        with working(house, [_delivery(doors, malls, addresses)]):
            yield Played(house, parts, malls, doors, addresses, way, points)


def settings_of_demo(settings: Settings) -> Settings:
    """A home inside the home, an embedded server, ports that are free."""
    return settings.model_copy(
        update={
            "home": settings.home / FOLDER,
            "database_url": None,
            "secret_key_file": None,
            "http_host": "127.0.0.1",
            "smtp_host": "127.0.0.1",
            "http_port": 0,
            "smtp_port": 0,
        }
    )


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """No other demonstration runs in this home. Raises Unavailable."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(home / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                f"a demonstration runs already in {home}; stop it (Ctrl-C), or set DAICHO_HOME to another folder"
            ) from None
        yield
    finally:
        os.close(lock)


@contextmanager
def _logged(file: Path) -> Iterator[None]:
    """What this process logs is in the file meanwhile: the screen is for what is told."""
    with file.open("w", encoding="utf-8", buffering=1) as opened:
        logs.configure(to=opened)
        try:
            yield
        finally:
            logs.configure()


@contextmanager
def _fresh_database(own: Settings) -> Iterator[Database]:
    """The demonstration's own server runs and its schema is new; the server is stopped on leaving."""
    database = reached_database(own)
    try:
        with psycopg.connect(database.conninfo(role="none"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(database.schema)))
        migrate(database)
        yield database
    finally:
        local_postgres(own).stop()


def _delivery(doors: Doors, malls: Malls, addresses: Mapping[str, str]) -> Loop:
    """While the demonstration goes on, the malls' mails are forwarded as they come."""

    def step() -> int:
        return sum(_deliver(doors, mall, addresses[mall.code]) for mall in (malls.rakuten, malls.yahoo))

    return Loop("mails", step, poll_seconds=DELIVER_SECONDS)


def _deliver(doors: Doors, mall: EmulatedMall, address: str) -> int:
    send: Callable[[bytes], None] = lambda raw: doors.send_mail(doors.forwarded(raw), address)  # noqa: E731
    return mall.shop.deliver_due(send)
