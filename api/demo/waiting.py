"""Waiting for what other threads and processes do, with a bound and a sentence."""

from collections.abc import Callable
from typing import TypeVar

from ledger.writer import Clock

LOOK_SECONDS = 0.02
T = TypeVar("T")


class NotInTime(RuntimeError):
    """What was waited for has not come in time."""


def until(clock: Clock, seconds_max: float, what: str, look: Callable[[], T | None]) -> T:
    """What ``look`` finds, once it finds something. Raises NotInTime."""
    end = clock.monotonic() + seconds_max
    while not (found := look()):
        if clock.monotonic() > end:
            raise NotInTime(f"not within {seconds_max:g} s: {what}")
        clock.sleep(LOOK_SECONDS)
    return found
