"""The SMTP receiver, spoken to over loopback: 250 only after commit, and everything else refused in its own way."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from api.database import Database
from api.mail.smtp import Receiver, receiving
from api.settings import BadSetting
from api.tables.inbox import raw_of
from api.unavailable import Unavailable
from api.wiring import House
from tests.api.inbound.certificate import write_certificate
from tests.api.intake_rig import RAKUTEN, YAHOO, address, connect_shops, opened, rows, sample

SENDER = "forwarder@example.com"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with opened(database, tmp_path, mail_bytes_max=1_000_000, smtp_connections_max=3) as house:
        connect_shops(house)
        yield house


@pytest.fixture
def receiver(house: House) -> Iterator[Receiver]:
    with receiving(house, host="127.0.0.1", port=0) as receiver:
        yield receiver


def client(receiver: Receiver) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", receiver.port, timeout=10)


def test_a_mail_is_stored_raw_before_it_is_acknowledged(house: House, receiver: Receiver) -> None:
    raw = sample("rakuten", "order_iso2022jp").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    with client(receiver) as smtp:
        refused = smtp.sendmail(SENDER, [address(house, RAKUTEN)], raw)
        (row,) = rows(house)  # another connection sees it as soon as the client has its answer
    assert refused == {}
    assert (row.shop, row.door, row.state, row.size_bytes) == (RAKUTEN, "mail", "received", len(raw))
    with house.pool.connection() as connection:
        assert raw_of(connection, house.seals, [row]) == {row.id: raw}


def test_a_mail_to_several_shops_has_a_row_for_each(house: House, receiver: Receiver) -> None:
    to = [address(house, RAKUTEN), address(house, YAHOO), address(house, RAKUTEN).upper(), "nobody@mail.test"]
    with client(receiver) as smtp:
        refused = smtp.sendmail(SENDER, to, b"Subject: x\r\n\r\nbody\r\n")
    assert list(refused) == ["nobody@mail.test"]
    assert refused["nobody@mail.test"][0] == 550
    assert [row.shop for row in rows(house)] == [RAKUTEN, YAHOO]


@pytest.mark.parametrize(
    "recipient",
    ["nobody@mail.test", f"{'a' * 26}@mail.test", "x@elsewhere.example", '"odd one"@mail.test', "postmaster@mail.test"],
)
def test_an_unknown_address_is_refused(house: House, receiver: Receiver, recipient: str) -> None:
    with client(receiver) as smtp:
        smtp.ehlo()
        smtp.mail(SENDER)
        assert smtp.rcpt(recipient)[0] == 550
    assert rows(house) == []


def test_the_domain_and_the_size_are_as_the_settings_say(house: House, receiver: Receiver) -> None:
    token = address(house, RAKUTEN).partition("@")[0]
    with client(receiver) as smtp:
        smtp.ehlo()
        assert smtp.esmtp_features["size"] == "1000000"
        assert "auth" not in smtp.esmtp_features
        assert smtp.mail(SENDER, ["SIZE=1000001"])[0] == 552
        assert smtp.mail("<>")[0] == 250  # a bounce, or a provider's confirmation
        assert smtp.rcpt(f"{token}@MAIL.test")[0] == 250
        assert smtp.rcpt(f"{token}@other.test")[0] == 550


def test_a_mail_of_fifty_megabytes_is_refused_and_the_session_goes_on(house: House, receiver: Receiver) -> None:
    line = b"x" * 998 + b"\r\n"
    to = address(house, RAKUTEN)
    with client(receiver) as smtp:
        smtp.helo()
        smtp.mail(SENDER)
        smtp.rcpt(to)
        assert smtp.docmd("DATA")[0] == 354
        for _ in range(500):
            smtp.send(line * 100)
        assert smtp.docmd(".")[0] == 552
        assert smtp.sendmail(SENDER, [to], b"Subject: small\r\n\r\n") == {}
    assert [row.size_bytes for row in rows(house)] == [len(b"Subject: small\r\n\r\n")]


def test_lines_longer_than_the_standard_allows_are_taken(house: House, receiver: Receiver) -> None:
    with client(receiver) as smtp:
        assert smtp.sendmail(SENDER, [address(house, RAKUTEN)], b"Subject: x\r\n\r\n" + b"y" * 100_000 + b"\r\n") == {}
    assert rows(house)[0].size_bytes > 100_000


def test_a_mail_of_several_pieces_comes_back_whole(database: Database, tmp_path: Path) -> None:
    raw = b"Subject: large\r\n\r\n" + b"".join(f"{n:0997}\r\n".encode() for n in range(2_600))
    with opened(database, tmp_path) as house, receiving(house, host="127.0.0.1", port=0) as receiver:
        connect_shops(house)
        with client(receiver) as smtp:
            smtp.sendmail(SENDER, [address(house, RAKUTEN)], raw)
        with house.pool.connection() as connection:
            assert raw_of(connection, house.seals, rows(house)) == {rows(house)[0].id: raw}
            assert connection.execute(
                "SELECT max(length(sealed)) < 1000200, count(*) FROM inbox_messages"
            ).fetchone() == (
                True,
                3,
            )


def test_one_connection_more_than_allowed_is_sent_away(house: House, receiver: Receiver) -> None:
    kept = [client(receiver) for _ in range(3)]
    for smtp in kept:
        smtp.ehlo()
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        client(receiver)
    assert refused.value.smtp_code == 421
    for smtp in kept:
        smtp.close()


def test_too_many_commands_end_the_connection(house: House, receiver: Receiver) -> None:
    with client(receiver) as smtp:
        codes = [smtp.noop()[0] for _ in range(51)]
    assert (codes[49], codes[50]) == (250, 421)


def test_a_client_that_leaves_in_the_middle_leaves_nothing(house: House, receiver: Receiver) -> None:
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=5) as line:
        line.recv(200)
        line.sendall(
            f"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<{address(house, RAKUTEN)}>\r\nDATA\r\nSubject: half".encode()
        )
        line.recv(4096)
    with client(receiver) as smtp:
        smtp.sendmail(SENDER, [address(house, RAKUTEN)], b"Subject: whole\r\n\r\n")
    assert len(rows(house)) == 1


def test_a_database_that_refuses_is_answered_with_try_again(house: House, receiver: Receiver) -> None:
    to = address(house, RAKUTEN)
    with client(receiver) as smtp:
        smtp.sendmail(SENDER, [to], b"Subject: one\r\n\r\n")
        with psycopg.connect(house.database.url, autocommit=True) as owner:
            table = sql.Identifier(house.database.schema, "inbox_messages")
            owner.execute(sql.SQL("REVOKE INSERT ON {} FROM daicho_app").format(table))
            try:
                with pytest.raises(smtplib.SMTPDataError) as refused:
                    smtp.sendmail(SENDER, [to], b"Subject: two\r\n\r\n")
            finally:
                owner.execute(sql.SQL("GRANT INSERT ON {} TO daicho_app").format(table))
        assert refused.value.smtp_code == 451
        assert smtp.sendmail(SENDER, [to], b"Subject: two\r\n\r\n") == {}
    assert len(rows(house)) == 2


def test_a_burst_of_senders_loses_nothing_and_shares_commits(house: House, database: Database) -> None:
    to = address(house, RAKUTEN)

    def send(receiver: Receiver, name: int) -> None:
        with client(receiver) as smtp:
            for n in range(40):
                assert smtp.sendmail(SENDER, [to], f"Subject: {name}-{n}\r\n\r\n".encode()) == {}

    with receiving(house, host="127.0.0.1", port=0) as receiver:
        threads = [threading.Thread(target=send, args=(receiver, name)) for name in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(rows(house)) == 120
    with house.pool.connection() as connection:
        assert connection.execute("SELECT count(DISTINCT digest) FROM inbox").fetchone() == (120,)


def test_starttls_is_offered_with_a_certificate(database: Database, tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "mail.test")
    with (
        opened(database, tmp_path, smtp_certificate_file=certificate, smtp_certificate_key_file=key) as house,
        receiving(house, host="127.0.0.1", port=0) as receiver,
    ):
        connect_shops(house)
        context = ssl.create_default_context(cafile=str(certificate))
        context.check_hostname = False
        with client(receiver) as smtp:
            smtp.starttls(context=context)
            smtp.ehlo()
            assert "auth" not in smtp.esmtp_features
            smtp.sendmail(SENDER, [address(house, RAKUTEN)], b"Subject: x\r\n\r\n")
        assert len(rows(house)) == 1


def test_a_certificate_that_cannot_be_read_is_a_sentence(database: Database, tmp_path: Path) -> None:
    with (
        opened(database, tmp_path, smtp_certificate_file=tmp_path / "none.pem") as house,
        pytest.raises(BadSetting, match=r"none\.pem"),
        receiving(house, host="127.0.0.1", port=0),
    ):
        pass


def test_a_port_that_is_taken_is_a_sentence(house: House, receiver: Receiver) -> None:
    with pytest.raises(Unavailable, match="DAICHO_SMTP_PORT"), receiving(house, host="127.0.0.1", port=receiver.port):
        pass
