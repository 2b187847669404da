"""The sales of the emulated カラーミーショップ: as its API answers them, and the order mail its template makes of them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from adapters.colorme.codes import options_of
from adapters.kit.emulated_shop import EmulatedOrder, EmulatedShop
from adapters.kit.mail import write_mail
from adapters.kit.order_mail import JST, moment_jst
from ledger.terms import ListingKey

FIRST_SALE = 20_000_000
PRICE_YEN = 1_980
DAYS_WITHOUT_DATES = 7
_DATES = ("after", "before", "make_date_min", "make_date_max", "update_date_min", "update_date_max")

Json = dict[str, object]


class ShopSales:
    """The sales of one shop. ``delivered`` and ``paid``: numbers a person has marked so, with the moment."""

    def __init__(self, shop: EmulatedShop) -> None:
        self._shop = shop
        self.delivered: dict[str, datetime] = {}
        self.paid: dict[str, datetime] = {}

    def deliver(self, number: str) -> None:
        """The sale is marked as sent."""
        self.delivered[number] = self._shop.clock.now()

    def one(self, number: str) -> Json | None:
        """The sale as the API answers it."""
        order = self._shop.orders.get(number)
        return None if order is None else self._json(order)

    def listed(self, asked: Mapping[str, str]) -> list[Json]:
        """The sales asked for, newest first; without any date those of the last seven days."""
        made_min = moment_jst(asked.get("make_date_min", "") or asked.get("after", ""))
        made_max = moment_jst(asked.get("make_date_max", "") or asked.get("before", ""))
        changed_min = moment_jst(asked.get("update_date_min", ""))
        changed_max = moment_jst(asked.get("update_date_max", ""))
        if not any(asked.get(name) for name in _DATES):
            made_min = self._shop.clock.now() - timedelta(days=DAYS_WITHOUT_DATES)
        ids = [one for one in asked.get("ids", "").split(",") if one]
        found = [
            order
            for order in self._shop.orders.values()
            if (not ids or order.number in ids)
            and _between(order.ordered_at, made_min, made_max)
            and _between(self._changed_at(order), changed_min, changed_max)
        ]
        return [self._json(order) for order in sorted(found, key=lambda one: one.number, reverse=True)]

    def _changed_at(self, order: EmulatedOrder) -> datetime:
        marks = (order.cancelled_at, self.delivered.get(order.number), self.paid.get(order.number))
        return max([order.ordered_at, *(mark for mark in marks if mark is not None)])

    def _json(self, order: EmulatedOrder) -> Json:
        cancelled = order.cancelled_at is not None
        lines = [self._detail(order, at, key, units) for at, (key, units) in enumerate(order.lines, start=1)]
        total = 0 if cancelled else sum(units * PRICE_YEN for _, units in order.lines)
        return {
            "id": int(order.number),
            "account_id": self._shop.settings.get("account_id", ""),
            "make_date": int(order.ordered_at.timestamp()),
            "update_date": int(self._changed_at(order).timestamp()),
            "memo": "見本の備考",
            "paid": order.number in self.paid,
            "delivered": order.number in self.delivered,
            "canceled": cancelled,
            "accepted_mail_state": "sent",
            "total_price": total,
            "customer": {"name": "見本 太郎", "mail": "sample@example.jp", "tel": "000-0000-0000"},
            "details": lines,
            "sale_deliveries": [{"name": "見本 太郎", "address1": "見本町1-1"}],
        }

    def _detail(self, order: EmulatedOrder, at: int, key: ListingKey, units: int) -> Json:
        option1, option2 = options_of(key.variant)
        return {
            "id": int(order.number) * 100 + at,
            "sale_id": int(order.number),
            "product_id": int(key.item) if key.item.isdigit() else None,
            "option1_value": option1 or None,
            "option2_value": option2 or None,
            "product_model_number": model_of(key),
            "product_name": "見本の品",
            "price": PRICE_YEN,
            "product_num": 0 if order.cancelled_at is not None else units,
            "unit": None,
            "subtotal_price": 0 if order.cancelled_at is not None else units * PRICE_YEN,
        }


def sale_number(serial: int) -> str:
    """The mall's number of a sale: digits that rise."""
    return str(FIRST_SALE + serial)


def model_of(key: ListingKey) -> str:
    """The 型番 this shop gave a listing."""
    return key.variant or key.item


def order_mail(shop: EmulatedShop, order: EmulatedOrder) -> bytes:
    """The mail to buyer and shop, as this shop's template makes it (NOTES.md, "Order mail"). A cancel sends none."""
    goods = "--------------------\n".join(
        f"[商品名] 見本の品（{at}番）\n[型番] {model_of(key)}\n[価格] {PRICE_YEN:,}円\n[数量] {units:,}\n[小計] {units * PRICE_YEN:,}円\n"
        for at, (key, units) in enumerate(order.lines, start=1)
    )
    total = sum(units * PRICE_YEN for _, units in order.lines)
    ordered = order.ordered_at.astimezone(JST).strftime("%Y年%m月%d日 %H:%M:%S")
    text = (
        "ご注文ありがとうございます。\n\n"
        f"[受注番号] {order.number}\n[受注日時] {ordered}\n\n"
        f"■ご注文内容\n{goods}\n■商品合計 {total:,}円\n"
    )
    return write_mail(
        subject="ご注文ありがとうございます（見本商店）",
        sender="shop@example.jp",
        recipient=f"{shop.settings.get('account_id', 'shop').lower()}@example.jp",
        sent_at=order.ordered_at.astimezone(JST).replace(microsecond=0),
        text=text,
        message_id=f"<{order.number}@shop-pro.example.jp>",
    )


def _between(moment: datetime, first: datetime | None, last: datetime | None) -> bool:
    return (first is None or moment >= first) and (last is None or moment <= last)
