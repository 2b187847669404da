"""Orders: told by any door, in any order, and booked once."""

import pytest

from ledger import keys
from ledger.book import orders, serving
from ledger.book.orders import OrderNotAccepted, OrderNotKnown
from ledger.facts.order import OrderTold
from ledger.facts.stock import AllocationReleased
from ledger.terms import CancelReason, Door, ListingKey
from tests.ledger.given import Memory, given, held_units
from tests.ledger.words import NUMBER, A, R, Y, at, by_date, cancel, counted, line, link, order, shipped, take, telling


def shop_with_x_and_y() -> Memory:
    """Ten of X and ten of Y on hand; Rakuten sells x of X and y of Y."""
    return given(
        counted("X", 10), counted("Y", 10), link(R, "x", "X"), link(R, "y", "Y"), link(Y, "x", "X"), now=at("12:00")
    )


def test_an_order_takes_its_units_in_the_commit_that_records_it() -> None:
    ledger = shop_with_x_and_y()
    answer = ledger.when(order(R, NUMBER, line("x", 2), line("y")))
    assert answer == {"state": "confirmed", "units": {"X": 2, "Y": 1}, "reviews": [], "unlinked": 0}
    assert ledger.names() == ["OrderTold", "StockAllocated", "StockAllocated"]
    assert (ledger.available("X"), ledger.available("Y")) == (8, 9)
    told = ledger.facts(OrderTold)[0]
    assert (told.booked_how, told.booked_skus, told.booked_units) == (["allocated"] * 2, ["X", "Y"], [2, 1])
    assert (told.sold_listings, told.sold_quantities, told.sold_at) == (
        ["x:", "y:"],
        [2, 1],
        "2026-11-20T10:00:00.000000Z",
    )


def test_the_same_mail_twice_records_nothing_the_second_time() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2)))
    assert ledger.when(order(R, NUMBER, line("x", 2)))["units"] == {"X": 2}
    assert ledger.names() == []


def test_one_order_of_two_doors_that_name_the_product_by_different_codes_is_taken_once() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(take(R, telling(line("goods-77", 2), complete=False), named=["x"]))
    ledger.when(take(R, telling(line("x", 2), told="10:05", door=Door.API, complete=False)))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 2}
    ledger.when(take(R, telling(line("goods-77", 2), told="10:06", verified=False), named=["x"]))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 2}


def test_a_telling_that_came_before_the_link_is_not_counted_beside_the_one_after_it() -> None:
    ledger = given(counted("X", 10), now=at("12:00"))
    ledger.when(order(R, NUMBER, line("x", 2)))
    assert ledger.available("X") == 10
    ledger.when(link(R, "x", "X"))
    ledger.when(take(R, telling(line("x", 2), told="10:05", door=Door.API, complete=False)))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 2}
    assert [one.sku for one in ledger.stated(R, NUMBER).lines] == ["X"]


def test_an_unlinked_line_allocates_when_it_is_linked_and_only_then() -> None:
    ledger = given(counted("X", 10), now=at("12:00"))
    assert ledger.when(take(R, telling(line("x", 2)), unnamed=True))["unlinked"] == 1
    assert ledger.names() == ["OrderTold"]
    ledger.when(link(R, "x", "X", 3))
    ledger.when(orders.link_line(R, NUMBER, "x", "", "", ListingKey("x")))
    assert ledger.names() == ["LineLinked", "StockAllocated"]
    assert held_units(ledger.order(R, NUMBER)) == {"X": 6}
    linked = ledger.facts("LineLinked")[0]
    assert (linked.sold_listings, linked.sold_quantities, linked.sold_at) == (
        ["x:"],
        [2],
        "2026-11-20T10:00:00.000000Z",
    )
    ledger.when(orders.link_line(R, NUMBER, "x", "", "", ListingKey("x")))
    assert ledger.names() == []


