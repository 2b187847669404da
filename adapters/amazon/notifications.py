"""Takes ORDER_CHANGE notifications as the merchant's EventBridge passes them on to our door, with a key in a header.

Amazon itself speaks only to SQS and EventBridge; an EventBridge API destination makes of each notification one call. The
notification names the whole order with its lines, so it is told at once, without asking the order API.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from hmac import compare_digest

from adapters.amazon.order_reading import LINES_MAX, line_of, moment_of, number_of, shipped_by, state_of
from adapters.kit.mall import (
    Ignored,
    NotUnderstood,
    OrderHint,
    OrderReading,
    WebhookAccepted,
    WebhookCall,
    WebhookRefused,
)
from adapters.kit.profile import Profile
from ledger.terms import CancelReason, Door, OrderState, Telling, TellingLine

PARSER_VERSION = 1
BODY_BYTES_MAX = 262_144  # EventBridge carries at most 256 KB an event
KEY_HEADER = "x-api-key"
KEYS = ("notification_key", "notification_key_before")
EVENT_CHARACTERS_MAX = 200

Json = Mapping[str, object]


def accept(call: WebhookCall, secrets: Mapping[str, str], now: datetime) -> WebhookAccepted | WebhookRefused:
    """The call carries one of the shop's keys. ``event`` is the NotificationId, the same when Amazon sends it again."""
    del now  # A notification may be late for days and is still true; the order's own times are in it.
    keys = [secrets[name] for name in KEYS if secrets.get(name)]
    if not keys:
        return WebhookRefused("no_key_set")
    said = call.headers.get(KEY_HEADER, "")
    if not said:
        return WebhookRefused("no_signature")
    equal = [compare_digest(said.encode(), key.encode()) for key in keys]  # each is compared, whichever fits
    if not any(equal):
        return WebhookRefused("signature")
    if len(call.body) > BODY_BYTES_MAX:
        return WebhookRefused("too_large")
    notification = _notification(call.body)
    if notification is None:
        return WebhookRefused("not_json")
    identity = _object(_either(notification, "NotificationMetadata")).get("NotificationId")
    named = isinstance(identity, str) and len(identity) <= EVENT_CHARACTERS_MAX and identity.isprintable()
    return WebhookAccepted(str(identity) if named else "")


def read(call: WebhookCall, profile: Profile) -> OrderReading | OrderHint:
    """What the notification says of its order; a wish of the buyer only asks for the order to be looked at."""
    notification = _notification(call.body)
    if notification is None:
        return NotUnderstood("not_json")
    kind = _either(notification, "NotificationType")
    if kind not in profile.texts("notifications.order_types"):
        return Ignored("other_notification") if isinstance(kind, str) else NotUnderstood("notification_type")
    change = _object(_either(_object(_either(notification, "Payload")), "OrderChangeNotification"))
    summary = _object(_either(change, "Summary"))
    order = number_of(change, "AmazonOrderId")
    if not order:
        return NotUnderstood("order_number")
    other = shipped_by(summary.get("FulfillmentType"), profile)
    if other is not None:
        return other
    if change.get("OrderChangeType") != "OrderStatusChange":
        return OrderHint((order,))
    return _telling(order, notification, change, summary, profile)


def _telling(order: str, notification: Json, change: Json, summary: Json, profile: Profile) -> OrderReading | OrderHint:
    state = state_of(summary.get("OrderStatus"), profile)
    if state is None:
        return NotUnderstood("state")
    trigger = _object(change.get("OrderChangeTrigger"))
    told_at = moment_of(trigger.get("TimeOfOrderChange")) or moment_of(_either(notification, "EventTime"))
    ordered_at = moment_of(summary.get("PurchaseDate"))
    if told_at is None:
        return NotUnderstood("time_of_order_change")
    items = summary.get("OrderItems")
    cancelled = state is OrderState.CANCELLED
    if not isinstance(items, list) or not (items or cancelled) or len(items) > LINES_MAX:
        return OrderHint((order,))  # Its lines are not in it: they are asked for.
    lines: list[TellingLine] = []
    for place, item in enumerate(map(_object, [] if cancelled else items), start=1):
        line = line_of(item.get("SellerSKU"), item.get("Quantity"), item.get("OrderItemId"))
        if isinstance(line, NotUnderstood):
            return NotUnderstood(line.rule, place)
        if line is not None:
            lines.append(line)
    if not lines and not cancelled:
        return OrderHint((order,))
    return Telling(
        order=order,
        door=Door.WEBHOOK,
        told_at=told_at,
        state=state,
        complete=True,
        verified=True,
        lines=tuple(lines),
        parser_version=PARSER_VERSION,
        ordered_at=ordered_at,
        reason=CancelReason.UNKNOWN if cancelled else None,
    )


def _notification(body: bytes) -> Json | None:
    """The notification, taken out of EventBridge's envelope when it comes in one."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    detail = found.get("detail")
    return detail if isinstance(detail, dict) else found


def _either(found: Json, name: str) -> object:
    """The value under Amazon's name, or under the same in lower camel case, which some events use."""
    return found[name] if name in found else found.get(name[0].lower() + name[1:])


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}
