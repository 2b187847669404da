"""Listings: what one names, its states, and the number it should show (反映予定数)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ledger import listing
from ledger.book import shops
from ledger.booking import Recipe
from ledger.facts.listing import ListingSettingsChanged
from ledger.listing import LINKED, STOPPED, TO_CONFIRM, Listing, ListingNotAccepted, Stopped
from ledger.terms import ListingKey
from tests.ledger.given import Memory, given
from tests.ledger.words import R, at, link

X = ListingKey("x")
UNITS_MAX = 99_999


def shows(
    free: int | None, *, each: int = 1, units_max: int = UNITS_MAX, state: str = LINKED, **more: object
) -> int | None:
    """What a listing with these rules should show while so many units are free."""
    outside = ("stopped", "now", "shares_floor_to_zero", "withheld_units", "show_zero")
    around = {name: more.pop(name) for name in outside if name in more}
    rules = ListingSettingsChanged(**more)  # type: ignore[arg-type]
    one = Listing("X", each, state, bool(around.pop("show_zero", False)), settings=rules)
    return listing.wanted(one, free, units_max=units_max, **around)  # type: ignore[arg-type]


# ------------------------------------------------------------------ the number


def test_a_listing_shows_what_is_free_and_never_less_than_none() -> None:
    assert [shows(free) for free in (10, 1, 0, -3)] == [10, 1, 0, 0]


def test_a_sku_without_a_number_is_not_told_to_any_mall() -> None:
    assert shows(None) is None
    assert shows(None, state=STOPPED) is None


def test_the_reserve_comes_off_first_and_a_reserve_of_all_that_is_free_shows_none() -> None:
    assert [shows(free, reserve=3) for free in (10, 4, 3, 2)] == [7, 1, 0, 0]


def test_the_share_is_floored_after_the_reserve() -> None:
    assert shows(10, share_percent=30) == 3
    assert shows(10, share_percent=30, reserve=1) == 2
    assert [shows(free, share_percent=33) for free in (3, 4, 100)] == [0, 1, 33]
    assert shows(100, share_percent=29) == 29, "29 % of 100 is 29, which 100 * 0.29 is not"


def test_when_every_share_floors_to_none_the_first_choice_shows_the_rest() -> None:
    assert shows(1, share_percent=50) == 0
    assert shows(1, share_percent=50, shares_floor_to_zero=True) == 0
    assert shows(1, share_percent=50, shares_floor_to_zero=True, first_choice=True) == 1
    assert shows(2, share_percent=50, first_choice=True) == 1
    assert shows(1, share_percent=50, shares_floor_to_zero=True, first_choice=True, reserve=1) == 0


def test_the_cap_and_the_malls_maximum_are_the_most_it_shows() -> None:
    assert [shows(free, cap=5) for free in (100, 5, 4)] == [5, 5, 4]
    assert shows(100, cap=0) == 0
    assert shows(200_000) == UNITS_MAX


def test_a_listing_of_several_units_shows_whole_ones_only() -> None:
    assert [shows(free, each=3) for free in (7, 3, 2)] == [2, 1, 0]
    assert shows(100, each=3, cap=8) == 2


def test_d24_the_threshold_compares_what_is_free_before_reserve_share_and_cap() -> None:
    assert shows(10, share_percent=30, stop_threshold=3) == 3
    assert shows(10, cap=3, stop_threshold=3) == 3
    assert [shows(free, stop_threshold=2) for free in (3, 2, 1)] == [3, 0, 0]


def test_d24_a_stopped_listing_resumes_at_its_level_and_after_its_rest() -> None:
    stopped, soon, later = Stopped(at("12:00")), at("12:00") + timedelta(seconds=599), at("12:10")
    rules: dict[str, Any] = {"stop_threshold": 2, "stopped": stopped}
    assert shows(3, now=soon, **rules) == 0
    assert shows(3, now=later, **rules) == 3
    assert shows(2, now=later, **rules) == 0
    assert [shows(free, now=later, resume_level=5, **rules) for free in (4, 5)] == [0, 5]
    assert shows(3, now=soon, minimum_rest_seconds=0, **rules) == 3


def test_units_that_are_withheld_are_not_free() -> None:
    assert shows(5, withheld_units=2) == 3
    assert shows(5, withheld_units=2, stop_threshold=3) == 0


def test_a_listing_that_waits_or_is_stopped_is_not_told_and_one_stopped_at_zero_shows_none() -> None:
    assert shows(5, state=TO_CONFIRM) is None
    assert shows(5, state=STOPPED) is None
    assert shows(5, state=STOPPED, show_zero=True) == 0
    assert shows(None, state=STOPPED, show_zero=True) == 0
    assert shows(5, state=listing.EXCLUDED) is None
    assert shows(5, state=listing.RETIRED) is None


def test_d13_a_set_is_buildable_from_the_scarcest_component() -> None:
    recipe = Recipe(1, ("A", "B"), (2, 1))
    assert [listing.free_of(frees, recipe) for frees in ((7, 9), (7, 2), (-1, 9), (1, 9))] == [3, 2, 0, 0]
    assert listing.free_of((7, None), recipe) is None
    assert listing.free_of((-4,), Recipe()) == -4


# ------------------------------------------------------------------ its states


def ledger_with_x(**more: object) -> Memory:
    return given(link(R, "x", "X", **more))  # type: ignore[arg-type]


def test_a_new_listing_waits_to_be_confirmed_with_the_malls_number_beside_ours() -> None:
    ledger = ledger_with_x()
    assert ledger.listing(R, "x").state == TO_CONFIRM
    ledger.when(shops.confirm_listings(R, {X: (40, 7)}))
    (fact,) = ledger.facts("ListingConfirmed")
    assert (fact.mall_units_seen, fact.wanted, ledger.listing(R, "x").state) == (40, 7, LINKED)
    ledger.when(shops.confirm_listings(R, {X: (40, 7)}))
    assert ledger.names() == []


def test_the_same_link_again_says_nothing_new_and_a_different_one_waits_to_be_confirmed() -> None:
    ledger = ledger_with_x()
    ledger.when(shops.confirm_listings(R, {X: (40, 7)}))
    ledger.when(link(R, "x", "X"))
    assert ledger.names() == []
    ledger.when(link(R, "x", "X", codes=["goods-77"]))
    assert (ledger.names(), ledger.listing(R, "x").state) == (["ListingLinked"], LINKED)
    for other in (link(R, "x", "Y"), link(R, "x", "Y", 2), link(R, "x", "Y", 2, excluded=True), link(R, "x", "Y", 2)):
        ledger.when(other)
        assert ledger.names() == ["ListingLinked"]
        assert ledger.listing(R, "x").state != LINKED


def test_stopping_freezes_what_the_mall_shows_and_showing_none_is_another_choice() -> None:
    ledger = ledger_with_x()
    ledger.when(shops.confirm_listings(R, {X: (40, 7)}))
    ledger.when(shops.stop_listings(R, [X], show_zero=False))
    assert listing.wanted(ledger.listing(R, "x"), 5, units_max=UNITS_MAX) is None
    ledger.when(shops.stop_listings(R, [X], show_zero=True))
    assert listing.wanted(ledger.listing(R, "x"), 5, units_max=UNITS_MAX) == 0
    ledger.when(shops.start_listings(R, [X]))
    assert listing.wanted(ledger.listing(R, "x"), 5, units_max=UNITS_MAX) == 5


def test_d21_a_listing_that_was_never_confirmed_is_not_linked_by_stopping_and_starting_it() -> None:
    ledger = ledger_with_x()
    for show_zero in (False, True):
        with pytest.raises(ListingNotAccepted, match="confirm it first"):
            ledger.when(shops.stop_listings(R, [X], show_zero=show_zero))


def test_a_listing_is_started_confirmed_or_stopped_only_where_it_can_be() -> None:
    ledger = ledger_with_x()
    for verb in (shops.start_listings(R, [X]), shops.confirm_listings(R, {ListingKey("none"): (1, 1)})):
        with pytest.raises(ListingNotAccepted):
            ledger.when(verb)
    ledger.when(shops.retire_listings(R, [X], "discontinued"))
    with pytest.raises(ListingNotAccepted):
        ledger.when(shops.stop_listings(R, [X], show_zero=True))
    ledger.when(shops.retire_listings(R, [X], "discontinued"))
    assert ledger.names() == []


def test_the_rules_of_a_listing_are_checked_and_kept_once() -> None:
    ledger = ledger_with_x()
    rules = ListingSettingsChanged(reserve=1, share_percent=50, cap=9, stop_threshold=2, resume_level=4)
    ledger.when(shops.change_listing_settings(R, [X], rules))
    assert ledger.listing(R, "x").settings == rules
    ledger.when(shops.change_listing_settings(R, [X], rules))
    assert ledger.names() == []
    for wrong in (
        replace(rules, reserve=-1),
        replace(rules, share_percent=0),
        replace(rules, share_percent=101),
        replace(rules, cap=-1),
        replace(rules, resume_level=2),
        replace(rules, stop_threshold=-1),
        replace(rules, minimum_rest_seconds=-1),
    ):
        with pytest.raises(ListingNotAccepted):
            ledger.when(shops.change_listing_settings(R, [X], wrong))


def test_a_person_asks_for_a_number_again_where_there_is_a_listing() -> None:
    ledger = ledger_with_x()
    ledger.when(shops.ask_resend(R, [X, ListingKey("none")]))
    assert ledger.names() == ["ResendAsked"]
    assert ledger.listing(R, "x").resend_position == ledger.position


def test_codes_and_units_of_a_listing_have_limits() -> None:
    for units in (0, 10_000):
        with pytest.raises(ListingNotAccepted, match="入数"):
            given(link(R, "x", "X", units))
    for item, variant in (("", ""), ("x" * 201, ""), ("x", "v" * 201)):
        with pytest.raises(ListingNotAccepted, match="codes of 1 to 200"):
            link(R, item, "X", variant=variant)
    with pytest.raises(ListingNotAccepted, match="2001 listings"):
        shops.start_listings(R, [ListingKey(str(n)) for n in range(2_001)])


def test_what_a_mall_is_told_beside_the_number_is_told_at_once_and_only_when_it_changes() -> None:
    linked = Listing(sku="X", state="linked")
    slower = ListingSettingsChanged(lead_time_days=5)
    assert [type(fact).__name__ for fact in listing.change_settings(linked, slower)] == [
        "ListingSettingsChanged", "ResendAsked"
    ]  # fmt: skip
    reserve = ListingSettingsChanged(reserve=1)
    assert listing.change_settings(linked, reserve) == [reserve]
    assert len(listing.change_settings(Listing(sku="X"), slower)) == 1


@pytest.mark.parametrize("wrong", [{"lead_time_days": 31}, {"lead_time_days": -1}, {"restock_on": "2026-02-30"}])
def test_a_lead_time_or_day_that_no_mall_takes_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ListingNotAccepted, match="expected"):
        listing.change_settings(Listing(sku="X"), ListingSettingsChanged(**wrong))
