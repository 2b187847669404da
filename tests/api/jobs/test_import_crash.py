"""kill -9 while a file is stored and applied, between its chunks and inside one: gone on with, every row counts once."""

from pathlib import Path

import psycopg
import pytest

from api.database import Database
from api.jobs import applying, imports, staging
from api.wiring import House
from ledger.facts.load import ImportChunkApplied
from ledger.facts.stock import StockAdded
from ledger.load import ImportNotAccepted
from projections import listings
from projections.checkpoint import create_missing
from tests.api.intake_rig import opened
from tests.api.jobs.import_crash_child import BLANK_EVERY, FILE_NAME, ROWS, file
from tests.crashes import BULK, killed_at, points_of
from tests.ledger.rig import TIMES, whole_ledger

INSIDE_A_CHUNK = ["commit.inserted", "commit.sent", "commit.after_commit"]
# Reached so often before the kill: the second chunk's, where there are several; a chunk's commits come after that of the start.
REACHED = {"bulk.before_finish": 1, "upload.row_page_stored": 1, **dict.fromkeys(INSIDE_A_CHUNK, 3)}
SECOND = 2
BLANK = ROWS // BLANK_EVERY


@pytest.mark.parametrize("point", [*points_of(BULK), *INSIDE_A_CHUNK] * TIMES)
def test_killed_while_a_file_is_applied_every_row_of_it_counts_once(
    database: Database, tmp_path: Path, point: str
) -> None:
    times = str(REACHED.get(point, SECOND))
    with opened(database, tmp_path) as house, house.pool.connection() as connection:
        create_missing(connection, database.schema, [listings.TABLE])
    said = killed_at(BULK, point, times, database.url, database.schema, str(tmp_path))
    staged = [line.removeprefix("staged ") for line in said]
    with opened(database, tmp_path) as house:
        if point == "upload.row_page_stored":
            assert not staged, "a file that is not all here is not one to apply"
            staged = [_stage(house)]
        done = applying.apply(house, staged[0], house.by())
        assert (done.rows, done.changed, done.problems) == (ROWS, ROWS - BLANK, 0)
        with pytest.raises(ImportNotAccepted, match="finished"):
            applying.apply(house, staged[0], house.by())
    _every_row_counts_once(database)


def _stage(house: House) -> str:
    wish = imports.Wish(shop=None, mode="add", file_name=FILE_NAME)
    return staging.stage(house, [file()], wish, "user:1", None).import_id


def _every_row_counts_once(database: Database) -> None:
    facts = [record.fact for record in whole_ledger(database)]
    assert sum(isinstance(fact, StockAdded) for fact in facts) == ROWS - BLANK
    chunks = [fact for fact in facts if isinstance(fact, ImportChunkApplied)]
    assert [chunk.chunk for chunk in chunks] == list(range(1, len(chunks) + 1))
    assert (sum(chunk.rows for chunk in chunks), sum(chunk.skipped for chunk in chunks)) == (ROWS, BLANK)
    with psycopg.connect(database.conninfo()) as connection:
        found: dict[str, int] = dict(
            connection.execute("SELECT sku, on_hand FROM stock_levels WHERE on_hand IS NOT NULL").fetchall()
        )
    assert found == {f"SKU-{n}": n % 1_000 + 1 for n in range(ROWS) if n % BLANK_EVERY}
