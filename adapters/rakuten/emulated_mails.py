"""The order and cancel mails of the emulated mall: as NOTES.md says they look, with invented goods and no persons."""

from datetime import datetime

from adapters.kit.mail import write_mail
from adapters.kit.order_mail import JST

ORDER_SUBJECT = "【楽天市場】注文内容ご確認（自動配信メール）"
CANCEL_SUBJECT = "【楽天市場】ご注文のキャンセルについて"
PRICE = 2_980

MailLine = tuple[str, str, str, int]  # name, 商品番号, SKU管理番号 and units

_HEAD = """サンプルショップ 様
このメールはお客様の注文に関する大切なメールです。

[受注番号] {number}
[日時]     {ordered_at:%Y-%m-%d %H:%M:%S}
[注文者]   （省略）
[支払方法] クレジットカード
[配送方法] 宅配便
[配送日時指定:]
[備考]
[ショップ名] サンプルショップ（㈱サンプル①号店・髙島）
==========
[送付先]   （省略）
[商品]
"""
_TAIL = """*********************************************************************
小計     {total:,}(円)
送料     0(円)
合計     {total:,}(円)
"""


def order_mail(*, number: str, ordered_at: datetime, lines: tuple[MailLine, ...], base64: bool) -> bytes:
    """The shop's copy of 注文内容ご確認: UTF-8 in base64, else ISO-2022-JP as Windows mailers write it."""
    items = "----------\n".join(_item(line) for line in lines)
    total = sum(PRICE * units for _, _, _, units in lines)
    text = _HEAD.format(number=number, ordered_at=ordered_at.astimezone(JST)) + items + _TAIL.format(total=total)
    return _mail(ORDER_SUBJECT, "order@mail.rms.rakuten.co.jp", f"order-{number}", ordered_at, text, base64=base64)


def cancel_mail(*, number: str, cancelled_at: datetime, base64: bool) -> bytes:
    """The shop's copy of a cancel: it names the order and nothing of it."""
    text = f"サンプルショップ 様\n\n下記のご注文がキャンセルされました。\n\n[受注番号] {number}\n[ショップ名] サンプルショップ\n"
    return _mail(
        CANCEL_SUBJECT, "order-cancel@mail.rms.rakuten.co.jp", f"cancel-{number}", cancelled_at, text, base64=base64
    )


def _item(line: MailLine) -> str:
    name, item_number, variant, units = line
    sku = f"SKU管理番号:{variant}\n" if variant else ""
    return f"{name}({item_number})\n{sku}価格 {PRICE:,}(円) x {units:,}(個) = {PRICE * units:,}(円) ※10%税込\n"


def _mail(subject: str, sender: str, name: str, sent_at: datetime, text: str, *, base64: bool) -> bytes:
    return write_mail(
        subject=subject,
        sender=sender,
        recipient="shop@example.jp",
        sent_at=sent_at,
        text=text,
        message_id=f"<{name}@mail.rms.rakuten.co.jp>",
        charset="utf-8" if base64 else "iso-2022-jp",
        transfer="base64" if base64 else "7bit",
    )
