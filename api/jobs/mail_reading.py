"""One row of the inbox becomes what its mail tells, or the mark that says why it tells nothing. No database here.

The mall of the shop reads the mail, with the shop's settings and corrections laid over the mall's profile: so a mail of
another mall, or of another shop of the same mall, is not understood and waits for a person.
"""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

import adapters
from adapters.kit.mail import MAIL_BYTES_MAX, read_mail
from adapters.kit.mall import Gap, Ignored, Mall, NotOffered, NotUnderstood, ReadOrderMail
from adapters.kit.profile import Profile, ProfileNotReadable, corrected
from api.shop_access import profile_of
from api.tables.inbox import IGNORED, QUARANTINED, InboxRow, Mark
from ledger.shop import Shop
from ledger.terms import Telling

NOT_UNDERSTOOD = "not_understood"
NO_MAIL_READER = "no_mail_reader"
MALL_UNKNOWN = "mall_unknown"
MESSAGE_DELETED = "message_deleted"
PROFILE_NOT_READABLE = "profile_not_readable"


@dataclass(frozen=True, slots=True)
class Told:
    """A row whose message tells something of one order."""

    row: InboxRow
    telling: Telling


@dataclass(frozen=True)
class MailReader:
    """How the mails of one shop are read."""

    read: ReadOrderMail
    profile: Profile


Reading: TypeAlias = Told | Mark


def reader_of(shop: Shop) -> MailReader | str:
    """How the connected shop's mails are read, or the code of why they are not."""
    try:
        mall = adapters.mall(shop.mall)
    except adapters.UnknownMall:  # its folder was here when the shop was connected
        return MALL_UNKNOWN
    match mall.order_mail:
        case NotOffered() | Gap():
            return NO_MAIL_READER
        case read:
            try:
                return MailReader(read, _profile(mall, shop))
            except ProfileNotReadable:
                return PROFILE_NOT_READABLE


def too_large_to_read(row: InboxRow) -> Mark | None:
    """The mark of a message that is larger than any mail that is read: it need not be opened."""
    return _waits(row, "mail_too_large") if row.size_bytes > MAIL_BYTES_MAX else None


def read_row(row: InboxRow, raw: bytes | None, reader: MailReader) -> Reading:
    """What the row's message tells. Raises whatever a fault of a reader raises; the row is then tried again."""
    if raw is None:
        return Mark(row.id, QUARANTINED, MESSAGE_DELETED)
    mail = read_mail(raw, received_at=row.received_at)
    if isinstance(mail, NotUnderstood):
        return _waits(row, mail.rule, mail.line)
    found = reader.read(mail, reader.profile)
    match found:
        case Telling():
            return Told(row, found)
        case Ignored(kind=kind):
            return Mark(row.id, IGNORED, kind)
        case NotUnderstood(rule=rule, line=line):
            return _waits(row, rule, line)
        case _:
            assert_never(found)


def _waits(row: InboxRow, rule: str, line: int | None = None) -> Mark:
    return Mark(row.id, QUARANTINED, NOT_UNDERSTOOD, rule, line)


def _profile(mall: Mall, shop: Shop) -> Profile:
    """The mall's profile with this shop over it: its corrections, and what of its settings the mail reader asks for.

    A declared setting ``shop_number`` stands in the profile as ``mail.shop_number``: by it a reader refuses another
    shop's mail.
    """
    profile = profile_of(mall, shop.settings)
    known = {f"mail.{one.name}": shop.settings.get(one.name, "") for one in mall.settings if not one.secret}
    return corrected(profile, {name: value for name, value in known.items() if value and name in profile.values})
