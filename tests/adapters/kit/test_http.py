"""HTTP to malls over real sockets: what was not sent, what is lost, and what is never shown."""

import gzip
import itertools
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.kit.answers import json_of, outcome_of_no_answer, read_failed, retry_after_seconds, throttled_or_transient
from adapters.kit.http import MallConnection, open_mall_http
from adapters.kit.mall import Answer, Lost, NotSent, Reply
from ledger.terms import Outcome, Result
from tests.adapters.emulated import closed_port
from tests.adapters.kit.wire import answers, certificate, drips, scripted, waits_for_the_client

CANARY = "canary-key-1234567890"
HEADERS = {"Authorization": f"Bearer {CANARY}", "Content-Type": "application/json"}
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def ticking() -> Iterator[datetime]:
    return (NOW + timedelta(seconds=n) for n in itertools.count())


@contextmanager
def opened(
    *,
    deadline_seconds: float = 5.0,
    answer_bytes_max: int = 1_000_000,
    certificates: ssl.SSLContext | None = None,
    plain_hosts: frozenset[str] = frozenset(),
) -> Iterator[MallConnection]:
    moments = ticking()
    http = open_mall_http(
        now=lambda: next(moments),
        monotonic=time.monotonic,
        deadline_seconds=deadline_seconds,
        answer_bytes_max=answer_bytes_max,
        certificates=certificates,
        plain_hosts=plain_hosts,
    )
    yield http
    http.close()


def posted(raw: bytes, *, answer_bytes_max: int = 1_000_000) -> Reply:
    with scripted(answers(raw)) as (base, _), opened(answer_bytes_max=answer_bytes_max) as http:
        return http.send("POST", base + "/x", headers=HEADERS, content=b"{}")


def plain(status: str, body: bytes = b"", *headers: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", "")).encode() + body


# ------------------------------------------------------------------ answers


def test_a_whole_answer_has_its_body_its_headers_in_lower_case_and_its_moments() -> None:
    with scripted(answers(plain("200 OK", b'{"a": 1}', "X-Name: v"))) as (base, seen), opened() as http:
        reply = http.send("POST", base + "/x?y=1", headers=HEADERS, content=b"body")
    assert isinstance(reply, Answer)
    assert (reply.status, reply.body, reply.headers["x-name"]) == (200, b'{"a": 1}', "v")
    assert (reply.applied_from, reply.applied_until) == (NOW, NOW + timedelta(seconds=1))
    assert seen[0].startswith(b"POST /x?y=1 HTTP/1.1\r\n")
    assert b"accept-encoding: identity\r\n" in seen[0].lower()


def test_a_get_adds_its_parameters_to_the_address() -> None:
    with scripted(answers(plain("204 No Content"))) as (base, seen), opened() as http:
        reply = http.get(base + "/x", headers={}, params={"licenseKey": "a+b/c d"})
    assert isinstance(reply, Answer)
    assert reply.status == 204
    assert seen[0].startswith((b"GET /x?licenseKey=a%2Bb%2Fc+d ", b"GET /x?licenseKey=a%2Bb%2Fc%20d "))


def test_redirects_are_answers_and_cookies_are_forgotten() -> None:
    script = answers(plain("302 Found", b"", "Location: http://127.0.0.1:1/", "Set-Cookie: a=b", "Connection: close"))
    with scripted(script) as (base, seen), opened() as http:
        first = http.send("POST", base + "/x", headers=HEADERS, content=b"")
        http.send("POST", base + "/x", headers=HEADERS, content=b"")
    assert isinstance(first, Answer)
    assert first.status == 302
    assert b"cookie" not in seen[1].lower()


def test_an_answer_packed_although_not_asked_for_is_unpacked() -> None:
    reply = posted(plain("200 OK", gzip.compress(b"packed"), "Content-Encoding: gzip"))
    assert isinstance(reply, Answer)
    assert reply.body == b"packed"


# ------------------------------------------------------------------ not sent


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://mall.invalid/x", "address_not_https"),
        ("ftp://127.0.0.1/x", "address_not_https"),
        ("https://user:secret@mall.invalid/x", "address_not_valid"),
        ("https://[bad/x", "address_not_valid"),
        ("https:///x", "address_not_valid"),
    ],
)
def test_an_address_that_is_not_safe_is_not_called(url: str, reason: str) -> None:
    with opened() as http:
        assert http.send("POST", url, headers=HEADERS, content=b"") == NotSent(reason)


