"""The domain cases of real operation, with their numbers; each test is named after its case."""

from dataclasses import replace

import pytest

from ledger import expected, listing, push
from ledger.book import orders, pushes, shops, stock
from ledger.counting import Seen, add, overwrite, replace_part
from ledger.expected import Numbers, Sale
from ledger.facts.listing import ListingSettingsChanged
from ledger.facts.order import OrderTold, ReturnOpened
from ledger.facts.stock import StockAllocated
from ledger.keys import listing_text
from ledger.keys import stock as stock_stream
from ledger.listing import LINKED
from ledger.terms import CancelReason, Door, ListingKey, OrderState, utc_text
from ledger.view import Draft
from tests.ledger.given import Memory, given, held_units
from tests.ledger.test_push import answered, sent, settled
from tests.ledger.words import (
    NUMBER,
    A,
    R,
    Y,
    at,
    by_date,
    cancel,
    counted,
    line,
    link,
    mall_file,
    order,
    shipped,
    take,
    telling,
)

UNITS_MAX = 99_999


def wanted(ledger: Memory, shop: str, item: str, sku: str) -> int | None:
    """What the listing should show now, with no clock running."""
    one = replace(ledger.listing(shop, item), state=LINKED)
    return listing.wanted(one, ledger.stock(sku).free_units, units_max=UNITS_MAX)


def three_shops(*happened: object) -> Memory:
    """Rakuten, Yahoo! and Amazon sell X; then this happened."""
    linked = (link(R, "x", "X"), link(Y, "x", "X"), link(A, "x", "X"))
    return given(*linked, *happened, now=at("13:00"))  # type: ignore[arg-type]


# ------------------------------------------------------------------ D1 absolute numbers


class Told:
    """One listing: the ledger, and what the mall should show by itself. Mutable: it follows the ledger's facts."""

    def __init__(self, ledger: Memory, units: int, applied: str) -> None:
        self.ledger = ledger
        self.numbers = self._applied(Numbers(), units, applied)

    def _applied(self, numbers: Numbers, units: int, clock: str) -> Numbers:
        moment = utc_text(at(clock))
        return expected.applied(
            numbers, units=units, computed_at=self.ledger.position, sent_at=moment, applied_until=moment
        )

    def order(self, number: str, ordered: str, told: str) -> None:
        """An order mail of this listing arrives."""
        self.ledger.when(order(R, number, line("x"), told=told, ordered=ordered))
        fact = self.ledger.facts(OrderTold)[0]
        for name, quantity in zip(fact.sold_listings, fact.sold_quantities, strict=True):
            assert name == listing_text(ListingKey("x"))
            sale = Sale(self.ledger.position, quantity, at(ordered))
            self.numbers = expected.sold(self.numbers, sale, lowers=True, restores="unknown", told_at=at(told))

    def push(self, clock: str) -> None:
        """The listing's wanted number is told and applied."""
        now = wanted(self.ledger, R, "x", "X")
        assert now is not None
        self.numbers = self._applied(self.numbers, now, clock)

    @property
    def differs(self) -> bool:
        """Whether the listing stands in the queue: wanted is not what it should show."""
        return wanted(self.ledger, R, "x", "X") != self.numbers.expected_units


def test_d1_two_sales_on_one_mall_are_not_answered_by_a_push_that_sells_a_third_unit() -> None:
    rakuten = Told(three_shops(counted("X", 2)), 2, "11:00")
    rakuten.order("1", "12:00:00", "12:00:05")
    assert (rakuten.ledger.available("X"), rakuten.numbers.expected_units, rakuten.differs) == (1, 1, False)
    rakuten.order("2", "12:00:03", "12:00:40")
    assert (rakuten.ledger.available("X"), rakuten.numbers.expected_units, rakuten.differs) == (0, 0, False)


