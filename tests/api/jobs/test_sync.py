"""一括同期 at an emulated mall: what differs is sent, what does not is not, and orders go first."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import push, sync
from ledger import failpoint, keys
from ledger.book import shops, stock
from ledger.facts.push import MallRead
from ledger.facts.shop import SyncFinished, SyncStarted
from ledger.shop import ShopNotReady
from ledger.terms import ListingKey
from tests.api.jobs.pushing import BY, Stage, selling_at, sent, stage

CUP = ListingKey("cup", "blue")


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Stage]:
    with stage(database, tmp_path) as found:
        yield found


@pytest.fixture
def sandbox(scene: Stage) -> Iterator[str]:
    with selling_at(scene, "sandbox", "one") as code:
        yield code


def told_many(scene: Stage, code: str, count: int) -> list[ListingKey]:
    """So many listings that were told their number, 5, a minute ago."""
    found = [ListingKey(f"item-{number:03d}", "v") for number in range(count)]
    for number, key in enumerate(found):
        scene.stock(f"SKU-{number:03d}", 5)
        scene.listing(code, key, f"SKU-{number:03d}", shown=5)
    scene.push_until(lambda: not scene.push())
    scene.clock.sleep(60)
    return found


def finished(scene: Stage, code: str) -> SyncFinished | None:
    facts = [record.fact for record in scene.records(keys.shop(code))]
    return next((fact for fact in facts if isinstance(fact, SyncFinished)), None)


def test_a_full_sync_reads_back_and_sends_only_what_differs(scene: Stage, sandbox: str) -> None:
    found = told_many(scene, sandbox, 120)
    scene.malls[sandbox].set_stock(found[7], 9)  # somebody at the mall
    scene.malls[sandbox].set_stock(found[99], 6)
    before, reads = len(sent(scene, sandbox)), len(read_facts(scene, sandbox))
    sync.start(scene.house, sandbox, BY, trigger="person")
    scene.push_until(lambda: finished(scene, sandbox) is not None, seconds=60)
    assert [scene.shows(sandbox, key) for key in found] == [5] * 120
    requests = sent(scene, sandbox)[before:]
    assert [(one.listings, one.units) for one in requests] == [(["item-007:v"], [5]), (["item-099:v"], [5])]
    assert all(one.sync is not None for one in requests)
    ended = finished(scene, sandbox)
    assert ended is not None
    assert (ended.sent, ended.same, ended.rejected) == (2, 118, 0)
    assert len(read_facts(scene, sandbox)) - reads == 3  # of at most 50 listings, as many as a push takes


def read_facts(scene: Stage, code: str) -> list[MallRead]:
    return [record.fact for record in scene.records(keys.read(code)) if isinstance(record.fact, MallRead)]


def test_an_order_is_told_between_two_pages_of_a_full_sync(scene: Stage, sandbox: str) -> None:
    found = told_many(scene, sandbox, 149)
    for key in found:
        scene.malls[sandbox].set_stock(key, 9)
    scene.told(sandbox, CUP, "CUP", 20)
    before = len(sent(scene, sandbox))
    ordered: list[object] = []

    def order_comes(name: str) -> None:
        if name == "push.answered_recorded" and not ordered:
            ordered.append(scene.do(stock.take_out("CUP", "sample", 19)))

    sync.start(scene.house, sandbox, BY, trigger="person")
    failpoint.arm(order_comes)
    try:
        scene.push_until(lambda: finished(scene, sandbox) is not None, seconds=60)
    finally:
        failpoint.arm(None)
    requests = sent(scene, sandbox)[before:]
    assert [one.sync is not None for one in requests] == [True, False, True, True]
    assert (requests[1].listings, requests[1].units) == (["cup:blue"], [1])


def test_a_full_sync_is_gone_on_with_by_another_worker(scene: Stage, sandbox: str) -> None:
    found = told_many(scene, sandbox, 110)
    for key in found:
        scene.malls[sandbox].set_stock(key, 9)
    scene.meets(sandbox, "status", status=500, times=1, path="/v1/stock/read")
    sync.start(scene.house, sandbox, BY, trigger="schedule")
    push.push_due(scene.pushing)
    other = scene.another_worker()
    for _ in range(60):
        scene.clock.sleep(1)
        push.push_due(other)
    ended = finished(scene, sandbox)
    assert ended is not None
    assert (ended.sent, ended.same) == (110, 0)
    assert [scene.shows(sandbox, key) for key in found] == [5] * 110
    started = [one.fact for one in scene.records(keys.shop(sandbox)) if isinstance(one.fact, SyncStarted)]
    assert len(started) == 1


def test_a_sync_needs_a_pushing_shop(scene: Stage, sandbox: str) -> None:
    scene.fold()
    scene.do(shops.stop_push(sandbox))
    with pytest.raises(ShopNotReady):
        sync.start(scene.house, sandbox, BY, trigger="person")
