"""The sample mails of MakeShop with what each means: encodings, forwarders, layouts, cancels, ignored and broken ones."""

from collections.abc import Iterator, Mapping, Sequence

from adapters.kit.mail import write_mail
from tests.adapters.makeshop.mail_text import ORDERED_AT, TOLD_AT, Item, order_text, sent

Sample = tuple[str, bytes, Mapping[str, object]]
TWO = (Item("サンプルTシャツ（ブルー・M）", "item-01", "BL-M", "2個"), Item("小物", "0012", "", "1個"))
TWO_LINES = (
    {"item": "item-01", "variant": "BL-M", "quantity": 2, "line_id": "1", "codes": ["item-01/BL-M"]},
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
    return f"PB2026112009{serial:07d}"


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
    fields = f"From: サンプルショップ <shop@example.jp>\nDate: 2026年11月20日(金) 9:05\nSubject: {SUBJECT}\nTo: <owner@example.jp>"
    text = f"---------- Forwarded message ---------\n{fields}\n\n\n{order_text(number(12), TWO)}"
    raw = _mail(12, text, subject=f"Fwd: {SUBJECT}", sender="owner@example.jp", charset="utf-8", transfer="base64")
    yield "order-forwarded-below-a-header.eml", raw, _order(12, TWO_LINES)


def _layouts() -> Iterator[Sample]:
    body = order_text(number(21), TWO).replace(f"【注文番号：{number(21)}】\n", "")
    yield (
        "order-number-in-subject.eml",
        _mail(21, body, subject=f"{SUBJECT}【注文番号：{number(21)}】"),
        _order(21, TWO_LINES),
    )
    body = order_text(number(22), TWO).replace(f"【注文番号：{number(22)}】", f"注文番号　{number(22)}")
    yield "order-number-alone.eml", _mail(22, body), _order(22, TWO_LINES)
    raw = _mail(23, order_text(number(23), TWO), subject="【仮注文】決済が完了していません")
    yield "order-provisional.eml", raw, _order(23, TWO_LINES, state="provisional")
    body = order_text(number(24), (Item("サンプル", "item-01", "BL-M", None),))
    line = {
        "item": "item-01",
        "variant": "BL-M",
        "quantity": 1,
        "quantity_known": False,
        "line_id": "1",
        "codes": ["item-01/BL-M"],
    }
    yield "order-quantity-missing.eml", _mail(24, body), _order(24, [line])
    body = order_text(number(25), (Item("サンプル", "ｉｔｅｍ－０１", "", "１，２００"),))
    line = {"item": "ｉｔｅｍ－０１", "quantity": 1200, "line_id": "1", "codes": ["ｉｔｅｍ－０１"]}
    yield "order-full-width.eml", _mail(25, body, charset="utf-8", transfer="base64"), _order(25, [line])
    body = order_text(number(26), TWO).replace("2026年11月20日 09時04分05秒", "2026/11/20")
    yield "order-day-only.eml", _mail(26, body), _order(26, TWO_LINES, ordered_at=None, ordered_on="2026-11-20")
    body = order_text(number(27), (Item("[2] 名前に番号\n[9] のある商品", "item-01", "", "3点"),))
    line = {"item": "item-01", "quantity": 3, "line_id": "1", "codes": ["item-01"]}
    yield "order-name-like-a-row.eml", _mail(27, body.replace("[1] [2]", "[1] 「2」")), _order(27, [line])
    raw = _mail(28, order_text(number(28), TWO), subject="ご注文内容変更のお知らせ")
    yield "order-changed.eml", raw, _order(28, TWO_LINES)
    raw = _mail(30, order_text(number(30), TWO), subject="【ご入金待ち】ご注文ありがとうございます（発送まで3日）")
    yield "order-subject-with-notice-words.eml", raw, _order(30, TWO_LINES)
    twice = order_text(number(29), TWO)
    yield "order-the-same-mail-below-itself.eml", _mail(29, f"{twice}\n\n{twice}"), _order(29, TWO_LINES)


def _cancels() -> Iterator[Sample]:
    reasons = {
        "お客様都合": "buyer",
        "入金期限を過ぎたため": "unpaid",
        "在庫切れ（お客様のご都合）": "out_of_stock",
        "商品不良": "defective",
        "その他": "unknown",
    }
    for serial, (said, reason) in enumerate(reasons.items(), start=41):
        text = f"【注文番号：{number(serial)}】\nキャンセル理由：{said}\n\nご注文をキャンセルしました。\n"
        telling = {
            "order": number(serial),
            "state": "cancelled",
            "complete": False,
            "told_at": TOLD_AT,
            "reason": reason,
        }
        yield (
            f"cancel-{reason.replace('_', '-')}.eml",
            _mail(serial, text, subject="ご注文キャンセルのお知らせ"),
            {"telling": telling},
        )
    text = f"【注文番号：{number(46)}】\nキャンセルのご希望がありました。\n"
    yield (
        "cancel-only-asked-for.eml",
        _mail(46, text, subject="キャンセル依頼がありました"),
        {"not_understood": {"rule": "cancel_request"}},
    )
    text = "ご注文をキャンセルしました。\n"
    yield (
        "cancel-without-number.eml",
        _mail(47, text, subject="ご注文キャンセルのお知らせ"),
        {"not_understood": {"rule": "order_number"}},
    )


def _ignored() -> Iterator[Sample]:
    subjects = {
        "商品を発送いたしました【注文番号：PB20261120090000051】": "shipping_notice",
        "ご入金を確認いたしました": "payment_notice",
        "在庫切れ商品のお知らせ": "stock_zero_notice",
        "会員登録ありがとうございます": "member_notice",
        "お問い合わせがありました": "question",
        "レビューが投稿されました": "review",
    }
    for serial, (subject, kind) in enumerate(subjects.items(), start=51):
        yield (
            f"ignored-{kind.replace('_', '-')}.eml",
            _mail(serial, "お知らせです。\n", subject=subject),
            {"ignored": kind},
        )


def _broken() -> Iterator[Sample]:
    whole = order_text(number(61), TWO)
    yield "broken-no-order-number.eml", _mail(61, whole.replace(number(61), "P-1")), _not("order_number", 1)
    yield "broken-no-items.eml", _mail(61, whole.replace("■ご注文商品", "ご注文の品")), _not("items", None)
    yield "broken-cut-short.eml", _mail(61, whole[: whole.index("小計")]), _not("items", 4)
    without_codes = whole.replace("独自商品コード：item-01\nオプション独自コード：BL-M\n", "")
    yield "broken-without-own-codes.eml", _mail(61, without_codes), _not("code", 6)
    yield "broken-quantity-of-letters.eml", _mail(61, whole.replace("数量：2個", "数量：二個")), _not("quantity", 9)
    yield "broken-quantity-zero.eml", _mail(61, whole.replace("数量：2個", "数量：0個")), _not("quantity", 9)
    yield (
        "broken-two-quantities.eml",
        _mail(61, whole.replace("数量：2個", "数量：2個\n数量：3個")),
        _not("quantity", 10),
    )
    yield "broken-two-orders.eml", _mail(61, whole + f"\n前回のご注文番号：{number(62)}\n"), _not("several_orders", 20)
    yield "broken-no-order-time.eml", _mail(61, whole.replace("注文日時：", "受付：")), _not("ordered_at", None)
    yield "broken-order-time.eml", _mail(61, whole.replace("2026年11月20日", "2026年13月20日")), _not("ordered_at", 2)
    yield (
        "broken-other-mall.eml",
        _mail(61, "いつもお世話になっております。\n", subject="お取引について"),
        _not("subject", None),
    )


def _not(rule: str, line: int | None) -> dict[str, object]:
    return {"not_understood": {"rule": rule, "line": line}}
