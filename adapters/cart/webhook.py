"""An order of any cart as a signed JSON document becomes a telling. The form is ours: docs/guides/webhook.md.

What is not understood names the field and the rule, never what it says. Fields that are not known are passed over, so
that a cart may send its whole order; nothing of a person is read.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from adapters.kit import standard_webhooks
from adapters.kit.mall import Ignored, NotUnderstood, OrderReading, WebhookAccepted, WebhookCall, WebhookRefused
from adapters.kit.profile import Profile
from ledger.terms import (
    CODE_CHARACTERS_MAX,
    UNITS_MAX,
    CancelReason,
    Door,
    OrderState,
    Telling,
    TellingLine,
)

PARSER_VERSION = 1
BODY_BYTES_MAX = 1_000_000
LINES_MAX = 1_000
NUMBER_CHARACTERS_MAX = 100
TYPES = {"order.placed", "order.changed", "order.cancelled", "order.shipped"}
STATES = {"order.cancelled": OrderState.CANCELLED, "order.shipped": OrderState.SHIPPED}


def accept(call: WebhookCall, secrets: Mapping[str, str], now: datetime) -> WebhookAccepted | WebhookRefused:
    """One of the shop's secrets signed it within five minutes, and its body is a JSON object."""
    known = [secrets[name] for name in ("signing_secret", "next_signing_secret") if secrets.get(name)]
    proven = standard_webhooks.prove(call, known, now)
    if isinstance(proven, WebhookAccepted) and _object(call.body) is None:
        return WebhookRefused("not_json")
    return proven


def read(call: WebhookCall, profile: Profile) -> OrderReading:
    """What the document says of one order. Other types of events are ignored by their name's kind."""
    del profile  # the form is ours: nothing of it is a mall's
    body = _object(call.body)
    if body is None:
        return NotUnderstood("not_json")
    kind, order = body.get("type"), body.get("data")
    if not isinstance(kind, str):
        return NotUnderstood("type")
    if kind not in TYPES:
        return Ignored("other_event")
    return _telling(kind, order, body.get("timestamp")) if isinstance(order, dict) else NotUnderstood("data")


def _telling(kind: str, order: Mapping[str, object], timestamp: object) -> OrderReading:
    number, told_at = _text(order.get("number"), NUMBER_CHARACTERS_MAX), _moment(timestamp)
    ordered_at, revision = _moment(order.get("ordered_at")), order.get("revision")
    if not number:
        return NotUnderstood("data.number")
    if told_at is None:
        return NotUnderstood("timestamp")
    if ordered_at is None and (kind == "order.placed" or "ordered_at" in order):
        return NotUnderstood("data.ordered_at")
    if revision is not None and not _whole(revision, 0, 2**53):
        return NotUnderstood("data.revision")
    state = _state(kind, order)
    if state is None:
        return NotUnderstood("data.state")
    complete = "lines" in order
    lines = _lines(order["lines"]) if complete else ()
    if isinstance(lines, NotUnderstood):
        return lines
    if not complete and kind in ("order.placed", "order.changed"):
        return NotUnderstood("data.lines")
    reason = _reason(order) if state is OrderState.CANCELLED else None
    if isinstance(reason, NotUnderstood):
        return reason
    return Telling(
        order=number,
        door=Door.WEBHOOK,
        told_at=told_at,
        state=state,
        complete=complete and state is not OrderState.CANCELLED,
        verified=True,
        lines=() if state is OrderState.CANCELLED else lines,
        parser_version=PARSER_VERSION,
        ordered_at=ordered_at,
        revision=revision if isinstance(revision, int) else None,
        reason=reason,
    )


def _state(kind: str, order: Mapping[str, object]) -> OrderState | None:
    """The event's own state, else the one stated; CONFIRMED when none is."""
    if kind in STATES:
        return STATES[kind]
    stated = order.get("state", OrderState.CONFIRMED)
    return OrderState(stated) if isinstance(stated, str) and stated in set(OrderState) else None


def _reason(order: Mapping[str, object]) -> CancelReason | NotUnderstood:
    stated = order.get("reason", CancelReason.UNKNOWN)
    if isinstance(stated, str) and stated in set(CancelReason):
        return CancelReason(stated)
    return NotUnderstood("data.reason")


def _lines(stated: object) -> tuple[TellingLine, ...] | NotUnderstood:
    if not isinstance(stated, list) or not 1 <= len(stated) <= LINES_MAX:
        return NotUnderstood("data.lines")
    lines = []
    for ordinal, one in enumerate(stated, start=1):
        line = _line(one)
        if isinstance(line, str):
            return NotUnderstood(f"data.lines.{line}", ordinal)
        lines.append(line)
    ids = [line.line_id for line in lines if line.line_id]
    return NotUnderstood("data.lines.line_id") if len(ids) != len(set(ids)) else tuple(lines)


def _line(stated: object) -> TellingLine | str:
    """The line, or the name of the field that is not understood."""
    if not isinstance(stated, dict):
        return "line"
    item = _text(stated.get("item"), CODE_CHARACTERS_MAX)
    quantity = stated.get("quantity")
    if not item:
        return "item"
    if not isinstance(quantity, int) or not _whole(quantity, 1, UNITS_MAX):
        return "quantity"
    texts = {name: stated.get(name, "") for name in ("variant", "sku", "line_id")}
    for name, value in texts.items():
        if not isinstance(value, str) or len(value) > CODE_CHARACTERS_MAX or _controls(value):
            return name
    codes = (str(texts["sku"]),) if texts["sku"] else ()
    return TellingLine(item, str(texts["variant"]), quantity, line_id=str(texts["line_id"]), codes=codes)


def _object(body: bytes) -> dict[str, object] | None:
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(found: object, characters_max: int) -> str:
    """The text, kept exactly; "" when it is none, too long, or has control characters."""
    good = isinstance(found, str) and 0 < len(found) <= characters_max and not _controls(found)
    return str(found) if good else ""


def _controls(text: str) -> bool:
    return any(ord(one) < 0x20 or 0x7F <= ord(one) < 0xA0 or 0xD800 <= ord(one) < 0xE000 for one in text)


def _whole(found: object, least: int, most: int) -> bool:
    return isinstance(found, int) and not isinstance(found, bool) and least <= found <= most


def _moment(found: object) -> datetime | None:
    """A time with its offset (RFC 3339), in UTC."""
    if not isinstance(found, str) or len(found) > 40:
        return None
    try:
        moment = datetime.fromisoformat(found)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.astimezone(UTC)
