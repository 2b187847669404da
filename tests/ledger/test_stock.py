"""Stock of one SKU: overselling is recorded and shown, never refused; every fact says what it left behind."""

import pytest

from ledger import keys, stock
from ledger.facts.sku import KeptBackSet
from ledger.facts.stock import AuctionKept, AuctionReturned, StockFact, StockMoved
from ledger.stock import NotEnough, NumberMissing, Stock, around, evolve
from ledger.view import Draft, Fold, StreamRead, View
from tests.ledger.given import BEGAN, given
from tests.ledger.words import NUMBER, R, counted, line, link, order


def taken(now: Stock, units: int, order_name: str = "rakuten-1:1") -> StockFact:
    return stock.allocate(now, order=order_name, listing="x:", sku_told="X", units=units)


def after(now: Stock, *facts: StockFact) -> Stock:
    for fact in facts:
        now = evolve(now, fact)
    return now


def test_an_order_for_more_than_we_have_is_still_allocated() -> None:
    fact = taken(Stock(on_hand_units=1), 3)
    assert (fact.before, fact.after, fact.on_hand) == (1, -2, 1)
    now = after(Stock(on_hand_units=1), fact)
    assert (now.available_units, now.short_units, now.free_units, now.version) == (-2, 2, -2, 1)


def test_a_sku_without_a_number_allocates_and_has_neither_available_nor_free_nor_short_units() -> None:
    fact = taken(Stock(), 3)
    assert (fact.before, fact.after, fact.on_hand) == (None, None, None)
    now = after(Stock(), fact)
    assert (now.allocated_units, now.available_units, now.free_units, now.short_units) == (3, None, None, 0)


def test_what_is_kept_back_held_and_kept_by_auctions_is_not_free() -> None:
    now = Stock(on_hand_units=10, allocated_units=2, held_units=1, kept_back_units=3, auction_kept_units=1)
    assert (now.available_units, now.free_units) == (8, 3)
    assert evolve(now, KeptBackSet("main", 20)).free_units == -14, "it may be below none, and is shown so"


def test_a_fact_of_the_skus_own_stream_does_not_count_in_the_stock_stream() -> None:
    assert evolve(Stock(version=4), KeptBackSet("main", 2)).version == 4


def test_shipping_lowers_on_hand_and_allocated_together() -> None:
    now = Stock(on_hand_units=5, allocated_units=3)
    fact = stock.ship(now, order="o", sku_told="X", units=2, assumed=False)
    later = after(now, fact)
    assert (later.on_hand_units, later.allocated_units, later.available_units, now.available_units) == (3, 1, 2, 2)


@pytest.mark.parametrize(
    ("to", "on_hand", "available", "defective", "undecided"),
    [
        ("sale", 5, 5, 0, 0),
        ("short_pick", 3, 3, 0, 0),
        ("defective", 3, 3, 2, 0),
        ("undecided", 3, 3, 0, 2),
        ("counted", 3, 3, 0, 0),
    ],
)
def test_a_release_says_where_the_units_go(
    to: str, on_hand: int, available: int, defective: int, undecided: int
) -> None:
    now = Stock(on_hand_units=5, allocated_units=2)
    fact = stock.release(now, order="o", sku_told="X", units=2, to=to, mall_restored="no")
    later = after(now, fact)
    assert (later.on_hand_units, later.available_units, later.allocated_units) == (on_hand, available, 0)
    assert (later.defective_units, later.undecided_units) == (defective, undecided)


def test_a_release_to_nowhere_is_ours_to_mend() -> None:
    with pytest.raises(AssertionError):
        stock.release(Stock(), order="o", sku_told="X", units=1, to="somewhere", mall_restored="no")


def test_undecided_units_are_settled_once() -> None:
    now = Stock(on_hand_units=3, undecided_units=2)
    for to, on_hand, defective in (("sale", 5, 0), ("short_pick", 3, 0), ("defective", 3, 2)):
        later = after(now, stock.settle(now, order="o", units=2, to=to))
        assert (later.on_hand_units, later.undecided_units, later.defective_units) == (on_hand, 0, defective)
    with pytest.raises(NotEnough, match="expected 1 to 2"):
        stock.settle(now, order="o", units=3, to="sale")


def test_a_hold_is_strict_and_needs_a_number() -> None:
    with pytest.raises(NumberMissing):
        stock.take_hold(Stock(), "h", 1)
    with pytest.raises(NotEnough, match="expected 1 to 0"):
        stock.take_hold(Stock(on_hand_units=1, allocated_units=5), "h", 1)


def test_an_auction_keeps_its_units_from_every_other_listing_and_gives_them_back() -> None:
    now = Stock(on_hand_units=3)
    kept = after(now, AuctionKept(shop="auctions-1", listing="a100:", units=1, **around(now)))
    assert (kept.free_units, kept.available_units) == (2, 3)
    back = AuctionReturned(shop="auctions-1", listing="a100:", units=1, **around(kept))
    assert after(kept, back).free_units == 3


def test_goods_that_move_stand_on_the_streams_of_both_places() -> None:
    ledger = given(counted("X", 5))
    out = StockMoved(from_place="main", to_place="shop", units=2, before=5, after=3, on_hand=3)
    into = StockMoved(from_place="main", to_place="shop", units=2, before=None, after=2, on_hand=2)
    ledger.record(Draft(keys.stock("X"), out), Draft(keys.stock("X", "shop"), into))
    assert ledger.available("X") == 3
    assert ledger.levels["shop", "X"].stock.on_hand_units == 2


def test_what_is_owed_is_seen_by_the_next_order_of_the_same_commit() -> None:
    ledger = given(counted("X", 1), link(R, "x", "X"))
    ledger.together(order(R, "1", line("x")), order(R, "2", line("x")), order(R, NUMBER, line("x")))
    assert [fact.after for fact in ledger.facts("StockAllocated")] == [0, -1, -2]


def test_a_stream_is_read_by_one_fold_and_no_other() -> None:
    view = View(0, BEGAN)
    view.streams["order:a:1"] = StreamRead(0, [])
    one: Fold[int] = Fold(0, lambda state, _record: state + 1)
    other: Fold[int] = Fold(0, lambda state, _record: state + 1)
    assert view.state("order:a:1", one) == 0
    with pytest.raises(AssertionError, match="order:a:1"):
        view.state("order:a:1", other)
