"""What an answer of a mall means before the mall's own rules are asked: busy, broken, not ours, or lost."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import assert_never

from adapters.kit.mall import Answer, Lost, NotSent, ReadFailed, Reply
from ledger.terms import Outcome, Result

WAIT_SECONDS_DEFAULT = 1.0
WAIT_SECONDS_MAX = 3600.0


def throttled_or_transient(answer: Answer) -> Outcome:
    """The outcome of an answer the mall's own rules do not know.

    429 is throttled and every 5xx transient, both with the mall's Retry-After (0 to 3,600 s). Another 4xx says that the
    request is at fault: rejected. 2xx and 3xx that are not understood are unknown: it may have been applied.
    """
    if answer.status == 429:
        return Outcome(Result.THROTTLED, "http_429", retry_after_seconds(answer) or WAIT_SECONDS_DEFAULT)
    if 500 <= answer.status < 600:
        return Outcome(Result.TRANSIENT, f"http_{answer.status}", retry_after_seconds(answer) or 0.0)
    if answer.status == 401:
        return Outcome(Result.REJECTED_AUTH, "http_401")
    if 400 <= answer.status < 500:
        return Outcome(Result.REJECTED, f"http_{answer.status}")
    return Outcome(Result.UNKNOWN, "answer_not_understood")


def outcome_of_no_answer(reply: NotSent | Lost) -> Outcome:
    """Nothing left us: transient, nothing was applied. It left and no whole answer came: unknown."""
    match reply:
        case NotSent(reason=reason):
            return Outcome(Result.TRANSIENT, reason)
        case Lost(reason=reason):
            return Outcome(Result.UNKNOWN, reason)
        case _:
            assert_never(reply)


def read_failed(reply: Reply) -> ReadFailed:
    """Why a reading call gave no numbers: throttled, rejected_auth, else transient (a read changes nothing)."""
    match reply:
        case NotSent(reason=reason) | Lost(reason=reason):
            return ReadFailed(Result.TRANSIENT, reason)
        case Answer():
            outcome = throttled_or_transient(reply)
            keeps = outcome.result in (Result.THROTTLED, Result.REJECTED_AUTH)
            return ReadFailed(outcome.result if keeps else Result.TRANSIENT, outcome.code, outcome.wait_seconds)
        case _:
            assert_never(reply)


def retry_after_seconds(answer: Answer) -> float | None:
    """Seconds of the Retry-After header (a number or an HTTP date), 0 to WAIT_SECONDS_MAX; None when it says none."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal() and text.isascii() and len(text) <= 9:
        return min(float(text), WAIT_SECONDS_MAX)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    moment = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return _bounded_seconds(moment, answer.applied_until)


def json_of(answer: Answer) -> object | None:
    """The body as JSON; None when it is not JSON (``null`` is None too: no mall answers it)."""
    try:
        found: object = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return found


def _bounded_seconds(until: datetime, now: datetime) -> float:
    return max(0.0, min((until - now).total_seconds(), WAIT_SECONDS_MAX))
