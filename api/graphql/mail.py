"""Mail over GraphQL: what one message says, for those who may read it; the mailboxes of shops."""

from datetime import date, datetime

import strawberry

from api import mailboxes
from api.graphql.context import Asked
from api.graphql.inbox import head_of
from api.graphql.nodes import node
from api.graphql.scalars import Count, Position
from api.mail.imap import TLS
from api.mailboxes import FAULTS, Tried
from api.opened_message import opened_message
from api.tables.mailboxes import Polled
from api.wiring import House


@strawberry.type
class MessageTextNode:
    """What one message says. ``rule``: why it is no readable mail, "" when it is one or came by another door."""

    id: Count
    shop: str
    door: str
    received_at: datetime
    rule: str
    subject: str
    sender: str
    sent_at: datetime | None
    text: str


@strawberry.type
class MailboxNode:
    """A shop's mailbox and how far it was read, without user and password. ``tls``: tls, starttls or none.

    ``afterReading``: leave, seen or move (to ``moveTo``). ``code``: what is wrong with it, "" nothing; ``problem`` says it in
    words. ``tooLarge``: mails that were left there for their size.
    """

    shop: str
    host: str
    port: int
    tls: str
    folder: str
    after_reading: str
    move_to: str
    authserv_id: str
    since: date
    taken: Count
    too_large: Count
    read_at: datetime | None
    due_at: datetime
    failures: int
    code: str
    problem: str

    @classmethod
    def of(cls, row: Polled) -> "MailboxNode":
        return node(cls, row, problem=_problem(row.code))


@strawberry.type
class MailboxTried:
    """What was found by looking into a mailbox. ``code`` "": it can be read, and ``toTake`` mails wait in it.

    ``position``: where the ledger stands; workers take the mails from here on.
    """

    readable: bool
    code: str
    problem: str
    messages: int
    to_take: int
    folders: list[str]
    position: Position

    @classmethod
    def of(cls, house: House, found: Tried) -> "MailboxTried":
        problem, folders = _problem(found.code), list(found.folders)
        return node(cls, found, readable=not found.code, problem=problem, folders=folders, position=head_of(house))


@strawberry.type
class MailboxRemoved:
    """The shop whose mailbox is gone. ``position``: where the ledger stands."""

    shop: str
    position: Position


@strawberry.input
class MailboxInput:
    """A mailbox to take a shop's order mails from. ``port``: the usual one when left out; ``since``: today, in Japan."""

    host: str
    user: str
    password: str
    port: int | None = None
    tls: str = TLS
    folder: str = "INBOX"
    after_reading: str = "leave"
    move_to: str = ""
    authserv_id: str = ""
    since: date | None = None

    def asked(self, shop: str) -> mailboxes.Asked:
        return mailboxes.Asked(
            shop=shop,
            host=self.host,
            user=self.user,
            password=self.password,
            port=self.port,
            tls=self.tls,
            folder=self.folder,
            after_reading=self.after_reading,
            move_to=self.move_to,
            authserv_id=self.authserv_id,
            since=self.since,
        )


@strawberry.type
class MailQueries:
    """Mail that came, and where it is taken from."""

    @strawberry.field
    async def message(self, info: Asked, id: Count) -> MessageTextNode:  # noqa: A002  # as every node names it
        """What one message says: a forwarding confirmation, or one that was not understood. That it was opened is logged."""
        context = info.context
        found = await context.in_thread(opened_message, context.house, id, context.caller.actor)
        return node(MessageTextNode, found)

    @strawberry.field
    async def mailboxes(self, info: Asked, shop: str | None = None) -> list[MailboxNode]:
        """Mailboxes order mails are taken from, by shop."""
        found = await info.context.in_thread(mailboxes.shown, info.context.house, shop)
        return [MailboxNode.of(one) for one in found]


@strawberry.type
class MailMutations:
    """Mailboxes declared, tried and removed."""

    @strawberry.mutation
    async def declare_mailbox(self, info: Asked, shop: str, mailbox: MailboxInput) -> MailboxTried:
        """The shop's order mails are taken from this mailbox from now on; it is tried at once. Twice is harmless."""
        house, asked = info.context.house, mailbox.asked(shop)

        def declare() -> MailboxTried:
            mailboxes.declare(house, asked)
            return MailboxTried.of(house, mailboxes.tried(house, shop))

        return await info.context.in_thread(declare)

    @strawberry.mutation
    async def try_mailbox(self, info: Asked, shop: str) -> MailboxTried:
        """The mailbox is opened and looked into; nothing is taken or changed."""
        house = info.context.house
        return await info.context.in_thread(lambda: MailboxTried.of(house, mailboxes.tried(house, shop)))

    @strawberry.mutation
    async def remove_mailbox(self, info: Asked, shop: str) -> MailboxRemoved:
        """The mailbox is not looked at any more, and its password is gone; mails that were taken stay."""
        house = info.context.house

        def remove() -> MailboxRemoved:
            mailboxes.remove(house, shop)
            return MailboxRemoved(shop=shop, position=head_of(house))

        return await info.context.in_thread(remove)


def _problem(code: str) -> str:
    japanese, english, _ = FAULTS[code] if code else ("", "", "")
    return f"{japanese} {english}".strip()
