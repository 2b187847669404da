"""自動停止 and back-off of each shop: how often its mall failed in a row, and until when nothing is sent.

Every function works in the caller's transaction. The arithmetic is ``adapters/kit/breaker.py``.
"""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from adapters.kit.breaker import Breaker, may_call


@dataclass(frozen=True, slots=True)
class ShopBreaker:
    """``not_before``: the mall asked to wait, or a back-off runs. ``code``: what failed last."""

    breaker: Breaker = Breaker()
    not_before: datetime | None = None
    code: str = ""

    def opens_at(self, now: datetime) -> datetime | None:
        """When something may be sent again; None: now. A key that is not accepted waits for a person, not for a time."""
        waits = [at for at in (self.not_before, self.breaker.closed_until) if at is not None and at > now]
        return max(waits, default=None)

    def may_send(self, now: datetime) -> bool:
        return may_call(self.breaker, now) and (self.not_before is None or now >= self.not_before)


def of_shop(connection: psycopg.Connection, shop: str) -> ShopBreaker:
    """What stands in the way of the shop's pushes."""
    row = connection.execute(
        "SELECT failures, rests, closed_until, needs_person, not_before, code FROM push_breakers WHERE shop = %s",
        (shop,),
        prepare=True,
    ).fetchone()
    return ShopBreaker() if row is None else ShopBreaker(Breaker(*row[:4]), row[4], row[5])


def keep(connection: psycopg.Connection, shop: str, found: ShopBreaker, *, now: datetime) -> None:
    """The shop's breaker is this from here on."""
    connection.execute(
        "INSERT INTO push_breakers (shop, failures, rests, closed_until, needs_person, not_before, code, changed_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (shop) DO UPDATE SET failures = excluded.failures,"
        " rests = excluded.rests, closed_until = excluded.closed_until, needs_person = excluded.needs_person,"
        " not_before = excluded.not_before, code = excluded.code, changed_at = excluded.changed_at",
        (
            shop,
            found.breaker.failures,
            found.breaker.rests,
            found.breaker.closed_until,
            found.breaker.needs_person,
            found.not_before,
            found.code,
            now,
        ),
        prepare=True,
    )


def clear(connection: psycopg.Connection, shop: str) -> None:
    """A person renewed the key or resumed the shop: nothing stands in the way."""
    connection.execute("DELETE FROM push_breakers WHERE shop = %s", (shop,), prepare=True)
