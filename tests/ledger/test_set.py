"""Sets (セット商品): made of components, never of sets; each order by the recipe of its day (D13)."""

import pytest

from ledger import keys, sku
from ledger.book import aliases, orders, stock
from ledger.facts.stock import AllocatedAsCounted, AllocationReleased, StockAllocated
from ledger.sku import SetHasNoNumber, SetNotAccepted, SkuState
from ledger.terms import CancelReason, SkuNotAccepted
from tests.ledger.given import Memory, given, held_units
from tests.ledger.words import NUMBER, R, Y, at, cancel, counted, line, link, mall_file, order, shipped, take, telling


def gift() -> Memory:
    """A gift of two cups and one box; both are on the shelf, and Rakuten sells the gift and the cup."""
    return given(
        counted("CUP", 10),
        counted("BOX", 4),
        stock.define_set("GIFT", ["CUP", "BOX"], [2, 1]),
        link(R, "gift", "GIFT"),
        link(R, "cup", "CUP"),
        now=at("12:00"),
    )


def state_of(ledger: Memory, code: str) -> SkuState:
    found = ledger.state(keys.sku(code), sku.FOLD)
    assert isinstance(found, SkuState)
    return found


def test_an_order_of_a_set_takes_its_components_and_is_held_as_the_set() -> None:
    ledger = gift()
    assert ledger.when(order(R, NUMBER, line("gift", 3)))["units"] == {"GIFT": 3}
    assert (ledger.available("CUP"), ledger.available("BOX"), ledger.available("GIFT")) == (4, 1, None)
    cups = ledger.facts(StockAllocated)[0]
    assert (cups.sku_told, cups.units, cups.recipe_version, cups.components, cups.component_units) == (
        "GIFT", 6, 1, ["CUP", "BOX"], [2, 1]
    )  # fmt: skip
    assert held_units(ledger.order(R, NUMBER)) == {"GIFT": 3}


def test_a_set_and_its_component_in_one_order_both_count() -> None:
    ledger = gift()
    ledger.when(order(R, NUMBER, line("gift", 2), line("cup", 5)))
    assert ledger.available("CUP") == 1
    ledger.when(take(R, telling(line("gift", 1), line("cup", 5), told="10:30")))
    assert (ledger.available("CUP"), held_units(ledger.order(R, NUMBER))) == (3, {"GIFT": 1, "CUP": 5})


def test_a_set_order_then_a_new_recipe_then_a_cancel_gives_back_what_was_taken() -> None:
    ledger = gift()
    ledger.when(order(R, NUMBER, line("gift", 2)))
    ledger.when(stock.define_set("GIFT", ["CUP", "BOX"], [3, 1]))
    assert state_of(ledger, "GIFT").recipe.version == 2
    ledger.when(order(R, "2", line("gift", 1)))
    assert (ledger.available("CUP"), ledger.available("BOX")) == (10 - 4 - 3, 4 - 3)
    ledger.when(take(R, cancel("11:00")))
    assert (ledger.available("CUP"), ledger.available("BOX")) == (7, 3)
    ledger.when(take(R, cancel("11:00", "2")))
    assert (ledger.available("CUP"), ledger.available("BOX")) == (10, 4)


def test_one_order_of_two_recipes_gives_the_newest_back_first_and_ships_by_what_it_took() -> None:
    ledger = gift()
    ledger.when(order(R, NUMBER, line("gift", 1)))
    ledger.when(stock.define_set("GIFT", ["CUP", "BOX"], [3, 1]))
    ledger.when(take(R, telling(line("gift", 2), told="10:30")))
    assert ledger.available("CUP") == 5
    ledger.when(take(R, telling(line("gift", 1), told="10:40")))
    assert ledger.available("CUP") == 8
    ledger.when(shipped())
    assert (ledger.stock("CUP").on_hand_units, ledger.stock("BOX").on_hand_units) == (8, 3)


