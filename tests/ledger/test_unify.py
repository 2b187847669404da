"""バラバラに登録: two SKUs that are the same goods are made one, with open orders and two numbers, and parted again."""

from datetime import timedelta

import pytest

from ledger import keys, sku
from ledger.book import aliases, orders, returns, shops, stock
from ledger.book.unify import undo_unify, unify
from ledger.facts.listing import ListingLinked
from ledger.facts.order import AllocationMoved, ReturnOpened
from ledger.facts.stock import StockUnified
from ledger.hold import FOLD as HOLD
from ledger.listing import LINKED, STOPPED, TO_CONFIRM
from ledger.sku import SkuState
from ledger.terms import CancelReason, Door, ListingKey
from ledger.unify import UnifyRefused, UnitsMoved
from tests.ledger.given import Memory, given, held_units
from tests.ledger.unified import make_one, pages_of, part_again, promised
from tests.ledger.words import R, Y, at, cancel, counted, line, link, mall_file, order, shipped, take, telling


def state_of(ledger: Memory, code: str) -> SkuState:
    found = ledger.state(keys.sku(code), sku.FOLD)
    assert isinstance(found, SkuState)
    return found


def numbers(ledger: Memory, code: str) -> tuple[int | None, int, int | None]:
    """On hand, allocated, available."""
    now = ledger.stock(code)
    return now.on_hand_units, now.allocated_units, now.available_units


def twins() -> Memory:
    """ABC-1 of 楽天 and abc1 of ヤフー, 10 and 4 on the shelf; 楽天 sold 2, ヤフー sold 1."""
    return given(
        counted("ABC-1", 10),
        counted("abc1", 4),
        link(R, "r", "ABC-1"),
        link(Y, "y", "abc1"),
        shops.confirm_listings(R, {ListingKey("r"): (10, 10)}),
        order(R, "1", line("r", 2)),
        order(Y, "2", line("y", 1)),
        now=at("12:00"),
    )


@pytest.mark.parametrize(("choice", "on_hand", "available"), [("sum", 14, 11), ("from", 10, 7), ("into", 4, 1)])
def test_the_units_on_hand_that_were_chosen_count_and_the_open_orders_of_both_come_off(
    choice: str, on_hand: int, available: int
) -> None:
    ledger = twins()
    answer = make_one(ledger, "ABC-1", "abc1", choice)
    assert numbers(ledger, "abc1") == (on_hand, 3, available)
    assert numbers(ledger, "ABC-1") == (None, 0, None)
    assert (answer["onHandBefore"], answer["onHand"], answer["orders"]) == ([10, 4], on_hand, 1)


def test_the_page_sells_the_one_sku_and_goes_on_as_it_was() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    page = ledger.listing(R, "r")
    assert (page.sku, page.state) == ("abc1", LINKED)
    assert state_of(ledger, "ABC-1").unified_into == "abc1"
    assert state_of(ledger, "abc1").aliases == {"ABC-1"}


def test_a_page_that_was_stopped_at_zero_stays_so() -> None:
    ledger = twins()
    ledger.when(shops.stop_listings(R, [ListingKey("r")], show_zero=True))
    make_one(ledger, "ABC-1", "abc1")
    page = ledger.listing(R, "r")
    assert (page.sku, page.state, page.show_zero) == ("abc1", STOPPED, True)


def test_an_order_told_again_through_the_new_link_books_nothing() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    ledger.when(take(R, telling(line("r", 2), number="1", told="10:30", door=Door.API)))
    assert numbers(ledger, "abc1") == (14, 3, 11)
    assert held_units(ledger.order(R, "1")) == {"ABC-1": 2}


def test_an_order_that_has_left_and_is_told_again_opens_no_return_and_takes_nothing_anew() -> None:
    ledger = twins()
    ledger.when(shipped("1"))
    make_one(ledger, "ABC-1", "abc1")
    ledger.when(take(R, telling(line("r", 2), number="1", told="11:30", door=Door.API)))
    assert numbers(ledger, "abc1") == (12, 1, 11)
    assert not [r for r in ledger.records if isinstance(r.fact, ReturnOpened)]