def test_d1_a_late_mail_of_an_order_that_our_refill_erased_is_told_again() -> None:
    rakuten = Told(three_shops(counted("X", 10)), 10, "11:00")
    rakuten.ledger.when(stock.receive("S-1", [("1", "X", 5)]))
    rakuten.push("12:00:31")
    assert rakuten.numbers.told_units == 15
    rakuten.order("1", "12:00:00", "12:01:00")  # it lowered 10 to 9, and then we said 15
    assert (rakuten.ledger.available("X"), rakuten.differs) == (14, True)
    rakuten.push("12:01:05")
    assert (rakuten.numbers.expected_units, rakuten.differs) == (14, False)


def test_d1_a_capped_listing_is_refilled_after_its_own_sale() -> None:
    rakuten = Told(three_shops(counted("X", 100)), 5, "11:00")
    key = ListingKey("x")
    rakuten.ledger.when(shops.change_listing_settings(R, [key], ListingSettingsChanged(cap=5)))
    assert not rakuten.differs
    rakuten.order("1", "12:00:00", "12:00:05")
    assert (rakuten.numbers.expected_units, rakuten.differs) == (4, True)


def test_d1_a_sold_set_lowers_its_components_listings_on_the_same_mall() -> None:
    ledger = three_shops(counted("X", 10), stock.define_set("SET", ["X"], [2]), link(R, "set", "SET"))
    rakuten = Told(ledger, 10, "11:00")
    ledger.when(order(R, "1", line("set"), told="12:00"))
    assert ledger.facts(OrderTold)[0].sold_listings == ["set:"]
    assert (wanted(ledger, R, "x", "X"), rakuten.numbers.expected_units, rakuten.differs) == (8, 10, True)


# ------------------------------------------------------------------ D2 what a count covers


def test_d2a_an_order_from_before_the_count_that_arrives_after_it_lowers_nothing() -> None:
    ledger = three_shops(mall_file(R, "X", 8, "10:00"))
    ledger.when(take(R, telling(line("x"), told="10:20", ordered="09:55")))
    assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (8, 9)
    ledger.when(orders.reverse_counted(R, NUMBER, "X"))
    assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (7, 8)


def test_d2b_the_open_orders_of_the_first_poll_are_counted_and_the_shelf_is_ten() -> None:
    ledger = three_shops(mall_file(R, "X", 8, "10:00"))
    for number in ("1", "2"):
        ledger.when(take(R, telling(line("x"), told="10:30", ordered="08:00", number=number, door=Door.API)))
    now = ledger.stock("X")
    assert (now.available_units, now.on_hand_units, now.allocated_units) == (8, 10, 2)


def test_d2c_another_malls_sale_is_not_in_this_malls_file() -> None:
    ledger = three_shops(counted("X", 10, "09:00"), take(Y, telling(line("x"), told="09:59", ordered="09:58")))
    ledger.when(mall_file(R, "X", 10, "10:00"))
    assert ledger.available("X") == 9


def test_d2d_what_was_kept_while_intake_was_stopped_or_linked_weeks_later_is_not_deducted_again() -> None:
    replayed = three_shops(mall_file(R, "X", 8, "10:00"))
    replayed.when(take(R, telling(line("x", 2), told="09:30", ordered="09:30")))
    assert replayed.available("X") == 8
    linked = given(take(R, telling(line("x", 2), told="09:30")), link(R, "x", "X"), now=at("13:00"))
    linked.when(mall_file(R, "X", 8, "10:00"))
    linked.when(orders.link_line(R, NUMBER, "x", "", "", ListingKey("x")))
    assert (linked.names(), linked.available("X")) == (["LineLinked", "AllocatedAsCounted"], 8)


def test_d2_a_line_that_was_shipped_at_first_sight_changes_nothing_that_the_mall_counts() -> None:
    ledger = three_shops(mall_file(R, "X", 8, "10:00"))
    said = telling(line("x"), told="10:30", ordered="08:00", state=OrderState.SHIPPED, door=Door.API)
    ledger.when(take(R, said))
    now = ledger.stock("X")
    assert (now.available_units, now.on_hand_units, now.allocated_units) == (8, 8, 0)


