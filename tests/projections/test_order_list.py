"""引当確認受注一覧: lines with their words, which of them the units on hand serve, and lines that wait for a listing."""

from datetime import timedelta

import pytest

from ledger.book import orders, serving, shops, stock
from ledger.terms import CancelReason, Door, ListingKey
from projections import order_list
from projections.order_list import OrderPart
from projections.order_states import LineState
from tests.ledger.words import R, Y, by_date, cancel, counted, line, link, order, shipped, take, telling
from tests.projections.happenings import beginning
from tests.projections.rig import Ledger


def _all(ledger: Ledger) -> tuple[OrderPart, ...]:
    ledger.caught_up()
    return order_list.page(ledger.reader, ledger.schema, first=100).rows


def _states(ledger: Ledger) -> list[tuple[str, str, str]]:
    return sorted((row.number, row.item, str(row.state)) for row in _all(ledger))


def test_units_on_hand_serve_by_priority_then_order_time_then_position(ledger: Ledger) -> None:
    ledger.must(counted("A", 5), link(R, "a", "A"))
    for number, ordered, units in (("late", "11:00", 3), ("early", "10:00", 2), ("latest", "11:30", 2)):
        ledger.must(order(R, number, line("a", units), told="11:45", ordered=ordered))
    served = {row.number: (row.served_units, str(row.state)) for row in _all(ledger)}
    assert served == {"early": (2, "served"), "late": (3, "served"), "latest": (0, "short")}
    ledger.must(serving.set_priority(R, "latest", 5))
    served = {row.number: (row.served_units, str(row.state)) for row in _all(ledger)}
    assert served == {"latest": (2, "served"), "early": (2, "served"), "late": (1, "partly_served")}
    ledger.must(serving.move_served(R, "early", "A", 2, R, "late"))
    served = {row.number: (row.served_units, str(row.state)) for row in _all(ledger)}
    assert served == {"latest": (2, "served"), "early": (0, "short"), "late": (3, "served")}
    ledger.must(stock.receive("s-1", [("1", "A", 2)]))
    assert {state for _, _, state in _states(ledger)} == {"served"}


def test_an_order_of_which_only_the_date_is_known_is_served_at_the_end_of_its_day_in_japan(ledger: Ledger) -> None:
    ledger.must(counted("A", 1), link(R, "a", "A"))
    ledger.must(take(R, by_date(line("a"), told="10:00", number="dated")))
    ledger.must(order(R, "timed", line("a"), told="11:00"))
    rows = {row.number: row for row in _all(ledger)}
    assert rows["timed"].state == LineState.SERVED
    assert rows["dated"].state == LineState.SHORT
    assert rows["dated"].ordered_at is not None
    assert rows["dated"].ordered_at.astimezone(None) - rows["timed"].ordered_at < timedelta(days=1)  # type: ignore[operator]
    assert rows["dated"].reviews == ("date_only",)


