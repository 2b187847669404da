"""What shops do by the clock: the night's full sync, maintenance windows with their catch-up, the shadow run's comparison."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import schedule, sync
from api.windows import day_of, due_at, time_of
from ledger import keys
from ledger.book import shops
from ledger.facts.shop import SyncFinished, SyncSkipped, SyncStarted
from ledger.terms import ListingKey
from tests.api.jobs.pushing import BY, selling_at
from tests.api.telling_rig import Telling, telling

CUP = ListingKey("cup", "blue")
SYNCS = "query ($s: String!) { syncs(shop: $s) { state trigger listings sent same rejected reason } }"
CHANGE = """mutation ($s: String!, $at: String, $shadow: String, $m: [String!]) {
  changeSchedule(shop: $s, syncAt: $at, shadowAt: $shadow, maintenance: $m) { position } }"""


@pytest.fixture
def told(database: Database, tmp_path: Path) -> Iterator[Telling]:
    with telling(database, tmp_path) as found:
        yield found


@pytest.fixture
def shop(told: Telling) -> Iterator[str]:
    """A shop that shows what it should; it is noon in Japan."""
    with selling_at(told.scene, "sandbox", "one") as code:
        told.scene.told(code, CUP, "CUP", 20)
        yield code


def step(told: Telling) -> None:
    told.scene.fold()
    schedule.step(told.scene.house, told.scene.opened[0])
    told.scene.fold()


def sleep_until(told: Telling, shop: str, name: str = "sync.at", *, more: float = 0.0) -> None:
    """The clock stands so many seconds behind the next time of this setting."""
    at, now = time_of(told.scene.shop(shop).settings, name), told.scene.clock.now()
    assert at is not None
    due = due_at(at, day_of(now))
    due = due if due > now else due + timedelta(days=1)
    told.scene.clock.sleep((due - now).total_seconds() + more)


def of_kind(told: Telling, shop: str, kind: type) -> list[object]:
    return [record.fact for record in told.scene.records(keys.shop(shop)) if isinstance(record.fact, kind)]


def test_a_full_sync_begins_once_a_night_and_its_counts_are_in_the_list(told: Telling, shop: str) -> None:
    told.ask(CHANGE, s=shop, at="03:10")
    step(told)
    assert not of_kind(told, shop, SyncStarted), "it is day"
    sleep_until(told, shop, more=30)
    step(told)
    step(told)
    assert len(of_kind(told, shop, SyncStarted)) == 1
    told.scene.push_until(lambda: bool(of_kind(told, shop, SyncFinished)))
    (row,) = told.ask(SYNCS, s=shop)["syncs"]
    assert row == {
        "state": "finished",
        "trigger": "schedule",
        "listings": 1,
        "sent": 0,
        "same": 1,
        "rejected": 0,
        "reason": "",
    }
    sleep_until(told, shop, more=8 * 3_600)
    step(told)
    assert told.ask(SYNCS, s=shop)["syncs"][0]["reason"] == "missed", "no worker ran for hours: not in the day"


def test_in_a_maintenance_window_nothing_is_told_and_the_sync_is_caught_up_behind_it(told: Telling, shop: str) -> None:
    told.ask(CHANGE, s=shop, at="03:10", m=["daily 03:00-05:00"])
    step(told)
    sleep_until(told, shop, more=30)
    step(told)
    assert told.scene.shop(shop).paused == "maintenance"
    (skipped,) = of_kind(told, shop, SyncSkipped)
    assert isinstance(skipped, SyncSkipped)
    assert skipped.reason == "maintenance"
    told.scene.stock("CUP", 5)
    told.scene.push()
    assert told.scene.shows(shop, CUP) == 20
    told.scene.clock.sleep(2 * 3_600)
    step(told)
    assert told.scene.shop(shop).paused is None
    step(told)
    told.scene.push_until(lambda: bool(of_kind(told, shop, SyncFinished)))
    assert told.scene.shows(shop, CUP) == 5
    assert [row["state"] for row in told.ask(SYNCS, s=shop)["syncs"]] == ["finished", "skipped"]
    told.scene.do(shops.pause_shop(shop, "rejected_auth"))
    step(told)
    assert told.scene.shop(shop).paused == "rejected_auth", "a window's end mends no key"


def test_a_full_sync_waits_and_goes_on_where_it_was(told: Telling, shop: str) -> None:
    sync.start(told.scene.house, shop, BY, trigger="person")
    assert told.daicho("sync", "pause", shop)[0] == 0
    told.scene.push()
    code, rows = told.daicho("sync", "show", shop)
    assert (code, rows[0]["state"]) == (0, "paused")
    told.daicho("sync", "resume", shop)
    told.scene.push_until(lambda: bool(of_kind(told, shop, SyncFinished)))
    assert "no full sync" in told.refused(f'mutation {{ stopSync(shop: "{shop}") {{ position }} }}')
    told.ask(f'mutation {{ startSync(shop: "{shop}") {{ sync }} }}')
    told.ask(f'mutation {{ stopSync(shop: "{shop}") {{ position }} }}')
    assert told.ask(SYNCS, s=shop)["syncs"][0]["state"] == "stopped"


def test_a_shadow_run_compares_each_day_and_shows_that_another_tool_writes(told: Telling) -> None:
    scene = told.scene
    with selling_at(scene, "sandbox", "one", push_now=False) as shop:
        scene.do(shops.start_intake(shop))
        scene.do(shops.prove_intake(shop, "mail"))
        found = [ListingKey(f"item-{n}", "v") for n in range(8)]
        for key in found:
            scene.stock(f"SKU-{key.item}", 20)
            scene.listing(shop, key, f"SKU-{key.item}", shown=20)
        told.ask(CHANGE, s=shop, shadow="04:00")
        schedule.compare_due(scene.house, scene.opened[0])
        for day in range(2):
            sleep_until(told, shop, "shadow.at", more=60)
            assert schedule.compare_due(scene.house, scene.opened[0]) == 1
            assert schedule.compare_due(scene.house, scene.opened[0]) == 0, "once a day"
            for key in found:
                scene.malls[shop].set_stock(key, 30 + day)
        code, rows = told.daicho("reconcile", "runs", "--shop", shop, "--shadow")
        assert code == 0
        assert [(row["listings"], row["agree"], row["otherTool"]) for row in rows] == [(8, 0, True), (8, 8, False)]
        assert not scene.facts(shop), "nothing is pushed in a shadow run"
