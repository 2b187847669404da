"""The allocation list by the words of its lines: a filter finds exactly the orders that have such a line."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.database import Database
from ledger.book import orders, returns, serving, shops
from ledger.terms import CancelReason, ListingKey
from projections import order_list
from projections import orders as orders_table
from projections.order_states import STATES, LineState, OrderMark, StateNotKnown
from tests import postgres
from tests.ledger.rig import TIMES
from tests.ledger.words import R, Y, cancel, counted, line, link, order, shipped, take, telling
from tests.projections.happenings import beginning, happenings
from tests.projections.rig import Ledger, Step, opened


def found(ledger: Ledger, *states: str, **more: object) -> set[str]:
    """The numbers of the orders with such a line."""
    ledger.caught_up()
    page = order_list.page(ledger.reader, ledger.schema, first=100, states=states, **more)  # type: ignore[arg-type]
    return {row.number for row in page.rows}


def test_every_word_finds_its_orders_and_no_other(ledger: Ledger) -> None:
    beginning(ledger)  # A 5, B 5; SET is A and 2 B
    ledger.must(counted("D", 3), link(R, "d", "D"), counted("E", 4, "10:30"), link(R, "e", "E"))
    ledger.must(shops.link_listing(R, ListingKey("out"), "A", excluded=True))
    ledger.must(order(R, "served", line("a")), order(R, "excluded", line("out")))
    ledger.must(take(R, telling(line("nowhere"), number="unlinked"), unnamed=True))
    ledger.must(order(R, "shipped", line("a")), shipped("shipped"))
    ledger.must(order(R, "cancelled", line("a")), take(R, cancel(number="cancelled")))
    ledger.must(order(R, "return", line("a")), shipped("return"), take(R, cancel(number="return")))
    ledger.must(order(R, "no-number", line("c")))
    ledger.must(take(R, telling(line("a"), number="unverified", verified=False)))
    ledger.must(order(R, "counted", line("e"), told="10:40", ordered="10:10"))
    for number, ordered in (("d-first", "10:00"), ("d-part", "10:01"), ("d-short", "10:02")):
        ledger.must(order(R, number, line("d", 2), told="10:05", ordered=ordered))
    words = {
        LineState.SERVED: {"served", "unverified", "d-first"},
        LineState.PARTLY_SERVED: {"d-part"},
        LineState.SHORT: {"d-short"},
        LineState.UNLINKED: {"unlinked"},
        LineState.COUNTED: {"counted"},
        LineState.NO_NUMBER: {"no-number"},
        LineState.SHIPPED: {"shipped"},
        LineState.CANCELLED: {"cancelled"},
        LineState.RETURN_OPEN: {"return"},
        LineState.EXCLUDED: {"excluded"},
        OrderMark.TO_REVIEW: {"no-number"},
        OrderMark.UNVERIFIED: {"unverified"},
    }
    assert set(words) == set(STATES)
    for state, numbers in words.items():
        assert found(ledger, state) == numbers, state
    assert found(ledger, "short", "partly_served") == {"d-part", "d-short"}
    assert found(ledger, "served", shop=Y) == set()
    assert found(ledger, search="d-") == {"d-first", "d-part", "d-short"}
    assert found(ledger, "short", search="d-") == {"d-short"}
    ledger.must(serving.move_served(R, "d-first", "D", 2, R, "d-short"))
    assert found(ledger, "short") == {"d-first"}
    ledger.must(returns.take_return(R, "return", "A", 1, "good"))
    assert (found(ledger, "return_open"), "return" in found(ledger, "cancelled")) == (set(), True)
    with pytest.raises(StateNotKnown, match="expected one of served"):
        found(ledger, "lost")


@settings(max_examples=6 * TIMES, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(happenings(), min_size=10, max_size=40))
def test_a_word_that_is_filtered_for_is_the_word_that_is_shown(database: Database, steps: list[Step]) -> None:
    postgres.reset(database.url)
    with opened(database) as ledger:
        beginning(ledger)
        for step in steps:
            step(ledger)
        ledger.caught_up([orders_table.TABLE])
        shown: dict[str, set[int]] = {state: set() for state in LineState}
        for row in order_list.page(ledger.reader, ledger.schema, first=100).rows:
            shown[row.state].add(row.first_position)
        for state, positions in shown.items():
            page = order_list.page(ledger.reader, ledger.schema, first=100, states=(state,))
            assert {row.first_position for row in page.rows} == positions, state


def test_units_that_a_cancel_left_undecided_wait_in_the_list_until_a_person_looked(ledger: Ledger) -> None:
    with pytest.raises(orders.OrderNotAccepted, match="sale, short_pick, defective"):
        orders.settle_undecided(R, "N-1", "A", "shelf")
    with pytest.raises(orders.OrderNotAccepted, match="-1,000,000 to 1,000,000"):
        serving.set_priority(R, "N-1", 2_000_000)
    ledger.must(counted("A", 2), link(R, "a", "A"), order(R, "N-1", line("a", 2)), order(R, "N-2", line("a", 1)))
    ledger.must(take(R, cancel(number="N-1", reason=CancelReason.UNKNOWN)))
    assert found(ledger, "to_review") == {"N-1"}
    (row,) = order_list.one(ledger.reader, ledger.schema, R, "N-1")
    assert row.reviews == ("undecided:A",)
    ledger.must(orders.settle_undecided(R, "N-1", "A", "sale"))
    assert (found(ledger, "to_review"), found(ledger, "served")) == (set(), {"N-2"})