def test_d2_an_order_whose_time_has_no_seconds_counts_as_after_a_count_of_that_minute() -> None:
    ledger = three_shops(mall_file(R, "X", 8, "10:00:30"))
    ledger.when(take(R, telling(line("x"), told="10:20", ordered="10:00:00")))
    assert ledger.available("X") == 7
    ledger.when(take(R, telling(line("x"), told="10:20", ordered="10:00:05", number="2")))
    assert ledger.available("X") == 7, "an order with seconds, placed before it"
    ledger.when(mall_file(R, "X", 7, "10:21"))
    assert ledger.available("X") == 7, "it was known before the next count was made"


def test_d2_an_order_known_only_by_date_and_told_after_the_count_counts_as_after_with_a_check() -> None:
    ledger = three_shops(mall_file(A, "X", 8, "10:00"))
    assert ledger.when(take(A, by_date(line("x"), told="10:20")))["reviews"] == ["date_only"]
    assert ledger.available("X") == 7


# ------------------------------------------------------------------ D3, D4


def test_d3_lines_by_ordinal_and_by_the_malls_own_ids_are_one_order() -> None:
    ledger = given(counted("X", 10), counted("Y", 10), link(R, "x", "X"), link(R, "y", "Y"), now=at("13:00"))
    ledger.when(take(R, telling(line("x", 2, line_id="1"), line("y", 1, line_id="2"))))
    api = telling(line("x", 2, line_id="101"), line("y", 1, line_id="102"), told="10:05", door=Door.API)
    ledger.when(take(R, api))
    assert (ledger.available("X"), ledger.available("Y")) == (8, 9)
    assert [type(fact) for fact in ledger.facts()] == [OrderTold], "it adds evidence and books nothing"


def test_d3_a_line_that_moves_up_after_an_edit_is_not_taken_twice() -> None:
    ledger = given(
        counted("X", 9),
        counted("Y", 9),
        counted("Z", 9),
        link(R, "x", "X"),
        link(R, "y", "Y"),
        link(R, "z", "Z"),
        now=at("13:00"),
    )
    ledger.when(take(R, telling(line("x", line_id="1"), line("y", line_id="2"), line("z", line_id="3"))))
    ledger.when(take(R, telling(line("x", line_id="1"), line("z", line_id="2"), told="10:30")))
    assert [ledger.available(code) for code in "XYZ"] == [8, 9, 8]


def test_d4_two_listings_of_one_sku_in_one_shop_share_its_stock_and_expect_their_own_sales() -> None:
    ledger = given(
        counted("X", 9), link(R, "normal", "X"), link(R, "marathon", "X"), link(R, "x3", "X", 3), now=at("13:00")
    )
    ledger.when(order(R, NUMBER, line("marathon", 2), line("x3", 1)))
    assert ledger.available("X") == 4
    told = ledger.facts(OrderTold)[0]
    assert (told.sold_listings, told.sold_quantities) == (["marathon:", "x3:"], [2, 1])
    assert [wanted(ledger, R, item, "X") for item in ("normal", "marathon", "x3")] == [4, 4, 1]
    assert ledger.facts(StockAllocated)[0].units == 5


# ------------------------------------------------------------------ D5, D6


def test_d5_a_first_set_up_with_three_disagreeing_files_is_booked_once_with_every_number_seen() -> None:
    ledger = three_shops()
    seen = Seen((R, Y, A), (8, 9, 10), tuple(utc_text(at("10:00")) for _ in range(3)))
    covers = stock.sales_of(R, at("10:00"))
    smallest = overwrite(ledger.stock("X"), 8, covers=covers, applied_on_top=0, seen=seen)
    ledger.record(Draft(stock_stream("X"), smallest, at("10:00")))
    assert ledger.available("X") == 8
    (fact,) = ledger.facts("StockOverwritten")
    assert (fact.seen_shops, fact.seen_units) == ([R, Y, A], [8, 9, 10])


