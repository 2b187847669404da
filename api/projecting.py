"""Which tables are made from facts, found by scan of ``projections/``, and the runner that feeds them in a process."""

import pkgutil
from collections.abc import Sequence
from functools import cache
from importlib import import_module

import psycopg

import projections
from api.jobs.worker import Loop
from api.reading import NotThereYet, await_position, least_position
from api.wiring import House
from ledger.commit import Statements
from projections.checkpoint import create_missing
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


def runner(house: House, only: Sequence[Table] | None = None) -> Runner:
    """A runner over every table, or ``only`` these, as one holder of leases. It opens its connection at the first step."""

    def connect() -> Connection:
        conninfo = house.database.conninfo(name="projections")
        return psycopg.connect(conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX)

    return Runner(
        connect, house.database.schema, tables() if only is None else only, holder=house.new_id(), clock=house.clock
    )


def ensure_tables(house: House) -> None:
    """Every table can be read, empty where it was never fed. Safe from many processes at once."""
    with house.pool.connection() as connection:
        connection.autocommit = True  # the building begins and ends its own transaction
        try:
            create_missing(connection, house.database.schema, tables())
        finally:
            connection.autocommit = False


def catch_up(house: House, only: Sequence[Table] | None = None) -> int:
    """The lists, or ``only`` these, hold what was committed before: fed here where nobody feeds them, else waited for. The answer
    is how many facts they are behind when the wait was in vain.
    """
    with house.pool.connection() as connection:
        row = connection.execute("SELECT position FROM ledger_head").fetchone()
    assert row is not None
    fed = runner(house, only)
    try:
        fed.run_once()
    finally:
        fed.close()
    names = [table.name for table in (tables() if only is None else only)]
    try:
        await_position(house, names, int(row[0]))
    except NotThereYet:
        with house.pool.connection() as connection:
            return max(0, int(row[0]) - least_position(connection, names)[1])
    return 0


def feed(house: House) -> Loop:
    """The loop of a worker that feeds the tables; it lets go of everything when the database was away."""
    fed = runner(house)

    def step() -> int:
        try:
            return fed.step()
        except psycopg.Error:
            fed.let_go()
            raise

    def close() -> None:
        try:
            fed.close()
        except psycopg.Error:  # the leases run out by themselves
            fed.let_go()

    return Loop("projections", step, (Statements(house.database.schema).channel,), close=close)
