"""What one kept order of Amazon says, in the form of 2026-01-01 or of v0. Pure; only numbers, codes, units and times are looked at.

Pending orders are told as provisional: Amazon has taken their units (NOTES.md, "Orders"). Orders that Amazon ships are ignored.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from adapters.amazon.codes import is_sku, key_of
from adapters.amazon.mail import ORDER
from adapters.kit.mall import Ignored, NotUnderstood, OrderReading
from adapters.kit.profile import Profile
from ledger.terms import UNITS_MAX, CancelReason, Door, OrderState, Telling, TellingLine

PARSER_VERSION = 1
LINES_MAX = 1_000
ORDER_V0, ITEMS_V0 = "order", "items"  # how an order of v0 is kept with its lines
LINE_ID_CHARACTERS_MAX = 40

Json = Mapping[str, object]


def read(body: bytes, profile: Profile) -> OrderReading:
    """What one kept order says, or what of it is not understood."""
    try:
        kept: object = json.loads(body)
    except (ValueError, RecursionError):
        return NotUnderstood("order")
    if not isinstance(kept, dict):
        return NotUnderstood("order")
    if ITEMS_V0 in kept:
        return _read_v0(kept.get(ORDER_V0), kept.get(ITEMS_V0), profile)
    return _read(kept, profile)


def number_of(order: object, name: str) -> str:
    """The order's number; "" when the value is none of Amazon's order numbers."""
    found = order.get(name) if isinstance(order, dict) else None
    return found if isinstance(found, str) and ORDER.fullmatch(found) else ""


def state_of(said: object, profile: Profile) -> OrderState | None:
    """The state a mall's word means; None for a word of nobody."""
    for name, state in (
        ("provisional", OrderState.PROVISIONAL),
        ("confirmed", OrderState.CONFIRMED),
        ("shipped", OrderState.SHIPPED),
        ("cancelled", OrderState.CANCELLED),
    ):
        if said in profile.texts(f"orders.{name}_states"):
            return state
    return None


def shipped_by(said: object, profile: Profile) -> NotUnderstood | Ignored | None:
    """None when the merchant ships; Ignored for FBA, whose units are not ours."""
    if said in profile.texts("orders.own_shipping"):
        return None
    return (
        Ignored("fulfilled_by_amazon") if said in profile.texts("orders.by_amazon") else NotUnderstood("fulfilled_by")
    )


def moment_of(value: object) -> datetime | None:
    """The moment of an ISO 8601 text with its zone, as UTC."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if found is None or found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def line_of(sku: object, units: object, line_id: object) -> TellingLine | NotUnderstood | None:
    """The line; None when nothing of it is left to ship."""
    if not isinstance(sku, str) or not is_sku(sku):
        return NotUnderstood("seller_sku")
    if isinstance(units, bool) or not isinstance(units, int) or not 0 <= units <= UNITS_MAX:
        return NotUnderstood("quantity")
    if not isinstance(line_id, str) or not 0 < len(line_id) <= LINE_ID_CHARACTERS_MAX or not line_id.isprintable():
        return NotUnderstood("order_item_id")
    key = key_of(sku)
    return TellingLine(key.item, key.variant, units, line_id=line_id) if units else None


# ------------------------------------------------------------------ 2026-01-01


def _read(order: Json, profile: Profile) -> OrderReading:
    fulfillment = _object(order.get("fulfillment"))
    other = shipped_by(fulfillment.get("fulfilledBy"), profile)
    if other is not None:
        return other
    items = order.get("orderItems")
    if not isinstance(items, list) or len(items) > LINES_MAX:
        return NotUnderstood("order_items")
    lines: list[TellingLine | NotUnderstood | None] = []
    cancelled_by: set[object] = set()
    for item in map(_object, items):
        execution = _object(_object(item.get("cancellation")).get("cancellationExecution"))
        cancelled_by |= {execution.get("cancelledBy")} - {None}
        product = _object(item.get("product"))
        lines.append(line_of(product.get("sellerSku"), _left(item, cancelled=bool(execution)), item.get("orderItemId")))
    return _telling(
        number_of(order, "orderId"),
        state_of(fulfillment.get("fulfillmentStatus"), profile),
        lines,
        ordered_at=moment_of(order.get("createdTime")),
        told_at=moment_of(order.get("lastUpdatedTime")),
        by_buyer=cancelled_by == {"BUYER"},
    )


def _left(item: Json, *, cancelled: bool) -> object:
    """The units of a line: as ordered, or what was and will be shipped of it when some of it was cancelled."""
    if not cancelled:
        return item.get("quantityOrdered")
    fulfillment = _object(item.get("fulfillment"))
    done, to_do = fulfillment.get("quantityFulfilled"), fulfillment.get("quantityUnfulfilled")
    return done + to_do if isinstance(done, int) and isinstance(to_do, int) else None


# ------------------------------------------------------------------ v0


def _read_v0(order: object, items: object, profile: Profile) -> OrderReading:
    if not isinstance(order, dict):
        return NotUnderstood("order")
    other = shipped_by(order.get("FulfillmentChannel"), profile)
    if other is not None:
        return other
    if not isinstance(items, list) or len(items) > LINES_MAX:
        return NotUnderstood("order_items")
    rows = [_object(item) for item in items]
    wishes = [_object(item.get("BuyerRequestedCancel")).get("IsBuyerRequestedCancel") for item in rows]
    return _telling(
        number_of(order, "AmazonOrderId"),
        state_of(order.get("OrderStatus"), profile),
        [line_of(item.get("SellerSKU"), item.get("QuantityOrdered"), item.get("OrderItemId")) for item in rows],
        ordered_at=moment_of(order.get("PurchaseDate")),
        told_at=moment_of(order.get("LastUpdateDate")),
        by_buyer=bool(wishes) and all(str(wish).lower() == "true" for wish in wishes),
    )


# ------------------------------------------------------------------ both


def _telling(
    order: str,
    state: OrderState | None,
    lines: list[TellingLine | NotUnderstood | None],
    *,
    ordered_at: datetime | None,
    told_at: datetime | None,
    by_buyer: bool,
) -> OrderReading:
    if not order:
        return NotUnderstood("order_number")
    if state is None:
        return NotUnderstood("state")
    if ordered_at is None or told_at is None:
        return NotUnderstood("ordered_at" if ordered_at is None else "updated_at")
    cancelled = state is OrderState.CANCELLED
    told: list[TellingLine] = []
    for place, line in enumerate(lines, start=1):
        if isinstance(line, NotUnderstood) and not cancelled:  # of a cancelled order no line is needed
            return NotUnderstood(line.rule, place)
        if isinstance(line, TellingLine):
            told.append(line)
    if not told and not cancelled:
        return NotUnderstood("order_items")
    return Telling(
        order=order,
        door=Door.API,
        told_at=told_at,
        state=state,
        complete=True,
        verified=True,
        lines=() if cancelled else tuple(told),
        parser_version=PARSER_VERSION,
        ordered_at=ordered_at,
        reason=(CancelReason.BUYER if by_buyer else CancelReason.UNKNOWN) if cancelled else None,
    )


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}
