"""Reads Amazon's order mails to sellers: 注文確定 (one SKU a mail) and the older 商品を出荷してください (all lines).

The mail of today names one SKU and often no quantity: it is told as an incomplete order with at least 1, and the order API
or the notification tells the rest. Sources: NOTES.md, "Order mail".
"""

import re
from collections.abc import Sequence

from adapters.amazon.codes import is_sku, key_of
from adapters.kit.japanese import label_key
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.order_mail import (
    LabelFound,
    Line,
    count_in,
    date_jst,
    find_label,
    lines_of,
    moment_jst,
    split_sections,
)
from adapters.kit.profile import Profile
from ledger.terms import UNITS_MAX, CancelReason, Door, OrderState, Telling, TellingLine

PARSER_VERSION = 1
LINES_MAX = 1_000  # Blocks of one order; more is not an order.

ORDER = re.compile(r"\d{3}-\d{7}-\d{7}", re.ASCII)
_ORDER = re.compile(r"(?<![0-9-])(\d{3}-\d{7}-\d{7})(?![0-9-])", re.ASCII)


def read_order_mail(mail: MailText, profile: Profile) -> OrderReading:
    """What the mail says of one order, Ignored for a known mail without an order, else NotUnderstood with its rule."""
    if not _is_amazons(mail, profile):
        return NotUnderstood("sender")
    subject = label_key(mail.subject)
    if _said_in(subject, profile.texts("mail.cancel_subjects")):
        if _said_in(subject, profile.texts("mail.cancel_request_words")):
            return NotUnderstood("cancel_request")  # Asked for, not done: the units are still sold.
        return _read_cancel(mail, profile)
    if _said_in(subject, profile.texts("mail.old_order_subjects")):
        return _read_old(mail, profile)
    if _said_in(subject, profile.texts("mail.order_subjects")):
        return _read_order(mail, profile)
    for name in sorted(profile.values):
        if name.startswith("mail.ignored.") and _said_in(subject, profile.texts(name)):
            return Ignored(name.removeprefix("mail.ignored."))
    return NotUnderstood("subject")


def _is_amazons(mail: MailText, profile: Profile) -> bool:
    """Whether Amazon sent it, or a text that is Amazon's was forwarded by the merchant."""
    if mail.sender.endswith(profile.texts("mail.senders")):
        return True
    text = label_key(mail.text)
    return any(label_key(words) in text for words in profile.texts("mail.said_by_amazon"))


