"""受注CSV取込: an order file of a shop becomes messages of the inbox, one an order, and is read like any other message.

Nothing of a person is kept: the file is cut at the door to numbers, codes, units, states and times. The same file again, and an
order that says what it said before, is not kept again; what another door told of the order meets it under the same number.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from adapters.kit.order_file import FileOrder, OrdersRead, read_orders
from adapters.kit.order_form import NotOurs
from api.jobs.imports import shop_of
from api.jobs.intake import BACKLOG_SKIPPED, chosen_for, order_verb
from api.jobs.message_reading import Told, offered_to
from api.jobs.naming import names_of
from api.jobs.relink import ProjectedListings
from api.jobs.settling import Settled, settle
from api.jobs.trying import available_changes, tried
from api.projecting import catch_up
from api.tables import inbox, inbox_kept
from api.tables.inbox import Arrival, InboxRow
from api.wiring import House
from ledger import keys
from ledger.shop import SKIP
from ledger.terms import Door, Telling

PAGE_ORDERS = 500
NEW, CHANGED, SAME, REFUSED = "new", "changed", "same", "refused"


@dataclass
class Expected:
    """What taking a file would do now. Mutable: counted order by order.

    ``orders`` by new, changed (known, and says something else), same, refused, backlog_skipped, or the code of why it takes
    nothing from our stock. ``unlinked``: lines that name no listing yet. ``changes``: by how much available_units change, by SKU.
    """

    orders: Counter[str] = field(default_factory=Counter)
    unlinked: int = 0
    changes: Counter[str] = field(default_factory=Counter)


def read_file(
    house: House, code: str, name: str, chunks: Iterable[bytes], *, made_at: datetime | None = None
) -> OrdersRead:
    """The file, read and cut. ``made_at``: when the mall made it; for what its rows do not date. Raises OrderFileRefused."""
    now = house.clock.now()
    return read_orders(
        name, chunks, offered_to(shop_of(house, code)), now=now, made_at=None if made_at is None else min(made_at, now)
    )


def preview(house: House, code: str, file: OrdersRead) -> Expected:
    """What taking the file would do, by the very rules of taking it; nothing is recorded."""
    catch_up(house)  # lines find their listings
    expected, state = Expected(), shop_of(house, code)
    told = [(one, one.reading) for one in file.orders if isinstance(one.reading, Telling)]
    there = _there_already(house, code, [one for one, _ in told])
    expected.orders[SAME] += len(there)
    told = [(one, reading) for one, reading in told if one.number not in there]
    expected.orders.update(one.reading.kind for one in file.orders if isinstance(one.reading, NotOurs))
    rows = [Told(_row(house, code, one), reading) for one, reading in told]
    skipped = [one for one in rows if chosen_for(one, state) == SKIP]
    expected.orders[BACKLOG_SKIPPED] += len(skipped)
    taken = [one for one in rows if chosen_for(one, state) != SKIP]
    for start in range(0, len(taken), PAGE_ORDERS):
        _try(house, code, taken[start : start + PAGE_ORDERS], expected)
    expected.orders += Counter()  # without the zeroes
    return expected


def take(house: House, code: str, file: OrdersRead, *, progress: Callable[[int, int], None] | None = None) -> Settled:
    """The orders of the file are in the inbox, those that were not there already, and read. Twice is harmless."""
    now = house.clock.now()
    orders = [one for one in file.orders if isinstance(one.reading, Telling)]
    ids: list[int] = []
    for start in range(0, len(orders), PAGE_ORDERS):
        ids += _store(house, code, orders[start : start + PAGE_ORDERS], now)
    return settle(house, ids, progress=progress)


# ------------------------------------------------------------------ private


def _there_already(house: House, code: str, orders: Sequence[FileOrder]) -> set[str]:
    """Those of the orders of which the newest message by this door said just this, and was read."""
    door, now = str(Door.CSV), house.clock.now()
    arrivals = [Arrival(code, door, now, "", one.body, order_number=one.number) for one in orders]
    with house.pool.connection() as connection:
        new = {one.order_number for one in inbox.changed(connection, arrivals)}
        newest = inbox_kept.newest_of_orders(connection, code, door, [one.number for one in orders])
    read = {number for number, (_, state) in newest.items() if state == inbox.READ}
    return {one.number for one in orders if one.number not in new} & read


def _try(house: House, code: str, page: Sequence[Told], expected: Expected) -> None:
    state = shop_of(house, code)
    with house.pool.connection() as connection:
        listings = ProjectedListings(house.database.schema)
        named = [its.lines for its in names_of(connection, listings, [(code, one.telling) for one in page])]
        known = _known(connection, [keys.order(code, one.telling.order) for one in page])
    verbs = [order_verb(one, lines, state) for one, lines in zip(page, named, strict=True)]
    for one, decision in zip(page, tried(house, verbs), strict=True):
        if isinstance(decision, ValueError):
            expected.orders[REFUSED] += 1
            continue
        is_known = keys.order(code, one.telling.order) in known
        expected.orders[SAME if not decision.drafts else CHANGED if is_known else NEW] += 1
        unlinked = decision.answer.get("unlinked", 0)
        expected.unlinked += unlinked if isinstance(unlinked, int) else 0
        expected.changes.update(available_changes(decision.drafts))


def _known(connection: psycopg.Connection, streams: Sequence[str]) -> set[str]:
    """Those of the streams that have facts."""
    rows = connection.execute(
        "SELECT originator_id FROM ledger_events WHERE originator_id = ANY(%s) AND originator_version = 1",
        (list(streams),),
    )
    return {str(row[0]) for row in rows.fetchall()}


def _row(house: House, code: str, order: FileOrder) -> InboxRow:
    """The order as the row of the inbox that it would be."""
    now = house.clock.now()
    return InboxRow(
        id=0,
        shop=code,
        door=str(Door.CSV),
        received_at=now,
        trace="",
        size_bytes=len(order.body),
        digest=b"",
        state=inbox.RECEIVED,
        reason="",
        rule="",
        line=None,
        same_as=None,
        tries=0,
        parser_version=None,
        order_number=order.number,
        position=None,
        vouched_by="",
        proof="",
    )


def _store(house: House, code: str, orders: Sequence[FileOrder], now: datetime) -> list[int]:
    """The page's new and changed orders are in the inbox; the answer has their rows, and those that waited for a person."""
    arrivals = [Arrival(code, str(Door.CSV), now, house.new_id(), one.body, order_number=one.number) for one in orders]
    with house.pool.connection() as connection:
        new = inbox.changed(connection, arrivals)
        inbox.store(connection, house.database.schema, house.seals, new)
        newest = inbox_kept.newest_of_orders(connection, code, str(Door.CSV), [one.order_number for one in arrivals])
        stored = [newest[one.order_number][0] for one in new]
        again = [row for row, state in newest.values() if state == inbox.QUARANTINED]
        inbox_kept.read_again(connection, house.database.schema, again)
    return [*stored, *again]