def test_a_set_that_is_a_set_no_more_is_taken_as_itself() -> None:
    ledger = gift()
    ledger.when(order(R, NUMBER, line("gift", 1)))
    ledger.when(stock.define_set("GIFT", [], []))
    ledger.when(counted("GIFT", 5, "11:00"))
    ledger.when(order(R, "2", line("gift", 2), told="11:30"))
    assert [fact.recipe_version for fact in ledger.facts(StockAllocated)] == [0]
    assert (ledger.available("GIFT"), ledger.available("CUP")) == (3, 8)
    ledger.when(take(R, cancel("11:00")))
    assert (ledger.available("GIFT"), ledger.available("CUP")) == (3, 10)


def test_a_set_of_which_one_component_was_counted_since_is_counted_there_only() -> None:
    ledger = gift()
    ledger.when(mall_file(R, "CUP", 8, "10:30"))
    ledger.when(order(R, NUMBER, line("gift", 1), told="10:20"))
    (cups,) = ledger.facts(AllocatedAsCounted)
    assert (cups.units, cups.recipe_version, cups.components, cups.component_units) == (2, 1, ["CUP", "BOX"], [2, 1])
    assert (ledger.available("CUP"), ledger.available("BOX")) == (8, 3)
    ledger.when(orders.reverse_counted(R, NUMBER, "CUP"))
    assert (ledger.available("CUP"), ledger.available("BOX")) == (6, 3)
    ledger.when(take(R, cancel("11:00")))
    assert (ledger.available("CUP"), ledger.available("BOX")) == (8, 4)


def test_a_set_cancelled_for_stock_out_takes_off_the_shelf_only_what_was_there() -> None:
    ledger = gift()
    ledger.when(counted("BOX", 1, "09:30"))
    ledger.when(order(R, NUMBER, line("gift", 3)))
    assert (ledger.available("CUP"), ledger.available("BOX")) == (4, -2)
    ledger.when(take(R, cancel("11:00", reason=CancelReason.OUT_OF_STOCK)))
    assert [(fact.units, fact.to) for fact in ledger.facts(AllocationReleased)] == [
        (6, "short_pick"),
        (1, "short_pick"),
        (2, "sale"),
    ]
    assert (ledger.stock("CUP").on_hand_units, ledger.stock("BOX").on_hand_units) == (4, 0)
    assert held_units(ledger.order(R, NUMBER)) == {}


def test_an_order_of_many_sets_and_skus_is_taken_changed_and_closed_in_one_commit_each() -> None:
    ledger = given(now=at("12:00"))
    lines = []
    for n in range(12):
        parts = [f"C{n}-{part}" for part in range(3)]
        for code in (*parts, f"P{n}"):
            ledger.when(counted(code, 9))
        ledger.when(stock.define_set(f"S{n}", parts, [1, 2, 3]))
        ledger.when(link(R, f"s{n}", f"S{n}"))
        ledger.when(link(R, f"p{n}", f"P{n}"))
        lines += [line(f"s{n}", 2), line(f"p{n}", 1)]
    ledger.when(order(R, NUMBER, *lines))
    assert [ledger.available(f"C3-{part}") for part in range(3)] == [7, 5, 3]
    ledger.when(take(R, telling(*lines[2:], told="10:30")))
    assert [ledger.available(f"C0-{part}") for part in range(3)] == [9, 9, 9]
    ledger.when(orders.assume_shipped(R, NUMBER, 14))
    assert [ledger.stock(f"C3-{part}").on_hand_units for part in range(3)] == [7, 5, 3]
    ledger.when(take(R, cancel("11:00")))
    assert len(ledger.facts("ReturnOpened")[0].skus) == 22


# ------------------------------------------------------------------ recipes


def test_the_same_recipe_again_is_no_new_one() -> None:
    ledger = gift()
    ledger.when(stock.define_set("GIFT", ["CUP", "BOX"], [2, 1]))
    assert ledger.names() == []


def test_sets_of_sets_and_sets_of_themselves_are_refused() -> None:
    ledger = gift()
    for parts in (["GIFT"], ["CUP", "GIFT"]):
        with pytest.raises(SetNotAccepted):
            ledger.when(stock.define_set("BIG", parts, [1] * len(parts)))
    with pytest.raises(SetNotAccepted):
        ledger.when(stock.define_set("CUP2", ["CUP2"], [1]))
    for parts, units in ((["A", "A"], [1, 1]), (["A"], [0]), (["A"], [10_000]), (["A", "B"], [1])):
        with pytest.raises(SetNotAccepted):
            ledger.when(stock.define_set("BIG", parts, units))


