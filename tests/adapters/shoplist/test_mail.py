"""SHOPLIST's order mails: every way of sending says the same order, and a layout that is not the profile's says nothing."""

from datetime import UTC, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters.kit.mail import read_mail
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.profile import Profile, corrected
from adapters.shoplist.mail import read_order_mail
from ledger.terms import CancelReason, OrderState, Telling, TellingLine
from tests.adapters.shoplist.sample_mails import (
    BRACKETS,
    CANCEL_SUBJECT,
    COLONS,
    ORDER_SUBJECT,
    PLAIN_BRACKETS,
    SENT_AT,
    mail,
)

PROFILE = adapters.profile("shoplist")
WAYS = (("iso-2022-jp", "7bit"), ("utf-8", "base64"), ("cp932", "base64"), ("euc-jp", "8bit"))
LETTERS = "あア漢髙㈱①ﾌﾞﾙｰ（）()【】×＝=/-円0123456789２３,， 　ABCxyz～－・"
NAME = st.text(alphabet=LETTERS, min_size=1, max_size=30).filter(lambda text: text.strip() != "")
CODE = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z_-]{0,19}", fullmatch=True)
CHILD = st.one_of(st.just(""), st.from_regex(r"-?[0-9A-Za-z]{1,8}", fullmatch=True))
UNITS = st.one_of(st.integers(1, 20), st.sampled_from((1_000, 9_999_999)))
ITEM = st.tuples(NAME, CODE, CHILD, CHILD, UNITS)
quickly = settings(max_examples=80, deadline=None, derandomize=True)

Item = tuple[str, str, str, str, int]


def text_of(items: list[Item], *, colons: bool) -> str:
    """A whole mail in one of the two forms of labels."""

    def said(label: str, value: str) -> str:
        return f"{label}：{value}" if colons else f"[{label}] {value}"

    out = [said("受注番号", "12345678"), said("受注日時", "2026-11-20 09:04:05"), "", "【ご注文商品】"]
    for name, code, across, down, units in items:
        out += [said("商品名", name), said("商品番号", code)]
        out += [said(label, child) for label, child in (("横子番号", across), ("縦子番号", down)) if child]
        out += [said("数量", f"{units:,}"), ""]
    return "\n".join([*out, "小計：1,000円", ""])


def reading(text: str, subject: str = ORDER_SUBJECT, profile: Profile = PROFILE) -> OrderReading:
    found = MailText(subject, "order@shoplist.invalid", SENT_AT.astimezone(UTC), text, "<m@shoplist.invalid>")
    return read_order_mail(found, profile)


@quickly
@given(
    items=st.lists(ITEM, min_size=1, max_size=5), way=st.sampled_from(WAYS), colons=st.booleans(), quoted=st.booleans()
)
def test_every_way_of_sending_an_order_says_the_same_order(
    items: list[Item], way: tuple[str, str], colons: bool, quoted: bool
) -> None:
    text = text_of(items, colons=colons)
    body = "".join(f"> {line}\n" for line in text.split("\n")) if quoted else text
    raw = mail(body, subject=f"Fwd: {ORDER_SUBJECT}" if quoted else ORDER_SUBJECT, charset=way[0], transfer=way[1])
    received = read_mail(raw, received_at=SENT_AT + timedelta(minutes=1))
    assert isinstance(received, MailText)
    told = read_order_mail(received, PROFILE)
    assert isinstance(told, Telling), told
    assert (told.order, told.state, told.complete, told.verified) == ("12345678", OrderState.CONFIRMED, True, False)
    assert told.lines == tuple(
        TellingLine(
            code, f"{across}/{down}" if down else across, units, line_id=str(ordinal), codes=(code + across + down,)
        )
        for ordinal, (_, code, across, down, units) in enumerate(items, start=1)
    )


@quickly
@given(items=st.lists(ITEM, min_size=1, max_size=4), cut=st.integers(0, 600), colons=st.booleans())
def test_a_mail_cut_anywhere_is_the_whole_order_or_not_understood(items: list[Item], cut: int, colons: bool) -> None:
    text = text_of(items, colons=colons)
    whole = reading(text)
    part = reading(text[:cut])
    assert isinstance(part, NotUnderstood) or part == whole


