"""What the emulated MakeShop says of its orders: rows of searchOrder, its order and cancel mails, its notices."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from adapters.kit.emulator import EmulatedOrder, EmulatedShop
from adapters.kit.mail import write_mail
from adapters.kit.order_mail import JST
from ledger.terms import ListingKey

NOTICE_SECONDS = 120  # 注文更新通知 is sent in cycles of two minutes
PRICE_YEN = 2_980
SENDER = "shop@example.jp"
_RULE = "-" * 50

OwnCodes = Mapping[ListingKey, tuple[str, str]]


def order_number(serial: int, ordered_at: datetime) -> str:
    """PB and 17 digits."""
    return f"PB{int(ordered_at.timestamp()):010d}{serial:07d}"


def order_row(order: EmulatedOrder, own_codes: OwnCodes, *, provisional: bool) -> dict[str, object]:
    """An order as searchOrder has it, with every field this mall knows; a document selects from them."""
    baskets: list[dict[str, object]] = []
    for key, units in order.lines:
        own, option = own_codes.get(key, (key.item, key.variant))
        baskets.append(
            {
                "productCode": key.item,
                "productName": "サンプル商品",
                "price": PRICE_YEN,
                "productCustomCode": own,
                "variationId": key.variant or None,
                "variationCustomCode": option or None,
                "amount": units,
            }
        )
    return {
        "displayOrderNumber": order.number,
        "orderDate": _said(order.ordered_at),
        "memberId": "sample-member",
        "sumPrice": sum(units * PRICE_YEN for _, units in order.lines),
        "updateDate": _said(order.cancelled_at or order.ordered_at),
        "isTemporaryOrder": provisional,
        "deliveryInfos": [{"basketInfos": baskets}],
    }


def order_mail(order: EmulatedOrder, own_codes: OwnCodes, *, provisional: bool) -> bytes:
    """The shop's copy, made with [MAIL_ORDERNUM], [ORDER_DATE] and [MAIL_ORDER2]."""
    blocks = "\n".join(
        _block(ordinal, *own_codes.get(key, (key.item, key.variant)), units)
        for ordinal, (key, units) in enumerate(order.lines, start=1)
    )
    total = sum(units * PRICE_YEN for _, units in order.lines)
    text = (
        f"【注文番号：{order.number}】\n"
        f"注文日時：{_said(order.ordered_at)}\n"
        "\n"
        "■ご注文商品\n"
        f"{_RULE}\n{blocks}{_RULE}\n"
        f"小計：{total:,}円\n送料：0円\n合計：{total:,}円\n"
    )
    subject = "【仮注文】ご注文を受け付けました" if provisional else "ご注文ありがとうございます"
    return _mail(order, f"{subject}【注文番号：{order.number}】", text, "order", order.ordered_at)


def cancel_mail(order: EmulatedOrder) -> bytes:
    """The mail that an order was cancelled, by its buyer's wish."""
    text = f"【注文番号：{order.number}】\nキャンセル理由：お客様都合\n\n上記のご注文はキャンセルされました。\n"
    return _mail(order, "ご注文キャンセルのお知らせ", text, "cancel", order.cancelled_at or order.ordered_at)


def notices(shop: EmulatedShop, since: datetime) -> Iterator[bytes]:
    """The notices (注文更新通知) of every two-minute cycle that ended after ``since``; one a cycle with a change in it."""
    now = shop.clock.now()
    cycle = _cycle_end(since)
    while cycle <= now:
        begun = cycle - timedelta(seconds=NOTICE_SECONDS)
        changed = [
            order.number
            for order in shop.orders.values()
            if begun <= order.ordered_at < cycle
            or (order.cancelled_at is not None and begun <= order.cancelled_at < cycle)
        ]
        if changed:
            orders = [{"displayOrderNumber": number} for number in changed]
            yield json.dumps({"shop_id": shop.settings.get("shop_id", ""), "orders": orders}).encode()
        cycle += timedelta(seconds=NOTICE_SECONDS)


def _cycle_end(since: datetime) -> datetime:
    """The first end of a cycle after ``since``."""
    return datetime.fromtimestamp((int(since.timestamp()) // NOTICE_SECONDS + 1) * NOTICE_SECONDS, tz=UTC)


def _block(ordinal: int, own: str, option: str, units: int) -> str:
    return (
        f"[{ordinal}] ①サンプル商品（{ordinal}番） ﾌﾞﾙｰ\n"
        f"独自商品コード：{own}\n"
        + (f"オプション独自コード：{option}\n" if option else "")
        + f"数量：{units:,}個\n価格：{PRICE_YEN * units:,}円\n"
    )


def _said(moment: datetime) -> str:
    return moment.astimezone(JST).strftime("%Y-%m-%d %H:%M:%S")


def _mail(order: EmulatedOrder, subject: str, text: str, kind: str, sent_at: datetime) -> bytes:
    return write_mail(
        subject=subject,
        sender=SENDER,
        recipient="owner@example.jp",
        sent_at=sent_at.astimezone(JST).replace(microsecond=0),
        text=text,
        message_id=f"<{order.number}.{kind}@example.jp>",
        charset="utf-8",
        transfer="base64",
    )
