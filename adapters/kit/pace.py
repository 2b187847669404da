"""How fast a mall may be called: the arithmetic of GCRA over one kept number, the theoretical arrival time.

The number itself is kept by the caller (a row that every worker shares); times are seconds on any one clock.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """``per_second`` calls a second for ever, and up to ``burst`` at once after a rest."""

    per_second: float
    burst: int = 1

    def __post_init__(self) -> None:
        assert self.per_second > 0, self.per_second
        assert self.burst >= 1, self.burst


@dataclass(frozen=True, slots=True)
class Go:
    """The call may leave now; keep ``arrival``."""

    arrival: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Too fast: ask again in ``seconds``; the kept number stays."""

    seconds: float


def ask(pace: Pace, *, arrival: float | None, now: float) -> Go | Wait:
    """Whether a call may leave at ``now``; ``arrival`` is the kept number, None before the first call."""
    gap = 1.0 / pace.per_second
    due = now if arrival is None else max(arrival, now)
    too_early = due - now - gap * (pace.burst - 1)
    if too_early > 1e-9:
        return Wait(too_early)
    return Go(due + gap)


def held_back(pace: Pace, *, arrival: float | None, now: float, wait_seconds: float) -> float:
    """The number to keep when the mall itself said to wait: the next call leaves in ``wait_seconds`` or later."""
    gap = 1.0 / pace.per_second
    return max(arrival or now, now + wait_seconds + gap * (pace.burst - 1))
