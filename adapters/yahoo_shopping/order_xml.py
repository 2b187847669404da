"""The XML of Yahoo!'s order API, read without trust: elements by name whatever their namespace, texts, times, refusals."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime

from adapters.kit.order_mail import JST

BODY_BYTES_MAX = 20_000_000  # 2,000 orders of a list are about 1 MB
TEXT_CHARACTERS_MAX = 200

_ERROR_CODE = re.compile(r"[A-Za-z0-9_-]{1,20}")
_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})")


def parsed(body: bytes) -> ET.Element | None:
    """The XML of an answer; None for anything else. A document type is refused unread: entities could make it huge."""
    if len(body) > BODY_BYTES_MAX:
        return None
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        return None
    try:
        return ET.fromstring(text)  # noqa: S314  (no document type, so no entity, can be in it)
    except ET.ParseError:
        return None


def name_of(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def all_of(element: ET.Element, name: str) -> Iterator[ET.Element]:
    """Every element of that name below: one order is one element, several are several."""
    return (one for one in element.iter() if name_of(one) == name)


def text_of(element: ET.Element, name: str) -> str:
    """The text of the first element of that name below; "" when there is none, or one that no field of the API can have."""
    found = next(all_of(element, name), None)
    text = (found.text or "").strip() if found is not None else ""
    return text if len(text) <= TEXT_CHARACTERS_MAX and text.isprintable() else ""


def own_text(order: ET.Element, name: str) -> str:
    """What the order says of itself, apart from its items."""
    inside = {id(one) for item in all_of(order, "Item") for one in item.iter()}
    found = next((one for one in all_of(order, name) if id(one) not in inside), None)
    return "" if found is None else text_of(found, name)


def error_code(root: ET.Element | None) -> str:
    """The API's own code of a refusal, "" when the answer is none; a text that is no code could say anything."""
    if root is None or name_of(root) != "Error":
        return ""
    code = text_of(root, "Code")
    return code if not code or _ERROR_CODE.fullmatch(code) else "code_not_understood"


def moment(text: str) -> datetime | None:
    """A time of the API (``2026-11-20T09:04:05+09:00``, or 14 digits of Japan) as UTC; None when it is none."""
    digits = _DIGITS.fullmatch(text.strip())
    said = "{}-{}-{}T{}:{}:{}".format(*digits.groups()) if digits else text.strip()
    try:
        found = datetime.fromisoformat(said)
        return (found if found.tzinfo is not None else found.replace(tzinfo=JST)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def jst_text(moment: datetime) -> str:
    """A time as orderList takes it: 14 digits of Japan."""
    return moment.astimezone(JST).strftime("%Y%m%d%H%M%S")
