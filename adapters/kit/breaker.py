"""自動停止: stops calling a mall that keeps failing, and lets one call try again after a rest. Pure and frozen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from ledger.terms import Result

FAILURES_MAX = 5
REST_SECONDS_FIRST = 5.0
REST_SECONDS_MAX = 300.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """``failures`` in a row; ``closed_until`` None: calls may pass, else from then on; ``needs_person``: the key is not accepted."""

    failures: int = 0
    rests: int = 0
    closed_until: datetime | None = None
    needs_person: bool = False


def may_call(breaker: Breaker, now: datetime) -> bool:
    """Whether a call may leave at ``now``. After a rest one call may; its result decides."""
    return not breaker.needs_person and (breaker.closed_until is None or now >= breaker.closed_until)


def after(breaker: Breaker, results: Sequence[Result], now: datetime) -> Breaker:
    """The breaker after one request with these results. A refused key stops at once and needs a person."""
    kinds = {_kind(result) for result in results}
    if "key" in kinds:
        return replace(breaker, needs_person=True)
    if "well" in kinds or not kinds:
        return Breaker()
    if "busy" in kinds:  # throttled: the pace waits, the mall is well
        return replace(breaker, closed_until=None)
    failures = breaker.failures + 1
    if failures < FAILURES_MAX:
        return replace(breaker, failures=failures, closed_until=None)
    rest = min(REST_SECONDS_FIRST * 2**breaker.rests, REST_SECONDS_MAX)
    return Breaker(failures, min(breaker.rests + 1, 16), now + timedelta(seconds=rest))


def renewed() -> Breaker:
    """The breaker after a person renewed the key or resumed the shop."""
    return Breaker()


def _kind(result: Result) -> str:
    match result:
        case Result.APPLIED | Result.ACCEPTED | Result.REJECTED | Result.REFUSED:
            return "well"
        case Result.REJECTED_AUTH:
            return "key"
        case Result.THROTTLED:
            return "busy"
        case Result.TRANSIENT | Result.UNKNOWN:
            return "failed"
        case _:
            assert_never(result)
