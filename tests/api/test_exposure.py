"""What is at risk and why: exposure, silent intake, measured windows, the work list, one listing's diagnosis; by all doors."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.database import Database
from api.exposure import intake_states, windows
from ledger.book import shops
from ledger.terms import ListingKey
from tests.api.jobs.pushing import selling_at
from tests.api.telling_rig import Telling, telling

CUP = ListingKey("cup", "blue")
EXPOSURE = "query ($s: String) { exposure(shop: $s) { shop item wantedUnits expectedUnits units since why } }"
WORK_LIST = "query ($s: String) { workList(shop: $s) { item code cause attempts nextStep } }"
RESEND = """mutation ($s: String!, $l: [ListingKeyInput!]) { resendListings(shop: $s, listings: $l) { listings position } }"""
WHY = """query ($s: String!) { listingDiagnosis(shop: $s, listing: {item: "cup", variant: "blue"}) { code level nextStep } }"""


@pytest.fixture
def told(database: Database, tmp_path: Path) -> Iterator[Telling]:
    with telling(database, tmp_path) as found:
        yield found


@pytest.fixture
def malls(told: Telling) -> Iterator[tuple[str, str]]:
    """Two shops that show 5 of the cup."""
    with selling_at(told.scene, "sandbox", "one") as one, selling_at(told.scene, "sandbox", "two") as two:
        told.scene.stock("CUP", 5)
        for code in (one, two):
            told.scene.listing(code, CUP, "CUP", shown=9)
        told.scene.push_until(lambda: told.scene.shows(one, CUP) == told.scene.shows(two, CUP) == 5)
        told.scene.clock.sleep(60)
        yield one, two


def codes(told: Telling, shop: str) -> list[str]:
    return [one["code"] for one in told.ask(WHY, s=shop)["listingDiagnosis"]]


def test_a_blind_shop_shows_more_than_there_is_and_the_list_says_how_much_and_since_when(
    told: Telling, malls: tuple[str, str]
) -> None:
    scene, (one, two) = told.scene, malls
    assert told.ask(EXPOSURE)["exposure"] == []
    scene.do(shops.pause_shop(two, "rejected_auth"))
    sold_at = scene.clock.now()
    scene.order(one, CUP, "CUP", 4)
    scene.push_until(lambda: True)
    assert told.ask(EXPOSURE)["exposure"] == [], "it was only now"
    scene.clock.sleep(120)
    (row,) = told.ask(EXPOSURE)["exposure"]
    assert (row["shop"], row["wantedUnits"], row["expectedUnits"], row["units"]) == (two, 1, 5, 4)
    assert row["why"] == "paused"
    assert abs((_moment(row["since"]) - sold_at).total_seconds()) < 5
    code, answer = told.daicho("exposure", "--older", "0")
    assert (code, len(answer["exposed"])) == (1, 1)
    found = told.ask("query ($s: String!) { diagnosis(shop: $s) { code level nextStep } }", s=two)["diagnosis"]
    assert {"exposed", "paused"} <= {one["code"] for one in found if one["level"] == "problem"}


def test_a_shop_whose_orders_stop_is_silent_after_three_times_its_usual_gap(
    told: Telling, malls: tuple[str, str]
) -> None:
    scene, (one, _) = told.scene, malls
    scene.stock("CUP", 500)
    assert [state.state for state in intake_states(scene.house, shop=one)] == ["new"]
    for _ in range(22):
        scene.order(one, CUP, "CUP")
        scene.clock.sleep(1_200)
    scene.fold()
    assert [state.state for state in intake_states(scene.house, shop=one)] == ["ok"]
    scene.clock.sleep(3 * 1_200)
    (state,) = told.ask('{ intakeStates(shop: "sandbox-one") { state since usualGapSeconds } }')["intakeStates"]
    assert state["state"] == "silent"
    assert 1_199 < state["usualGapSeconds"] < 1_205
    found = told.ask("query ($s: String!) { diagnosis(shop: $s) { code } }", s=one)["diagnosis"]
    assert "intake_silent" in {each["code"] for each in found}


def test_the_windows_are_measured_from_the_order_to_the_mall(told: Telling, malls: tuple[str, str]) -> None:
    scene, (one, two) = told.scene, malls
    for _ in range(3):
        scene.order(one, CUP, "CUP", ordered_at=scene.clock.now() - timedelta(seconds=40))
        scene.push_until(lambda: not scene.push())
        scene.clock.sleep(60)
    scene.fold()
    found = windows(scene.house, one)
    assert found.order_to_told.count == 3
    assert 39 < (found.order_to_told.median_seconds or 0) < 42
    other = windows(scene.house, two)
    assert other.told_to_sent.count >= 3
    assert 0 <= (other.told_to_sent.p95_seconds or 0) < 5
    assert other.sent_to_applied.count >= 3
    code, row = told.daicho("shop", "show", two)
    assert (code, row["windows"]["sentToApplied"]["count"]) == (0, other.sent_to_applied.count)


def test_a_refused_listing_is_on_the_work_list_with_its_cause_until_it_is_sent_again(
    told: Telling, malls: tuple[str, str]
) -> None:
    scene, (one, _) = told.scene, malls
    shown = scene.malls[one].stock.pop(CUP)
    scene.stock("CUP", 3)
    scene.push_until(lambda: bool(_rejected(told, one)))
    (row,) = told.ask(WORK_LIST, s=one)["workList"]
    assert (row["item"], row["code"]) == ("cup", "unknown_listing")
    assert "サンドボックスにこの商品コードがありません" in row["cause"]
    code, rows = told.daicho("pushes", "--rejected", "--shop", one)
    assert (code, rows[0]["cause"]) == (0, row["cause"])
    pushes = told.daicho("pushes", "--shop", one, "--outcome", "rejected")[1]
    assert pushes[0]["cause"] == row["cause"]
    assert "rejected" in codes(told, one)
    scene.malls[one].set_stock(CUP, shown)
    assert told.ask(RESEND, s=one)["resendListings"]["listings"] == 1
    scene.push_until(lambda: scene.shows(one, CUP) == 3)
    assert told.ask(WORK_LIST, s=one)["workList"] == []
    assert told.ask(RESEND, s=one)["resendListings"] == {"listings": 0, "position": None}, "nothing is left"


def test_one_listing_says_why_it_does_not_show_what_it_should(told: Telling, malls: tuple[str, str]) -> None:
    scene, (one, _) = told.scene, malls
    assert codes(told, one) == ["as_it_should"]
    change = 'mutation ($s: String!) { changeListingSettings(shop: $s, listings: [{item: "cup", variant: "blue"}], settings: {%s})'
    told.ask(change % "stopThreshold: 9" + " { position } }", s=one)
    scene.push_until(lambda: scene.shows(one, CUP) == 0)
    assert codes(told, one) == ["rule_gives_zero"]
    scene.do(shops.stop_listings(one, [CUP], show_zero=False))
    assert "not_linked" in codes(told, one)
    code, rows = told.daicho("doctor", one, "--item", "cup/blue")
    assert (code, rows[0]["code"]) == (1, "not_linked")
    assert "has no listing" in told.refused(
        'query ($s: String!) { listingDiagnosis(shop: $s, listing: {item: "none"}) { code } }', s=one
    )


def _rejected(told: Telling, shop: str) -> Any:
    return told.ask(WORK_LIST, s=shop)["workList"]


def _moment(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)
