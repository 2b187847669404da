"""The sample mails of Yahoo!ショッピング with what each means: encodings, forwarders, layouts, cancels, broken ones."""

from collections.abc import Iterator, Mapping, Sequence

from adapters.kit.japanese_writing import encode_subject
from adapters.kit.mail import write_mail
from tests.adapters.yahoo_shopping.mail_text import Item, order_text, sent

Sample = tuple[str, bytes, Mapping[str, object]]

STORE = "store-shopping-order-master@mail.yahoo.co.jp"
CUSTOMER = "shopping-order-master@mail.yahoo.co.jp"
ORDER_SUBJECT = "【Yahoo!ショッピング】注文確認：サンプルストア"
CANCEL_SUBJECT = "【Yahoo!ショッピング】ご注文のキャンセルについて"
TOLD_AT = "2026-11-20T00:05:00Z"
ORDERED_AT = "2026-11-20T00:04:05Z"  # 2026年11月20日 09時04分05秒
TWO = (
    Item("サンプルTシャツ", "item-01/blue", 2, 2_980, ("サイズ：M", "カラー：ブルー")),
    Item("小物", "test1234", 1, 500),
)
TWO_LINES = (
    {"item": "item-01", "variant": "blue", "quantity": 2, "line_id": "1"},
    {"item": "test1234", "quantity": 1, "line_id": "2"},
)


