"""Read one order of Yahoo!'s order API (orderInfo), and cut the mall's answer down to what is read before it is kept.

``Version`` rises with every edit and is the telling's revision. An order that was split is cancelled by the mall, and two
new ones have its lines: its units go back for them. What a status or a reason means: profile.toml.
"""

import xml.etree.ElementTree as ET

from adapters.kit.mall import NotUnderstood, OrderReading, RawOrder
from adapters.kit.order_mail import count_in
from adapters.kit.profile import Profile
from adapters.yahoo_shopping.codes import is_code
from adapters.yahoo_shopping.order_xml import all_of, moment, name_of, own_text, parsed, text_of
from ledger.terms import UNITS_MAX, CancelReason, Door, OrderState, Telling, TellingLine

PARSER_VERSION = 1
ITEMS_MAX = 1_000  # of one order
NUMBER_CHARACTERS_MAX = 150
ORDER, ITEM = "OrderInfo", "Item"
ORDER_FIELDS = (
    "OrderId",
    "Version",
    "OrderTime",
    "LastUpdateTime",
    "OrderStatus",
    "CancelReason",
    "IsSplit",
    "ParentOrderId",
    "ChildOrderId",
    "FraudHoldStatus",
    "PublicationTime",
    "ShipStatus",
)
ITEM_FIELDS = ("LineId", "ItemId", "SubCode", "Quantity")


def cut(order: ET.Element, number: str) -> RawOrder:
    """The order with nothing in it but numbers, codes, units, states and times: no buyer, no address, no remark."""
    kept = ET.Element(ORDER)
    for name in ORDER_FIELDS:
        if text := own_text(order, name):
            ET.SubElement(kept, name).text = text
    for item in list(all_of(order, ITEM))[: ITEMS_MAX + 1]:
        part = ET.SubElement(kept, ITEM)
        for name in ITEM_FIELDS:
            ET.SubElement(part, name).text = text_of(item, name)
    return RawOrder(number, ET.tostring(kept, encoding="utf-8"))


def read(body: bytes, profile: Profile) -> OrderReading:
    """What one kept order says. Pure; nothing but numbers, codes, units, times and states is looked at."""
    order = parsed(body)
    if order is None or name_of(order) != ORDER:
        return NotUnderstood("order")
    number = own_text(order, "OrderId")
    if not is_order_number(number):
        return NotUnderstood("OrderId")
    ordered_at = moment(own_text(order, "OrderTime"))
    if ordered_at is None:
        return NotUnderstood("OrderTime")
    state = _state(order, profile)
    if state is None:
        return NotUnderstood("OrderStatus")
    version = own_text(order, "Version")
    revision = count_in(version) if version else None
    if version and revision is None:
        return NotUnderstood("Version")
    cancelled = state is OrderState.CANCELLED
    lines = _lines(order)
    if isinstance(lines, NotUnderstood):
        if not cancelled:
            return lines
        lines = ()  # a cancel counts, whatever its lines have become
    return Telling(
        order=number,
        door=Door.API,
        told_at=moment(own_text(order, "LastUpdateTime")) or ordered_at,
        state=state,
        complete=bool(lines) or not cancelled,
        verified=True,
        lines=lines,
        parser_version=PARSER_VERSION,
        ordered_at=ordered_at,
        revision=revision,
        reason=_reason(order, profile) if cancelled else None,
    )


def is_order_number(text: str) -> bool:
    """Whether the text may be an order's number: then it may stand in a request as it is."""
    return 0 < len(text) <= NUMBER_CHARACTERS_MAX and all(
        one.isascii() and (one.isalnum() or one in "-_") for one in text
    )


def _state(order: ET.Element, profile: Profile) -> OrderState | None:
    """What OrderStatus means, with what is shipped and what is held for a fraud check; None: a status nobody knows."""
    status = own_text(order, "OrderStatus")
    found = next((one for one in OrderState if status in profile.texts(f"orders.status_{one.value}")), None)
    if found is None or found in (OrderState.CANCELLED, OrderState.SHIPPED):
        return found
    if own_text(order, "ShipStatus") in profile.texts("orders.ship_status_shipped"):
        return OrderState.SHIPPED
    held = own_text(order, "FraudHoldStatus") in profile.texts("orders.fraud_hold_status_held")
    return OrderState.MALL_CHECKING if held else found


def _reason(order: ET.Element, profile: Profile) -> CancelReason:
    """Why it was cancelled; the units of a split order are for sale until its two new orders take them."""
    if own_text(order, "ChildOrderId") or (_is_true(order, "IsSplit") and not own_text(order, "ParentOrderId")):
        return CancelReason.BUYER
    said = own_text(order, "CancelReason")
    reasons = (one for one in CancelReason if one is not CancelReason.UNKNOWN)
    return next((one for one in reasons if said in profile.texts(f"orders.cancel_{one.value}")), CancelReason.UNKNOWN)


def _is_true(order: ET.Element, name: str) -> bool:
    return own_text(order, name).lower() in ("true", "1")


def _lines(order: ET.Element) -> tuple[TellingLine, ...] | NotUnderstood:
    """The items of which any are still ordered; one without a quantity is at least 1."""
    items = list(all_of(order, ITEM))
    if not items or len(items) > ITEMS_MAX:
        return NotUnderstood(ITEM)
    lines: list[TellingLine] = []
    for at, item in enumerate(items, start=1):
        code, sub_code = text_of(item, "ItemId"), text_of(item, "SubCode")
        if not is_code(code):
            return NotUnderstood("ItemId", at)
        if sub_code and not is_code(sub_code):
            return NotUnderstood("SubCode", at)
        said = text_of(item, "Quantity")
        units = count_in(said) if said else 1
        if units is None or units > UNITS_MAX:
            return NotUnderstood("Quantity", at)
        if units:  # 0: the store took the line out of the order
            lines.append(TellingLine(code, sub_code, units, bool(said), line_id=text_of(item, "LineId")[:50]))
    return tuple(lines)
