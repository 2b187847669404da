"""What shops do by the clock: a full sync each night, a daily comparison in a shadow run, and rest in maintenance windows.

Each begins once a day, by one worker, in a row of its own; what is skipped is a fact with its reason. A shop whose window is over
goes on by itself: what differs is still the queue, and a sync that was skipped is caught up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import structlog

from api.jobs import sync
from api.jobs.mall_reading import MallNotRead, can_be_read
from api.jobs.reconcile import SHADOW, reconcile
from api.jobs.worker import Loop
from api.shop_access import ConnectedShop, ShopAccesses
from api.tables import shop_turns
from api.windows import SHADOW_AT, SYNC_AT, day_of, due_at, time_of, windows_of
from api.wiring import House
from ledger.book.shops import pause_shop, resume_shop, skip_sync
from ledger.shop import ShopNotReady
from ledger.terms import utc_text

POLL_SECONDS = 20.0
LATE_MAX = timedelta(hours=6)  # begun later than that it would run in the day: it waits for the next night
MAINTENANCE_CAUSE = "maintenance"
SYNC_JOB, SHADOW_JOB, CATCH_UP_JOB = "sync", "shadow", "catch_up"
SHADOW_WATCH_MINUTES = 5
log = structlog.get_logger()


def loops(house: House) -> list[Loop]:
    """The loops that look at the clock: one begins and pauses, one compares, which takes as long as the mall does."""
    accesses = ShopAccesses(house)
    return [
        Loop("schedule", lambda: step(house, accesses), poll_seconds=POLL_SECONDS, close=accesses.close),
        Loop("shadow", lambda: compare_due(house, accesses), poll_seconds=POLL_SECONDS),
    ]


def step(house: House, accesses: ShopAccesses) -> int:
    """Every shop's windows and full syncs were looked at; the answer is 0: it is the clock that brings work."""
    for one in _shops(house, accesses):
        _rest(house, one)
        _sync(house, accesses.connected(one.code))
    return 0


def compare_due(house: House, accesses: ShopAccesses) -> int:
    """Each shop in a shadow run whose time has come was compared with its mall; the answer is how many."""
    count = 0
    for one in _shops(house, accesses):
        shop = one.shop
        due = _due(house, one, SHADOW_JOB, SHADOW_AT)
        if due is None or shop.push or not shop.intake or not can_be_read(one.mall):
            continue
        if _taken(house, one.code, SHADOW_JOB, due):
            try:
                reconcile(house, one.code, house.by(), trigger=SHADOW, watch_minutes=SHADOW_WATCH_MINUTES)
                count += 1
            except (MallNotRead, ShopNotReady) as failed:
                log.warning("shadow_not_compared", shop=one.code, error=type(failed).__name__)
    return count


@dataclass(frozen=True, slots=True)
class Due:
    """Work of a day in Japan that has not begun. ``late``: too late to begin it now."""

    day: date
    at_text: str
    late: bool


def _shops(house: House, accesses: ShopAccesses) -> Sequence[ConnectedShop]:
    with house.pool.connection() as connection:
        rows = connection.execute("SELECT shop FROM shops WHERE mall <> '' ORDER BY shop").fetchall()
    found = []
    for (code,) in rows:
        try:
            found.append(accesses.connected(str(code)))
        except ShopNotReady:
            continue
    return found


def _rest(house: House, one: ConnectedShop) -> None:
    """In a window the shop is paused; behind it, it goes on, unless it was paused for something else."""
    now, shop = house.clock.now(), one.shop
    inside = any(window.holds(now) for window in windows_of(shop.settings))
    if inside and shop.push and shop.paused is None:
        house.book.do(pause_shop(one.code, MAINTENANCE_CAUSE), house.by())
    elif not inside and shop.paused == MAINTENANCE_CAUSE:
        house.book.do(resume_shop(one.code), house.by())


def _sync(house: House, one: ConnectedShop) -> None:
    """The night's full sync begins, or is skipped and said; one that a window skipped is caught up once the shop pushes."""
    shop = one.shop
    if shop.pushing and _caught_up(house, one):
        sync.start(house, one.code, house.by(), trigger="schedule")
    if not shop.push:
        return
    due = _due(house, one, SYNC_JOB, SYNC_AT)
    if due is None or not _taken(house, one.code, SYNC_JOB, due):
        return
    reason = "missed" if due.late else None if shop.pushing else shop.paused or "not_pushing"
    if reason is None:
        sync.start(house, one.code, house.by(), trigger="schedule")
        return
    code = reason if reason in ("missed", "not_pushing", MAINTENANCE_CAUSE) else "paused"
    house.book.do(skip_sync(one.code, due.at_text, code), house.by())
    if code == MAINTENANCE_CAUSE:
        with house.pool.connection() as connection:
            shop_turns.take(connection, one.code, CATCH_UP_JOB, day_of(house.clock.now()))


def _caught_up(house: House, one: ConnectedShop) -> bool:
    """Whether a sync was skipped for a window: it is this caller's to begin now."""
    with house.pool.connection() as connection:
        return shop_turns.drop(connection, one.code, CATCH_UP_JOB)


def _due(house: House, one: ConnectedShop, job: str, setting: str) -> Due | None:
    """The day's work whose time has come and that nobody began; a shop that is new to the schedule begins with the next time."""
    at = time_of(one.shop.settings, setting)
    if at is None:
        return None
    now = house.clock.now()
    today = day_of(now)
    due = due_at(at, today)
    with house.pool.connection() as connection:
        known = shop_turns.known(connection, one.code, job)
        if known is None:
            shop_turns.take(connection, one.code, job, today if now >= due else today - timedelta(days=1))
            return None
    if known >= today or now < due:
        return None
    return Due(today, utc_text(due), now - due > LATE_MAX)


def _taken(house: House, code: str, job: str, due: Due) -> bool:
    with house.pool.connection() as connection:
        return shop_turns.take(connection, code, job, due.day)
