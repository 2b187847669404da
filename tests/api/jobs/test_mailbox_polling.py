"""Mailboxes read over IMAP, against Debian's own Dovecot: nothing twice, nothing lost, and a sentence for what is wrong."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from api import mailboxes
from api.database import Database
from api.jobs.intake import drain
from api.jobs.mailbox_polling import CLAIM_SECONDS, PERSON_SECONDS, MailboxPolling
from api.mailboxes import Asked, declare, tried
from api.tables.mailboxes import Polled
from api.wiring import House
from tests.api.dovecot import PASSWORD, USER, Dovecot, dovecot
from tests.api.intake_rig import (
    RAKUTEN,
    YAHOO,
    KnownListings,
    TurnedClock,
    connect_shops,
    link,
    nothing_waits,
    opened,
    rows,
    sample,
    set_stock,
    states,
    stock_of,
)
from tests.crashes import MAILBOX, killed_at, points_of

pytestmark = pytest.mark.needs_programs("dovecot")
AT_LEAST = 100_000  # a setting's smallest


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as server:
        yield server


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def house(database: Database, tmp_path: Path, clock: TurnedClock, server: Dovecot) -> Iterator[House]:
    with opened(database, tmp_path, clock, mailbox_ca_file=server.certificate, mail_bytes_max=AT_LEAST) as house:
        connect_shops(house)
        yield house


@pytest.fixture
def folder(server: Dovecot, request: pytest.FixtureRequest) -> Iterator[str]:
    """A folder of this test alone."""
    name = request.node.name.split("[")[0][:60]
    server.make(name)
    yield name
    server.drop(name)


def asked(server: Dovecot, folder: str, **more: object) -> Asked:
    """The mailbox as a person declares it, over TLS."""
    given = Asked(RAKUTEN, "localhost", USER, PASSWORD, port=server.tls_port, folder=folder)
    return replace(given, **more)  # type: ignore[arg-type]


def mail(number: int, size: int = 0) -> bytes:
    return f"Subject: {number}\r\n\r\n".encode() + b"x" * 80 * (size // 80) + b"\r\n"


def poll(house: House, clock: TurnedClock) -> Polled:
    """The mailbox is looked at until nothing is due, a pause later."""
    clock.turn(house.settings.mailbox_poll_seconds + 1)
    nothing_waits(house, MailboxPolling(house).step)
    (found,) = mailboxes.shown(house)
    return found


@pytest.mark.parametrize("way", [("tls", True), ("starttls", False), ("none", False)])
def test_an_order_mail_in_a_mailbox_becomes_an_order(
    house: House, clock: TurnedClock, server: Dovecot, folder: str, way: tuple[str, bool]
) -> None:
    listings = KnownListings()
    listings.codes[RAKUTEN, "abc-001"] = [link(house, RAKUTEN, "mug", "", "MUG", codes=("abc-001",))]
    set_stock(house, "MUG", 10)
    raw = sample("rakuten", "order_iso2022jp")
    server.deliver(raw, folder=folder)
    tls, implicit = way
    declare(house, asked(server, folder, tls=tls, port=server.tls_port if implicit else server.port))
    polled = poll(house, clock)
    assert (polled.taken, polled.code, polled.failures) == (1, "", 0)
    nothing_waits(house, partial(drain, house, listings))
    assert [(row.shop, row.door, row.state, row.size_bytes) for row in rows(house)] == [
        (RAKUTEN, "mail", "read", len(raw))
    ]
    assert stock_of(house, "MUG")[1] > 0
    assert server.count(folder, "UNSEEN") == 1  # left as it was


def test_each_mail_is_taken_once_however_often_the_mailbox_is_looked_at(
    house: House, clock: TurnedClock, server: Dovecot, folder: str
) -> None:
    server.deliver(mail(1), mail(2), folder=folder)
    declare(house, asked(server, folder))
    for _ in range(3):
        poll(house, clock)
    server.deliver(mail(3), folder=folder)
    assert poll(house, clock).taken == 3
    declare(house, asked(server, folder, after_reading="seen"))  # declared anew, the same folder: it goes on
    assert poll(house, clock).taken == 3
    assert len(rows(house)) == 3


def test_many_mails_come_page_by_page(house: House, clock: TurnedClock, server: Dovecot, folder: str) -> None:
    server.deliver(*(mail(n) for n in range(120)), folder=folder)
    declare(house, asked(server, folder, after_reading="seen"))
    clock.turn(1)
    polling = MailboxPolling(house)
    counts = []
    while polling.step():
        counts.append(len(rows(house)))
    assert counts == [50, 100, 120]
    assert server.count(folder, "UNSEEN") == 0


def test_taken_mails_are_moved_and_those_that_are_too_large_stay(
    house: House, clock: TurnedClock, server: Dovecot, folder: str
) -> None:
    taken = f"{folder} 取込済"
    server.make(taken_utf7 := f'"{folder} &U9aPvG4I-"')
    server.deliver(mail(1), mail(2, AT_LEAST + 1_000), mail(3), folder=folder)
    declare(house, asked(server, folder, after_reading="move", move_to=taken))
    polled = poll(house, clock)
    assert (polled.taken, polled.too_large, polled.code) == (2, 1, "")
    assert (server.count(folder), server.count(taken_utf7)) == (1, 2)
    server.deliver(mail(4), folder=folder)
    assert poll(house, clock).taken == 3
    assert (server.count(folder), server.count(taken_utf7), len(rows(house))) == (1, 3, 3)
    server.drop(taken_utf7)


def test_what_somebody_else_marked_deleted_is_not_expunged(
    house: House, clock: TurnedClock, server: Dovecot, folder: str
) -> None:
    server.deliver(mail(1), folder=folder)
    with server.client(folder) as client:
        client.store("1", "+FLAGS", r"(\Deleted)")
        client.unselect()
    server.deliver(mail(2), folder=folder)
    declare(house, asked(server, folder, after_reading="seen"))
    assert poll(house, clock).taken == 2
    assert (server.count(folder), server.count(folder, "DELETED")) == (2, 1)


def test_a_mailbox_whose_numbers_became_invalid_is_read_again_and_counts_once(
    house: House, clock: TurnedClock, server: Dovecot, folder: str
) -> None:
    server.deliver(mail(1), mail(2), folder=folder)
    declare(house, asked(server, folder))
    before = poll(house, clock)
    server.drop(folder)
    server.make(folder)
    server.deliver(mail(2), mail(3), folder=folder)
    after = poll(house, clock)
    assert after.uid_validity != before.uid_validity
    nothing_waits(house, partial(drain, house, KnownListings()))
    assert [state for state in states(house) if state[1] == "duplicate"] == [("ignored", "duplicate")]
    assert len(rows(house)) == 4


def test_mails_from_before_the_first_day_are_left_alone(
    house: House, clock: TurnedClock, server: Dovecot, folder: str
) -> None:
    with server.client() as client:
        client.append(folder, "", '"01-Nov-2020 09:00:00 +0900"', mail(1))
    server.deliver(mail(2), folder=folder)
    declare(house, asked(server, folder))
    assert poll(house, clock).taken == 1
    declare(house, asked(server, folder, since=house.clock.now().date().replace(year=2020, month=10, day=1)))
    assert poll(house, clock).taken == 3  # from the beginning; what was known counts once


def test_a_wrong_password_is_said_and_tried_again_seldom(
    house: House, clock: TurnedClock, server: Dovecot, folder: str
) -> None:
    declare(house, asked(server, folder, password="wrong-パスワード"))
    polled = poll(house, clock)
    assert (polled.code, polled.failures) == ("login_refused", 1)
    assert tried(house, RAKUTEN).code == "login_refused"
    assert poll(house, clock).failures == 1  # an account that is tried too often is locked
    clock.turn(PERSON_SECONDS)
    assert poll(house, clock).failures == 2
    declare(house, asked(server, folder))
    assert (poll(house, clock).code, tried(house, RAKUTEN).code) == ("", "")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"folder": "nowhere"}, "folder_unknown"),
        ({"host": "127.0.0.1"}, "certificate_not_trusted"),  # it is of localhost
        ({"host": "no-such-host.invalid"}, "host_not_found"),
        ({"port": 1}, "cannot_connect"),
        ({"tls": "tls", "port": 0}, "tls_failed"),  # the port of the plain listener
    ],
)
def test_what_is_wrong_has_its_own_code(
    house: House, clock: TurnedClock, server: Dovecot, folder: str, wrong: dict[str, object], code: str
) -> None:
    if wrong.get("port") == 0:
        wrong = {**wrong, "port": server.port}
    declare(house, replace(asked(server, folder), **wrong))  # type: ignore[arg-type]
    assert poll(house, clock).code == code
    assert tried(house, RAKUTEN).code == code
    assert code in mailboxes.FAULTS


def test_a_folder_to_move_to_that_is_not_there_keeps_no_order_back(
    house: House, clock: TurnedClock, server: Dovecot, folder: str
) -> None:
    server.deliver(mail(1), folder=folder)
    declare(house, asked(server, folder, after_reading="move", move_to="nowhere"))
    polled = poll(house, clock)
    assert (polled.taken, polled.touched_uid, polled.code) == (1, 0, "refused")
    found = tried(house, RAKUTEN)
    assert (found.code, folder in found.folders, "nowhere" in found.folders) == ("folder_unknown", True, False)
    server.make("later")
    declare(house, asked(server, folder, after_reading="move", move_to="later"))
    polled = poll(house, clock)
    assert (polled.taken, polled.code, server.count(folder), server.count("later")) == (1, "", 0, 1)
    server.drop("later")


def test_two_workers_take_each_mail_once(house: House, clock: TurnedClock, server: Dovecot, folder: str) -> None:
    server.deliver(mail(1), folder=folder)
    declare(house, asked(server, folder))
    declare(house, replace(asked(server, "INBOX"), shop=YAHOO))
    clock.turn(1)
    one, other = MailboxPolling(house), MailboxPolling(house)
    assert [one.step(), other.step(), one.step()] == [1, 1, 0]
    assert [row.shop for row in rows(house)] == [RAKUTEN]


def test_a_worker_that_lost_its_claim_stores_nothing(
    house: House, clock: TurnedClock, server: Dovecot, folder: str
) -> None:
    server.deliver(mail(1), folder=folder)
    declare(house, asked(server, folder))

    class Interrupted(MailboxPolling):
        """Between its look and its commit, a person declares the mailbox anew."""

        def _store(self, after: Polled, raws: object) -> Polled | None:
            declare(house, asked(server, folder))
            clock.turn(1)
            return super()._store(after, raws)  # type: ignore[arg-type]

    clock.turn(1)
    Interrupted(house).step()
    assert rows(house) == []
    assert poll(house, clock).taken == 1


def test_a_server_that_is_gone_comes_back(house: House, clock: TurnedClock, server: Dovecot, folder: str) -> None:
    server.deliver(mail(1), folder=folder)
    declare(house, asked(server, folder, port=1))
    failures = []
    for _ in range(3):
        failures.append(poll(house, clock).failures)
        clock.turn(timedelta(minutes=5).total_seconds())
    assert failures == [1, 2, 3]
    declare(house, asked(server, folder))
    assert (poll(house, clock).taken, poll(house, clock).failures) == (1, 0)


@pytest.mark.parametrize("point", points_of(MAILBOX))
def test_a_worker_killed_anywhere_loses_nothing_takes_nothing_twice_and_leaves_nothing(
    house: House, clock: TurnedClock, server: Dovecot, folder: str, point: str, tmp_path: Path
) -> None:
    server.deliver(mail(1), mail(2), folder=folder)
    declare(house, asked(server, folder, after_reading="seen"))
    database = house.database
    assert killed_at(MAILBOX, point, database.url, database.schema, str(tmp_path), str(server.certificate)) == ["ready"]
    clock.turn(CLAIM_SECONDS)  # the dead worker's claim is over
    polled = poll(house, clock)
    assert (polled.taken, len(rows(house)), server.count(folder, "UNSEEN")) == (2, 2, 0)
