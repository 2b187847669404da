"""Numbers that are stated (上書き, 追加): what is inside them, what comes on top, what is owed."""

from datetime import timedelta

import pytest

from ledger import counting
from ledger.book import orders, stock
from ledger.counting import Covers, OwedUnits
from ledger.facts.stock import AllocatedAsCounted, StockOverwritten, StocktakeVariance
from ledger.keys import stock as stock_stream
from ledger.levels import Count, Level
from ledger.terms import CancelReason, Telling, UnitsNotAccepted
from ledger.view import Draft
from tests.ledger.given import Memory, given
from tests.ledger.words import NUMBER, R, Y, at, cancel, counted, line, link, mall_file, order, take, telling


def two_shops(*happened: object) -> Memory:
    """X is sold by Rakuten and Yahoo!, then this happened."""
    return given(link(R, "x", "X"), link(Y, "x", "X"), *happened, now=at("12:00"))  # type: ignore[arg-type]


def test_an_overwrite_sets_available_and_says_what_it_was() -> None:
    ledger = two_shops(counted("X", 10))
    assert ledger.when(counted("X", 7, "10:00")) == {"available": 7, "applied_on_top": 0}
    (fact,) = ledger.facts(StockOverwritten)
    assert (fact.before, fact.after, fact.on_hand, fact.units) == (10, 7, 7, 7)
    assert ledger.last[-1].envelope.at == at("10:00")


def test_an_equal_number_with_a_newer_time_is_a_fact_too() -> None:
    ledger = two_shops(counted("X", 10))
    ledger.when(counted("X", 10, "10:00"))
    assert ledger.names() == ["StockOverwritten"]


def test_open_orders_stay_allocated_under_a_new_number() -> None:
    ledger = two_shops(counted("X", 10), order(R, NUMBER, line("x", 3), told="09:30"))
    ledger.when(counted("X", 6, "10:00"))
    now = ledger.stock("X")
    assert (now.available_units, now.allocated_units, now.on_hand_units) == (6, 3, 9)


def test_what_moved_after_the_number_was_true_comes_on_top() -> None:
    ledger = two_shops(counted("X", 10), order(R, NUMBER, line("x", 3), told="10:30"))
    ledger.now = at("11:00")
    ledger.when(stock.receive("slip-1", [("1", "X", 5)]))
    ledger.now = at("12:00")
    assert ledger.when(counted("X", 8, "10:00")) == {"available": 10, "applied_on_top": 2}


def test_a_malls_file_knows_its_own_sales_and_other_sales_only_as_far_as_it_was_told() -> None:
    ledger = two_shops(counted("X", 10))
    ledger.when(order(Y, "y-1", line("x", 1), told="09:30"))
    told_position = ledger.position
    ledger.when(order(Y, "y-2", line("x", 2), told="09:40"))
    ledger.when(order(R, "r-1", line("x", 4), told="09:45"))
    assert ledger.when(mall_file(R, "X", 8, "10:00", told_position)) == {"available": 6, "applied_on_top": -2}


def test_an_order_that_the_number_knew_is_counted_and_lowers_nothing() -> None:
    ledger = two_shops(mall_file(R, "X", 8, "10:00"))
    ledger.when(order(R, NUMBER, line("x", 1), told="09:55"))
    (fact,) = ledger.facts(AllocatedAsCounted)
    assert (fact.units, fact.against_position, fact.on_hand_before, fact.listing) == (1, 4, 8, "x:")
    assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (8, 9)
    ledger.when(order(Y, "y-1", line("x", 1), told="09:55"))
    assert ledger.available("X") == 7


def test_a_person_reverses_a_counted_order_once_with_every_unit_of_it() -> None:
    ledger = two_shops(mall_file(R, "X", 8, "10:00"))
    ledger.when(order(R, NUMBER, line("x", 1), told="09:50", ordered="09:50"))
    ledger.when(take(R, _more("09:55", 3)))
    assert (ledger.available("X"), ledger.stock("X").allocated_units) == (8, 3)
    ledger.when(orders.reverse_counted(R, NUMBER, "X"))
    assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (5, 8)
    ledger.when(orders.reverse_counted(R, NUMBER, "X"))
    assert ledger.names() == []
    ledger.when(take(R, cancel("11:00")))
    assert ledger.available("X") == 8


def _more(told: str, units: int) -> Telling:
    return telling(line("x", units), told=told, ordered="09:50")


def test_units_that_a_change_after_the_number_added_lower_it() -> None:
    ledger = two_shops(mall_file(R, "X", 8, "10:00"))
    ledger.when(order(R, NUMBER, line("x", 1), told="09:50"))
    ledger.when(take(R, _more("10:30", 3)))
    assert ledger.available("X") == 6


