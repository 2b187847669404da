"""One push as several requests, for malls that take one product or one row a request: in order, within a stated time.

A request that the mall refuses says something of its own listings only, and the next one is sent. After an answer that
promises nothing for the next (our key, too fast, broken, lost) nothing more is sent, and the rest is told so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from ledger.terms import ListingKey, Outcome, Result

DIFFERS = "quantity_differs"  # the mall answered another number: sold in between, or not understood as we meant it
NOT_SENT, OUT_OF_TIME = "not_sent", "out_of_time"

_GOES_ON = (Result.APPLIED, Result.ACCEPTED, Result.REJECTED, Result.REFUSED)

Part = TypeVar("Part")


def one_by_one(
    parts: Sequence[Part],
    *,
    keys_of: Callable[[Part], Iterable[ListingKey]],
    send: Callable[[Part], Mapping[ListingKey, Outcome]],
    now: Callable[[], datetime],
    began: datetime,
    last_after_seconds: float,
) -> dict[ListingKey, Outcome]:
    """What became of every listing of every part. No part is sent later than ``last_after_seconds`` after ``began``."""
    outcomes: dict[ListingKey, Outcome] = {}
    stopped: Outcome | None = None
    for part in parts:
        if stopped is None and now() - began > timedelta(seconds=last_after_seconds):
            stopped = Outcome(Result.TRANSIENT, OUT_OF_TIME)
        if stopped is not None:
            outcomes.update(dict.fromkeys(keys_of(part), stopped))
            continue
        told = send(part)
        outcomes.update(told)
        stopped = _what_stops(told.values())
    return outcomes


def _what_stops(told: Iterable[Outcome]) -> Outcome | None:
    """What the parts are told that are not sent any more; None: the next one is sent."""
    bad = next((one for one in told if one.result not in _GOES_ON and one.code != DIFFERS), None)
    if bad is None:
        return None
    keeps = bad.result in (Result.REJECTED_AUTH, Result.THROTTLED)
    return bad if keeps else Outcome(Result.TRANSIENT, NOT_SENT)