def test_a_sku_with_units_on_hand_does_not_become_a_set() -> None:
    ledger = given(counted("CUP", 10))
    with pytest.raises(SetNotAccepted, match="10 units of it are on hand"):
        ledger.when(stock.define_set("CUP", ["BOX"], [1]))


def test_a_component_of_a_set_does_not_become_a_set_until_it_left() -> None:
    """The set would be one of sets, and nobody had said so."""
    ledger = given(stock.define_set("GIFT", ["CARD", "BOX"], [1, 1]), stock.define_set("TWO", ["CARD"], [2]))
    assert state_of(ledger, "CARD").sets == {"GIFT", "TWO"}
    with pytest.raises(SetNotAccepted, match="CARD is a component of GIFT, TWO; expected a SKU that is in no set"):
        ledger.when(stock.define_set("CARD", ["PAPER"], [1]))
    ledger.when(stock.define_set("GIFT", ["BOX"], [1]))
    with pytest.raises(SetNotAccepted, match="CARD is a component of TWO;"):
        ledger.when(stock.define_set("CARD", ["PAPER"], [1]))
    ledger.when(stock.define_set("TWO", [], []))
    assert state_of(ledger, "CARD").sets == frozenset()
    ledger.when(stock.define_set("CARD", ["PAPER"], [1]))
    assert ledger.names() == ["SetDefined", "SkuRegistered", "JoinedSet"]


def test_a_component_that_stays_in_a_new_recipe_is_told_nothing() -> None:
    ledger = gift()
    ledger.when(stock.define_set("GIFT", ["CUP", "CARD"], [3, 1]))
    assert ledger.names() == ["SetDefined", "SkuRegistered", "JoinedSet", "LeftSet"]
    assert [state_of(ledger, code).sets for code in ("CUP", "CARD", "BOX")] == [{"GIFT"}, {"GIFT"}, frozenset()]


def test_a_set_gets_no_number_of_its_own() -> None:
    ledger = gift()
    for verb in (counted("GIFT", 5, "11:00"), stock.add("GIFT", 1), stock.receive("S-1", [("1", "GIFT", 1)])):
        with pytest.raises(SetHasNoNumber, match="GIFT is a set of CUP x 2, BOX x 1; expected one of these components"):
            ledger.when(verb)
    assert ledger.available("GIFT") is None


def test_names_and_further_codes_of_a_sku_are_kept_once() -> None:
    ledger = given(stock.register_sku("CUP", name="カップ"), stock.register_sku("CUP", jan="4901234567894"))
    state = state_of(ledger, "CUP")
    assert (state.name, state.jan, state.registered) == ("カップ", "4901234567894", True)
    ledger.when(stock.register_sku("CUP", name="カップ"))
    assert ledger.names() == []
    ledger.when(aliases.alias("CUP", "cup-01"))
    ledger.when(aliases.alias("CUP", "cup-01"))
    assert (ledger.names(), state_of(ledger, "CUP").aliases) == ([], frozenset({"cup-01"}))
    ledger.when(aliases.alias("CUP", "cup-01", remove=True))
    assert state_of(ledger, "CUP").aliases == frozenset()
    with pytest.raises(SkuNotAccepted):
        stock.register_sku("カップ\x00")


def test_units_kept_back_are_of_the_sku_and_lower_what_every_mall_may_show() -> None:
    ledger = gift()
    ledger.when(stock.keep_back("CUP", 3))
    assert (ledger.stock("CUP").kept_back_units, ledger.stock("CUP").free_units, ledger.available("CUP")) == (3, 7, 10)
    ledger.when(stock.keep_back("CUP", 3))
    assert ledger.names() == []
    ledger.when(order(Y, "y-1", line("cup", 1)))
    assert ledger.stock("CUP").kept_back_units == 3
