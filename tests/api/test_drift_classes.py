"""The classes of 在庫照合, given what the ledger knew, when a mall shows a number, then why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.jobs.drift_classes import Case, Drift, OrderAtMall, OrderKnown, PushMade, ReadMade, Verdict, explain
from ledger.expected import Numbers, Sale
from ledger.facts.listing import ListingSettingsChanged
from ledger.listing import LINKED, Listing

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
SENT = NOW - timedelta(hours=2)
PLAIN = Listing("CUP", 1, LINKED)
PUSH = PushMade(90, "r1", 80, 20, 12, "applied", SENT)


def given(*sales: int, **more: Any) -> Numbers:
    """The mall was told 20 two hours ago, and these were sold since, an order each."""
    told = [Sale(100 + n, quantity, NOW - timedelta(minutes=90 - n)) for n, quantity in enumerate(sales)]
    values: dict[str, Any] = {
        "told_units": 20,
        "told_position": 80,
        "sent_at": SENT,
        "applied_until": SENT,
        "expected_units": 20 - sum(sales),
        "sales": tuple(told),
    }
    return Numbers(**(values | more))


def when(numbers: Numbers, shows: int | None, **more: Any) -> Verdict:
    """The mall shows this number."""
    wanted = numbers.expected_units
    orders = [
        OrderKnown(f"o{n}", s.position, s.quantity, s.ordered_at, cancelled=False) for n, s in enumerate(numbers.sales)
    ]
    values: dict[str, Any] = {
        "rules": PLAIN,
        "numbers": numbers,
        "wanted_units": wanted,
        "free_units": wanted,
        "units_max": 9_999,
        "read_units": shows,
        "found": True,
        "read_at": NOW,
        "pushes": (PUSH,),
        "orders": orders,
    }
    return explain(Case(**(values | more)))


def test_what_it_should_show_is_the_same() -> None:
    assert when(given(3), 17).drift is Drift.SAME
    assert when(given(), 20).drift is Drift.SAME


def test_a_rule_explains_why_not_the_whole_stock_is_shown() -> None:
    rules = Listing("CUP", 1, LINKED, settings=ListingSettingsChanged(cap=20, reserve=5))
    found = when(given(), 20, rules=rules, free_units=50)
    assert (found.drift, found.evidence) == (Drift.RULE, ("free:50", "reserve:5", "cap:20"))


def test_a_number_that_was_not_told_yet_is_no_difference_at_the_mall() -> None:
    assert when(given(), 20, wanted_units=15).drift is Drift.NOT_TOLD
    refused = when(given(rejected_code="IE1101"), 20, wanted_units=15)
    assert (refused.drift, refused.evidence) == (Drift.NOT_TOLD, ("rejected:IE1101",))


def test_a_code_the_mall_does_not_know() -> None:
    assert when(given(), None, found=False).drift is Drift.UNKNOWN_ITEM


def test_a_push_that_is_on_its_way_is_not_held_against_the_reading() -> None:
    assert when(given(pending_request="r2"), 3).drift is Drift.MOVING
    assert when(given(), 3, moved=True).drift is Drift.MOVING


def test_the_former_number_less_what_was_sold_since_is_a_lost_push() -> None:
    found = when(given(3), 9)
    assert (found.drift, found.evidence) == (Drift.LOST_PUSH, ("push:90", "before:12", "outcome:applied"))


def test_orders_that_only_the_mall_lists_are_lost_or_on_their_way_by_their_age() -> None:
    old = OrderAtMall("x1", 2, NOW - timedelta(hours=1), cancelled=False)
    young = OrderAtMall("x2", 2, NOW - timedelta(minutes=2), cancelled=False)
    lost = when(given(), 18, at_mall=[old])
    assert (lost.drift, lost.evidence, lost.sure) == (Drift.LOST_ORDER, ("order:x1", "gap:-2"), True)
    assert when(given(), 18, at_mall=[young]).drift is Drift.ORDER_COMING
    assert when(given(), 18, at_mall=[]).drift is Drift.EDIT, "the mall was asked: nobody ordered"
    guessed = when(given(), 18)
    assert (guessed.drift, guessed.sure) == (Drift.LOST_ORDER, False)
    assert when(given(), 2).drift is Drift.EDIT, "too many for orders"


def test_an_order_that_the_mall_cancelled_and_gave_back_is_a_late_cancel() -> None:
    numbers = given(1, 2)
    there = [OrderAtMall("o1", 0, None, cancelled=True)]
    found = when(numbers, 19, at_mall=there, restores="flag")
    assert (found.drift, found.evidence, found.sure) == (Drift.LATE_CANCEL, ("order:o1", "gap:+2"), True)
    assert when(numbers, 19, restores="yes").sure is False
    assert when(numbers, 19, restores="no").drift is Drift.EDIT


def test_one_sale_told_as_two_orders_is_a_duplicate() -> None:
    numbers = given(1)
    twin = OrderKnown("o0-2", 120, 1, numbers.sales[0].ordered_at, cancelled=False)
    orders = [OrderKnown("o0", 100, 1, numbers.sales[0].ordered_at, cancelled=False), twin]
    doubled = given(1, expected_units=18)
    found = when(doubled, 19, orders=orders, restores="yes")
    assert (found.drift, set(found.evidence)) == (Drift.DUPLICATE, {"order:o0-2", "order:o0", "gap:+1"})


@pytest.mark.parametrize(("shown", "drift"), [([33, 41, 38], Drift.OTHER_TOOL), ([20, 20, 20], Drift.EDIT)])
def test_a_number_that_is_set_again_and_again_is_another_tool(shown: list[int], drift: Drift) -> None:
    reads = [ReadMade(100 + n, NOW - timedelta(minutes=15 - 5 * n), units) for n, units in enumerate(shown)]
    assert when(given(), 55, reads=reads).drift is drift


def test_an_uncertain_number_may_be_any_that_an_open_push_would_leave() -> None:
    unknown = given(expected_units=None, uncertain_position=95, uncertain_since=NOW)
    later = PushMade(95, "r2", 94, 7, 20, "unknown", SENT)
    for shows in (20, 7):
        found = when(unknown, shows, pushes=(PUSH, later), wanted_units=shows, free_units=shows)
        assert found.drift is Drift.SAME, shows
    assert when(unknown, 44, pushes=(PUSH, later), wanted_units=7).drift is Drift.EDIT
