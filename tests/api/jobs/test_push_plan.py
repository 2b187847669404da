"""What a listing is to be told now: every rule of "what a listing is told", given numbers, with the mall's own sales."""

from dataclasses import replace

from msgspec import structs

from api.jobs.push_missing import Withheld
from api.jobs.push_plan import (
    LOWER,
    RAISE,
    RESTATE,
    ZERO,
    Leave,
    LookFirst,
    Send,
    WaitUntil,
)
from ledger import expected
from ledger.expected import Numbers
from ledger.listing import STOPPED, TO_CONFIRM, Stopped
from ledger.terms import utc_text
from tests.api.jobs.numbers import MAIL_ONLY, at, decided, reads, row, sells, told

# ------------------------------------------------------------------ lower at once


def test_a_number_below_what_the_mall_shows_goes_at_once() -> None:
    assert decided(row(told(5), 3), seconds=600) == Send(3, LOWER)


def test_zero_goes_at_once_even_when_nobody_knows_what_the_mall_shows() -> None:
    uncertain = expected.unknown(told(5), position=20, at=at(10))
    assert decided(row(uncertain, 0), seconds=20) == Send(0, ZERO)
    assert decided(row(Numbers(), 0), seconds=20) == Send(0, ZERO)
    assert decided(row(told(5), -2), seconds=600) == Send(0, ZERO)


def test_zero_is_not_said_twice() -> None:
    assert decided(row(told(0), 0), seconds=600) == Leave("same")


def test_what_the_mall_shows_by_itself_is_not_told_again() -> None:
    sold = sells(told(5), seconds=300, position=20)
    assert decided(row(sold, 4), seconds=400) == Leave("same")


def test_the_last_unit_is_not_raised_again_by_the_mail_of_the_sale_before_it() -> None:
    """D1: Rakuten shows 2, sells both within 3 seconds, and shows 0 by itself; the first mail comes alone."""
    first = sells(told(2, seconds=-3600), seconds=0, position=20)
    assert decided(row(first, 1), seconds=5) == Leave("same")


def test_a_sale_elsewhere_lowers_below_an_own_sale_that_is_known() -> None:
    sold = sells(told(5), seconds=300, position=20)
    assert decided(row(sold, 3), seconds=400) == Send(3, LOWER)


# ------------------------------------------------------------------ raise after a look


def test_a_raise_with_few_free_units_looks_first() -> None:
    assert decided(row(told(5), 8), seconds=600) == LookFirst(RAISE)


def test_a_raise_with_many_free_units_goes_without_a_look() -> None:
    assert decided(row(told(5), 11), seconds=600) == Send(11, RAISE)
    capped = row(sells(told(5), seconds=300, position=20), 90, cap=5)
    assert decided(capped, seconds=400) == Send(5, RAISE)


def test_after_a_look_that_shows_what_was_expected_the_raise_goes() -> None:
    looked = reads(told(5), 5, seconds=600)
    assert decided(row(looked, 8), seconds=603) == Send(8, RAISE, looked=True)


def test_a_look_of_more_than_five_seconds_ago_is_too_old() -> None:
    looked = reads(told(5), 5, seconds=600)
    assert decided(row(looked, 8), seconds=606) == LookFirst(RAISE)


def test_a_look_from_before_the_last_push_says_nothing() -> None:
    looked = structs.replace(told(5, seconds=602), read_units=2, read_at=at(601), read_position=50)
    assert decided(row(looked, 8), seconds=603) == LookFirst(RAISE)


def test_an_order_told_since_the_look_asks_for_another() -> None:
    looked = sells(reads(told(5), 5, seconds=600), seconds=601, position=60)
    assert decided(row(looked, 4), seconds=602) == Leave("same")
    assert decided(row(looked, 8), seconds=602) == LookFirst(RAISE)
    assert decided(row(looked, 3), seconds=602) == Send(3, LOWER)


