"""Amazon's order mails beside the samples: generated variety, and what a profile can correct."""

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.amazon.mail import read_order_mail
from adapters.kit.mail import read_mail
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.profile import corrected
from ledger.terms import OrderState, Telling
from tests.adapters.amazon.sample_mails import OLD_SENDER, OLD_SUBJECT, ORDER, mail, older_text, text_of_today
from tests.adapters.amazon.seller import PROFILE

SKUS = st.from_regex(r"[A-Za-z0-9ァ-ヶ](?:[ -.0-~ァ-ヶ]{0,30}[A-Za-z0-9])?", fullmatch=True)


def text_of(raw: bytes) -> MailText:
    found = read_mail(raw, received_at=datetime(2026, 11, 21, tzinfo=UTC))
    assert isinstance(found, MailText)
    return found


def reading(raw: bytes) -> OrderReading:
    return read_order_mail(text_of(raw), PROFILE)


@given(sku=SKUS, units=st.integers(1, 9_999_999))
def test_a_sku_and_its_quantity_are_read_exactly(sku: str, units: int) -> None:
    found = reading(mail(text_of_today(sku=sku, quantity=f"{units:,}")))
    assert isinstance(found, Telling), found
    assert [(line.item, line.variant, line.quantity) for line in found.lines] == [(sku, "", units)]


@settings(max_examples=30)
@given(st.lists(st.tuples(SKUS, st.integers(1, 999)), min_size=1, max_size=20))
def test_every_line_of_an_older_mail_is_read_in_its_order(items: list[tuple[str, int]]) -> None:
    text = older_text([(sku, str(units)) for sku, units in items])
    found = reading(mail(text, subject=OLD_SUBJECT, sender=OLD_SENDER))
    assert isinstance(found, Telling), found
    assert [(line.item, line.quantity, line.line_id) for line in found.lines] == [
        (sku, units, str(place)) for place, (sku, units) in enumerate(items, start=1)
    ]
    assert found.complete


def test_todays_mail_names_one_sku_and_only_the_day() -> None:
    found = reading(mail(text_of_today()))
    assert isinstance(found, Telling)
    assert not found.complete, "the order may have other lines"
    assert (found.ordered_at, found.ordered_on) == (None, date(2026, 11, 20))
    assert (found.state, found.verified) == (OrderState.CONFIRMED, False)
    assert not found.lines[0].quantity_known


@given(st.text(max_size=400), st.sampled_from([OLD_SUBJECT, "注文確定： SKU-001", "注文がキャンセルされました", "x"]))
def test_no_text_makes_the_reader_raise(text: str, subject: str) -> None:
    sent = MailText(subject, OLD_SENDER, datetime(2026, 11, 20, tzinfo=UTC), text, "")
    found = read_order_mail(sent, PROFILE)
    assert isinstance(found, Telling | Ignored | NotUnderstood)
    if isinstance(found, Telling):
        assert len(found.order) == len(ORDER)


def test_a_subject_that_amazon_changes_is_corrected_in_the_profile() -> None:
    sent = replace(text_of(mail(text_of_today())), subject="新規注文のお知らせ SKU-001")
    assert read_order_mail(sent, PROFILE) == NotUnderstood("subject")
    mended = corrected(PROFILE, {"mail.order_subjects": ["新規注文"]})
    assert isinstance(read_order_mail(sent, mended), Telling)
