"""The sample mails of ショップサーブ with what each means: types A and B, encodings, forwarders, cancels, broken ones."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from adapters.kit.mail import write_mail

Sample = tuple[str, bytes, Mapping[str, object]]

SHOP = "shop@example.jp"
ORDER_SUBJECT = "【見本商店】ご注文の確認"
SENT_AT = datetime(2026, 11, 20, 9, 5, tzinfo=timezone(timedelta(hours=9)))
TOLD_AT = "2026-11-20T00:05:00Z"
ORDERED_AT = "2026-11-20T00:04:05Z"  # 2026年11月20日 09時04分05秒
ITEMS = (("AAA00018", "Tシャツ（レッド／S）", "2"), ("0012", "マグカップ①", "1"))


def line(code: str, quantity: int, ordinal: int, variant: str = "", **more: object) -> dict[str, object]:
    codes = [f"{code}/{variant}", code] if variant else []
    return {"item": code, "variant": variant, "quantity": quantity, "line_id": str(ordinal), "codes": codes, **more}


SHIRT = line("AAA00018", 2, 1, "レッド　／　S")
TWO_LINES = (SHIRT, line("0012", 1, 2))


def type_b(number: int, items: Sequence[tuple[str, str, str]] = ITEMS) -> str:
    """The body of type B: the headings before every item (NOTES.md, "Orders")."""
    goods = "".join(
        f"[品番] {code}\n[品名] {name}\n[単価] 1,980円\n[数量] {quantity}\n[小計] 3,960円\n"
        for code, name, quantity in items
    )
    return _around(number, goods)


def type_a(number: int, items: Sequence[tuple[str, str, str]] = ITEMS, rule: str = "") -> str:
    """The body of type A: the headings once, a row for every item."""
    rows = "".join(f"{code}　{name}　1,980円　{quantity}　3,960円\n" for code, name, quantity in items)
    return _around(number, f"品番　品名　単価　数量　小計\n{rule}{rows}{rule}")


def _around(number: int, goods: str) -> str:
    return (
        "見本 花子 様\n\nご注文ありがとうございます。\n\n"
        f"ご注文番号：{number}\nご注文日時：2026年11月20日 09時04分05秒\n\n"
        f"■ご注文内容\n{goods}\n商品合計：5,940円\n送料：0円\nお届け先：見本 花子 様\n"
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
    yield from _type_a()
    yield from _layouts()
    yield from _cancels()
    yield from _without_an_order()
    yield from _broken()


def _encodings() -> Iterator[Sample]:
    ways = (("iso-2022-jp", "7bit"), ("utf-8", "base64"), ("utf-8", "quoted-printable"), ("cp932", "8bit"))
    for number, (charset, transfer) in enumerate(ways, start=40_001):
        raw = mail(number, type_b(number), charset=charset, transfer=transfer)
        yield f"order-b-{charset}-{transfer}.eml", raw, order(number)


def _forwarded() -> Iterator[Sample]:
    number = 40_011
    fields = (
        f"From: 見本商店 <{SHOP}>\nDate: 2026年11月20日(金) 9:05\nSubject: {ORDER_SUBJECT}\nTo: <orders@example.jp>"
    )
    text = f"---------- Forwarded message ---------\n{fields}\n\n\n{type_b(number)}"
    raw = mail(
        number, text, subject=f"Fwd: {ORDER_SUBJECT}", sender="owner@example.jp", charset="utf-8", transfer="base64"
    )
    yield "order-b-forwarded.eml", raw, order(number)
    number = 40_012
    quoted = "\n".join(f"> {one}".rstrip() for one in type_a(number).split("\n"))
    raw = mail(number, f"転送します。\n\n{quoted}\n", subject=f"転送: {ORDER_SUBJECT}", sender="owner@example.jp")
    yield "order-a-quoted.eml", raw, order(number)
    number = 40_013
    body = "".join(f"<div>{one or '<br>'}</div>" for one in type_b(number).split("\n"))
    raw = mail(number, f"<html><body>{body}</body></html>", charset="utf-8", transfer="base64")
    yield "order-b-html-only.eml", raw.replace(b"text/plain", b"text/html"), order(number)


def _type_a() -> Iterator[Sample]:
    number = 40_021
    yield "order-a.eml", mail(number, type_a(number)), order(number)
    number = 40_022
    yield "order-a-ruled.eml", mail(number, type_a(number, rule="-" * 40 + "\n")), order(number)
    number = 40_023
    text = type_a(number).replace("　", "  ").replace("1,980円", "￥1,980").replace("3,960円", "￥3,960")
    yield "order-a-half-width-spaces.eml", mail(number, text), order(number)
    number = 40_024
    named = (("Ａ－１", "塩 500g 3個組（箱入）", "1,000"), ("B/2", "砂糖 10 円引き 2", "３"))
    lines = [line("Ａ－１", 1000, 1, "箱入"), line("B/2", 3, 2)]
    yield "order-a-names-like-columns.eml", mail(number, type_a(number, named)), order(number, lines)
    number = 40_025
    many = tuple((f"sku-{n:02d}", f"商品{n}番", str(n)) for n in range(1, 13))
    yield (
        "order-a-twelve-rows.eml",
        mail(number, type_a(number, many)),
        order(number, [line(f"sku-{n:02d}", n, n) for n in range(1, 13)]),
    )


def _layouts() -> Iterator[Sample]:
    bare = "ご注文番号：12345\n[品番] AAA00018\n[品名] Tシャツ（レッド／S）\n[単価] 1,980円\n[数量] 2\n[小計] 3,960円\n"
    yield "order-b-bare.eml", mail(12_345, bare), order(12_345, [SHIRT], ordered_at=None)
    number = 40_032
    text = type_b(number).replace("[品番]", "品番：").replace("[品名]", "品名：").replace("[数量] 2", "数量：２個")
    yield "order-b-colons.eml", mail(number, text), order(number)
    number = 40_033
    three = (("T1", "コート（ネイビー／Ｌ／裏地あり）", "1"), ("T2", "帽子 (黒)", "1"), ("T3", "傘（）", "1"))
    lines = [line("T1", 1, 1, "ネイビー　／　Ｌ　／　裏地あり"), line("T2", 1, 2, "黒"), line("T3", 1, 3)]
    yield "order-b-choices.eml", mail(number, type_b(number, three)), order(number, lines)
    number = 40_034
    text = type_b(number).replace("[数量] 2\n", "")
    unknown = line("AAA00018", 1, 1, "レッド　／　S", quantity_known=False)
    yield "order-b-quantity-missing.eml", mail(number, text), order(number, [unknown, TWO_LINES[1]])
    number = 40_035
    text = type_b(number).replace("2026年11月20日 09時04分05秒", "2026/11/20")
    yield "order-b-day-only.eml", mail(number, text), order(number, ordered_at=None, ordered_on="2026-11-20")
    number = 40_036
    raw = mail(number, type_b(number, ITEMS[:1]), subject="【見本商店】ご注文内容の変更")
    yield "changed.eml", raw, order(number, TWO_LINES[:1])


def _cancels() -> Iterator[Sample]:
    reasons = (
        ("buyer", "お客様のご都合"),
        ("out_of_stock", "在庫切れのため"),
        ("defective", "商品不良"),
        ("unknown", ""),
    )
    for number, (reason, said) in enumerate(reasons, start=40_041):
        stated = f"[キャンセル理由] {said}\n" if said else ""
        text = f"ご注文番号：{number}\n{stated}\n上記のご注文をキャンセルいたしました。\n"
        telling = {"order": str(number), "state": "cancelled", "complete": False, "told_at": TOLD_AT, "reason": reason}
        raw = mail(number, text, subject="【見本商店】ご注文のキャンセル")
        yield f"cancel-{reason.replace('_', '-')}.eml", raw, {"telling": telling}
    raw = mail(40_046, "ご注文番号：40046\n", subject="【見本商店】ご注文のキャンセル依頼")
    yield "cancel-only-asked-for.eml", raw, {"not_understood": {"rule": "cancel_request"}}


def _without_an_order() -> Iterator[Sample]:
    known = (
        ("paid_notice", "【見本商店】入金連絡メール"),
        ("shipping_notice", "【見本商店】発送連絡メール"),
        ("question", "お問い合わせを受け付けました"),
        ("stock_zero_notice", "【ショップサーブ】在庫通知メール"),
        ("member_notice", "会員登録ありがとうございます"),
    )
    for number, (kind, subject) in enumerate(known, start=40_051):
        yield f"ignored-{kind.replace('_', '-')}.eml", mail(number, type_b(number), subject=subject), {"ignored": kind}


def _broken() -> Iterator[Sample]:
    def wrong(name: str, text: str, rule: str, at: int | None, subject: str = ORDER_SUBJECT) -> Sample:
        return f"broken-{name}.eml", mail(1, text, subject=subject), {"not_understood": {"rule": rule, "line": at}}

    b, a = type_b(40_061), type_a(40_061)
    yield wrong("subject", b, "subject", None, "見本商店からのお知らせ")
    yield wrong("b-no-number", b.replace("ご注文番号", "番号"), "order_number", None)
    yield wrong("b-two-orders", b + type_b(40_062), "several_orders", 27)
    yield wrong("b-cut-short", b[: b.index("商品合計")], "items", 8)
    yield wrong("b-no-code", b.replace("[品番] 0012\n", ""), "item_code", 14)
    yield wrong("b-quantity-zero", b.replace("[数量] 2", "[数量] 0"), "quantity", 12)
    yield wrong("b-quantity-of-letters", b.replace("[数量] 2", "[数量] 二"), "quantity", 12)
    yield wrong("b-time", b.replace("2026年11月20日", "2026年13月20日"), "ordered_at", 6)
    yield wrong("a-no-rows", type_a(40_061, ()), "items", 9)
    yield wrong("a-cut-short", a[: a.index("0012")].rstrip("\n"), "items", 8)
    yield wrong("a-wrapped-row", a.replace("Tシャツ（レッド／S）", "Tシャツ\n（レッド／S）"), "table_row", 10)
    yield wrong("a-quantity-of-letters", a.replace("　2　", "　二　"), "quantity", 10)
    yield wrong("a-column-missing", a.replace("　3,960円\n0012", "\n0012"), "table_row", 10)