def test_units_a_look_found_missing_are_left_out_of_the_raise() -> None:
    looked = reads(told(5), 4, seconds=600)
    assert decided(row(looked, 8), seconds=601, withheld=Withheld(1)) == Send(7, RAISE, looked=True)


def test_missing_units_explain_a_difference_and_nothing_is_sent() -> None:
    looked = reads(told(5), 4, seconds=600)
    assert decided(row(looked, 5), seconds=601, withheld=Withheld(1)) == Leave("same")
    assert decided(row(looked, 5), seconds=660, withheld=Withheld(1)) == Leave("withheld")


def test_missing_units_lower_the_other_listings_of_the_sku() -> None:
    assert decided(row(told(5), 5), seconds=600, withheld=Withheld(2)) == Send(3, LOWER)


def test_units_that_may_be_missing_only_hold_a_raise_back() -> None:
    looked = reads(told(5), 4, seconds=600)
    assert decided(row(looked, 8), seconds=601, withheld=Withheld(0, 1)) == Send(7, RAISE, looked=True)
    assert decided(row(looked, 5), seconds=601, withheld=Withheld(0, 1)) == Leave("withheld")
    assert decided(row(looked, 3), seconds=601, withheld=Withheld(0, 1)) == Send(3, LOWER, looked=True)


def test_more_than_wanted_at_the_mall_is_lowered_after_the_look() -> None:
    looked = reads(told(5), 9, seconds=600)
    assert decided(row(looked, 6), seconds=601) == Send(6, LOWER, looked=True)


def test_an_unlimited_number_at_the_mall_is_replaced() -> None:
    looked = reads(told(5), None, seconds=600)
    assert decided(row(looked, 6), seconds=601) == Send(6, RESTATE, looked=True)


def test_a_listing_the_mall_does_not_know_is_not_raised_and_is_read_again_later() -> None:
    looked = reads(told(5), None, seconds=600, found=False)
    assert decided(row(looked, 6), seconds=601) == WaitUntil(at(1_200), "not_found")
    assert decided(row(looked, 6), seconds=700) == WaitUntil(at(1_200), "not_found")
    assert decided(row(looked, 6), seconds=1_201) == LookFirst(RAISE)
    assert decided(row(looked, 3), seconds=700) == Send(3, LOWER)


# ------------------------------------------------------------------ uncertain


def test_an_order_close_to_the_push_makes_one_restate_after_a_look() -> None:
    near = sells(told(5), seconds=10, position=20)
    assert near.expected_units is None
    assert decided(row(near, 4), seconds=40) == LookFirst(RESTATE)
    assert decided(row(reads(near, 5, seconds=41), 4), seconds=42) == Send(4, LOWER, looked=True)
    assert decided(row(reads(near, 4, seconds=41), 4), seconds=42) == Leave("same")
    restated = expected.applied(near, units=4, computed_at=20, sent_at=utc_text(at(43)), applied_until=utc_text(at(43)))
    assert decided(row(restated, 4), seconds=50) == Leave("same")


def test_an_unknown_answer_is_looked_at_before_anything_but_zero() -> None:
    unknown = expected.unknown(told(5), position=20, at=at(10))
    assert decided(row(unknown, 3), seconds=20) == LookFirst(RESTATE)
    assert decided(row(unknown, 30), seconds=20) == LookFirst(RAISE)


def test_a_first_push_looks_first() -> None:
    assert decided(row(Numbers(), 4), seconds=20) == LookFirst(RESTATE)


def test_a_read_above_what_was_expected_is_restated_once() -> None:
    """An order from before a read was told after it: the expected number fell although the mall's had fallen before."""
    lower = structs.replace(told(5), expected_units=3)
    assert decided(row(reads(lower, 4, seconds=600), 4), seconds=601) == Send(4, RESTATE, looked=True)


# ------------------------------------------------------------------ malls that cannot be read


