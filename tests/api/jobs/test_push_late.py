"""A request whose answer was lost may still arrive, behind a newer number: every mall is put right once it no longer can."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import adapters
from adapters.kit.mall import Gap, ShopAccess
from api.database import Database
from api.jobs import push
from api.jobs.push import Pushing
from api.shop_access import ShopAccesses
from ledger.terms import ListingKey, ListingLevel, Outcome, Result
from tests.api.jobs.pushing import Stage, selling_at, sent, stage

CUP = ListingKey("cup", "")


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Stage]:
    with stage(database, tmp_path) as scene:
        yield scene


@pytest.mark.parametrize("reads", [True, False], ids=["a mall that can be read", "a mall that cannot"])
def test_a_number_that_arrives_behind_a_newer_one_is_put_right(scene: Stage, reads: bool) -> None:
    with selling_at(scene, "sandbox", "one") as code:
        scene.told(code, CUP, "CUP", 9)
        scene.stock("CUP", 5)
        losing = loses_the_first(scene, reads=reads)
        push.push_due(losing)
        scene.stock("CUP", 0)
        scene.clock.sleep(2)
        push.push_due(losing)
        assert scene.shows(code, CUP) == 0
        scene.malls[code].set_stock(CUP, 5)  # the first request arrives
        for _ in range(40):
            scene.clock.sleep(10)
            push.push_due(losing)
        assert scene.shows(code, CUP) == 0
        before = len(sent(scene, code))
        scene.clock.sleep(3_600)
        push.push_due(losing)
        assert len(sent(scene, code)) == before, "it is told once more, not for ever"


def loses_the_first(scene: Stage, *, reads: bool) -> Pushing:
    """Pushing to a mall that neither takes nor answers the first request."""
    mall, left = adapters.mall("sandbox"), [1]
    push_api = mall.push_api
    assert callable(push_api)

    def losing(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
        if left[0] == 0:
            return push_api(access, levels)
        left[0] -= 1
        return [Outcome(Result.UNKNOWN)] * len(levels)

    changed = replace(mall, push_api=losing)
    if not reads:
        changed = replace(changed, read_back=Gap("this one cannot be read"))
    accesses = ShopAccesses(scene.house, mall_of=lambda _: changed)
    scene.opened.append(accesses)
    return replace(scene.pushing, accesses=accesses)
