"""The LMTP receiver: a mail server delivers to it, and has an answer for each recipient."""

import smtplib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from api.database import Database
from api.mail.smtp import Receiver, receiving
from api.mail.taking import LINES_MAX
from api.unavailable import Unavailable
from api.wiring import House
from tests.api.inbound.certificate import write_certificate
from tests.api.intake_rig import RAKUTEN, YAHOO, address, connect_shops, opened, rows
from tests.api.mail_programs import swaks

SENDER = "forwarder@example.com"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    certificate, key = write_certificate(tmp_path, "mail.test")
    with opened(
        database, tmp_path, mail_bytes_max=3_000_000, smtp_certificate_file=certificate, smtp_certificate_key_file=key
    ) as house:
        connect_shops(house)
        yield house


@pytest.fixture
def receiver(house: House) -> Iterator[Receiver]:
    with receiving(house, host="127.0.0.1", port=0, lmtp=True) as receiver:
        yield receiver


def client(receiver: Receiver) -> smtplib.LMTP:
    return smtplib.LMTP("127.0.0.1", receiver.port, timeout=10)


def after_data(lmtp: smtplib.LMTP, answers: int) -> list[int]:
    """The codes that came for a message that was sent to so many recipients."""
    return [lmtp.getreply()[0] for _ in range(answers)]


def test_each_recipient_has_an_answer_once_the_mail_is_stored(house: House, receiver: Receiver) -> None:
    with client(receiver) as lmtp:
        lmtp.ehlo()
        lmtp.mail(SENDER)
        to = [address(house, RAKUTEN), "nobody@mail.test", address(house, YAHOO), address(house, RAKUTEN)]
        assert [lmtp.rcpt(one)[0] for one in to] == [250, 550, 250, 250]
        assert lmtp.docmd("DATA")[0] == 354
        lmtp.send(b"Subject: x\r\n\r\n..dot\r\n.\r\n")
        assert after_data(lmtp, 3) == [250, 250, 250]
        assert [(row.shop, row.state) for row in rows(house)] == [(RAKUTEN, "received"), (YAHOO, "received")]
        assert lmtp.noop()[0] == 250  # nothing more was said


def test_a_mail_that_is_too_large_is_refused_for_each_recipient(house: House, receiver: Receiver) -> None:
    with client(receiver) as lmtp:
        lmtp.ehlo()
        lmtp.mail(SENDER)
        for shop in (RAKUTEN, YAHOO):
            lmtp.rcpt(address(house, shop))
        lmtp.docmd("DATA")
        lmtp.send((b"x" * 998 + b"\r\n") * 3_100 + b".\r\n")
        assert after_data(lmtp, 2) == [552, 552]
        assert lmtp.noop()[0] == 250
    assert rows(house) == []


def test_a_database_that_refuses_is_told_for_each_recipient(house: House, receiver: Receiver) -> None:
    table = sql.Identifier(house.database.schema, "inbox_messages")
    with psycopg.connect(house.database.url, autocommit=True) as owner, client(receiver) as lmtp:
        owner.execute(sql.SQL("REVOKE INSERT ON {} FROM daicho_app").format(table))
        lmtp.ehlo()
        lmtp.mail(SENDER)
        for shop in (RAKUTEN, YAHOO):
            lmtp.rcpt(address(house, shop))
        lmtp.docmd("DATA")
        lmtp.send(b"Subject: x\r\n\r\n.\r\n")
        assert after_data(lmtp, 2) == [451, 451]
        owner.execute(sql.SQL("GRANT INSERT ON {} TO daicho_app").format(table))


def test_smtp_is_not_spoken_where_lmtp_is(receiver: Receiver) -> None:
    with smtplib.SMTP("127.0.0.1", receiver.port, timeout=10) as smtp:
        assert smtp.docmd("EHLO", "x")[0] == 500


def test_a_mail_of_empty_lines_takes_no_more_memory_than_its_bytes(house: House, receiver: Receiver) -> None:
    with client(receiver) as lmtp:
        lmtp.ehlo()
        lmtp.mail(SENDER)
        lmtp.rcpt(address(house, RAKUTEN))
        lmtp.docmd("DATA")
        lmtp.send(b"\r\n" * (LINES_MAX + 1) + b".\r\n")
        assert lmtp.getreply()[0] == 552
        assert lmtp.noop()[0] == 250
    assert rows(house) == []


def test_a_port_that_is_taken_is_a_sentence(house: House, receiver: Receiver) -> None:
    with (
        pytest.raises(Unavailable, match="DAICHO_LMTP_PORT"),
        receiving(house, host="127.0.0.1", port=receiver.port, lmtp=True),
    ):
        pass


@pytest.mark.needs_programs("swaks")
@pytest.mark.parametrize("protocol", ["ESMTP", "LMTP"])
def test_swaks_delivers_with_and_without_tls(house: House, protocol: str) -> None:
    to, message = address(house, RAKUTEN), b"Subject: by swaks\r\n\r\nbody\r\n"
    with receiving(house, host="127.0.0.1", port=0, lmtp=protocol == "LMTP") as receiver:
        where = ("--server", "127.0.0.1", "--port", str(receiver.port), "--protocol", protocol, "--from", SENDER)
        code, said = swaks(*where, "--to", to, message=message)
        assert (code, "250 2.0.0 stored" in said) == (0, True), said
        code, said = swaks(*where, "--tls", "--to", f"{to},nobody@mail.test", message=message)
        assert (code, "TLS started" in said, "550 5.1.1" in said) == (0, True, True), said
        code, said = swaks(*where, "--to", "nobody@mail.test", message=message)
        assert (code, "550 5.1.1" in said) == (24, True), said
    assert [row.state for row in rows(house)] == ["received", "received"]
