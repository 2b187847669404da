"""What one message says, opened for the eyes of a person who may: other people's text, shown and never kept or logged."""

from dataclasses import dataclass, field
from datetime import datetime

import structlog

from adapters.kit.mail import read_mail
from adapters.kit.mall import NotUnderstood
from api.tables import inbox
from api.wiring import House
from ledger.terms import Door

TEXT_BYTES_MAX = 100_000
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """A message as a person reads it. ``rule``: why it is no readable mail, "" when it is one, or came by another door."""

    id: int
    shop: str
    door: str
    received_at: datetime
    rule: str
    subject: str = field(repr=False)
    sender: str = field(repr=False)
    sent_at: datetime | None
    text: str = field(repr=False)


def opened_message(house: House, row_id: int, actor: str) -> OpenedMessage:
    """The message, opened; that ``actor`` opened it is logged. Raises InboxRowUnknown, CannotOpen."""
    with house.pool.connection() as connection:
        row = inbox.row_of(connection, row_id)
        raw = inbox.raw_of(connection, house.seals, [row]).get(row_id)
    if raw is None:
        raise inbox.InboxRowUnknown(f"inbox row {row_id}: its message was deleted when its time was over")
    log.info("message_opened", inbox=row_id, actor=actor)
    mail = read_mail(raw, received_at=row.received_at) if row.door == Door.MAIL else None
    if mail is None or isinstance(mail, NotUnderstood):
        text = raw[:TEXT_BYTES_MAX].decode("utf-8", "replace")
        rule = "" if mail is None else mail.rule
        return OpenedMessage(row_id, row.shop, row.door, row.received_at, rule, "", "", None, text)
    return OpenedMessage(
        row_id, row.shop, row.door, row.received_at, "", mail.subject, mail.sender, mail.sent_at, mail.text
    )
