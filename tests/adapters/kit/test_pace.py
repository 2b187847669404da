"""The arithmetic of calling a mall not too fast, and of leaving one alone that fails."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kit.breaker import FAILURES_MAX, REST_SECONDS_MAX, Breaker, after, may_call, renewed
from adapters.kit.pace import Go, Pace, Wait, ask, held_back
from ledger.terms import Result

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def waits(pace: Pace, arrival: float | None, now: float) -> float:
    said = ask(pace, arrival=arrival, now=now)
    return said.seconds if isinstance(said, Wait) else 0.0


def test_one_call_a_second_leaves_and_the_next_waits_what_is_left() -> None:
    first = ask(Pace(1.0), arrival=None, now=100.0)
    assert first == Go(101.0)
    assert ask(Pace(1.0), arrival=101.0, now=100.25) == Wait(0.75)
    assert ask(Pace(1.0), arrival=101.0, now=101.0) == Go(102.0)


def test_a_burst_leaves_at_once_after_a_rest() -> None:
    arrival: float | None = None
    for _ in range(5):
        said = ask(Pace(10.0, burst=5), arrival=arrival, now=100.0)
        assert isinstance(said, Go)
        arrival = said.arrival
    assert waits(Pace(10.0, burst=5), arrival, 100.0) == pytest.approx(0.1)


def test_a_wait_the_mall_asked_for_is_kept() -> None:
    arrival = held_back(Pace(1.0, burst=3), arrival=101.0, now=100.0, wait_seconds=30.0)
    assert waits(Pace(1.0, burst=3), arrival, 129.9) == pytest.approx(0.1)
    assert isinstance(ask(Pace(1.0, burst=3), arrival=arrival, now=130.0), Go)


@given(st.floats(0.1, 50.0), st.integers(1, 10), st.lists(st.floats(0.0, 0.5), min_size=1, max_size=60))
def test_never_more_than_the_limit_leaves_in_any_time(per_second: float, burst: int, gaps: list[float]) -> None:
    pace, arrival, now = Pace(per_second, burst), None, 1000.0
    left: list[float] = []
    for gap in gaps:
        now += gap
        said = ask(pace, arrival=arrival, now=now)
        if isinstance(said, Go):
            arrival = said.arrival
            left.append(now)
    for at, moment in enumerate(left):
        inside = sum(1 for one in left[at:] if one - moment < 1.0)
        assert inside <= per_second + burst


def test_a_mall_that_fails_is_left_alone_for_longer_and_longer() -> None:
    breaker = Breaker()
    rests = []
    for _ in range(FAILURES_MAX + 8):
        breaker = after(breaker, [Result.TRANSIENT, Result.UNKNOWN], NOW)
        rests.append((breaker.closed_until - NOW).total_seconds() if breaker.closed_until else 0.0)
    assert rests[: FAILURES_MAX - 1] == [0.0] * (FAILURES_MAX - 1)
    assert rests[FAILURES_MAX - 1 :][:4] == [5.0, 10.0, 20.0, 40.0]
    assert rests[-1] == REST_SECONDS_MAX
    assert not may_call(breaker, NOW)
    assert may_call(breaker, NOW + timedelta(seconds=REST_SECONDS_MAX))


@pytest.mark.parametrize("result", [Result.APPLIED, Result.ACCEPTED, Result.REJECTED, Result.REFUSED])
def test_a_mall_that_answers_is_well_again(result: Result) -> None:
    failing = Breaker(FAILURES_MAX, 3, NOW)
    assert after(failing, [Result.TRANSIENT, result], NOW) == Breaker()


def test_a_busy_mall_is_not_a_failing_one() -> None:
    assert after(Breaker(3), [Result.THROTTLED], NOW) == Breaker(3)


def test_a_refused_key_stops_at_once_until_a_person_renews_it() -> None:
    stopped = after(Breaker(), [Result.REJECTED_AUTH], NOW)
    assert not may_call(stopped, NOW + timedelta(days=30))
    assert may_call(renewed(), NOW)
