"""The sample mails of カラーミーショップ with what each means: layouts, encodings, forwarders, cancels, broken ones."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from adapters.kit.mail import write_mail

Sample = tuple[str, bytes, Mapping[str, object]]

SHOP = "shop@example.jp"
ORDER_SUBJECT = "ご注文ありがとうございます（見本商店）"
SENT_AT = datetime(2026, 11, 20, 9, 5, tzinfo=timezone(timedelta(hours=9)))
TOLD_AT = "2026-11-20T00:05:00Z"
ORDERED_AT = "2026-11-20T00:04:05Z"  # 2026年11月20日 09:04:05
ITEMS = (("Tシャツ(赤 x S)", "T-223-RED-S", "2"), ("マグカップ①", "0012", "1"))


def line(code: str, quantity: int, ordinal: int, **more: object) -> dict[str, object]:
    return {"item": code, "quantity": quantity, "line_id": str(ordinal), "codes": [code], **more}


TWO_LINES = (line("T-223-RED-S", 2, 1), line("0012", 1, 2))


def order_text(number: int, items: Sequence[tuple[str, str, str]] = ITEMS) -> str:
    """The body as the default template is assumed to write it (NOTES.md, "Order mail")."""
    goods = "--------------------\n".join(
        f"[商品名] {name}\n[型番] {code}\n[価格] 1,980円\n[数量] {quantity}\n[小計] 3,960円\n"
        for name, code, quantity in items
    )
    return (
        "見本 花子 様\n\nご注文ありがとうございます。\n\n"
        f"[受注番号] {number}\n[受注日時] 2026年11月20日 09:04:05\n\n"
        f"■ご注文内容\n{goods}\n■商品合計 5,940円\n■お届け先\n[お名前] 見本 花子\n"
    )


def mail(
    number: int,
    text: str,
    *,
    subject: str = ORDER_SUBJECT,
    sender: str = SHOP,
    charset: str = "iso-2022-jp",
    transfer: str = "7bit",
) -> bytes:
    return write_mail(
        subject=subject,
        sender=sender,
        recipient="orders@example.jp",
        sent_at=SENT_AT,
        text=text,
        message_id=f"<sample-{number}@example.jp>",
        charset=charset,
        transfer=transfer,
    )


def order(number: int, lines: Sequence[Mapping[str, object]] = TWO_LINES, **more: object) -> dict[str, object]:
    telling = {
        "order": str(number),
        "state": "confirmed",
        "complete": True,
        "told_at": TOLD_AT,
        "ordered_at": ORDERED_AT,
        "lines": list(lines),
    }
    return {"telling": {**telling, **more}}


def mail_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample mail."""
    yield from _encodings()
    yield from _forwarded()
    yield from _layouts()
    yield from _cancels()
    yield from _without_an_order()
    yield from _broken()


def _encodings() -> Iterator[Sample]:
    ways = (("iso-2022-jp", "7bit"), ("utf-8", "base64"), ("utf-8", "quoted-printable"), ("cp932", "8bit"))
    for number, (charset, transfer) in enumerate(ways, start=30_000_001):
        yield (
            f"order-{charset}-{transfer}.eml",
            mail(number, order_text(number), charset=charset, transfer=transfer),
            order(number),
        )
    number = 30_000_005
    raw = mail(number, order_text(number), charset="cp932", transfer="8bit").replace(b"charset=cp932", b"charset=utf-8")
    yield "order-charset-wrong.eml", raw, order(number)


def _forwarded() -> Iterator[Sample]:
    number = 30_000_011
    fields = (
        f"From: 見本商店 <{SHOP}>\nDate: 2026年11月20日(金) 9:05\nSubject: {ORDER_SUBJECT}\nTo: <orders@example.jp>"
    )
    text = f"---------- Forwarded message ---------\n{fields}\n\n\n{order_text(number)}"
    raw = mail(
        number, text, subject=f"Fwd: {ORDER_SUBJECT}", sender="owner@example.jp", charset="utf-8", transfer="base64"
    )
    yield "order-forwarded.eml", raw, order(number)
    number = 30_000_012
    quoted = "\n".join(f"> {one}".rstrip() for one in order_text(number).split("\n"))
    raw = mail(number, f"転送します。\n\n{quoted}\n", subject=f"転送: {ORDER_SUBJECT}", sender="owner@example.jp")
    yield "order-quoted.eml", raw, order(number)
    number = 30_000_013
    body = "".join(f"<div>{one or '<br>'}</div>" for one in order_text(number).split("\n"))
    raw = mail(number, f"<html><body>{body}</body></html>", charset="utf-8", transfer="base64")
    yield "order-html-only.eml", raw.replace(b"text/plain", b"text/html"), order(number)
    number = 30_000_014
    twice = order_text(number) + "\n-----元のメッセージ-----\n\n" + order_text(number)
    yield "order-the-same-mail-below-itself.eml", mail(number, twice, subject=f"Re: {ORDER_SUBJECT}"), order(number)


