"""Reads the order mails of futureshop: an item by its 商品番号 and 数量, which may stand beside other labels on one line.

No mail of this mall was seen whole, so every label, subject and boundary is data. What is not there is NotUnderstood with
a rule and a line number; only a missing quantity is read as "at least 1". Sources: NOTES.md, "Order mail".
"""

import re
from collections.abc import Sequence

from adapters.futureshop.codes import ORDER_NUMBER, PREORDER, key_of
from adapters.kit.japanese import label_key
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.order_mail import Line, Section, count_in, date_jst, find_label, lines_of, moment_jst, section
from adapters.kit.profile import Profile
from ledger.terms import CODE_CHARACTERS_MAX, UNITS_MAX, CancelReason, Door, OrderState, Telling, TellingLine

PARSER_VERSION = 1
LINES_MAX = 1_000  # items of one order

_NUMBER = re.compile(rf"(?<![0-9A-Za-z-])({ORDER_NUMBER.pattern})(?![0-9A-Za-z-])")
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
        return _read_order(mail, profile)
    return NotUnderstood("subject")


def _read_order(mail: MailText, profile: Profile) -> OrderReading:
    lines = lines_of(mail.text)
    order = _order_number(lines, profile)
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
    return Telling(
        order=order,
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CONFIRMED,
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
    order = _order_number(lines, profile)
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


def _order_number(lines: Sequence[Line], profile: Profile) -> str | NotUnderstood:
    """The one order number below its label; a second, other one below a label is not understood."""
    labels = profile.texts("mail.order_labels")
    found = find_label(lines, *labels, rule="order_number")
    if isinstance(found, NotUnderstood):
        return found
    number = _NUMBER.match(found.value)
    if number is None:
        return NotUnderstood("order_number", found.line.number)
    rest = lines[found.line.number :]
    while not isinstance(again := find_label(rest, *labels), NotUnderstood):
        other = _NUMBER.match(again.value)
        if other is None or other[1] != number[1]:
            return NotUnderstood("several_orders", again.line.number)
        rest = lines[again.line.number :]
    return number[1]


def _items(part: Section, profile: Profile) -> tuple[TellingLine, ...] | NotUnderstood:
    """The items: each begins at the line with its 商品番号 and goes on to the next one's."""
    code, quantity = re.compile(profile.text("mail.item_code")), re.compile(profile.text("mail.item_quantity"))
    blocks: list[list[Line]] = []
    for line in part:
        if code.search(line.text):
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
        elif quantity.search(line.text):
            return NotUnderstood("code", line.number)  # A quantity of nothing: an item without its 商品番号.
    if not blocks or len(blocks) > LINES_MAX:
        return NotUnderstood("items", part[0].number if part else None)
    words = profile.texts("mail.preorder_words")
    branches = re.compile(profile.text("mail.item_branches"))
    read = [
        _item(block, str(ordinal), (code, branches, quantity), words) for ordinal, block in enumerate(blocks, start=1)
    ]
    wrong = next((one for one in read if isinstance(one, NotUnderstood)), None)
    return wrong or tuple(one for one in read if isinstance(one, TellingLine))


def _item(
    block: Sequence[Line], line_id: str, patterns: tuple[re.Pattern[str], ...], words: Sequence[str]
) -> TellingLine | NotUnderstood:
    code, branches, quantity = patterns
    item = code.findall(block[0].text)
    branch = [found["branches"] for line in block for found in branches.finditer(line.text)] or [""]
    if len(item) != 1 or len(branch) != 1 or len(item[0]) + len(branch[0]) > CODE_CHARACTERS_MAX:
        return NotUnderstood("code", block[0].number)
    preorder = any(word in line.raw for line in block for word in words)
    key = key_of(item[0], branch[0], "", preorder=preorder)
    codes = (item[0] + branch[0] + (PREORDER if preorder else ""),)
    stated = [(line.number, match["quantity"]) for line in block for match in quantity.finditer(line.text)]
    if not stated:
        return TellingLine(key.item, key.variant, 1, quantity_known=False, line_id=line_id, codes=codes)
    if len(stated) > 1:
        return NotUnderstood("quantity", stated[1][0])
    counted = _COUNT.fullmatch(stated[0][1])
    units = None if counted is None else count_in(counted[1])
    if units is None or not 0 < units <= UNITS_MAX:
        return NotUnderstood("quantity", stated[0][0])
    return TellingLine(key.item, key.variant, units, line_id=line_id, codes=codes)


def _said_in(key: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases stands in a text that ``label_key`` has made comparable."""
    return any(label_key(phrase) in key for phrase in phrases)
