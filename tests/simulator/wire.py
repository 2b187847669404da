"""The network between a push step and an emulated mall: it takes time, loses answers, and delivers some requests late."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adapters.kit.emulator import EmulatedShop, Fault, InProcess, PushSeen
from adapters.kit.mall import Answer, Lost, NotSent, Reply
from tests.simulator.world import World


@dataclass(frozen=True)
class Weather:
    """Shares of requests that go wrong."""

    refused: float = 0.02  # never left
    lost: float = 0.04  # applied, no answer
    late: float = 0.02  # no answer, applied after our deadline or shortly before
    busy: float = 0.02  # 429
    failing: float = 0.03  # 500


@dataclass
class Wire:
    """HTTP of one shop. ``sending`` says what was known when a push left, and judges it when it arrives; ``looked`` is told
    of every answered read.

    Mutable: in the end the weather is ``stopped``.
    """

    world: World
    shop: EmulatedShop
    inner: InProcess
    weather: Weather
    reads: str  # what the path of a read contains
    deadline_seconds: float
    sending: Callable[[], Callable[[Sequence[PushSeen]], None]]
    looked: Callable[[bytes, datetime], None]
    stopped: bool = field(default=False)

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        return self._exchange(lambda: self.inner.get(url, headers=headers, params=params), b"", is_read=True)

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        return self._exchange(
            lambda: self.inner.send(method, url, headers=headers, content=content), content, is_read=self.reads in url
        )

    def close(self) -> None:
        self.inner.close()

    def _exchange(self, ask: Callable[[], Reply], content: bytes, *, is_read: bool) -> Reply:
        judge = None if is_read else self.sending()

        def call() -> Reply:
            before = len(self.shop.pushes)
            reply = ask()
            if judge is not None:
                judge(self.shop.pushes[before:])
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
        began = world.now()
        answer = call()
        if is_read and isinstance(answer, Answer) and answer.status == 200:
            self.looked(content, began)
        world.sleep(world.chance.uniform(0.005, 0.4))
        return answer


def _without_answer(call: Callable[[], Reply]) -> Callable[[], None]:
    def happens() -> None:
        call()

    return happens
