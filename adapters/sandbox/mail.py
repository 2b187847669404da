"""Order and cancel mails of the sandbox become a telling; the words looked for stand in profile.toml."""

import re

from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.order_mail import (
    LabelFound,
    Section,
    count_in,
    find_label,
    lines_of,
    moment_jst,
    same_subject,
    section,
    split_sections,
)
from adapters.kit.profile import Profile
from ledger.terms import CancelReason, Door, OrderState, Telling, TellingLine

PARSER_VERSION = 1
ORDER_NUMBER = re.compile(r"sb-\d{8}", re.ASCII)
LINES_MAX = 200


def read_order_mail(mail: MailText, profile: Profile) -> OrderReading:
    """What the mail tells: a whole order, its cancel (naming no line), nothing about orders, or not understood."""
    if same_subject(mail.subject, *profile.texts("mail.ignored_subjects")):
        return Ignored("notice")
    is_order = same_subject(mail.subject, *profile.texts("mail.order_subjects"))
    if not is_order and not same_subject(mail.subject, *profile.texts("mail.cancel_subjects")):
        return NotUnderstood("subject")
    lines = lines_of(mail.text)
    number = find_label(lines, profile.text("mail.number_label"), rule="order_number")
    if isinstance(number, NotUnderstood):
        return number
    if not ORDER_NUMBER.fullmatch(number.value):
        return NotUnderstood("order_number", number.line.number)
    return _order(mail, lines, number.value, profile) if is_order else _cancel(mail, number.value)


def _order(mail: MailText, lines: Section, number: str, profile: Profile) -> OrderReading:
    ordered = find_label(lines, profile.text("mail.ordered_at_label"), rule="ordered_at")
    if isinstance(ordered, NotUnderstood):
        return ordered
    ordered_at = moment_jst(ordered.value)
    if ordered_at is None:
        return NotUnderstood("ordered_at", ordered.line.number)
    goods = section(lines, r"^\[ご注文商品\]$", r"^\[以上\]$", rule="goods")
    if isinstance(goods, NotUnderstood):
        return goods
    blocks = split_sections(goods, r"^-{5,}$")
    if not 1 <= len(blocks) <= LINES_MAX:
        return NotUnderstood("goods")
    told: list[TellingLine] = []
    for ordinal, block in enumerate(blocks, start=1):
        line = _line(block, ordinal, profile)
        if isinstance(line, NotUnderstood):
            return line
        told.append(line)
    return Telling(
        order=number,
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CONFIRMED,
        complete=True,
        verified=mail.verified,
        lines=tuple(told),
        parser_version=PARSER_VERSION,
        ordered_at=ordered_at,
    )


def _line(block: Section, ordinal: int, profile: Profile) -> TellingLine | NotUnderstood:
    item = find_label(block, profile.text("mail.item_label"), rule="item")
    quantity = find_label(block, profile.text("mail.quantity_label"), rule="quantity")
    variant = find_label(block, profile.text("mail.variant_label"), rule="variant")
    for found in (item, quantity):
        if isinstance(found, NotUnderstood):
            return NotUnderstood(found.rule, block[0].number)
    assert isinstance(item, LabelFound)
    assert isinstance(quantity, LabelFound)
    units = count_in(quantity.value)
    if not units:
        return NotUnderstood("quantity", quantity.line.number)
    if not item.value:
        return NotUnderstood("item", item.line.number)
    return TellingLine(
        item.value, variant.value if isinstance(variant, LabelFound) else "", units, line_id=str(ordinal)
    )


def _cancel(mail: MailText, number: str) -> Telling:
    return Telling(
        order=number,
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CANCELLED,
        complete=False,
        verified=mail.verified,
        lines=(),
        parser_version=PARSER_VERSION,
        reason=CancelReason.UNKNOWN,
    )