@quickly
@given(st.text(max_size=300))
def test_no_text_makes_the_reader_raise(text: str) -> None:
    for subject in (ORDER_SUBJECT, CANCEL_SUBJECT):
        assert isinstance(reading(text, subject), Telling | NotUnderstood)


def test_what_is_not_understood_names_rule_and_line_and_no_text() -> None:
    found = reading(BRACKETS.replace("[数量] 2", "[数量] 山田"))
    assert found == NotUnderstood("quantity", 9)
    assert "山田" not in repr(found)


@pytest.mark.parametrize("kind", ["shipping_notice", "upload_result", "news"])
def test_a_known_mail_without_an_order_is_ignored_by_its_subject(kind: str) -> None:
    phrase = PROFILE.texts(f"mail.ignored.{kind}")[0]
    assert reading(BRACKETS, f"【SHOPLIST】{phrase}") == Ignored(kind)


def test_a_cancel_names_the_whole_order_or_what_it_lists() -> None:
    whole = reading("[受注番号] 12345678\n[キャンセル理由] 商品不良のため\n", CANCEL_SUBJECT)
    assert isinstance(whole, Telling)
    assert (whole.state, whole.complete, whole.lines) == (OrderState.CANCELLED, False, ())
    assert whole.reason is CancelReason.DEFECTIVE
    part = reading("[受注番号] 12345678\n【ご注文商品】\n[型番] gd1\n[数量] 1\n合計：0円\n", CANCEL_SUBJECT)
    assert isinstance(part, Telling)
    assert [(line.item, line.quantity) for line in part.lines] == [("gd1", 1)]
    unread = reading("[受注番号] 12345678\n[型番] ワンピース\n[数量] 1\n", CANCEL_SUBJECT)
    assert isinstance(unread, NotUnderstood), "a cancel of items that cannot be read is not one of the whole order"


def test_child_numbers_behind_the_quantity_are_not_given_to_the_item_before() -> None:
    text = BRACKETS.replace("[商品番号] op100\n", "").replace("[数量] 1\n", "")
    assert reading(text) == NotUnderstood("child_number", 12)


def test_a_child_number_that_is_none_is_not_left_out() -> None:
    assert reading(BRACKETS.replace("[横子番号] -m", "[横子番号] 中")) == NotUnderstood("child_number", 13)


def test_labels_in_a_products_name_say_nothing() -> None:
    told = reading(COLONS.replace("アラームクロック（レッド）", "数量：9 型番：x"))
    assert isinstance(told, Telling)
    assert [(line.item, line.quantity) for line in told.lines] == [("gd1", 1), ("gd2", 12)]


def test_a_merchant_corrects_the_patterns_and_the_mails_are_read() -> None:
    own = corrected(
        PROFILE,
        {
            "mail.order_words": ["売れました"],
            "mail.code": "^\\((?P<label>品目) (?P<value>[a-z0-9]+)\\)$",
            "mail.code_label": "^\\(品目",
        },
    )
    text = BRACKETS.replace("[型番] T-223-RED-S", "(品目 t223)").replace("[商品番号] op100", "(品目 op100)")
    told = reading(text, "【SHOPLIST】売れました", own)
    assert isinstance(told, Telling)
    assert [line.item for line in told.lines] == ["t223", "op100"]


def test_a_line_of_a_million_spaces_is_read_as_quickly_as_another() -> None:
    spaces = " " * 1_000_000
    assert isinstance(reading(f"受注番号{spaces}?\n数量{spaces}\n商品番号{spaces}ー\n" + BRACKETS), NotUnderstood)
    assert isinstance(reading(BRACKETS.replace("[数量] 2", f"[数量]{spaces}2")), Telling)


def test_items_without_a_heading_are_read_unless_the_merchant_says_there_is_one() -> None:
    assert isinstance(reading(PLAIN_BRACKETS), Telling)
    own = corrected(PROFILE, {"mail.items_begin_needed": "yes"})
    assert reading(PLAIN_BRACKETS, profile=own) == NotUnderstood("items_begin")
