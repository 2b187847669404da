"""Order mails of Yahoo!ショッピング: every variant says the same order, a damaged one never says another."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import adapters
from adapters.kit.mail import read_mail, write_mail
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.profile import Profile, corrected
from adapters.yahoo_shopping.mail import read_order_mail
from ledger.terms import Door, OrderState, Telling, TellingLine
from tests.adapters.yahoo_shopping.mail_text import Item, order_text, sent
from tests.adapters.yahoo_shopping.sample_mails import CANCEL_SUBJECT, ORDER_SUBJECT, STORE, TWO

PROFILE = adapters.profile("yahoo_shopping")
ORDERED_AT = datetime(2026, 11, 20, 0, 4, 5, tzinfo=UTC)
WAYS = (
    ("iso-2022-jp", "7bit"),
    ("utf-8", "base64"),
    ("utf-8", "quoted-printable"),
    ("cp932", "base64"),
    ("euc-jp", "8bit"),
)

# What product names have, and what looks like the mail's own marks; all of it can be sent in ISO-2022-JP.
LETTERS = "あア漢髙㈱①Ⅲ㍻ﾌﾞﾙｰ（）()【】×＝=:：/-円0123456789２３,， 　ABCxyz～－・"
NAME = st.text(alphabet=LETTERS, min_size=1, max_size=40).filter(lambda text: text.strip() != "")
CODE = st.text(alphabet="abcxyzABC0123456789-", min_size=1, max_size=20).filter(lambda text: text.strip("-") != "")
CODES = st.builds(lambda code, sub: f"{code}/{sub}" if sub else code, CODE, st.one_of(st.just(""), CODE))
OPTION = st.builds(
    lambda name, value: f"{name}：{value}", st.sampled_from(("サイズ", "カラー", "名入れ", "のし")), NAME
)
UNITS = st.one_of(st.integers(1, 20), st.sampled_from((1_000, 9_999_999)))
ITEM = st.builds(Item, NAME, CODES, UNITS, st.integers(0, 99_999), st.lists(OPTION, max_size=3).map(tuple))
ITEMS = st.lists(ITEM, min_size=1, max_size=6)

quickly = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def mail_of(text: str, subject: str = ORDER_SUBJECT) -> MailText:
    return MailText(subject, STORE, sent().astimezone(UTC), text, "<m@mail.yahoo.co.jp>")


def reading(text: str, subject: str = ORDER_SUBJECT, profile: Profile = PROFILE) -> OrderReading:
    return read_order_mail(mail_of(text, subject), profile)


def lines_of(items: Sequence[Item]) -> tuple[TellingLine, ...]:
    found = []
    for ordinal, item in enumerate(items, start=1):
        code, _, sub = item.codes.partition("/")
        found.append(TellingLine(code, sub, item.units, line_id=str(ordinal)))
    return tuple(found)


@quickly
@given(items=ITEMS, way=st.sampled_from(WAYS), spaced=st.booleans(), quoted=st.booleans(), number=st.integers(1, 10**9))
def test_every_way_of_sending_an_order_says_the_same_order(
    items: list[Item], way: tuple[str, str], spaced: bool, quoted: bool, number: int
) -> None:
    text = order_text(number, items, spaced=spaced)
    body = "\n".join(f"> {line}" for line in text.split("\n")) if quoted else text
    raw = write_mail(
        subject=f"Fwd: {ORDER_SUBJECT}" if quoted else ORDER_SUBJECT,
        sender=STORE,
        recipient="samplestore@example.jp",
        sent_at=sent(),
        text=body,
        message_id="<m@mail.yahoo.co.jp>",
        charset=way[0],
        transfer=way[1],
    )
    mail = read_mail(raw, received_at=sent() + timedelta(minutes=1))
    assert isinstance(mail, MailText)
    told = read_order_mail(mail, PROFILE)
    assert isinstance(told, Telling), told
    assert told == Telling(
        order=f"samplestore-{number}",
        door=Door.MAIL,
        told_at=sent().astimezone(UTC),
        state=OrderState.CONFIRMED,
        complete=True,
        verified=False,
        lines=lines_of(items),
        parser_version=told.parser_version,
        ordered_at=ORDERED_AT,
    )


@quickly
@given(items=ITEMS, cut=st.integers(0, 2_000))
def test_a_mail_cut_anywhere_is_the_whole_order_or_not_understood(items: list[Item], cut: int) -> None:
    whole = order_text(7, items)
    told = reading(whole[:cut])
    assert isinstance(told, NotUnderstood) or told == reading(whole)


@quickly
@given(items=ITEMS, gone=st.integers(0, 40))
def test_a_mail_that_lost_a_line_never_says_other_codes_or_more_units(items: list[Item], gone: int) -> None:
    lines = order_text(7, items).split("\n")
    assume(gone < len(lines))
    told = reading("\n".join(lines[:gone] + lines[gone + 1 :]))
    if isinstance(told, Telling):
        whole = lines_of(items)
        assert len(told.lines) == len(whole)
        for line, right in zip(told.lines, whole, strict=True):
            assert (line.item, line.variant) == (right.item, right.variant)
            assert line.quantity == right.quantity or (line.quantity == 1 and not line.quantity_known)


@quickly
@given(text=st.text(max_size=300), subject=st.sampled_from((ORDER_SUBJECT, CANCEL_SUBJECT, "でのご注文:", "何か", "")))
def test_no_text_makes_the_reader_raise_or_invent(text: str, subject: str) -> None:
    told = reading(text, subject)
    assert isinstance(told, NotUnderstood | Ignored)


def test_a_missing_quantity_is_at_least_one_and_says_so() -> None:
    told = reading(order_text(7, TWO).replace("2,980円×2＝5,960円\n", ""))
    assert isinstance(told, Telling)
    assert told.lines[0] == TellingLine("item-01", "blue", 1, quantity_known=False, line_id="1")
    assert told.lines[1].quantity_known


def test_words_around_the_price_do_not_hide_the_quantity() -> None:
    for amount in (
        "2,980円（税込）×2＝5,960円",
        "2,980円×2個＝5,960円 ※10%税込",
        "2980 円 × 2 ＝ 5960 円",
        "2,980円×２＝5,960円",
    ):
        told = reading(order_text(7, TWO).replace("2,980円×2＝5,960円", amount))
        assert isinstance(told, Telling), amount
        assert told.lines[0] == TellingLine("item-01", "blue", 2, line_id="1"), amount


def test_a_subject_in_other_widths_is_the_same_subject() -> None:
    for subject in ("【Ｙａｈｏｏ！ショッピング】　注文確認：店", "[店] 【yahoo!ｼｮｯﾋﾟﾝｸﾞ】注文確認 : 店"):
        assert isinstance(reading(order_text(7, TWO), subject), Telling), subject


def test_a_shop_may_correct_the_words_and_refuse_other_stores() -> None:
    moved = corrected(PROFILE, {"mail.order_subjects": ["新しい件名"], "mail.items_start": "^お品物$"})
    assert isinstance(reading(order_text(7, TWO).replace("商品情報", "お品物"), "新しい件名です", moved), Telling)
    mine = corrected(PROFILE, {"mail.seller_id": "samplestore"})
    assert isinstance(reading(order_text(7, TWO), profile=mine), Telling)
    assert reading(order_text(7, TWO, seller="otherstore"), profile=mine) == NotUnderstood("order_of_another_shop", 1)


def test_a_store_account_may_have_hyphens_and_digits() -> None:
    told = reading(order_text(7, TWO, seller="sample-store_2"))
    assert isinstance(told, Telling)
    assert told.order == "sample-store_2-7"


def test_goods_that_are_not_there_are_the_reason_even_beside_a_buyer() -> None:
    text = "注文ID：samplestore-7\nキャンセル理由：お客様のご都合（在庫切れのご案内のため）\n"
    told = reading(text, CANCEL_SUBJECT)
    assert isinstance(told, Telling)
    assert told.reason == "out_of_stock"


def test_more_blocks_than_an_order_has_are_not_read() -> None:
    many = [Item("品", "a-1", 1, 1)] * 1_001
    found = reading(order_text(7, many))
    assert isinstance(found, NotUnderstood)
    assert found.rule == "items_too_many"
