"""Facts that wait in quarantine, taken again in order by one command, once the cause is mended.

The command takes the table's lease from whoever feeds it, for one transaction; the runner takes it back. In a table that is
folded from many streams (listings) late facts are taken after others they stood before: its numbers are right again, but
columns that say when something changed say now; ``daicho rebuild`` makes them exact.
"""

from typing import Any

from psycopg import sql

from ledger.codec import decode
from projections.checkpoint import Checkpoints
from projections.lease import Leases
from projections.page import Page
from projections.quarantine import POISON, Quarantine, reason_of
from projections.rebuild import Place
from projections.table import Connection, Table


class StillPoisoned(ValueError):
    """The table still cannot take a fact of the stream; nothing changed. The message has the reason's code."""


def rerun(place: Place, table: Table, stream: str) -> int:
    """The stream's waiting facts are in the table and it waits no more; the answer is how many they were, 0: it did not wait.

    Raises StillPoisoned, and UnknownFact when a newer version wrote one of them.
    """
    with place.connect() as connection:
        leases = Leases(place.schema, place.holder)
        lease = leases.seize(connection, table.name, place.clock.now())
        try:
            with connection.transaction():
                leases.lock(connection, [table.name])
                return _rerun(connection, place, table, stream)
        except POISON as error:
            raise StillPoisoned(f"{table.name} still cannot take stream {stream}: {reason_of(error)}") from error
        finally:
            leases.release(connection, lease)


def _rerun(connection: Connection, place: Place, table: Table, stream: str) -> int:
    quarantine = Quarantine(place.schema)
    live = Checkpoints(place.schema).all(connection)[table.name]
    first = quarantine.position_of(connection, table.name, stream)
    if first is None:
        return 0
    rows = quarantine.waiting(connection, stream, first, live.position)
    times = [_recorded_at(connection, place.schema, position) for position, *_ in rows]
    records = [decode(position, stream, version, name, state) for position, version, name, state in rows]
    needed = [(record, time) for record, time in zip(records, times, strict=True) if record.name in table.facts]
    writer = table.open(live.names(place.schema))
    if needed:
        writer.write(connection, Page(first, live.position, [r for r, _ in needed], [t for _, t in needed]))
    quarantine.remove(connection, table.name, stream)
    return len(needed)


def _recorded_at(connection: Connection, schema: str, position: int) -> Any:
    statement = sql.SQL(
        "SELECT committed_at FROM {} WHERE first_position <= %s ORDER BY first_position DESC LIMIT 1"
    ).format(sql.Identifier(schema, "ledger_seals"))
    row = connection.execute(statement, (position,), prepare=True).fetchone()
    assert row is not None, position
    return row[0]
