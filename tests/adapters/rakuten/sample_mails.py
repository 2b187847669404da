"""The mail samples of 楽天市場: invented orders, encoded as malls, mailboxes and forwarders really send them."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

from adapters.kit.japanese_writing import encode, encode_subject
from adapters.kit.mail import write_mail
from ledger.terms import utc_text
from tests.adapters.rakuten.mail_bodies import (
    CANCEL_SENDER,
    CANCEL_SUBJECT,
    ORDER_SENDER,
    ORDER_SUBJECT,
    Item,
    cancel_text,
    line_of,
    order_text,
    quoted,
)

SENT_AT = datetime(2026, 11, 19, 23, 56, 1, tzinfo=UTC)
TOLD_AT = utc_text(SENT_AT)
ORDERED_AT = utc_text(datetime(2026, 11, 19, 23, 55, 46, tzinfo=UTC))  # 08:55:46 in Japan

SHIRT = Item("①サンプルTシャツ㈱髙島", "c3ps390", "11", "2", ("サイズ:M", "カラー:(090)ブラック"))
LIMITED = Item("別の商品（限定）", "abc-001")

Sample = tuple[str, bytes, dict[str, object]]


def number(serial: int) -> str:
    """An invented order number of one day."""
    return f"402853-20261120-{serial:010d}"


def mail(
    text: str,
    *,
    subject: str = ORDER_SUBJECT,
    sender: str = ORDER_SENDER,
    charset: str = "iso-2022-jp",
    transfer: str = "7bit",
) -> bytes:
    """One mail of SENT_AT."""
    return write_mail(
        subject=subject,
        sender=sender,
        recipient="shop@example.jp",
        sent_at=SENT_AT,
        text=text,
        message_id="<sample@mail.rms.rakuten.co.jp>",
        charset=charset,
        transfer=transfer,
    )


def line(item: str, variant: str, quantity: int, line_id: int, *, known: bool = True) -> dict[str, object]:
    """A wanted line: the codes are 商品番号/SKU管理番号, or 商品番号 alone when the mail names no SKU."""
    return {
        "item": item,
        "variant": variant,
        "quantity": quantity,
        "quantity_known": known,
        "line_id": str(line_id),
        "codes": [f"{item}/{variant}" if variant else item],
    }


def order(serial: int, lines: list[dict[str, object]], **other: object) -> dict[str, object]:
    """A wanted telling of a whole order."""
    telling: dict[str, object] = {
        "order": number(serial),
        "state": "confirmed",
        "complete": True,
        "told_at": TOLD_AT,
    }
    return {"telling": {**telling, "ordered_at": ORDERED_AT, "lines": lines, **other}}


def cancel(serial: int, reason: str = "unknown") -> dict[str, object]:
    """A wanted telling of a cancel, which names no line."""
    telling = {"order": number(serial), "state": "cancelled", "complete": False, "told_at": TOLD_AT}
    return {"telling": {**telling, "reason": reason}}


def refused(rule: str, line_number: int | None = None) -> dict[str, object]:
    return {"not_understood": {"rule": rule, "line": line_number}}


TWO = [line("c3ps390", "11", 2, 1), line("abc-001", "", 1, 2)]


def samples() -> Iterator[Sample]:
    """Every mail sample: name, bytes, what should be understood."""
    yield from encodings()
    yield from forwarded()
    yield from layouts()
    yield from cancels()
    yield from ignored()
    yield from broken()


def encodings() -> Iterator[Sample]:
    for serial, (name, charset, transfer) in enumerate(
        (
            ("order_iso2022jp", "iso-2022-jp", "7bit"),
            ("order_utf8_base64", "utf-8", "base64"),
            ("order_utf8_quoted_printable", "utf-8", "quoted-printable"),
            ("order_euc_jp_base64", "euc-jp", "base64"),
            ("order_iso2022jp_base64", "iso-2022-jp", "base64"),
        ),
        start=1,
    ):
        yield (
            name,
            mail(order_text(number(serial), [SHIRT, LIMITED]), charset=charset, transfer=transfer),
            order(serial, TWO),
        )
    kana = Item("ﾊﾝｶｸ ｻﾝﾌﾟﾙ ﾏｸﾞｶｯﾌﾟ(ﾍﾟｱ)", "mug-02", "blue_L", "3")
    raw = mail(order_text(number(6), [kana]))
    yield "order_half_width_kana", raw, order(6, [line("mug-02", "blue_L", 3, 1)])
    raw = mail(order_text(number(7), [SHIRT]), charset="cp932", transfer="8bit")
    # Windows mailers call CP932 by the name of the standard that has no ①㈱髙.
    yield "order_cp932_called_shift_jis", raw.replace(b"charset=cp932", b"charset=Shift_JIS"), order(7, TWO[:1])


def forwarded() -> Iterator[Sample]:
    text = order_text(number(11), [SHIRT, LIMITED])
    header = f"差出人: 楽天市場 <{ORDER_SENDER}>\n日時: 2026年11月20日(金) 8:56\n件名: {ORDER_SUBJECT}\n宛先: <shop@example.jp>\n\n"
    body = f"転送します。\n\n---------- Forwarded message ---------\n{header}{text}"
    raw = mail(body, subject=f"Fwd: {ORDER_SUBJECT}", sender="staff@example.jp", charset="utf-8", transfer="base64")
    yield "order_forwarded", raw, order(11, TWO)

    text = order_text(number(12), [SHIRT, LIMITED])
    raw = mail(quoted(text), subject=f"Fw: {ORDER_SUBJECT}", sender="staff@example.jp")
    yield "order_forwarded_quoted", raw, order(12, TWO)

    inner = mail(order_text(number(13), [SHIRT, LIMITED]))
    yield "order_forwarded_as_attachment", attached(inner), order(13, TWO)

    raw = mail(
        order_text(number(14), [LIMITED]), subject=f"[tencho:00123] Fwd: {ORDER_SUBJECT}", sender="list@example.jp"
    )
    yield "order_from_mailing_list", raw, order(14, [line("abc-001", "", 1, 1)])

    text = order_text(number(15), [SHIRT])
    raw = mail(f"{text}\n以下、再送の元のメール\n{text}", sender="staff@example.jp")
    yield "order_repeated_below", raw, order(15, TWO[:1])


def attached(inner: bytes) -> bytes:
    """A mail of a mailbox that forwards as an attachment."""
    note = encode("転送します。\n", "iso-2022-jp")
    subject = encode_subject(f"Fw: {ORDER_SUBJECT}")
    head = f"From: staff@example.jp\r\nTo: orders@example.jp\r\nSubject: {subject}\r\nDate: Fri, 20 Nov 2026 09:10:00 +0900\r\n"
    parts = [
        b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + note,
        b"Content-Type: message/rfc822\r\n\r\n" + inner,
    ]
    body = b"".join(b"--=_sample\r\n" + part + b"\r\n" for part in parts)
    kind = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=_sample"\r\n\r\n'
    return (head + kind).encode("ascii") + body + b"--=_sample--\r\n"


def layouts() -> Iterator[Sample]:
    five = [Item(f"サンプル商品{n}", f"item-{n}", f"0{n}", str(n)) for n in range(1, 6)]
    yield (
        "order_five_lines",
        mail(order_text(number(21), five)),
        order(21, [line(f"item-{n}", f"0{n}", n, n) for n in range(1, 6)]),
    )
    names = [Item("靴下(3足組)（大）(徳用)", "sock(3)-A", "A"), Item("皿 [20cm]（白）", "Plate_20", "w-1")]
    wanted = [line("sock(3)-A", "A", 1, 1), line("Plate_20", "w-1", 1, 2)]
    yield "order_names_with_parentheses", mail(order_text(number(22), names)), order(22, wanted)
    many = Item("徳用ねじ", "screw", "m3", "1,000")
    yield "order_quantity_1000", mail(order_text(number(23), [many])), order(23, [line("screw", "m3", 1000, 1)])
    wide = order_text(number(24), [Item("サンプルカップ", "cup", "W1", "１２")]).replace(
        "価格 2,980(円) x", "価格　２，９８０（円）　ｘ"
    )
    yield (
        "order_full_width",
        mail(wide.replace("(個)", "（個）").replace("番号:", "番号：")),
        order(24, [line("cup", "W1", 12, 1)]),
    )
    half = "【楽天市場】注文内容ご確認 (自動配信メール)"
    yield (
        "order_subject_half_width",
        mail(order_text(number(25), [LIMITED]), subject=half),
        order(25, [line("abc-001", "", 1, 1)]),
    )
    phone = order_text(number(26), [LIMITED]).replace(
        "(abc-001)\n価格 2,980(円) x 1(個) = 5,960(円) ※10%税込", "(abc-001)2,980円×3個"
    )
    yield "order_phone", mail(phone, subject="【楽天】注文内容ご確認(携帯)"), order(26, [line("abc-001", "", 3, 1)])
    twice = order_text(number(27), [SHIRT]).replace(
        "*" * 69,
        "----------\n[送付先]   （省略）\n[商品]\n別の商品（限定）(abc-001)\n価格 1,000(円) x 1(個) = 1,000(円)\n"
        + "*" * 69,
    )
    yield "order_two_destinations", mail(twice), order(27, TWO)
    silent = [Item("数量のない商品", "q-none", "1", None), Item("数量が空の商品", "q-blank", "2", "")]
    wanted = [line("q-none", "1", 1, 1, known=False), line("q-blank", "2", 1, 2, known=False)]
    yield "order_quantity_missing", mail(order_text(number(28), silent)), order(28, wanted)
    undated = order(29, TWO[:1], ordered_at=None, ordered_on="2026-11-20")
    yield "order_without_time", mail(order_text(number(29), [SHIRT], at=None)), undated
    long_name = SHIRT.name + "とても長い名前" * 6
    broken_name = Item(long_name[:30] + "\n" + long_name[30:], "c3ps390", "11", "2")
    yield "order_name_broken_by_forwarder", mail(order_text(number(30), [broken_name])), order(30, TWO[:1])
    html = "<html><body>" + order_text(number(31), [SHIRT, LIMITED]).replace("\n", "<br>\n") + "</body></html>"
    raw = mail(html, charset="utf-8", transfer="base64").replace(b"text/plain", b"text/html")
    yield "order_html_only", raw, order(31, TWO)
    zeros = [Item("先頭ゼロ", "00120", "007"), Item("大文字小文字", "AbC-9", "aBc")]
    yield (
        "order_leading_zeros_and_case",
        mail(order_text(number(32), zeros)),
        order(32, [line("00120", "007", 1, 1), line("AbC-9", "aBc", 1, 2)]),
    )


def cancels() -> Iterator[Sample]:
    yield "cancel", mail(cancel_text(number(41)), subject=CANCEL_SUBJECT, sender=CANCEL_SENDER), cancel(41)
    for serial, (name, phrase) in enumerate(
        (("buyer", "お客様都合"), ("unpaid", "未入金のため"), ("out_of_stock", "欠品のため")), start=42
    ):
        text = cancel_text(number(serial), reason=phrase)
        yield (
            f"cancel_{name}",
            mail(text, subject=CANCEL_SUBJECT, charset="utf-8", transfer="base64"),
            cancel(serial, name),
        )
    text = cancel_text(number(45), reason="その他（ご相談済み）")
    raw = mail(quoted(text), subject=f"転送: {CANCEL_SUBJECT}", sender="staff@example.jp")
    yield "cancel_forwarded_other_reason", raw, cancel(45)
    text = cancel_text(number(46)) + f"関連する注文: {number(47)}\n"
    yield (
        "cancel_of_two_orders",
        mail(text, subject=CANCEL_SUBJECT),
        refused("several_orders", line_of(text, number(47))),
    )
    yield "cancel_without_number", mail("キャンセルされました。\n", subject=CANCEL_SUBJECT), refused("order_number")


def ignored() -> Iterator[Sample]:
    for kind, subject in (
        ("stock_zero_notice", "【楽天市場】在庫ゼロのお知らせ"),
        ("bid_received", "【楽天】入札を受付けました"),
        ("bid_won", "【楽天】落札手続が完了しました"),
        ("order_notice", "【楽天市場】注文内容に関するお知らせ（自動配信メール）"),
        ("order_changed_notice", "【楽天市場】ご注文の変更について"),
    ):
        text = f"サンプルショップ 様\n\n[受注番号] {number(51)}\nお知らせです。\n"
        yield f"ignored_{kind}", mail(text, subject=subject), {"ignored": kind}


def broken() -> Iterator[Sample]:
    cut = order_text(number(61), [SHIRT, LIMITED]).split("*****")[0]
    yield "broken_cut_short", mail(cut), refused("items_end")
    bare = order_text(number(62), [SHIRT, LIMITED]).replace("(abc-001)", "")
    yield "broken_item_without_code", mail(bare), refused("item_code", line_of(bare, "別の商品"))
    for serial, (name, quantity) in enumerate(
        (("text", "二"), ("zero", "0"), ("negative", "-1"), ("huge", "2147483648"), ("fraction", "1.5")), start=63
    ):
        text = order_text(number(serial), [LIMITED, Item("だめな数", "bad", "1", quantity)])
        yield f"broken_quantity_{name}", mail(text), refused("quantity", line_of(text, f"{quantity}(個)"))
    two = order_text(number(68), [SHIRT]) + order_text(number(69), [LIMITED])
    yield "broken_two_orders", mail(two), refused("several_orders", line_of(two, number(69)))
    prices = order_text(number(70), [SHIRT, LIMITED]).replace("----------\n", "")
    yield "broken_separator_lost", mail(prices), refused("second_price", line_of(prices, "価格", occurrence=2))
    yield "broken_order_number", mail(order_text("402853-2026-1", [SHIRT])), refused("order_number", 4)
    yield (
        "broken_no_label",
        mail(order_text(number(71), [SHIRT]).replace("[受注番号]", "番号")),
        refused("order_number_label"),
    )
    empty = order_text(number(72), [SHIRT]).replace("[商品]", "[品物]")
    yield "broken_no_items", mail(empty), refused("items_missing")
    late = order_text(number(73), [SHIRT], at="きのう")
    yield "broken_time", mail(late), refused("ordered_at", line_of(late, "[日時]"))
    yield (
        "broken_other_mall",
        mail("注文ID　：samplestore-10000001\n", subject="【Yahoo!ショッピング】注文確認：サンプル"),
        refused("subject"),
    )
    bits = base64.encodebytes("[受注番号]".encode("utf-16")).replace(b"\n", b"\r\n")
    head = mail("", charset="utf-8", transfer="base64")
    yield "broken_encoding", head + bits, refused("mail_text_not_readable")
