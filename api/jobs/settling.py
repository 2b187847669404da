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

PAGE_ROWS = 500
WAIT_SECONDS_MAX = 60.0  # for one page of rows


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
    """What became of these rows of the inbox, once all were read, or nothing moved for so long. ``progress``: (read, all)."""
    if not ids:
        return Settled()
    catch_up(house)  # so that lines find their listings at once
    intake = Intake(house, ProjectedListings(house.database.schema))
    whole = Settled()
    for start in range(0, len(ids), PAGE_ROWS):  # intake reads the oldest first, so do we look
        found = _settled(house, intake, ids[start : start + PAGE_ROWS], wait_seconds_max)
        whole.states.update(found.states)
        whole.position = max(whole.position, found.position)
        if progress is not None:
            progress(min(start + PAGE_ROWS, len(ids)), len(ids))
    return whole


def _settled(house: House, intake: Intake, ids: Sequence[int], wait_seconds_max: float) -> Settled:
    until = house.clock.monotonic() + wait_seconds_max
    while True:
        with house.pool.connection() as connection:
            found = _read(connection, ids)
        if not found.open or house.clock.monotonic() > until:
            return found
        if not intake.step():
            house.clock.sleep(LAG_POLL_SECONDS)  # another worker has them, or they wait for listings that lag


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
