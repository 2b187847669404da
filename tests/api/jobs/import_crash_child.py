"""A program that stages a file and applies it, and says the import's id before it is applied; killed at a named place.

Run as ``python -m tests.api.jobs.import_crash_child POINT TIMES URL SCHEMA HOME [IMPORT]``: killed at the POINT when it is
reached for the given time. With an IMPORT it only goes on with that one.
"""

import sys
from pathlib import Path

from api.database import Database
from api.jobs import applying, imports, staging
from ledger import failpoint
from tests import crashes
from tests.api.intake_rig import opened

ROWS = 1_200
BLANK_EVERY = 100  # rows whose number is missing: skipped with a reason
FILE_NAME = "daicho-stock.csv"


def file() -> bytes:
    """追加: every SKU gets one unit more than its number."""
    lines = ["商品SKU,想定在庫数,保留在庫数"]
    lines += [f"SKU-{n},{'' if n % BLANK_EVERY == 0 else n % 1_000 + 1}," for n in range(ROWS)]
    return "\r\n".join(lines).encode()


def run(point: str, times: str, url: str, schema: str, home: str, import_id: str = "") -> None:
    """Every line says what is true before it is read: ``staged ID`` after every row is stored, ``applied ID`` at the end."""
    with opened(Database(url, schema), Path(home)) as house:
        failpoint.arm(crashes.at(point, int(times)))
        if not import_id:
            wish = imports.Wish(shop=None, mode="add", file_name=FILE_NAME)
            import_id = staging.stage(house, [file()], wish, "user:1", None).import_id
            crashes.say(f"staged {import_id}")
        applying.apply(house, import_id, house.by())
        crashes.say(f"applied {import_id}")


if __name__ == "__main__":
    run(*sys.argv[1:])
