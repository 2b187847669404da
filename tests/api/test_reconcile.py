"""在庫照合: the mall is read back, each difference has its class and evidence, and is mended by facts."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli.listing import file_of
from api.database import Database
from api.jobs.drift_classes import Drift
from api.jobs.mall_reading import read_listings
from api.jobs.reconcile import begin, reconcile, suspects_of
from api.jobs.reconcile_file import reconcile_files
from ledger import keys
from ledger.facts.push import DriftFound
from ledger.terms import ListingKey
from tests.api.jobs.pushing import BY, selling_at
from tests.api.labelled_drift import Labelled
from tests.api.telling_rig import Telling, telling

CUP = ListingKey("cup", "blue")


@pytest.fixture
def told(database: Database, tmp_path: Path) -> Iterator[Telling]:
    with telling(database, tmp_path) as found:
        yield found


@pytest.mark.parametrize(("mall", "count"), [("rakuten", 160), ("sandbox", 160)])
def test_at_least_95_of_100_differences_are_put_in_their_class(told: Telling, mall: str, count: int) -> None:
    with selling_at(told.scene, mall, "one") as code:
        labels = Labelled(told.scene, code, count, seed=7).play()
        ran = reconcile(told.scene.house, code, BY)
        found = dict.fromkeys(labels, Drift.SAME)
        for record in told.scene.records(keys.read(code)):
            fact = record.fact
            if isinstance(fact, DriftFound) and fact.run == ran.run:
                names = (keys.listing_key(text) for text in fact.listings)
                found |= {key: Drift(each) for key, each in zip(names, fact.classes, strict=True)}
        wrong = Counter((str(label), str(found[key])) for key, label in labels.items() if found[key] is not label)
        assert ran.listings == count
        assert 1 - wrong.total() / count >= 0.95, wrong


RECONCILE = """mutation ($shop: String!, $item: String!) { reconcile(shop: $shop, listings: [{item: $item, variant: "blue"}]) {
  run listings same agree differing byClass position } }"""
DRIFT = """query ($shop: String!, $run: String!, $p: Position) { drift(shop: $shop, run: $run, atLeast: $p) { edges { node {
  item drift sure evidence readUnits expectedUnits toldUnits wantedUnits mended } } } }"""
MEND = """mutation ($shop: String!, $how: String!, $classes: [String!]) {
  mendDrift(shop: $shop, how: $how, classes: $classes) { mended refused reasons position } }"""


@pytest.fixture
def shop(told: Telling) -> Iterator[str]:
    with selling_at(told.scene, "sandbox", "one") as code:
        told.scene.told(code, CUP, "CUP", 20)
        yield code


def found_at(told: Telling, shop: str, run: str) -> list[dict[str, Any]]:
    return [edge["node"] for edge in told.ask(DRIFT, shop=shop, run=run)["drift"]["edges"]]


def test_an_edit_at_the_mall_is_found_and_our_number_is_pushed_again(told: Telling, shop: str) -> None:
    told.scene.malls[shop].set_stock(CUP, 70)
    done = told.ask(RECONCILE, shop=shop, item="cup")["reconcile"]
    assert (done["listings"], done["same"], done["differing"], done["byClass"]) == (1, 0, 1, {"edit": 1})
    (row,) = found_at(told, shop, done["run"])
    assert (row["drift"], row["readUnits"], row["expectedUnits"], row["wantedUnits"]) == ("edit", 70, 20, 20)
    assert "gap:+50" in row["evidence"]
    mended = told.ask(MEND, shop=shop, how="push_again", classes=["edit"])["mendDrift"]
    assert (mended["mended"], mended["refused"]) == (1, 0)
    assert found_at(told, shop, done["run"])[0]["mended"] == "push_again"
    told.scene.push_until(lambda: told.scene.shows(shop, CUP) == 20)
    assert told.ask(MEND, shop=shop, how="push_again", classes=["edit"])["mendDrift"]["mended"] == 0
    told.scene.clock.sleep(60)
    assert told.ask(RECONCILE, shop=shop, item="cup")["reconcile"]["byClass"] == {"same": 1}


def test_the_malls_number_is_taken_as_of_the_reading_with_later_orders_on_top(told: Telling, shop: str) -> None:
    told.scene.malls[shop].set_stock(CUP, 70)
    told.scene.clock.sleep(60)
    ran = reconcile(told.scene.house, shop, BY)
    told.scene.clock.sleep(60)
    told.scene.order(shop, CUP, "CUP", 3)
    code, done = told.daicho("reconcile", "mend", "--shop", shop, "--how", "take_mall_number", "--class", "edit")
    assert (code, done["mended"]) == (0, 1)
    rows = told.ask('{ stock(skus: ["CUP"]) { availableUnits } }')["stock"]
    assert rows == [{"availableUnits": 67}]
    assert found_at(told, shop, ran.run)[0]["mended"] == "take_mall_number"


def test_what_cannot_be_taken_is_said_with_its_reason(told: Telling, shop: str) -> None:
    told.ask(
        'mutation ($s: String!) { changeListingSettings(shop: $s, listings: [{item: "cup", variant: "blue"}],'
        " settings: {sharePercent: 50}) { position } }",
        s=shop,
    )
    told.scene.push_until(lambda: told.scene.shows(shop, CUP) == 10)
    told.scene.clock.sleep(60)
    told.scene.malls[shop].set_stock(CUP, 90)
    reconcile(told.scene.house, shop, BY)
    done = told.ask(MEND, shop=shop, how="take_mall_number", classes=["edit"])["mendDrift"]
    assert (done["mended"], done["refused"]) == (0, 1)
    assert "show only a part of the stock" in done["reasons"][0]
    assert "expected one of push_again" in told.refused(MEND, shop=shop, how="guess", classes=["edit"])
    assert "nothing is chosen" in told.refused(MEND, shop=shop, how="push_again")
    assert "expected 1 to 1000" in told.refused(f'mutation {{ reconcile(shop: "{shop}", listings: []) {{ run }} }}')
    only_read = told.doors.with_scopes("read")
    assert told.doors.post(MEND, {"shop": shop, "how": "push_again"}, key=only_read).codes == ["FORBIDDEN"]


def test_a_listing_that_was_pushed_while_it_was_read_is_not_held_against_the_reading(told: Telling, shop: str) -> None:
    scene, accesses = told.scene, told.scene.opened[0]
    one = accesses.connected(shop)
    run = begin(scene.house, one, BY, trigger="person", door="api")
    (reading,) = read_listings(scene.house, accesses, one, [CUP], BY)
    assert run.moved(reading) == set()
    scene.stock("CUP", 12)
    scene.push_until(lambda: scene.shows(shop, CUP) == 12)
    assert run.moved(reading) == {CUP}
    run.take(suspects_of(reading, one.mall.units_max, {CUP}))
    assert dict(run.finish().counts) == {"moving": 1}


def test_the_malls_own_file_is_held_against_what_was_known_when_it_was_made(
    told: Telling, shop: str, tmp_path: Path
) -> None:
    scene = told.scene
    made_at = scene.clock.now()
    file = tmp_path / "sandbox-stock.csv"
    file.write_text("商品コード,枝番,在庫数\ncup,blue,20\n", encoding="utf-8")
    scene.clock.sleep(60)
    scene.stock("CUP", 5)
    scene.push_until(lambda: scene.shows(shop, CUP) == 5)
    ran = reconcile_files(scene.house, shop, [file_of(file)], made_at, BY)
    assert dict(ran.counts) == {"same": 1}, "20 was right then, whatever was told since"
    file.write_text("商品コード,枝番,在庫数\ncup,blue,31\n", encoding="utf-8")
    scene.clock.sleep(60)
    local = scene.clock.now().astimezone().strftime("%Y-%m-%dT%H:%M:%S")
    code, found = told.daicho("reconcile", "--shop", shop, "--file", str(file), "--counted-at", local)
    assert (code, found["classes"], found["rows"][0]["readUnits"]) == (1, {"edit": 1}, 31)
    assert found["rows"][0]["expectedUnits"] == 5
    file.write_text("商品コード,枝番,在庫数\nother,blue,31\n", encoding="utf-8")
    code, found = told.daicho("reconcile", "--shop", shop, "--file", str(file), "--counted-at", local, "--whole")
    assert (code, found["classes"]) == (1, {"unknown_item": 1})
    assert told.daicho("reconcile", "runs", "--shop", shop)[1][0]["byClass"] == {"unknown_item": 1}
    answer = told.doors.client.get(
        "/exports/drift.csv", params={"shop": shop}, headers={"Authorization": f"Bearer {told.doors.key}"}
    )
    assert "モールにない商品" in answer.content.decode("utf-8-sig")
