"""Writes the text of an order mail of Yahoo!ショッピング as malls' mails have it; for samples and generated variants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

JST = timezone(timedelta(hours=9))


@dataclass(frozen=True)
class Item:
    """One block. ``codes`` is ``code`` or ``code/sub-code``; ``options`` are lines below it."""

    name: str
    codes: str
    units: int
    price_yen: int
    options: tuple[str, ...] = ()


def sent() -> datetime:
    """When every sample mail was sent."""
    return datetime(2026, 11, 20, 9, 5, 0, tzinfo=JST)


def order_text(number: int, items: Sequence[Item], *, seller: str = "samplestore", spaced: bool = False) -> str:
    """The body. ``spaced``: as the customer's copy, with spaces around × and ＝."""
    times, equals = (" × ", " ＝ ") if spaced else ("×", "＝")
    out = [
        f"注文ID　：{seller}-{number}",
        "注文日時：2026年11月20日 09時04分05秒",
        "ストア名：サンプルストア",
        "",
        "商品情報",
        "￣￣￣￣￣￣￣￣￣￣",
    ]
    for ordinal, item in enumerate(items, start=1):
        amount = f"{item.price_yen:,}円{times}{item.units:,}{equals}{item.price_yen * item.units:,}円"
        out += [f"（{ordinal}）{item.name}", item.codes, *item.options, amount, ""]
    total = sum(item.price_yen * item.units for item in items)
    out += [
        "===============",
        f"商品の合計金額 ： {total:,}円",
        "手数料：0円",
        "送料：0円",
        "ギフト包装料：0円",
        "ポイント利用分：0円",
    ]
    return "\n".join([*out, "クーポン利用分：0円", f"合計金額 ：{total:,}円", ""])
