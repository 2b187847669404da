"""A worker that is killed at a named place while it asks a mall for orders, on the clock it is given."""

import sys
from pathlib import Path

from api.database import Database
from api.jobs.order_polling import OrderPolling
from api.shop_access import ShopAccesses
from ledger import failpoint
from tests.api.jobs.pushing import stage
from tests.crashes import at, say


def main(point: str, url: str, schema: str, home: str, seconds: str) -> None:
    """Killed at ``point``; its clock begins ``seconds`` after that of the stage."""
    with stage(Database(url, schema), Path(home), began_seconds=float(seconds)) as scene:
        polling = OrderPolling(scene.house, ShopAccesses(scene.house))
        say("ready")
        failpoint.arm(at(point, 1))
        polling.step()


if __name__ == "__main__":
    main(*sys.argv[1:])
