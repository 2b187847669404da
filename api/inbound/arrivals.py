"""Messages on their way into the inbox: those that wait are stored together, in one commit; each is answered when durable.

A door hands a message in and waits for its future. Nothing runs while nothing waits: the first message starts a thread of
the door's pool that stores until none is left, and those that come meanwhile share the next commit.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock

import psycopg

from api.tables import addresses, inbox
from api.tables.inbox import Arrival
from api.wiring import House
from ledger.failpoint import reach

GROUP_MAX = 64  # messages in one commit
GROUP_BYTES_MAX = 8_000_000
CONNECTION_SECONDS_MAX = 5.0  # a database that is away is said so; the sender tries again
SHOP_KEPT_SECONDS = 2.0
SHOPS_KEPT_MAX = 1_000

StartInPool = Callable[[Callable[[], None]], object]


class NotStored(RuntimeError):
    """The database is away: the message may not be in the inbox. Send it again; the same message twice is harmless."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrivals: Sequence[Arrival]
    size: int
    future: "Future[None]"


class Arrivals:
    """Stores messages of one house. Thread-safe; ``start`` runs a function in a thread of the door's pool."""

    def __init__(self, house: House, start: StartInPool) -> None:
        self._house = house
        self._start = start
        self._lock = Lock()
        self._queue: deque[_Waiting] = deque()
        self._storing = False
        self._shops: dict[str, tuple[str, float]] = {}

    def shop_of(self, local_part: str) -> str | None:
        """The shop whose address begins so, None for nobody's. Raises NotStored when the database is away."""
        token = addresses.token_of(local_part)
        if token is None:
            return None
        now = self._house.clock.monotonic()
        kept = self._shops.get(token)
        if kept is not None and now < kept[1]:
            return kept[0]
        try:
            with self._house.pool.connection(timeout=CONNECTION_SECONDS_MAX) as connection:
                shop = addresses.shop_of(connection, token)
        except psycopg.OperationalError as error:
            raise NotStored(type(error).__name__) from error
        if shop is not None:
            if len(self._shops) >= SHOPS_KEPT_MAX:
                self._shops.clear()
            self._shops[token] = (shop, now + SHOP_KEPT_SECONDS)
        return shop

    def store(self, shops: Sequence[str], door: str, raw: bytes, *, vouched_by: str = "") -> "Future[None]":
        """The future is done when the message is durable, a row for each shop; it raises NotStored when it may not be.

        ``vouched_by``: the mail server that nobody else can speak for at this door.
        """
        received_at = self._house.clock.now()
        rows = [
            Arrival(shop, door, received_at, self._house.new_id(), raw, vouched_by=vouched_by)
            for shop in dict.fromkeys(shops)
        ]
        waiting = _Waiting(rows, len(raw) * len(rows), Future())
        with self._lock:
            self._queue.append(waiting)
            start = not self._storing
            self._storing = True
        if start:
            self._start(self._store_waiting)
        return waiting.future

    def _store_waiting(self) -> None:
        """Everything that waits is stored and answered, also what comes meanwhile."""
        finished = False
        try:
            while group := self._next_group():
                self._store_group(group)
            finished = True
        finally:
            if not finished:  # a fault of ours: nobody waits for ever, and the next message starts anew
                with self._lock:
                    left = [one for one in self._queue if one.future.set_running_or_notify_cancel()]
                    self._queue.clear()
                    self._storing = False
                _answer(left, NotStored("fault"))

    def _store_group(self, group: Sequence[_Waiting]) -> None:
        outcome: NotStored | None = NotStored("fault")
        try:
            self._commit([arrival for one in group for arrival in one.arrivals])
            outcome = None
        except psycopg.Error as error:
            outcome = NotStored(type(error).__name__)
        finally:
            _answer(group, outcome)
        reach("inbox.answered")

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        with self._lock:
            while self._queue and len(group) < GROUP_MAX:
                if group and size + self._queue[0].size > GROUP_BYTES_MAX:
                    break
                one = self._queue.popleft()
                if not one.future.set_running_or_notify_cancel():
                    continue  # the sender went away before its turn
                group.append(one)
                size += one.size
            self._storing = bool(group)
        return group

    def _commit(self, arrivals: Sequence[Arrival]) -> None:
        house = self._house
        reach("inbox.before_store")
        with house.pool.connection(timeout=CONNECTION_SECONDS_MAX) as connection:
            inbox.store(connection, house.database.schema, house.seals, arrivals)
        reach("inbox.stored")


def _answer(group: Sequence[_Waiting], outcome: NotStored | None) -> None:
    for one in group:
        if outcome is None:
            one.future.set_result(None)
        else:
            one.future.set_exception(outcome)
