"""futureshop's order mails beyond the samples: generated variants, cut mails, and names that files bring too."""

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.futureshop.files import VARIATIONS
from adapters.futureshop.mail import read_order_mail
from adapters.kit.file_form import FileRow, NotThisFormat
from adapters.kit.mall import Ignored, MailText, NotUnderstood
from adapters.kit.table import open_table
from ledger.terms import Telling
from tests.adapters.futureshop.mail_text import Item, order_text, sent
from tests.adapters.futureshop.sample_mails import SUBJECT, number
from tests.adapters.futureshop.shop import PROFILE

CODES = st.text(st.sampled_from("abcXYZ019-_."), min_size=1, max_size=32)
BRANCHES = st.text(st.sampled_from("abcXYZ019"), max_size=18)


def mail(text: str, subject: str = SUBJECT) -> MailText:
    return MailText(subject, "shop@example.jp", sent(), text, "<1@example.jp>")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(CODES, BRANCHES, st.integers(1, 9_999_999)), min_size=1, max_size=8))
def test_every_item_comes_out_with_its_codes_and_units(items: list[tuple[str, str, int]]) -> None:
    written = [Item("名前（レッド）", code, branches, f"{units:,}個") for code, branches, units in items]
    told = read_order_mail(mail(order_text(number(1), written)), PROFILE)
    assert isinstance(told, Telling)
    assert [(line.item, line.variant, line.quantity) for line in told.lines] == items
    assert [line.codes for line in told.lines] == [(code + branches,) for code, branches, _ in items]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.text(max_size=300), st.sampled_from([SUBJECT, "ご注文キャンセル完了のお知らせ", "発送", ""]))
def test_no_text_makes_the_reader_raise(text: str, subject: str) -> None:
    assert isinstance(read_order_mail(mail(text, subject), PROFILE), Telling | Ignored | NotUnderstood)


def test_a_mail_that_is_cut_anywhere_never_loses_an_item_silently() -> None:
    whole = order_text(number(1), [Item("名前", "gd1", "rd", "2"), Item("名前", "gd2", "", "1個")])
    for at in range(len(whole)):
        told = read_order_mail(mail(whole[:at]), PROFILE)
        assert not isinstance(told, Telling) or len(told.lines) == 2


def test_a_mail_names_the_listing_as_the_variation_file_does() -> None:
    table = open_table(["コントロールカラム,商品番号,縦軸枝番号,横軸枝番号,在庫数\r\n,gd4,rd,m,3\r\n".encode()])
    reader = VARIATIONS.open(table.header, PROFILE)
    assert not isinstance(reader, NotThisFormat)
    (row,) = reader(table.rows)
    assert isinstance(row, FileRow)
    for branches in ("rdm", "mrd"):
        told = read_order_mail(mail(order_text(number(1), [Item("名前", "gd4", branches, "1")])), PROFILE)
        assert isinstance(told, Telling)
        assert set(told.lines[0].codes) <= set(row.codes)
