"""Reading the mall's numbers back, and the connection test with its warning before the licence key ends."""

from datetime import UTC, datetime

import pytest

from adapters.kit.mall import Lost, NotSent, ReadFailed, Reply
from adapters.rakuten.read_back import connection_test, read_back
from ledger.terms import ListingKey, ListingRead, Result
from tests.adapters.rakuten.fakes import NOW, SECRETS, access, answer

KEYS = [ListingKey("Mng1234", "sku1"), ListingKey("mng1234", "sku2")]
NOTHING = answer(200, {"inventories": []})
REFUSED = {"errors": [{"code": "GE0011", "message": "x"}]}
SWITCHED_OFF = {"Results": {"errorCode": "ES04-01", "message": "x"}}


def expiry(text: object) -> Reply:
    return answer(200, {"expiryDate": text})


def test_a_listing_that_the_mall_does_not_return_is_not_found() -> None:
    shop, _ = access(
        answer(200, {"inventories": [{"manageNumber": "mng1234", "variantId": "sku1", "quantity": 70, "created": "x"}]})
    )
    assert read_back(shop, KEYS) == [ListingRead(KEYS[0], 70), ListingRead(KEYS[1], None, found=False)]


def test_not_found_for_all_of_them_is_not_a_failure() -> None:
    shop, _ = access(answer(404, {"errors": [{"code": "GE0014", "message": "Not found for inputs"}]}))
    assert read_back(shop, KEYS) == [ListingRead(key, None, found=False) for key in KEYS]


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        (answer(401, REFUSED), ReadFailed(Result.REJECTED_AUTH, "GE0011")),
        (answer(400, SWITCHED_OFF), ReadFailed(Result.REJECTED_AUTH, "ES04-01")),
        (answer(400, {"errors": [{"code": "IE0105"}]}), ReadFailed(Result.TRANSIENT, "IE0105")),
        (answer(429), ReadFailed(Result.THROTTLED, "http_429", 1.0)),
        (answer(503), ReadFailed(Result.TRANSIENT, "http_503")),
        (NotSent("connection_refused"), ReadFailed(Result.TRANSIENT, "connection_refused")),
        (Lost("deadline_passed"), ReadFailed(Result.TRANSIENT, "deadline_passed")),
        (answer(200, b"<html>"), ReadFailed(Result.TRANSIENT, "answer_not_understood")),
        (
            answer(200, {"inventories": [{"manageNumber": "a", "variantId": "b", "quantity": -1}]}),
            ReadFailed(Result.TRANSIENT, "answer_not_understood"),
        ),
        (
            answer(200, {"inventories": [{"manageNumber": "a", "variantId": "b", "quantity": "5"}]}),
            ReadFailed(Result.TRANSIENT, "answer_not_understood"),
        ),
        (answer(200, {"inventories": [7]}), ReadFailed(Result.TRANSIENT, "answer_not_understood")),
    ],
)
def test_a_read_that_fails_gives_no_number(reply: Reply, wanted: ReadFailed) -> None:
    shop, _ = access(reply)
    assert read_back(shop, KEYS) == wanted


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ("2026-12-21T12:00:00+09:00", None),
        ("2026-12-20T00:00:00+09:00", "license_key_ends_within_30_days"),
        ("2026-11-27T00:00:00+0900", "license_key_ends_within_7_days"),
        ("2026-11-21", "license_key_ends_within_1_days"),
        ("まもなく", "license_key_expiry_unknown"),
        (None, "license_key_expiry_unknown"),
    ],
)
def test_the_connection_test_warns_before_the_key_ends(ends: object, code: str | None) -> None:
    shop, http = access(expiry(ends), NOTHING)
    tested = connection_test(shop)
    assert tested.ok
    assert [warning.code for warning in tested.warnings] == ([] if code is None else [code])
    assert http.asked[0][0].endswith(f"/expiry-date?licenseKey={SECRETS['license_key']}")
    assert http.asked[1][0].endswith("/bulk-get")


def test_a_warning_says_the_day_in_japan_in_both_languages() -> None:
    shop, _ = access(expiry("2026-11-25T15:30:00Z"), NOTHING)
    warning = connection_test(shop).warnings[0]
    assert warning.due_at == datetime(2026, 11, 25, 15, 30, tzinfo=UTC)
    assert warning.due_at > NOW
    assert warning.message.count("2026-11-26") == 2


def test_an_expiry_that_cannot_be_asked_does_not_hide_a_connection_that_works() -> None:
    shop, _ = access(answer(404, b"<html>"), NOTHING)
    tested = connection_test(shop)
    assert tested.ok
    assert [warning.code for warning in tested.warnings] == ["license_key_expiry_unknown"]


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ((answer(401, REFUSED),), "ライセンスキー"),
        ((expiry("2027-01-01"), answer(400, SWITCHED_OFF)), "在庫API 2.0"),
        ((expiry("2027-01-01"), answer(403)), "ライセンスキー"),
        ((Lost("deadline_passed"),), "deadline_passed"),
        ((expiry("2027-01-01"), answer(200, b"<html>")), "answer_not_understood"),
    ],
)
def test_a_connection_that_fails_says_in_both_languages_what_to_do(replies: tuple[Reply, ...], words: str) -> None:
    shop, _ = access(*replies)
    tested = connection_test(shop)
    assert not tested.ok
    assert words in tested.message
    assert " / " in tested.message
    assert not any(secret in tested.message for secret in SECRETS.values())