def test_a_mall_that_cannot_be_read_is_raised_after_its_quiet_time() -> None:
    one = row(told(5), 8)
    assert decided(one, seconds=600, manner=MAIL_ONLY) == WaitUntil(at(720), "quiet")
    assert decided(one, seconds=719, manner=MAIL_ONLY, waiting_since=at(600)) == WaitUntil(at(720), "quiet")
    assert decided(one, seconds=720, manner=MAIL_ONLY, waiting_since=at(600)) == Send(8, RAISE)


def test_an_order_of_its_own_begins_the_quiet_time_again() -> None:
    one = row(sells(told(5), seconds=650, position=20), 8)
    assert decided(one, seconds=720, manner=MAIL_ONLY, waiting_since=at(600)) == WaitUntil(at(770), "quiet")


def test_an_uncertain_number_of_a_mall_that_cannot_be_read_is_restated_after_quiet() -> None:
    near = row(sells(told(5), seconds=10, position=20), 4)
    assert decided(near, seconds=40, manner=MAIL_ONLY, waiting_since=at(20)) == WaitUntil(at(140), "quiet")
    assert decided(near, seconds=140, manner=MAIL_ONLY, waiting_since=at(20)) == Send(4, RESTATE)


def test_a_lower_number_does_not_wait_for_quiet() -> None:
    assert decided(row(told(5), 3), seconds=600, manner=MAIL_ONLY) == Send(3, LOWER)


# ------------------------------------------------------------------ rules of the listing


def test_a_listing_to_be_confirmed_or_without_a_number_is_not_told() -> None:
    assert decided(row(told(5), 3, state=TO_CONFIRM), seconds=600) == Leave("not_told")
    assert decided(row(told(5), None), seconds=600) == Leave("not_told")
    assert decided(row(told(5), 3, state=STOPPED), seconds=600) == Leave("not_told")


def test_stop_and_show_zero_tells_zero() -> None:
    one = row(told(5), 3, state=STOPPED)
    assert decided(replace(one, rules=replace(one.rules, show_zero=True)), seconds=600) == Send(0, ZERO)


def test_a_stopped_listing_rests_at_zero_for_its_time() -> None:
    one = replace(row(told(0), 5, stop_threshold=2), stopped=Stopped(at(0)))
    assert decided(one, seconds=100) == WaitUntil(at(600), "rest")
    assert decided(one, seconds=601) == LookFirst(RAISE)


def test_units_per_listing_round_what_may_be_missing_up() -> None:
    one = row(reads(told(1), 1, seconds=600), 9, each=3)
    assert decided(one, seconds=601, withheld=Withheld(0, 1)) == Send(2, RAISE, looked=True)


def test_a_listing_in_flight_waits_for_its_answer() -> None:
    flying = expected.sent(told(5), request="r1", units=4, computed_at=20)
    assert decided(row(flying, 0), seconds=600) == Leave("in_flight")


def test_a_rejected_listing_leaves_the_queue_and_only_zero_is_tried_once_an_hour() -> None:
    rejected = expected.not_applied(told(5), code="IE1101")
    assert decided(row(rejected, 3), seconds=600) == Leave("rejected")
    assert decided(row(rejected, 0), seconds=600) == Send(0, ZERO)
    assert decided(row(rejected, 0), seconds=700, tried_at=at(600)) == WaitUntil(at(4_200), "rejected_zero")
    assert decided(row(rejected, 0), seconds=4_200, tried_at=at(600)) == Send(0, ZERO)


def test_a_person_may_ask_for_a_rejected_or_equal_number_again() -> None:
    rejected = replace(row(expected.not_applied(told(5), code="IE1101"), 3), asks_again=True)
    assert decided(rejected, seconds=600) == Send(3, LOWER)
    equal = replace(row(reads(told(5), 5, seconds=600), 5), asks_again=True)
    assert decided(equal, seconds=601) == Send(5, RESTATE, looked=True)


def test_a_full_sync_states_an_equal_number_after_a_look_or_with_many_units() -> None:
    assert decided(row(told(5), 5), seconds=600, sync=True) == LookFirst(RESTATE)
    assert decided(row(told(50), 50), seconds=600, sync=True) == Send(50, RESTATE)