def test_a_line_that_does_not_wait_is_not_linked_again() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2)))
    ledger.when(orders.link_line(R, NUMBER, "x", "", "", ListingKey("y")))
    ledger.when(orders.link_line(R, NUMBER, "never told", "", "", ListingKey("y")))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 2}
    assert ledger.names() == []


def test_a_line_linked_to_the_wrong_sku_is_moved_by_linking_it_again() -> None:
    ledger = given(counted("X", 10), counted("Y", 10), link(R, "y", "Y"), now=at("12:00"))
    ledger.when(take(R, telling(line("x", 2)), unnamed=True))
    ledger.when(orders.link_line(R, NUMBER, "x", "", "", ListingKey("y")))
    ledger.when(link(R, "x", "X"))
    ledger.when(orders.link_line(R, NUMBER, "x", "", "", ListingKey("x")))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 2}
    assert (ledger.available("X"), ledger.available("Y")) == (8, 10)


def test_a_mail_that_is_read_again_after_the_listing_was_relinked_moves_the_units() -> None:
    ledger = given(counted("X", 10), counted("Y", 10), link(R, "x", "Y"), now=at("12:00"))
    ledger.when(order(R, NUMBER, line("x", 2)))
    ledger.when(link(R, "x", "X"))
    ledger.when(order(R, NUMBER, line("x", 2), parser_version=2))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 2}
    assert (ledger.available("X"), ledger.available("Y")) == (8, 10)


def test_a_newer_reader_of_the_same_mail_stands_whichever_read_it_first() -> None:
    old, new = telling(line("x", 2)), telling(line("x", 1), line("y"), parser_version=2)
    for first, second in ((old, new), (new, old)):
        ledger = shop_with_x_and_y()
        ledger.when(take(R, first))
        ledger.when(take(R, second))
        assert held_units(ledger.order(R, NUMBER)) == {"X": 1, "Y": 1}


def test_a_newer_reader_that_reads_the_same_says_nothing_new() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2)))
    ledger.when(order(R, NUMBER, line("x", 2), parser_version=2))
    assert ledger.names() == []


def test_a_poorer_telling_never_undoes_a_richer_one_however_late_it_comes() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(take(R, telling(line("x", 1), told="10:00", door=Door.API)))
    ledger.when(take(R, telling(line("x", 5), told="10:30")))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 1}
    assert ledger.names() == ["OrderTold"]


def test_tellings_of_one_door_are_ordered_by_the_malls_revision_and_not_by_arrival() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(take(R, telling(line("x", 3), told="10:20", door=Door.API, revision=2)))
    ledger.when(take(R, telling(line("x", 1), told="10:00", door=Door.API, revision=1)))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 3}


def test_a_webhook_that_carries_a_newer_revision_stands_above_an_older_answer_of_the_api() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(take(Y, telling(line("x", 3), told="10:00", door=Door.API, revision=3), named=["x"]))
    ledger.when(link(Y, "x", "X"))
    ledger.when(take(Y, telling(line("x", 2), told="10:10", door=Door.WEBHOOK, revision=4)))
    assert held_units(ledger.order(Y, NUMBER)) == {"X": 2}


def test_an_incomplete_telling_changes_only_the_lines_it_names() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2), line("y", 1)))
    ledger.when(take(R, telling(line("x", 1), told="10:10", complete=False)))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 1, "Y": 1}


def test_two_lines_of_one_listing_are_one_number_for_a_telling_that_names_it_once() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 1, line_id="1"), line("x", 1, line_id="2")))
    ledger.when(take(R, telling(line("x", 2, line_id="ORD-1"), told="10:05", door=Door.API, complete=False)))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 2}


def test_a_missing_quantity_is_at_least_one_until_any_telling_says_it() -> None:
    ledger = shop_with_x_and_y()
    answer = ledger.when(order(R, NUMBER, line("x", 1, quantity_known=False)))
    assert (answer["units"], answer["reviews"]) == ({"X": 1}, ["quantity_unknown"])
    answer = ledger.when(take(R, telling(line("x", 3), told="10:01", door=Door.CSV, complete=False)))
    assert (answer["units"], answer["reviews"]) == ({"X": 3}, [])
    answer = ledger.when(take(R, telling(line("x", 1, quantity_known=False), told="10:09", door=Door.WEBHOOK)))
    assert answer["units"] == {"X": 3}


