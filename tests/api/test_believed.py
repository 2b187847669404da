"""What each mall believed at a moment: one question, answered with the push and the orders that made it so."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.database import Database
from ledger.terms import ListingKey, utc_text
from tests.api.jobs.pushing import selling_at
from tests.api.telling_rig import Telling, telling

CUP = ListingKey("cup", "blue")
ASK = """query ($at: DateTime!, $shop: String) { believed(sku: "CUP", at: $at, shop: $shop) {
  shop item expectedUnits expectedNowUnits toldUnits toldPosition wantedUnits sentence
  cause { kind orderNumber before after } events { position kind units name code later } } }"""


@pytest.fixture
def told(database: Database, tmp_path: Path) -> Iterator[Telling]:
    with telling(database, tmp_path) as found:
        yield found


@pytest.fixture
def shops(told: Telling) -> Iterator[tuple[str, str]]:
    with selling_at(told.scene, "sandbox", "one") as one, selling_at(told.scene, "sandbox", "two") as two:
        yield one, two


def believed(told: Telling, shop: str, at: datetime) -> Any:
    (found,) = told.ask(ASK, at=utc_text(at), shop=shop)["believed"]
    return found


def test_why_a_mall_showed_five_is_one_question(told: Telling, shops: tuple[str, str]) -> None:
    scene, (one, two) = told.scene, shops
    scene.stock("CUP", 6)
    scene.listing(one, CUP, "CUP", shown=6)
    scene.listing(two, CUP, "CUP", shown=6)
    before = scene.clock.now()
    scene.push_until(lambda: not scene.push())
    scene.clock.sleep(60)
    at_six = scene.clock.now()
    order = scene.order(two, CUP, "CUP")
    scene.push_until(lambda: scene.shows(one, CUP) == 5)
    scene.clock.sleep(60)
    at_five = scene.clock.now()
    scene.stock("CUP", 50)
    scene.push_until(lambda: scene.shows(one, CUP) == 50)
    found = believed(told, one, at_five)
    assert (found["expectedUnits"], found["toldUnits"], found["wantedUnits"]) == (5, 5, 5)
    assert found["cause"] == {"kind": "StockAllocated", "orderNumber": order, "before": 6, "after": 5}
    (push,) = [one for one in found["events"] if one["kind"] == "push" and one["units"] == 5]
    assert (push["code"], push["later"]) == ("lower", False)
    assert f"it showed 5; told 5 by the numbers of position {found['toldPosition']}" in found["sentence"]
    assert order in found["sentence"]
    assert believed(told, one, at_six)["expectedUnits"] == 6
    assert believed(told, one, before)["expectedUnits"] is None
    assert believed(told, one, scene.clock.now())["expectedUnits"] == 50
    sold = believed(told, two, at_five)
    assert (sold["expectedUnits"], sold["toldUnits"]) == (5, None), "its own sale lowered what a look had read"
    assert {"kind": "order", "units": -1, "name": order, "code": "mail", "later": False}.items() <= sold["events"][
        -1
    ].items()


def test_an_order_told_late_changes_only_what_is_known_now(told: Telling, shops: tuple[str, str]) -> None:
    scene, (one, _) = told.scene, shops
    scene.told(one, CUP, "CUP", 8)
    scene.clock.sleep(60)
    sold_at = scene.clock.now()
    scene.clock.sleep(60)
    asked = scene.clock.now()
    scene.clock.sleep(60)
    scene.order(one, CUP, "CUP", 2, ordered_at=sold_at)
    found = believed(told, one, asked)
    assert (found["expectedUnits"], found["expectedNowUnits"]) == (8, 6)
    assert [event["later"] for event in found["events"] if event["kind"] == "order"] == [True]


def test_the_command_says_it_too_and_refuses_a_moment_or_a_sku_of_which_nothing_is_known(
    told: Telling, shops: tuple[str, str]
) -> None:
    scene, (one, _) = told.scene, shops
    scene.told(one, CUP, "CUP", 8)
    code, rows = told.daicho("believed", "CUP", "--at", _local(scene.clock.now()))
    assert (code, [(row["shop"], row["expectedUnits"], row["item"]) for row in rows]) == (0, [(one, 8, "cup")])
    late = scene.clock.now() + timedelta(days=1)
    assert "expected a moment before now" in told.refused(ASK, at=utc_text(late))
    early = datetime(2020, 1, 1, tzinfo=UTC)
    assert "no listing sold SKU 'CUP'" in told.refused(ASK, at=utc_text(early))
    only_shops = told.doors.with_scopes("shops")
    query = '{ believed(sku: "CUP", at: "2026-01-01T00:00:00Z") { shop } }'
    assert told.doors.post(query, key=only_shops).codes == ["FORBIDDEN"]


def _local(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%dT%H:%M:%S")