def _layouts() -> Iterator[Sample]:
    number = 12_345_678
    bare = f"[受注番号] {number}\n[商品名] Tシャツ(赤 x S)\n[型番] T-223-RED-S\n[数量] 2\n"
    yield "order-bare.eml", mail(number, bare), order(number, [TWO_LINES[0]], ordered_at=None)
    number = 30_000_022
    wide = order_text(number).replace("[", "［").replace("]", "］").replace("[数量] 2", "[数量] ２")
    yield "order-wide-brackets.eml", mail(number, wide), order(number)
    number = 30_000_023
    text = order_text(number, (("クリアファイル", "file-a4", "1,000枚"), ("名札", "Ａ－１", "３個")))
    yield "order-counters.eml", mail(number, text), order(number, [line("file-a4", 1000, 1), line("Ａ－１", 3, 2)])
    number = 30_000_024
    text = order_text(number).replace("[数量] 2\n", "")
    unknown = line("T-223-RED-S", 1, 1, quantity_known=False)
    yield "order-quantity-missing.eml", mail(number, text), order(number, [unknown, TWO_LINES[1]])
    number = 30_000_025
    text = order_text(number).replace("2026年11月20日 09:04:05", "2026年11月20日")
    yield "order-day-only.eml", mail(number, text), order(number, ordered_at=None, ordered_on="2026-11-20")
    number = 30_000_026
    many = tuple((f"商品{n}番", f"sku-{n:02d}", str(n)) for n in range(1, 13))
    lines = [line(f"sku-{n:02d}", n, n) for n in range(1, 13)]
    yield "order-twelve-lines.eml", mail(number, order_text(number, many)), order(number, lines)
    number = 30_000_027
    text = order_text(number, ITEMS[:1])
    subject = "ご注文内容の変更のお知らせ（見本商店）"
    yield "changed.eml", mail(number, text, subject=subject), order(number, TWO_LINES[:1])


def _cancels() -> Iterator[Sample]:
    reasons = (
        ("buyer", "お客様のご都合"),
        ("out_of_stock", "在庫切れのため"),
        ("unpaid", "入金期限切れ"),
        ("unknown", ""),
    )
    for number, (reason, said) in enumerate(reasons, start=30_000_041):
        stated = f"[キャンセル理由] {said}\n" if said else ""
        text = f"[受注番号] {number}\n{stated}\n上記のご注文はキャンセルとなりました。\n"
        telling = {"order": str(number), "state": "cancelled", "complete": False, "told_at": TOLD_AT, "reason": reason}
        raw = mail(number, text, subject="ご注文のキャンセルについて（見本商店）")
        yield f"cancel-{reason.replace('_', '-')}.eml", raw, {"telling": telling}
    raw = mail(30_000_046, "[受注番号] 30000046\n", subject="ご注文のキャンセル依頼がありました")
    yield "cancel-only-asked-for.eml", raw, {"not_understood": {"rule": "cancel_request"}}


def _without_an_order() -> Iterator[Sample]:
    known = (
        ("paid_notice", "ご入金を確認いたしました（見本商店）"),
        ("shipping_notice", "商品発送のお知らせ（見本商店）"),
        ("question", "お問い合わせを受け付けました"),
        ("member_notice", "会員登録ありがとうございます"),
        ("stock_zero_notice", "在庫切れ商品のお知らせ"),
    )
    for number, (kind, subject) in enumerate(known, start=30_000_051):
        raw = mail(number, order_text(number), subject=subject)
        yield f"ignored-{kind.replace('_', '-')}.eml", raw, {"ignored": kind}


def _broken() -> Iterator[Sample]:
    def wrong(name: str, text: str, rule: str, at: int | None, subject: str = ORDER_SUBJECT) -> Sample:
        return f"broken-{name}.eml", mail(1, text, subject=subject), {"not_understood": {"rule": rule, "line": at}}

    good = order_text(30_000_061)
    yield wrong("subject", good, "subject", None, "見本商店からのお知らせ")
    yield wrong("no-number", good.replace("[受注番号]", "[番号]"), "order_number", None)
    yield wrong("number-of-another-mall", good.replace("30000061", "402853-20261120-0220534167"), "order_number", 5)
    yield wrong("two-orders", good + order_text(30_000_062), "several_orders", 28)
    yield wrong("cut-short", good[: good.index("■商品合計")], "items", 8)
    yield wrong(
        "no-items", good.replace("[商品名]", "[品]").replace("[型番]", "[番]").replace("[数量]", "[個]"), "items", 9
    )
    yield wrong("no-code", good.replace("[型番] 0012\n", ""), "item_code", 15)
    yield wrong("two-quantities", good.replace("[数量] 1\n", "[数量] 1\n[数量] 2\n"), "quantity_twice", 19)
    yield wrong("quantity-zero", good.replace("[数量] 2", "[数量] 0"), "quantity", 12)
    yield wrong("quantity-of-letters", good.replace("[数量] 2", "[数量] 二"), "quantity", 12)
    yield wrong("quantity-negative", good.replace("[数量] 2", "[数量] -2"), "quantity", 12)
    yield wrong("quantity-fraction", good.replace("[数量] 2", "[数量] 2.5"), "quantity", 12)
    yield wrong("time", good.replace("2026年11月20日", "2026年13月20日"), "ordered_at", 6)