def test_an_excluded_listing_is_recorded_and_takes_nothing() -> None:
    ledger = given(counted("X", 10), link(A, "fba", "X", excluded=True), now=at("12:00"))
    answer = ledger.when(order(A, NUMBER, line("fba", 2)))
    assert (answer["units"], answer["unlinked"], ledger.available("X")) == ({}, 0, 10)
    assert ledger.stated(A, NUMBER).lines[0].excluded


def test_a_line_that_waits_for_a_link_becomes_excluded_when_its_listing_is() -> None:
    ledger = given(counted("X", 10), now=at("12:00"))
    ledger.when(order(A, NUMBER, line("fba", 2)))
    ledger.when(link(A, "fba", "X", excluded=True))
    answer = ledger.when(orders.link_line(A, NUMBER, "fba", "", "", ListingKey("fba")))
    assert (answer["units"], answer["unlinked"], ledger.available("X")) == ({}, 0, 10)


# ------------------------------------------------------------------ cancels


def test_a_cancel_gives_the_units_back_to_sale() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2)))
    assert ledger.when(take(R, cancel("11:00")))["state"] == "cancelled"
    assert (ledger.available("X"), ledger.stock("X").allocated_units) == (10, 0)
    told = ledger.facts(OrderTold)[0]
    assert (told.sold_listings, told.sold_quantities) == (["x:"], [-2])


def test_a_cancel_before_its_order_waits_and_leaves_the_stock_as_if_it_had_come_after() -> None:
    for reason in CancelReason:
        after = shop_with_x_and_y()
        after.when(order(R, NUMBER, line("x", 2)))
        after.when(take(R, cancel("11:00", reason=reason)))
        before = shop_with_x_and_y()
        assert before.when(take(R, cancel("11:00", reason=reason)))["state"] == "cancelled"
        assert before.names() == ["OrderTold"]
        before.when(order(R, NUMBER, line("x", 2)))
        assert held_units(before.order(R, NUMBER)) == {}
        assert _numbers(before) == _numbers(after), reason
        told = before.facts(OrderTold)[0]
        assert (told.sold_listings, told.sold_quantities) == (["x:", "x:"], [2, -2])


def _numbers(ledger: Memory) -> tuple[object, ...]:
    stock = ledger.stock("X")
    return stock.on_hand_units, stock.allocated_units, stock.defective_units, stock.undecided_units


def test_a_whole_cancel_that_lists_its_lines_by_other_codes_cancels_all_of_them() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(take(R, telling(line("goods-77", 2), line("y", 1)), named=["x", "y"]))
    said = cancel("11:00", NUMBER, line("not linked", 2), line("y", 1), door=Door.API, complete=True)
    ledger.when(take(R, said, unnamed=True))
    assert held_units(ledger.order(R, NUMBER)) == {}
    assert (ledger.available("X"), ledger.available("Y")) == (10, 10)


def test_a_cancel_of_one_line_takes_its_units_off_by_whichever_code_it_names_it() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(take(R, telling(line("goods-77", 3), line("y", 1)), named=["x", "y"]))
    ledger.when(take(R, cancel("11:00", NUMBER, line("x", 1))))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 2, "Y": 1}
    ledger.when(take(R, telling(line("x", 2), line("y", 1), told="11:10", door=Door.API)))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 2, "Y": 1}


def test_a_cancel_is_taken_back_only_by_a_newer_telling_of_a_door_as_rich() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(take(R, telling(line("x", 2), told="10:00", door=Door.API)))
    ledger.when(take(R, cancel("11:00", door=Door.API)))
    ledger.when(order(R, NUMBER, line("x", 2), told="11:30"))
    assert held_units(ledger.order(R, NUMBER)) == {}
    ledger.when(take(R, telling(line("x", 2), told="11:40", door=Door.API)))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 2}


