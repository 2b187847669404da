"""The orders of an emulated seller as both order APIs and the notification say them, and the seller's mails."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from adapters.amazon.codes import sku_of
from adapters.kit.emulator import EmulatedOrder, EmulatedShop
from adapters.kit.mail import write_mail
from adapters.kit.order_mail import JST

Json = dict[str, object]
MARKET = {"channelName": "AMAZON", "marketplaceId": "A1VC38T7YXB528", "marketplaceName": "Amazon.co.jp"}
OLD_SENDER = "do-not-reply@amazon.co.jp"
PRICE_YEN = 1_980
_RULE = "---------"
_END = "- - - - - - - - - - - -"


def order_number(serial: int, _: datetime) -> str:
    """As Amazon numbers orders: 250-1234567-0000001."""
    return f"250-1234567-{serial:07d}"


def updated_at(order: EmulatedOrder) -> datetime:
    """When the order changed last."""
    return order.cancelled_at or order.ordered_at


def said(moment: datetime) -> str:
    """The moment as Amazon writes it, cut to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def order_json(order: EmulatedOrder, *, pending: bool) -> Json:
    """The order in the form of 2026-01-01."""
    cancelled = order.cancelled_at is not None
    status = "CANCELLED" if cancelled else "PENDING" if pending else "UNSHIPPED"
    execution: Json = {"cancellation": {"cancellationExecution": {"cancelledBy": "BUYER"}}} if cancelled else {}
    items = [
        {
            "orderItemId": item_id,
            "quantityOrdered": units,
            "product": {"asin": "B0EXAMPLE1", "title": "サンプル商品", "sellerSku": sku},
            "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 0 if cancelled else units},
            **execution,
        }
        for item_id, sku, units in _lines(order)
    ]
    return {
        "orderId": order.number,
        "createdTime": said(order.ordered_at),
        "lastUpdatedTime": said(updated_at(order)),
        "salesChannel": MARKET,
        "fulfillment": {"fulfillmentStatus": status, "fulfilledBy": "MERCHANT"},
        "orderItems": items,
    }


def order_json_v0(order: EmulatedOrder, *, pending: bool) -> Json:
    """The order in the form of v0, without its lines."""
    status = "Canceled" if order.cancelled_at is not None else "Pending" if pending else "Unshipped"
    return {
        "AmazonOrderId": order.number,
        "PurchaseDate": said(order.ordered_at),
        "LastUpdateDate": said(updated_at(order)),
        "OrderStatus": status,
        "FulfillmentChannel": "MFN",
        "MarketplaceId": MARKET["marketplaceId"],
    }


def items_json_v0(order: EmulatedOrder) -> list[Json]:
    """The lines in the form of v0; of a cancelled order nothing is ordered any more."""
    cancelled = order.cancelled_at is not None
    return [
        {
            "OrderItemId": item_id,
            "SellerSKU": sku,
            "ASIN": "B0EXAMPLE1",
            "QuantityOrdered": 0 if cancelled else units,
            "QuantityShipped": 0,
            "BuyerRequestedCancel": {"IsBuyerRequestedCancel": "true" if cancelled else "false"},
        }
        for item_id, sku, units in _lines(order)
    ]


def notification(shop: EmulatedShop, order: EmulatedOrder, *, pending: bool = False) -> bytes:
    """ORDER_CHANGE in EventBridge's envelope, as it reaches an API destination."""
    v0 = order_json_v0(order, pending=pending)
    summary = {
        "MarketplaceId": MARKET["marketplaceId"],
        "OrderStatus": v0["OrderStatus"],
        "PurchaseDate": v0["PurchaseDate"],
        "FulfillmentType": "MFN",
        "OrderItems": [
            {"OrderItemId": item_id, "SellerSKU": sku, "Quantity": units, "QuantityShipped": 0}
            for item_id, sku, units in _lines(order)
        ],
    }
    change = {
        "NotificationLevel": "OrderLevel",
        "SellerId": shop.settings.get("seller_id", ""),
        "AmazonOrderId": order.number,
        "OrderChangeType": "OrderStatusChange",
        "OrderChangeTrigger": {"TimeOfOrderChange": v0["LastUpdateDate"], "ChangeReason": "N/A"},
        "Summary": summary,
    }
    detail = {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": v0["LastUpdateDate"],
        "Payload": {"OrderChangeNotification": change},
        "NotificationMetadata": {"NotificationId": f"{order.number}:{v0['OrderStatus']}"},
    }
    return json.dumps({"version": "0", "detail-type": "ORDER_CHANGE", "detail": detail}).encode()


def order_mail(shop: EmulatedShop, order: EmulatedOrder) -> bytes:
    """The mail that asks for shipping, with every line of the order."""
    day = order.ordered_at.astimezone(JST).strftime("%Y/%m/%d")
    blocks = f"\n{_RULE}\n".join(
        f"商品: サンプル商品\nSKU: {sku}\n数量: {units}\n価格: ￥{PRICE_YEN:,}" for _, sku, units in _lines(order)
    )
    text = (
        "Amazon.co.jpをご利用いただきありがとうございます。\n"
        f"注文番号: {order.number}\n注文日: {day}\n\n{_RULE}\n{blocks}\n{_END}\n"
    )
    return write_mail(
        subject=f"【Amazon.co.jp】商品を出荷してください（{order.number}）",
        sender=OLD_SENDER,
        recipient=f"{shop.settings.get('seller_id', '').lower()}@example.jp",
        sent_at=order.ordered_at.astimezone(JST).replace(microsecond=0),
        text=text,
        message_id=f"<{order.number}.order@amazon.co.jp>",
        charset="utf-8",
        transfer="base64",
    )


def _lines(order: EmulatedOrder) -> Iterator[tuple[str, str, int]]:
    digits = order.number.replace("-", "")[-11:]
    for place, (key, units) in enumerate(order.lines, start=1):
        yield f"{digits}{place:03d}", sku_of(key), units
