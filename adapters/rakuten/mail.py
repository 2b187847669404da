"""Read Rakuten's order and cancel mails into tellings; layouts that are not verified stand in profile.toml.

The order mail names a product by 商品番号 (in the last parentheses of its line) and, since 2023, by SKU管理番号. It
never names 商品管理番号, which is the listing's own key: so a line's ``codes`` say 商品番号/SKU管理番号, and
``files.py`` gives every listing the same code.
"""

import re
from datetime import date, datetime

from adapters.kit.japanese import normalised
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.order_mail import LabelFound, Line, date_jst, find_label, lines_of, moment_jst, same_subject
from adapters.kit.profile import Profile
from adapters.rakuten.mail_items import compiled, item_lines
from ledger.terms import CancelReason, Door, OrderState, Telling

PARSER_VERSION = 1

# What forwarders and mailing lists put before a subject: "[shop:12]", "Fwd:" behind such a tag.
_SUBJECT_TAGS = re.compile(r"^(?:\[[^\]]{1,40}\]|(?:fwd?|re|転送):)+", re.IGNORECASE)


def read_order_mail(mail: MailText, profile: Profile) -> OrderReading:
    """What the mail says of one order, or that it says nothing, or which rule at which line it does not fit."""
    subject = _SUBJECT_TAGS.sub("", "".join(normalised(mail.subject).split()))
    if same_subject(subject, *profile.texts("mail.order_subjects")):
        return _order(mail, profile)
    if same_subject(subject, *profile.texts("mail.cancel_subjects")):
        return _cancel(mail, profile)
    kind = next(
        (k for k in _names(profile, "mail.ignored.") if same_subject(subject, *profile.texts(f"mail.ignored.{k}"))),
        None,
    )
    return NotUnderstood("subject") if kind is None else Ignored(kind)


def _order(mail: MailText, profile: Profile) -> Telling | NotUnderstood:
    lines = _one_mail_of(lines_of(mail.text), profile)
    if isinstance(lines, NotUnderstood):
        return lines
    number = _order_number(lines[:1], profile)
    if isinstance(number, NotUnderstood):
        return number
    ordered = _ordered(lines, number, profile)
    if isinstance(ordered, NotUnderstood):
        return ordered
    told = item_lines(lines, profile)
    if isinstance(told, NotUnderstood):
        return told
    return Telling(
        order=number,
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CONFIRMED,
        complete=True,
        verified=mail.verified,
        lines=told,
        parser_version=PARSER_VERSION,
        ordered_at=ordered if isinstance(ordered, datetime) else None,
        ordered_on=None if isinstance(ordered, datetime) else ordered,
    )


def _cancel(mail: MailText, profile: Profile) -> Telling | NotUnderstood:
    lines = lines_of(mail.text)
    number = _order_number(lines, profile)
    if isinstance(number, NotUnderstood):
        return number
    return Telling(
        order=number,
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CANCELLED,
        complete=False,
        verified=mail.verified,
        lines=(),
        parser_version=PARSER_VERSION,
        reason=_reason(lines, profile),
    )


def _one_mail_of(lines: tuple[Line, ...], profile: Profile) -> tuple[Line, ...] | NotUnderstood:
    """The lines from 受注番号 on, up to a repeat of the same mail below it (a forwarder's own copy)."""
    labels = profile.texts("mail.order_number_labels")
    starts = [
        (at, found.value)
        for at, line in enumerate(lines)
        if isinstance(found := find_label((line,), *labels), LabelFound)
    ]
    if not starts:
        return NotUnderstood("order_number_label")
    if len({value for _, value in starts}) > 1:
        return NotUnderstood("several_orders", lines[starts[1][0]].number)
    return lines[starts[0][0] : starts[1][0] if len(starts) > 1 else None]


def _order_number(lines: tuple[Line, ...], profile: Profile) -> str | NotUnderstood:
    pattern = compiled(profile.text("mail.order_number"))
    found = [(match, line) for line in lines for match in pattern.finditer(line.text)]
    if not found:
        return NotUnderstood("order_number", lines[0].number if len(lines) == 1 else None)
    number = found[0][0].group()
    other = next((line for match, line in found if match.group() != number), None)
    if other is not None:
        return NotUnderstood("several_orders", other.number)
    if profile.text("mail.shop_number") not in ("", found[0][0].group(1)):
        return NotUnderstood("order_of_another_shop", found[0][1].number)
    return number


def _ordered(lines: tuple[Line, ...], number: str, profile: Profile) -> datetime | date | NotUnderstood:
    """The moment of 日時, in UTC; without that line the date in the order number, which is a date in Japan."""
    found = find_label(lines, *profile.texts("mail.ordered_at_labels"))
    if isinstance(found, LabelFound):
        return moment_jst(found.value) or NotUnderstood("ordered_at", found.line.number)
    digits = number.split("-")[1]
    day = date_jst(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
    return NotUnderstood("order_number_date", lines[0].number) if day is None else day


def _reason(lines: tuple[Line, ...], profile: Profile) -> CancelReason:
    found = find_label(lines, *profile.texts("mail.cancel_reason_labels"))
    stated = found.value if isinstance(found, LabelFound) else ""
    for name in _names(profile, "mail.cancel_reasons."):
        if any(normalised(phrase) in stated for phrase in profile.texts(f"mail.cancel_reasons.{name}")):
            return CancelReason(name)
    return CancelReason.UNKNOWN


def _names(profile: Profile, prefix: str) -> list[str]:
    return [name.removeprefix(prefix) for name in profile.values if name.startswith(prefix)]
