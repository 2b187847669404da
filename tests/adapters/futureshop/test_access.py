"""futureshop's token: asked for once an hour, kept before it is used, and what is said when none is given."""

import base64

import pytest

from adapters.futureshop.push import push
from adapters.futureshop.read_back import connection_test
from adapters.kit.mall import Lost, NotSent, Reply
from ledger.terms import ListingLevel, Outcome, Result
from tests.adapters.futureshop.shop import PLAIN, LaidDown, access_to, answer, failed, store

GIVEN = answer({"access_token": "token-2", "token_type": "Bearer", "expires_in": 3600})
DONE = answer({"status": "success", "results": [{"productNo": "0012", "status": "success"}]})
LEVELS = [ListingLevel(PLAIN, 3)]


def test_a_token_is_asked_for_by_client_and_shop_key_and_kept() -> None:
    http = LaidDown([GIVEN, DONE])
    access = access_to(http, secrets={"client_secret": "canary-secret"})
    assert push(access, LEVELS) == [Outcome(Result.APPLIED)]
    assert access.secrets["access_token"] == "token-2"
    method, url, headers, body = http.asked[0]
    assert (method, url, body) == (
        "POST",
        "https://sampleshop.api.example.jp/oauth/token",
        "grant_type=client_credentials",
    )
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"client-1:canary-secret").decode()
    assert headers["X-SHOP-KEY"] == "sampleshop"
    assert http.asked[1][2]["Authorization"] == "Bearer token-2"
    assert http.asked[1][2]["X-SHOP-KEY"] == "sampleshop"


def test_an_expired_token_is_renewed_once_and_the_call_sent_again() -> None:
    http = LaidDown([failed("Unauthorized", status=401), GIVEN, DONE])
    assert push(access_to(http), LEVELS) == [Outcome(Result.APPLIED)]
    http = LaidDown([failed("Unauthorized", status=401), GIVEN, failed("Unauthorized", status=401)])
    assert push(access_to(http), LEVELS) == [Outcome(Result.REJECTED_AUTH, "http_401")]


def test_tokens_live_an_hour_at_the_mall() -> None:
    with store() as shop:
        assert shop.push((PLAIN, 1)) == [Outcome(Result.APPLIED)]
        assert shop.remembered == []
        shop.clock.passes(hours=1)
        assert shop.push((PLAIN, 2)) == [Outcome(Result.APPLIED)]
        assert [name for name, _ in shop.remembered] == ["access_token"]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (answer({"error": "invalid_client"}, 401), Outcome(Result.REJECTED_AUTH, "token_http_401")),
        (answer({}, 403), Outcome(Result.REJECTED_AUTH, "token_http_403")),
        (answer({}, 200), Outcome(Result.TRANSIENT, "token_not_given")),
        (answer(b"<html>", 503), Outcome(Result.TRANSIENT, "token_not_given")),
        (answer({}, 429), Outcome(Result.THROTTLED, "http_429", 1.0)),
        (NotSent("name_not_found"), Outcome(Result.TRANSIENT, "name_not_found")),
        (Lost("deadline_passed"), Outcome(Result.TRANSIENT, "deadline_passed")),
    ],
)
def test_a_push_without_a_token_was_not_sent(reply: Reply, outcome: Outcome) -> None:
    assert push(access_to(LaidDown([reply]), secrets={"client_secret": "s"}), LEVELS) == [outcome]


def test_the_domain_may_be_typed_with_or_without_its_beginning() -> None:
    for typed in ("api.example.jp", "https://api.example.jp/", " api.example.jp "):
        http = LaidDown([DONE])
        push(access_to(http, api_domain=typed), LEVELS)
        assert http.asked[0][1] == "https://api.example.jp/admin-api/v1/inventory"


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (answer({}, 401), "クライアントシークレット"),
        (NotSent("name_not_found"), "APIドメイン"),
        (answer({}, 503), "しばらくして"),
    ],
)
def test_the_connection_test_says_what_to_look_at(reply: Reply, word: str) -> None:
    told = connection_test(access_to(LaidDown([reply]), secrets={"client_secret": "s"}))
    assert not told.ok
    assert word in told.message


def test_an_address_that_is_not_registered_is_named() -> None:
    with store() as shop:
        assert connection_test(shop.access).ok
        shop.state.address_refused = True
        shop.clock.passes(seconds=1)
        told = connection_test(shop.access)
        assert not told.ok
        assert "IPアドレス" in told.message
