"""Logging in to Yahoo!: tokens that expire, what is kept before it is used, the public key, and the warnings."""

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.kit.mall import Answer, Lost, NotSent, Reply
from adapters.yahoo_shopping.push import push
from adapters.yahoo_shopping.read_back import connection_test
from ledger.terms import ListingLevel, Outcome, Result
from tests.adapters.yahoo_shopping.store import NOW, PLAIN, LaidDown, access_to, answer, error, result_set, store

DONE = answer(200, result_set("<ItemCode>test1234</ItemCode><SubCode/><Quantity>6</Quantity>"))
EXPIRED = answer(401, '<Error><Message>Please provide valid credentials. error="invalid_token"</Message></Error>')
LEVEL = [ListingLevel(PLAIN, 6)]
STEPS = [
    (0, "relogin_30"),
    (20, "relogin_30"),
    (21, "relogin_7"),
    (26, "relogin_7"),
    (27, "relogin_1"),
    (28, "relogin_over"),
]
RELOGIN = [Outcome(Result.REJECTED_AUTH, "relogin_needed")]


def token(access: str, refresh: str = "") -> str:
    return f'{{"access_token":"{access}","token_type":"Bearer","expires_in":3600' + (
        f',"refresh_token":"{refresh}"}}' if refresh else "}"
    )


@pytest.mark.parametrize(
    "expired", [EXPIRED, answer(401, error("px-04102")), answer(400, error("px-04102")), answer(401, "")]
)
def test_an_expired_access_token_is_renewed_once_and_the_push_sent_once_more(expired: Answer) -> None:
    http = LaidDown([expired, answer(200, token("access-2")), DONE])
    access = access_to(http)
    assert push(access, LEVEL) == [Outcome(Result.APPLIED)]
    urls = [url for url, *_ in http.asked]
    assert urls[1] == "https://auth.login.yahoo.co.jp/yconnect/v2/token"
    assert http.asked[1][1]["Authorization"] == "Basic " + base64.b64encode(b"client-1:secret-1").decode()
    assert http.asked[1][2] == {"grant_type": "refresh_token", "refresh_token": "refresh-1"}
    assert http.asked[2][1]["Authorization"] == "Bearer access-2"
    assert access.secrets["access_token"] == "access-2"
    assert access.secrets["refresh_token"] == "refresh-1", "no new one came"


def test_a_new_refresh_token_is_kept_before_the_access_token_is_used() -> None:
    http = LaidDown([EXPIRED, answer(200, token("access-2", "refresh-2")), NotSent("connection_refused")])
    access = access_to(http)
    assert push(access, LEVEL) == [Outcome(Result.TRANSIENT, "connection_refused")]
    assert access.secrets["refresh_token"] == "refresh-2"
    assert access.secrets["access_token"] == "access-2"


def test_a_second_401_is_not_tried_for_ever() -> None:
    http = LaidDown([EXPIRED, answer(200, token("access-2")), EXPIRED])
    assert push(access_to(http), LEVEL) == [Outcome(Result.REJECTED_AUTH, "http_401")]
    http = LaidDown([EXPIRED, answer(200, token("access-2")), answer(401, error("px-04102"))])
    assert push(access_to(http), LEVEL) == RELOGIN


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (answer(400, '{"error":"invalid_grant"}'), RELOGIN[0]),
        (answer(401, "<html>"), RELOGIN[0]),
        (answer(401, '{"error":"invalid_client"}'), Outcome(Result.REJECTED_AUTH, "client_not_accepted")),
        (answer(500, ""), Outcome(Result.TRANSIENT, "token_not_given")),
        (answer(200, "[]"), Outcome(Result.TRANSIENT, "token_not_given")),
        (answer(200, '{"access_token":""}'), Outcome(Result.TRANSIENT, "token_not_given")),
        (answer(429, "", {"retry-after": "7"}), Outcome(Result.THROTTLED, "http_429", 7.0)),
        (NotSent("name_not_found"), Outcome(Result.TRANSIENT, "name_not_found")),
        (Lost("answer_cut"), Outcome(Result.TRANSIENT, "answer_cut")),
    ],
)
def test_a_token_that_is_not_given_means_that_nothing_was_sent(reply: Reply, outcome: Outcome) -> None:
    assert push(access_to(LaidDown([EXPIRED, reply])), LEVEL) == [outcome]


