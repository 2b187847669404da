"""自動停止 and back-off of each shop, for pushes and reads apart: failures in a row, and until when nothing is sent.

The arithmetic of the breaker is ``adapters/kit/breaker.py``; a key that is not accepted pauses the shop by a fact instead.
Every function works in the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from adapters.kit.breaker import Breaker, after, may_call
from ledger.terms import Outcome, Result

BACK_OFF_SECONDS_FIRST = 1.0
BACK_OFF_SECONDS_MAX = 60.0
CLOSED = Breaker()


@dataclass(frozen=True, slots=True)
class ShopBreaker:
    """``not_before``: the mall asked to wait, or a back-off runs. ``code``: what failed last."""

    breaker: Breaker = CLOSED
    not_before: datetime | None = None
    code: str = ""

    def opens_at(self) -> datetime | None:
        """When something may be sent again; None: it may now."""
        return max((at for at in (self.not_before, self.breaker.closed_until) if at is not None), default=None)

    def may_send(self, now: datetime) -> bool:
        return may_call(self.breaker, now) and (self.not_before is None or now >= self.not_before)


def after_answer(found: ShopBreaker, outcomes: Sequence[Outcome], *, now: datetime, chance: float) -> ShopBreaker:
    """The breaker after one request: failing malls are left alone for longer each time, jittered by ``chance`` (0 to 1)."""
    breaker = after(found.breaker, [one.result for one in outcomes if one.result is not Result.REJECTED_AUTH], now)
    waits = [one.wait_seconds for one in outcomes if one.result in (Result.THROTTLED, Result.TRANSIENT)]
    failing = [one for one in outcomes if one.result in (Result.TRANSIENT, Result.UNKNOWN, Result.THROTTLED)]
    if not failing:
        return ShopBreaker(breaker)
    wait = max(waits, default=0.0)
    if breaker.failures:
        back_off = min(BACK_OFF_SECONDS_FIRST * 2.0 ** (breaker.failures - 1), BACK_OFF_SECONDS_MAX)
        wait = max(wait, back_off * (0.5 + chance / 2))
    return ShopBreaker(breaker, now + timedelta(seconds=wait), failing[0].code)


def of_shop(connection: psycopg.Connection, shop: str, kind: str) -> ShopBreaker:
    """What stands in the way of the shop's pushes or reads."""
    row = connection.execute(
        "SELECT failures, rests, closed_until, not_before, code FROM push_breakers WHERE shop = %s AND kind = %s",
        (shop, kind),
        prepare=True,
    ).fetchone()
    return ShopBreaker() if row is None else ShopBreaker(Breaker(*row[:3]), row[3], row[4])


def keep(connection: psycopg.Connection, shop: str, kind: str, found: ShopBreaker, *, now: datetime) -> None:
    """The shop's breaker is this from here on."""
    breaker = found.breaker
    connection.execute(
        "INSERT INTO push_breakers (shop, kind, failures, rests, closed_until, not_before, code, changed_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (shop, kind) DO UPDATE SET failures = excluded.failures,"
        " rests = excluded.rests, closed_until = excluded.closed_until, not_before = excluded.not_before,"
        " code = excluded.code, changed_at = excluded.changed_at",
        (shop, kind, breaker.failures, breaker.rests, breaker.closed_until, found.not_before, found.code, now),
        prepare=True,
    )


def clear(connection: psycopg.Connection, shop: str) -> None:
    """A person renewed the key or resumed the shop: nothing stands in the way."""
    connection.execute("DELETE FROM push_breakers WHERE shop = %s", (shop,), prepare=True)
