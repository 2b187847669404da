"""The network between a push step and an emulated mall: it takes time, loses answers, and delivers some requests late."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from adapters.kit.emulator import EmulatedShop, Fault, InProcess, PushSeen
from adapters.kit.mall import Lost, NotSent, Reply
from tests.simulator.world import World


@dataclass(frozen=True)
class Weather:
    """Shares of requests that go wrong."""

    refused: float = 0.02  # never left
    lost: float = 0.04  # applied, no answer
    late: float = 0.02  # no answer, applied after our deadline or shortly before
    busy: float = 0.02  # 429
    failing: float = 0.03  # 500


Judge: TypeAlias = Callable[[Sequence[PushSeen]], None]


@dataclass
class Wire:
    """HTTP of one shop. What the mall takes from a request is told to the judge of the push it belongs to, also when it
    arrives late. Every request may be a reading or a push: the mall says what it took.

    Mutable: in the end the weather is ``stopped``.
    """

    world: World
    shop: EmulatedShop
    inner: InProcess
    weather: Weather
    deadline_seconds: float
    otherwise: Judge  # of what a mall takes outside a push: what it accepted before
    stopped: bool = field(default=False)
    _judge: Judge | None = field(default=None)

    @contextmanager
    def judged(self, judge: Judge) -> Iterator[None]:
        """Inside, requests belong to this push."""
        before, self._judge = self._judge, judge
        try:
            yield
        finally:
            self._judge = before

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        return self._exchange(lambda: self.inner.get(url, headers=headers, params=params))

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        return self._exchange(lambda: self.inner.send(method, url, headers=headers, content=content))

    def close(self) -> None:
        self.inner.close()

    def _exchange(self, ask: Callable[[], Reply]) -> Reply:
        judge = self._judge

        def call() -> Reply:
            before = len(self.shop.pushes)
            reply = ask()
            if taken := self.shop.pushes[before:]:
                (judge or self.otherwise)(taken)
            return reply

        world, weather, roll = self.world, self.weather, self.world.chance.random()
        if self.stopped:
            roll = 1.0
        if roll < weather.refused:
            return NotSent("refused")
        roll -= weather.refused
        world.sleep(world.chance.uniform(0.005, 0.4))
        if roll < weather.lost:
            call()
            world.sleep(world.chance.choice([0.1, 5.0, self.deadline_seconds]))
            return Lost("answer_lost")
        roll -= weather.lost
        if roll < weather.late:
            waited = world.chance.choice([0.1, self.deadline_seconds])
            world.after(world.chance.uniform(0.0, self.deadline_seconds), _without_answer(call))
            world.sleep(waited)
            return Lost("answer_lost")
        roll -= weather.late
        if roll < weather.busy:
            self.shop.faults.append(Fault("status", status=429, retry_after=world.chance.choice([None, 2])))
        elif roll < weather.busy + weather.failing:
            self.shop.faults.append(Fault("status", status=500))
        answer = call()
        world.sleep(world.chance.uniform(0.005, 0.4))
        return answer


def _without_answer(call: Callable[[], Reply]) -> Callable[[], None]:
    def happens() -> None:
        call()

    return happens
