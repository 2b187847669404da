"""Order and cancel mails of 楽天市場: the rules one by one, and generated variants with computed wants."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters.kit.mail import read_mail, write_mail
from adapters.kit.mall import Ignored, MailText, NotUnderstood
from adapters.kit.profile import Profile, corrected
from adapters.rakuten.mail import read_order_mail
from adapters.rakuten.mail_items import code_in_last_parentheses
from ledger.terms import CancelReason, OrderState, Telling, TellingLine
from tests.adapters.rakuten.mail_bodies import CANCEL_SUBJECT, ORDER_SUBJECT, Item, cancel_text, order_text, quoted

PROFILE = adapters.profile("rakuten")
NUMBER = "402853-20261120-0220534167"
SHIRT = Item("サンプルTシャツ", "c3ps390", "11", "2")
MAIL = MailText(ORDER_SUBJECT, "order@mail.rms.rakuten.co.jp", datetime(2026, 11, 20, tzinfo=UTC), "", "<a@b>")


def told(text: str, *, subject: str = ORDER_SUBJECT, profile: Profile = PROFILE) -> Telling:
    reading = read_order_mail(replace(MAIL, subject=subject, text=text), profile)
    assert isinstance(reading, Telling), reading
    return reading


def not_understood(text: str, profile: Profile = PROFILE) -> NotUnderstood:
    reading = read_order_mail(replace(MAIL, text=text), profile)
    assert isinstance(reading, NotUnderstood), reading
    return reading


def test_an_order_mail_states_the_whole_order() -> None:
    telling = told(order_text(NUMBER, [SHIRT, Item("別の商品（限定）", "abc-001")]))
    assert (telling.order, telling.state, telling.complete) == (NUMBER, OrderState.CONFIRMED, True)
    assert telling.ordered_at == datetime(2026, 11, 19, 23, 55, 46, tzinfo=UTC)
    assert telling.lines == (
        TellingLine("c3ps390", "11", 2, True, "1", ("c3ps390/11",)),
        TellingLine("abc-001", "", 1, True, "2", ("abc-001",)),
    )


def test_the_same_item_on_two_lines_stays_two_lines() -> None:
    lines = told(order_text(NUMBER, [SHIRT, SHIRT])).lines
    assert [(line.line_id, line.quantity) for line in lines] == [("1", 2), ("2", 2)]


def test_a_verified_mail_gives_a_verified_telling() -> None:
    reading = read_order_mail(replace(MAIL, text=order_text(NUMBER, [SHIRT]), verified=True), PROFILE)
    assert isinstance(reading, Telling)
    assert reading.verified


def test_a_mail_without_its_time_is_known_by_the_date_in_the_order_number() -> None:
    telling = told(order_text(NUMBER, [SHIRT], at=None))
    assert (telling.ordered_at, telling.ordered_on) == (None, date(2026, 11, 20))


def test_an_order_number_with_an_impossible_date_waits_for_a_person() -> None:
    assert not_understood(order_text("402853-20261399-0220534167", [SHIRT], at=None)).rule == "order_number_date"


@pytest.mark.parametrize("serial", ["12345678", "1234567890"])
def test_serials_of_eight_to_ten_digits_are_order_numbers(serial: str) -> None:
    assert told(order_text(f"402853-20261120-{serial}", [SHIRT])).order == f"402853-20261120-{serial}"


@pytest.mark.parametrize(
    "number", ["402853-20261120-1234567", "40285-20261120-0220534167", "1402853-20261120-0220534167", f"{NUMBER}1"]
)
def test_other_numbers_are_no_order_numbers(number: str) -> None:
    assert not_understood(order_text(number, [SHIRT])).rule == "order_number"


def test_a_shop_that_states_its_number_reads_only_its_own_mail() -> None:
    text = order_text(NUMBER, [SHIRT])
    assert told(text, profile=corrected(PROFILE, {"mail.shop_number": "402853"})).order == NUMBER
    assert not_understood(text, corrected(PROFILE, {"mail.shop_number": "402854"})).rule == "order_of_another_shop"


@pytest.mark.parametrize(
    "subject",
    [
        "【楽天市場】注文内容ご確認（自動配信メール）",
        "【楽天市場】注文内容ご確認 (自動配信メール)",
        "【楽天】注文内容ご確認(携帯)",
        "[tencho 12]【楽天市場】注文内容ご確認（自動配信メール）",
    ],
)
def test_the_subject_is_known_whatever_its_width_and_tags(subject: str) -> None:
    assert told(order_text(NUMBER, [SHIRT]), subject=subject).order == NUMBER


@pytest.mark.parametrize(
    "subject", ["", "注文内容ご確認", "【Yahoo!ショッピング】注文確認", "【楽天市場】注文内容ご確認のお願い", "Re"]
)
def test_another_subject_is_not_guessed(subject: str) -> None:
    assert read_order_mail(replace(MAIL, subject=subject, text=order_text(NUMBER, [SHIRT])), PROFILE) == NotUnderstood(
        "subject"
    )


def test_a_merchant_can_correct_a_subject_without_a_release() -> None:
    profile = corrected(PROFILE, {"mail.order_subjects": ["【楽天市場】新しい件名"]})
    assert told(order_text(NUMBER, [SHIRT]), subject="【楽天市場】 新しい件名", profile=profile).order == NUMBER


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("名（限定）(abc-001)", "abc-001"),
        ("名(abc(1))", "abc(1)"),
        ("名:)(abc)", "abc"),
        ("名（abc-001）", "abc-001"),
        ("名（限定）", None),
        ("名(abc)※", None),
        ("名()", None),
        ("名 abc)", None),
        ("", None),
    ],
)
def test_the_code_stands_in_the_last_parentheses(text: str, code: str | None) -> None:
    assert code_in_last_parentheses(text) == code


def test_a_code_with_a_character_that_could_not_be_read_is_no_code() -> None:
    assert not_understood(order_text(NUMBER, [Item("名", "ab\ufffd1")])).rule == "item_code"


def test_a_name_that_counts_pieces_is_not_the_phone_form() -> None:
    lines = told(
        order_text(NUMBER, [Item("シャンプー(大)500円×3個セット", "sham", "1", "2"), Item("300ml×2個", "sh2", "", "1")])
    ).lines
    assert [(line.item, line.quantity) for line in lines] == [("sham", 2), ("sh2", 1)]


def test_an_option_that_ends_in_parentheses_is_not_the_code() -> None:
    text = order_text(NUMBER, [Item("名だけの商品", "x", "", "1", ("カラー:ブラック(090)",))]).replace(
        "名だけの商品(x)", "名だけの商品"
    )
    assert not_understood(text).rule == "item_code"


def test_phone_lines_are_one_item_each() -> None:
    text = order_text(NUMBER, [Item("A", "a")]).replace(
        "A(a)\n価格 2,980(円) x 1(個) = 5,960(円) ※10%税込", "A（大）(a)2,980円×3個\nB(b)円×個"
    )
    assert [(line.item, line.quantity, line.quantity_known) for line in told(text).lines] == [
        ("a", 3, True),
        ("b", 1, False),
    ]


def test_a_phone_line_that_does_not_fit_makes_the_mail_wait() -> None:
    text = order_text(NUMBER, [Item("A", "a")]).replace(
        "A(a)\n価格 2,980(円) x 1(個) = 5,960(円) ※10%税込", "A(a)100円×3個\nB 100円×2個"
    )
    assert not_understood(text).rule == "phone_line"


def test_a_wrapped_price_line_is_not_half_read() -> None:
    text = order_text(NUMBER, [SHIRT]).replace(" x 2(個)", "\n x 2(個)")
    assert not_understood(text).rule == "second_price"


def test_a_mail_of_a_thousand_lines_and_more_is_not_an_order() -> None:
    assert not_understood(order_text(NUMBER, [SHIRT] * 1_001)).rule == "too_many_lines"


def test_the_reason_of_a_cancel_is_unknown_unless_it_is_stated() -> None:
    assert told(cancel_text(NUMBER), subject=CANCEL_SUBJECT).reason is CancelReason.UNKNOWN
    assert told(cancel_text(NUMBER, reason="不良品のため"), subject=CANCEL_SUBJECT).reason is CancelReason.DEFECTIVE
    assert told(cancel_text(NUMBER) + "欠品はありません\n", subject=CANCEL_SUBJECT).reason is CancelReason.UNKNOWN


def test_the_other_mails_of_the_mall_are_known_and_say_nothing() -> None:
    reading = read_order_mail(
        replace(MAIL, subject="【楽天市場】在庫ゼロのお知らせ", text=order_text(NUMBER, [SHIRT])), PROFILE
    )
    assert reading == Ignored("stock_zero_notice")


def test_what_is_not_understood_names_a_rule_and_a_line_and_no_text() -> None:
    problem = not_understood(order_text(NUMBER, [replace(SHIRT, quantity="秘密")]))
    assert (problem.rule, problem.line) == ("quantity", 17)
    assert "秘密" not in repr(problem)


# ------------------------------------------------------------------ generated variants

WIDE = str.maketrans("0123456789,", "０１２３４５６７８９，")
CODES = st.text("abcXYZ019-_", min_size=1, max_size=12)
QUANTITIES = st.one_of(st.integers(1, 30), st.integers(999, 12_000))
NAMES = st.sampled_from(["①サンプル㈱髙島", "ﾊﾝｶｸ(ﾍﾟｱ)", "名前（大）[2個入]", "A×3個セット", "波～線－と−〜"])
ITEMS = st.lists(
    st.tuples(NAMES, CODES, st.one_of(st.just(""), CODES), st.one_of(st.none(), QUANTITIES)), min_size=1, max_size=6
)
ENCODINGS = st.sampled_from(
    [
        ("iso-2022-jp", "7bit"),
        ("iso-2022-jp", "base64"),
        ("utf-8", "base64"),
        ("utf-8", "quoted-printable"),
        ("cp932", "8bit"),
        ("euc-jp", "base64"),
    ]
)
FORWARDS = st.sampled_from(["", "quoted", "header", "quoted header"])


def forwarded(text: str, how: str) -> str:
    if "header" in how:
        text = f"---------- Forwarded message ---------\nFrom: shop <order@example.jp>\nSubject: {ORDER_SUBJECT}\nTo: a@example.jp\n\n{text}"
    return quoted(text) if "quoted" in how else text


@settings(max_examples=150, deadline=None, derandomize=True)
@given(items=ITEMS, encoding=ENCODINGS, how=FORWARDS, wide=st.booleans(), dated=st.booleans())
def test_any_order_is_read_as_it_was_written(
    items: list[tuple[str, str, str, int | None]], encoding: tuple[str, str], how: str, wide: bool, dated: bool
) -> None:
    shown = [None if units is None else f"{units:,}".translate(WIDE if wide else {}) for *_, units in items]
    lines = [Item(name, code, variant, text) for (name, code, variant, _), text in zip(items, shown, strict=True)]
    text = order_text(NUMBER, lines, at="2026/11/20 8:55" if dated else None)
    if encoding[0] in ("cp932", "euc-jp"):
        text = text.replace("−", "－").replace("〜", "～")
    raw = write_mail(
        subject=("Fwd: " if how else "") + ORDER_SUBJECT,
        sender="order@mail.rms.rakuten.co.jp",
        recipient="shop@example.jp",
        sent_at=datetime(2026, 11, 20, tzinfo=UTC),
        text=forwarded(text, how),
        message_id="<a@b>",
        charset=encoding[0],
        transfer=encoding[1],
    )
    mail = read_mail(raw, received_at=datetime(2026, 11, 21, tzinfo=UTC))
    assert isinstance(mail, MailText), mail
    telling = read_order_mail(mail, PROFILE)
    assert isinstance(telling, Telling), telling
    assert telling.order == NUMBER
    assert telling.ordered_at == (datetime(2026, 11, 19, 23, 55, tzinfo=UTC) if dated else None)
    wanted = [(code, variant, units or 1, units is not None) for _, code, variant, units in items]
    assert [(line.item, line.variant, line.quantity, line.quantity_known) for line in telling.lines] == wanted


@settings(max_examples=150, deadline=None, derandomize=True)
@given(text=st.text(max_size=400), cut=st.integers(0, 600))
def test_no_text_makes_the_reader_raise_and_a_cut_mail_is_never_an_order(text: str, cut: int) -> None:
    whole = order_text(NUMBER, [SHIRT, SHIRT])
    read_order_mail(replace(MAIL, text=text), PROFILE)
    reading = read_order_mail(replace(MAIL, text=whole[:cut]), PROFILE)
    assert isinstance(reading, NotUnderstood) or cut > whole.index("*****")
