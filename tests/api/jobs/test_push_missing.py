"""What looks find missing, what explains it, and how long it is withheld."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from api.jobs.push_missing import Base, Unseen, Withheld, explained_by_look, outstanding, sum_withheld, unseen_at
from api.jobs.push_plan import LookFirst, Shown, fresh_look, shown
from ledger import expected
from ledger.expected import Numbers, Sale
from ledger.terms import ListingKey
from tests.api.jobs.numbers import KEY, at, decided, reads, row, sells, told

# ------------------------------------------------------------------ what a look finds


def missing(numbers: Numbers, *, read_units: int, read_at: datetime, doubts: Sequence[Base] = ()) -> tuple[int, int]:
    found = unseen_at(numbers, read_units=read_units, read_at=read_at, doubts=doubts)
    return found.certain, found.possible


def test_a_number_below_the_expected_one_is_that_many_unseen_units() -> None:
    assert missing(told(5), read_units=3, read_at=at(600)) == (2, 0)
    assert missing(sells(told(5), seconds=300, position=20), read_units=3, read_at=at(600)) == (1, 0)
    assert missing(told(5), read_units=7, read_at=at(600)) == (0, 0)


def test_an_order_too_close_to_the_push_explains_a_missing_unit_only_perhaps() -> None:
    near = sells(told(5), seconds=10, position=20)
    assert missing(near, read_units=5, read_at=at(600)) == (0, 0)
    assert missing(near, read_units=4, read_at=at(600)) == (0, 1)
    assert missing(near, read_units=3, read_at=at(600)) == (1, 1)


def test_a_second_look_counts_from_the_first() -> None:
    looked = reads(told(5), 4, seconds=600)
    assert missing(looked, read_units=4, read_at=at(700)) == (0, 0)
    assert missing(looked, read_units=2, read_at=at(700)) == (2, 0)


def test_units_the_mall_put_back_itself_are_expected() -> None:
    restored = sells(sells(told(5), seconds=300, position=20), seconds=300, position=30, quantity=-1, restores="yes")
    assert restored.expected_units == 5
    assert missing(restored, read_units=4, read_at=at(600)) == (1, 0)


def test_what_the_mall_shows_is_the_newest_of_push_and_read_less_its_sales() -> None:
    assert shown(told(5)) == Shown(5, 5)
    looked = reads(told(5), 3, seconds=600)
    assert shown(looked) == Shown(3, 3)
    assert shown(sells(looked, seconds=700, position=60)) == Shown(2, 2)
    assert shown(sells(looked, seconds=610, position=60)) == Shown(2, 3)
    assert shown(Numbers()) == Shown(None, None)


def test_a_number_that_a_lost_answer_may_have_set_is_not_taken_for_sales() -> None:
    lost = Base(3, at(300), at(330), 20)
    unknown = expected.unknown(told(8), position=21, at=at(300))
    assert missing(unknown, read_units=3, read_at=at(600), doubts=[lost]) == (0, 5)
    assert missing(unknown, read_units=8, read_at=at(600), doubts=[lost]) == (0, 0)
    assert missing(unknown, read_units=2, read_at=at(600), doubts=[lost]) == (1, 5)


def test_a_request_without_an_answer_may_arrive_behind_a_newer_number() -> None:
    lost = Base(1, at(1), at(96), 34)  # older than the 0 told at 10, and on its way for longer
    newer = told(0, seconds=10, position=42)
    assert missing(newer, read_units=0, read_at=at(106), doubts=[lost]) == (0, 1)
    assert missing(newer, read_units=0, read_at=at(106), doubts=[Base(1, at(1), at(9), 34)]) == (0, 0)


def entry(certain: int, possible: int = 0, *, seconds: float = 600, position: int = 50) -> Unseen:
    return Unseen("yahoo", KEY, "CUP", 1, certain, possible, at(500), at(seconds), position)


def test_units_are_withheld_until_their_order_is_told() -> None:
    assert outstanding([entry(2)], [], at(650)) == Withheld(2)
    assert outstanding([entry(2)], [Sale(60, 1, at(590))], at(650)) == Withheld(1)
    assert outstanding([entry(2)], [Sale(60, 2, at(590))], at(650)) == Withheld(0)


def test_an_order_placed_after_the_look_or_known_before_it_explains_nothing() -> None:
    assert outstanding([entry(1)], [Sale(60, 1, at(601))], at(650)) == Withheld(1)
    assert outstanding([entry(1)], [Sale(40, 1, at(590))], at(650)) == Withheld(1)
    assert outstanding([entry(1)], [Sale(60, 1, None)], at(650)) == Withheld(1)


def test_an_order_of_the_same_second_as_the_look_may_have_come_after_it() -> None:
    assert outstanding([entry(1, seconds=600.4)], [Sale(60, 1, at(600))], at(650)) == Withheld(1)
    assert outstanding([entry(1, seconds=600.4)], [Sale(60, 1, at(599))], at(650)) == Withheld(0)


def test_a_time_without_seconds_may_be_anywhere_in_its_minute() -> None:
    assert outstanding([entry(1, seconds=630.0)], [Sale(60, 1, at(600))], at(650)) == Withheld(1)
    assert outstanding([entry(1, seconds=660.0)], [Sale(60, 1, at(600))], at(660)) == Withheld(0)


def test_an_order_told_while_the_mall_was_asked_is_not_inside_the_number_by_that_alone() -> None:
    numbers = reads(sells(told(5), seconds=601, position=49), 4, seconds=602, position=50, known=48)
    assert not fresh_look(numbers, at(603))
    assert numbers.expected_units is None or numbers.uncertain_position == 0
    assert isinstance(decided(row(numbers, 4), seconds=603), LookFirst)


def test_a_second_look_shows_that_an_order_was_inside_the_first() -> None:
    first = reads(Numbers(), 3, seconds=600.4, position=50)  # one of 4 is missing
    numbers = sells(first, seconds=600, position=60)  # its order, of the same second
    entries = [replace(entry(1, seconds=600.4), known_position=50)]
    explained = explained_by_look(numbers, entries, read_units=3, read_at=at(603))
    assert [left[1:] for left in explained] == [(0, 0)], "the number did not fall: it was placed before the first look"
    explained = explained_by_look(numbers, entries, read_units=2, read_at=at(603))
    assert [left[1:] for left in explained] == [(1, 0)], "the number fell by this order"


def test_an_order_explains_by_its_time_or_by_a_look_but_once() -> None:
    numbers = sells(reads(Numbers(), 3, seconds=620, position=50), seconds=590, position=60)
    entries = [replace(entry(2, seconds=620), known_position=50)]
    assert [left[1:] for left in explained_by_look(numbers, entries, read_units=3, read_at=at(640))] == [(1, 0)]


def test_an_order_that_was_taken_off_when_it_was_told_is_not_taken_off_by_the_next_look() -> None:
    numbers = sells(reads(Numbers(), 3, seconds=620, position=50), seconds=610, position=60)
    entries = [replace(entry(2, seconds=620), known_position=61)]  # one of three was taken off by the order of 610
    assert [left[1:] for left in explained_by_look(numbers, entries, read_units=3, read_at=at(640))] == [(2, 0)]


def test_a_cancel_between_two_looks_hides_a_sale_and_explains_nothing() -> None:
    numbers = sells(reads(Numbers(), 3, seconds=600.4, position=50), seconds=600, position=60)
    numbers = sells(numbers, seconds=601, position=61, quantity=-1, restores="unknown")
    entries = [replace(entry(1, seconds=600.4), known_position=50)]
    assert [left[1:] for left in explained_by_look(numbers, entries, read_units=3, read_at=at(603))] == [(1, 0)]


def test_an_order_that_the_push_before_the_look_wrote_over_explains_nothing() -> None:
    assert outstanding([entry(1)], [Sale(60, 1, at(499))], at(650)) == Withheld(1)


def test_one_order_explains_one_look_only() -> None:
    entries = [entry(1), entry(1, seconds=620, position=55)]
    assert outstanding(entries, [Sale(60, 1, at(590))], at(650)) == Withheld(1)


def test_after_ten_minutes_nothing_is_withheld() -> None:
    assert outstanding([entry(1)], [], at(1_199)) == Withheld(1)
    assert outstanding([entry(1)], [], at(1_200)) == Withheld(0)


def test_possible_units_stay_until_the_certain_ones_are_explained() -> None:
    assert outstanding([entry(1, 1)], [Sale(60, 1, at(590))], at(650)) == Withheld(0, 1)


def test_certain_units_count_for_every_listing_and_possible_ones_for_their_own() -> None:
    other = ListingKey("cup", "red")
    parts = {("yahoo", KEY): Withheld(1, 2), ("yahoo", other): Withheld(3, 4)}
    assert sum_withheld(parts, ("yahoo", KEY)) == Withheld(4, 2)
    assert sum_withheld(parts, ("rakuten", KEY)) == Withheld(4, 0)


def test_what_is_missing_counts_units_of_the_sku() -> None:
    assert outstanding([replace(entry(2, 1), units_per_listing=3)], [], at(650)) == Withheld(6, 3)
