"""The sample mails of Amazon with what each means: today's form, the older form, encodings, cancels, notices, broken ones."""

import quopri
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from adapters.kit.japanese_writing import encode_subject
from adapters.kit.mail import write_mail

Sample = tuple[str, bytes, Mapping[str, object]]

JST = timezone(timedelta(hours=9))
SENT = datetime(2026, 11, 20, 9, 5, 0, tzinfo=JST)
TOLD_AT = "2026-11-20T00:05:00Z"
NOW_SENDER = "seller-notification@amazon.co.jp"
OLD_SENDER = "do-not-reply@amazon.co.jp"
ORDER = "249-8883596-5682228"
SUBJECT = "注文確定： SKU-001 サンプル商品"
OLD_SUBJECT = "【Amazon.co.jp】商品を出荷してください"
END = "- - - - - - - - - - - - - - -"


def mail_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample mail."""
    yield from _of_today()
    yield from _older()
    yield from _forwarded()
    yield from _cancels()
    yield from _without_an_order()
    yield from _broken()


def text_of_today(*, order: str = ORDER, sku: str | None = "SKU-001", quantity: str | None = None) -> str:
    """The body of the mail Amazon sends now."""
    lines = [
        "Amazonで新規の注文がありました。",
        "出荷予定日2026/11/24までに商品の出荷を完了してください。",
        "",
        "注文の詳細",
        f"注文番号：{order}",
        "注文日：2026/11/20",
        "商品名：サンプル商品",
        *([] if sku is None else [f"SKU：{sku}"]),
        *([] if quantity is None else [f"数量：{quantity}"]),
        "売上金：12,800円",
        "",
    ]
    return "\n".join(lines)


def older_text(items: Sequence[tuple[str, str]], *, order: str = ORDER, end: str = END) -> str:
    """The body of the older mail; an item is its SKU and its quantity."""
    blocks = "\n---------\n".join(
        f"商品: サンプル商品 (数量限定)\nSKU: {sku}\n数量: {quantity}\n価格: ￥1,980" for sku, quantity in items
    )
    return (
        f"Amazon.co.jpをご利用いただきありがとうございます。\n\n注文番号: {order}\n注文日: 2026/11/20\n\n"
        f"---------\n{blocks}\n{end}\nこのメールは配信専用です。\n"
    )


def mail(
    text: str,
    *,
    subject: str = SUBJECT,
    sender: str = NOW_SENDER,
    charset: str = "utf-8",
    transfer: str = "base64",
) -> bytes:
    """The mail as Amazon sends it."""
    return write_mail(
        subject=subject,
        sender=sender,
        recipient="shop@example.jp",
        sent_at=SENT,
        text=text,
        message_id="<sample@amazon.co.jp>",
        charset=charset,
        transfer=transfer,
    )


def html_mail(text: str, *, subject: str = SUBJECT) -> bytes:
    """The mail with HTML only, quoted-printable, every line a row of a table."""
    rows = "".join(f"<tr><td>{line}</td></tr>" for line in text.split("\n"))
    body = quopri.encodestring(f"<html><body><style>td {{}}</style><table>{rows}</table></body></html>".encode())
    headers = (
        f"From: Amazon <{NOW_SENDER}>\r\nTo: shop@example.jp\r\nSubject: {encode_subject(subject, 'utf-8')}\r\n"
        "Date: Fri, 20 Nov 2026 09:05:00 +0900\r\nMessage-ID: <sample@amazon.co.jp>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return headers.encode("ascii") + body.replace(b"\n", b"\r\n")


def order(lines: Sequence[Mapping[str, object]], *, complete: bool, **more: object) -> dict[str, object]:
    """A want's telling."""
    telling = {
        "order": ORDER,
        "state": "confirmed",
        "complete": complete,
        "told_at": TOLD_AT,
        "ordered_on": "2026-11-20",
        "lines": list(lines),
    }
    return {"telling": telling | more}


UNKNOWN = {"item": "SKU-001", "quantity": 1, "quantity_known": False}


def _of_today() -> Iterator[Sample]:
    one = order([UNKNOWN], complete=False)
    yield "order-today.eml", mail(text_of_today()), one
    yield "order-today-html-only.eml", html_mail(text_of_today()), one
    yield "order-today-iso-2022-jp.eml", mail(text_of_today(), charset="iso-2022-jp", transfer="7bit"), one
    known = order([{"item": "SKU-001", "quantity": 3}], complete=False)
    yield "order-today-with-quantity.eml", mail(text_of_today(quantity="3")), known
    yield "order-today-quantity-full-width.eml", mail(text_of_today(quantity="　３個")), known
    yield "order-today-sku-in-subject.eml", mail(text_of_today(sku=None)), one
    odd = order([{"item": "カップ 01/白", "quantity": 2}], complete=False)
    yield "order-today-sku-with-space-and-slash.eml", mail(text_of_today(sku="カップ 01/白", quantity="2")), odd
    wide = order([{"item": "ＳＫＵ－０１", "quantity": 2}], complete=False)
    yield "order-today-sku-full-width.eml", mail(text_of_today(sku="ＳＫＵ－０１", quantity="2")), wide
    zeros = order([{"item": "0001", "quantity": 1000}], complete=False)
    yield "order-today-leading-zeros-1000.eml", mail(text_of_today(sku="0001", quantity="1,000")), zeros


