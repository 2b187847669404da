"""Reads the order mails of Yahoo!ショッピング: the store's copy, the customer's copy, cancels, and the form before 2014.

A mail names a listing by ``code`` or ``code/sub-code`` and says the units as ``×n＝``. What is not there is NotUnderstood
with a rule and a line number; only a missing quantity is read as "at least 1". Sources: NOTES.md, "Order mail".
"""

import re
from collections.abc import Sequence

from adapters.kit.japanese import label_key
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.order_mail import Line, Section, count_in, date_jst, find_label, lines_of, moment_jst, section
from adapters.kit.profile import Profile
from adapters.yahoo_shopping.codes import CODE_CHARACTERS_MAX
from ledger.terms import UNITS_MAX, CancelReason, Door, OrderState, Telling, TellingLine

PARSER_VERSION = 1
LINES_MAX = 1_000  # Blocks of one order; more is not an order of this mall.

# A store account has a letter: 123456-20261120-0012345678 (another mall's number) is not an order number of Yahoo!.
_ORDER = re.compile(r"((?=[0-9_-]*[a-z])([a-z0-9_-]{1,128})-\d{1,20})(?![0-9A-Za-z_-])")
_CODE_PART = rf"(?=[A-Za-z0-9-]*[A-Za-z0-9])[A-Za-z0-9-]{{1,{CODE_CHARACTERS_MAX}}}"
_CODES = re.compile(rf"({_CODE_PART})(?:\s*/\s*({_CODE_PART}))?")
_BLOCK = re.compile(r"\((\d{1,4})\)(.*)")
_PRICED = re.compile(r"[\d,]+\s*円(?:\s*\([^()]*\))?\s*[×✕✖](.*?)(?:=.*)?")
_OLD_ROW = re.compile(rf"(?:^|.*\s)({_CODE_PART})(?:/({_CODE_PART}))?\s+([\d,]+)(?:個)?\s+[\d,]+\s*円.*")


def read_order_mail(mail: MailText, profile: Profile) -> OrderReading:
    """What the mail says of one order, Ignored for a known mail without an order, else NotUnderstood with its rule.

    A cancel names the order as a whole (Yahoo! cancels whole orders, for ever) and so has no lines.
    """
    subject = label_key(mail.subject)
    if _said_in(subject, profile.texts("mail.cancel_subjects")):
        if _said_in(subject, profile.texts("mail.cancel_request_words")):
            return NotUnderstood("cancel_request")  # Asked for, not done: the units are still sold.
        return _read_cancel(mail, profile)
    for name in sorted(profile.values):
        if name.startswith("mail.ignored.") and _said_in(subject, profile.texts(name)):
            return Ignored(name.removeprefix("mail.ignored."))
    if _said_in(subject, profile.texts("mail.order_subjects")):
        return _read_order(mail, profile, old_form=False)
    if _said_in(subject, profile.texts("mail.old_order_subjects")):
        return _read_order(mail, profile, old_form=True)
    return NotUnderstood("subject")


def _read_order(mail: MailText, profile: Profile, *, old_form: bool) -> OrderReading:
    lines = lines_of(mail.text)
    order = _order_number(lines, profile)
    if isinstance(order, NotUnderstood):
        return order
    start, end = profile.text("mail.items_start"), profile.text("mail.items_end")
    if old_form and not any(re.search(start, line.text) for line in lines):
        read = _old_table(lines, profile.text("mail.old_table_line"))
    else:
        part = section(lines, start, end, rule="items")
        read = part if isinstance(part, NotUnderstood) else _blocks(part)
    if isinstance(read, NotUnderstood):
        return read
    moment = _ordered(lines, profile, needed=not old_form)
    if isinstance(moment, NotUnderstood):
        return moment
    at, on = (moment_jst(moment), date_jst(moment)) if moment else (None, None)
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


def _read_cancel(mail: MailText, profile: Profile) -> OrderReading:
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
    # Defects and missing goods first: their units must not be sold again because a buyer is named beside them.
    for reason in (CancelReason.OUT_OF_STOCK, CancelReason.DEFECTIVE, CancelReason.UNPAID, CancelReason.BUYER):
        if _said_in(said, profile.texts(f"mail.cancel_reasons.{reason.value}")):
            return reason
    return CancelReason.UNKNOWN


