"""Kept messages read again: a corrected reader tells the ledger what it had misread, and nothing where it had not."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from adapters.kit.mail import write_mail
from api.database import Database
from api.jobs import rereading
from api.jobs.intake import drain
from api.jobs.naming import CodedListing
from api.jobs.retention import sweep
from api.wiring import House
from ledger import keys
from ledger.book import shops
from ledger.order import FOLD
from ledger.terms import ListingKey
from tests.adapters.rakuten.mail_bodies import ORDER_SENDER, ORDER_SUBJECT, Item, order_text
from tests.api.intake_rig import (
    RAKUTEN,
    KnownListings,
    TurnedClock,
    connect_shops,
    deliver,
    link,
    nothing_waits,
    opened,
    sample,
    set_stock,
    states,
    stock_of,
)

NUMBER = "402853-20261120-0000000009"
DAY = 86_400


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def house(database: Database, tmp_path: Path, clock: TurnedClock) -> Iterator[House]:
    with opened(database, tmp_path, clock) as house:
        connect_shops(house)
        link(house, RAKUTEN, "page-2", "x", "MUG", codes=["abc-001"])
        set_stock(house, "MUG", 10)
        yield house


def take(house: House) -> int:
    known = KnownListings()
    known.codes[RAKUTEN, "abc-001"] = [CodedListing(ListingKey("page-2", "x"), "MUG")]
    return nothing_waits(house, partial(drain, house, known))


def misread(house: House) -> None:
    """The reader takes a quantity of 3 for none said: this shop's profile is wrong, so at least 1 is allocated."""
    wrong = {"profile.mail.quantity": "(?P<quantity>9{9})", "profile.mail.no_quantity": "."}
    house.book.do(shops.change_shop_settings(RAKUTEN, wrong), house.by())
    text = order_text(NUMBER, [Item("マグ", "abc-001", quantity="3")])
    deliver(
        house,
        write_mail(
            subject=ORDER_SUBJECT,
            sender=ORDER_SENDER,
            recipient="shop@mail.test",
            sent_at=house.clock.now(),
            text=text,
            message_id="<1@example.com>",
        ),
    )
    rereading.preview(house)  # the lists are made
    take(house)
    right = {
        "profile.mail.quantity": r"^\s*[x×✕]\s*(?P<quantity>[^()]*?)\s*\(個\)",
        "profile.mail.no_quantity": r"^\s*($|=|※)",
    }
    house.book.do(shops.change_shop_settings(RAKUTEN, right), house.by())


def test_a_corrected_reader_corrects_what_it_told_and_says_so_before(house: House) -> None:
    misread(house)
    assert stock_of(house, "MUG") == (10, 1)
    seen = rereading.preview(house)
    assert (seen.messages, seen.corrected, dict(seen.changes)) == (1, 1, {"MUG": -2})
    assert stock_of(house, "MUG") == (10, 1), "a preview changes nothing"
    assert rereading.apply(house, seen).states.total() == 1
    assert stock_of(house, "MUG") == (10, 3)
    kept = house.look(keys.order(RAKUTEN, NUMBER), FOLD).kept
    assert [(k.told.quantities, k.told.parser_version) for k in kept] == [([1], 1), ([3], 1)]
    again = rereading.preview(house)
    assert (again.same, again.corrected, again.ids) == (1, 0, [])


def test_what_was_not_understood_is_taken_when_it_is_now(house: House) -> None:
    house.book.do(shops.change_shop_settings(RAKUTEN, {"shop_number": "111111"}), house.by())
    deliver(house, sample("rakuten", "order_iso2022jp"))
    deliver(house, sample("rakuten", "broken_cut_short"))
    take(house)
    assert [state for state, _ in states(house)] == ["quarantined", "quarantined"]
    house.book.do(shops.change_shop_settings(RAKUTEN, {"shop_number": "402853"}), house.by())
    seen = rereading.preview(house, code=RAKUTEN)
    assert (seen.understood, seen.not_understood) == (1, 1)
    rereading.apply(house, seen)
    assert [state for state, _ in states(house)] == ["read", "quarantined"]
    assert stock_of(house, "MUG") == (10, 1)


def test_a_line_that_was_linked_since_is_no_correction(house: House) -> None:
    deliver(house, sample("rakuten", "order_iso2022jp"))
    take(house)
    link(house, RAKUTEN, "page-1", "11", "SHIRT-11", codes=["c3ps390/11"])
    seen = rereading.preview(house)
    assert (seen.same, seen.ids) == (1, [])


def test_what_a_person_ignored_and_what_stands_still_is_left(house: House) -> None:
    deliver(house, sample("rakuten", "order_iso2022jp"))
    take(house)
    house.book.do(shops.stop_intake(RAKUTEN), house.by())
    assert (rereading.preview(house).stopped, rereading.preview(house, code="nobody").messages) == (1, 0)


def test_when_the_raw_text_is_gone_its_facts_stay(house: House, clock: TurnedClock) -> None:
    misread(house)
    clock.turn((house.settings.message_days + 1) * DAY)
    while sweep(house):
        pass
    assert rereading.preview(house).messages == 0
    assert stock_of(house, "MUG") == (10, 1)