def test_without_any_token_a_person_has_to_log_in() -> None:
    assert push(access_to(LaidDown([]), secrets={"access_token": "", "refresh_token": ""}), LEVEL) == RELOGIN


def test_over_an_hour_and_four_weeks_of_pushes_the_login_ends_when_it_says() -> None:
    with store() as shop:
        assert shop.push((PLAIN, 1)) == [Outcome(Result.APPLIED)]
        shop.clock.passes(hours=1)
        assert shop.push((PLAIN, 2)) == [Outcome(Result.APPLIED)]
        assert shop.remembered == [("access_token", "samplestore-access-000001")]
        shop.clock.passes(days=27)
        assert shop.push((PLAIN, 3)) == [Outcome(Result.APPLIED)]
        shop.clock.passes(days=1)
        assert shop.push((PLAIN, 4)) == RELOGIN
        assert shop.shop.stock[PLAIN] == 3
        shop.state.login.allow_code("code-9")
        shop.secrets["authorization_code"] = "code-9"
        assert connection_test(shop.access).ok
        assert shop.secrets["authorization_code"] == "", "it works once"
        assert shop.secrets["logged_in_at"].startswith("2026-12-18T01:00:0")
        assert shop.push((PLAIN, 4)) == [Outcome(Result.APPLIED)]


def test_a_login_code_that_is_refused_leaves_the_old_login_in_place() -> None:
    with store() as shop:
        shop.secrets["authorization_code"] = "code-that-is-over"
        told = connection_test(shop.access)
        assert told.ok
        assert [warning.code for warning in told.warnings] == [
            "authorization_code_refused",
            "relogin_30",
            "public_key_missing",
        ]
        assert shop.secrets["refresh_token"] == "refresh-1"


@pytest.mark.parametrize(("days", "code"), STEPS)
def test_the_next_login_is_announced_30_7_and_1_days_before(days: int, code: str) -> None:
    with store() as shop:
        shop.clock.passes(days=days)
        warning = connection_test(shop.access).warnings[0]
        assert warning.code == code
        assert warning.due_at == NOW + timedelta(days=28)
        assert "2026年12月18日" in warning.message


@pytest.mark.parametrize("said", ["2026-11-20", "2026/11/20"])
def test_a_login_date_typed_by_a_person_is_a_day_in_japan(said: str) -> None:
    with store(secrets={"logged_in_at": said}) as shop:
        assert connection_test(shop.access).warnings[0].due_at == NOW - timedelta(hours=9) + timedelta(days=28)


def test_a_login_date_that_nobody_knows_is_asked_for() -> None:
    with store(secrets={"logged_in_at": "先月"}) as shop:
        assert connection_test(shop.access).warnings[0].code == "relogin_date_unknown"


def test_the_public_key_signs_the_store_and_the_moment() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    http = LaidDown([DONE])
    push(access_to(http, settings={"public_key_version": "3"}, secrets={"public_key": f"\n{pem}\n"}), LEVEL)
    headers = http.asked[0][1]
    assert headers["X-sws-signature-version"] == "3"
    assert (
        key.decrypt(base64.b64decode(headers["X-sws-signature"]), PKCS1v15())
        == f"samplestore:{int(NOW.timestamp())}".encode()
    )


def test_a_public_key_that_cannot_be_read_stops_the_shop_and_sends_nothing() -> None:
    unreadable = [Outcome(Result.REJECTED_AUTH, "public_key_unreadable")]
    assert push(access_to(LaidDown([]), secrets={"public_key": "-----BEGIN PUBLIC KEY-----\nx\n"}), LEVEL) == unreadable


def test_without_a_public_key_nothing_is_signed() -> None:
    http = LaidDown([DONE])
    push(access_to(http), LEVEL)
    assert not [name for name in http.asked[0][1] if "sws" in name.lower()]


def test_a_public_key_is_announced_too_and_a_refused_one_is_said() -> None:
    pem = "-----BEGIN"
    with store(secrets={"public_key": pem}, settings={"public_key_made_on": "2025-11-25"}) as shop:
        codes = [warning.code for warning in connection_test(shop.access).warnings]
        assert codes == ["relogin_30", "public_key_7"]
    empty = result_set("<ItemCode>daicho-connection-test</ItemCode><SubCode/><Status>0</Status>")
    reply = answer(200, empty, {"x-sws-authorize-status": "expired-public-key"})
    told = connection_test(access_to(LaidDown([reply])))
    assert told.ok
    assert "public_key_not_accepted" in [warning.code for warning in told.warnings]
