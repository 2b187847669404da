"""Takes MakeShop's 注文更新通知: not an order, only word that orders are to be fetched now, in cycles of two minutes.

The body was not seen and no signature is documented (NOTES.md, "Webhook"): what it says is never believed, only looked
up. A forged call can make us ask the mall, and nothing else.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from adapters.kit.mall import NotUnderstood, OrderHint, OrderReading, WebhookAccepted, WebhookCall, WebhookRefused
from adapters.kit.profile import Profile
from adapters.makeshop.codes import ORDER_NUMBER

BODY_BYTES_MAX = 1_000_000
NUMBERS_MAX = 200  # More are not named one by one: the time is asked for instead.
DEPTH_MAX = 8


def accept(call: WebhookCall, secrets: Mapping[str, str], now: datetime) -> WebhookAccepted | WebhookRefused:
    """Any JSON object or array is taken: the secret is the address itself, and what it names is asked for at the mall."""
    del secrets, now  # The mall signs nothing and says no time.
    if len(call.body) > BODY_BYTES_MAX:
        return WebhookRefused("too_large")
    return WebhookRefused("not_json") if _json(call.body) is None else WebhookAccepted()


def read(call: WebhookCall, profile: Profile) -> OrderReading | OrderHint:
    """The order numbers the notice names, each once, in its order; () when it names none: whatever is new."""
    body = _json(call.body)
    if body is None:
        return NotUnderstood("not_json")
    keys = frozenset(profile.texts("webhook.order_keys"))
    numbers = tuple(dict.fromkeys(_numbers(body, keys, DEPTH_MAX)))
    return OrderHint(numbers if len(numbers) <= NUMBERS_MAX else ())


def _json(body: bytes) -> dict[str, object] | list[object] | None:
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _numbers(found: object, keys: frozenset[str], depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(found, dict):
        for name, value in found.items():
            if name in keys:
                yield from _stated(value)
            else:
                yield from _numbers(value, keys, depth - 1)
    elif isinstance(found, list):
        for value in found:
            yield from _numbers(value, keys, depth - 1)


def _stated(value: object) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and ORDER_NUMBER.fullmatch(one):
            yield one
