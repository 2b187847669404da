"""Read SHOPLIST's order mails by the patterns of profile.toml: the layout of its mails was never seen.

What a pattern does not fit is NotUnderstood with its rule and line, and waits for a person; a code or a quantity outside
the place where items are expected too, so that another layout than the profile's is never half read.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from adapters.kit.japanese import label_key, normalised
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.order_mail import Line, date_jst, lines_of, moment_jst
from adapters.kit.profile import Profile
from adapters.shoplist.mail_items import item_lines, pattern
from ledger.terms import CancelReason, Door, OrderState, Telling, TellingLine

PARSER_VERSION = 1
LINE_CHARACTERS_MAX = 1_000  # what is looked at of a line


def read_order_mail(mail: MailText, profile: Profile) -> OrderReading:
    """What the mail says of one order, Ignored for a known mail without one, else NotUnderstood with its rule.

    A change says the whole order as it is now. A cancel takes off the items it names, or the whole order when it names none.
    """
    subject = label_key(mail.subject)
    if not _said_in(subject, profile.texts("mail.mall_words")):
        return NotUnderstood("subject")
    if _said_in(subject, profile.texts("mail.cancel_words")):
        if _said_in(subject, profile.texts("mail.cancel_request_words")):
            return NotUnderstood("cancel_request")  # Asked for, not done: the units are still sold.
        return _cancel(mail, profile)
    for name in sorted(profile.values):
        if name.startswith("mail.ignored.") and _said_in(subject, profile.texts(name)):
            return Ignored(name.removeprefix("mail.ignored."))
    if _said_in(subject, (*profile.texts("mail.order_words"), *profile.texts("mail.change_words"))):
        return _order(mail, profile)
    return NotUnderstood("subject")


def _order(mail: MailText, profile: Profile) -> Telling | NotUnderstood:
    lines = _lines(mail.text)
    number = _order_number(lines, profile)
    if isinstance(number, NotUnderstood):
        return number
    ordered = _ordered(lines, profile)
    if isinstance(ordered, NotUnderstood):
        return ordered
    items = item_lines(lines, profile)
    if isinstance(items, NotUnderstood):
        return items
    return Telling(
        order=number,
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CONFIRMED,
        complete=True,
        verified=mail.verified,
        lines=items,
        parser_version=PARSER_VERSION,
        ordered_at=ordered if isinstance(ordered, datetime) else None,
        ordered_on=None if isinstance(ordered, datetime) else ordered,
    )


def _cancel(mail: MailText, profile: Profile) -> Telling | NotUnderstood:
    lines = _lines(mail.text)
    number = _order_number(lines, profile)
    if isinstance(number, NotUnderstood):
        return number
    named: tuple[TellingLine, ...] = ()
    if any(pattern(profile, "code_label").search(line.text) for line in lines):
        items = item_lines(lines, profile)
        if isinstance(items, NotUnderstood):
            return items
        named = items
    return Telling(
        order=number,
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CANCELLED,
        complete=False,
        verified=mail.verified,
        lines=named,
        parser_version=PARSER_VERSION,
        reason=_reason(lines, profile),
    )


def _lines(text: str) -> tuple[Line, ...]:
    """The mail's lines, each run of white space as one space: the profile's patterns take long on long runs."""
    return tuple(replace(one, text=" ".join(one.text.split())[:LINE_CHARACTERS_MAX]) for one in lines_of(text))


def _order_number(lines: Sequence[Line], profile: Profile) -> str | NotUnderstood:
    """The one order number of the mail; a second, other one is not understood."""
    found: tuple[str, Line] | None = None
    for line in lines:
        if not pattern(profile, "order_number_label").search(line.text):
            continue
        match = pattern(profile, "order_number").search(line.text)
        if match is None:
            return NotUnderstood("order_number", line.number)
        if found is not None and found[0] != match["value"]:
            return NotUnderstood("several_orders", line.number)
        found = found or (match["value"], line)
    return NotUnderstood("order_number") if found is None else found[0]


def _ordered(lines: Sequence[Line], profile: Profile) -> datetime | date | NotUnderstood | None:
    """The moment the order was placed, or its date in Japan; None when the mail does not say it."""
    for line in lines:
        match = pattern(profile, "ordered_at").search(line.text)
        if match is not None:
            said = moment_jst(match["value"]) or date_jst(match["value"])
            return NotUnderstood("ordered_at", line.number) if said is None else said
    return None


def _reason(lines: Sequence[Line], profile: Profile) -> CancelReason:
    matches = (pattern(profile, "reason").search(line.text) for line in lines)
    stated = next((normalised(match["value"]) for match in matches if match), "")
    # Defects and missing goods first: their units must not be sold again because a buyer is named beside them.
    for reason in (CancelReason.OUT_OF_STOCK, CancelReason.DEFECTIVE, CancelReason.UNPAID, CancelReason.BUYER):
        if any(normalised(phrase) in stated for phrase in profile.texts(f"mail.cancel_reasons.{reason.value}")):
            return reason
    return CancelReason.UNKNOWN


def _said_in(key: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases stands in a text that ``label_key`` has made comparable."""
    return any(label_key(phrase) in key for phrase in phrases)