def test_an_order_that_grows_takes_the_rest_of_the_one_sku() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    ledger.when(take(R, telling(line("r", 5), number="1", told="11:00")))
    assert numbers(ledger, "abc1") == (14, 6, 8)
    assert numbers(ledger, "ABC-1") == (None, 0, None)


def test_a_cancel_gives_the_units_back_to_the_one_sku() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    ledger.when(take(R, cancel("11:00", "1")))
    assert numbers(ledger, "abc1") == (14, 1, 13)


def test_a_shipment_told_by_either_code_ships_the_units() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    ledger.when(shipped("1", scope="sku", skus=["abc1"], units=[1]))
    assert numbers(ledger, "abc1") == (13, 2, 11)
    ledger.when(shipped("1", scope="sku", skus=["ABC-1"], units=[2]))
    assert numbers(ledger, "abc1") == (12, 1, 11)


def test_what_had_left_before_comes_back_to_the_one_sku() -> None:
    ledger = twins()
    ledger.when(shipped("1"))
    make_one(ledger, "ABC-1", "abc1")
    ledger.when(returns.take_return(R, "1", "ABC-1", 1, "good"))
    assert numbers(ledger, "abc1") == (13, 1, 12)


def test_a_new_order_of_the_page_is_one_of_the_one_sku() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    assert ledger.when(order(R, "3", line("r", 1)))["units"] == {"abc1": 1}


def test_units_that_wait_for_a_person_wait_at_the_one_sku() -> None:
    ledger = given(counted("X", 1), counted("x", 5), link(R, "r", "X"), order(R, "1", line("r", 2)), now=at("12:00"))
    ledger.when(take(R, cancel("11:00", "1", reason=CancelReason.UNKNOWN)))
    waiting = ledger.stock("X").undecided_units
    assert waiting
    make_one(ledger, "X", "x")
    assert (ledger.stock("X").undecided_units, ledger.stock("x").undecided_units) == (0, waiting)
    before = ledger.available("x")
    assert before is not None
    ledger.when(orders.settle_undecided(R, "1", "x", "sale"))
    assert ledger.available("x") == before + waiting


def test_holds_and_what_is_kept_back_are_carried() -> None:
    ledger = twins()
    ledger.when(stock.place_hold("h", reference="W-1", code="ABC-1", units=3, ends_at=at("18:00")))
    ledger.when(stock.keep_back("ABC-1", 2))
    ledger.when(stock.keep_back("abc1", 1))
    make_one(ledger, "ABC-1", "abc1")
    now = ledger.stock("abc1")
    assert (now.held_units, now.kept_back_units, ledger.stock("ABC-1").held_units) == (3, 3, 0)
    assert ledger.state(keys.hold("h"), HOLD).sku == "abc1"
    ledger.when(stock.end_hold("h", expired=False))
    assert ledger.stock("abc1").held_units == 0


def test_of_one_number_as_much_is_kept_back_as_the_larger_said() -> None:
    ledger = twins()
    ledger.when(stock.keep_back("ABC-1", 2))
    ledger.when(stock.keep_back("abc1", 1))
    make_one(ledger, "ABC-1", "abc1", "into")
    assert ledger.stock("abc1").kept_back_units == 2


def test_a_set_of_the_old_sku_is_one_of_the_new_one_and_its_open_orders_go_on() -> None:
    ledger = twins()
    ledger.when(counted("BOX", 5))
    ledger.when(stock.define_set("GIFT", ["ABC-1", "BOX"], [2, 1]))
    ledger.when(link(R, "gift", "GIFT"))
    ledger.when(order(R, "9", line("gift", 1)))
    make_one(ledger, "ABC-1", "abc1")
    assert state_of(ledger, "GIFT").recipe.components == ("abc1", "BOX")
    assert state_of(ledger, "abc1").sets == {"GIFT"}
    assert not state_of(ledger, "ABC-1").sets
    assert numbers(ledger, "abc1") == (14, 5, 9)
    ledger.when(take(R, cancel("11:00", "9")))
    assert numbers(ledger, "abc1") == (14, 3, 11)


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (stock.define_set("SET", ["ABC-1"], [1]), "is a set"),
        (stock.define_set("SET", ["ABC-1", "abc1"], [1, 1]), "both"),
    ],
)
def test_sets_that_cannot_be_carried_are_named(prepare: object, said: str) -> None:
    ledger = twins()
    ledger.when(prepare)  # type: ignore[arg-type]
    pair = ("SET", "abc1") if said == "is a set" else ("ABC-1", "abc1")
    with pytest.raises(UnifyRefused, match=said):
        make_one(ledger, *pair)


