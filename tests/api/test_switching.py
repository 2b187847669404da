"""在庫反映 起動 and the way back: a reviewed difference, a guard that only a person who saw the counts passes, kept numbers."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.cli.listing import file_of
from api.database import Database
from api.jobs.reviewing_files import review_files
from api.windows import SYNC_AT, default_time
from ledger import keys
from ledger.book import shops, stock
from ledger.facts.push import PushSent
from ledger.facts.shop import NumbersPutBack
from ledger.terms import ListingKey
from tests.api.jobs.pushing import BY, selling_at
from tests.api.telling_rig import Telling, telling

KEYS = [ListingKey(f"item-{n}", "v") for n in range(6)]
REVIEW = """mutation ($s: String!, $c: Int, $z: Int) { reviewDryRun(shop: $s, seenChanged: $c, seenToZero: $z) { answer } }"""
START = "mutation ($s: String!) { startPush(shop: $s) { position } }"
STOP = "mutation ($s: String!) { stopPush(shop: $s) { answer } }"
PUT_BACK = """mutation ($s: String!, $dry: Boolean!) { putBack(shop: $s, dryRun: $dry) {
  kept sent same rejected unlimited position differing { item nowUnits keptUnits } } }"""


@pytest.fixture
def told(database: Database, tmp_path: Path) -> Iterator[Telling]:
    with telling(database, tmp_path) as found:
        yield found


@pytest.fixture
def shop(told: Telling) -> Iterator[str]:
    """A shop whose intake is proven and whose six listings wait: the mall shows 40 of each, we have 7."""
    with selling_at(told.scene, "sandbox", "one", push_now=False) as code:
        scene = told.scene
        scene.do(shops.start_intake(code))
        scene.do(shops.prove_intake(code, "mail"))
        for key in KEYS:
            scene.malls[code].set_stock(key, 40)
            scene.do(stock.register_sku(f"SKU-{key.item}"))
            scene.do(shops.link_listing(code, key, f"SKU-{key.item}"))
        for key in KEYS[:-1]:
            scene.do(stock.add(f"SKU-{key.item}", 7))
        yield code


def review(told: Telling, shop: str, **seen: int) -> Any:
    return told.ask(REVIEW, s=shop, **seen)["reviewDryRun"]["answer"]


def test_the_guard_is_passed_only_by_a_person_who_saw_the_counts(told: Telling, shop: str) -> None:
    assert "nobody reviewed" in told.refused(START, s=shop)
    seen = review(told, shop)
    assert (seen["wouldChange"], seen["toZero"], seen["guardPassed"]) == (5, 0, False)
    assert (seen["unregistered"], seen["unregisteredSkus"], seen["toConfirm"]) == (1, ["SKU-item-5"], 6)
    assert list(seen)[:2] == ["unregistered", "unregisteredSkus"], "what is never pushed comes first"
    assert "guard" in told.refused(START, s=shop)
    assert review(told, shop, c=4, z=0)["guardPassed"] is False, "more would change than the person saw"
    assert review(told, shop, c=5, z=0)["guardPassed"] is True
    told.ask(START, s=shop)
    assert told.scene.shop(shop).settings[SYNC_AT] == default_time(shop), "a full sync every night from the first on"
    code, row = told.daicho("shop", "schedule", shop)
    assert (code, row["syncAt"], row["shadowAt"]) == (0, default_time(shop), "off")


def test_the_numbers_of_before_are_put_back_after_the_stop_and_only_what_differs(told: Telling, shop: str) -> None:
    scene = told.scene
    review(told, shop, c=5, z=0)
    told.daicho("shop", "confirm", shop)
    told.ask(START, s=shop)
    scene.push_until(lambda: scene.shows(shop, KEYS[0]) == 7)
    assert [scene.shows(shop, key) for key in KEYS] == [7, 7, 7, 7, 7, 40]
    assert "stopped first" in told.refused(PUT_BACK, s=shop, dry=False)
    stopped = told.ask(STOP, s=shop)["stopPush"]["answer"]
    assert stopped["onTheirWay"] == 0
    scene.malls[shop].set_stock(KEYS[1], 40)
    seen = told.ask(PUT_BACK, s=shop, dry=True)["putBack"]
    assert (seen["kept"], seen["sent"], seen["same"], seen["position"]) == (6, 4, 2, None)
    assert {"item": "item-0", "nowUnits": 7, "keptUnits": 40} in seen["differing"]
    assert scene.shows(shop, KEYS[0]) == 7, "a dry run tells nothing"
    done = told.ask(PUT_BACK, s=shop, dry=False)["putBack"]
    assert (done["sent"], done["same"], done["rejected"]) == (4, 2, 0)
    assert [scene.shows(shop, key) for key in KEYS] == [40] * 6
    last = [fact for fact in scene.facts(shop) if isinstance(fact, PushSent)][-1]
    assert set(last.triggers) == {"put_back"}
    facts = [record.fact for record in scene.records(keys.shop(shop))]
    assert isinstance(facts[-1], NumbersPutBack)
    code, again = told.daicho("shop", "put-back", shop)
    assert (code, again["sent"], again["same"]) == (0, 0, 6), "twice is harmless"
    scene.push_until(lambda: True)
    assert scene.shows(shop, KEYS[0]) == 40, "nothing is told while it is stopped"


def test_a_shop_that_never_started_has_nothing_to_put_back(told: Telling, shop: str) -> None:
    assert "never started" in told.refused(PUT_BACK, s=shop, dry=True)
    only_read = told.doors.with_scopes("read")
    assert told.doors.post(PUT_BACK, {"s": shop, "dry": True}, key=only_read).codes == ["FORBIDDEN"]


def test_a_mall_can_be_reviewed_with_its_own_file(told: Telling, shop: str, tmp_path: Path) -> None:
    file = tmp_path / "sandbox-stock.csv"
    rows = "".join(f"{key.item},{key.variant},{7 if n else 39}\n" for n, key in enumerate(KEYS))
    file.write_text(f"商品コード,枝番,在庫数\n{rows}", encoding="utf-8")
    made = told.scene.clock.now() - timedelta(seconds=1)
    done = review_files(told.scene.house, shop, [file_of(file)], made, BY.actor)
    assert (done.answer["listings"], done.answer["wouldChange"], done.answer["guardPassed"]) == (6, 1, True)
    told.daicho("shop", "confirm", shop)
    told.ask(START, s=shop)
    assert told.scene.shop(shop).push
