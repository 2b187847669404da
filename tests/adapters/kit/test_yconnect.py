"""YConnect: tokens that expire and are kept before they are used, the public key's headers, and the warnings."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.kit.mall import Answer, Lost, NotSent, Reply, ShopAccess
from adapters.kit.profile import Profile
from adapters.kit.yconnect import TOKEN_PATH, authorized, due_warnings, log_in
from ledger.terms import Outcome, Result

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PROFILE = Profile({"hosts.auth": "https://auth.invalid", "api.login_days": 28, "api.public_key_days": 365})
SECRETS = {"client_secret": "secret-1", "refresh_token": "refresh-1", "access_token": "access-1"}
STEPS = [(0, "relogin_30"), (21, "relogin_7"), (27, "relogin_1"), (28, "relogin_over")]


def answer(status: int, body: str = "") -> Answer:
    return Answer(status, body.encode(), {}, NOW, NOW)


DONE, EXPIRED = answer(200, "done"), answer(401)
RENEWED = answer(200, '{"access_token":"access-2","expires_in":3600}')


@dataclass
class LaidDown:
    """Answers what was laid down, in order, for the service and for the token endpoint, and keeps what it was sent."""

    replies: list[Reply]
    tokens: list[Reply] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    def call(self, headers: Mapping[str, str]) -> Reply:
        self.sent.append(dict(headers))
        return self.replies.pop(0)

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        raise AssertionError(f"GET {url} {headers} {params}")

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        assert (method, url) == ("POST", "https://auth.invalid" + TOKEN_PATH)
        assert headers["Authorization"] == "Basic " + base64.b64encode(b"client-1:secret-1").decode()
        self.forms.append({name: values[0] for name, values in parse_qs(content.decode()).items()})
        return self.tokens.pop(0)


def access_to(
    service: LaidDown, *, now: datetime = NOW, settings: Mapping[str, str] | None = None, **secrets: str
) -> ShopAccess:
    kept = {**SECRETS, **secrets}
    entered = {"seller_id": "samplestore", "client_id": "client-1", **(settings or {})}
    return ShopAccess(service, entered, kept, kept.__setitem__, lambda: now, {}, PROFILE)


def code_of(reply: Answer) -> str:
    return reply.body.decode() if reply.body.startswith(b"px-") else ""


def asked(service: LaidDown, access: ShopAccess) -> Answer | Outcome:
    return authorized(access, service.call, code_of)


def test_a_good_token_is_used_as_it_is() -> None:
    service = LaidDown([DONE])
    assert asked(service, access_to(service)) == DONE
    assert service.sent == [{"Authorization": "Bearer access-1"}]


@pytest.mark.parametrize("expired", [EXPIRED, answer(400, "px-04102")])
def test_an_expired_token_is_renewed_once_and_the_request_sent_once_more(expired: Answer) -> None:
    service = LaidDown([expired, DONE], [RENEWED])
    access = access_to(service)
    assert asked(service, access) == DONE
    assert service.forms == [{"grant_type": "refresh_token", "refresh_token": "refresh-1"}]
    assert service.sent[1]["Authorization"] == "Bearer access-2"
    assert access.secrets["access_token"] == "access-2"
    assert access.secrets["refresh_token"] == "refresh-1", "no new one came"


def test_a_new_refresh_token_is_kept_before_the_access_token_is_used() -> None:
    both = answer(200, '{"access_token":"access-2","refresh_token":"refresh-2"}')
    service = LaidDown([EXPIRED, NotSent("connection_refused")], [both])
    access = access_to(service)
    assert asked(service, access) == Outcome(Result.TRANSIENT, "connection_refused")
    assert (access.secrets["refresh_token"], access.secrets["access_token"]) == ("refresh-2", "access-2")


@pytest.mark.parametrize(
    ("refused", "code"),
    [(EXPIRED, "http_401"), (answer(400, "px-04102"), "relogin_needed"), (answer(400, "px-04306"), "px-04306")],
)
def test_what_is_still_refused_with_a_new_token_is_rejected_auth(refused: Answer, code: str) -> None:
    service = LaidDown([EXPIRED, refused], [RENEWED])
    assert asked(service, access_to(service)) == Outcome(Result.REJECTED_AUTH, code)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (answer(400, '{"error":"invalid_grant"}'), Outcome(Result.REJECTED_AUTH, "relogin_needed")),
        (answer(401, '{"error":"invalid_client"}'), Outcome(Result.REJECTED_AUTH, "client_not_accepted")),
        (answer(429), Outcome(Result.THROTTLED, "http_429", 1.0)),
        (answer(500), Outcome(Result.TRANSIENT, "token_not_given")),
        (answer(200, "garbage"), Outcome(Result.TRANSIENT, "token_not_given")),
        (Lost("timeout"), Outcome(Result.TRANSIENT, "timeout")),
    ],
)
def test_without_a_token_nothing_was_sent_so_nothing_is_unknown(reply: Reply, outcome: Outcome) -> None:
    service = LaidDown([], [reply])
    assert asked(service, access_to(service, access_token="")) == outcome
    assert service.sent == []


def test_a_request_that_was_lost_on_its_way_is_unknown() -> None:
    service = LaidDown([Lost("timeout")])
    assert asked(service, access_to(service)) == Outcome(Result.UNKNOWN, "timeout")


def test_without_a_login_a_person_has_to_log_in() -> None:
    service = LaidDown([])
    access = access_to(service, access_token="", refresh_token="")
    assert asked(service, access) == Outcome(Result.REJECTED_AUTH, "relogin_needed")


def test_the_public_key_signs_the_store_and_the_moment() -> None:
    key = rsa.generate_private_key(65_537, 2048)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    service = LaidDown([DONE])
    asked(service, access_to(service, settings={"public_key_version": "3"}, public_key=pem))
    signature = base64.b64decode(service.sent[0]["X-sws-signature"])
    assert key.decrypt(signature, PKCS1v15()).decode() == f"samplestore:{int(NOW.timestamp())}"
    assert service.sent[0]["X-sws-signature-version"] == "3"


def test_a_public_key_that_is_none_stops_before_anything_is_sent() -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = elliptic.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for unreadable in ("no key", pem):
        service = LaidDown([])
        found = asked(service, access_to(service, public_key=unreadable))
        assert found == Outcome(Result.REJECTED_AUTH, "public_key_unreadable")


def test_a_persons_login_becomes_tokens_and_its_code_is_forgotten() -> None:
    both = answer(200, '{"access_token":"access-2","refresh_token":"refresh-2"}')
    service = LaidDown([], [both])
    access = access_to(service, settings={"redirect_uri": "https://daicho.example/"}, authorization_code="code-1")
    assert log_in(access) is None
    assert service.forms[0]["code"] == "code-1"
    assert (access.secrets["refresh_token"], access.secrets["authorization_code"]) == ("refresh-2", "")
    assert access.secrets["logged_in_at"] == "2026-11-20T00:00:00.000000Z"
    refused = LaidDown([], [answer(400, "{}")])
    assert log_in(access_to(refused, authorization_code="old")) == Outcome(Result.REJECTED_AUTH, "relogin_needed")


@pytest.mark.parametrize(("days", "code"), STEPS)
def test_a_person_is_warned_before_the_login_ends(days: int, code: str) -> None:
    access = access_to(LaidDown([]), now=NOW + timedelta(days=days), logged_in_at="2026-11-20T00:00:00Z")
    (warning,) = due_warnings(access)
    assert warning.code == code
    assert warning.due_at == NOW + timedelta(days=28)


def test_a_key_is_renewed_every_year_and_an_unknown_day_is_said() -> None:
    made = {"public_key_made_on": "2026-11-20"}
    fresh = access_to(LaidDown([]), settings=made, public_key="pem", logged_in_at="")
    assert [one.code for one in due_warnings(fresh)] == ["relogin_date_unknown"]
    later = access_to(
        LaidDown([]), now=NOW + timedelta(days=360), settings=made, public_key="pem", logged_in_at="2027-11-10"
    )
    assert [one.code for one in due_warnings(later)] == ["relogin_30", "public_key_7"]
