"""Reads the order mails of ショップサーブ: type B repeats the headings for every item, type A has them once above a table.

A mail names an item by 品番 and a variation by the texts behind the item's name. What stands in brackets there may also
be part of the name, so a line's ``codes`` say both: the variation first, then the item alone (``files.py``).
"""

import re

from adapters.kit.labelled_mail import MailItem, goods_of, labelled_items, read_labelled_mail, units_in
from adapters.kit.mall import MailText, NotUnderstood, OrderReading
from adapters.kit.order_mail import Line, Section
from adapters.kit.profile import Profile
from adapters.shopserve.codes import CHOICES_MAX, variant_text
from ledger.terms import CODE_CHARACTERS_MAX, ListingKey, TellingLine

PARSER_VERSION = 1
ITEMS_MAX = 1_000
_LINE_CHARACTERS_MAX = 2_000


def read_order_mail(mail: MailText, profile: Profile) -> OrderReading:
    """What the mail says of one order, Ignored for a known mail without an order, else NotUnderstood with its rule."""
    return read_labelled_mail(mail, profile, parser_version=PARSER_VERSION, line_of=_line_of, read_items=_items)


def _items(lines: Section, profile: Profile) -> tuple[MailItem, ...] | NotUnderstood:
    heading = profile.text("mail.table_heading")
    head = next((at for at, line in enumerate(lines) if re.search(heading, line.text)), None)
    if head is None:
        return labelled_items(lines, profile)
    part = goods_of(lines, profile)
    if isinstance(part, NotUnderstood):
        return part
    return _table(lines[head], lines[head + 1 :], profile)


def _table(head: Line, below: Section, profile: Profile) -> tuple[MailItem, ...] | NotUnderstood:
    """Type A: the rows below the heading, up to a blank line, a ruled line or the sum; a row of another form is not guessed."""
    items: list[MailItem] = []
    for line in below:
        ruled = re.search(profile.text("mail.table_rule"), line.text) is not None
        if ruled and not items:
            continue
        if ruled or not line.text or re.search(profile.text("mail.items_end"), line.text):
            break
        row = _row(line, profile)
        if isinstance(row, NotUnderstood):
            return row
        items.append(row)
        if len(items) > ITEMS_MAX:
            return NotUnderstood("items_too_many", line.number)
    else:
        return NotUnderstood("items", head.number)  # the mail ends within its table: cut short
    return tuple(items) if items else NotUnderstood("items", head.number)


def _row(line: Line, profile: Profile) -> MailItem | NotUnderstood:
    raw = line.raw.strip()
    row = re.fullmatch(profile.text("mail.table_row"), raw) if len(raw) <= _LINE_CHARACTERS_MAX else None
    if row is None:
        return NotUnderstood("table_row", line.number)
    units = units_in(row["quantity"])
    if units is None:
        return NotUnderstood("quantity", line.number)
    if len(row["code"]) > CODE_CHARACTERS_MAX:
        return NotUnderstood("item_code", line.number)
    return MailItem(row["code"], row["name"], units, line.number)


def _line_of(item: MailItem, ordinal: str, profile: Profile) -> TellingLine:
    variant = _variant(item.name, profile)
    key = ListingKey(item.code, variant)
    return TellingLine(
        item=key.item,
        variant=key.variant,
        quantity=item.quantity or 1,
        quantity_known=item.quantity is not None,
        line_id=ordinal,
        codes=(str(key), item.code) if variant else (),
    )


def _variant(name: str, profile: Profile) -> str:
    """The texts in the last brackets of a name; "" when there are none, or more than the mall has choices."""
    found = re.search(profile.text("mail.variant"), name.strip()[-CODE_CHARACTERS_MAX:])
    if found is None:
        return ""
    texts = [text.strip() for text in re.split(profile.text("mail.variant_separator"), found["variant"])]
    return variant_text(texts) if len(texts) <= CHOICES_MAX and all(texts) else ""
