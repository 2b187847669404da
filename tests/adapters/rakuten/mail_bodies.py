"""Order mail texts as 楽天市場 writes them, built from what they say; used by the samples and the generated variants."""

from collections.abc import Sequence
from dataclasses import dataclass

ORDER_SUBJECT = "【楽天市場】注文内容ご確認（自動配信メール）"
CANCEL_SUBJECT = "【楽天市場】ご注文のキャンセルについて"
ORDER_SENDER = "order@mail.rms.rakuten.co.jp"
CANCEL_SENDER = "order-cancel@mail.rms.rakuten.co.jp"
STARS = "*" * 69


@dataclass(frozen=True)
class Item:
    """One item line of a mail; ``quantity`` is text as written, None leaves it out."""

    name: str
    code: str
    variant: str = ""
    quantity: str | None = "1"
    options: tuple[str, ...] = ()


def order_text(number: str, items: Sequence[Item], *, at: str | None = "2026-11-20 08:55:46", end: str = STARS) -> str:
    """The whole text; ``at`` None leaves the line 日時 out, ``end`` replaces the line that closes the items."""
    blocks = "----------\n".join(item_text(item) for item in items)
    time = "" if at is None else f"[日時]     {at}\n"
    return (
        "サンプルショップ 様\nこのメールは自動で配信しています。\n\n"
        f"[受注番号] {number}\n{time}[注文者]   （省略）\n"
        "[支払方法] クレジットカード\n[配送方法] 宅配便\n[配送日時指定:]\n[備考]\n[ショップ名] サンプルショップ（サンプル店）\n"
        f"==========\n[送付先]   （省略）\n[商品]\n{blocks}{end}\n"
        "小計     6,960(円)\n送料     0(円)\n合計     6,960(円)\n"
    )


def item_text(item: Item) -> str:
    """The lines of one item."""
    sku = f"SKU管理番号:{item.variant}\n" if item.variant else ""
    options = "".join(f"{option}\n" for option in item.options)
    quantity = "" if item.quantity is None else f" x {item.quantity}(個) = 5,960(円)"
    return f"{item.name}({item.code})\n{sku}{options}価格 2,980(円){quantity} ※10%税込\n"


def cancel_text(number: str, *, reason: str | None = None) -> str:
    """A cancel mail's text; what it says beside the number is not known, so it says little."""
    stated = "" if reason is None else f"[キャンセル理由] {reason}\n"
    return f"サンプルショップ 様\n\n下記のご注文がキャンセルされました。\n\n[受注番号] {number}\n{stated}[ショップ名] サンプルショップ\n"


def quoted(text: str) -> str:
    """The text as a mailer quotes it."""
    return "".join(f"> {line}\n" for line in text.splitlines())


def line_of(text: str, fragment: str, *, occurrence: int = 1) -> int:
    """The number, from 1, of the line with the fragment; asserts that there is one."""
    found = [number for number, line in enumerate(text.split("\n"), start=1) if fragment in line]
    return found[occurrence - 1]