def test_a_cancel_from_before_the_number_that_is_told_after_it_raises_nothing() -> None:
    early = two_shops(counted("X", 10, "09:00"), order(R, NUMBER, line("x", 2), told="09:10"))
    early.when(take(R, cancel("09:30")))
    early.when(mall_file(R, "X", 8, "10:00"))
    late = two_shops(counted("X", 10, "09:00"), order(R, NUMBER, line("x", 2), told="09:10"))
    late.when(mall_file(R, "X", 8, "10:00"))
    late.when(take(R, cancel("09:30")))
    replayed = two_shops(mall_file(R, "X", 8, "10:00"), order(R, NUMBER, line("x", 2), told="09:10"))
    replayed.when(take(R, cancel("09:30")))
    for ledger in (early, late, replayed):
        now = ledger.stock("X")
        assert (now.available_units, now.on_hand_units, now.allocated_units) == (8, 8, 0)


def test_a_cancel_after_the_number_of_an_order_that_the_number_knew_raises_it() -> None:
    for first_cancel in (False, True):
        ledger = two_shops(mall_file(R, "X", 8, "10:00"))
        verbs = [order(R, NUMBER, line("x", 1), told="09:55"), take(R, cancel("10:40"))]
        for verb in reversed(verbs) if first_cancel else verbs:
            ledger.when(verb)
        assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (9, 9)


# ------------------------------------------------------------------ numbers one after the other


def test_only_the_last_number_speaks_of_late_orders() -> None:
    ledger = two_shops(counted("X", 10, "10:00"), mall_file(R, "X", 9, "11:00"))
    ledger.when(order(Y, "y-1", line("x", 1), told="09:55"))
    assert ledger.available("X") == 8


def test_a_number_that_knew_the_one_before_takes_over_what_that_one_knew() -> None:
    ledger = two_shops(counted("X", 10, "10:00"))
    told_position = ledger.position
    ledger.when(mall_file(R, "X", 9, "11:00", told_position))
    ledger.when(order(Y, "y-1", line("x", 1), told="09:55"))
    assert ledger.available("X") == 9
    ledger.when(order(Y, "y-2", line("x", 1), told="10:30"))
    assert ledger.available("X") == 8


def test_a_number_typed_beside_the_one_on_the_page_takes_over_every_shop_of_it() -> None:
    ledger = two_shops(mall_file(R, "X", 8, "10:00"))
    read_at = ledger.position
    ledger.when(order(Y, "y-1", line("x", 2), told="10:30"))
    verb = stock.overwrite("X", 10, covers=stock.everything_read_at(read_at), counted_at=at("11:00"))
    assert ledger.when(verb) == {"available": 8, "applied_on_top": -2}
    fact = ledger.facts(StockOverwritten)[0]
    assert (fact.covers_shops, fact.covers_up_to) == (["*", R], ["", "2026-11-20T10:00:00.000000Z"])
    ledger.when(order(R, NUMBER, line("x", 1), told="09:55"))
    assert ledger.available("X") == 8
    ledger.when(order(R, "r-2", line("x", 1), told="10:05"))
    assert ledger.available("X") == 7


def test_a_number_older_than_the_count_before_it_takes_nothing_over() -> None:
    before = Level(counted_position=10)
    counts = [Count("main", "X", "*", at("10:00"), 10)]
    asked = Covers((R, "*"), ("2026-11-20T11:00:00.000000Z", ""), (0, 8))
    assert counting.carry_on(asked, counts, before).up_to == ("2026-11-20T11:00:00.000000Z", "")
    told = Covers((R, "*"), ("2026-11-20T11:00:00.000000Z", ""), (0, 12))
    assert counting.carry_on(told, counts, before).up_to[1] == "2026-11-20T10:00:00.000000Z"
    void = [Count("main", "X", "*", at("10:00"), 9)]
    assert counting.carry_on(told, void, before).up_to[1] == ""


def test_after_a_count_of_the_shelf_a_late_order_lowers_available_as_usual() -> None:
    ledger = two_shops(mall_file(R, "X", 8, "10:00"))
    ledger.when(counted("X", 10, "11:00", target="on_hand"))
    ledger.when(order(R, NUMBER, line("x", 1), told="09:55"))
    assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (9, 10)


def test_after_a_stocktake_a_late_order_lowers_available_as_usual() -> None:
    ledger = two_shops(mall_file(R, "X", 8, "10:00"))
    variance = StocktakeVariance(
        before=8, after=7, on_hand=7, stocktake="t1", counted=7, on_hand_before=8, applied_on_top=0, picked_in=True
    )
    ledger.record(Draft(stock_stream("X"), variance, at("11:00")))
    ledger.when(order(R, NUMBER, line("x", 1), told="09:55"))
    assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (6, 7)


