"""The sample mails of Yahoo! auctions with what each means; auctions, sellers and goods are invented."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone

from adapters.kit.mail import write_mail

Sample = tuple[str, bytes, Mapping[str, object]]

JST = timezone(timedelta(hours=9))
SENT_AT = datetime(2026, 11, 7, 22, 12, 0, tzinfo=JST)
TOLD_AT = "2026-11-07T13:12:00Z"
ENDED_AT = "2026-11-07T13:10:00Z"  # 11月 7日 22時 10分
AUCTION = "x1234567890"
WON_SUBJECT = f"Yahoo!オークション - 終了（落札者あり）：サンプル商品({AUCTION})"
CANCEL_SUBJECT = f"Yahoo!オークション - 落札者の削除：サンプル商品({AUCTION})"
RELIST_SUBJECT = f"Yahoo!オークション - 自動再出品：サンプル商品({AUCTION})"

WON = """sample_seller様
おめでとうございます！　商品が落札されました。

オークション情報
￣￣￣￣￣￣￣￣￣￣
商品：サンプル商品
オークションID：x1234567890
開始価格：10,000 円
開始日時：11月 1日 0時 0分
終了日時：11月 7日 22時 10分
-----------------------------------
入札件数：1
落札金額：10,000 円
"""
DELETED = """sample_seller様
落札者を削除しました。

商品：サンプル商品
オークションID：x1234567890
"""
RELISTED = """sample_seller様
商品が自動再出品されました。

商品：サンプル商品
オークションID：x1234567890
新しいオークションID：y2345678901
"""


def mail_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample mail."""
    yield from _won()
    yield from _won_in_other_words()
    yield from _cancelled()
    yield from _without_an_order()
    yield from _broken()


def mail(
    text: str,
    *,
    subject: str = WON_SUBJECT,
    charset: str = "iso-2022-jp",
    transfer: str = "7bit",
    sender: str = "auction-master@mail.yahoo.co.jp",
    sent_at: datetime = SENT_AT,
) -> bytes:
    """A mail as the mall would send it."""
    return write_mail(
        subject=subject,
        sender=sender,
        recipient="sample_seller@example.jp",
        sent_at=sent_at,
        text=text,
        message_id="<sample@mail.yahoo.co.jp>",
        charset=charset,
        transfer=transfer,
    )


def _order(auction: str = AUCTION, *, quantity: int = 1, known: bool = True, **more: object) -> Mapping[str, object]:
    line = {"item": auction, "quantity": quantity, "quantity_known": known, "line_id": "1"}
    said = {
        "order": auction,
        "state": "confirmed",
        "complete": True,
        "told_at": TOLD_AT,
        "ordered_at": ENDED_AT,
        "lines": [line],
    }
    return {"telling": said | more}


def _cancel(reason: str = "unknown") -> Mapping[str, object]:
    said = {"order": AUCTION, "state": "cancelled", "complete": False, "told_at": TOLD_AT, "reason": reason}
    return {"telling": said}


def _won() -> Iterator[Sample]:
    for charset, transfer in (
        ("iso-2022-jp", "7bit"),
        ("utf-8", "base64"),
        ("utf-8", "quoted-printable"),
        ("cp932", "8bit"),
        ("euc-jp", "base64"),
    ):
        yield f"won-{charset}-{transfer}.eml", mail(WON, charset=charset, transfer=transfer), _order()
    older = f"ヤフオク! - 終了（落札者あり）：サンプル商品({AUCTION})"
    yield "won-before-2023.eml", mail(WON, subject=older), _order()
    oldest = f"ヤフオク!-終了（落札者あり）：サンプル商品_{AUCTION}"
    yield "won-oldest-subject.eml", mail(WON, subject=oldest), _order()
    forwarded = mail(WON, subject=f"Fwd: {WON_SUBJECT}", sender="shop@example.jp")
    yield "won-forwarded.eml", forwarded, _order()
    quoted = "".join(f"> {line}\n" for line in WON.split("\n"))
    yield "won-forwarded-quoted.eml", mail(quoted, subject=f"Fwd: {WON_SUBJECT}"), _order()


