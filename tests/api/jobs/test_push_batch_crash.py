"""R4: kill -9 at every named place of a batch. Another worker finds what became of it; the mall ends with the right number."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.rakuten.emulated_batches import item_folder_of
from api.database import Database
from ledger.facts.push import PushSent, PushSettled
from ledger.terms import ListingKey
from tests.adapters.kit.files_on_disk import FilesOnDisk
from tests.api.jobs.batch_crash_child import TAKEN
from tests.api.jobs.pushing import stage
from tests.api.jobs.pushing_files import batches, folders_of, told_by_file
from tests.crashes import BATCH, killed_at, points_of

CUP = ListingKey("cup", "blue")


@pytest.mark.parametrize("point", points_of(BATCH))
def test_killed_at_a_place_of_a_batch_another_worker_ends_it(database: Database, tmp_path: Path, point: str) -> None:
    with stage(database, tmp_path) as scene, told_by_file(scene, "rakuten") as code:
        files = FilesOnDisk(tmp_path / "folders")
        folders_of(scene, code).files = files
        rms = item_folder_of(scene.malls[code])
        scene.stock("CUP", 30)
        scene.listing(code, CUP, "CUP", shown=50)
        scene.runner.close()  # its leases are free for the child
        arguments = (database.url, database.schema, str(tmp_path), code, str(scene.clock.monotonic()))
        assert killed_at(BATCH, point, *arguments) == ["ready"]
        scene.clock.sleep(1_100)  # the child's clock may have gone so far
        taken = [path for path in files if path.startswith(TAKEN)]
        if taken:
            scene.malls[code].set_stock(CUP, 30)
        scene.push_until(
            lambda: scene.shows(code, CUP) == 30 and not scene.push() and not _unfinished(scene.facts(code)),
            seconds=4_000,
            step=20,
        )
        names = rms.taken + [path.removeprefix(TAKEN) for path in taken]
        assert len(set(names)) == len(names), "no file was put twice"
        assert 1 <= len(batches(scene, code)) <= 2


def _unfinished(facts: Sequence[object]) -> set[str]:
    ended = {fact.request for fact in facts if isinstance(fact, PushSettled)}
    return {fact.request for fact in facts if isinstance(fact, PushSent) and fact.channel != "api"} - ended