def test_the_same_again_is_harmless_and_another_one_is_refused() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    assert make_one(ledger, "ABC-1", "abc1")["already"]
    assert not ledger.last
    ledger.when(counted("C", 1))
    with pytest.raises(UnifyRefused, match="means abc1 already"):
        make_one(ledger, "ABC-1", "C")


def test_what_moved_while_a_person_looked_is_looked_at_again() -> None:
    ledger = twins()
    looked = promised(ledger, "ABC-1")
    ledger.when(order(R, "3", line("r", 1)))
    with pytest.raises(UnitsMoved):
        ledger.when(unify("ABC-1", "abc1", "sum", looked, pages_of(ledger, "ABC-1")))
    with pytest.raises(UnifyRefused, match="look again"):
        make_one(ledger, "ABC-1", "abc1", seen=(9, 4))


def test_a_sku_without_a_number_is_not_the_one_that_counts() -> None:
    ledger = given(stock.register_sku("N"), counted("M", 3), now=at("12:00"))
    with pytest.raises(UnifyRefused, match="no number"):
        make_one(ledger, "N", "M", "from")
    make_one(ledger, "N", "M", "sum")
    assert numbers(ledger, "M") == (3, 0, 3)


def test_who_asks_something_of_the_old_code_is_told_the_new_one() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    with pytest.raises(sku.SkuIsAnother, match="abc1"):
        ledger.when(counted("ABC-1", 3, "11:00"))
    with pytest.raises(sku.SkuIsAnother):
        ledger.when(stock.take_out("ABC-1", "sample", 1))


def test_a_number_of_before_is_older_than_the_one_sku() -> None:
    """Whoever counted before did not count both; ``load`` skips such rows, and late orders lower the number."""
    ledger = given(
        mall_file(R, "A", 5, "10:00"),
        mall_file(Y, "a", 3, "10:30"),
        link(R, "r", "A"),
        link(Y, "y", "a"),
        now=at("12:00"),
    )
    make_one(ledger, "A", "a")
    level = ledger.levels["main", "a"]
    assert (level.counted_at, level.counted_by, level.counted_plainly) == (at("12:00"), "", False)
    ledger.when(order(R, "1", line("r", 1), told="09:30"))  # each mall's own part knew its own sales
    ledger.when(order(Y, "2", line("y", 1), told="10:20"))
    assert ledger.available("a") == 8
    ledger.when(order(Y, "3", line("y", 1), told="10:40"))
    assert ledger.available("a") == 7


def test_parted_again_a_sum_gives_back_what_was_brought_and_the_pages_wait_for_a_look() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    answer = part_again(ledger, "ABC-1", "abc1")
    assert numbers(ledger, "ABC-1") == (10, 2, 8)
    assert numbers(ledger, "abc1") == (4, 1, 3)
    assert (answer["orders"], answer["listings"], answer["notRestored"]) == (1, 1, [])
    page = ledger.listing(R, "r")
    assert (page.sku, page.state) == ("ABC-1", TO_CONFIRM)
    assert state_of(ledger, "abc1").aliases == frozenset()
    assert part_again(ledger, "ABC-1", "abc1")["already"]


def test_parted_again_an_order_told_meanwhile_stays_and_is_told_again_without_moving() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    ledger.when(order(R, "3", line("r", 1)))
    part_again(ledger, "ABC-1", "abc1")
    assert (numbers(ledger, "ABC-1"), numbers(ledger, "abc1")) == ((10, 2, 8), (4, 2, 2))
    ledger.when(take(R, telling(line("r", 1), number="3", told="11:00", door=Door.API)))
    assert (numbers(ledger, "ABC-1"), numbers(ledger, "abc1")) == ((10, 2, 8), (4, 2, 2))


