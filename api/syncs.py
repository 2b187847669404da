"""Full syncs of a shop: when they begin, how far the running one is, what became of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import sql

from api.tables import push_syncs
from api.tables.push_syncs import Progress
from api.windows import MAINTENANCE, OFF, SHADOW_AT, SYNC_AT, checked_time, checked_window
from api.wiring import House
from ledger import keys
from ledger.book import By, shops
from ledger.codec import decode
from ledger.facts.shop import SyncFinished, SyncPaused, SyncResumed, SyncSkipped, SyncStarted
from ledger.terms import utc_moment

FACTS_MAX = 500


@dataclass(frozen=True, slots=True)
class Sync:
    """One full sync. ``state``: running, paused, finished, stopped or skipped (``reason`` says why)."""

    shop: str
    sync: str
    position: int
    state: str
    trigger: str
    started_at: datetime
    ended_at: datetime | None
    listings: int
    sent: int
    same: int
    rejected: int
    reason: str = ""


def listed(house: House, shop: str, *, first: int = 30) -> Sequence[Sync]:
    """The shop's full syncs, newest first, the running one with how far it is."""
    statement = sql.SQL(
        "SELECT notification_id, originator_id, originator_version, topic, state FROM {} WHERE originator_id = %s"
        " AND topic = ANY (%s) ORDER BY originator_version DESC LIMIT %s"
    ).format(sql.Identifier(house.database.schema, "ledger_events"))
    names = ["SyncStarted", "SyncFinished", "SyncPaused", "SyncResumed", "SyncSkipped"]
    with house.pool.connection() as connection:
        rows: list[Any] = connection.execute(statement, (keys.shop(shop), names, FACTS_MAX)).fetchall()
        now = push_syncs.progress(connection, shop)
    found: dict[str, Sync] = {}
    for position, stream, version, name, state in reversed(rows):
        record = decode(position, stream, version, name, bytes(state))
        _take(found, shop, position, record.envelope.at, record.fact)
    return [_now(one, now) for one in sorted(found.values(), key=lambda one: -one.position)][:first]


def _take(found: dict[str, Sync], shop: str, position: int, at: datetime, fact: object) -> None:
    match fact:
        case SyncStarted(sync=sync, trigger=trigger, listings=listings):
            found[sync] = Sync(shop, sync, position, "running", trigger, at, None, listings, 0, 0, 0)
        case SyncFinished(sync=sync) if sync in found:
            state = "stopped" if "stopped" in fact.reasons else "finished"
            found[sync] = replace(
                found[sync], state=state, ended_at=at, sent=fact.sent, same=fact.same, rejected=fact.rejected
            )
        case SyncPaused(sync=sync) if sync in found:
            found[sync] = replace(found[sync], state="paused")
        case SyncResumed(sync=sync) if sync in found:
            found[sync] = replace(found[sync], state="running")
        case SyncSkipped(due_at=due_at, reason=reason):
            name = f"skipped-{position}"
            found[name] = Sync(shop, name, position, "skipped", "schedule", utc_moment(due_at), at, 0, 0, 0, 0, reason)
        case _:
            pass


def _now(one: Sync, now: Progress | None) -> Sync:
    if now is None or now.sync != one.sync or one.ended_at is not None:
        return one
    return replace(one, sent=now.sent, same=now.same, rejected=now.rejected, listings=now.listings or one.listings)


def change_schedule(
    house: House,
    shop: str,
    by: By,
    *,
    sync_at: str | None = None,
    shadow_at: str | None = None,
    maintenance: Sequence[str] | None = None,
) -> int:
    """What is given has these times from here on; the answer is the position. Raises TimesNotAccepted, ShopNotReady."""
    settings: dict[str, str] = {}
    for name, text in ((SYNC_AT, sync_at), (SHADOW_AT, shadow_at)):
        if text is not None:
            settings[name] = text if text == OFF else f"{checked_time(text):%H:%M}"
    if maintenance is not None:
        for each in maintenance:
            checked_window(each)
        settings[MAINTENANCE] = ";".join(maintenance)
    return house.book.do(shops.change_shop_settings(shop, settings), by).position


def schedule_of(settings: Mapping[str, str]) -> Mapping[str, object]:
    """When the shop's scheduled work begins, and its maintenance windows, as a person reads them."""
    windows = [each for each in settings.get(MAINTENANCE, "").split(";") if each]
    return {
        "syncAt": settings.get(SYNC_AT, OFF),
        "shadowAt": settings.get(SHADOW_AT, OFF),
        "maintenance": windows,
    }