def test_a_name_that_does_not_exist_is_not_sent() -> None:
    with opened() as http:
        assert http.send("POST", "https://no-such-mall.invalid/x", headers=HEADERS, content=b"") == NotSent(
            "name_not_found"
        )


def test_a_refused_connection_is_not_sent() -> None:
    with opened() as http:
        assert http.send("POST", f"http://127.0.0.1:{closed_port()}/x", headers=HEADERS, content=b"") == NotSent(
            "connection_refused"
        )


@pytest.mark.parametrize("value", ["ｋｅｙ", "key\r\nX-Other: 1", "key\n", "鍵", "key\0"])
def test_a_key_no_header_can_carry_is_not_sent(value: str) -> None:
    with scripted(answers(plain("200 OK"))) as (base, seen), opened() as http:
        assert http.send("POST", base, headers={"Authorization": value}, content=b"") == NotSent("header_not_ascii")
    assert not seen


def test_a_certificate_nobody_trusts_is_not_sent(tmp_path: Path) -> None:
    server, _ = certificate(tmp_path)
    with scripted(answers(plain("200 OK")), certificates=server) as (base, seen), opened() as http:
        assert http.send("POST", base, headers=HEADERS, content=b"") == NotSent("tls_failed")
    assert not seen


def test_a_certificate_of_another_address_is_not_sent(tmp_path: Path) -> None:
    server, trusted = certificate(tmp_path, address="127.0.0.2")
    trusting = ssl.create_default_context(cafile=trusted)
    with scripted(answers(plain("200 OK")), certificates=server) as (base, _), opened(certificates=trusting) as http:
        assert http.send("POST", base, headers=HEADERS, content=b"") == NotSent("tls_failed")


def test_a_trusted_certificate_is_called(tmp_path: Path) -> None:
    server, trusted = certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=trusted)
    with (
        scripted(answers(plain("204 No Content")), certificates=server) as (base, _),
        opened(certificates=trusting) as http,
    ):
        assert isinstance(http.send("POST", base, headers=HEADERS, content=b""), Answer)


def test_a_tls_answer_that_never_comes_is_lost(tmp_path: Path) -> None:
    server, trusted = certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=trusted)
    with scripted(answers(b""), certificates=server) as (base, _), opened(certificates=trusting) as http:
        assert isinstance(http.send("POST", base, headers=HEADERS, content=b""), Lost)


def test_a_mall_that_takes_no_connection_in_time_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        port: int = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        with opened(deadline_seconds=0.3) as http:
            assert http.send("POST", f"http://127.0.0.1:{port}/", headers=HEADERS, content=b"") == NotSent(
                "deadline_passed"
            )
        for one in waiting:
            one.close()


# ------------------------------------------------------------------ lost


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"\x00\xff garbage\r\n\r\n",
    ],
)
def test_an_answer_cut_anywhere_is_lost(raw: bytes) -> None:
    assert isinstance(posted(raw), Lost)


def test_an_answer_above_the_limit_is_lost() -> None:
    assert posted(plain("200 OK", b"x" * 2000), answer_bytes_max=1000) == Lost("answer_too_large")


def test_an_answer_that_unpacks_to_too_much_is_lost() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert posted(plain("200 OK", bomb, "Content-Encoding: gzip")) == Lost("answer_too_large")


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_an_answer_packed_in_an_unknown_way_is_lost(coding: str) -> None:
    assert posted(plain("200 OK", b"not packed", f"Content-Encoding: {coding}")) == Lost("answer_encoded")


