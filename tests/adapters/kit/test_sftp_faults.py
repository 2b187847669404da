"""What is known of a file when the wire to a real OpenSSH breaks, stalls or drips, and what is never said of it."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from adapters.kit.files_over import Entry, Fault, Login, Put
from adapters.kit.mall import Lost, NotSent, ReadFailed
from adapters.kit.sftp import SftpWays
from ledger.terms import Result
from tests.adapters.kit.file_servers import (
    PASSWORD,
    Ground,
    ed25519_key,
    ground,
    openssh,
)
from tests.adapters.kit.relay import relayed
from tests.adapters.kit.sftp_shop import CONFIRMED, CSV, NAME, NOON, SftpShop

pytestmark = pytest.mark.needs_programs("sshd")


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Ground, int]]:
    with ground() as place, openssh(place, host_key=ed25519_key("host"), lets_in=[ed25519_key("merchant")]) as port:
        yield place, port


@pytest.fixture
def server(running: tuple[Ground, int]) -> Iterator[SftpShop]:
    place, port = running
    with relayed({0: ("127.0.0.1", port)}) as relay:
        yield SftpShop(place, relay)
    place.clear()


# ------------------------------------------------------------------ when the wire breaks


def test_nobody_listens_there(server: SftpShop) -> None:
    with relayed({0: ("127.0.0.1", 1)}) as relay:
        closed = Login(host="127.0.0.1", port=1, user="shop", password=PASSWORD)
        files = SftpShop(server.place, relay).opened(SftpWays(), login=closed)
        assert files.put("", NAME, [CSV], replace=True) == NotSent(Fault.CONNECTION_REFUSED)
        cut = SftpShop(server.place, relay).opened(SftpWays())  # The relay closes at once: nobody is behind it.
        assert cut.reach() == ReadFailed(Result.TRANSIENT, Fault.CONNECTION_BROKEN)


def test_a_connection_cut_in_the_middle_leaves_no_file_of_that_name(server: SftpShop) -> None:
    def content() -> Iterator[bytes]:
        yield bytes(500_000)
        server.relay.cut()
        yield bytes(5_000_000)

    files = server.opened()
    assert files.put("", NAME, content(), replace=True) == NotSent(Fault.CONNECTION_BROKEN)
    assert NAME not in server.names()
    assert isinstance(files.put("", NAME, [CSV], replace=True), Put), "the whole file is sent again"
    assert server.names() == [NAME], "and what was left behind is swept away"


def test_a_renaming_whose_answer_is_lost_may_have_been_done(server: SftpShop) -> None:
    def now() -> datetime:
        server.relay.hold_answers()  # The clock is read just before the renaming is asked for.
        return NOON

    files = server.opened(now=now, deadline_seconds=1.0)
    assert files.put("", NAME, [CSV], replace=True) == Lost(Fault.DEADLINE_PASSED)
    assert (server.place.files / NAME).read_bytes() == CSV


def test_a_connection_cut_while_a_file_is_written_directly_may_have_left_a_part(server: SftpShop) -> None:
    def content() -> Iterator[bytes]:
        yield bytes(500_000)
        server.relay.cut()
        yield bytes(5_000_000)

    ways = SftpWays(host_keys=CONFIRMED, direct=True)
    assert server.opened(ways).put("", NAME, content(), replace=True) == Lost(Fault.CONNECTION_BROKEN)


def test_a_put_that_hangs_is_ended_from_outside(server: SftpShop) -> None:
    def content() -> Iterator[bytes]:
        yield bytes(100_000)
        server.relay.hold_requests()
        yield bytes(20_000_000)

    began = time.monotonic()
    files = server.opened(deadline_seconds=0.6)
    assert files.put("", NAME, content(), replace=True) == NotSent(Fault.DEADLINE_PASSED)
    assert time.monotonic() - began < 3
    assert not [one for one in threading.enumerate() if one.name == "file-call-watchdog"]


def test_a_server_that_drips_is_ended_by_the_deadline_of_the_whole_call(server: SftpShop) -> None:
    files = server.opened(deadline_seconds=0.6)
    server.relay.drip_answers()
    began = time.monotonic()
    assert files.list("") == ReadFailed(Result.TRANSIENT, Fault.DEADLINE_PASSED)
    assert time.monotonic() - began < 3


def test_a_connection_cut_at_login_does_not_blame_the_password(server: SftpShop) -> None:
    login = Login(host="127.0.0.1", port=server.relay.port, user="shop", password=PASSWORD)
    files = server.opened(login=login, deadline_seconds=0.6)
    server.relay.drip_answers()
    assert files.reach() == ReadFailed(Result.TRANSIENT, Fault.DEADLINE_PASSED)


def test_what_the_content_raises_goes_through_and_nothing_has_the_name(server: SftpShop) -> None:
    def content() -> Iterator[bytes]:
        yield bytes(100_000)
        raise OSError("the table could not be read")

    with pytest.raises(OSError, match="the table could not be read"):
        server.opened().put("", NAME, content(), replace=True)
    assert server.names() == []


# ------------------------------------------------------------------ what is never said


def test_no_log_line_and_no_repr_holds_a_secret_a_host_or_a_path(
    server: SftpShop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    login = Login(host="127.0.0.1", port=server.relay.port, user="canary-user", password="canary-password")
    files = server.opened(login=login)
    said = [
        repr(files),
        repr(login),
        repr(files.put("", "canary-name.csv", [CSV], replace=True)),
        repr(server.opened()),
    ]
    said += [repr(Entry("canary-name", 1, None)), repr(server.opened().list("canary-folder")), caplog.text]
    assert not [text for text in said if "canary" in text or "BEGIN" in text]
    assert not caplog.records
