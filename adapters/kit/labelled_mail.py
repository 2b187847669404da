"""Reads order mails that name each fact by a label ([型番] T-223, 数量：2); labels, subjects and marks are the mall's profile.

For carts whose mails are templates that a merchant may edit: nothing of a layout stands in code. What the profile must
say is listed at ``read_labelled_mail``. Codes are kept as the mail writes them, width included.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

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
from ledger.terms import CODE_CHARACTERS_MAX, UNITS_MAX, CancelReason, Door, OrderState, Telling, TellingLine

ITEMS_MAX = 1_000  # items of one order; more is none of a cart
LINE_CHARACTERS_MAX = 2_000  # of a labelled line; a longer one is no code and no count

_COUNT = re.compile(r"([0-9,]{1,10})\s*[^\d\s,.\-+*/%=×x~]{0,10}")
_LABELS = ("code", "name", "quantity")


@dataclass(frozen=True, slots=True)
class MailItem:
    """One item of a mail. ``quantity`` None: the mail does not say how many. ``line``: where the item begins."""

    code: str
    name: str
    quantity: int | None
    line: int


ReadItems: TypeAlias = Callable[[Section, Profile], tuple[MailItem, ...] | NotUnderstood]
LineOf: TypeAlias = Callable[[MailItem, str, Profile], TellingLine]


@dataclass(slots=True)
class _Block:
    found: dict[str, LabelFound] = field(default_factory=dict)

    def first(self) -> int:
        return min(one.line.number for one in self.found.values())


def read_labelled_mail(
    mail: MailText, profile: Profile, *, parser_version: int, line_of: LineOf, read_items: ReadItems | None = None
) -> OrderReading:
    """What the mail says of one order, Ignored for a known mail without one, else NotUnderstood with its rule and line.

    ``line_of`` makes a line of an item and its ordinal; ``read_items`` replaces ``labelled_items``. The profile says, all
    below ``mail.``: not_ours, order_subjects, changed_subjects, cancel_subjects, cancel_request_words, ignored.* (phrases in a
    subject); order_number_labels, order_number (a pattern), ordered_at_labels; items_start, items_end (patterns);
    code_labels, name_labels, quantity_labels; cancel_reason_labels, cancel_reasons.* (phrases).
    """
    subject = label_key(mail.subject)
    if said_in(subject, profile.texts("mail.not_ours")):
        return NotUnderstood("subject")
    if said_in(subject, profile.texts("mail.cancel_subjects")):
        if said_in(subject, profile.texts("mail.cancel_request_words")):
            return NotUnderstood("cancel_request")  # Asked for, not done: the units are still sold.
        return _cancel(mail, profile, parser_version)
    for name in sorted(profile.values):
        if name.startswith("mail.ignored.") and said_in(subject, profile.texts(name)):
            return Ignored(name.removeprefix("mail.ignored."))
    if not said_in(subject, (*profile.texts("mail.order_subjects"), *profile.texts("mail.changed_subjects"))):
        return NotUnderstood("subject")
    lines = lines_of(mail.text)
    number = order_number(lines, profile)
    if isinstance(number, NotUnderstood):
        return number
    items = (read_items or labelled_items)(lines, profile)
    if isinstance(items, NotUnderstood):
        return items
    ordered = find_label(lines, *profile.texts("mail.ordered_at_labels"))
    said = ordered.value if isinstance(ordered, LabelFound) else ""
    at, on = moment_jst(said), date_jst(said)
    if isinstance(ordered, LabelFound) and at is None and on is None:
        return NotUnderstood("ordered_at", ordered.line.number)
    return Telling(
        order=number,
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CONFIRMED,
        complete=True,
        verified=mail.verified,
        lines=tuple(line_of(item, str(ordinal), profile) for ordinal, item in enumerate(items, start=1)),
        parser_version=parser_version,
        ordered_at=at,
        ordered_on=on if at is None else None,
    )


def labelled_items(lines: Section, profile: Profile) -> tuple[MailItem, ...] | NotUnderstood:
    """The items of the mail's part of goods, or of the whole mail when it has no mark of that part.

    A label that comes again begins the next item. A mail whose part of goods begins and does not end is cut short.
    """
    part = goods_of(lines, profile)
    if isinstance(part, NotUnderstood):
        return part
    labels = {label: profile.texts(f"mail.{label}_labels") for label in _LABELS}
    blocks: list[_Block] = []
    for line in part:
        for label, spellings in labels.items():
            found = find_label((line,), *spellings) if spellings else None
            if not isinstance(found, LabelFound):
                continue
            if label == "quantity" and blocks and "quantity" in blocks[-1].found:
                return NotUnderstood("quantity_twice", line.number)
            if not blocks or label in blocks[-1].found:
                blocks.append(_Block())
            blocks[-1].found[label] = found
            break
    if not blocks:
        return NotUnderstood("items", part[0].number if part else None)
    if len(blocks) > ITEMS_MAX:
        return NotUnderstood("items_too_many", blocks[ITEMS_MAX].first())
    items: list[MailItem] = []
    for block in blocks:
        item = _item(block)
        if isinstance(item, NotUnderstood):
            return item
        items.append(item)
    return tuple(items)


def goods_of(lines: Section, profile: Profile) -> Section | NotUnderstood:
    """The lines between the marks of the goods; every line when the mail has no beginning mark."""
    start, end = profile.text("mail.items_start"), profile.text("mail.items_end")
    if not start or not any(re.search(start, line.text) for line in lines):
        return lines
    return section(lines, start, end, rule="items")


def order_number(lines: Sequence[Line], profile: Profile) -> str | NotUnderstood:
    """The one order number of the mail; a second, other one is not understood."""
    labels, pattern = profile.texts("mail.order_number_labels"), profile.text("mail.order_number")
    seen: str | None = None
    for line in lines:
        found = find_label((line,), *labels)
        if not isinstance(found, LabelFound):
            continue
        number = re.match(rf"(?:{pattern})(?![0-9A-Za-z-])", found.value)
        if number is None:
            return NotUnderstood("order_number", line.number)
        if seen is not None and number[0] != seen:
            return NotUnderstood("several_orders", line.number)
        seen = number[0]
    return seen or NotUnderstood("order_number")


def value_as_written(found: LabelFound) -> str:
    """What stands after the label as the mail writes it: ``LabelFound.value`` has its width folded, a code may not."""
    raw = found.line.raw.rstrip("\r\n")
    if not found.value or len(raw) > LINE_CHARACTERS_MAX or found.value in raw:
        return found.value
    for at in range(len(raw) - 1, -1, -1):
        if normalised(raw[at:]).strip() == found.value:
            return raw[at:].strip()
    return found.value


def units_in(text: str) -> int | None:
    """The count a quantity says, with or without a counter behind it (2個); None for none from 1 to UNITS_MAX."""
    found = _COUNT.fullmatch(normalised(text).strip())
    units = None if found is None else count_in(found[1])
    return units if units is not None and 1 <= units <= UNITS_MAX else None


def said_in(key: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases stands in a text that ``label_key`` has made comparable."""
    return any(label_key(phrase) in key for phrase in phrases)