def _said_in(key: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases stands in a text that ``label_key`` has made comparable."""
    return any(label_key(phrase) in key for phrase in phrases)


# ------------------------------------------------------------------ the mail of today


def _read_order(mail: MailText, profile: Profile) -> OrderReading:
    lines = lines_of(mail.text)
    order = _order_number(lines, profile)
    if isinstance(order, NotUnderstood):
        return order
    named = _sku(lines, mail.subject, profile)
    if isinstance(named, NotUnderstood):
        return named
    line = _line(named, find_label(lines, *profile.texts("mail.quantity_labels")), "")
    if isinstance(line, NotUnderstood):
        return line
    return _telling(mail, profile, lines, order, (line,), complete=False)


def _sku(lines: Sequence[Line], subject: str, profile: Profile) -> str | NotUnderstood:
    """The SKU of its label, else the first word after the subject's colon. Two SKUs are not one mail's."""
    labels = profile.texts("mail.sku_labels")
    found = find_label(lines, *labels)
    if isinstance(found, LabelFound) and found.value:
        again = find_label(lines[found.line.number :], *labels)
        if isinstance(again, LabelFound):
            return NotUnderstood("sku_twice", again.line.number)
        sku = _as_written(found)
        return sku if is_sku(sku) else NotUnderstood("sku", found.line.number)
    words = _after_colon(subject).split()
    return words[0] if words and is_sku(words[0]) else NotUnderstood("sku")


def _as_written(found: LabelFound) -> str:
    """The value as the mail writes it: folding its width would name another SKU."""
    raw = found.line.raw.strip()
    return found.value if raw.endswith(found.value) else _after_colon(raw)


def _after_colon(text: str) -> str:
    parts = re.split(r"[:：]", text, maxsplit=1)
    return parts[1].strip() if len(parts) == 2 else ""


# ------------------------------------------------------------------ the older mail


def _read_old(mail: MailText, profile: Profile) -> OrderReading:
    lines = lines_of(mail.text)
    order = _order_number(lines, profile)
    if isinstance(order, NotUnderstood):
        return order
    ends = next((at for at, line in enumerate(lines) if re.search(profile.text("mail.old_end"), line.text)), None)
    if ends is None:
        return NotUnderstood("items_end")  # Cut short: it would look complete.
    labels = profile.texts("mail.sku_labels")
    blocks = [
        block
        for block in split_sections(lines[:ends], profile.text("mail.old_separator"))
        if isinstance(find_label(block, *labels), LabelFound)
        or isinstance(find_label(block, *profile.texts("mail.quantity_labels")), LabelFound)
    ]
    if not 0 < len(blocks) <= LINES_MAX:
        return NotUnderstood("items")
    read: list[TellingLine] = []
    for ordinal, block in enumerate(blocks, start=1):
        line = _block(block, str(ordinal), profile)
        if isinstance(line, NotUnderstood):
            return line
        read.append(line)
    return _telling(mail, profile, lines, order, tuple(read), complete=True)


def _block(block: Sequence[Line], line_id: str, profile: Profile) -> TellingLine | NotUnderstood:
    found = find_label(block, *profile.texts("mail.sku_labels"))
    if isinstance(found, NotUnderstood):
        return NotUnderstood("sku", block[0].number)
    again = find_label(block[found.line.number - block[0].number + 1 :], *profile.texts("mail.sku_labels"))
    if isinstance(again, LabelFound):
        return NotUnderstood("sku_twice", again.line.number)
    sku = _as_written(found)
    if not is_sku(sku):
        return NotUnderstood("sku", found.line.number)
    return _line(sku, find_label(block, *profile.texts("mail.quantity_labels")), line_id)


# ------------------------------------------------------------------ both


def _line(sku: str, quantity: LabelFound | NotUnderstood, line_id: str) -> TellingLine | NotUnderstood:
    key = key_of(sku)
    if isinstance(quantity, NotUnderstood) or not quantity.value:
        return TellingLine(key.item, key.variant, 1, quantity_known=False, line_id=line_id)
    units = count_in(quantity.value.removesuffix("個"))
    if units is None or not 1 <= units <= UNITS_MAX:
        return NotUnderstood("quantity", quantity.line.number)
    return TellingLine(key.item, key.variant, units, line_id=line_id)


def _order_number(lines: Sequence[Line], profile: Profile) -> str | NotUnderstood:
    """The one order number of the mail; a second, other one is not understood."""
    labels = profile.texts("mail.order_labels")
    found = find_label(lines, *labels, rule="order_number")
    if isinstance(found, NotUnderstood):
        return found
    number = _ORDER.match(found.value)
    if number is None:
        return NotUnderstood("order_number", found.line.number)
    other = next((line for line in lines for one in _ORDER.findall(line.text) if one != number[1]), None)
    return number[1] if other is None else NotUnderstood("several_orders", other.number)


def _telling(
    mail: MailText,
    profile: Profile,
    lines: Sequence[Line],
    order: str,
    told: tuple[TellingLine, ...],
    *,
    complete: bool,
) -> OrderReading:
    found = find_label(lines, *profile.texts("mail.ordered_at_labels"))
    said = found.value if isinstance(found, LabelFound) else ""
    at, on = moment_jst(said), date_jst(said)
    if said and on is None:
        assert isinstance(found, LabelFound)
        return NotUnderstood("ordered_at", found.line.number)
    return Telling(
        order=order,
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CONFIRMED,
        complete=complete,
        verified=mail.verified,
        lines=told,
        parser_version=PARSER_VERSION,
        ordered_at=at,
        ordered_on=on if at is None else None,
    )


def _read_cancel(mail: MailText, profile: Profile) -> OrderReading:
    """A cancel names the order; who cancelled it and why the mail does not say."""
    order = _order_number(lines_of(mail.text), profile)
    if isinstance(order, NotUnderstood):
        return order
    return Telling(
        order=order,
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CANCELLED,
        complete=False,
        verified=mail.verified,
        lines=(),
        parser_version=PARSER_VERSION,
        reason=CancelReason.UNKNOWN,
    )
