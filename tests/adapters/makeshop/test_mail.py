"""MakeShop's order mails beyond the samples: generated variants, and mails that name what files and orders name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.kit.file_form import FileRow, NotThisFormat
from adapters.kit.mail import read_mail
from adapters.kit.mall import Ignored, MailText, NotUnderstood
from adapters.kit.table import open_table
from adapters.makeshop.files import OPTIONS
from adapters.makeshop.mail import read_order_mail
from ledger.terms import OrderState, Telling
from tests.adapters.makeshop.mail_text import Item, order_text, sent
from tests.adapters.makeshop.sample_mails import SUBJECT, number
from tests.adapters.makeshop.shop import BLUE, NOW, PROFILE, store

CODES = st.text(st.sampled_from("abcXYZ019-_."), min_size=1, max_size=50)


def mail(text: str, subject: str = SUBJECT) -> MailText:
    return MailText(subject, "shop@example.jp", sent(), text, "<1@example.jp>")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(CODES, CODES | st.just(""), st.integers(1, 9_999_999)), min_size=1, max_size=8), st.booleans()
)
def test_every_item_comes_out_with_its_codes_and_units(items: list[tuple[str, str, int]], comma: bool) -> None:
    written = [Item("名前", code, option, f"{units:,}" if comma else str(units)) for code, option, units in items]
    told = read_order_mail(mail(order_text(number(1), written)), PROFILE)
    assert isinstance(told, Telling)
    assert [(line.item, line.variant, line.quantity) for line in told.lines] == items


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.text(max_size=300), st.sampled_from([SUBJECT, "ご注文キャンセルのお知らせ", "【仮注文】", "発送", ""]))
def test_no_text_makes_the_reader_raise(text: str, subject: str) -> None:
    assert isinstance(read_order_mail(mail(text, subject), PROFILE), Telling | Ignored | NotUnderstood)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 400))
def test_a_mail_that_is_cut_anywhere_never_loses_an_item_silently(at: int) -> None:
    whole = order_text(number(1), [Item("名前", "item-01", "BL", "2個"), Item("名前", "item-02", "", "1個")])
    told = read_order_mail(mail(whole[:at]), PROFILE)
    if isinstance(told, Telling):
        assert len(told.lines) == 2


def test_a_mail_names_the_listing_as_the_option_file_does() -> None:
    header = "システム商品コード,独自商品コード,オプション独自コード,バリエーションID,数量\r\n"
    table = open_table([(header + "000000000001,item-01,BL,101,3\r\n").encode()])
    reader = OPTIONS.open(table.header, PROFILE)
    assert not isinstance(reader, NotThisFormat)
    (row,) = reader(table.rows)
    told = read_order_mail(mail(order_text(number(1), [Item("名前", "item-01", "BL", "1")])), PROFILE)
    assert isinstance(row, FileRow)
    assert isinstance(told, Telling)
    assert told.lines[0].codes == row.codes


@pytest.mark.parametrize(("provisional", "state"), [(True, OrderState.PROVISIONAL), (False, OrderState.CONFIRMED)])
def test_the_mall_mails_own_codes_and_says_when_an_order_is_provisional(provisional: bool, state: OrderState) -> None:
    with store() as shop:
        shop.state.next_is_provisional = provisional
        shop.state.own_codes[BLUE] = ("item-01", "BL")
        order = shop.shop.sell(BLUE, 2)
        assert order is not None
        told: list[bytes] = []
        shop.shop.deliver_due(told.append)
        text = read_mail(told[0], received_at=NOW)
        assert isinstance(text, MailText)
        reading = read_order_mail(text, PROFILE)
        assert isinstance(reading, Telling)
        assert (reading.order, reading.state) == (order.number, state)
        assert [(line.item, line.variant, line.quantity) for line in reading.lines] == [("item-01", "BL", 2)]