def test_d6_a_malls_part_is_summed_once_and_read_again_it_replaces_itself() -> None:
    ledger = three_shops()
    for shop, units in ((R, 30), (Y, 20)):
        ledger.record(Draft(stock_stream("X"), add(ledger.stock("X"), units, shop=shop), at("10:00")))
    assert ledger.available("X") == 50
    again = replace_part(ledger.stock("X"), R, 30, 30, import_id="i2", row=1)
    ledger.record(Draft(stock_stream("X"), again, at("10:00")))
    assert ledger.available("X") == 50
    assert [wanted(ledger, shop, "x", "X") for shop in (R, Y)] == [50, 50], "then every mall shows the sum"


# ------------------------------------------------------------------ D7 direction decides


def test_d7_an_unverified_order_lowers_at_once_and_an_unverified_cancel_raises_nothing() -> None:
    ledger = three_shops(counted("X", 5))
    ledger.when(order(R, NUMBER, line("x", 2), verified=False))
    assert (ledger.available("X"), ledger.stated(R, NUMBER).verified) == (3, False)
    assert ledger.when(take(R, cancel("11:00", verified=False)))["reviews"] == ["unverified_cancel"]
    assert ledger.available("X") == 3
    ledger.when(take(R, cancel("11:10", door=Door.API)))
    assert (ledger.available("X"), ledger.stated(R, NUMBER).reviews) == (5, frozenset())


# ------------------------------------------------------------------ D8 asynchronous channels


def test_d8_a_lowering_beside_an_unfinished_file_is_told_again_after_it() -> None:
    ledger = three_shops(counted("X", 10))
    while ledger.position < 8:
        ledger.when(counted("X", 10))
    ledger.when(pushes.record_push_sent(A, sent("feed", 4, (10,), channel="feed")))
    ledger.when(pushes.record_push_answered(A, answered("feed", "accepted")))
    ledger.when(pushes.record_push_sent(A, sent("patch", 8, (3,))))
    ledger.when(pushes.record_push_answered(A, answered("patch", "applied")))
    with pytest.raises(push.FileNotFinished):
        ledger.when(pushes.record_push_sent(A, sent("feed-2", 8, (3,), channel="feed")))
    ledger.when(pushes.record_push_settled(A, settled("feed", "applied")))
    assert ledger.rules.behind == 1, "the mall went from 3 back to 10, and waits to be told again"
    ledger.when(pushes.record_push_sent(A, sent("again", 8, (3,))))
    assert ledger.rules.behind == 0


# ------------------------------------------------------------------ D9 cancelled is not sellable again


def test_d9a_a_cancel_for_stock_out_does_not_sell_the_missing_unit_again() -> None:
    ledger = three_shops(counted("X", 1), order(R, NUMBER, line("x")))
    ledger.when(take(R, cancel("11:00", reason=CancelReason.OUT_OF_STOCK)))
    now = ledger.stock("X")
    assert (now.available_units, now.on_hand_units, now.allocated_units) == (0, 0, 0)
    assert ledger.facts("AllocationReleased")[0].to == "short_pick"


def test_d9a_a_cancel_of_the_unit_that_was_owed_takes_nothing_off_the_shelf_of_the_other_orders() -> None:
    ledger = three_shops(counted("X", 3), order(R, "1", line("x", 3)), order(Y, "2", line("x")))
    assert (ledger.available("X"), ledger.stock("X").short_units) == (-1, 1)
    ledger.when(take(Y, cancel("11:00", "2", reason=CancelReason.OUT_OF_STOCK)))
    now = ledger.stock("X")
    assert (now.available_units, now.on_hand_units, now.short_units) == (0, 3, 0)


