"""The sample mails of SHOPLIST with what each means. Their layout is the profile's, not the mall's: that was never seen."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from adapters.kit.mail import write_mail

Sample = tuple[str, bytes, Mapping[str, object]]

JST = timezone(timedelta(hours=9))
SENT_AT = datetime(2026, 11, 20, 9, 5, 0, tzinfo=JST)
TOLD_AT = "2026-11-20T00:05:00Z"
ORDERED_AT = "2026-11-20T00:04:05Z"
ORDER_SUBJECT = "【SHOPLIST】ご注文がありました"
CANCEL_SUBJECT = "【SHOPLIST】ご注文キャンセルのお知らせ"
NUMBER = "12345678"

BRACKETS = """サンプルショップ 様

[受注番号] 12345678
[受注日時] 2026-11-20 09:04:05

【ご注文商品】
[商品名] Tシャツ(赤 x S) 数量限定
[型番] T-223-RED-S
[数量] 2

[商品名] ㈱サンプル①ワンピース
[商品番号] op100
[横子番号] -m
[縦子番号] -black
[数量] 1

小計：5,970円
送料：0円
合計：5,970円
"""
COLONS = """ご注文番号：100000001190
ご注文日時：2026年11月20日 09時04分05秒

■ご注文内容
商品番号：gd1  商品名：アラームクロック（レッド）
数量：1  単価：3,055円
商品番号：gd2  商品名：マグ
横子番号：-s  縦子番号：-red
数量：１２個  単価：500円
────────────
商品合計 9,055円
"""
PLAIN_BRACKETS = """[受注番号] 12345678
[商品名] Tシャツ(赤 x S)
[型番] T-223-RED-S
[数量] 2
"""
PLAIN_COLONS = """ご注文番号：100000001190
商品番号：gd1  商品名：アラームクロック（レッド）
数量：1  単価：3,055円
"""
BRACKET_LINES = (
    {"item": "T-223-RED-S", "quantity": 2, "line_id": "1", "codes": ["T-223-RED-S"]},
    {"item": "op100", "variant": "-m/-black", "quantity": 1, "line_id": "2", "codes": ["op100-m-black"]},
)
COLON_LINES = (
    {"item": "gd1", "quantity": 1, "line_id": "1", "codes": ["gd1"]},
    {"item": "gd2", "variant": "-s/-red", "quantity": 12, "line_id": "2", "codes": ["gd2-s-red"]},
)


def mail_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample mail."""
    yield from _encodings()
    yield from _orders()
    yield from _cancels()
    yield from _without_an_order()
    yield from _broken()


def mail(
    text: str,
    *,
    subject: str = ORDER_SUBJECT,
    charset: str = "iso-2022-jp",
    transfer: str = "7bit",
    sender: str = "order@shoplist.invalid",
) -> bytes:
    """A mail as the mall would send it."""
    return write_mail(
        subject=subject,
        sender=sender,
        recipient="sample-shop@example.jp",
        sent_at=SENT_AT,
        text=text,
        message_id="<sample@shoplist.invalid>",
        charset=charset,
        transfer=transfer,
    )


def _telling(lines: Sequence[Mapping[str, object]], **more: object) -> Mapping[str, object]:
    said = {
        "order": NUMBER,
        "state": "confirmed",
        "complete": True,
        "told_at": TOLD_AT,
        "ordered_at": ORDERED_AT,
        "lines": list(lines),
    }
    return {"telling": said | more}


def _cancelled(lines: Sequence[Mapping[str, object]] = (), reason: str = "unknown") -> Mapping[str, object]:
    return _telling(lines, state="cancelled", complete=False, ordered_at=None, reason=reason)


def _encodings() -> Iterator[Sample]:
    for charset, transfer in (
        ("iso-2022-jp", "7bit"),
        ("utf-8", "base64"),
        ("utf-8", "quoted-printable"),
        ("cp932", "8bit"),
        ("euc-jp", "base64"),
    ):
        yield (
            f"order-{charset}-{transfer}.eml",
            mail(BRACKETS, charset=charset, transfer=transfer),
            _telling(BRACKET_LINES),
        )


