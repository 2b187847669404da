"""I1, I2 and I5: a fact that was sealed as it should be, and still does not follow from the facts before it, is found."""

from dataclasses import replace

import pytest

from ledger import counting, keys, stock
from ledger.facts.sku import KeptBackSet
from ledger.verify import verify
from ledger.view import Draft
from tests.ledger.story import COVERS_ALL, Story, booked, full_story, held, order_told, stock_drafts, wrong

# ------------------------------------------------------------------ I1: stock adds up


@pytest.mark.parametrize(
    ("position", "old", "new", "what"),
    [
        (7, b'"before":10', b'"before":11', "says before 11; the facts before it give 10"),
        (7, b'"after":8', b'"after":7', "says after 7; the facts before it give 8"),
        (7, b'"on_hand":10', b'"on_hand":9', "says on_hand 9; the facts before it give 10"),
        (7, b'"units":2', b'"units":3', "says after 8; the facts before it give 7"),
        (3, b'"units":10', b'"units":9', "says on_hand 10; the facts before it give 9"),
        (3, b'"before":null', b'"before":0', "says before 0; the facts before it give None"),
    ],
)
def test_a_stock_fact_that_does_not_follow_is_found(position: int, old: bytes, new: bytes, what: str) -> None:
    first = verify(full_story().with_state(position, (old, new))).findings[0]
    assert (first.rule, first.position) == ("I1", position)
    assert first.what.endswith(what)


def test_units_below_zero_that_no_rule_allows_are_found() -> None:
    story = Story()
    story.overwrite("A", 5)
    story.fact(keys.stock("A"), stock.ship(story.stock("A"), order="s:1", sku_told="A", units=2, assumed=False))
    assert wrong(story)[0] == "I1: position 2: StockShipped of stock:main:A leaves allocated at -2; expected 0 or more"


def test_a_row_of_the_stock_table_that_differs_is_found_in_every_column() -> None:
    whole = held(full_story())
    assert whole.rows_of_levels is not None
    for n, (place, sku, values) in enumerate(whole.rows_of_levels):
        for column in range(len(values)):
            changed = (*values[:column], "other", *values[column + 1 :])
            rows = (*whole.rows_of_levels[:n], (place, sku, changed), *whole.rows_of_levels[n + 1 :])
            (found,) = wrong(replace(whole, rows_of_levels=rows))
            assert found.startswith("I1: stock_levels says ")
            assert f"for {keys.stock(sku)}; its facts add up to {values[column]}" in found


def test_a_row_of_the_stock_table_that_is_missing_or_too_many_is_found() -> None:
    whole = held(full_story())
    assert whole.rows_of_levels is not None
    one, *others = whole.rows_of_levels
    assert wrong(replace(whole, rows_of_levels=tuple(others))) == [
        f"I1: stock_levels has no row for {keys.stock(one[1])}, of which there are facts"
    ]
    assert wrong(replace(whole, rows_of_levels=(("main", "CAP", one[2]), one, *others))) == [
        "I1: stock_levels has a row for stock:main:CAP, of which there is no fact"
    ]


def test_every_way_stock_changes_adds_up() -> None:
    story = Story()
    story.fact(keys.sku("A"), KeptBackSet(place="main", units=2))
    order = {"order": "s:1", "sku_told": "A", "units": 3}

    def now() -> stock.Stock:
        return story.stock("A")

    def do(fact: object) -> None:
        story.commit(Draft(keys.stock("A"), fact))  # type: ignore[arg-type]

    do(stock.allocate(now(), listing="", **order))  # type: ignore[arg-type]
    do(stock.allocate_as_counted(now(), against_position=1, **order))  # type: ignore[arg-type]
    do(counting.add(now(), 20, shop="s"))
    do(counting.replace_part(now(), "s", 20, 25, import_id=None, row=None))
    do(stock.receive(now(), "slip", "1", 5))
    do(stock.allocate_as_counted(now(), against_position=1, **order))  # type: ignore[arg-type]
    do(stock.reverse_counted(now(), **order))  # type: ignore[arg-type]
    for to in stock.RELEASES:
        do(stock.allocate(now(), listing="", **order))  # type: ignore[arg-type]
        do(stock.release(now(), to=to, mall_restored="no", **order))  # type: ignore[arg-type]
    do(stock.settle(now(), order="s:1", units=1, to="sale"))
    do(stock.settle(now(), order="s:1", units=1, to="defective"))
    do(stock.settle(now(), order="s:1", units=1, to="short_pick"))
    do(stock.ship(now(), assumed=True, **order))  # type: ignore[arg-type]
    for to in ("good", "defective", "scrap"):
        do(stock.take_back(now(), "s:1", 2, to))
    do(stock.take_out(now(), "sample", 1))
    do(stock.mark_defective(now(), 3))
    do(stock.clear_defective(now(), 2))
    do(stock.take_hold(now(), "h", 2))
    do(stock.return_hold(now(), "h", 1))
    do(counting.overwrite(now(), 50, covers=COVERS_ALL, applied_on_top=-1))
    do(counting.overwrite(now(), 60, covers=COVERS_ALL, applied_on_top=1, target="on_hand"))
    found = [str(finding) for finding in verify(story).findings if finding.rule != "I2"]
    assert found == []