def test_every_line_has_its_word(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.must(shops.link_listing(R, ListingKey("out"), "A", excluded=True))
    ledger.must(order(R, "1-served", line("a")))
    ledger.must(take(R, telling(line("nowhere"), number="2-unlinked"), unnamed=True))
    ledger.must(order(R, "3-out", line("out")))
    ledger.must(order(R, "4-gone", line("a")), shipped("4-gone"))
    ledger.must(order(R, "5-off", line("a")), take(R, cancel(number="5-off")))
    ledger.must(order(R, "6-back", line("a")), shipped("6-back"), take(R, cancel(number="6-back")))
    ledger.must(order(R, "7-no-number", line("c")))
    ledger.must(take(R, telling(line("a"), number="8-unverified", verified=False)))
    assert _states(ledger) == [
        ("1-served", "a", "served"),
        ("2-unlinked", "nowhere", "unlinked"),
        ("3-out", "out", "excluded"),
        ("4-gone", "a", "shipped"),
        ("5-off", "a", "cancelled"),
        ("6-back", "a", "return_open"),
        ("7-no-number", "c", "no_number"),
        ("8-unverified", "a", "served"),
    ]
    rows = {row.number: row for row in _all(ledger)}
    assert not rows["8-unverified"].verified
    review = order_list.page(ledger.reader, ledger.schema, first=10, to_review=True)
    assert {"7-no-number", "8-unverified"} <= {row.number for row in review.rows}
    unlinked = order_list.page(ledger.reader, ledger.schema, first=10, unlinked=True)
    assert [row.number for row in unlinked.rows] == ["2-unlinked"]


def test_a_set_has_a_row_for_each_component_and_serves_by_the_scarcest(ledger: Ledger) -> None:
    beginning(ledger)  # A 5, B 5; SET is A and 2 B
    ledger.must(order(R, "N-1", line("set", 3)))
    rows = _all(ledger)
    assert [(r.sku, r.part_sku, r.part_each, r.open_units, r.served_units, str(r.state)) for r in rows] == [
        ("SET", "A", 1, 3, 3, "served"),
        ("SET", "B", 2, 3, 5, "partly_served"),
    ]
    short = order_list.page(ledger.reader, ledger.schema, first=10, short=True)
    assert {row.number for row in short.rows} == {"N-1"}
    ledger.must(stock.receive("s-1", [("1", "B", 1)]))
    ledger.caught_up()
    assert order_list.page(ledger.reader, ledger.schema, first=10, short=True).rows == ()


def test_lines_of_one_sku_share_what_the_order_holds_in_their_order(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.must(order(R, "N-1", line("a", 2), line("pair", 1)))
    ledger.must(shipped("N-1", scope="sku", skus=["A"], units=[3], cumulative=True))
    rows = _all(ledger)
    assert [(r.item, r.units, r.open_units, r.shipped_units, str(r.state)) for r in rows] == [
        ("a", 2, 0, 2, "shipped"),
        ("pair", 2, 1, 1, "served"),
    ]


def test_what_comes_before_its_order_is_shown_too(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.must(take(R, cancel(number="N-1")), shipped("N-2"))
    rows = {row.number: (row.order_state, str(row.state)) for row in _all(ledger)}
    assert rows == {"N-1": ("cancelled", "cancelled"), "N-2": ("", "cancelled")}


def test_pages_are_of_whole_orders_and_filters_choose_them(ledger: Ledger) -> None:
    beginning(ledger)
    for n in range(5):
        ledger.must(order(R if n % 2 else Y, f"N-{n}", line("a"), line("b")))
    ledger.caught_up()
    first = order_list.page(ledger.reader, ledger.schema, first=2)
    assert [row.number for row in first.rows] == ["N-4", "N-4", "N-3", "N-3"]
    assert first.more
    rest = order_list.page(ledger.reader, ledger.schema, first=10, before=first.rows[-1].first_position)
    assert {row.number for row in rest.rows} == {"N-0", "N-1", "N-2"}
    assert not rest.more
    of_shop = order_list.page(ledger.reader, ledger.schema, first=10, shop=R, sku="B")
    assert {row.number for row in of_shop.rows} == {"N-1", "N-3"}
    by_number = order_list.page(ledger.reader, ledger.schema, first=10, number="N-2")
    assert by_number.rows == tuple(order_list.one(ledger.reader, ledger.schema, Y, "N-2"))
    assert order_list.one(ledger.reader, ledger.schema, Y, "N-9") == []


@pytest.mark.parametrize("between", [False, True])
def test_a_line_that_waits_for_a_listing_is_found_by_its_codes_until_it_is_linked(
    ledger: Ledger, between: bool
) -> None:
    beginning(ledger)
    said = telling(line("x-1", 2, "red", codes=("ALT-1", "ALT-2")), line("y-1"), number="N-1", door=Door.MAIL)
    ledger.must(take(R, said, unnamed=True))
    if between:
        ledger.caught_up()
    ledger.must(link(R, "y-1", "A"), orders.link_line(R, "N-1", "y-1", "", "", ListingKey("y-1")))
    ledger.caught_up()

    def found(*codes: str) -> list[tuple[str, str, int]]:
        waiting = order_list.unlinked_lines(ledger.reader, ledger.schema, R, codes)
        return [(each.item, each.variant, each.quantity) for each in waiting]

    for code in ("x-1", "x-1/red", "ALT-1", "ALT-2"):
        assert found(code) == [("x-1", "red", 2)]
    assert found("y-1", "nothing") == []
    assert len(order_list.unlinked_lines(ledger.reader, ledger.schema, R)) == 1
    assert order_list.unlinked_lines(ledger.reader, ledger.schema, Y) == []
    ledger.must(take(R, cancel(number="N-1", reason=CancelReason.BUYER)))
    ledger.caught_up()
    assert found("x-1") == []
