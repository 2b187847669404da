"""What a listing should show by itself (モール想定数): told, less its own later sales, plus what the mall put back."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from ledger import expected
from ledger.expected import RECENT_SALES_MAX, Numbers, Sale
from ledger.terms import utc_text
from tests.ledger.words import at


def applied(numbers: Numbers, units: int, computed_at: int, sent: str, until: str) -> Numbers:
    return expected.applied(
        numbers, units=units, computed_at=computed_at, sent_at=utc_text(at(sent)), applied_until=utc_text(at(until))
    )


def told(units: int, computed_at: int = 10, sent: str = "11:00:00", until: str = "11:00:01") -> Numbers:
    """The mall applied this number."""
    return applied(Numbers(), units, computed_at, sent, until)


def sold(numbers: Numbers, position: int, ordered: str | None, quantity: int = 1, restores: str = "unknown") -> Numbers:
    sale = Sale(position, quantity, None if ordered is None else at(ordered))
    return expected.sold(numbers, sale, lowers=True, restores=restores, told_at=at("12:30"))


def read(numbers: Numbers, units: int | None, clock: str, position: int = 99, *, found: bool = True) -> Numbers:
    return expected.read(numbers, units=units, found=found, read_at=utc_text(at(clock)), position=position)


# ------------------------------------------------------------------ D1


def test_d1_a_mall_that_sold_two_by_itself_shows_none_and_is_not_told_one() -> None:
    numbers = told(2)
    numbers = sold(numbers, 11, "12:00:00")
    assert numbers.expected_units == 1
    numbers = sold(numbers, 12, "12:00:03")
    assert numbers.expected_units == 0


def test_d1_an_order_from_before_the_push_does_not_lower_what_the_push_set() -> None:
    numbers = sold(told(15, 20, "12:00:30", "12:00:31"), 21, "11:59:50")
    assert numbers.expected_units == 15


def test_d1_an_order_inside_the_pushs_uncertain_interval_makes_it_uncertain() -> None:
    for ordered in ("12:00:00", "12:00:30", "12:01:01"):
        numbers = sold(told(15, 20, "12:00:30", "12:00:31"), 21, ordered)
        assert (numbers.expected_units, numbers.uncertain_position) == (None, 21)
    assert sold(told(15, 20, "12:00:30", "12:00:31"), 21, "11:59:59").expected_units == 15
    assert sold(told(15, 20, "12:00:30", "12:00:31"), 21, "12:01:02").expected_units == 14


def test_d1_a_restate_that_knows_the_order_makes_it_certain_and_the_order_never_restates_it_again() -> None:
    numbers = sold(told(15, 20, "12:00:30", "12:00:31"), 21, "12:00:30")
    numbers = applied(numbers, 14, 25, "12:03:00", "12:03:01")
    assert (numbers.expected_units, numbers.uncertain_position) == (14, 0)


def test_d1_an_order_known_only_by_date_makes_it_uncertain() -> None:
    assert sold(told(5), 11, None).expected_units is None


@pytest.mark.parametrize("steps", list(permutations(["push 7", "order at 11:30", "order at 12:10"])))
def test_d1_whatever_comes_first_the_number_is_what_the_mall_shows(steps: tuple[str, ...]) -> None:
    """Told 10 at 11:00; 7 is sent at 12:00, computed when the orders told before it were known."""
    numbers, position = told(10), 10
    shows = 10
    for step in ("order at 11:30", "push 7", "order at 12:10"):  # how it happens at the mall
        shows = 7 if step == "push 7" else shows - 1
    computed_at = 11 + steps.index("push 7")
    for step in steps:  # how it is told to us
        position += 1
        if step == "push 7":
            numbers = applied(numbers, 7, computed_at, "12:00:00", "12:00:01")
        else:
            numbers = sold(numbers, position + 1, step.removeprefix("order at ") + ":00")
    if steps.index("push 7") < steps.index("order at 12:10"):
        assert numbers.expected_units == shows == 6
    else:  # told before the push that was computed with it: the push has it, and the clock of the mall is wrong
        assert numbers.expected_units == 7


def test_an_order_that_is_told_while_a_push_is_on_its_way_is_placed_when_the_answer_is_there() -> None:
    numbers = expected.sent(told(10), request="r2", units=8, computed_at=20)
    numbers = sold(numbers, 21, "11:30:00")  # the push did not know it, and replaces what it lowered
    numbers = sold(numbers, 22, "12:05:00")
    numbers = applied(numbers, 8, 20, "12:00:00", "12:00:01")
    assert (numbers.expected_units, numbers.pending_request) == (7, None)


def test_a_sale_at_the_mall_while_a_push_to_it_is_in_flight_makes_it_uncertain() -> None:
    numbers = expected.sent(told(10), request="r2", units=8, computed_at=20)
    numbers = sold(numbers, 21, "12:00:00")
    numbers = applied(numbers, 8, 20, "12:00:00", "12:00:01")
    assert (numbers.expected_units, numbers.uncertain_position) == (None, 21)


def test_more_sales_during_one_push_than_are_remembered_make_it_uncertain() -> None:
    numbers = expected.sent(told(1_000), request="r2", units=990, computed_at=20)
    for n in range(RECENT_SALES_MAX):
        numbers = sold(numbers, 21 + n, "12:05:00")
    enough = applied(numbers, 990, 20, "12:00:00", "12:00:01")
    assert enough.expected_units is None, "the oldest one that is remembered may not be the oldest there was"
    numbers = applied(numbers, 990, 21, "12:00:00", "12:00:01")
    assert numbers.expected_units == 990 - RECENT_SALES_MAX + 1


# ------------------------------------------------------------------ cancels, D10


def test_d10_a_cancel_where_the_mall_puts_units_back_raises_it() -> None:
    assert sold(told(9), 11, "12:00:00", -1, restores="yes").expected_units == 10
    assert sold(told(9), 11, "12:00:00", -1, restores="no").expected_units == 9


def test_d10_a_cancel_where_nobody_knows_whether_the_mall_puts_units_back_makes_it_uncertain() -> None:
    numbers = sold(told(9), 11, "12:00:00", -1)
    assert (numbers.expected_units, numbers.uncertain_position) == (None, 11)


def test_d10_a_push_that_did_not_know_the_cancel_does_not_make_it_certain() -> None:
    numbers = expected.sent(told(9), request="r2", units=8, computed_at=20)
    numbers = sold(numbers, 21, "12:00:00", -1)
    numbers = applied(numbers, 8, 20, "12:00:00", "12:00:01")
    assert (numbers.expected_units, numbers.uncertain_position) == (None, 21)
    assert applied(numbers, 9, 25, "12:10:00", "12:10:01").expected_units == 9


def test_d10_an_order_and_its_cancel_told_at_once_stay_uncertain_after_a_push_that_knew_neither() -> None:
    numbers = expected.sent(told(9), request="r2", units=8, computed_at=20)
    numbers = sold(sold(numbers, 21, "11:10:00"), 21, "11:10:00", -1)
    numbers = applied(numbers, 8, 20, "12:00:00", "12:00:01")
    assert (numbers.expected_units, numbers.uncertain_position) == (None, 21)


def test_a_mall_that_never_lowers_its_number_shows_what_it_was_told() -> None:
    sale = Sale(11, 1, at("12:00"))
    assert expected.sold(told(5), sale, lowers=False, restores="no", told_at=at("12:00")).expected_units == 5


# ------------------------------------------------------------------ answers that are none, and reads


def test_an_unknown_answer_makes_it_uncertain_until_the_mall_is_read() -> None:
    numbers = expected.sent(told(5), request="r2", units=3, computed_at=20)
    numbers = expected.unknown(numbers, position=22, at=at("12:00"))
    assert (numbers.expected_units, numbers.told_units) == (None, 5)
    numbers = read(numbers, 3, "12:01")
    assert (numbers.expected_units, numbers.uncertain_position) == (3, 0)
    assert sold(numbers, 100, "12:05:00").expected_units == 2


def test_a_request_that_was_refused_changes_nothing_and_a_listing_at_fault_leaves_the_queue() -> None:
    numbers = expected.sent(told(5), request="r2", units=3, computed_at=20)
    refused = expected.not_applied(numbers, code=None)
    assert (refused.expected_units, refused.pending_request, refused.rejected_code) == (5, None, None)
    rejected = expected.not_applied(numbers, code="GE0011")
    assert (rejected.expected_units, rejected.rejected_code) == (5, "GE0011")
    assert applied(rejected, 3, 30, "12:00:00", "12:00:01").rejected_code is None


def test_a_read_never_erases_a_difference_it_explains_nothing_of() -> None:
    numbers = read(told(5), 3, "12:00")
    assert (numbers.expected_units, numbers.read_units, expected.unseen_units(numbers)) == (5, 3, 2)


def test_a_read_from_before_what_made_it_uncertain_does_not_settle_it() -> None:
    numbers = sold(told(5, 20, "12:00:00", "12:00:01"), 21, "12:00:20")
    assert read(numbers, 5, "11:59:40").expected_units is None
    assert read(numbers, None, "12:05:00").expected_units is None, "unlimited is not a number"
    pending = expected.sent(numbers, request="r2", units=3, computed_at=22)
    assert read(pending, 5, "12:05:00").expected_units is None


def test_a_listing_that_was_never_told_expects_nothing_and_is_read() -> None:
    numbers = sold(Numbers(), 5, "11:00:00")
    assert (numbers.expected_units, expected.unseen_units(numbers)) == (None, 0)
    assert read(numbers, 4, "12:00").expected_units == 4


# ------------------------------------------------------------------ unseen units


def test_unseen_units_go_as_their_orders_come() -> None:
    numbers = read(told(10), 8, "12:00:00", 20)
    assert expected.unseen_units(numbers) == 2
    numbers = sold(numbers, 21, "11:58:00")
    assert expected.unseen_units(numbers) == 1
    numbers = sold(numbers, 22, "11:59:00")
    assert expected.unseen_units(numbers) == 0


def test_an_order_from_after_the_read_does_not_explain_what_was_missing_then() -> None:
    numbers = sold(read(told(10), 8, "12:00:00", 20), 21, "12:00:10")
    assert (numbers.expected_units, expected.unseen_units(numbers)) == (9, 2)


def test_a_number_read_before_the_last_push_was_applied_says_nothing_of_unseen_units() -> None:
    numbers = applied(read(told(10), 8, "12:00:00", 20), 9, 25, "12:00:05", "12:00:06")
    assert expected.unseen_units(numbers) == 0


def test_a_mall_that_shows_more_than_expected_has_no_unseen_units() -> None:
    assert expected.unseen_units(read(told(10), 12, "12:00")) == 0


def test_times_of_the_day_are_moments() -> None:
    assert at("12:00:05") - at("12:00") == timedelta(seconds=5)
    assert isinstance(at("12:00"), datetime)


def test_a_reading_that_comes_later_than_a_newer_one_says_nothing() -> None:
    newer = read(told(10), 8, "12:00:30", position=20)
    assert read(newer, 9, "12:00:10", position=21) == newer


def test_an_order_told_while_the_mall_was_asked_is_counted_by_its_time() -> None:
    uncertain = sold(sold(told(5), 11, "11:00:05"), 19, "12:30:00")
    numbers = expected.read(
        uncertain, units=4, found=True, read_at=utc_text(at("12:00:00")), position=20, known_position=18
    )
    assert numbers.expected_units == 3


def test_an_order_whose_time_has_no_seconds_may_have_come_after_the_push() -> None:
    numbers = sold(told(5, sent="12:00:35", until="12:00:36"), 11, "12:00:00")
    assert numbers.uncertain_position == 11
    assert sold(told(5, sent="12:01:31", until="12:01:32"), 11, "12:00:00").uncertain_position == 0
