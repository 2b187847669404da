"""ORDER_CHANGE at our door: only with the shop's key, the whole order at once, a wish only as a hint."""

import json
from collections.abc import Mapping
from datetime import timedelta

import pytest

from adapters.amazon.emulated_orders import notification
from adapters.amazon.notifications import BODY_BYTES_MAX, accept, read
from adapters.kit.mall import Ignored, NotUnderstood, OrderHint, WebhookAccepted, WebhookCall, WebhookRefused
from ledger.terms import CancelReason, Door, OrderState, Telling
from tests.adapters.amazon.seller import CUP, NOW, PROFILE, SHIRT, seller

SECRETS = {"notification_key": "key-of-now-1", "notification_key_before": "key-before-1"}
NUMBER = "250-1234567-0000001"


def call(body: bytes, *, key: str = "key-of-now-1") -> WebhookCall:
    return WebhookCall({"x-api-key": key, "content-type": "application/json"}, body)


def changed(
    *,
    change: Mapping[str, object] | None = None,
    summary: Mapping[str, object] | None = None,
    kind: str = "ORDER_CHANGE",
) -> WebhookCall:
    """A notification as SQS has it, without EventBridge's envelope."""
    items = [{"OrderItemId": "1", "SellerSKU": "SKU-001", "Quantity": 2}]
    said = {
        "OrderStatus": "Unshipped",
        "PurchaseDate": "2026-11-20T00:00:00Z",
        "FulfillmentType": "MFN",
        "OrderItems": items,
    }
    order = {
        "AmazonOrderId": NUMBER,
        "OrderChangeType": "OrderStatusChange",
        "OrderChangeTrigger": {"TimeOfOrderChange": "2026-11-20T00:05:00.000Z"},
        **(change or {}),
        "Summary": said | dict(summary or {}),
    }
    return call(json.dumps({"NotificationType": kind, "Payload": {"OrderChangeNotification": order}}).encode())


def test_a_sale_is_told_whole_at_once() -> None:
    with seller() as shop:
        order = shop.shop.sell_lines(((SHIRT, 2), (CUP, 1)))
        assert order is not None
        sent = call(notification(shop.shop, order, pending=True))
        assert accept(sent, SECRETS, NOW) == WebhookAccepted(f"{order.number}:Pending")
        found = read(sent, PROFILE)
        assert isinstance(found, Telling)
        assert (found.order, found.door, found.state) == (order.number, Door.WEBHOOK, OrderState.PROVISIONAL)
        assert found.complete
        assert found.verified
        assert found.ordered_at == order.ordered_at
        assert [(line.item, line.quantity) for line in found.lines] == [(SHIRT.item, 2), (CUP.item, 1)]
        shop.clock.passes(minutes=1)
        cancelled = read(call(notification(shop.shop, shop.shop.cancel(order.number))), PROFILE)
        assert isinstance(cancelled, Telling)
        assert (cancelled.state, cancelled.reason) == (OrderState.CANCELLED, CancelReason.UNKNOWN)
        assert cancelled.told_at == NOW + timedelta(minutes=1)
        assert cancelled.lines == ()


def test_both_keys_are_taken_while_they_are_changed() -> None:
    with seller() as shop:
        order = shop.shop.sell(SHIRT)
        assert order is not None
        body = notification(shop.shop, order)
        event = WebhookAccepted(f"{order.number}:Unshipped")
        assert accept(call(body), SECRETS, NOW) == event
        assert accept(call(body, key="key-before-1"), SECRETS, NOW) == event
        assert accept(call(body, key="key-before-1"), {"notification_key": "key-of-now-1"}, NOW) == WebhookRefused(
            "signature"
        )


@pytest.mark.parametrize(
    ("sent", "secrets", "rule"),
    [
        (call(b"{}"), {}, "no_key_set"),
        (call(b"{}"), {"notification_key": ""}, "no_key_set"),
        (call(b"{}", key=""), SECRETS, "no_signature"),
        (call(b"{}", key="鍵"), SECRETS, "signature"),
        (call(b"{", key="key-of-now-1"), SECRETS, "not_json"),
        (call(b"[]", key="key-of-now-1"), SECRETS, "not_json"),
        (call(b" " * (BODY_BYTES_MAX + 1)), SECRETS, "too_large"),
    ],
)
def test_a_call_that_is_not_proven_is_refused(sent: WebhookCall, secrets: Mapping[str, str], rule: str) -> None:
    assert accept(sent, secrets, NOW) == WebhookRefused(rule)


def test_a_notification_without_an_identity_is_taken() -> None:
    assert accept(changed(), SECRETS, NOW) == WebhookAccepted("")


def test_a_wish_of_the_buyer_is_only_a_hint() -> None:
    assert read(changed(change={"OrderChangeType": "BuyerRequestedChange"}), PROFILE) == OrderHint((NUMBER,))


def test_a_notification_without_lines_is_only_a_hint() -> None:
    for items in ([], None, [{"OrderItemId": "1", "SellerSKU": "SKU-001", "Quantity": 0}]):
        assert read(changed(summary={"OrderItems": items}), PROFILE) == OrderHint((NUMBER,))


@pytest.mark.parametrize(
    ("sent", "reading"),
    [
        (changed(summary={"FulfillmentType": "AFN"}), Ignored("fulfilled_by_amazon")),
        (changed(kind="FEED_PROCESSING_FINISHED"), Ignored("other_notification")),
        (changed(summary={"FulfillmentType": ""}), NotUnderstood("fulfilled_by")),
        (changed(summary={"OrderStatus": "New"}), NotUnderstood("state")),
        (changed(change={"AmazonOrderId": "1"}), NotUnderstood("order_number")),
        (changed(change={"OrderChangeTrigger": {}}), NotUnderstood("time_of_order_change")),
        (changed(summary={"OrderItems": [{"SellerSKU": "A"}]}), NotUnderstood("quantity", 1)),
        (call(b"{}"), NotUnderstood("notification_type")),
        (call(b"x"), NotUnderstood("not_json")),
    ],
)
def test_what_says_nothing_of_our_stock_says_why(sent: WebhookCall, reading: object) -> None:
    assert read(sent, PROFILE) == reading
