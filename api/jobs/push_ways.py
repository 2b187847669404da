"""By which way the numbers of a turn leave: the mall's API, or a batch (file, upload, feed). At most one batch is unfinished.

A shop whose send type is file is told by batches; while one is unfinished, and where the API can be used, numbers that lower
go by the API at once. A shop that sends by API hands a feed over instead when very many numbers differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.kit.push_file import PushFile
from api.jobs import push_batch_end
from api.jobs.push_batch import is_clear
from api.jobs.push_plan import LOWER, ZERO
from api.jobs.push_request import Planned, Turn
from api.shop_access import FILE, ConnectedShop
from api.tables import mall_paces, push_breakers, secrets
from api.wiring import House

GATHER_SECONDS_MAX = 3.0  # numbers looked at first are fresh for five
CLEAR_SECONDS_MAX = 10.0  # so long a folder that was free is taken to be
ASKED_SECONDS_MAX = 1.0  # a mall that took longer to say so: the numbers are read again


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves next, and how."""

    sends: Sequence[Planned]
    by_batch: bool = False


class Ways:
    """The ways of one turn. ``due_at``: when something that stands in the way now may be gone. Mutable: the turn goes on."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        one = turn.one
        self.batches: PushFile | None = one.push_file
        self.by_file = one.send_type == FILE
        self.api = callable(one.mall.push_api) and (not self.by_file or has_api_keys(turn.house, one))
        self.due_at: datetime | None = None
        self._blocked = False
        self._clear_until: datetime | None = None
        self._has_slot = False  # the pace let a batch leave that has not left yet
        self._unfinished = self.batches is not None and bool(push_batch_end.unfinished(turn))

    @property
    def waits(self) -> bool:
        """Whether nothing but lower numbers can leave now, because a batch of a shop told by file is unfinished."""
        return self.by_file and (self._unfinished or self._blocked)

    def refresh(self) -> None:
        """Batches began or ended."""
        self._has_slot = False
        if self.batches is not None:
            rows = push_batch_end.unfinished(self._turn)
            self._unfinished = bool(rows)
            for row in rows:
                self._later(row.look_at)

    def block(self) -> None:
        """A batch could not be handed over: not again in this turn."""
        self._blocked = True
        if self.batches is not None:
            self._later(self._turn.house.clock.now() + timedelta(seconds=self.batches.look_seconds))

    def is_clear(self) -> bool | None:
        """Whether the mall takes a batch now; None: it does, but saying so took so long that numbers are to be read again.

        Raises LeaseGone.
        """
        clock = self._turn.house.clock
        began = clock.now()
        if self._clear_until is not None and began < self._clear_until:
            return True
        if not is_clear(self._turn):
            return False
        self._clear_until = clock.now() + timedelta(seconds=CLEAR_SECONDS_MAX)
        return True if clock.now() - began <= timedelta(seconds=ASKED_SECONDS_MAX) else None

    def rows_max(self) -> int:
        """How many listings one request or batch of a full sync carries."""
        mall = self._turn.one.mall
        if not self.by_file or self.batches is None:
            return mall.push_batch_max
        return self.batches.rows_max

    def leaving(self, sends: Sequence[Planned]) -> Leaving | None:
        """What of these leaves now; None: nothing can."""
        beside = [one for one in sends if one.row.in_batch]
        rest = [one for one in sends if not one.row.in_batch]
        if not self._wants_batch(rest):
            if self.by_file:
                return Leaving(beside) if beside and self.api else None
            return Leaving(sends)
        if beside and self.api:
            return Leaving(beside)
        if self._may_give():
            return Leaving(self._one_group(rest), by_batch=True)
        if not self.by_file:
            return Leaving(sends)
        urgent = [one for one in rest if one.send.trigger in (LOWER, ZERO)]
        return Leaving(urgent) if urgent and self.api else None

    # -------------------------------------------------------------- private

    def _wants_batch(self, rest: Sequence[Planned]) -> bool:
        if self.batches is None or not rest:
            return False
        return self.by_file or (self.batches.from_rows is not None and len(rest) >= self.batches.from_rows)

    def _one_group(self, rest: Sequence[Planned]) -> Sequence[Planned]:
        assert self.batches is not None
        group = self.batches.group
        first = group(rest[0].row.key)
        return [one for one in rest if group(one.row.key) == first][: self.batches.rows_max]

    def _may_give(self) -> bool:
        """Whether a batch may be handed over now: none is unfinished, nothing failed lately, and the pace allows it."""
        turn, batches = self._turn, self.batches
        assert batches is not None
        if self._unfinished or self._blocked:
            return False
        if self._has_slot:
            return True
        now = turn.house.clock.now()
        with turn.house.pool.connection() as connection:
            breaker = push_breakers.of_shop(connection, turn.code, mall_paces.BATCH)
            if breaker != push_breakers.ShopBreaker():
                turn.failing.add(mall_paces.BATCH)
            if not breaker.may_send(now):
                self._later(breaker.opens_at() or now)
                return False
            pace = mall_paces.pace_of(batches.per_second)
            wait = mall_paces.may_call(connection, turn.code, mall_paces.BATCH, pace, now=now)
        if wait:
            self._later(now + timedelta(seconds=wait))
        self._has_slot = wait == 0.0
        return self._has_slot

    def _later(self, moment: datetime) -> None:
        self.due_at = moment if self.due_at is None else min(self.due_at, moment)


def has_api_keys(house: House, one: ConnectedShop) -> bool:
    """Whether everything the mall's API needs was entered: a shop that is told by file may do without."""
    with house.pool.connection() as connection:
        sealed = secrets.names_of_shop(connection, one.code)
    return all(
        setting.name in (sealed if setting.secret else one.shop.settings)
        for setting in one.mall.settings
        if setting.required and not setting.default
    )