def mail_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample mail."""
    yield from _encodings()
    yield from _forwarded()
    yield from _layouts()
    yield from _layouts_of_before()
    yield from _cancels()
    yield from _without_an_order()
    yield from _broken()


def _mail(
    number: int,
    text: str,
    *,
    subject: str = ORDER_SUBJECT,
    sender: str = STORE,
    charset: str = "iso-2022-jp",
    transfer: str = "7bit",
) -> bytes:
    return write_mail(
        subject=subject,
        sender=sender,
        recipient="samplestore@example.jp",
        sent_at=sent(),
        text=text,
        message_id=f"<sample-{number}@mail.yahoo.co.jp>",
        charset=charset,
        transfer=transfer,
    )


def _order(number: int, lines: Sequence[Mapping[str, object]], **more: object) -> dict[str, object]:
    telling = {
        "order": f"samplestore-{number}",
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
    for number, (charset, transfer) in enumerate(ways, start=10_000_001):
        raw = _mail(number, order_text(number, TWO), charset=charset, transfer=transfer)
        yield f"order-{charset}-{transfer}.eml", raw, _order(number, TWO_LINES)
    number = 10_000_006
    special = (Item("㈱サンプル①号 髙級Ⅲ型 ﾌﾞﾙｰ～－", "item-01/blue", 1, 2_980, ("カラー：㍻ﾌﾞﾙｰ",)),)
    line = {"item": "item-01", "variant": "blue", "quantity": 1, "line_id": "1"}
    yield "order-machine-dependent-characters.eml", _mail(number, order_text(number, special)), _order(number, [line])
    number = 10_000_007
    raw = _mail(number, order_text(number, TWO)).replace(b"charset=iso-2022-jp", b"charset=us-ascii")
    yield "order-charset-wrong.eml", raw, _order(number, TWO_LINES)
    number = 10_000_008
    raw = _mail(number, order_text(number, TWO), charset="cp932", transfer="8bit").replace(
        b"text/plain; charset=cp932", b"text/plain"
    )
    yield "order-charset-missing.eml", raw, _order(number, TWO_LINES)


def _forwarded() -> Iterator[Sample]:
    number = 10_000_011
    fields = f"From: Yahoo!ショッピング <{STORE}>\nDate: 2026年11月20日(金) 9:05\nSubject: {ORDER_SUBJECT}\nTo: <samplestore@example.jp>"
    header = f"---------- Forwarded message ---------\n{fields}\n\n\n"
    raw = _mail(
        number,
        header + order_text(number, TWO),
        subject=f"Fwd: {ORDER_SUBJECT}",
        sender="owner@example.jp",
        charset="utf-8",
        transfer="base64",
    )
    yield "order-forwarded-below-a-header.eml", raw, _order(number, TWO_LINES)
    number = 10_000_012
    quoted = "\n".join(f"> {line}".rstrip() for line in order_text(number, TWO).split("\n"))
    raw = _mail(
        number,
        f"お疲れさまです。転送します。\n\n{quoted}\n",
        subject=f"転送: {ORDER_SUBJECT}",
        sender="owner@example.jp",
    )
    yield "order-quoted.eml", raw, _order(number, TWO_LINES)
    number = 10_000_013
    inner = _mail(number, order_text(number, TWO))
    outer = (
        b"From: owner@example.jp\r\nTo: inbox@example.jp\r\nSubject: "
        + encode_subject("転送します").encode("ascii")
        + b"\r\n"
        b"Date: Fri, 20 Nov 2026 09:30:00 +0900\r\nMessage-ID: <outer-1@example.jp>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="part"\r\n\r\n--part\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nsee attached\r\n'
        b"--part\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n"
        + inner
        + b"\r\n--part--\r\n"
    )
    yield "order-forwarded-as-attachment.eml", outer, _order(number, TWO_LINES)
    number = 10_000_014
    body = "".join(f"<div>{line or '<br>'}</div>" for line in order_text(number, TWO).replace("&", "&amp;").split("\n"))
    raw = _mail(number, f"<html><body>{body}</body></html>", charset="utf-8", transfer="base64").replace(
        b"text/plain", b"text/html"
    )
    yield "order-html-only.eml", raw, _order(number, TWO_LINES)
    number = 10_000_015
    twice = order_text(number, TWO) + "\n-----元のメッセージ-----\n\n" + order_text(number, TWO)
    yield (
        "order-the-same-mail-below-itself.eml",
        _mail(number, twice, subject=f"Re: {ORDER_SUBJECT}"),
        _order(number, TWO_LINES),
    )


def _layouts() -> Iterator[Sample]:
    number = 10_000_021
    thousand = (Item("クリアファイル", "file-a4", 1_000, 30),)
    yield (
        "order-quantity-1000.eml",
        _mail(number, order_text(number, thousand)),
        _order(number, [{"item": "file-a4", "quantity": 1000, "line_id": "1"}]),
    )
    number = 10_000_022
    raw = _mail(
        number,
        order_text(number, TWO, spaced=True),
        subject="【Yahoo!ショッピング】ご注文の確認（samplestore-10000022）",
        sender=CUSTOMER,
    )
    yield "order-customer-copy.eml", raw, _order(number, TWO_LINES)
    number = 10_000_023
    many = tuple(Item(f"商品{n}番", f"sku-{n:02d}" if n % 2 else f"sku-{n:02d}/v{n}", n, 100 * n) for n in range(1, 13))
    lines = [
        {"item": f"sku-{n:02d}", "variant": "" if n % 2 else f"v{n}", "quantity": n, "line_id": str(n)}
        for n in range(1, 13)
    ]
    yield "order-twelve-lines.eml", _mail(number, order_text(number, many)), _order(number, lines)
    number = 10_000_024
    odd = (
        Item(
            "【3個セット】×3＝お得（2）個組 (1) A-1/B",
            "set-3",
            2,
            1_500,
            ("のし：（3）不要", "メッセージ：×2＝おめでとう"),
        ),
    )
    yield (
        "order-name-like-a-row.eml",
        _mail(number, order_text(number, odd)),
        _order(number, [{"item": "set-3", "quantity": 2, "line_id": "1"}]),
    )
    number = 10_000_025
    text = order_text(number, TWO).replace("2,980円×2＝5,960円", "2,980円×＝5,960円")
    unknown = {"item": "item-01", "variant": "blue", "quantity": 1, "quantity_known": False, "line_id": "1"}
    yield "order-quantity-missing.eml", _mail(number, text), _order(number, [unknown, TWO_LINES[1]])
    number = 10_000_026
    text = order_text(number, TWO).replace("2026年11月20日 09時04分05秒", "2026年11月20日")
    day_only = _order(number, TWO_LINES, ordered_at=None, ordered_on="2026-11-20")
    yield "order-day-only.eml", _mail(number, text), day_only


def _layouts_of_before() -> Iterator[Sample]:
    number = 10_000_027
    raw = _mail(number, order_text(number, TWO), subject="サンプルストアでのご注文: samplestore-10000027")
    yield "order-subject-of-before.eml", raw, _order(number, TWO_LINES)
    number = 10_000_028
    old = (
        f"ご注文番号: samplestore-{number}\nご注文日時: 2026/11/20 09:04:05\n\n商品名                 商品コード     個数   金額\n"
        + "-" * 60
        + "\nサンプルTシャツ ブルー  item-01   2   2,980円\n小物                   test1234  1     500円\n"
        + "-" * 60
        + "\n合計 6,460円\n"
    )
    old_lines = [
        {"item": "item-01", "quantity": 2, "line_id": "1"},
        {"item": "test1234", "quantity": 1, "line_id": "2"},
    ]
    yield (
        "order-form-of-before-2014.eml",
        _mail(number, old, subject=f"サンプルストアでのご注文: samplestore-{number}"),
        _order(number, old_lines),
    )
    number = 10_000_029
    two_of_one = (
        Item("Tシャツ", "item-01/blue", 1, 2_980, ("名入れ：A",)),
        Item("Tシャツ", "item-01/blue", 1, 2_980, ("名入れ：B",)),
    )
    same = [{"item": "item-01", "variant": "blue", "quantity": 1, "line_id": str(n)} for n in (1, 2)]
    yield "order-one-listing-twice.eml", _mail(number, order_text(number, two_of_one)), _order(number, same)


def _cancels() -> Iterator[Sample]:
    reasons = (
        ("buyer", "お客様都合"),
        ("out_of_stock", "在庫切れのため"),
        ("unpaid", "入金期限切れ"),
        ("defective", "商品不良"),
        ("unknown", ""),
    )
    for number, (reason, said) in enumerate(reasons, start=10_000_041):
        line = f"キャンセル理由：{said}\n" if said else ""
        head = f"注文ID　：samplestore-{number}\n注文日時：2026年11月20日 09時04分05秒\nストア名：サンプルストア\n"
        text = f"{head}{line}\n上記のご注文はキャンセルされました。\n"
        telling = {
            "order": f"samplestore-{number}",
            "state": "cancelled",
            "complete": False,
            "told_at": TOLD_AT,
            "reason": reason,
        }
        yield (
            f"cancel-{reason.replace('_', '-')}.eml",
            _mail(number, text, subject=CANCEL_SUBJECT),
            {"telling": telling},
        )
    text = "注文ID　：samplestore-10000046\n\nキャンセルのご依頼がありました。ストアクリエイターProでご確認ください。\n"
    raw = _mail(10_000_046, text, subject="【Yahoo!ショッピング】ご注文のキャンセル依頼について")
    yield "cancel-only-asked-for.eml", raw, {"not_understood": {"rule": "cancel_request", "line": None}}


def _without_an_order() -> Iterator[Sample]:
    known = (
        ("shipping_notice", "【Yahoo!ショッピング】発送のお知らせ"),
        ("daily_report", "本日の朝レポ"),
        ("publish_notice", "エディター反映のお知らせ"),
        ("question", "【Yahoo!ショッピング】お問い合わせがありました"),
        ("review", "【Yahoo!ショッピング】ストアレビューが投稿されました"),
    )
    for number, (kind, subject) in enumerate(known, start=10_000_051):
        text = f"いつもご利用ありがとうございます。\n注文ID　：samplestore-{number}\n"
        yield f"ignored-{kind.replace('_', '-')}.eml", _mail(number, text, subject=subject), {"ignored": kind}
    other = "[受注番号] 402853-20261120-0220534167\n[日時]     2026-11-20 08:55:46\n[商品]\nサンプル(abc-001)\n価格 1,000(円) x 1(個) = 1,000(円)\n"
    raw = _mail(1, other, subject="【楽天市場】注文内容ご確認（自動配信メール）", sender="order@example.jp")
    yield "other-mall.eml", raw, {"not_understood": {"rule": "subject", "line": None}}
    other = "ご注文番号: 250-1234567-8901234\n---------\nサンプル  abc-001  1  1,000円\n---------\n"
    raw = _mail(2, other, subject="Amazon.co.jpでのご注文: サンプル", sender="order@example.jp")
    yield "other-mall-with-a-like-subject.eml", raw, {"not_understood": {"rule": "order_number", "line": 1}}


def _broken() -> Iterator[Sample]:
    def wrong(name: str, number: int, text: str, rule: str, line: int | None) -> Sample:
        return f"broken-{name}.eml", _mail(number, text), {"not_understood": {"rule": rule, "line": line}}

    good = order_text(10_000_061, TWO)
    yield wrong("no-order-number", 10_000_061, good.replace("注文ID", "注文コード"), "order_number", None)
    yield wrong(
        "order-number-not-one", 10_000_061, good.replace("samplestore-10000061", "（確認中）"), "order_number", 1
    )
    yield wrong("two-orders", 10_000_061, good + "\n\n" + order_text(10_000_062, TWO), "several_orders", 27)
    yield wrong("cut-short", 10_000_061, good[: good.index("（2）")], "items", 5)
    yield wrong("no-items", 10_000_061, good[: good.index("（1）")] + good[good.index("====") :], "items", 6)
    yield wrong("no-code", 10_000_061, good.replace("test1234\n", ""), "item_code", 13)
    yield wrong("two-codes", 10_000_061, good.replace("test1234\n", "test1234\ntest5678\n"), "item_code_twice", 15)
    yield wrong(
        "two-quantities",
        10_000_061,
        good.replace("500円×1＝500円\n", "500円×1＝500円\n500円×2＝1,000円\n"),
        "quantity_twice",
        16,
    )
    yield wrong("quantity-zero", 10_000_061, good.replace("×2＝", "×0＝"), "quantity", 11)
    yield wrong("quantity-of-letters", 10_000_061, good.replace("×2＝", "×二＝"), "quantity", 11)
    yield wrong("quantity-comma-misplaced", 10_000_061, good.replace("×2＝", "×1,00＝"), "quantity", 11)
    yield wrong("quantity-too-large", 10_000_061, good.replace("×2＝", "×2147483648＝"), "quantity", 11)
    yield wrong(
        "order-time",
        10_000_061,
        good.replace("2026年11月20日 09時04分05秒", "2026年13月20日 09時04分05秒"),
        "ordered_at",
        2,
    )
    yield wrong("no-order-time", 10_000_061, good.replace("注文日時：", "受付："), "ordered_at", None)
    yield wrong("item-number-missing", 10_000_061, good.replace("（2）小物", "（3）小物"), "quantity_twice", 15)
