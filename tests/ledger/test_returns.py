"""返品: what left comes back once, to a place that a person names."""

import pytest

from ledger.book import returns, stock
from ledger.book.orders import OrderNotAccepted
from ledger.terms import Door
from tests.ledger.given import given
from tests.ledger.words import NUMBER, R, cancel, counted, line, link, order, shipped, take


def test_what_left_comes_back_once_and_says_where_it_went() -> None:
    ledger = given(counted("X", 10), link(R, "x", "X"))
    ledger.when(order(R, NUMBER, line("x", 3)))
    ledger.when(shipped())
    before = ledger.stock("X").on_hand_units or 0
    ledger.when(returns.take_return(R, NUMBER, "X", 1, "good"))  # a buyer sends one back; the order stands
    ledger.when(take(R, cancel()))
    assert (ledger.order(R, NUMBER).returned, ledger.order(R, NUMBER).awaited_units("X")) == ({"X": 3}, 2)
    assert ledger.when(returns.take_return(R, NUMBER, "X", 1, "defective")) == {"awaited": 1}
    assert ledger.when(returns.take_return(R, NUMBER, "X", 1, "scrap")) == {"awaited": 0}
    now = ledger.stock("X")
    assert (now.on_hand_units, now.defective_units, now.allocated_units) == (before + 1, 1, 0)
    with pytest.raises(OrderNotAccepted, match="none that have left"):
        ledger.when(returns.take_return(R, NUMBER, "X", 1, "good"))
    with pytest.raises(OrderNotAccepted, match="good, defective, scrap"):
        returns.take_return(R, NUMBER, "X", 1, "shelf")


@pytest.mark.parametrize("again", ["opened", "shipped"])
def test_units_that_a_count_knew_and_a_cancel_gave_back_are_taken_like_any_others_when_the_order_goes_on(
    again: str,
) -> None:
    """The count of 09:00 knew the order once. What its cancel put back to sale, it did not know."""
    ledger = given(counted("X", 10, "09:00"), link(R, "x", "X"), order(R, NUMBER, line("x", 2), ordered="08:30"))
    assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (10, 12)
    ledger.when(take(R, cancel("10:30")))
    assert ledger.available("X") == 12
    if again == "opened":
        ledger.when(order(R, NUMBER, line("x", 2), told="10:40", ordered="08:30", door=Door.API))
    else:
        ledger.when(shipped())
    assert ledger.available("X") == 10


def test_of_a_set_its_components_come_back_by_the_recipe_they_left_with() -> None:
    ledger = given(counted("A", 9), counted("D", 9), stock.define_set("S", ["A", "D"], [2, 1]), link(R, "s", "S"))
    ledger.when(order(R, NUMBER, line("s", 2)))
    ledger.when(shipped())
    ledger.when(stock.define_set("S", ["A", "D"], [3, 1]))
    ledger.when(returns.take_return(R, NUMBER, "S", 1, "good"))
    assert [ledger.stock(code).on_hand_units for code in ("A", "D")] == [7, 8]
