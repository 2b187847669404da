"""Reads the order mails of MakeShop that a shop has made with [MAIL_ORDERNUM] and [MAIL_ORDER2] (own codes in the list).

The shop writes its mails itself, so every label, subject and boundary is data. What is not there is NotUnderstood with a
rule and a line number; only a missing quantity is read as "at least 1". Sources: NOTES.md, "Order mail".
"""

import re
from collections.abc import Sequence

from adapters.kit.japanese import label_key, normalised
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.order_mail import (
    LabelFound,
    Line,
    Section,
    count_in,
    date_jst,
    find_label,
    lines_of,
    moment_jst,
    section,
)
from adapters.kit.profile import Profile
from adapters.makeshop.codes import ORDER_NUMBER, own_name
from ledger.terms import CODE_CHARACTERS_MAX, UNITS_MAX, CancelReason, Door, OrderState, Telling, TellingLine

PARSER_VERSION = 1
LINES_MAX = 1_000  # items of one order

_NUMBER = re.compile(rf"(?<![0-9A-Za-z])({ORDER_NUMBER.pattern})(?![0-9A-Za-z])")
_COUNT = re.compile(r"([0-9,]+)\s*(?:個|点|枚|本|組|セット)?")


def read_order_mail(mail: MailText, profile: Profile) -> OrderReading:
    """What the mail says of one order, Ignored for a known mail without an order, else NotUnderstood with its rule."""
    subject = label_key(mail.subject)
    if _said_in(subject, profile.texts("mail.cancel_subjects")):
        return _read_cancel(mail, subject, profile)
    for name in sorted(profile.values):
        if name.startswith("mail.ignored.") and _said_in(subject, profile.texts(name)):
            return Ignored(name.removeprefix("mail.ignored."))
    if _said_in(subject, profile.texts("mail.order_subjects")):
        return _read_order(mail, subject, profile)
    return NotUnderstood("subject")


def _read_order(mail: MailText, subject: str, profile: Profile) -> OrderReading:
    lines = lines_of(mail.text)
    order = _order_number(mail, lines, profile)
    if isinstance(order, NotUnderstood):
        return order
    part = section(lines, profile.text("mail.items_start"), profile.text("mail.items_end"), rule="items")
    read = part if isinstance(part, NotUnderstood) else _items(part, profile)
    if isinstance(read, NotUnderstood):
        return read
    stated = find_label(lines, *profile.texts("mail.ordered_at_labels"), rule="ordered_at")
    if isinstance(stated, NotUnderstood):
        return stated
    at, on = moment_jst(stated.value), date_jst(stated.value)
    if at is None and on is None:
        return NotUnderstood("ordered_at", stated.line.number)
    provisional = _said_in(subject, profile.texts("mail.provisional_words"))
    return Telling(
        order=order,
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.PROVISIONAL if provisional else OrderState.CONFIRMED,
        complete=True,
        verified=mail.verified,
        lines=read,
        parser_version=PARSER_VERSION,
        ordered_at=at,
        ordered_on=on if at is None else None,
    )


def _read_cancel(mail: MailText, subject: str, profile: Profile) -> OrderReading:
    if _said_in(subject, profile.texts("mail.cancel_request_words")):
        return NotUnderstood("cancel_request")  # Asked for, not done: the units are still sold.
    lines = lines_of(mail.text)
    order = _order_number(mail, lines, profile)
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
        reason=_cancel_reason(lines, profile),
    )


def _cancel_reason(lines: Sequence[Line], profile: Profile) -> CancelReason:
    found = find_label(lines, *profile.texts("mail.reason_labels"))
    if isinstance(found, NotUnderstood):
        return CancelReason.UNKNOWN
    said = label_key(found.value)
    # Missing and defective goods first: their units must not be sold again because a buyer is named beside them.
    for reason in (CancelReason.OUT_OF_STOCK, CancelReason.DEFECTIVE, CancelReason.UNPAID, CancelReason.BUYER):
        if _said_in(said, profile.texts(f"mail.cancel_reasons.{reason.value}")):
            return reason
    return CancelReason.UNKNOWN


