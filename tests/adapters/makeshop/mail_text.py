"""Writes the text of an order mail of MakeShop made with [MAIL_ORDERNUM], [ORDER_DATE] and [MAIL_ORDER2]."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

JST = timezone(timedelta(hours=9))
TOLD_AT = "2026-11-20T00:05:00Z"
ORDERED_AT = "2026-11-20T00:04:05Z"  # 2026年11月20日 09時04分05秒


@dataclass(frozen=True)
class Item:
    """One item of the list. ``option_code`` "": a product without options; ``quantity`` None: no such line."""

    name: str
    own_code: str
    option_code: str
    quantity: str | None


def sent() -> datetime:
    """When every sample mail was sent."""
    return datetime(2026, 11, 20, 9, 5, 0, tzinfo=JST)


def order_text(number: str, items: Sequence[Item]) -> str:
    """The body of the mail."""
    out = [f"【注文番号：{number}】", "注文日時：2026年11月20日 09時04分05秒", "", "■ご注文商品", "-" * 40]
    for ordinal, item in enumerate(items, start=1):
        out += [f"[{ordinal}] {item.name}", f"独自商品コード：{item.own_code}"]
        out += [f"オプション独自コード：{item.option_code}"] if item.option_code else []
        out += [f"数量：{item.quantity}"] if item.quantity is not None else []
        out += ["価格：2,980円"]
    return "\n".join([*out, "-" * 40, "小計：5,960円", "送料：0円", "合計：5,960円", ""])
