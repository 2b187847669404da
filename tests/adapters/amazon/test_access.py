"""Login with Amazon: tokens renewed and rotated, and the dates a person is warned of."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.amazon.access import call, due_warnings
from adapters.kit.mall import Answer, Lost
from ledger.terms import Outcome, Result
from tests.adapters.amazon.seller import SHIRT, LaidDown, access_to, answer, error, seller

TOKEN = {"access_token": "Atza|new", "refresh_token": "Atzr|refresh-1", "token_type": "bearer", "expires_in": 3600}


def test_an_expired_token_is_renewed_once_and_the_call_sent_again() -> None:
    with seller() as shop:
        shop.clock.passes(hours=1)
        assert shop.push((SHIRT, 4)) == [Outcome(Result.APPLIED)]
        assert [name for name, _ in shop.remembered] == ["access_token"]
        shop.push((SHIRT, 5))
        assert len(shop.remembered) == 1, "the new token is used until it expires"


def test_a_rotated_refresh_token_is_kept_before_the_access_token_is_used() -> None:
    with seller() as shop:
        shop.state.login.rotates = True
        for _ in range(3):
            shop.clock.passes(hours=1)
            assert shop.push((SHIRT, 4)) == [Outcome(Result.APPLIED)]
        assert [name for name, _ in shop.remembered] == ["refresh_token", "access_token"] * 3
        assert len({value for name, value in shop.remembered if name == "refresh_token"}) == 3


def test_a_shop_without_an_access_token_asks_for_one_first() -> None:
    http = LaidDown([answer(200, TOKEN), answer(200, {"items": []})])
    found = call(access_to(http, secrets={"access_token": ""}), "GET", "/x", {})
    assert isinstance(found, Answer)
    assert http.asked[0].body == {
        "grant_type": "refresh_token",
        "refresh_token": "Atzr|refresh-1",
        "client_id": "client-1",
        "client_secret": "secret-1",
    }
    assert http.asked[1].headers["x-amz-access-token"] == "Atza|new"
    assert http.asked[1].headers["x-amz-date"] == "20261120T000000Z"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (answer(400, {"error": "invalid_grant"}), Outcome(Result.REJECTED_AUTH, "invalid_grant")),
        (answer(401, {"error": "invalid_client"}), Outcome(Result.REJECTED_AUTH, "invalid_client")),
        (answer(400, {"error": "a sentence of the mall"}), Outcome(Result.REJECTED_AUTH, "code_not_understood")),
        (answer(400, b"<html>"), Outcome(Result.REJECTED_AUTH, "invalid_grant")),
        (answer(429, b"", {"retry-after": "9"}), Outcome(Result.THROTTLED, "http_429", 9.0)),
        (answer(503, b""), Outcome(Result.TRANSIENT, "token_not_given")),
        (answer(200, {"access_token": 5}), Outcome(Result.TRANSIENT, "token_not_given")),
        (Lost("answer_cut"), Outcome(Result.TRANSIENT, "answer_cut")),
    ],
)
def test_a_call_that_got_no_token_was_not_sent(reply: Answer | Lost, outcome: Outcome) -> None:
    http = LaidDown([error(403, "Unauthorized"), reply])
    assert call(access_to(http), "GET", "/x", {}) == outcome


def test_a_token_refused_twice_stops_the_shop() -> None:
    http = LaidDown([error(403, "Unauthorized"), answer(200, TOKEN), error(403, "AccessDenied")])
    assert call(access_to(http), "GET", "/x", {}) == Outcome(Result.REJECTED_AUTH, "AccessDenied")
    assert call(access_to(LaidDown([]), secrets={"access_token": "", "refresh_token": ""}), "GET", "/x", {}) == Outcome(
        Result.REJECTED_AUTH, "invalid_grant"
    )


@pytest.mark.parametrize(("left_days", "step"), [(31, ""), (30, "30"), (7, "7"), (1, "1"), (0, "over"), (-5, "over")])
def test_a_person_is_warned_before_the_client_secret_ends(left_days: int, step: str) -> None:
    made_on = (datetime(2026, 11, 20, 9, tzinfo=UTC) - timedelta(days=180 - left_days)).date().isoformat()
    access = access_to(LaidDown([]), settings={"client_secret_made_on": made_on})
    # Midnight in Japan is 15:00 UTC of the day before: nine hours less are left.
    codes = [warning.code for warning in due_warnings(access)]
    assert codes == ([f"client_secret_{step}"] if step else [])


def test_a_date_that_was_not_entered_is_asked_for() -> None:
    access = access_to(LaidDown([]), settings={"client_secret_made_on": "", "authorized_on": "先月"})
    assert [warning.code for warning in due_warnings(access)] == [
        "client_secret_date_unknown",
        "authorization_date_unknown",
    ]
    access = access_to(LaidDown([]), settings={"authorized_on": "2025/11/25"})
    assert [warning.code for warning in due_warnings(access)] == ["authorization_7"]
