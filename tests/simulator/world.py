"""Virtual time and what happens in it: one thread, one heap of events, one source of chance. One seed is one world."""

import heapq
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

BEGAN = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
DEPTH_MAX = 3  # an event that waits lets others happen meanwhile, and those that wait again, so deep


class World:
    """Time passes when somebody waits; what is due by then happens first, in order. It is a ``Clock``."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._began = BEGAN + timedelta(days=seed)  # a ledger's time never goes back, and may hold other worlds
        self._seconds = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0
        self._depth = 0

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Time passes, and what is due meanwhile happens, unless too much waits already."""
        self.run_until(self._seconds + seconds)

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def after(self, seconds: float, happens: Callable[[], None]) -> None:
        """It happens so many seconds from now."""
        self._serial += 1
        heapq.heappush(self._events, (self._seconds + seconds, self._serial, happens))

    def run_until(self, seconds: float) -> None:
        """It is ``seconds`` after the beginning now, or later, when what happened took longer."""
        self._depth += 1
        try:
            while self._depth <= DEPTH_MAX and self._events and self._events[0][0] <= seconds:
                moment, _, happens = heapq.heappop(self._events)
                self._seconds = max(self._seconds, moment)
                happens()
        finally:
            self._depth -= 1
        self._seconds = max(self._seconds, seconds)

    def new_id(self) -> str:
        return f"{self.chance.getrandbits(96):024x}"

    def maybe(self, share: float) -> bool:
        return self.chance.random() < share
