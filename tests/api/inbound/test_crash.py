"""kill -9 at every named place between the mail and the order: nothing acknowledged is lost, nothing counts twice."""

from functools import partial
from pathlib import Path

import pytest

from api.database import Database
from api.jobs.intake import drain
from tests.api.inbound.crash_child import mail_of
from tests.api.intake_rig import (
    YAHOO,
    KnownListings,
    TurnedClock,
    connect_shops,
    deliver,
    facts,
    link,
    nothing_waits,
    opened,
    rows,
    set_stock,
    stock_of,
)
from tests.crashes import INBOUND, killed_at, points_of
from tests.ledger.rig import TIMES


@pytest.mark.parametrize("point", points_of(INBOUND) * TIMES)
def test_killed_between_mail_and_order_nothing_is_lost_and_nothing_counts_twice(
    database: Database, tmp_path: Path, point: str
) -> None:
    with opened(database, tmp_path) as house:
        connect_shops(house)
        link(house, YAHOO, "test1234", "", "MUG")
        set_stock(house, "MUG", 1_000)
    said = killed_at(INBOUND, point, database.url, database.schema, str(tmp_path))
    sent = {int(line.removeprefix("sent ")) for line in said if line.startswith("sent ")}
    done = {int(line.removeprefix("done ")) for line in said if line.startswith("done ")}
    assert done
    clock = TurnedClock()
    clock.turn(60)  # the claim of the worker that died is over
    with opened(database, tmp_path, clock) as house:
        nothing_waits(house, partial(drain, house, KnownListings()))
        assert {row.state for row in rows(house)} == {"read"}
        orders = {int(stream.rpartition("-")[2]) for _, stream in facts(house, "OrderTold")}
        assert done <= orders <= sent
        assert len(facts(house, "OrderTold")) == len(orders)
        assert stock_of(house, "MUG") == (1_000, len(orders))
        for number in sent:  # every sender that got no answer sends again
            deliver(house, mail_of(number), YAHOO)
        nothing_waits(house, partial(drain, house, KnownListings()))
        assert stock_of(house, "MUG") == (1_000, len(sent))
        assert len(facts(house, "OrderTold")) == len(sent)