def _order_number(mail: MailText, lines: Sequence[Line], profile: Profile) -> str | NotUnderstood:
    """The one order number, below its label or in the subject; a second, other one is not understood."""
    found = find_label(lines, *profile.texts("mail.order_labels"), rule="order_number")
    numbers: dict[str, int | None] = dict.fromkeys(_NUMBER.findall(mail.subject))
    if not isinstance(found, NotUnderstood):
        stated = _NUMBER.search(found.value)
        if stated is None:
            return NotUnderstood("order_number", found.line.number)
        numbers.setdefault(stated[1], found.line.number)
    for line in lines:
        for number in _NUMBER.findall(line.text):
            numbers.setdefault(number, line.number)
    if not numbers:
        return NotUnderstood("order_number")
    if len(numbers) > 1:
        return NotUnderstood("several_orders", list(numbers.values())[1])
    return next(iter(numbers))


def _items(part: Section, profile: Profile) -> tuple[TellingLine, ...] | NotUnderstood:
    """The items: blocks that begin with [1], [2] … in order; a line with another number belongs to the block before it."""
    start = re.compile(profile.text("mail.item_start"))
    blocks: list[list[Line]] = []
    for line in part:
        opened = start.match(line.text)
        if opened is not None and int(opened[1]) == len(blocks) + 1:
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
    if not blocks or len(blocks) > LINES_MAX:
        return NotUnderstood("items", part[0].number if part else None)
    read = [_item(block, str(ordinal), profile) for ordinal, block in enumerate(blocks, start=1)]
    wrong = next((one for one in read if isinstance(one, NotUnderstood)), None)
    return wrong or tuple(one for one in read if isinstance(one, TellingLine))


def _item(block: Sequence[Line], line_id: str, profile: Profile) -> TellingLine | NotUnderstood:
    below = block[1:]
    own_code = _stated(below, profile.texts("mail.code_labels"), "code")
    option_code = _stated(below, profile.texts("mail.option_code_labels"), "option_code")
    quantity = _stated(below, profile.texts("mail.quantity_labels"), "quantity")
    for one in (own_code, option_code, quantity):
        if isinstance(one, NotUnderstood):
            return one
    assert not isinstance(own_code, NotUnderstood)
    assert not isinstance(option_code, NotUnderstood)
    assert not isinstance(quantity, NotUnderstood)
    code, option = own_code[0], option_code[0]
    if not 0 < len(code) <= CODE_CHARACTERS_MAX or len(option) > CODE_CHARACTERS_MAX:
        return NotUnderstood("code", own_code[1] or block[0].number)
    codes = (own_name(code, option),)
    if not quantity[1]:
        return TellingLine(code, option, 1, quantity_known=False, line_id=line_id, codes=codes)
    found = _COUNT.fullmatch(normalised(quantity[0]).strip())
    units = None if found is None else count_in(found[1])
    if units is None or not 0 < units <= UNITS_MAX:
        return NotUnderstood("quantity", quantity[1])
    return TellingLine(code, option, units, line_id=line_id, codes=codes)


def _stated(block: Sequence[Line], labels: Sequence[str], rule: str) -> tuple[str, int | None] | NotUnderstood:
    """The value below one of the labels and its line number; ("", None) when none is there. A second, other one is not understood."""
    found = find_label(block, *labels)
    if isinstance(found, NotUnderstood):
        return "", None
    again = find_label([line for line in block if line.number > found.line.number], *labels)
    if not isinstance(again, NotUnderstood) and again.value != found.value:
        return NotUnderstood(rule, again.line.number)
    return _as_written(found), found.line.number


def _as_written(found: LabelFound) -> str:
    """The value as the mail has it: a code in full-width letters stays one, which normalising would turn into another."""
    _, colon, rest = found.line.raw.replace("：", ":").partition(":")
    return rest.strip() if colon else found.value


def _said_in(key: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases stands in a text that ``label_key`` has made comparable."""
    return any(label_key(phrase) in key for phrase in phrases)
