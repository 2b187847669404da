"""Reads what the store API answers: XML of ResultSet and Result, or one Error for the whole request.

Names are compared without their namespace: Error comes in ``urn:yahoo:api`` and ResultSet without one (NOTES.md).
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ledger.terms import ListingKey

BODY_BYTES_MAX = 4_000_000  # 1,000 results are about 300 kB.
_ERROR_CODE = re.compile(r"[A-Za-z0-9_-]{1,20}")
QUANTITY_DIGITS_MAX = 10


@dataclass(frozen=True, slots=True)
class StockResult:
    """One Result. ``units`` None: blank. ``error``: the mall's code, "" when the row was done."""

    key: ListingKey
    units: int | None
    error: str
    found: bool
    sellable: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """The whole request was refused. ``names_busy``: the text says that the store publishes or uploads.

    ``item`` is the code in the text's brackets (``item_code(abc) is invalid format.``), "" when there is none.
    """

    code: str
    names_busy: bool = False
    item: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Not an answer of this API: no XML, or XML with a document type or entities. ``reason`` is a code."""

    reason: str


StoreReply: TypeAlias = tuple[StockResult, ...] | Refusal | Unreadable


def read_reply(body: bytes, *, busy_message: str) -> StoreReply:
    """What the body says. A document type is refused unread: entities could make a small answer a huge one."""
    if len(body) > BODY_BYTES_MAX:
        return Unreadable("answer_too_long")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Unreadable("answer_not_utf8")
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        return Unreadable("answer_with_document_type")
    try:
        root = ET.fromstring(text)  # noqa: S314  (no document type, so no entity, can be in it)
    except ET.ParseError:
        return Unreadable("answer_not_xml")
    if _name(root) == "Error":
        return _refusal(root, busy_message)
    if _name(root) != "ResultSet":
        return Unreadable("answer_not_understood")
    results: list[StockResult] = []
    for element in _children(root, "Result"):
        result = _result(element)
        if result is None:
            return Unreadable("answer_not_understood")
        results.append(result)
    return tuple(results)


def _refusal(root: ET.Element, busy_message: str) -> Refusal:
    message = _text(root, "Message")
    named = message.partition("item_code(")[2].partition(")")[0]
    return Refusal(
        code=_error_code(root, "Code"),
        names_busy=bool(busy_message) and busy_message in message,
        item=named,
    )


def _result(element: ET.Element) -> StockResult | None:
    quantity = _text(element, "Quantity")
    digits = quantity.removeprefix("-")
    if quantity and not (digits.isascii() and digits.isdigit() and len(digits) <= QUANTITY_DIGITS_MAX):
        return None
    item = _text(element, "ItemCode")
    if not item:
        return None
    closed = _text(element, "StockClose") == "1"
    return StockResult(
        key=ListingKey(item, _text(element, "SubCode")),
        units=int(quantity) if quantity else None,
        error=_error_code(element, "ErrorCode"),
        found=_text(element, "Status") != "0",
        sellable=not closed and _text(element, "IsPublished") != "0",
    )


def _error_code(element: ET.Element, name: str) -> str:
    """The mall's code; a text that is none is not passed on, it could say anything."""
    text = _text(element, name)
    return text if not text or _ERROR_CODE.fullmatch(text) else "code_not_understood"


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (child for child in element if _name(child) == name)


def _text(element: ET.Element, name: str) -> str:
    child = next(_children(element, name), None)
    return (child.text or "").strip() if child is not None else ""