def _orders() -> Iterator[Sample]:
    yield "order-colons.eml", mail(COLONS), _telling(COLON_LINES, order="100000001190")
    plain = _telling(BRACKET_LINES[:1], ordered_at=None)
    yield "order-plain-brackets.eml", mail(PLAIN_BRACKETS), plain
    plain = _telling(COLON_LINES[:1], order="100000001190", ordered_at=None)
    yield "order-plain-colons.eml", mail(PLAIN_COLONS), plain
    forwarded = mail(BRACKETS, subject=f"Fwd: {ORDER_SUBJECT}", sender="shop@example.jp")
    yield "order-forwarded.eml", forwarded, _telling(BRACKET_LINES)
    quoted = "".join(f"> {line}\n" for line in BRACKETS.split("\n"))
    yield "order-forwarded-quoted.eml", mail(quoted, subject=f"Fwd: {ORDER_SUBJECT}"), _telling(BRACKET_LINES)
    day = BRACKETS.replace("[受注日時] 2026-11-20 09:04:05", "[受注日] 2026/11/20")
    yield "order-known-by-date.eml", mail(day), _telling(BRACKET_LINES, ordered_at=None, ordered_on="2026-11-20")
    silent = BRACKETS.replace("[受注日時] 2026-11-20 09:04:05\n", "")
    yield "order-without-time.eml", mail(silent), _telling(BRACKET_LINES, ordered_at=None)
    missing = BRACKETS.replace("[数量] 1\n", "")
    unknown = ({**BRACKET_LINES[1], "quantity_known": False},)
    yield "order-quantity-missing.eml", mail(missing), _telling((BRACKET_LINES[0], *unknown))
    many = BRACKETS.replace("[数量] 2", "[数量] 1,000")
    yield "order-quantity-1000.eml", mail(many), _telling(({**BRACKET_LINES[0], "quantity": 1000}, BRACKET_LINES[1]))
    zeros = BRACKETS.replace("T-223-RED-S", "00123")
    line = {**BRACKET_LINES[0], "item": "00123", "codes": ["00123"]}
    yield "order-leading-zeros.eml", mail(zeros), _telling((line, BRACKET_LINES[1]))
    both = BRACKETS.replace("[商品番号] op100", "[商品管理番号] page-9\n[商品番号] op100")
    named = {**BRACKET_LINES[1], "item": "page-9", "codes": ["page-9-m-black", "op100-m-black"]}
    yield "order-two-codes-of-one-item.eml", mail(both), _telling((BRACKET_LINES[0], named))
    changed = BRACKETS.replace("[数量] 2", "[数量] 3")
    lines = ({**BRACKET_LINES[0], "quantity": 3}, BRACKET_LINES[1])
    yield "order-changed.eml", mail(changed, subject="【SHOPLIST】ご注文内容変更のお知らせ"), _telling(lines)


def _cancels() -> Iterator[Sample]:
    head = "下記のご注文がキャンセルされました。\n\n[受注番号] 12345678\n"
    yield "cancel.eml", mail(head, subject=CANCEL_SUBJECT), _cancelled()
    for reason, said in (("buyer", "お客様都合"), ("out_of_stock", "欠品のため"), ("unpaid", "入金期限切れ")):
        raw = mail(f"{head}[キャンセル理由] {said}\n", subject=CANCEL_SUBJECT)
        yield f"cancel-{reason}.eml", raw, _cancelled(reason=reason)
    part = f"{head}\n【ご注文商品】\n[商品番号] op100\n[横子番号] -m\n[縦子番号] -black\n[数量] 1\n合計：1,990円\n"
    lines = ({**BRACKET_LINES[1], "line_id": "1"},)
    yield "cancel-of-one-item.eml", mail(part, subject="【SHOPLIST】ご注文の一部キャンセル"), _cancelled(lines)
    yield (
        "cancel-asked-for.eml",
        mail(head, subject="【SHOPLIST】キャンセル依頼のお知らせ"),
        {"not_understood": {"rule": "cancel_request"}},
    )


def _without_an_order() -> Iterator[Sample]:
    for kind, subject in (
        ("shipping_notice", "【SHOPLIST】ご注文商品の発送のお知らせ"),
        ("upload_result", "【SHOPLIST】CSV処理結果のお知らせ"),
        ("stock_zero_notice", "【SHOPLIST】在庫切れのお知らせ"),
        ("payment_notice", "【SHOPLIST】ご注文の入金確認"),
        ("question", "【SHOPLIST】お問い合わせが届いています"),
        ("review", "【SHOPLIST】レビューが投稿されました"),
        ("news", "【SHOPLIST】重要なお知らせ"),
    ):
        yield f"ignored-{kind.replace('_', '-')}.eml", mail(BRACKETS, subject=subject), {"ignored": kind}


def _broken() -> Iterator[Sample]:
    def broken(name: str, text: str, rule: str, line: int | None = None, subject: str = ORDER_SUBJECT) -> Sample:
        return f"broken-{name}.eml", mail(text, subject=subject), {"not_understood": {"rule": rule, "line": line}}

    yield broken("other-subject", BRACKETS, "subject", subject="【SHOPLIST】こんにちは")
    yield broken("other-mall", BRACKETS, "subject", subject="ご注文がありました")
    yield broken("no-number", BRACKETS.replace("[受注番号] 12345678\n", ""), "order_number")
    yield broken("number-not-one", BRACKETS.replace("12345678", "（省略）"), "order_number", 3)
    yield broken("two-orders", BRACKETS + "[受注番号] 12345679\n", "several_orders", 20)
    yield broken("time", BRACKETS.replace("2026-11-20 09:04:05", "きのう"), "ordered_at", 4)
    yield broken("cut-short", BRACKETS[: BRACKETS.index("小計")], "items_end", 6)
    yield broken("item-above-the-number", "[型番] T-224\n" + PLAIN_BRACKETS, "item_outside", 1)
    yield broken(
        "no-items", BRACKETS.replace("[型番]", "[品名]").replace("[商品番号]", "[品名]"), "quantity_without_code", 9
    )
    yield broken("item-without-code", BRACKETS.replace("[商品番号] op100\n", ""), "child_number", 12)
    yield broken("code-not-one", BRACKETS.replace("op100", "ワンピース"), "item_code", 12)
    yield broken("item-below-the-total", BRACKETS + "[型番] T-224\n", "item_outside", 20)
    yield broken("quantity-text", BRACKETS.replace("[数量] 2", "[数量] 二"), "quantity", 9)
    yield broken("quantity-zero", BRACKETS.replace("[数量] 2", "[数量] 0"), "quantity", 9)
    yield broken("quantity-negative", BRACKETS.replace("[数量] 2", "[数量] -1"), "quantity", 9)
    yield broken("quantity-twice", BRACKETS.replace("[数量] 2", "[数量] 2\n[数量] 3"), "quantity_twice", 10)
