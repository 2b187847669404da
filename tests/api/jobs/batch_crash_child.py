"""A push worker that is killed at a named place of a batch: its mall's folders lie on disk, its clock is the one it is given."""

import sys
from pathlib import Path

from adapters.kit.emulated_files import EmulatedFolders
from adapters.rakuten.emulated_batches import BATCH, LOGS, NO_ERRORS
from api.database import Database
from api.jobs.push import push_shop
from ledger import failpoint
from tests.adapters.kit.files_on_disk import FilesOnDisk
from tests.api.jobs.pushing import stage
from tests.crashes import at, say

STEPS_MAX, STEP_SECONDS = 100, 10.0
TAKEN = "/taken/"  # what the mall took while this process ran; the parent lets it show the numbers


class Mall:
    """Takes a file the second time it sees it, and says in its log that all went well. Mutable: it plays the world outside."""

    def __init__(self, files: FilesOnDisk) -> None:
        self._files = files
        self._seen: set[str] = set()

    def take_due(self) -> int:
        waiting = [path for path in self._files if path.startswith(BATCH)]
        for path in waiting:
            if path in self._seen:
                name = path.removeprefix(BATCH)
                self._files[TAKEN + name] = self._files.pop(path)
                self._files[f"{LOGS}{name.removesuffix('.csv')}.20261120120000000.csv"] = NO_ERRORS.encode("cp932")
            self._seen.add(path)
        return 0


def main(point: str, url: str, schema: str, home: str, code: str, seconds: str) -> None:
    """Killed at ``point`` while it pushes the shop ``code`` and follows its batch."""
    with stage(Database(url, schema), Path(home), began_seconds=float(seconds)) as scene:
        files = FilesOnDisk(Path(home) / "folders")
        folders = EmulatedFolders(scene.clock.now, files, take_due=Mall(files).take_due)
        scene.pushing.accesses.use_files(lambda _one: folders)
        scene.fold()
        say("ready")
        failpoint.arm(at(point, 1))
        for _ in range(STEPS_MAX):
            push_shop(scene.pushing, code)
            scene.clock.sleep(STEP_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
