"""One row of the inbox becomes what its message tells, or the mark that says why it tells nothing. No database here.

The mall of the shop reads it, with the shop's settings and corrections laid over the mall's profile: so a message of
another mall, or of another shop of the same mall, is not understood and waits for a person.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

import adapters
from adapters.kit.mail import MAIL_BYTES_MAX, read_mail
from adapters.kit.mall import (
    Gap,
    Ignored,
    MailText,
    Mall,
    NotOffered,
    NotUnderstood,
    OrderApi,
    OrderHint,
    OrderReading,
    OrderWebhook,
    ReadOrderMail,
    WebhookCall,
)
from adapters.kit.order_file import Offered, read_kept
from adapters.kit.profile import Profile, ProfileNotReadable, corrected
from api.mail.confirmation import asks_for_confirmation
from api.mail.dkim import LookUpTxt
from api.mail.proof import FORWARDED_INSIDE, Believed, prove
from api.shop_access import profile_of
from api.tables.inbox import IGNORED, QUARANTINED, InboxRow, Mark
from api.wiring import House
from ledger.shop import Shop
from ledger.terms import Door, Telling

NOT_UNDERSTOOD = "not_understood"
NO_READER = "no_reader"
MALL_UNKNOWN = "mall_unknown"
MESSAGE_DELETED = "message_deleted"
PROFILE_NOT_READABLE = "profile_not_readable"
FORWARDING_CONFIRMATION = "forwarding_confirmation"
CONFIRMATION_BYTES_MAX = 200_000


@dataclass(frozen=True, slots=True)
class Told:
    """A row whose message tells something of one order. ``proof``: how its sender was proven, or why not."""

    row: InboxRow
    telling: Telling
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Hinted:
    """A row whose message says only which orders are to be fetched; () whatever is new."""

    row: InboxRow
    orders: tuple[str, ...]


@dataclass(frozen=True)
class Senders:
    """How senders of mails are proven: forwarders whose seals are believed, and who is asked for keys."""

    arc_sealers: tuple[str, ...]
    look_up: LookUpTxt


@dataclass(frozen=True)
class Reader:
    """How the messages of one shop that come by one door are read; and how its sender was proven, "" where that is no question."""

    read: Callable[[bytes, InboxRow], tuple[OrderReading | OrderHint, str]]


Reading: TypeAlias = Told | Hinted | Mark


def senders_of(house: House) -> Senders:
    """Who is believed in this house."""
    named = house.settings.mail_arc_sealers.lower().split(",")
    return Senders(tuple(name.strip() for name in named if name.strip()), house.txt)


def reader_of(shop: Shop, door: str, senders: Senders) -> Reader | str:
    """How the connected shop's messages of this door are read, or the code of why they are not."""
    try:
        mall = adapters.mall(shop.mall)
    except adapters.UnknownMall:  # its folder was here when the shop was connected
        return MALL_UNKNOWN
    if door == Door.CSV:
        try:
            offered = offered_to(shop)
        except ProfileNotReadable:
            return PROFILE_NOT_READABLE
        return Reader(lambda raw, row: (read_kept(raw, offered, row.received_at), ""))
    found = {Door.MAIL: mall.order_mail, Door.API: mall.order_api, Door.WEBHOOK: mall.order_webhook}.get(Door(door))
    if found is None or isinstance(found, NotOffered | Gap):
        return NO_READER
    try:
        return Reader(_reading(found, _profile(mall, shop), senders))
    except ProfileNotReadable:
        return PROFILE_NOT_READABLE


def offered_to(shop: Shop) -> list[Offered]:
    """The order files (受注CSV) the connected shop may send, with the profile each is read with. Raises ProfileNotReadable."""
    return [
        Offered(form, _profile(adapters.mall(shop.mall), shop) if folder == shop.mall else adapters.profile(folder))
        for folder, form in adapters.order_forms(shop.mall)
    ]


def too_large_to_read(row: InboxRow) -> Mark | None:
    """The mark of a message that is larger than any that is read: it need not be opened."""
    return _waits(row, "mail_too_large") if row.size_bytes > MAIL_BYTES_MAX else None