# ------------------------------------------------------------------ I2: orders and stock agree


def test_an_allocation_without_its_order_is_found() -> None:
    story = Story()
    story.overwrite("A", 5)
    story.fact(keys.stock("A"), stock.allocate(story.stock("A"), order="s:1", listing="", sku_told="A", units=2))
    assert wrong(story) == ["I2: commit 2: order s:1, SKU A: 2 units allocated stand only in its stock facts"]


def test_an_order_that_says_more_than_its_stock_facts_is_found() -> None:
    story = Story()
    story.overwrite("A", 5)
    move = stock.allocate(story.stock("A"), order="s:1", listing="", sku_told="A", units=2)
    story.fact(keys.order("s", "1"), booked(order_told("s", "1", {"A": 2}), "allocated", [("A", move)]))
    assert wrong(story) == ["I2: commit 2: order s:1, SKU A: 2 units allocated stand only in its order's facts"]


def test_a_booking_in_another_commit_than_its_stock_fact_is_found() -> None:
    story = Story()
    story.overwrite("A", 5)
    told, allocated = story.order_drafts("s", "1", {"A": 2})
    story.commit(told)
    story.commit(allocated)
    assert [finding.split(":")[0] for finding in wrong(story)] == ["I2", "I2"]


def test_an_order_that_gives_back_more_than_it_holds_is_found() -> None:
    story = Story()
    story.overwrite("A", 5)
    story.order("s", "1", A=2)
    story.order("s", "2", A=2)
    story.ship("s", "1", A=3)
    assert wrong(story) == ["I2: position 7: StockShipped of 3 units leaves order s:1 holding -1 of stock:main:A"]


def test_booked_lists_of_different_length_are_found() -> None:
    story = Story()
    story.overwrite("A", 5)
    move = stock.allocate(story.stock("A"), order="s:1", listing="", sku_told="A", units=2)
    told = replace(booked(order_told("s", "1", {"A": 2}), "allocated", [("A", move)]), booked_to=[])
    story.commit(Draft(keys.order("s", "1"), told), *stock_drafts([("A", move)]))
    assert "its booked lists are not equally long" in wrong(story)[0]


# ------------------------------------------------------------------ I5: pushes go forward


def pushing() -> Story:
    story = Story()
    for units in range(5):
        story.overwrite("A", units)
    return story


def test_a_number_computed_at_an_older_position_than_the_one_before_is_found() -> None:
    story = pushing()
    story.push("s", {"a:": 1}, computed_at=4)
    story.push("other", {"a:": 1}, computed_at=2)
    story.push("s", {"b:": 1}, computed_at=3)
    assert wrong(story) == ["I5: position 8: request r3 of s was computed at 3, the one before it at 4"]


def test_a_number_computed_in_the_future_is_found() -> None:
    story = pushing()
    story.push("s", {"a:": 1}, computed_at=6)
    assert wrong(story) == ["I5: position 6: request r1 of s says it was computed at 6, which came later"]


def test_an_older_number_applied_after_a_newer_one_is_found() -> None:
    story = pushing()
    older = story.push("s", {"a:": 1, "b:": 1}, computed_at=2)
    newer = story.push("s", {"a:": 2}, computed_at=4)
    story.answer("s", newer, "applied")
    story.answer("s", older, "applied", "applied")
    assert wrong(story) == ["I5: position 9: listing a: of s: the number of 2 was applied after that of 4"]


def test_an_older_number_that_was_refused_is_no_break() -> None:
    story = pushing()
    older = story.push("s", {"a:": 1}, computed_at=2)
    newer = story.push("s", {"a:": 2}, computed_at=4)
    story.answer("s", newer, "applied")
    story.answer("s", older, "throttled")
    assert verify(story).sound


def test_a_file_that_ends_after_a_newer_number_must_be_sent_again_and_is_counted_until_then() -> None:
    story = pushing()
    file = story.push("s", {"a:": 5, "b:": 5}, channel="file")
    story.answer("s", file, "accepted", "accepted")
    story.overwrite("A", 9)
    story.answer("s", story.push("s", {"a:": 1}), "applied")
    story.settle("s", file, "applied", "applied")
    assert (verify(story).sound, verify(story).behind) == (True, 1)
    story.answer("s", story.push("s", {"a:": 1}), "applied")
    assert (verify(story).sound, verify(story).behind) == (True, 0)


def test_an_answer_to_a_request_that_was_never_sent_or_of_another_size_is_found() -> None:
    story = pushing()
    story.answer("s", "r9", "applied")
    story.answer("s", story.push("s", {"a:": 1}), "applied", "applied")
    assert wrong(story) == [
        "I5: position 6: PushAnswered of s: request r9 is not open",
        "I5: position 8: PushAnswered of s: request r1 has 1 listings, not 2",
    ]


def test_an_unknown_answer_stays_open_until_evidence_settles_it() -> None:
    story = pushing()
    request = story.push("s", {"a:": 1})
    story.answer("s", request, "unknown")
    story.settle("s", request, "applied")
    assert verify(story).sound
