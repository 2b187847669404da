"""Labels, sections, counts and times of order mails; what is not there is never guessed."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kit.mall import NotUnderstood
from adapters.kit.order_mail import (
    LINES_MAX,
    LabelFound,
    count_in,
    date_jst,
    find_label,
    lines_of,
    moment_jst,
    same_subject,
    section,
    split_sections,
    subject_begins,
)

TEXT = "前文\n注文ID　：samplestore-10000001\n[受注番号] 402853-1\n[商品]\nＡ\n-----\nＢ\n\n-----\n****\n後文"


def value(*labels: str) -> str:
    found = find_label(lines_of(TEXT), *labels)
    assert isinstance(found, LabelFound), found
    return found.value


def test_a_label_is_found_in_any_width_and_gives_what_follows_it() -> None:
    assert value("注文ID") == "samplestore-10000001"
    assert value("ご注文番号", "[受注番号]") == "402853-1"


def test_a_label_is_not_the_beginning_of_a_longer_word() -> None:
    assert find_label(lines_of("注文IDなし\n注文ID一覧: 3"), "注文ID", rule="order") == NotUnderstood("order")


def test_lines_keep_their_number_and_their_own_text() -> None:
    lines = lines_of("ａ\n\nｂ　")
    assert [(line.number, line.raw, line.text) for line in lines] == [(1, "ａ", "a"), (2, "", ""), (3, "ｂ　", "b")]
    assert len(lines_of("\n" * (LINES_MAX * 2))) == LINES_MAX


def test_a_section_stands_between_its_marks_and_a_missing_end_is_not_understood() -> None:
    found = section(lines_of(TEXT), r"^\[商品\]$", r"^\*{4,}$", rule="goods")
    assert not isinstance(found, NotUnderstood)
    assert [[line.text for line in part] for part in split_sections(found, r"^-{5,}$")] == [["A"], ["B", ""]]
    assert section(lines_of("[商品]\nA"), r"^\[商品\]$", r"^\*{4,}$", rule="goods") == NotUnderstood("goods", 1)
    assert section(lines_of("A"), r"^\[商品\]$", r"^\*{4,}$", rule="goods") == NotUnderstood("goods")


@pytest.mark.parametrize(
    ("text", "count"),
    [("2", 2), ("２", 2), ("1,000", 1000), ("１，０００", 1000), (" 3 ", 3), ("0", 0), ("1,234,567", 1234567)],
)
def test_a_count_is_read(text: str, count: int) -> None:
    assert count_in(text) == count


@pytest.mark.parametrize(
    "text", ["", "個", "2個", "-1", "1.0", "1,00", "1,0000", "12345678", "二", "+2", "1 000", "NaN"]
)
def test_what_is_no_count_is_not_guessed(text: str) -> None:
    assert count_in(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20 08:55:46",
        "2026年11月20日 08時55分46秒",
        "２０２６／１１／２０　８：５５：４６",
        "注文日時: 2026/11/20(金) 08:55:46",
    ],
)
def test_a_time_in_japan_becomes_utc(text: str) -> None:
    assert moment_jst(text) == datetime(2026, 11, 19, 23, 55, 46, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2026-11-20", "2026-13-20 08:55", "2026-02-30 08:55", "2026-11-20 25:00", "0000-01-01 00:00"]
)
def test_what_is_no_time_is_not_guessed(text: str) -> None:
    assert moment_jst(text) is None


def test_a_date_alone_is_a_date() -> None:
    assert date_jst("注文日 2026年11月2日") == date(2026, 11, 2)
    assert date_jst("2026-02-30") is None
    assert date_jst("20261102") is None


def test_subjects_are_compared_in_any_width() -> None:
    assert same_subject(
        "【楽天市場】注文内容ご確認 (自動配信メール)", "x", "【楽天市場】注文内容ご確認（自動配信メール）"
    )
    assert subject_begins("【Yahoo!ショッピング】注文確認：a-1", "【Yahoo！ショッピング】注文確認:")
    assert not same_subject("【楽天市場】", "【楽天市場】注文")


@given(st.text(max_size=100))
def test_no_text_makes_a_reader_raise(text: str) -> None:
    lines = lines_of(text)
    find_label(lines, "注文ID")
    section(lines, "a", "b", rule="x")
    count_in(text)
    moment_jst(text)
    date_jst(text)
