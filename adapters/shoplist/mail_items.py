"""Read the items of a SHOPLIST order mail: code, child numbers and quantity of each, or the line that does not fit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from adapters.kit.mall import NotUnderstood
from adapters.kit.order_mail import Line, count_in
from adapters.kit.profile import Profile
from adapters.shoplist.columns import variant_of
from ledger.terms import UNITS_MAX, TellingLine

LINES_MAX = 1_000  # of one order; a longer mail is not an order


@dataclass
class _Item:
    """One item as its lines say it so far. Mutable: it is filled line by line."""

    head: Line
    codes: dict[str, str] = field(default_factory=dict)  # label -> code
    children: dict[str, str] = field(default_factory=dict)  # horizontal, vertical
    quantity: str | None = None
    quantity_line: int = 0


def item_lines(lines: Sequence[Line], profile: Profile) -> tuple[TellingLine, ...] | NotUnderstood:
    """Every item of the mail, in its order; ``line_id`` is the ordinal, which is provisional (D3).

    An item begins at a line with a code; a line with a code under another label, before any quantity, names the same item.
    """
    part = _part(lines, profile)
    if isinstance(part, NotUnderstood):
        return part
    items: list[_Item] = []
    for line in part:
        problem = _take(line, items, profile)
        if problem is not None:
            return problem
        if len(items) > LINES_MAX:
            return NotUnderstood("too_many_items", line.number)
    told: list[TellingLine] = []
    for ordinal, item in enumerate(items, start=1):
        read = _told(item, str(ordinal), profile.text("file.variant_joiner"))
        if isinstance(read, NotUnderstood):
            return read
        told.append(read)
    return tuple(told) if told else NotUnderstood("no_items", part[0].number if part else None)


def pattern(profile: Profile, name: str) -> re.Pattern[str]:
    """The profile's pattern ``mail.<name>``, whatever the case of letters."""
    return _compiled(profile.text(f"mail.{name}"))


def _part(lines: Sequence[Line], profile: Profile) -> Sequence[Line] | NotUnderstood:
    """The lines with the items. Where the mail says that they begin it must go on behind them: one cut short tells too little.

    A mail without that line has its items anywhere below the order number (profile ``mail.items_begin_needed``).
    """
    begin, end, label = (pattern(profile, name) for name in ("items_begin", "items_end", "code_label"))
    first = next((at for at, line in enumerate(lines) if begin.search(line.text)), None)
    needed = first is not None or profile.text("mail.items_begin_needed") == "yes"
    if first is None:
        number = pattern(profile, "order_number_label")
        first = next((at for at, line in enumerate(lines) if number.search(line.text)), None)
        if first is None or needed:
            return NotUnderstood("items_begin")
    last = next((at for at in range(first + 1, len(lines)) if end.search(lines[at].text)), None)
    if last is None and needed:
        return NotUnderstood("items_end", lines[first].number)
    last = len(lines) if last is None else last
    stray = next((line for line in (*lines[:first], *lines[last:]) if label.search(line.text)), None)
    return lines[first + 1 : last] if stray is None else NotUnderstood("item_outside", stray.number)


def _take(line: Line, items: list[_Item], profile: Profile) -> NotUnderstood | None:
    """What the line says of the item it belongs to; NotUnderstood when it belongs to none."""
    named = pattern(profile, "name_label").search(line.text)
    text = line.text[: named.start()] if named else line.text
    if pattern(profile, "code_label").search(text):
        code = pattern(profile, "code").search(text)
        if code is None:
            return NotUnderstood("item_code", line.number)
        label = code["label"].upper()
        if not items or items[-1].quantity is not None or label in items[-1].codes:
            items.append(_Item(line))
        items[-1].codes[label] = code["value"]
    for axis in ("horizontal", "vertical"):
        child = pattern(profile, axis).search(text)
        if child is None:
            continue
        if not items or items[-1].quantity is not None or axis in items[-1].children:
            return NotUnderstood("child_number", line.number)
        items[-1].children[axis] = child["value"]
    if len(pattern(profile, "child_label").findall(text)) > _children_said(text, profile):
        return NotUnderstood("child_number", line.number)
    quantity = pattern(profile, "quantity").search(text)
    if quantity is None:
        return None
    if not items or items[-1].quantity is not None:
        return NotUnderstood("quantity_twice" if items else "quantity_without_code", line.number)
    items[-1].quantity, items[-1].quantity_line = quantity["value"], line.number
    return None


def _children_said(text: str, profile: Profile) -> int:
    return sum(pattern(profile, axis).search(text) is not None for axis in ("horizontal", "vertical"))


def _told(item: _Item, line_id: str, joiner: str) -> TellingLine | NotUnderstood:
    """The item as a line. Not said is at least 1; said and not a count is not understood."""
    units = count_in(item.quantity) if item.quantity else None
    if item.quantity and (units is None or not 1 <= units <= UNITS_MAX):
        return NotUnderstood("quantity", item.quantity_line)
    horizontal, vertical = item.children.get("horizontal", ""), item.children.get("vertical", "")
    codes = tuple(dict.fromkeys(code + horizontal + vertical for code in item.codes.values()))
    first = next(iter(item.codes.values()))
    return TellingLine(
        first, variant_of(horizontal, vertical, joiner), units or 1, units is not None, line_id=line_id, codes=codes
    )


@lru_cache(maxsize=64)
def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)
