"""Goods in (入荷) and out: by slip and line, for ever; returns, defective units, goods taken out."""

import pytest

from ledger.book import stock
from ledger.stock import NotEnough, NumberMissing
from ledger.terms import SkuNotAccepted, UnitsNotAccepted
from tests.ledger.given import given
from tests.ledger.words import NUMBER, R, at, counted, line, link, order


def test_goods_that_came_in_are_on_hand_once_however_often_the_slip_is_read() -> None:
    ledger = given(counted("X", 2), now=at("12:00"))
    slip = stock.receive("S-1", [("1", "X", 5), ("2", "Y", 3)])
    assert ledger.when(slip) == {"received": 2, "already": 0}
    assert ledger.names() == ["Received", "StockReceived", "SkuRegistered", "StockReceived"]
    assert (ledger.available("X"), ledger.available("Y")) == (7, 3)
    assert ledger.when(slip) == {"received": 0, "already": 2}
    assert ledger.names() == []


def test_a_slip_that_is_read_again_with_a_new_line_brings_in_that_line() -> None:
    ledger = given(stock.receive("S-1", [("1", "X", 5)]))
    assert ledger.when(stock.receive("S-1", [("1", "X", 5), ("2", "X", 4)])) == {"received": 1, "already": 1}
    assert ledger.available("X") == 9


def test_two_lines_of_one_sku_in_one_slip_both_come_in() -> None:
    ledger = given(stock.receive("S-1", [("1", "X", 5), ("2", "X", 4)]))
    assert (ledger.available("X"), ledger.stock("X").version) == (9, 2)


def test_one_line_that_stands_twice_comes_in_once_and_contradictions_are_refused() -> None:
    ledger = given()
    assert ledger.when(stock.receive("S-1", [("1", "X", 5), ("1", "X", 5)])) == {"received": 1, "already": 1}
    assert ledger.available("X") == 5
    with pytest.raises(stock.ReceiptNotAccepted, match="line 1 stands twice"):
        stock.receive("S-2", [("1", "X", 5), ("1", "X", 6)])


def test_a_slip_is_undone_whole_and_once_and_its_lines_stay_used() -> None:
    codes = [f"X{n}" for n in range(20)]
    ledger = given(stock.receive("S-1", [(str(n), code, 5) for n, code in enumerate(codes)]))
    assert ledger.when(stock.undo_receipt("S-1")) == {"undone": 20}
    assert [ledger.available(code) for code in codes] == [0] * 20
    assert ledger.when(stock.undo_receipt("S-1")) == {"undone": 0}
    assert ledger.when(stock.receive("S-1", [("0", "X0", 5)])) == {"received": 0, "already": 1}


def test_goods_for_owed_units_serve_them() -> None:
    ledger = given(counted("X", 1), link(R, "x", "X"), order(R, NUMBER, line("x", 3)), now=at("12:00"))
    assert (ledger.available("X"), ledger.stock("X").short_units) == (-2, 2)
    ledger.when(stock.receive("S-1", [("1", "X", 2)]))
    assert (ledger.available("X"), ledger.stock("X").short_units) == (0, 0)


def test_goods_in_of_a_sku_without_a_number_give_it_one() -> None:
    ledger = given(link(R, "x", "X"), order(R, NUMBER, line("x", 3)))
    assert ledger.available("X") is None
    ledger.when(stock.receive("S-1", [("1", "X", 5)]))
    assert (ledger.stock("X").on_hand_units, ledger.available("X")) == (5, 2)


def test_d18_returns_go_to_good_defective_or_scrap() -> None:
    ledger = given(counted("X", 5), now=at("12:00"))
    for to, on_hand, defective in (("good", 6, 0), ("defective", 6, 1), ("scrap", 6, 1)):
        ledger.when(stock.take_back("X", f"{R}:{NUMBER}", 1, to))
        assert (ledger.stock("X").on_hand_units, ledger.stock("X").defective_units) == (on_hand, defective)


def test_d18_defective_units_are_never_for_sale_until_they_are_good_again() -> None:
    ledger = given(counted("X", 5), now=at("12:00"))
    assert ledger.when(stock.mark_defective("X", 2)) == {"available": 3}
    with pytest.raises(NotEnough, match="3 units to be good again; expected 1 to 2"):
        ledger.when(stock.clear_defective("X", 3))
    assert ledger.when(stock.clear_defective("X", 2)) == {"available": 5}
    assert ledger.stock("X").defective_units == 0


def test_d18_goods_taken_out_say_why_and_may_leave_units_owed() -> None:
    ledger = given(counted("X", 1), now=at("12:00"))
    assert ledger.when(stock.take_out("X", "sample", 2)) == {"available": -1}
    assert ledger.facts("StockTakenOut")[0].reason == "sample"


def test_a_sku_without_a_number_has_nothing_to_take_out_or_to_mark() -> None:
    for verb in (
        stock.take_out("X", "sample", 1),
        stock.mark_defective("X", 1),
        stock.clear_defective("X", 1),
        stock.take_back("X", "", 1, "good"),
    ):
        with pytest.raises(NumberMissing):
            given(verb)


def test_units_and_codes_that_are_none_are_refused() -> None:
    ledger = given(counted("X", 5), now=at("12:00"))
    for units in (0, -1, 10_000_000):
        with pytest.raises(UnitsNotAccepted):
            stock.receive("S-1", [("1", "X", units)])
        for verb in (stock.take_out("X", "sample", units), stock.mark_defective("X", units)):
            with pytest.raises(UnitsNotAccepted):
                ledger.when(verb)
    for code in ("", "X\n", "X" * 201):
        with pytest.raises(SkuNotAccepted):
            stock.receive("S-1", [("1", code, 1)])
