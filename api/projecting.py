"""Which tables are made from facts, found by scan of ``projections/``, and the runner that feeds them in a process."""

import pkgutil
from collections.abc import Sequence
from functools import cache
from importlib import import_module

import psycopg

import projections
from api.wiring import House
from projections.runner import Runner
from projections.table import Connection, Table

CONNECT_SECONDS_MAX = 5


@cache
def tables() -> Sequence[Table]:
    """Every table of the folder, by name."""
    found = []
    for module in pkgutil.iter_modules(projections.__path__):
        table = getattr(import_module(f"projections.{module.name}"), "TABLE", None)
        if isinstance(table, Table):
            found.append(table)
    return tuple(sorted(found, key=lambda table: table.name))


def runner(house: House) -> Runner:
    """A runner over every table, as one holder of leases. It opens its connection at the first step."""

    def connect() -> Connection:
        conninfo = house.database.conninfo(name="projections")
        return psycopg.connect(conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX)

    return Runner(connect, house.database.schema, tables(), holder=house.new_id(), clock=house.clock)
