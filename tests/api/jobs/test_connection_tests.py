"""The connection of every running shop is tested once a day: what expires is said before, a refusal with the mall's reason."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.database import Database
from api.diagnosis import findings
from api.finding import PROBLEM, WAITS
from api.jobs import connection_tests as job
from api.shop_access import ShopAccesses
from api.tables import connection_tests, secrets
from ledger.terms import utc_text
from tests.api.jobs.pushing import Stage, selling_at, stage


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Stage]:
    with stage(database, tmp_path, shares=True) as scene:
        yield scene


def connection_tested(scene: Stage, days: float = 0.0) -> int:
    scene.clock.sleep(days * 86_400)
    scene.fold()
    accesses = ShopAccesses(scene.house)
    try:
        return job.step(scene.house, accesses)
    finally:
        accesses.close()


def said(scene: Stage, code: str) -> dict[str, tuple[str, str]]:
    return {one.code: (one.level, one.japanese) for one in findings(scene.house, code)}


def logged_in(scene: Stage, code: str, days_ago: float) -> None:
    moment = utc_text(scene.house.clock.now() - timedelta(days=days_ago))
    with scene.house.pool.connection() as connection:
        secrets.put(
            connection,
            scene.house.seals,
            shop=code,
            name="logged_in_at",
            value=moment,
            changed_at=scene.house.clock.now(),
        )


def test_a_login_that_ends_is_said_in_steps_before_it_does(scene: Stage) -> None:
    with selling_at(scene, "yahoo_shopping", "samplestore") as code:
        assert connection_tested(scene) == 0  # it has only just begun
        logged_in(scene, code, days_ago=15)
        assert connection_tested(scene, days=0.1) == 1
        level, sentence = said(scene, code)["relogin_30"]
        assert (level, "再ログイン" in sentence) == (WAITS, True)
        assert connection_tested(scene) == 0  # once a day
        logged_in(scene, code, days_ago=26.5)
        assert connection_tested(scene, days=1.01) == 1
        found = said(scene, code)
        assert "relogin_30" not in found
        assert found["relogin_1"][0] == PROBLEM


def test_a_mall_that_refuses_our_keys_is_said_with_its_reason(scene: Stage) -> None:
    with selling_at(scene, "rakuten", "samplestore") as code:
        connection_tested(scene)
        known = scene.malls[code].secrets
        scene.malls[code].secrets = {**known, "license_key": "another-license-key"}
        assert connection_tested(scene, days=0.1) == 1
        assert said(scene, code)["connection_refused"][0] == PROBLEM
        scene.malls[code].secrets = known
        assert connection_tested(scene, days=1.01) == 1
        assert "connection_refused" not in said(scene, code)


def test_a_test_that_finds_the_shop_busy_comes_again_soon(scene: Stage) -> None:
    with selling_at(scene, "yahoo_shopping", "samplestore") as code:
        connection_tested(scene)
        scene.clock.sleep(700)
        accesses = ShopAccesses(scene.house, turn_seconds_max=0)
        one = accesses.connected(code)
        with accesses.of(one):
            assert job.step(scene.house, accesses) == 1
        accesses.close()
        with scene.house.pool.connection() as connection:
            last = connection_tests.of_shop(connection, code)
        assert last is not None
        assert last.tested_at is None
        assert connection_tested(scene, days=0.01) == 1


def test_two_workers_test_a_shop_once(scene: Stage) -> None:
    with selling_at(scene, "yahoo_shopping", "samplestore") as code:
        connection_tested(scene)
        scene.clock.sleep(700)
        now = scene.house.clock.now()
        with scene.house.pool.connection() as connection:
            claims = [connection_tests.claim(connection, now=now, claim_seconds=60) for _ in range(2)]
        assert claims == [code, None]
