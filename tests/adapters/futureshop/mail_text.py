"""Writes the text of an order mail of futureshop in the assumed layout; for samples and generated variants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

JST = timezone(timedelta(hours=9))
TOLD_AT = "2026-11-20T00:05:00Z"
ORDERED_AT = "2026-11-20T00:04:05Z"  # 2026/11/20 09:04:05


@dataclass(frozen=True)
class Item:
    """One item. ``branches`` "": no such label; ``quantity`` None: no such label."""

    name: str
    item: str
    branches: str
    quantity: str | None


def sent() -> datetime:
    """When every sample mail was sent."""
    return datetime(2026, 11, 20, 9, 5, 0, tzinfo=JST)


def order_text(number: str, items: Sequence[Item]) -> str:
    """The body of the mail."""
    out = [f"ご注文番号：{number}", "ご注文日時：2026/11/20 09:04:05", "", "■ご注文内容", "-" * 40]
    for item in items:
        branches = f"　枝番：{item.branches}" if item.branches else ""
        quantity = f"数量：{item.quantity}　" if item.quantity is not None else ""
        out += [f"商品番号：{item.item}{branches}　商品名：{item.name}", f"{quantity}単価：3,055円", ""]
    return "\n".join([*out, "商品合計：6,110円", "送料：0円", "合計：6,110円", ""])
