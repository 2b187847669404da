"""The oversell report is held against what the judge knows: for each sale beyond the supply, what its page's number had left out."""

from collections.abc import Iterable

import psycopg

from api import oversells as report
from api.database import Database
from api.oversell_steps import OURS
from projections import change_log, orders, oversells, push_log
from projections.runner import Runner
from tests.simulator.malls import Shop, accepts_only
from tests.simulator.truth import Truth
from tests.simulator.world import World

SAME = {"mall_not_told": "push_in_flight"}  # told a minute before, and still on its way


def reported(database: Database, world: World, truth: Truth, shops: Iterable[Shop]) -> tuple[int, int]:
    """How many steps truth or report name of sales that both know, and of how many they say the same. A step of ours is a fault.

    Sales of shops whose malls give an order's time to the minute alone, or say when they accepted a number and not when they
    showed it, are left out.
    """
    slow = {one.code for one in shops if one.to_the_minute or accepts_only(one.emulated)}

    def connect() -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(database.conninfo(), autocommit=True)

    fed = Runner(
        connect,
        database.schema,
        [change_log.TABLE, push_log.TABLE, orders.TABLE, oversells.TABLE],
        holder="report",
        clock=world,
    )
    fed.run_once()
    fed.close()
    said: dict[str, dict[str, str]] = {}
    with connect() as connection:
        for sku in truth.supply:
            for row in report.page(connection, database.schema, first=100, sku=sku).rows:
                steps = {f"{step.shop}/{step.order}": step.code for step in row.steps if step.order}
                said.setdefault(f"{row.shop}/{row.order_number}", {}).update(steps)
    count = agreed = 0
    for sale, left_out in truth.oversold.items():
        found = said.get(sale)
        if found is None or sale in truth.cancelled or sale.partition("/")[0] in slow:
            continue  # units came before we were told, or it was given back: nothing was ever owed
        looked = {
            order for order, code in left_out.items() if not code
        }  # the report cannot say what a look had taken off
        for order in (left_out.keys() | found.keys()) - truth.cancelled - looked - {sale}:
            count += 1
            code = found.get(order)
            agreed += SAME.get(str(code), code) == left_out.get(order)
    for sale, found in said.items():
        truth.faults.extend(
            f"the report says that {order} made {sale} possible: {code}"
            for order, code in found.items()
            if code == OURS
        )
    return count, agreed
