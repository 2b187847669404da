"""Mails of Yahoo! auctions: won, cancelled, and what they say of auctions beside orders."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters.kit.auctions import AuctionEnded, AuctionNews, AuctionRelisted, BidReceived
from adapters.kit.mail import read_mail
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.profile import Profile, corrected
from adapters.yahoo_auctions.codes import ended_at
from adapters.yahoo_auctions.mail import auction_news, read_order_mail
from ledger.terms import OrderState, Telling, TellingLine
from tests.adapters.yahoo_auctions.sample_mails import (
    AUCTION,
    CANCEL_SUBJECT,
    DELETED,
    JST,
    RELIST_SUBJECT,
    RELISTED,
    SENT_AT,
    WON,
    WON_SUBJECT,
    mail,
)

PROFILE = adapters.profile("yahoo_auctions")
WAYS = (("iso-2022-jp", "7bit"), ("utf-8", "base64"), ("cp932", "base64"), ("euc-jp", "8bit"))
MALLS = ("ヤフオク! - ", "ヤフオク!-", "Yahoo!オークション - ")
LETTERS = "あア漢髙㈱①ﾌﾞﾙｰ（）()【】：:×＝=/-円0123456789２３ABCxyz～－・_"
NAME = st.text(alphabet=LETTERS, min_size=1, max_size=30)
IDS = st.from_regex(r"[a-z][0-9]{9,10}", fullmatch=True)
quickly = settings(max_examples=100, deadline=None, derandomize=True)


def text_of(text: str, subject: str) -> MailText:
    return MailText(subject, "auction-master@mail.yahoo.co.jp", SENT_AT.astimezone(UTC), text, "<m@mail.yahoo.co.jp>")


def reading(text: str, subject: str = WON_SUBJECT, profile: Profile = PROFILE) -> OrderReading:
    return read_order_mail(text_of(text, subject), profile)


def news(text: str, subject: str, profile: Profile = PROFILE) -> AuctionNews | NotUnderstood | None:
    return auction_news(text_of(text, subject), profile)


@quickly
@given(auction=IDS, name=NAME, mall=st.sampled_from(MALLS), way=st.sampled_from(WAYS), quoted=st.booleans())
def test_every_way_of_sending_says_the_same_won_auction(
    auction: str, name: str, mall: str, way: tuple[str, str], quoted: bool
) -> None:
    subject = f"{mall}終了（落札者あり）：{name}({auction})"
    text = WON.replace(AUCTION, auction).replace("サンプル商品", name)
    body = "".join(f"> {line}\n" for line in text.split("\n")) if quoted else text
    raw = mail(body, subject=f"Fwd: {subject}" if quoted else subject, charset=way[0], transfer=way[1])
    received = read_mail(raw, received_at=SENT_AT + timedelta(minutes=1))
    assert isinstance(received, MailText)
    told = read_order_mail(received, PROFILE)
    assert isinstance(told, Telling), told
    assert (told.order, told.state, told.complete) == (auction, OrderState.CONFIRMED, True)
    assert told.ordered_at == datetime(2026, 11, 7, 13, 10, tzinfo=UTC)
    assert told.lines == (TellingLine(auction, "", 1, line_id="1"),)


@quickly
@given(cut=st.integers(0, 400))
def test_a_mail_cut_anywhere_names_no_other_auction(cut: int) -> None:
    found = reading(WON[:cut])
    assert isinstance(found, NotUnderstood) or (isinstance(found, Telling) and found.order == AUCTION)


@quickly
@given(text=st.text(max_size=300), subject=st.sampled_from((WON_SUBJECT, CANCEL_SUBJECT, RELIST_SUBJECT)))
def test_no_text_makes_the_reader_raise(text: str, subject: str) -> None:
    assert isinstance(reading(text, subject), Telling | NotUnderstood | Ignored)


def test_a_cancel_names_the_auction_and_no_lot_of_it() -> None:
    told = reading(DELETED, CANCEL_SUBJECT)
    assert isinstance(told, Telling)
    assert (told.order, told.state, told.complete, told.lines) == (AUCTION, OrderState.CANCELLED, False, ())


def test_another_sellers_mail_is_not_ours_when_our_id_is_known() -> None:
    ours = corrected(PROFILE, {"mail.yahoo_id": "Sample_Seller"})
    assert isinstance(reading(WON, profile=ours), Telling)
    other = corrected(PROFILE, {"mail.yahoo_id": "another"})
    assert reading(WON, profile=other) == NotUnderstood("another_seller", 1)
    assert reading(RELISTED, RELIST_SUBJECT, other) == NotUnderstood("another_seller", 1)
    assert isinstance(reading(WON.removeprefix("sample_seller様\n"), profile=other), Telling), "it says nobody's name"


def test_a_relisted_auction_names_its_old_and_its_new_id() -> None:
    assert news(RELISTED, RELIST_SUBJECT) == AuctionRelisted(AUCTION, "y2345678901")
    links = (
        "https://page.auctions.yahoo.co.jp/jp/auction/y2345678901",
        "https://page.auctions.yahoo.co.jp/jp/show/x?aID=y2345678901",
    )
    for link in links:
        by_link = RELISTED.replace("新しいオークションID：y2345678901", link)
        assert news(by_link, RELIST_SUBJECT) == AuctionRelisted(AUCTION, "y2345678901")
    two = RELISTED.replace("新しいオークションID：y2345678901", "\n".join((links[0], links[0].replace("y", "z"))))
    assert isinstance(news(two, RELIST_SUBJECT), NotUnderstood), "which of the two is not guessed"


def test_the_news_of_an_auction_are_said_apart_from_orders() -> None:
    head = "Yahoo!オークション - "
    assert news(WON, WON_SUBJECT) == AuctionEnded(AUCTION, sold=True)
    assert news(WON, f"{head}終了（落札者なし）：品({AUCTION})") == AuctionEnded(AUCTION, sold=False)
    assert news(WON, f"{head}入札がありました：品({AUCTION})") == BidReceived(AUCTION)
    assert news(WON, f"{head}評価のお知らせ：品({AUCTION})") is None
    assert news(WON, "【楽天】終了（落札者あり）") is None


def test_bids_and_relisting_are_ignored_as_orders_and_say_their_kind() -> None:
    assert reading(RELISTED, RELIST_SUBJECT) == Ignored("auction_relisted")
    assert reading(WON, f"ヤフオク! - 入札がありました：品({AUCTION})") == Ignored("bid_received")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("11月 7日 22時 10分", datetime(2026, 11, 7, 22, 10, tzinfo=JST)),
        ("１１月７日２２時１０分", None),  # find_label has made it half width before
        ("11月7日(土) 22:10", datetime(2026, 11, 7, 22, 10, tzinfo=JST)),
        ("11月 8日 0時 10分", datetime(2026, 11, 8, 0, 10, tzinfo=JST)),
        ("11月 9日 0時 10分", datetime(2025, 11, 9, 0, 10, tzinfo=JST)),
        ("2月 29日 1時 0分", None),
        ("13月 1日 1時 0分", None),
        ("11月7日", None),
    ],
)
def test_an_end_without_a_year_is_the_last_one_before_the_mail(said: str, expected: datetime | None) -> None:
    assert ended_at(said, SENT_AT) == expected


def test_what_is_not_understood_names_rule_and_line_and_no_text() -> None:
    found = reading(WON.replace("11月 7日 22時 10分", "山田"))
    assert found == NotUnderstood("ended_at", 10)
    assert "山田" not in repr(found)