def test_the_reason_of_a_cancel_that_does_not_count_sends_no_units_anywhere() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 3)))
    ledger.when(take(R, cancel("10:30", NUMBER, line("x", 1), reason=CancelReason.DEFECTIVE, verified=False)))
    ledger.when(take(R, telling(line("x", 1), told="10:40")))
    assert [fact.to for fact in ledger.facts(AllocationReleased)] == ["sale"]


# ------------------------------------------------------------------ unverified


def test_an_unverified_cancel_raises_nothing_until_a_person_confirms_it() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2)))
    answer = ledger.when(take(R, cancel("11:00", verified=False)))
    assert (ledger.available("X"), answer["reviews"]) == (8, ["unverified_cancel"])
    ledger.when(orders.verify_order(R, NUMBER, "person"))
    assert ledger.available("X") == 10


def test_a_confirmation_is_of_what_was_told_and_not_of_a_cancel_that_comes_later() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2), verified=False))
    ledger.when(orders.verify_order(R, NUMBER, "person"))
    assert ledger.facts("OrderVerified")[0].positions == [ledger.order(R, NUMBER).kept[0].position]
    ledger.when(take(R, cancel("11:00", verified=False)))
    assert ledger.available("X") == 8
    ledger.when(orders.verify_order(R, NUMBER, "person"))
    assert ledger.available("X") == 10
    ledger.when(orders.verify_order(R, NUMBER, "person"))
    assert ledger.names() == []


def test_the_same_mail_told_again_by_a_way_that_is_proven_makes_the_order_verified() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2), verified=False))
    ledger.when(order(R, NUMBER, line("x", 3), verified=False))  # another mail of the same moment, and forged
    ledger.when(order(R, NUMBER, line("x", 2)))
    assert (ledger.available("X"), ledger.stated(R, NUMBER).verified) == (8, False)
    ledger.when(order(R, NUMBER, line("x", 3)))
    assert (ledger.available("X"), ledger.stated(R, NUMBER).verified) == (7, True)


def test_an_unverified_change_may_add_units_and_never_takes_any_away() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2), line("y", 1)))
    ledger.when(order(R, NUMBER, line("x", 1), told="10:30", verified=False))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 2, "Y": 1}
    ledger.when(order(R, NUMBER, line("x", 3), told="10:40", verified=False))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 3, "Y": 1}


def test_an_older_verified_part_does_not_take_away_what_a_newer_unverified_mail_added() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 3), told="10:30", verified=False))
    ledger.when(take(R, telling(line("x", 1), told="10:00", complete=False)))
    assert held_units(ledger.order(R, NUMBER)) == {"X": 3}


def test_the_api_makes_an_unverified_order_verified_and_overrules_an_unverified_cancel() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2), verified=False))
    assert not ledger.stated(R, NUMBER).verified
    ledger.when(take(R, cancel("10:30", verified=False)))
    answer = ledger.when(take(R, telling(line("x", 2), told="10:40", door=Door.API)))
    assert (answer["reviews"], ledger.stated(R, NUMBER).verified, ledger.available("X")) == ([], True, 8)


def test_a_check_that_a_person_closed_opens_again_for_a_second_unverified_cancel() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2)))
    ledger.when(take(R, cancel("11:00", verified=False)))
    assert ledger.when(orders.close_review(R, NUMBER, "unverified_cancel", "refused"))["reviews"] == []
    again = cancel("11:30", verified=False, reason=CancelReason.UNPAID)
    assert ledger.when(take(R, again))["reviews"] == ["unverified_cancel"]


def test_an_unverified_mail_above_the_usual_opens_a_check_that_a_person_closes() -> None:
    ledger = shop_with_x_and_y()
    answer = ledger.when(take(R, telling(line("x", 9), verified=False), reviews=["unusual_units"]))
    assert (answer["reviews"], ledger.available("X")) == (["unusual_units"], 1)
    assert ledger.stated(R, NUMBER).reviews == {"unusual_units"}
    assert ledger.when(orders.close_review(R, NUMBER, "unusual_units", "seen"))["reviews"] == []


