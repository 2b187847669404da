"""Read the item lines of a Rakuten order mail: code, SKU管理番号 and quantity of each, or the line that does not fit."""

import re
from functools import lru_cache

from adapters.kit.mall import NotUnderstood
from adapters.kit.order_mail import Line, count_in, split_sections
from adapters.kit.profile import Profile
from ledger.terms import CODE_CHARACTERS_MAX, UNITS_MAX, TellingLine

LINES_MAX = 1_000  # of one order; a longer mail is not an order

_OPEN, _CLOSE = "(（", ")）"


def item_lines(lines: tuple[Line, ...], profile: Profile) -> tuple[TellingLine, ...] | NotUnderstood:
    """Every item line of the mail, in its order; ``line_id`` is the ordinal, which is provisional (D3)."""
    sections = _sections(lines, profile)
    if isinstance(sections, NotUnderstood):
        return sections
    price_label = _pattern(profile, "price_label")
    phone = not any(price_label.search(line.text) for section in sections for line in section)
    told: list[TellingLine] = []
    for section in sections:
        for block in split_sections(section, profile.text("mail.item_separator")):
            if not any(line.text for line in block):
                continue
            read = _block(block, len(told) + 1, profile, phone=phone)
            if isinstance(read, NotUnderstood):
                return read
            told += read
            if len(told) > LINES_MAX:
                return NotUnderstood("too_many_lines", block[0].number)
    return tuple(told) if told else NotUnderstood("no_items")


def _sections(lines: tuple[Line, ...], profile: Profile) -> list[tuple[Line, ...]] | NotUnderstood:
    """The [商品] part of every destination. Each must be closed: a mail cut short would tell too little."""
    begin, pause, end = (_pattern(profile, name) for name in ("items_begin", "items_pause", "items_end"))
    sections: list[list[Line]] = []
    inside = ended = False
    for line in lines:
        if begin.search(line.text):
            sections.append([])
            inside, ended = True, False
        elif end.search(line.text):
            inside, ended = False, ended or bool(sections)
        elif pause.search(line.text):
            inside = False
        elif inside:
            sections[-1].append(line)
    if not sections:
        return NotUnderstood("items_missing")
    return [tuple(section) for section in sections] if ended else NotUnderstood("items_end")


def _block(
    block: tuple[Line, ...], ordinal: int, profile: Profile, *, phone: bool
) -> list[TellingLine] | NotUnderstood:
    like = _pattern(profile, "phone_line_like")
    if phone and any(like.search(line.text) for line in block):
        return _phone_lines(block, ordinal, _pattern(profile, "phone_line"), like)
    read = _item(block, ordinal, profile)
    return read if isinstance(read, NotUnderstood) else [read]


def _phone_lines(
    block: tuple[Line, ...], ordinal: int, phone: re.Pattern[str], like: re.Pattern[str]
) -> list[TellingLine] | NotUnderstood:
    """携帯: one line an item, 名(コード)円×個."""
    told: list[TellingLine] = []
    for line in block:
        match = phone.search(line.text)
        if match is None:
            if like.search(line.text):
                return NotUnderstood("phone_line", line.number)
            continue
        # The code is cut from the normalised line: this layout is older than codes of other than ASCII letters.
        code = code_in_last_parentheses(match["head"])
        quantity = _quantity(match["quantity"], line)
        if code is None:
            return NotUnderstood("item_code", line.number)
        if isinstance(quantity, NotUnderstood):
            return quantity
        told.append(_told(code, "", quantity, ordinal + len(told)))
    return told


def _item(block: tuple[Line, ...], ordinal: int, profile: Profile) -> TellingLine | NotUnderstood:
    sku_label, price_label = _pattern(profile, "sku_label"), _pattern(profile, "price_label")
    sku_lines = [line for line in block if sku_label.search(line.text)]
    price_lines = [line for line in block if price_label.search(line.text)]
    for found, rule in ((sku_lines, "second_sku_number"), (price_lines, "second_price")):
        if len(found) > 1:
            return NotUnderstood(rule, found[1].number)
    code = _code(block, stop=sku_lines[:1] + price_lines[:1])
    if isinstance(code, NotUnderstood):
        return code
    variant = re.split("[:：]", sku_lines[0].raw, maxsplit=1)[1].strip() if sku_lines else ""
    if sku_lines and not _is_code(variant):
        return NotUnderstood("sku_number", sku_lines[0].number)
    quantity = _price_quantity(price_lines[0], profile) if price_lines else (1, False)
    if isinstance(quantity, NotUnderstood):
        return quantity
    return _told(code, variant, quantity, ordinal)


def _code(block: tuple[Line, ...], *, stop: list[Line]) -> str | NotUnderstood:
    """The code in the last parentheses of the name. A forwarder may have broken a long name over lines."""
    first = next(line for line in block if line.text)
    name = ""
    for line in block[block.index(first) :]:
        if line in stop or (name and ":" in line.text):  # an option (サイズ:M) is not the name going on
            break
        name += line.raw.strip()
        code = code_in_last_parentheses(name)
        if code is not None:
            return code
    return NotUnderstood("item_code", first.number)


def code_in_last_parentheses(text: str) -> str | None:
    """``c3ps390`` of ``名（限定）(c3ps390)``; parentheses inside the code are kept. None: the text does not end so."""
    text = text.strip()
    if not text or text[-1] not in _CLOSE:
        return None
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] in _CLOSE) - (text[at] in _OPEN)
        if depth == 0:
            code = text[at + 1 : -1].strip()
            # Full-width parentheses belong to the name, unless they hold nothing but letters a code is made of.
            wide = text[-1] == "）" or text[at] == "（"
            return code if _is_code(code) and (code.isascii() or not wide) else None
    return None


def _price_quantity(line: Line, profile: Profile) -> tuple[int, bool] | NotUnderstood:
    price = _pattern(profile, "price_line").search(line.text)
    if price is None:
        return NotUnderstood("price_line", line.number)
    if _pattern(profile, "no_quantity").search(price["rest"]):
        return 1, False
    match = _pattern(profile, "quantity").search(price["rest"])
    return NotUnderstood("quantity", line.number) if match is None else _quantity(match["quantity"], line)


def _quantity(text: str, line: Line) -> tuple[int, bool] | NotUnderstood:
    """The count and whether it was said. Not said is at least 1; said and not a count is not understood."""
    if not text:
        return 1, False
    count = count_in(text)
    return NotUnderstood("quantity", line.number) if count is None or not 1 <= count <= UNITS_MAX else (count, True)


def _told(code: str, variant: str, quantity: tuple[int, bool], ordinal: int) -> TellingLine:
    codes = (f"{code}/{variant}",) if variant else (code,)
    return TellingLine(code, variant, quantity[0], quantity[1], str(ordinal), codes)


def _is_code(text: str) -> bool:
    return 0 < len(text) <= CODE_CHARACTERS_MAX and text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text


def _pattern(profile: Profile, name: str) -> re.Pattern[str]:
    return compiled(profile.text(f"mail.{name}"))


@lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    """The profile's pattern, compiled once, whatever the case of letters."""
    return re.compile(pattern, re.IGNORECASE)
