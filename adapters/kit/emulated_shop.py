"""One shop as an emulated mall keeps it: it sells from its own number, lowers it, and tells late.

Plain state without a network: the mall's ``emulator.py`` puts its wire form on top, the simulator and the demo drive
it. Time comes from ``EmulatorClock``, so that it may be virtual.
"""

import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ledger.terms import ListingKey

FAULTS = (
    "status",  # answered with ``status`` before anything is applied
    "garbage",  # status 200 and a body of nobody's format, nothing applied
    "garbage_after",  # applied, then the same
    "half",  # applied, half of the answer, then the connection is cut
    "drop",  # applied, then the connection is cut without an answer
    "drop_before",  # the connection is cut, nothing applied
    "slow",  # applied and answered after ``seconds``
)


@dataclass(frozen=True)
class EmulatorClock:
    """``now`` in UTC and a ``sleep`` that waits; both may be virtual."""

    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class EmulatedOrder:
    """An order this mall made from its own number. ``before`` is the number it showed at the sale, per line."""

    number: str
    ordered_at: datetime
    lines: tuple[tuple[ListingKey, int], ...]
    before: tuple[int | None, ...] = ()
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail in the outbox: not told before ``due_at``."""

    due_at: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class PushSeen:
    """A push as this mall understood it, with the numbers it replaced."""

    at: datetime
    levels: tuple[tuple[ListingKey, int], ...]
    before: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with the next ``times`` requests whose path contains ``path``. ``kind`` is one of FAULTS."""

    kind: str
    status: int = 500
    times: int = 1
    path: str = ""
    seconds: float = 0.0
    retry_after: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in FAULTS:
            raise ValueError(f"fault {self.kind!r}; expected one of {', '.join(FAULTS)}")


WriteMail = Callable[["EmulatedShop", EmulatedOrder], bytes]


def _no_mail(_shop: "EmulatedShop", _order: EmulatedOrder) -> bytes:
    return b""


@dataclass(repr=False)
class EmulatedShop:
    """The shop's state. ``stock`` None: unlimited. ``extra`` is the mall's own (tokens, orphans…).

    The mall's ``emulator()`` sets ``number_order``, ``write_order_mail``, ``write_cancel_mail`` and ``fault_body``;
    a mail writer that gives b"" means that the mall sends none. Threads may share it.
    Mutable: it plays the world outside.
    """

    mall: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    clock: EmulatorClock
    lowers_own_number: bool = True
    restores_on_cancel: bool = False
    stock: dict[ListingKey, int | None] = field(default_factory=dict)
    orders: dict[str, EmulatedOrder] = field(default_factory=dict)
    outbox: list[Waiting] = field(default_factory=list)
    pushes: list[PushSeen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    extra: dict[str, object] = field(default_factory=dict)
    requests_seen: int = 0
    number_order: Callable[[int, datetime], str] = lambda serial, _: f"order-{serial:08d}"
    write_order_mail: WriteMail = _no_mail
    write_cancel_mail: WriteMail = _no_mail
    fault_body: Callable[[int], tuple[bytes, str]] = lambda _: (b"", "text/plain")
    lock: threading.RLock = field(default_factory=threading.RLock)
    _arrivals: dict[str, datetime] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"EmulatedShop({self.mall!r}, {len(self.stock)} listings, {len(self.orders)} orders)"

    def set_stock(self, key: ListingKey, units: int | None) -> None:
        """The mall shows ``units`` (None: unlimited), as a person at the mall would set it."""
        with self.lock:
            self.stock[key] = units

    def pushed(self, levels: Iterable[tuple[ListingKey, int]]) -> None:
        """The mall shows the pushed numbers from now on, and remembers the push."""
        with self.lock:
            taken = tuple(levels)
            before = tuple(self.stock.get(key) for key, _ in taken)
            self.stock.update(taken)
            self.pushes.append(PushSeen(self.clock.now(), taken, before))

    def sell(self, key: ListingKey, units: int = 1, *, delay_seconds: float = 0.0) -> EmulatedOrder | None:
        """An order for ``units``, when the mall's own number allows it; its mail is due after the delay. None: sold out."""
        return self.sell_lines(((key, units),), delay_seconds=delay_seconds)

    def sell_lines(
        self, lines: tuple[tuple[ListingKey, int], ...], *, delay_seconds: float = 0.0
    ) -> EmulatedOrder | None:
        """An order of several lines, each listing named once; all or none."""
        with self.lock:
            shown = [(self.stock.get(key, 0), units) for key, units in lines]
            if any(number is not None and number < units for number, units in shown):
                return None
            if self.lowers_own_number:
                self.stock.update(
                    {
                        key: None if (number := self.stock.get(key, 0)) is None else number - units
                        for key, units in lines
                    }
                )
            now = self.clock.now()
            order = EmulatedOrder(
                self.number_order(len(self.orders) + 1, now), now, lines, tuple(number for number, _ in shown)
            )
            assert order.number not in self.orders, order.number
            self.orders[order.number] = order
            self._post(self.write_order_mail(self, order), delay_seconds)
            return order

    def cancel(self, number: str, *, delay_seconds: float = 0.0) -> EmulatedOrder:
        """The order is cancelled at the mall; its mail is due after the delay. Raises KeyError for an unknown number."""
        with self.lock:
            order = replace(self.orders[number], cancelled_at=self.clock.now())
            self.orders[number] = order
            if self.restores_on_cancel:
                for key, units in order.lines:
                    shown = self.stock.get(key)
                    self.stock[key] = None if shown is None else shown + units
            self._post(self.write_cancel_mail(self, order), delay_seconds)
            return order

    def deliver_due(self, send: Callable[[bytes], None]) -> int:
        """Gives every mail that is due to ``send``, oldest first; how many. One that ``send`` raises for stays."""
        sent = 0
        while (mail := self._next_due()) is not None:
            send(mail.raw)
            with self.lock:
                self.outbox.remove(mail)
            sent += 1
        return sent

    def take_token(self, name: str, *, per_second: float, burst: int = 1) -> float:
        """0.0 when a call may pass now, else the seconds to wait; the mall's own rate limit, one for each ``name``."""
        with self.lock:
            now = self.clock.now()
            due = max(self._arrivals.get(name, now), now)
            wait = (due - now).total_seconds() - (burst - 1) / per_second
            if wait > 1e-9:
                return wait
            self._arrivals[name] = due + timedelta(seconds=1 / per_second)
            return 0.0

    def fault_for(self, path: str) -> Fault | None:
        """The fault the request to ``path`` meets, counted down; None: it goes well."""
        with self.lock:
            self.requests_seen += 1
            for at, fault in enumerate(self.faults):
                if fault.path in path:
                    left = replace(fault, times=fault.times - 1)
                    self.faults[at : at + 1] = [left] if left.times > 0 else []
                    return fault
        return None

    def _post(self, raw: bytes, delay_seconds: float) -> None:
        if raw:
            self.outbox.append(Waiting(self.clock.now() + timedelta(seconds=delay_seconds), raw))

    def _next_due(self) -> Waiting | None:
        with self.lock:
            now = self.clock.now()
            return min((mail for mail in self.outbox if mail.due_at <= now), key=lambda mail: mail.due_at, default=None)