def test_a_shelf_count_takes_what_left_since_off_and_keeps_what_is_allocated() -> None:
    ledger = two_shops(counted("X", 10), order(R, NUMBER, line("x", 3), told="09:30"))
    ledger.now = at("11:30")
    ledger.when(orders.assume_shipped(R, NUMBER, 14))
    ledger.now = at("12:00")
    assert ledger.when(counted("X", 9, "11:00", target="on_hand")) == {"available": 6, "applied_on_top": -3}
    assert (ledger.stock("X").on_hand_units, ledger.stock("X").allocated_units) == (6, 0)


# ------------------------------------------------------------------ owed


def owing(told: str = "09:10") -> Memory:
    """Two of X are owed: none on hand, an order of two."""
    return two_shops(counted("X", 0), order(R, NUMBER, line("x", 2), told=told))


def test_a_sku_with_owed_units_is_not_overwritten_before_it_was_said_which_side_of_them() -> None:
    with pytest.raises(OwedUnits, match="2 units are owed"):
        owing().when(counted("X", 10, "11:00"))
    after, before = owing(), owing()
    assert after.when(counted("X", 10, "11:00", owed="after"))["available"] == 10
    assert before.when(counted("X", 10, "11:00", owed="before")) == {"available": 8, "applied_on_top": -2}
    (fact,) = before.facts(StockOverwritten)
    assert (fact.units, fact.applied_on_top, fact.on_hand) == (10, -2, 10)


def test_units_that_came_to_be_owed_after_the_number_come_on_top_and_are_not_taken_off_twice() -> None:
    ledger = owing(told="11:30")
    assert ledger.when(counted("X", 10, "11:00", owed="before")) == {"available": 8, "applied_on_top": -2}
    assert owing(told="11:30").when(counted("X", 10, "11:00"))["available"] == 8


# ------------------------------------------------------------------ 追加


def test_units_are_added_to_what_there_is_and_a_sku_without_a_number_gets_one() -> None:
    ledger = two_shops(counted("X", 10))
    assert ledger.when(stock.add("X", 5)) == {"available": 15}
    assert ledger.when(stock.add("X", -20)) == {"available": -5}
    assert ledger.when(stock.add("NEW", 3)) == {"available": 3}
    with pytest.raises(UnitsNotAccepted):
        ledger.when(stock.add("X", 10_000_000))


def test_a_second_part_of_one_shop_replaces_its_first() -> None:
    now = counting.add(two_shops().stock("X"), 30, shop=R)
    assert (now.before, now.after, now.on_hand) == (None, 30, 30)
    ledger = two_shops(Draft(stock_stream("X"), now))
    ledger.record(Draft(stock_stream("X"), counting.add(ledger.stock("X"), 20, shop=Y)))
    again = counting.replace_part(ledger.stock("X"), R, 30, 25, import_id=None, row=None)
    ledger.record(Draft(stock_stream("X"), again))
    assert ledger.available("X") == 45


def test_an_order_that_a_shops_part_knew_is_counted() -> None:
    ledger = two_shops()
    ledger.record(Draft(stock_stream("X"), counting.add(ledger.stock("X"), 30, shop=R), at("10:00")))
    ledger.when(order(R, NUMBER, line("x", 1), told="09:55"))
    assert ledger.available("X") == 30
    ledger.when(order(Y, "y-1", line("x", 1), told="09:55"))
    assert ledger.available("X") == 29


# ------------------------------------------------------------------ limits


def test_a_number_of_the_future_or_older_than_what_is_known_of_changes_is_refused() -> None:
    ledger = two_shops()
    for moment in (at("12:00") + timedelta(seconds=1), at("12:00") - timedelta(days=35)):
        with pytest.raises(stock.CountTooOld):
            ledger.when(stock.overwrite("X", 1, covers=stock.everything_up_to(moment), counted_at=moment))
    for units in (-1, 10_000_000):
        with pytest.raises(UnitsNotAccepted):
            ledger.when(counted("X", units))


def test_a_program_that_read_an_older_version_is_told_so() -> None:
    ledger = two_shops(counted("X", 10))
    version = ledger.stock("X").version
    ledger.when(counted("X", 9, "10:00", expected_version=version))
    with pytest.raises(stock.VersionMoved):
        ledger.when(counted("X", 8, "10:30", expected_version=version))


def test_a_cancel_for_stock_out_of_a_counted_order_leaves_the_number_as_the_mall_said_it() -> None:
    ledger = two_shops(mall_file(R, "X", 8, "10:00"), order(R, NUMBER, line("x", 1), told="09:55"))
    ledger.when(take(R, cancel("10:40", reason=CancelReason.OUT_OF_STOCK)))
    assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (8, 8)