def _older() -> Iterator[Sample]:
    lines = [
        {"item": "SKU-001", "quantity": 2, "line_id": "1"},
        {"item": "sku-001", "quantity": 1, "line_id": "2"},
    ]
    two = order(lines, complete=True)
    text = older_text([("SKU-001", "2"), ("sku-001", "1")])
    yield "order-older.eml", mail(text, subject=OLD_SUBJECT, sender=OLD_SENDER), two
    for charset, transfer in (
        ("iso-2022-jp", "7bit"),
        ("cp932", "8bit"),
        ("euc-jp", "base64"),
        ("utf-8", "quoted-printable"),
    ):
        raw = mail(text, subject=OLD_SUBJECT, sender=OLD_SENDER, charset=charset, transfer=transfer)
        yield f"order-older-{charset}-{transfer}.eml", raw, two
    single = order([{"item": "SKU-001", "quantity": 1, "line_id": "1"}], complete=True)
    yield (
        "order-older-one-line.eml",
        mail(older_text([("SKU-001", "1")]), subject=OLD_SUBJECT, sender=OLD_SENDER),
        single,
    )


def _forwarded() -> Iterator[Sample]:
    one = order([UNKNOWN], complete=False)
    quoted = "\n".join(
        [
            "Begin forwarded message:",
            "",
            f"From: Amazon <{NOW_SENDER}>",
            f"Subject: {SUBJECT}",
            "Date: 2026/11/20 9:05",
            "",
            *text_of_today().split("\n"),
        ]
    )
    yield "order-forwarded-below-a-header.eml", mail(quoted, subject=f"Fwd: {SUBJECT}", sender="me@example.jp"), one
    marked = "\n".join(f"> {line}" for line in text_of_today().split("\n"))
    yield "order-forwarded-quoted.eml", mail(marked, subject=f"Fw: {SUBJECT}", sender="me@example.jp"), one


def _cancels() -> Iterator[Sample]:
    text = f"Amazon.co.jp\n次の注文がキャンセルされました。\n注文番号: {ORDER}\n"
    want = order([], complete=False, state="cancelled", ordered_on=None, reason="unknown")
    yield "cancel.eml", mail(text, subject=f"注文がキャンセルされました（{ORDER}）", sender=OLD_SENDER), want
    asked = mail(text, subject=f"注文がキャンセルされましたか？キャンセルリクエスト {ORDER}", sender=OLD_SENDER)
    yield "cancel-only-asked-for.eml", asked, {"not_understood": {"rule": "cancel_request"}}


def _without_an_order() -> Iterator[Sample]:
    notices = (
        (
            "ignored-customer-copy",
            "Amazon.co.jpでのご注文 249-8883596-5682228",
            "auto-confirm@amazon.co.jp",
            "customer_copy",
        ),
        (
            "ignored-shipping-notice",
            "Amazon.co.jp ご注文の発送 (249-8883596-5682228)",
            "ship-confirm@amazon.co.jp",
            "shipping_notice",
        ),
        ("ignored-shipping-reminder", "出荷期限が近づいています", NOW_SENDER, "shipping_reminder"),
        ("ignored-fba-notice", "FBA納品プランが受領されました", OLD_SENDER, "fba_notice"),
        ("ignored-question", "購入者からのメッセージ", "x1@marketplace.amazon.co.jp", "question"),
        ("ignored-review", "評価のお知らせ", OLD_SENDER, "review"),
        ("ignored-payment-notice", "お支払いのお知らせ", OLD_SENDER, "payment_notice"),
        ("ignored-return-notice", "返品リクエストのお知らせ", OLD_SENDER, "return_notice"),
    )
    for name, subject, sender, kind in notices:
        yield f"{name}.eml", mail("Amazon.co.jp\nお知らせ\n", subject=subject, sender=sender), {"ignored": kind}


def _broken() -> Iterator[Sample]:
    today = text_of_today
    for name, text, rule, line in (
        ("no-order-number", today().replace("注文番号", "番号"), "order_number", None),
        ("order-number-not-one", today(order="249-8883596"), "order_number", 5),
        ("two-orders", today() + "関連する注文 250-1234567-0000002\n", "several_orders", 10),
        ("quantity-zero", today(quantity="0"), "quantity", 9),
        ("quantity-of-letters", today(quantity="多数"), "quantity", 9),
        ("quantity-too-large", today(quantity="99999999"), "quantity", 9),
        ("two-skus", today() + "SKU：SKU-002\n", "sku_twice", 10),
        ("sku-too-long", today(sku="A" * 41), "sku", 8),
        ("order-day", today().replace("2026/11/20", "2026/13/40"), "ordered_at", 6),
    ):
        want: Mapping[str, object] = {"not_understood": {"rule": rule, "line": line}}
        yield f"broken-{name}.eml", mail(text), want
    old = older_text([("SKU-001", "2"), ("SKU-002", "1")])
    for name, text, rule, line in (
        ("older-cut-short", old.split(END)[0], "items_end", None),
        ("older-no-items", older_text([]).replace("商品: ", ""), "items", None),
        ("older-block-without-sku", old.replace("SKU: SKU-002\n", ""), "sku", 12),
        ("older-quantity-zero", old.replace("数量: 1", "数量: 0"), "quantity", 14),
    ):
        want = {"not_understood": {"rule": rule, "line": line}}
        yield f"broken-{name}.eml", mail(text, subject=OLD_SUBJECT, sender=OLD_SENDER), want
    other = mail("注文番号：249-8883596-5682228\nSKU：SKU-001\n", sender="order@example.jp")
    yield "other-sender-with-a-like-subject.eml", other, {"not_understood": {"rule": "sender"}}
    unknown = mail("Amazon.co.jp\n", subject="新しいお知らせ")
    yield "unknown-subject.eml", unknown, {"not_understood": {"rule": "subject"}}
    no_sku = mail(text_of_today(sku=None), subject="注文確定：")
    yield "broken-no-sku.eml", no_sku, {"not_understood": {"rule": "sku"}}
