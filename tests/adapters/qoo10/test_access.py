"""The seller's key: issued, renewed once, kept before it is used, and the year of the API key."""

from datetime import timedelta

import pytest

from adapters.kit.mall import Lost
from adapters.qoo10.push import push
from adapters.qoo10.read_back import connection_test
from ledger.terms import Outcome, Result
from tests.adapters.qoo10.seller import ITEM, NOW, SECRETS, Script, access_to, level, said, world

APPLIED = Outcome(Result.APPLIED)
ISSUE = "CertificationAPI.CreateCertificationKey"
WITHOUT = {"api_key": "api-key-1", "password": "password-1"}


def test_a_shop_without_a_key_gets_one_and_keeps_it() -> None:
    script = Script(said(0, "sak-2"), said())
    access = access_to(script, secrets=WITHOUT)
    assert push(access, [level(ITEM, 1)]) == [APPLIED]
    method, headers, fields = script.asked[0]
    assert method == ISSUE
    assert headers["GiosisCertificationKey"] == "api-key-1"
    assert fields == {"returnType": "application/json", "user_id": "sample_seller", "pwd": "password-1"}
    assert script.asked[1][1]["GiosisCertificationKey"] == "sak-2"
    assert access.secrets["seller_auth_key"] == "sak-2"


@pytest.mark.parametrize("code", [-10000, -90004, -90005])
def test_an_expired_key_is_renewed_once_and_the_push_goes_on(code: int) -> None:
    script = Script(said(code), said(0, "sak-2"), said())
    assert push(access_to(script), [level(ITEM, 1)]) == [APPLIED]


def test_a_renewed_key_that_is_refused_too_stops_the_shop() -> None:
    script = Script(said(-90004), said(0, "sak-2"), said(-90004))
    assert push(access_to(script), [level(ITEM, 1)]) == [Outcome(Result.REJECTED_AUTH, "-90004")]
    assert len(script.asked) == 3


@pytest.mark.parametrize("code", [-90001, -90002, -90003])
def test_a_key_without_the_right_is_not_renewed(code: int) -> None:
    script = Script(said(code))
    assert push(access_to(script), [level(ITEM, 1)]) == [Outcome(Result.REJECTED_AUTH, str(code))]


def test_a_password_that_was_changed_stops_the_shop() -> None:
    script = Script(said(-90004), said(-10000))
    assert push(access_to(script), [level(ITEM, 1)]) == [Outcome(Result.REJECTED_AUTH, "-10000")]


@pytest.mark.parametrize("given", [said(0), said(0, ""), said(0, 7), said(0, "鍵"), said(-1)])
def test_an_answer_that_is_no_key_is_none(given: object) -> None:
    script = Script(given)  # type: ignore[arg-type]
    outcomes = push(access_to(script, secrets=WITHOUT), [level(ITEM, 1)])
    assert outcomes == [Outcome(Result.REJECTED_AUTH, "key_not_issued")]


def test_a_lost_renewal_leaves_the_push_unsent() -> None:
    script = Script(said(-90004), Lost("deadline_passed"))
    assert push(access_to(script), [level(ITEM, 1)]) == [Outcome(Result.TRANSIENT, "not_sent")]


def test_a_shop_with_neither_key_nor_password_is_told_so() -> None:
    told = connection_test(access_to(Script(), secrets={}))
    assert not told.ok
    assert "SAK" in told.message


def test_the_connection_test_only_lists_items() -> None:
    with world() as found:
        assert connection_test(found.access).ok
        assert found.methods() == ["GetAllGoodsInfo"]
        assert not found.shop.pushes


@pytest.mark.parametrize("code", [-10000, -90001, -90004])
def test_the_connection_test_says_that_the_key_is_wrong(code: int) -> None:
    told = connection_test(access_to(Script(said(code)), secrets={"seller_auth_key": "x"}))
    assert not told.ok
    assert str(code) in told.message
    assert "パスワード" in told.message


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (31, None),
        (30, "api_key_30"),
        (8, "api_key_30"),
        (7, "api_key_7"),
        (1, "api_key_1"),
        (0, "api_key_1"),
        (-1, "api_key_over"),
    ],
)
def test_the_year_of_the_api_key_is_warned_of_before_it_ends(days: int, code: str | None) -> None:
    last_day = (NOW + timedelta(hours=9) + timedelta(days=days)).date()
    access = access_to(Script(said(0, {"Items": []})), settings={"key_expires_on": str(last_day)}, now=(NOW,))
    warnings = connection_test(access).warnings
    assert [one.code for one in warnings] == ([] if code is None else [code])
    assert all(one.due_at is not None for one in warnings)


@pytest.mark.parametrize("typed", ["", "来年", "2027-13-01"])
def test_a_date_that_is_not_known_is_asked_for(typed: str) -> None:
    access = access_to(Script(said(0, {})), settings={"key_expires_on": typed})
    assert [one.code for one in connection_test(access).warnings] == ["api_key_date_unknown"]


def test_the_emulated_mall_takes_a_key_only_from_who_knows_the_password() -> None:
    with world() as found:
        found.state.expired = True
        assert push(found.access, [level(ITEM, 4)]) == [APPLIED]
        assert found.secrets["seller_auth_key"] != SECRETS["seller_auth_key"]
        found.secrets["password"] = "wrong"
        found.state.expired = True
        assert push(found.access, [level(ITEM, 5)]) == [Outcome(Result.REJECTED_AUTH, "-10000")]
        assert found.shop.stock[ITEM] == 4