def _won_in_other_words() -> Iterator[Sample]:
    several = WON.replace("入札件数：1", "個数：5\n落札個数：3\n入札件数：4")
    yield "won-three-of-five.eml", mail(several), _order(quantity=3)
    offered = WON.replace("入札件数：1", "個数：5\n入札件数：4")
    yield "won-of-five-offered.eml", mail(offered), _order(known=False)
    one = WON.replace("入札件数：1", "個数：1\n入札件数：4")
    yield "won-of-one-offered.eml", mail(one), _order()
    digits = "00012345678"
    number = WON.replace(AUCTION, digits)
    yield "won-id-of-digits.eml", mail(number, subject=WON_SUBJECT.replace(AUCTION, digits)), _order(digits)
    words = f"Yahoo!オークション - 終了（落札者あり）：自動再出品 評価 オークション取消({AUCTION})"
    yield "won-words-in-the-name.eml", mail(WON, subject=words), _order()
    unlabelled = WON.replace("オークションID：x1234567890\n", "")
    yield "won-id-only-in-the-subject.eml", mail(unlabelled), _order()
    timeless = WON.replace("終了日時：11月 7日 22時 10分\n", "")
    yield "won-without-time.eml", mail(timeless), _order(ordered_at=None)
    january = datetime(2027, 1, 1, 0, 1, tzinfo=JST)
    ended = WON.replace("11月 7日 22時 10分", "12月31日 23時59分")
    want = _order(told_at="2026-12-31T15:01:00Z", ordered_at="2026-12-31T14:59:00Z")
    yield "won-in-the-old-year.eml", mail(ended, sent_at=january), want
    year = WON.replace("11月 7日 22時 10分", "2026年11月7日（土）22時10分")
    yield "won-with-the-year.eml", mail(year), _order()


def _cancelled() -> Iterator[Sample]:
    yield "cancel-winner-deleted.eml", mail(DELETED, subject=CANCEL_SUBJECT), _cancel()
    for reason, said in (("buyer", "落札者都合"), ("out_of_stock", "在庫がないため"), ("defective", "商品不良")):
        yield f"cancel-{reason}.eml", mail(f"{DELETED}理由：{said}\n", subject=CANCEL_SUBJECT), _cancel(reason)
    withdrawn = f"Yahoo!オークション - オークション取消：サンプル商品({AUCTION})"
    yield "cancel-auction-withdrawn.eml", mail(DELETED, subject=withdrawn), _cancel()
    asked = f"Yahoo!オークション - 落札者削除のお願い：サンプル商品({AUCTION})"
    yield "cancel-asked-for.eml", mail(DELETED, subject=asked), {"not_understood": {"rule": "cancel_request"}}


def _without_an_order() -> Iterator[Sample]:
    unsold = f"Yahoo!オークション - 終了（落札者なし）：サンプル商品({AUCTION})"
    yield "ignored-ended-unsold.eml", mail(WON, subject=unsold), {"ignored": "auction_ended_unsold"}
    yield "ignored-relisted.eml", mail(RELISTED, subject=RELIST_SUBJECT), {"ignored": "auction_relisted"}
    linked = RELISTED.replace(
        "新しいオークションID：y2345678901", "https://page.auctions.yahoo.co.jp/jp/auction/y2345678901"
    )
    yield "ignored-relisted-by-link.eml", mail(linked, subject=RELIST_SUBJECT), {"ignored": "auction_relisted"}
    for kind, subject in (
        ("bid_received", "入札がありました"),
        ("listed", "出品完了"),
        ("shipping_notice", "発送連絡"),
        ("rating", "評価のお知らせ"),
        ("question", "質問が届いています"),
        ("payment_notice", "落札者の支払いが完了しました"),
        ("received_notice", "受取連絡がありました"),
        ("trade_message", "取引メッセージ"),
        ("watch_notice", "ウォッチリストの商品"),
    ):
        raw = mail(WON, subject=f"Yahoo!オークション - {subject}：サンプル商品({AUCTION})")
        yield f"ignored-{kind.replace('_', '-')}.eml", raw, {"ignored": kind}
    reminder = mail(WON, sender="auction-reminder@mail.yahoo.co.jp")
    yield "ignored-reminder.eml", reminder, {"ignored": "reminder"}


def _broken() -> Iterator[Sample]:
    def broken(name: str, text: str, rule: str, line: int | None = None, subject: str = WON_SUBJECT) -> Sample:
        return f"broken-{name}.eml", mail(text, subject=subject), {"not_understood": {"rule": rule, "line": line}}

    bare = "Yahoo!オークション - 終了（落札者あり）：サンプル商品"
    yield broken("other-mall", WON, "subject", subject="【楽天】落札手続が完了しました（終了（落札者あり））")
    yield broken("other-subject", WON, "subject", subject="Yahoo!オークション - お知らせ")
    yield broken("no-id", WON.replace(f"オークションID：{AUCTION}\n", ""), "auction_id", subject=bare)
    yield broken("id-not-one", WON.replace(AUCTION, "サンプル"), "auction_id", 7)
    yield broken("two-auctions", WON + "オークションID：z9999999999\n", "several_auctions", subject=bare)
    other = WON_SUBJECT.replace(AUCTION, "z9999999999")
    yield broken("id-of-subject-differs", WON, "auction_id_of_subject", subject=other)
    yield broken("time", WON.replace("11月 7日 22時 10分", "きのう"), "ended_at", 10)
    yield broken("quantity-zero", WON.replace("入札件数：1", "落札個数：0"), "quantity", 12)
    yield broken("quantity-text", WON.replace("入札件数：1", "落札個数：いくつか"), "quantity", 12)
    no_new = RELISTED.replace("新しいオークションID：y2345678901\n", "")
    yield broken("relisted-without-new-id", no_new, "new_auction_id", subject=RELIST_SUBJECT)