def test_parted_again_no_more_comes_back_than_is_there_and_it_is_said() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    ledger.when(order(Y, "3", line("y", 9)))
    answer = part_again(ledger, "ABC-1", "abc1")
    assert ledger.available("ABC-1") == 2
    assert ledger.available("abc1") == 0
    assert answer["notRestored"] == ["units_sold_since"]


def test_parted_again_after_a_count_only_the_units_of_its_own_orders_go_back() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    ledger.now += timedelta(hours=1)
    ledger.when(counted("abc1", 20, "12:30"))
    answer = part_again(ledger, "ABC-1", "abc1")
    assert numbers(ledger, "ABC-1") == (2, 2, 0)
    assert ledger.available("abc1") == 20
    assert answer["notRestored"] == ["counted_since"]


def test_what_was_never_made_one_cannot_be_parted() -> None:
    ledger = twins()
    with pytest.raises(UnifyRefused, match="was not made one"):
        ledger.when(undo_unify("ABC-1", promised(ledger, "abc1")))


def test_three_are_made_one_after_the_other() -> None:
    ledger = twins()
    ledger.when(counted("C", 1))
    make_one(ledger, "ABC-1", "abc1")
    make_one(ledger, "abc1", "C")
    assert numbers(ledger, "C") == (15, 3, 12)
    ledger.when(take(R, telling(line("r", 3), number="1", told="11:00")))
    assert numbers(ledger, "C") == (15, 4, 11)
    with pytest.raises(UnifyRefused, match="since"):
        part_again(ledger, "ABC-1", "abc1")


def test_facts_say_what_moved() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    (moved,), (link_fact,) = ledger.facts(AllocationMoved), ledger.facts(ListingLinked)
    assert (moved.from_sku, moved.into_sku, moved.booked_units) == ("ABC-1", "abc1", [2, 2])
    assert link_fact.sku == "abc1"
    assert [fact.on_hand for fact in ledger.facts(StockUnified)] == [14, None]


# ------------------------------------------------------------------ aliases


def test_an_alias_means_its_sku_in_orders_and_links() -> None:
    ledger = given(counted("X", 5), aliases.alias("X", "x-01"), link(R, "r", "x-01"), now=at("12:00"))
    assert ledger.when(order(R, "1", line("r", 2)))["units"] == {"X": 2}
    assert ledger.available("X") == 3


@pytest.mark.parametrize(
    ("other", "said"), [("X", "the SKU itself"), ("Y", "a SKU of its own"), ("y-01", "means Y already")]
)
def test_a_code_that_means_something_else_is_no_alias_and_it_is_said_what(other: str, said: str) -> None:
    ledger = given(counted("X", 5), counted("Y", 5), aliases.alias("Y", "y-01"))
    with pytest.raises(aliases.AliasRefused, match=said):
        ledger.when(aliases.alias("X", other))


def test_an_alias_is_taken_away_and_free_again() -> None:
    ledger = given(counted("X", 5), counted("Y", 5), aliases.alias("Y", "z"), aliases.alias("Y", "z", remove=True))
    ledger.when(aliases.alias("X", "z"))
    assert state_of(ledger, "z").alias_of == "X"
    assert state_of(ledger, "Y").aliases == frozenset()
    ledger.when(aliases.alias("X", "z"))
    assert not ledger.last


def test_what_was_made_one_is_not_taken_away_as_an_alias() -> None:
    ledger = twins()
    make_one(ledger, "ABC-1", "abc1")
    with pytest.raises(aliases.AliasRefused, match="undo-unify"):
        ledger.when(aliases.alias("abc1", "ABC-1", remove=True))


def test_a_new_sku_that_looks_like_another_is_refused_until_a_person_confirms_it() -> None:
    ledger = given(counted("ABC-1", 5))
    with pytest.raises(stock.LooksLikeAnother, match="ABC-1"):
        ledger.when(stock.register_sku("abc1", alike=["ABC-1"]))
    ledger.when(stock.register_sku("abc1"))
    ledger.when(stock.register_sku("abc1", name="カップ", alike=["ABC-1"]))
    assert state_of(ledger, "abc1").name == "カップ"
