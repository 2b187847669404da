"""R4: kill -9 at every named place of a push. The mall ends with the right number, told at most once too often."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from api.database import Database
from ledger.facts.push import PushAnswered, PushSent
from ledger.terms import ListingKey
from tests.api.jobs.pushing import selling_at, sent, stage
from tests.crashes import PUSH, killed_at, points_of

CUP = ListingKey("cup", "blue")


@pytest.mark.parametrize("point", points_of(PUSH))
def test_killed_at_a_place_of_a_push_another_worker_ends_it(database: Database, tmp_path: Path, point: str) -> None:
    with stage(database, tmp_path) as scene, selling_at(scene, "sandbox", "one") as code:
        scene.told(code, CUP, "CUP", 50)
        scene.stock("CUP", 3)
        scene.runner.close()  # its leases are free for the child
        before = len(scene.malls[code].pushes)
        arguments = (database.url, database.schema, str(tmp_path), code, str(scene.clock.monotonic()))
        assert killed_at(PUSH, point, *arguments) == ["ready"]
        scene.clock.sleep(6)  # the dead one's lease of the tables is over, its lease of the shop is not
        scene.push()
        assert len(scene.malls[code].pushes) <= before + 1
        scene.push_until(lambda: scene.shows(code, CUP) == 3 and not scene.push(), seconds=60)
        scene.push_until(lambda: not open_requests(scene.facts(code)), seconds=60)
        told = [push for push in scene.malls[code].pushes[before:] if push.levels == ((CUP, 3),)]
        assert 1 <= len(told) <= 2
        assert len({one.request for one in sent(scene, code)}) == len(sent(scene, code))


def open_requests(facts: Sequence[object]) -> set[str]:
    answered = {fact.request for fact in facts if isinstance(fact, PushAnswered)}
    return {fact.request for fact in facts if isinstance(fact, PushSent)} - answered
