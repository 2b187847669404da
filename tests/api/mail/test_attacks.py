"""Mails made to harm: each ends in a state with a reason that quotes nothing, within its time and its memory."""

import base64
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from api.database import Database
from api.jobs.intake import drain
from api.tables.inbox import STATES
from api.wiring import House
from tests.api.intake_rig import RAKUTEN, KnownListings, connect_shops, deliver, nothing_waits, opened, rows, sample
from tests.api.mail.signing import Dns, signed
from tests.api.mail.test_proof_at_the_doors import order

CANARY = b"CANARY-TEXT-4d1e"
SECONDS_MAX = 1.0  # so long one message may keep others waiting
HEAD = b"From: order@mail.rms.rakuten.co.jp\r\nSubject: " + CANARY + b"\r\nMIME-Version: 1.0\r\n"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with opened(database, tmp_path, dns=Dns().knows("rakuten.co.jp")) as house:
        connect_shops(house)
        yield house


def text(charset: bytes, body: bytes, transfer: bytes = b"8bit") -> bytes:
    fields = b"Content-Type: text/plain; charset=" + charset + b"\r\nContent-Transfer-Encoding: " + transfer
    return HEAD + fields + b"\r\n\r\n" + body


def parts(count: int) -> bytes:
    part = b"--b\r\nContent-Type: text/plain\r\n\r\n" + CANARY + b"\r\n"
    return HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + part * count + b"--b--\r\n"


def nested_parts(depth: int) -> bytes:
    lines = [HEAD]
    for n in range(depth):
        lines.append(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n))
    return b"".join(lines) + b"Content-Type: text/plain\r\n\r\n" + CANARY


def nested_mails(depth: int) -> bytes:
    return (HEAD + b"Content-Type: message/rfc822\r\n\r\n") * depth + CANARY


ATTACKS = {
    "nothing": b"\r\n",
    "no-header": CANARY * 10,
    "nul": b"\x00" * 100_000,
    "parts-1000": parts(1_000),
    "parts-20000": parts(20_000),
    "nested-parts": nested_parts(40),
    "nested-parts-1000": nested_parts(1_000),
    "nested-mails": nested_mails(1_000),
    "nested-mails-10000": nested_mails(10_000),
    "encoded-words": b"From: x@example.com\r\nSubject: " + b"=?utf-8?b?44CQ?= " * 60_000 + b"\r\n\r\nx",
    "encoded-words-folded": b"From: x@example.com\r\nSubject:" + b" =?iso-2022-jp?b?GyRC?=\r\n" * 40_000 + b"\r\nx",
    "encoded-words-unended": b"Subject: " + b"=?utf-8?q?" * 90_000 + b"\r\n\r\nx",
    "encoded-from": b"From: " + b'"=?utf-8?q?=22?=" <' * 30_000 + b"\r\nSubject: x\r\n\r\nx",
    "iso-2022-jp": text(b"iso-2022-jp", b"\x1b$B!!\x1b(B" * 700_000),
    "iso-2022-jp-escapes": text(b"iso-2022-jp", b"\x1b$B\x1b(J" * 900_000),
    "iso-2022-jp-cut": text(b"iso-2022-jp", b"\x1b$B" + b"!" * 5_000_001),
    "wrong-bytes": text(b"utf-8", b"\xff" * 4_000_000),
    "base64": text(b"utf-8", base64.encodebytes(CANARY * 400_000), b"base64"),
    "quoted-printable": text(b"utf-8", b"=41=\r\n" * 800_000, b"quoted-printable"),
    "one-long-line": text(b"utf-8", b"x" * 9_000_000),
    "html": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<div>" * 300_000 + CANARY,
    "html-comments": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<!--" * 500_000,
    "quotes": text(b"utf-8", b"> " * 1_000 + b"\r\n" + (b">" * 50 + b" x\r\n") * 50_000),
    "forwarded-again-and-again": text(
        b"utf-8", b"---- Forwarded message ----\r\nFrom: a\r\nSubject: b\r\n\r\n" * 20_000
    ),
    "header-fields": b"X: y\r\n" * 100_000 + b"\r\nx",
    "dkim-signatures": b"DKIM-Signature: d=rakuten.co.jp; s=a; b=x; bh=x\r\n" * 900 + order(),
    "dkim-spaces": signed(order(), "rakuten.co.jp").replace(b"bh=", b"bh=" + b" " * 100_000),
    "dates": b"Date: " + b"1 " * 200_000 + b"\r\nSubject: x\r\n\r\nx",
}


def test_a_mail_made_to_harm_ends_in_a_state_with_a_reason_and_in_time(house: House) -> None:
    for name, raw in ATTACKS.items():
        deliver(house, raw)
        deliver(house, sample("rakuten", "order_iso2022jp") + name.encode())  # another mail each time
        began = time.process_time()
        nothing_waits(house, partial(drain, house, KnownListings()))
        seconds = time.process_time() - began
        attack, after = rows(house)[-2:]
        assert (attack.tries, after.state) == (1, "read"), name
        assert attack.state in STATES[1:], name
        assert attack.state == "read" or attack.reason, name
        assert CANARY.decode() not in f"{attack.reason} {attack.rule} {attack.proof}", name
        assert seconds < SECONDS_MAX, f"{name}: {seconds:.2f} s of work with the order after it"


def test_a_mail_of_fifty_megabytes_takes_a_few_times_its_size_in_memory(database: Database, tmp_path: Path) -> None:
    with opened(database, tmp_path) as house:
        connect_shops(house)
    child = [sys.executable, "-m", "tests.api.mail.large_mail_child"]
    done = subprocess.run(
        [*child, database.url, database.schema, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    accepted, grown_megabytes = done.stdout.split()
    assert (accepted, int(grown_megabytes) < 200) == ("250", True), done.stdout
    with opened(database, tmp_path) as house:
        nothing_waits(house, partial(drain, house, KnownListings()))
        (row,) = rows(house)
        assert (row.shop, row.state, row.rule) == (RAKUTEN, "quarantined", "mail_too_large")
        with house.pool.connection() as connection:
            found = connection.execute("SELECT count(*), max(length(sealed)) < 1001000 FROM inbox_messages").fetchone()
        assert found == (51, True)
