"""What the emulated futureshop says of its orders: rows of the list and of one order, and its order and cancel mails."""

from collections.abc import Mapping
from datetime import datetime

from adapters.futureshop.codes import branch_of, sku_names
from adapters.kit.emulator import EmulatedOrder
from adapters.kit.mail import write_mail
from adapters.kit.order_mail import JST
from ledger.terms import ListingKey

FIRST_ORDER = 100_000_000_000
PRICE_YEN = 3_055
SENDER = "shop@example.jp"


def order_number(serial: int, _: datetime) -> str:
    """Twelve digits that rise: 100000000001."""
    return str(FIRST_ORDER + serial)


def order_row(order: EmulatedOrder, *, awaiting: bool, shipped: bool, detail: bool) -> dict[str, object]:
    """An order as the list has it; ``detail``: as it is when asked for by its number. The buyer is invented."""
    status = "CANCELED" if order.cancelled_at else "AWAITING_PAYMENT" if awaiting else "COMPLETED"
    products = [_product(key, units, detail=detail) for key, units in order.lines]
    total = sum(units * PRICE_YEN for _, units in order.lines)
    shipping = {"name": "見本 太郎", "shippingDate": "2026-11-21" if shipped else ""}
    row: dict[str, object] = {
        "orderNo": order.number,
        "type": "REGULAR",
        "date": _said(order.ordered_at),
        "status": status,
        "grandTotal": total,
        "buyerInfo": {"name": "見本 太郎", "mail": "buyer@example.jp"},
        "shipmentList": [{"shipmentNo": 1, "shippingInfo": shipping, "productList": products}],
    }
    return {**row, "dateLastUpdated": _said(order.cancelled_at or order.ordered_at)} if detail else row


def order_mail(order: EmulatedOrder) -> bytes:
    """The shop's copy of an order."""
    blocks = "\n".join(_block(ordinal, key, units) for ordinal, (key, units) in enumerate(order.lines, start=1))
    total = sum(units * PRICE_YEN for _, units in order.lines)
    text = (
        f"ご注文番号：{order.number}\n"
        f"ご注文日時：{order.ordered_at.astimezone(JST):%Y/%m/%d %H:%M:%S}\n"
        "\n"
        "■ご注文内容\n"
        f"{blocks}\n"
        f"商品合計：{total:,}円\n送料：0円\n合計：{total:,}円\n"
    )
    return _mail(order, "ご注文ありがとうございます", text, "order", order.ordered_at)


def cancel_mail(order: EmulatedOrder) -> bytes:
    """注文キャンセル完了メール, by the buyer's wish."""
    text = f"ご注文番号：{order.number}\nキャンセル理由：お客様都合\n\nご注文のキャンセルが完了しました。\n"
    return _mail(order, "ご注文キャンセル完了のお知らせ", text, "cancel", order.cancelled_at or order.ordered_at)


def sku_no(key: ListingKey) -> str:
    """商品番号 and branches in one; the 予約 stock of goods has the same."""
    branch = branch_of(key.variant)
    return sku_names(key.item, branch.vertical, branch.horizontal)[0]


def _product(key: ListingKey, units: int, *, detail: bool) -> dict[str, object]:
    branch = branch_of(key.variant)
    product: dict[str, object] = {
        "skuNo": sku_no(key),
        "name": "サンプル商品",
        "verticalVariationName": branch.vertical,
        "horizontalVariationName": branch.horizontal,
        "janCode": "",
        "price": PRICE_YEN,
        "count": units,
    }
    more: Mapping[str, object] = {"productNo": key.item, "preorder": branch.preorder}
    return {**product, **more} if detail else product


def _block(ordinal: int, key: ListingKey, units: int) -> str:
    word = "【予約】" if branch_of(key.variant).preorder else ""
    branches = sku_no(key)[len(key.item) :]
    code = f"商品番号：{key.item}　枝番：{branches}" if branches else f"商品番号：{key.item}"
    return f"{code}　商品名：{word}サンプル商品（{ordinal}番）\n数量：{units:,}　単価：{PRICE_YEN:,}円\n"


def _said(moment: datetime) -> str:
    return moment.astimezone(JST).strftime("%Y-%m-%dT%H:%M:%S")


def _mail(order: EmulatedOrder, subject: str, text: str, kind: str, sent_at: datetime) -> bytes:
    return write_mail(
        subject=subject,
        sender=SENDER,
        recipient="owner@example.jp",
        sent_at=sent_at.astimezone(JST).replace(microsecond=0),
        text=text,
        message_id=f"<{order.number}.{kind}@example.jp>",
    )