@pytest.mark.parametrize("raw", [b"x", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx"])
def test_a_mall_that_answers_byte_by_byte_is_lost_at_the_deadline_of_the_whole_request(raw: bytes) -> None:
    script = drips(raw[-1:] if raw == b"x" else raw, seconds=0.02)
    with scripted(script) as (base, _), opened(deadline_seconds=0.4) as http:
        started = time.monotonic()
        reply = http.send("POST", base, headers=HEADERS, content=b"")
        took = time.monotonic() - started
    assert isinstance(reply, Lost)
    assert took < 3.0, took


def test_a_mall_that_says_nothing_is_lost_at_the_deadline() -> None:
    with scripted(waits_for_the_client) as (base, _), opened(deadline_seconds=0.3) as http:
        assert http.send("POST", base, headers=HEADERS, content=b"") == Lost("deadline_passed")


# ------------------------------------------------------------------ nothing is shown


def test_no_secret_and_no_address_is_in_logs_or_representations(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    with caplog.at_level("DEBUG"), scripted(answers(plain("200 OK"))) as (base, _), opened() as http:
        seen += [repr(http.get(f"{base}/{CANARY}", headers=HEADERS, params={"key": CANARY}))]
        seen += [
            repr(
                http.send(
                    "POST", f"http://127.0.0.1:{closed_port()}/{CANARY}", headers=HEADERS, content=CANARY.encode()
                )
            )
        ]
        seen += [
            repr(
                http.send("POST", f"https://{CANARY}.invalid/", headers={"Authorization": CANARY + "鍵"}, content=b"")
            ),
            repr(http),
        ]
    seen += [record.getMessage() + repr(record.__dict__) for record in caplog.records]
    assert not [one for one in seen if CANARY in one]


# ------------------------------------------------------------------ what an answer means


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()}, NOW, NOW)


def test_busy_is_throttled_and_broken_is_transient_with_the_wait_the_mall_says() -> None:
    assert throttled_or_transient(answer(429)) == Outcome(Result.THROTTLED, "http_429", 1.0)
    assert throttled_or_transient(answer(429, retry_after="7")) == Outcome(Result.THROTTLED, "http_429", 7.0)
    assert throttled_or_transient(answer(503, retry_after="Fri, 20 Nov 2026 00:01:00 GMT")) == Outcome(
        Result.TRANSIENT, "http_503", 60.0
    )
    assert throttled_or_transient(answer(500)) == Outcome(Result.TRANSIENT, "http_500")


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, Result.UNKNOWN),
        (302, Result.UNKNOWN),
        (401, Result.REJECTED_AUTH),
        (400, Result.REJECTED),
        (599, Result.TRANSIENT),
    ],
)
def test_an_answer_nobody_understands_is_never_applied(status: int, result: Result) -> None:
    assert throttled_or_transient(answer(status)).result == result


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("99999", 3600.0),
        ("Thu, 19 Nov 2026 00:00:00 GMT", 0.0),
    ],
)
def test_a_wait_is_believed_within_bounds(text: str, seconds: float | None) -> None:
    assert retry_after_seconds(answer(429, retry_after=text)) == seconds


def test_no_answer_is_transient_before_and_unknown_after_it_left() -> None:
    assert outcome_of_no_answer(NotSent("connection_refused")) == Outcome(Result.TRANSIENT, "connection_refused")
    assert outcome_of_no_answer(Lost("deadline_passed")) == Outcome(Result.UNKNOWN, "deadline_passed")


def test_a_read_that_failed_changed_nothing() -> None:
    assert read_failed(Lost("deadline_passed")).result == Result.TRANSIENT
    assert read_failed(answer(200, b"garbage")).result == Result.TRANSIENT
    assert read_failed(answer(429, retry_after="3")).wait_seconds == 3.0
    assert read_failed(answer(401)).result == Result.REJECTED_AUTH


def test_what_is_no_json_is_none() -> None:
    assert json_of(answer(200, b'{"a": [1]}')) == {"a": [1]}
    assert json_of(answer(200, b"\xff")) is None
    assert json_of(answer(200, b"[" * 100_000)) is None
