"""A push of several requests: what goes on, what stops it, and when nothing more may leave."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.kit.one_by_one import DIFFERS, one_by_one
from ledger.terms import ListingKey, Outcome, Result

NOW = datetime(2026, 11, 20, tzinfo=UTC)
APPLIED = Outcome(Result.APPLIED)


def sent(*answers: Outcome, seconds: float = 0.0, last_after_seconds: float = 10.0) -> list[Outcome]:
    moment = [NOW]

    def send(number: int) -> dict[ListingKey, Outcome]:
        moment[0] += timedelta(seconds=seconds)
        return {ListingKey(str(number)): answers[number]}

    told = one_by_one(
        range(len(answers)),
        keys_of=lambda number: [ListingKey(str(number))],
        send=send,
        now=lambda: moment[0],
        began=NOW,
        last_after_seconds=last_after_seconds,
    )
    return [told[ListingKey(str(number))] for number in range(len(answers))]


@pytest.mark.parametrize(
    "first",
    [
        APPLIED,
        Outcome(Result.ACCEPTED),
        Outcome(Result.REJECTED, "404"),
        Outcome(Result.REFUSED),
        Outcome(Result.UNKNOWN, DIFFERS),
    ],
)
def test_what_concerns_one_listing_does_not_stop_the_next(first: Outcome) -> None:
    assert sent(first, APPLIED) == [first, APPLIED]


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (Outcome(Result.REJECTED_AUTH, "401"), Outcome(Result.REJECTED_AUTH, "401")),
        (Outcome(Result.THROTTLED, "429", 7.0), Outcome(Result.THROTTLED, "429", 7.0)),
        (Outcome(Result.TRANSIENT, "500", 3.0), Outcome(Result.TRANSIENT, "not_sent")),
        (Outcome(Result.UNKNOWN, "answer_cut"), Outcome(Result.TRANSIENT, "not_sent")),
    ],
)
def test_what_concerns_the_mall_stops_the_rest(first: Outcome, rest: Outcome) -> None:
    assert sent(first, APPLIED, APPLIED) == [first, rest, rest]


def test_nothing_leaves_after_the_stated_time() -> None:
    late = Outcome(Result.TRANSIENT, "out_of_time")
    assert sent(APPLIED, APPLIED, APPLIED, seconds=6.0) == [APPLIED, APPLIED, late]