def _said_in(key: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases stands in a text that ``label_key`` has made comparable."""
    return any(label_key(phrase) in key for phrase in phrases)


def _order_number(lines: Sequence[Line], profile: Profile) -> str | NotUnderstood:
    """The one order number of the mail; a second, other one is not understood."""
    labels = profile.texts("mail.order_labels")
    found = find_label(lines, *labels, rule="order_number")
    if isinstance(found, NotUnderstood):
        return found
    number = _ORDER.match(found.value)
    if number is None:
        return NotUnderstood("order_number", found.line.number)
    rest = lines[found.line.number :]
    while not isinstance(again := find_label(rest, *labels), NotUnderstood):
        other = _ORDER.match(again.value)
        if other is not None and other[1] != number[1]:
            return NotUnderstood("several_orders", again.line.number)
        rest = lines[again.line.number :]
    seller = profile.text("mail.seller_id")
    if seller and number[2] != seller:
        return NotUnderstood("order_of_another_shop", found.line.number)
    return number[1]


def _ordered(lines: Sequence[Line], profile: Profile, *, needed: bool) -> str | NotUnderstood:
    """The text that says when the order was placed; "" when the old form does not say it."""
    found = find_label(lines, *profile.texts("mail.ordered_at_labels"), rule="ordered_at")
    if isinstance(found, NotUnderstood):
        return found if needed else ""
    if moment_jst(found.value) is None and date_jst(found.value) is None:
        return NotUnderstood("ordered_at", found.line.number)
    return found.value


def _blocks(part: Section) -> tuple[TellingLine, ...] | NotUnderstood:
    """The items of a mail: blocks that begin with （1）, （2） … in order.

    A line that begins with another number in brackets belongs to the block before it (a wrapped name, an option).
    """
    blocks: list[list[Line]] = []
    for line in part:
        opened = _BLOCK.match(line.text)
        if opened is not None and int(opened[1]) == len(blocks) + 1:
            if len(blocks) == LINES_MAX:
                return NotUnderstood("items_too_many", line.number)
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
    if not blocks:
        return NotUnderstood("items", part[0].number if part else None)
    read: list[TellingLine] = []
    for ordinal, block in enumerate(blocks, start=1):
        one = _item(block, str(ordinal))
        if isinstance(one, NotUnderstood):
            return one
        read.append(one)
    return tuple(read)


def _item(block: Sequence[Line], line_id: str) -> TellingLine | NotUnderstood:
    """One block: the name, the codes on a line of their own, options, and price × units = amount."""
    head, body = block[0], block[1:]
    priced = [(line, found) for line in body if (found := _PRICED.fullmatch(line.text)) is not None]
    if len(priced) > 1:
        return NotUnderstood("quantity_twice", priced[1][0].number)
    before = [line for line in body if not priced or line.number < priced[0][0].number]
    named = [(line, found) for line in before if (found := _CODES.fullmatch(line.text)) is not None]
    if not named:
        return NotUnderstood("item_code", head.number)
    if len(named) > 1:
        return NotUnderstood("item_code_twice", named[1][0].number)
    item, variant = named[0][1][1], named[0][1][2] or ""
    said = priced[0][1][1].strip() if priced else ""
    if not said:
        return TellingLine(item, variant, 1, quantity_known=False, line_id=line_id)
    units = _units(said)
    if units is None:
        return NotUnderstood("quantity", priced[0][0].number)
    return TellingLine(item, variant, units, line_id=line_id)


def _units(text: str) -> int | None:
    units = count_in(text.strip().removesuffix("個"))
    return units if units is not None and 1 <= units <= UNITS_MAX else None


def _old_table(lines: Sequence[Line], table_line: str) -> tuple[TellingLine, ...] | NotUnderstood:
    """The items of a mail before 2014: rows of name, code, units and price between two lines of hyphens."""
    part = section(lines, table_line, table_line, rule="items")
    if isinstance(part, NotUnderstood):
        return part
    read: list[TellingLine] = []
    for line in part:
        row = _OLD_ROW.fullmatch(line.text)
        if row is None and "円" in line.text:
            return NotUnderstood("old_row", line.number)
        if row is None:
            continue
        units = _units(row[3])
        if units is None:
            return NotUnderstood("quantity", line.number)
        read.append(TellingLine(row[1], row[2] or "", units, line_id=str(len(read) + 1)))
    return tuple(read) if read else NotUnderstood("items", part[0].number if part else None)
