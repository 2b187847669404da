"""The one bridge from async doors to sync code: a bounded number of threads, so that a slow database makes callers wait."""

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

THREADS_MAX = 40

P = ParamSpec("P")
T = TypeVar("T")


class Bridge:
    """Runs sync functions for async callers; one a process."""

    def __init__(self, most: int = THREADS_MAX) -> None:
        self._limiter = CapacityLimiter(most)

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function answers or raises. A caller that goes away does not stop it: what is committed stays true."""
        return await to_thread.run_sync(partial(function, *args, **kwargs), limiter=self._limiter)
