"""Messages that somebody waits for are read now: by the workers, and by the one who waits where no worker runs."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg

from api.jobs.intake import LAG_POLL_SECONDS, Intake
from api.jobs.relink import ProjectedListings
from api.projecting import catch_up
from api.tables import inbox
from api.wiring import House

WAIT_SECONDS_MAX = 120.0


@dataclass
class Settled:
    """What became of messages: how many by state and reason, and the newest position. Mutable: counted row by row."""

    states: Counter[tuple[str, str]] = field(default_factory=Counter)
    position: int = 0

    @property
    def open(self) -> int:
        """How many were not read yet."""
        return sum(count for (state, _), count in self.states.items() if state == inbox.RECEIVED)


def settle(
    house: House,
    ids: Sequence[int],
    *,
    progress: Callable[[int, int], None] | None = None,
    wait_seconds_max: float = WAIT_SECONDS_MAX,
) -> Settled:
    """What became of these rows of the inbox, once all were read or the time is over. ``progress``: (read, all)."""
    if not ids:
        return Settled()
    catch_up(house)  # so that lines find their listings at once
    intake = Intake(house, ProjectedListings(house.database.schema))
    until = house.clock.monotonic() + wait_seconds_max
    while True:
        found = _states(house, ids)
        if progress is not None:
            progress(len(ids) - found.open, len(ids))
        if not found.open or house.clock.monotonic() > until:
            return found
        if not intake.step():
            house.clock.sleep(LAG_POLL_SECONDS)  # another worker has them, or they wait for listings that lag


def _states(house: House, ids: Sequence[int]) -> Settled:
    with house.pool.connection() as connection:
        return _read(connection, ids)


def _read(connection: psycopg.Connection, ids: Sequence[int]) -> Settled:
    rows = connection.execute(
        "SELECT state, reason, count(*), coalesce(max(position), 0) FROM inbox WHERE id = ANY(%s) GROUP BY state, reason",
        (list(ids),),
        prepare=True,
    ).fetchall()
    found = Settled()
    for state, reason, count, position in rows:
        found.states[str(state), str(reason)] = int(count)
        found.position = max(found.position, int(position))
    return found