def test_an_order_known_only_by_date_opens_a_check() -> None:
    ledger = shop_with_x_and_y()
    assert ledger.when(take(R, by_date(line("x"), told="10:00")))["reviews"] == ["date_only"]
    assert ledger.facts(OrderTold)[0].sold_at is None
    assert ledger.when(take(R, telling(line("x"), told="10:30", door=Door.API)))["reviews"] == []


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (telling(line("x"), number=""), "order number of 0 characters"),
        (telling(line("x", 0)), "line 1: quantity 0"),
        (telling(line("x"), line("y", 1_000_000)), "line 2: quantity 1000000"),
        (telling(*(line("x") for _ in range(2_001))), "2001 lines"),
    ],
)
def test_a_telling_that_is_none_is_refused_with_what_was_expected(said: object, expected: str) -> None:
    with pytest.raises(OrderNotAccepted, match=expected):
        take(R, said)  # type: ignore[arg-type]


def test_what_was_never_told_cannot_be_verified_reviewed_or_served() -> None:
    ledger = shop_with_x_and_y()
    for verb in (
        orders.verify_order(R, NUMBER, "person"),
        orders.close_review(R, NUMBER, "date_only", "seen"),
        serving.set_priority(R, NUMBER, 1),
        orders.reverse_counted(R, NUMBER, "X"),
        orders.assume_shipped(R, NUMBER, 14),
    ):
        with pytest.raises(OrderNotKnown):
            ledger.when(verb)


def test_priority_and_served_units_are_facts_of_the_order() -> None:
    ledger = shop_with_x_and_y()
    ledger.when(order(R, NUMBER, line("x", 2)))
    ledger.when(serving.set_priority(R, NUMBER, 5))
    assert ledger.order(R, NUMBER).priority == 5
    ledger.when(order(R, "78", line("x", 1)))
    for units, to, expected in ((3, "78", "expected 1 to 2"), (1, NUMBER, "another order"), (0, "78", "1 or more")):
        with pytest.raises(OrderNotAccepted, match=expected):
            ledger.when(serving.move_served(R, NUMBER, "X", units, R, to))
    with pytest.raises(OrderNotKnown):
        ledger.when(serving.move_served(R, NUMBER, "X", 1, Y, "77"))
    ledger.when(order(Y, "77", line("x", 1)))
    ledger.when(serving.move_served(R, NUMBER, "X", 1, Y, "77"))
    (moved,) = ledger.facts("ServedMoved")
    assert (moved.sku, moved.to_order, moved.units) == ("X", keys.order_name(Y, "77"), 1)
    ledger.when(shipped("77", Y))
    with pytest.raises(OrderNotAccepted, match="no open units of X"):
        ledger.when(serving.move_served(R, NUMBER, "X", 1, Y, "77"))


def test_a_line_that_a_second_telling_names_was_ordered_with_the_order_and_is_inside_the_count() -> None:
    """D2 (d): the listing was linked between the two tellings; nothing was added, so nothing is sold after the count."""
    ledger = given(counted("X", 10, "09:00"), counted("Z", 10, "09:00"), link(R, "x", "X"), now=at("12:00"))
    early = {"ordered": "08:30", "door": Door.API}
    ledger.when(take(R, telling(line("x"), line("z", 2), told="10:00", **early)))
    ledger.when(link(R, "z", "Z"))
    ledger.when(take(R, telling(line("x"), line("z", 2), told="10:05", revision=2, **early)))
    assert [(ledger.available(sku), ledger.stock(sku).allocated_units) for sku in ("X", "Z")] == [(10, 1), (10, 2)]
    ledger.when(take(R, telling(line("x", 2), line("z", 2), told="10:10", revision=3, **early)))
    assert (ledger.available("X"), ledger.available("Z")) == (9, 10)