def test_d9a_a_stock_out_of_more_than_there_was_leaves_nothing_owed() -> None:
    for reason in (CancelReason.OUT_OF_STOCK, CancelReason.DEFECTIVE, CancelReason.UNKNOWN):
        ledger = three_shops(counted("X", 2), order(R, NUMBER, line("x", 3)))
        ledger.when(take(R, cancel("11:00", reason=reason)))
        now = ledger.stock("X")
        assert (now.available_units, now.on_hand_units, now.allocated_units) == (0, 0, 0), reason
        assert (now.defective_units, now.undecided_units) == (
            2 if reason == CancelReason.DEFECTIVE else 0,
            2 if reason == CancelReason.UNKNOWN else 0,
        )


def test_d9_an_unknown_reason_on_a_short_sku_is_not_sellable_until_a_person_looked() -> None:
    for to, on_hand, available in (("sale", 1, 0), ("short_pick", 0, -1), ("defective", 0, -1)):
        ledger = three_shops(counted("X", 1), order(R, "1", line("x")), order(Y, "2", line("x")))
        answer = ledger.when(take(R, cancel("11:00", "1", reason=CancelReason.UNKNOWN)))
        assert (ledger.available("X"), ledger.stock("X").undecided_units) == (-1, 1)
        assert answer["reviews"] == ["undecided:X"] or ledger.stated(R, "1").reviews == {"undecided:X"}
        ledger.when(orders.settle_undecided(R, "1", "X", to))
        assert (ledger.stock("X").on_hand_units, ledger.available("X")) == (on_hand, available)
        assert (ledger.stock("X").undecided_units, ledger.stated(R, "1").reviews) == (0, frozenset())
        ledger.when(orders.settle_undecided(R, "1", "X", to))
        assert ledger.names() == []


def test_d9_an_unknown_reason_on_a_sku_that_is_not_short_goes_back_to_sale() -> None:
    ledger = three_shops(counted("X", 5), order(R, NUMBER, line("x", 2)))
    ledger.when(take(R, cancel("11:00", reason=CancelReason.UNKNOWN)))
    assert ledger.available("X") == 5


def test_d9b_a_cancel_after_shipping_releases_nothing_and_opens_a_return() -> None:
    ledger = three_shops(counted("X", 5), order(R, NUMBER, line("x", 2)), shipped())
    ledger.when(take(R, cancel("15:00")))
    assert [type(fact) for fact in ledger.facts()] == [OrderTold, ReturnOpened]
    assert (ledger.available("X"), ledger.stock("X").on_hand_units) == (3, 3)
    ledger.when(stock.take_back("X", f"{R}:{NUMBER}", 2, "good"))
    assert ledger.available("X") == 5


# ------------------------------------------------------------------ D10, D11


def test_d10_a_cancel_where_the_mall_may_restore_by_itself_says_so_and_makes_its_number_uncertain() -> None:
    rakuten = Told(three_shops(counted("X", 10)), 10, "11:00")
    rakuten.order(NUMBER, "12:00:00", "12:00:05")
    rakuten.ledger.when(take(R, cancel("12:20"), mall_restored="unknown"))
    assert rakuten.ledger.facts("AllocationReleased")[0].mall_restored == "unknown"
    sale = Sale(rakuten.ledger.position, -1, None)
    after = expected.sold(rakuten.numbers, sale, lowers=True, restores="unknown", told_at=at("12:20"))
    assert (after.expected_units, rakuten.ledger.available("X")) == (None, 10)


@pytest.mark.parametrize("state", [OrderState.PROVISIONAL, OrderState.MALL_CHECKING, OrderState.CONFIRMED])
def test_d11_units_are_allocated_whatever_the_payment_state(state: OrderState) -> None:
    ledger = three_shops(counted("X", 1))
    assert ledger.when(take(A, telling(line("x"), state=state)))["state"] == str(state)
    assert (ledger.available("X"), held_units(ledger.order(A, NUMBER))) == (0, {"X": 1})
    ledger.when(take(A, telling(line("x"), told="10:30", state=OrderState.CONFIRMED)))
    assert ledger.available("X") == 0
