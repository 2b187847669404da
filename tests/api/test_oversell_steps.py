"""売り越し: which sale went beyond what there was, and what its page's number had left out; each cause once."""

from datetime import timedelta

import pytest

from api.oversell_steps import ORDER, OURS, Event, Push, steps, victims
from ledger.terms import ListingKey
from tests.ledger.words import R, Y, at

PAGE = ListingKey("a")


def sale(
    position: int, sold: str, told: str, *, shop: str = Y, units: int = 1, page: ListingKey | None = PAGE
) -> Event:
    return Event(position, "StockAllocated", -units, shop, f"N-{position}", at(sold), at(told), listing=page)


def move(position: int, kind: str, delta: int, clock: str, told: str | None = None, **more: object) -> Event:
    return Event(position, kind, delta, None, None, at(clock), at(told or clock), **more)  # type: ignore[arg-type]


def push(position: int, units: int, clock: str, trigger: str = "lower", **more: object) -> Push:
    usual = {"computed_at": position - 1, "expected_before": None, "looked_at": None}
    times = {"applied_from": at(clock), "applied_until": at(clock) + timedelta(seconds=1)}
    return Push(position=position, units=units, trigger=trigger, **{**usual, **times, **more})  # type: ignore[arg-type]


def causes(own: Event, others: list[Event], *pushes: Push) -> list[str]:
    return [step.code for step in steps(own, [*others, own], pushes, 1, -1)]


def test_the_sale_that_went_beyond_is_the_last_one_made_and_not_the_last_one_told() -> None:
    stock = move(1, "StockOverwritten", 1, "09:00")
    late, prompt = sale(3, "10:00:00", "10:05"), sale(2, "10:00:30", "10:00:35", shop=R)
    assert victims([stock, prompt, late], -1, 3) == [(prompt, 1)]
    before = sale(3, "10:01:00", "10:05")
    assert victims([stock, prompt, before], -1, 3) == [(before, 1)]
    more = sale(4, "10:02:00", "10:06", units=3)
    assert victims([stock, prompt, late, more], -4, 4) == [(more, 3)]


OWN = sale(20, "10:00:00", "10:00:40", shop=R)
BASE = push(5, 3, "09:30")


@pytest.mark.parametrize(
    ("cause", "others", "pushes"),
    [
        ("late_telling", [sale(18, "09:59", "10:00:30")], [BASE]),
        ("silent_intake", [sale(18, "09:40", "10:00:30")], [BASE]),
        ("push_in_flight", [sale(18, "09:59", "09:59:50")], [BASE]),
        ("mall_not_told", [sale(18, "09:50", "09:50:05")], [BASE]),
        ("lowering_met_unseen_orders", [sale(18, "09:29:30", "09:50", shop=R)], [BASE]),
        (
            "sold_after_look",
            [sale(18, "09:29:59", "09:50", shop=R)],
            [push(5, 3, "09:30:03", "raise", looked_at=at("09:29:57"))],
        ),
        (OURS, [sale(18, "09:29:30", "09:50", shop=R)], [push(5, 3, "09:30:03", "raise", looked_at=at("09:29:57"))]),
        ("later_than_quiet_time", [sale(18, "09:20", "09:50", shop=R)], [push(5, 3, "09:30", "raise")]),
        (OURS, [sale(6, "09:20", "09:25")], [push(8, 3, "09:30", "raise", computed_at=5, expected_before=1)]),
        ("sold_at_zero", [], [push(5, 0, "09:30", "zero")]),
        ("sold_at_zero", [sale(7, "09:40", "09:41", shop=R)], [push(5, 1, "09:30")]),
        ("manual_overwrite", [move(18, "StockOverwritten", -2, "09:50")], [BASE]),
        ("set_by_file", [move(18, "StockOverwritten", -2, "09:50", by_import=True)], [BASE]),
        ("count_disagreed", [move(18, "StocktakeVariance", -2, "09:50")], [BASE]),
        ("units_taken_out", [move(18, "StockTakenOut", -1, "09:50")], [BASE]),
        ("cancel_told_late", [move(22, "AllocationReleased", 1, "09:50", "10:05")], [BASE]),
        ("never_told", [], []),
        ("more_than_shown", [sale(6, "09:40", "09:41", shop=R)], [BASE]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_page_had_left_out_is_named(cause: str, others: list[Event], pushes: list[Push]) -> None:
    assert cause in ORDER
    assert causes(OWN, others, *pushes)[0] == cause


def test_what_a_look_had_shown_and_the_number_left_off_is_no_step() -> None:
    seen = sale(18, "09:29:30", "09:50", shop=R)
    raised = push(5, 1, "09:30:03", "raise", looked_at=at("09:29:57"))
    late = sale(19, "09:59", "10:00:30")
    assert [step.code for step in steps(OWN, [seen, late, OWN], [raised], 1, -1)] == ["late_telling"]


def test_what_the_number_knew_is_no_step_and_steps_of_ours_stand_first() -> None:
    known = sale(3, "09:20", "09:21")
    late = sale(18, "09:59", "10:00:30")
    assert causes(OWN, [known, late], BASE) == ["late_telling"]
    ours = sale(6, "09:20", "09:25")
    told = push(8, 3, "09:30", "raise", computed_at=5, expected_before=1)
    assert causes(OWN, [late, ours], told) == [OURS, "late_telling"]