# ------------------------------------------------------------------ private


def _item(block: _Block) -> MailItem | NotUnderstood:
    code, name, quantity = (block.found.get(label) for label in _LABELS)
    if code is None or not code.value:
        return NotUnderstood("item_code", block.first() if code is None else code.line.number)
    written = value_as_written(code)
    if len(written) > CODE_CHARACTERS_MAX:
        return NotUnderstood("item_code", code.line.number)
    units = None
    if quantity is not None and quantity.value:
        units = units_in(quantity.value)
        if units is None:
            return NotUnderstood("quantity", quantity.line.number)
    return MailItem(written, "" if name is None else value_as_written(name), units, block.first())


def _cancel(mail: MailText, profile: Profile, parser_version: int) -> OrderReading:
    """A cancel names the order as a whole and so has no lines."""
    lines = lines_of(mail.text)
    number = order_number(lines, profile)
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
        parser_version=parser_version,
        reason=_reason(lines, profile),
    )


def _reason(lines: Sequence[Line], profile: Profile) -> CancelReason:
    found = find_label(lines, *profile.texts("mail.cancel_reason_labels"))
    if isinstance(found, NotUnderstood):
        return CancelReason.UNKNOWN
    said = label_key(found.value)
    # Defects and missing goods first: their units must not be sold again because a buyer is named beside them.
    for reason in (CancelReason.OUT_OF_STOCK, CancelReason.DEFECTIVE, CancelReason.UNPAID, CancelReason.BUYER):
        if said_in(said, profile.texts(f"mail.cancel_reasons.{reason.value}")):
            return reason
    return CancelReason.UNKNOWN
