"""The inbox over GraphQL: messages and what became of them, never what they say; read again, ignored, re-read."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from api.graphql.context import Asked
from api.graphql.inputs import aware
from api.graphql.nodes import node
from api.graphql.paging import Connection, connection, key_of
from api.graphql.scalars import Count, Position
from api.jobs import rereading
from api.jobs.rereading import Reread
from api.tables import inbox
from api.tables.inbox import InboxRow
from api.wiring import House
from projections.reading import Found, checked_first

ROWS_ASKED_MAX = 1_000


class StateUnknown(ValueError):
    """No row of the inbox is ever in this state."""


class TooManyRows(ValueError):
    """More rows than one request may name."""


@strawberry.type
class MessageNode:
    """One message without its text. ``state``: received, read, waiting, quarantined or ignored; ``reason`` is a code.

    ``rule`` and ``line``: what was not understood, and where. ``position``: where the ledger stood when it was taken.
    ``proof``: how a mail's sender was proven (dkim, authentication_results, arc), or the rule why not.
    """

    id: Count
    shop: str
    door: str
    received_at: datetime
    size_bytes: int
    state: str
    reason: str
    rule: str
    line: int | None
    same_as: Count | None
    tries: int
    parser_version: int | None
    order_number: str
    position: Position | None
    trace: str
    proof: str


@strawberry.type
class MessagesDone:
    """The rows a call was about. ``position``: where the ledger stands; workers take the messages from here on."""

    ids: list[Count]
    position: Position


@strawberry.type
class MessagesReread:
    """What kept messages tell now. ``corrected``: something else than was recorded; ``understood``: tells of an order now.

    ``otherOrder``: names another order than before, for a person to look at. ``stopped``: of shops whose intake stands still.
    ``availableChanges``: by how much available units change, by SKU. ``position`` is null when nothing was told.
    """

    messages: int
    same: int
    corrected: int
    understood: int
    not_understood: int
    other_order: int
    stopped: int
    available_changes: JSON
    position: Position | None


@strawberry.type
class InboxQueries:
    """What arrived."""

    @strawberry.field
    async def inbox(
        self,
        info: Asked,
        first: int = 100,
        after: str | None = None,
        state: str | None = None,
        shop: str | None = None,
    ) -> Connection[MessageNode]:
        """Messages, newest first, with what became of each; never what they say."""
        if state is not None and state not in inbox.STATES:
            raise StateUnknown(f"state {state!r}; expected one of {', '.join(inbox.STATES)}")
        before, house = key_of(after, tuple[int]), info.context.house

        def read() -> Found[InboxRow]:
            with house.pool.connection() as database:
                rows = inbox.page(
                    database,
                    state=state,
                    shop=shop,
                    before=before[0] if before else None,
                    rows_max=checked_first(first) + 1,
                )
            return Found(tuple(rows[:first]), len(rows) > first)

        found = await info.context.in_thread(read)
        return connection(found, lambda row: (row.id,), lambda row: node(MessageNode, row), after=after)


@strawberry.type
class InboxMutations:
    """Messages read again or left."""

    @strawberry.mutation
    async def resend_messages(self, info: Asked, ids: list[Count]) -> MessagesDone:
        """These messages are read again, as if they came now; an equal telling has no effect. Twice is harmless."""
        _checked(ids)
        return await info.context.in_thread(_resend, info.context.house, ids)

    @strawberry.mutation
    async def ignore_messages(self, info: Asked, ids: list[Count]) -> MessagesDone:
        """These messages are left unread for good; one that was read keeps its facts and is refused. Twice is harmless."""
        _checked(ids)
        return await info.context.in_thread(_ignore, info.context.house, ids)

    @strawberry.mutation
    async def reread_messages(
        self, info: Asked, shop: str | None = None, received_from: datetime | None = None, dry_run: bool = False
    ) -> MessagesReread:
        """Kept messages are read again by the present readers; what they tell differently becomes a correction, as facts."""
        since = aware(received_from) if received_from else None
        return await info.context.in_thread(_reread, info.context.house, shop, since, dry_run=dry_run)


def _checked(ids: list[Count]) -> None:
    if len(ids) > ROWS_ASKED_MAX:
        raise TooManyRows(f"{len(ids)} messages; expected up to {ROWS_ASKED_MAX} at once")


def _resend(house: House, ids: list[Count]) -> MessagesDone:
    with house.pool.connection() as database:
        for one in ids:
            inbox.resend(database, house.database.schema, one)
    return MessagesDone(ids=ids, position=head_of(house))


def _ignore(house: House, ids: list[Count]) -> MessagesDone:
    with house.pool.connection() as database:
        for one in ids:
            inbox.ignore(database, one)
    return MessagesDone(ids=ids, position=head_of(house))


def _reread(house: House, shop: str | None, since: datetime | None, *, dry_run: bool) -> MessagesReread:
    seen: Reread = rereading.preview(house, code=shop, since=since)
    position = None
    if not dry_run:
        rereading.apply(house, seen)
        position = head_of(house)
    return node(MessagesReread, seen, available_changes=JSON(dict(sorted(seen.changes.items()))), position=position)


def head_of(house: House) -> Position:
    """Where the ledger stands."""
    with house.pool.connection() as database:
        row = database.execute("SELECT position FROM ledger_head").fetchone()
    assert row is not None, "the head row of the ledger is missing"
    return Position(row[0])
