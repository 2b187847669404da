"""One look into a mailbox: servers that can less, servers that are slow, and servers that answer nonsense."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest

from api.mail.imap import PLAIN, MailboxFault, MailboxLogin, Ways, opened
from tests.adapters.kit.sftp_shop import start_thread
from tests.api.dovecot import PASSWORD, USER, dovecot

LONG_AGO = date(2020, 1, 1)


def ways(seconds: float = 10.0) -> Ways:
    return Ways(ssl.create_default_context(), time.monotonic, start_thread, seconds)


def login(port: int) -> MailboxLogin:
    return MailboxLogin("127.0.0.1", port, PLAIN, USER, PASSWORD)


# ------------------------------------------------------------------ servers that can less


@pytest.mark.needs_programs("dovecot")
@pytest.mark.parametrize(("offers", "left"), [("UIDPLUS", (1, 1)), ("", (2, 2))])
def test_without_move_mails_are_copied_and_only_those_expunged(offers: str, left: tuple[int, int]) -> None:
    with dovecot(f"imap_capability = IMAP4rev1 {offers}") as server:
        server.make("taken")
        server.deliver(b"Subject: 1\r\n\r\n", b"Subject: 2\r\n\r\n")
        with server.client() as client:
            client.store("1", "+FLAGS", r"(\Deleted)")  # somebody else's
            client.unselect()
        with opened(login(server.port), "INBOX", ways(), readonly=False) as box:
            uids = box.uids(1, None, LONG_AGO)
            assert [box.fetch(uid) for uid in uids] == [b"Subject: 1\r\n\r\n", b"Subject: 2\r\n\r\n"]
            box.move(uids[1:], "taken")
        assert (server.count(), server.count(which="DELETED")) == left
        assert server.count("taken") == 1


@pytest.mark.needs_programs("dovecot")
def test_a_mail_that_is_gone_is_left_out() -> None:
    with dovecot() as server:
        server.deliver(b"Subject: 1\r\n\r\n")
        with opened(login(server.port), "INBOX", ways(), readonly=True) as box:
            assert (box.fetch(99), box.sizes([1, 99]), box.messages) == (None, {1: 14}, 1)
            tomorrow = date.today() + timedelta(days=2)
            assert (box.uids(1, None, tomorrow), box.uids(5, None, LONG_AGO)) == ([], [])


@pytest.mark.needs_programs("dovecot")
def test_a_fault_of_ours_inside_is_not_taken_for_the_server_s() -> None:
    with (
        dovecot() as server,
        pytest.raises(KeyError),
        opened(login(server.port), "INBOX", ways(), readonly=True),
    ):
        raise KeyError("ours")


# ------------------------------------------------------------------ servers that misbehave


@contextmanager
def server_that(behaves: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server of one connection; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    behaves(connection)
                except OSError:
                    return  # the client left

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
    thread.join(10)


def trickles(connection: socket.socket) -> None:
    """A byte now and then, for ever: no single read takes long."""
    pause = threading.Event()
    for _ in range(10_000):
        connection.sendall(b"*")
        pause.wait(0.01)


def says_nothing(connection: socket.socket) -> None:
    connection.recv(1)


def hangs_up(connection: socket.socket) -> None:
    connection.sendall(b"* OK hello\r\n")


def says(*lines: bytes) -> Callable[[socket.socket], None]:
    """Greets, and answers each command with the next line; ``TAG`` in it is the command's own."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(b"* OK hello\r\n")
        file = connection.makefile("rb")
        for line in (b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n", *lines):
            tag = file.readline().split(b" ")[0]
            connection.sendall(line.replace(b"TAG", tag))
        connection.recv(1)

    return behave


OK = b"TAG OK done\r\n"
NO_VALIDITY = b"* 1 EXISTS\r\nTAG OK [READ-WRITE] done\r\n"
SELECTED = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK [READ-WRITE] done\r\n"


@pytest.mark.parametrize(
    ("behaves", "code"),
    [
        (trickles, "timed_out"),
        (says_nothing, "timed_out"),
        (hangs_up, "connection_lost"),
        (lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "connection_lost"),
        (says(b"TAG NO [AUTHENTICATIONFAILED] orders@shop.example unknown\r\n"), "login_refused"),
        (says(OK, b"TAG NO no such folder\r\n"), "folder_unknown"),
        (says(OK, NO_VALIDITY), "not_understood"),
        (says(OK, SELECTED, b"TAG BAD what\r\n"), "refused"),
        (says(OK, SELECTED, b"* SEARCH one two\r\nTAG OK done\r\n"), "not_understood"),
    ],
)
def test_a_server_that_misbehaves_is_a_code_in_time(behaves: Callable[[socket.socket], None], code: str) -> None:
    began = time.monotonic()
    with (
        server_that(behaves) as port,
        pytest.raises(MailboxFault) as fault,
        opened(login(port), "INBOX", ways(0.5), readonly=False) as box,
    ):
        box.uids(1, None, LONG_AGO)
    assert (fault.value.code, "shop.example" in str(fault.value)) == (code, False)
    assert time.monotonic() - began < 3
