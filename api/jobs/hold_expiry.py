"""取り置き whose time is over: released, or a person is asked, as each was placed (D25)."""

from functools import partial

from api.jobs.worker import Loop
from api.wiring import House
from ledger.book.stock import end_hold
from projections import holds

PAGE_ROWS = 200
POLL_SECONDS = 20.0


def loops(house: House) -> list[Loop]:
    """The loop that ends holds."""
    return [Loop("holds", partial(expire, house), poll_seconds=POLL_SECONDS)]


def expire(house: House) -> int:
    """Every hold that is over by now gives its units back or is asked about; the answer is how many did now."""
    with house.pool.connection() as connection:
        names = holds.due(connection, house.database.schema, house.clock.now(), PAGE_ROWS)
    done = [house.book.do(end_hold(name, expired=True), house.by(cause="hold_expiry")) for name in names]
    return sum(1 for one in done if one.facts)  # the list lags behind what was just done: no facts then