def read_row(row: InboxRow, raw: bytes | None, reader: Reader) -> Reading:
    """What the row's message tells. Raises whatever a fault of a reader raises; the row is then tried again."""
    if raw is None:
        return Mark(row.id, QUARANTINED, MESSAGE_DELETED)
    found, proof = reader.read(raw, row)
    match found:
        case Telling():
            return Told(row, found, proof)
        case OrderHint(orders=orders):
            return Hinted(row, orders)
        case Ignored(kind=kind):
            return Mark(row.id, IGNORED, kind)
        case NotUnderstood(rule=rule, line=line):
            return confirmation(row, raw) or replace(_waits(row, rule, line), proof=proof)
        case _:
            assert_never(found)


def confirmation(row: InboxRow, raw: bytes | None) -> Mark | None:
    """The mark of a mail by which a forwarding provider asks whether mails may be forwarded here: a person has to read it."""
    if raw is None or row.door != Door.MAIL or len(raw) > CONFIRMATION_BYTES_MAX:
        return None
    mail = read_mail(raw, received_at=row.received_at)
    asks = isinstance(mail, MailText) and asks_for_confirmation(mail)
    return Mark(row.id, QUARANTINED, FORWARDING_CONFIRMATION) if asks else None


def kept_call(call: WebhookCall, names: tuple[str, ...]) -> bytes:
    """A webhook call as the inbox keeps it: its body, and of its headers those of these names, which hold no secret."""
    headers = {name: call.headers[name] for name in names if name in call.headers}
    return json.dumps({"headers": headers, "body": base64.b64encode(call.body).decode("ascii")}).encode("utf-8")


def call_of(kept: bytes) -> WebhookCall:
    """The call behind ``kept_call``."""
    found = json.loads(kept)
    return WebhookCall(headers=found["headers"], body=base64.b64decode(found["body"]))


def _reading(
    found: ReadOrderMail | OrderApi | OrderWebhook, profile: Profile, senders: Senders
) -> Callable[[bytes, InboxRow], tuple[OrderReading | OrderHint, str]]:
    match found:
        case OrderApi(read=read_order):
            return lambda raw, _: (read_order(raw, profile), "")
        case OrderWebhook(read=read_call):
            return lambda raw, _: (read_call(call_of(raw), profile), "")
        case read_order_mail:
            return lambda raw, row: _read_mail(read_order_mail, profile, senders, raw, row)


def _read_mail(
    read: ReadOrderMail, profile: Profile, senders: Senders, raw: bytes, row: InboxRow
) -> tuple[OrderReading, str]:
    mail = read_mail(raw, received_at=row.received_at)
    if isinstance(mail, NotUnderstood):
        return mail, ""
    if not mail.as_sent:
        return read(mail, profile), FORWARDED_INSIDE
    vouched_by = "" if mail.attached else row.vouched_by  # in an attached mail those results are anybody's
    believed = Believed(_domains(profile, "sending"), _domains(profile, "signing"), vouched_by, senders.arc_sealers)
    proof = prove(mail.attached or raw, believed, senders.look_up, row.received_at)
    return read(replace(mail, verified=proof.verified), profile), proof.code


def _domains(profile: Profile, which: str) -> tuple[str, ...]:
    """The mall's domains of this kind (``mail.sending_domains``), as a merchant may have corrected them."""
    found = profile.values.get(f"mail.{which}_domains", ())
    return tuple(one.lower() for one in found if isinstance(one, str)) if isinstance(found, (list, tuple)) else ()


def _waits(row: InboxRow, rule: str, line: int | None = None) -> Mark:
    return Mark(row.id, QUARANTINED, NOT_UNDERSTOOD, rule, line)


def _profile(mall: Mall, shop: Shop) -> Profile:
    """The mall's profile with this shop over it: its corrections, and what of its settings the mail reader asks for.

    A declared setting ``shop_number`` stands in the profile as ``mail.shop_number``: by it a reader refuses another
    shop's mail.
    """
    profile = profile_of(mall, shop.settings)
    known: Mapping[str, str] = {
        f"mail.{one.name}": shop.settings.get(one.name, "") for one in mall.settings if not one.secret
    }
    return corrected(profile, {name: value for name, value in known.items() if value and name in profile.values})
