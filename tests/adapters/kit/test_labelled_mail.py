"""Mails of labels: what begins an item, what ends the goods, codes as written, and nothing guessed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kit.labelled_mail import (
    MailItem,
    labelled_items,
    read_labelled_mail,
    units_in,
    value_as_written,
)
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.order_mail import LabelFound, find_label, lines_of
from adapters.kit.profile import Profile
from ledger.terms import CancelReason, OrderState, Telling, TellingLine

PROFILE = Profile(
    {
        "mail.not_ours": ["他モール"],
        "mail.order_subjects": ["注文確認"],
        "mail.changed_subjects": ["注文変更"],
        "mail.cancel_subjects": ["キャンセル"],
        "mail.cancel_request_words": ["依頼"],
        "mail.order_number_labels": ["注文番号"],
        "mail.order_number": "[0-9]{1,8}",
        "mail.ordered_at_labels": ["注文日時"],
        "mail.items_start": "^■商品",
        "mail.items_end": "^■合計",
        "mail.code_labels": ["品番"],
        "mail.name_labels": ["品名"],
        "mail.quantity_labels": ["数量"],
        "mail.cancel_reason_labels": ["理由"],
        "mail.ignored.shipping_notice": ["発送"],
        "mail.cancel_reasons.buyer": ["お客様"],
        "mail.cancel_reasons.unpaid": ["未入金"],
        "mail.cancel_reasons.out_of_stock": ["欠品"],
        "mail.cancel_reasons.defective": ["不良"],
    }
)
TEXT = "注文番号：123\n■商品\n品番：A-1\n品名：あ\n数量：2\n品番：B\n数量：1\n■合計\n数量：9\n"


def line_of(item: MailItem, ordinal: str, _profile: Profile) -> TellingLine:
    return TellingLine(item.code, "", item.quantity or 1, item.quantity is not None, ordinal)


def reading(text: str, subject: str = "注文確認") -> OrderReading:
    mail = MailText(subject, "shop@example.jp", datetime(2026, 11, 20, tzinfo=UTC), text, "<1@example.jp>")
    return read_labelled_mail(mail, PROFILE, parser_version=1, line_of=line_of)


def test_a_label_that_comes_again_begins_the_next_item_and_what_follows_the_goods_is_not_read() -> None:
    told = reading(TEXT)
    assert isinstance(told, Telling)
    assert [(line.item, line.quantity) for line in told.lines] == [("A-1", 2), ("B", 1)]
    assert (told.order, told.ordered_at, told.complete) == ("123", None, True)


def test_a_mail_without_marks_is_read_as_a_whole() -> None:
    told = reading("注文番号 123\n品名：あ\n品番：A\n数量：2\n品名：い\n品番：B\n数量：3\n")
    assert isinstance(told, Telling)
    assert [(line.item, line.quantity) for line in told.lines] == [("A", 2), ("B", 3)]


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        (TEXT.replace("■合計", "合計"), "items", 2),
        (TEXT.replace("品番：A-1", "品番："), "item_code", 3),
        (TEXT.replace("数量：1\n", "数量：1\n数量：1\n"), "quantity_twice", 8),
        (TEXT.replace("数量：2", "数量：百"), "quantity", 5),
        (TEXT.replace("注文番号：123", "注文番号：R-1"), "order_number", 1),
        (TEXT + "注文番号：124\n", "several_orders", 10),
        (TEXT + "注文日時：きのう\n", "ordered_at", 10),
        (TEXT.replace("注文番号", "番号"), "order_number", None),
        ("注文番号：123\n", "items", 1),
        (TEXT.replace("A-1", "x" * 201), "item_code", 3),
    ],
)
def test_what_is_not_there_is_not_guessed(text: str, rule: str, line: int | None) -> None:
    assert reading(text) == NotUnderstood(rule, line)


def test_subjects_decide_what_a_mail_is() -> None:
    assert reading(TEXT, "商品を発送しました") == Ignored("shipping_notice")
    assert reading(TEXT, "お知らせ") == NotUnderstood("subject")
    assert reading(TEXT, "【他モール】注文確認") == NotUnderstood("subject")
    assert reading(TEXT, "注文キャンセルの依頼") == NotUnderstood("cancel_request")
    assert isinstance(reading(TEXT, "注文 変更"), Telling)
    cancel = reading("注文番号：123\n理由：お客様のご都合（欠品のため）\n", "キャンセル")
    assert isinstance(cancel, Telling)
    assert (cancel.state, cancel.complete, cancel.lines) == (OrderState.CANCELLED, False, ())
    assert cancel.reason is CancelReason.OUT_OF_STOCK, "missing goods are not sold again because a buyer is named"


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Cf", "Mn")), min_size=1, max_size=30)
)
def test_a_code_is_kept_as_it_is_written(code: str) -> None:
    (line,) = lines_of(f"品番：{code}")
    found = find_label((line,), "品番")
    assert isinstance(found, LabelFound)
    if found.value and code.lstrip(":：") == code:
        assert value_as_written(found) == code


@given(st.text(max_size=300))
def test_no_text_makes_it_raise(text: str) -> None:
    assert reading(text) is not None
    assert labelled_items(lines_of(text), PROFILE) is not None


@pytest.mark.parametrize(
    ("text", "units"),
    [("2", 2), ("２個", 2), ("1,000 枚", 1000), ("0", None), ("-1", None), ("2.5", None), ("2x3", None), ("", None)],
)
def test_a_count_may_have_a_counter_behind_it(text: str, units: int | None) -> None:
    assert units_in(text) == units
