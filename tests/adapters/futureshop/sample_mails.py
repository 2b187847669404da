"""The sample mails of futureshop with what each means: encodings, forwarders, layouts, cancels, ignored and broken ones."""

from collections.abc import Iterator, Mapping, Sequence

from adapters.kit.mail import write_mail
from tests.adapters.futureshop.mail_text import ORDERED_AT, TOLD_AT, Item, order_text, sent

Sample = tuple[str, bytes, Mapping[str, object]]
TWO = (Item("アラームクロック（レッド）", "gd1", "rd", "2"), Item("小物", "0012", "", "1個"))
TWO_LINES = (
    {"item": "gd1", "variant": "rd", "quantity": 2, "line_id": "1", "codes": ["gd1rd"]},
    {"item": "0012", "quantity": 1, "line_id": "2", "codes": ["0012"]},
)
SUBJECT = "ご注文ありがとうございます"


def mail_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample mail."""
    yield from _encodings()
    yield from _forwarded()
    yield from _layouts()
    yield from _cancels()
    yield from _ignored()
    yield from _broken()


def number(serial: int) -> str:
    return str(100_000_001_000 + serial)


def _mail(
    serial: int,
    text: str,
    *,
    subject: str = SUBJECT,
    sender: str = "shop@example.jp",
    charset: str = "iso-2022-jp",
    transfer: str = "7bit",
) -> bytes:
    return write_mail(
        subject=subject,
        sender=sender,
        recipient="owner@example.jp",
        sent_at=sent(),
        text=text,
        message_id=f"<sample-{serial}@example.jp>",
        charset=charset,
        transfer=transfer,
    )


def _order(serial: int, lines: Sequence[Mapping[str, object]], **more: object) -> dict[str, object]:
    telling = {
        "order": number(serial),
        "state": "confirmed",
        "complete": True,
        "told_at": TOLD_AT,
        "ordered_at": ORDERED_AT,
    }
    return {"telling": {**telling, "lines": list(lines), **more}}


def _encodings() -> Iterator[Sample]:
    ways = (
        ("iso-2022-jp", "7bit"),
        ("utf-8", "base64"),
        ("utf-8", "quoted-printable"),
        ("cp932", "8bit"),
        ("euc-jp", "base64"),
    )
    for serial, (charset, transfer) in enumerate(ways, start=1):
        raw = _mail(serial, order_text(number(serial), TWO), charset=charset, transfer=transfer)
        yield f"order-{charset}-{transfer}.eml", raw, _order(serial, TWO_LINES)


def _forwarded() -> Iterator[Sample]:
    quoted = "\n".join(f"> {line}".rstrip() for line in order_text(number(11), TWO).split("\n"))
    raw = _mail(11, f"転送します。\n\n{quoted}\n", subject=f"Fwd: {SUBJECT}", sender="owner@example.jp")
    yield "order-quoted.eml", raw, _order(11, TWO_LINES)


def _layouts() -> Iterator[Sample]:
    body = order_text(number(21), TWO).replace("　商品名", "\n商品名").replace("　単価", "\n単価")
    yield "order-one-label-a-line.eml", _mail(21, body), _order(21, TWO_LINES)
    body = order_text(number(22), (Item("サンプル", "gd1rd", "", "１，２００"),))
    line = {"item": "gd1rd", "quantity": 1200, "line_id": "1", "codes": ["gd1rd"]}
    yield "order-sku-and-full-width.eml", _mail(22, body), _order(22, [line])
    body = order_text(number(23), (Item("サンプル", "gd1", "rd", None),))
    line = {
        "item": "gd1",
        "variant": "rd",
        "quantity": 1,
        "quantity_known": False,
        "line_id": "1",
        "codes": ["gd1rd"],
    }
    yield "order-quantity-missing.eml", _mail(23, body), _order(23, [line])
    body = order_text(number(24), (Item("【予約】来月の商品", "gd9", "", "1"),))
    line = {"item": "gd9", "variant": "~preorder", "quantity": 1, "line_id": "1", "codes": ["gd9~preorder"]}
    yield "order-preorder.eml", _mail(24, body), _order(24, [line])
    body = order_text(number(25), TWO).replace("2026/11/20 09:04:05", "2026年11月20日")
    yield "order-day-only.eml", _mail(25, body), _order(25, TWO_LINES, ordered_at=None, ordered_on="2026-11-20")
    raw = _mail(27, order_text(number(27), TWO), subject="【ご入金待ち】ご注文ありがとうございます（発送まで3日）")
    yield "order-subject-with-notice-words.eml", raw, _order(27, TWO_LINES)
    raw = _mail(28, order_text(number(28), TWO), subject="ご注文内容変更のお知らせ")
    yield "order-changed.eml", raw, _order(28, TWO_LINES)
    twice = order_text(number(26), TWO)
    yield "order-the-same-mail-below-itself.eml", _mail(26, f"{twice}\n\n{twice}"), _order(26, TWO_LINES)


def _cancels() -> Iterator[Sample]:
    reasons = {
        "お客様都合": "buyer",
        "入金期限を過ぎたため": "unpaid",
        "在庫切れ（お客様のご都合）": "out_of_stock",
        "商品不良": "defective",
        "その他": "unknown",
    }
    for serial, (said, reason) in enumerate(reasons.items(), start=41):
        text = f"ご注文番号：{number(serial)}\nキャンセル理由：{said}\n\nご注文のキャンセルが完了しました。\n"
        telling = {
            "order": number(serial),
            "state": "cancelled",
            "complete": False,
            "told_at": TOLD_AT,
            "reason": reason,
        }
        raw = _mail(serial, text, subject="ご注文キャンセル完了のお知らせ")
        yield f"cancel-{reason.replace('_', '-')}.eml", raw, {"telling": telling}
    text = f"ご注文番号：{number(46)}\nキャンセルの依頼がありました。\n"
    raw = _mail(46, text, subject="注文キャンセル依頼のお知らせ")
    yield "cancel-only-asked-for.eml", raw, {"not_understood": {"rule": "cancel_request"}}


def _ignored() -> Iterator[Sample]:
    subjects = {
        "商品発送のお知らせ": "shipping_notice",
        "ご入金を確認いたしました": "payment_notice",
        "在庫数のお知らせ": "stock_zero_notice",
        "会員登録完了のお知らせ": "member_notice",
        "お問い合わせがありました": "question",
        "レビューが投稿されました": "review",
        "商品データ一括登録完了": "upload_result",
    }
    for serial, (subject, kind) in enumerate(subjects.items(), start=51):
        yield (
            f"ignored-{kind.replace('_', '-')}.eml",
            _mail(serial, "お知らせです。\n", subject=subject),
            {"ignored": kind},
        )


def _broken() -> Iterator[Sample]:
    whole = order_text(number(61), TWO)
    yield "broken-no-order-number.eml", _mail(61, whole.replace("ご注文番号", "番号")), _not("order_number", None)
    yield "broken-order-number.eml", _mail(61, whole.replace(number(61), "12345")), _not("order_number", 1)
    yield "broken-no-items.eml", _mail(61, whole.replace("■ご注文内容", "■お客様")), _not("items", None)
    yield "broken-cut-short.eml", _mail(61, whole[: whole.index("商品合計")]), _not("items", 4)
    yield "broken-no-code.eml", _mail(61, whole.replace("商品番号：gd1　枝番：rd　", "")), _not("code", 7)
    two = whole.replace("商品番号：gd1", "商品番号：gd1 商品番号：gd2")
    yield "broken-two-codes.eml", _mail(61, two), _not("code", 6)
    yield "broken-quantity-of-letters.eml", _mail(61, whole.replace("数量：2", "数量：二")), _not("quantity", 7)
    yield "broken-quantity-zero.eml", _mail(61, whole.replace("数量：2", "数量：0")), _not("quantity", 7)
    yield "broken-two-quantities.eml", _mail(61, whole.replace("数量：2", "数量：2 数量：3")), _not("quantity", 7)
    other = _mail(61, whole + f"\n受注番号：{number(62)}\n")
    yield "broken-two-orders.eml", other, _not("several_orders", 16)
    yield "broken-no-order-time.eml", _mail(61, whole.replace("ご注文日時：", "受付：")), _not("ordered_at", None)
    yield "broken-order-time.eml", _mail(61, whole.replace("2026/11/20", "2026/13/20")), _not("ordered_at", 2)
    yield "broken-other-mall.eml", _mail(61, "お世話になります。\n", subject="お取引について"), _not("subject", None)


def _not(rule: str, line: int | None) -> dict[str, object]:
    return {"not_understood": {"rule": rule, "line": line}}
