"""Uploads and feeds: batches without a folder. Yahoo!ショッピング says nothing of their end; Amazon has states and a report."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import adapters
from adapters.amazon.emulator import SellerState
from adapters.amazon.emulator import state_of as seller_of
from adapters.kit.mall import Mall
from adapters.kit.push_file import PushFile
from adapters.yahoo_shopping.emulator import state_of as store_of
from api.database import Database
from api.jobs.push import push_due
from api.shop_access import ShopAccesses
from ledger.book import shops
from ledger.terms import ListingKey
from tests.api.jobs.pushing import Stage, selling_at, sent, stage
from tests.api.jobs.pushing_files import answers, batches, ends, told_by_file

CUP, PEN = ListingKey("cup", ""), ListingKey("pen", "red")


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Stage]:
    with stage(database, tmp_path) as found:
        yield found


@pytest.fixture
def yahoo(scene: Stage) -> Iterator[str]:
    with told_by_file(scene, "yahoo_shopping") as code:
        yield code


@pytest.fixture
def amazon(scene: Stage) -> Iterator[str]:
    with told_by_file(scene, "amazon") as code:
        yield code


def seller(scene: Stage, code: str) -> SellerState:
    return seller_of(scene.malls[code])


def listed(scene: Stage, code: str, *keys: ListingKey, units: int = 40) -> None:
    for key in keys:
        scene.stock(key.item.upper(), units)
        scene.listing(code, key, key.item.upper(), shown=50)


def until_settled(scene: Stage, code: str) -> None:
    scene.push_until(lambda: len(ends(scene, code)) == len(batches(scene, code)) > 0, seconds=4_000, step=20.0)


def test_an_upload_is_settled_by_what_the_store_shows(scene: Stage, yahoo: str) -> None:
    listed(scene, yahoo, CUP, PEN)
    scene.push()
    assert answers(scene, yahoo) == [["accepted", "accepted"]]
    (batch,) = batches(scene, yahoo)
    assert store_of(scene.malls[yahoo]).uploads.names == [f"quantity_daicho_{batch.request}.csv"]
    until_settled(scene, yahoo)
    assert ends(scene, yahoo) == [["applied", "applied"]]
    assert (scene.shows(yahoo, CUP), scene.shows(yahoo, PEN)) == (40, 40)


def test_an_upload_that_was_half_applied_is_told_again(scene: Stage, yahoo: str) -> None:
    store_of(scene.malls[yahoo]).uploads.half = True
    listed(scene, yahoo, CUP, PEN)
    scene.push_until(lambda: scene.shows(yahoo, CUP) == scene.shows(yahoo, PEN) == 40, seconds=4_000, step=20.0)
    assert sorted(ends(scene, yahoo)[0]) == ["applied", "unknown"]


def test_while_the_store_applies_an_upload_a_lower_number_is_tried_until_it_is_taken(scene: Stage, yahoo: str) -> None:
    listed(scene, yahoo, CUP)
    scene.push()
    scene.stock("CUP", 3)
    scene.push_until(lambda: scene.shows(yahoo, CUP) == 3, seconds=600, step=5.0)
    scene.push_until(lambda: not scene.push(), seconds=300, step=10.0)
    assert scene.shows(yahoo, CUP) == 3


def test_a_feed_goes_through_its_states_and_its_report_rejects_by_sku(scene: Stage, amazon: str) -> None:
    listed(scene, amazon, CUP, PEN, ListingKey("bag"))
    seller(scene, amazon).listings.invalid["bag"] = "99022"
    scene.push()
    (batch,) = batches(scene, amazon)
    assert batch.channel == "feed"
    assert set(answers(scene, amazon)[0]) == {"accepted"}
    until_settled(scene, amazon)
    told = dict(zip(batch.listings, ends(scene, amazon)[0], strict=True))
    assert told == {"cup:": "applied", "pen:red": "applied", "bag:": "rejected"}
    assert (scene.shows(amazon, CUP), scene.shows(amazon, PEN)) == (40, 40)


def test_a_feed_keeps_lead_time_and_restock_date_and_leaves_fba_alone(scene: Stage, amazon: str) -> None:
    scene.do(shops.change_shop_settings(amazon, {"update_way": "look_and_merge"}))
    listings = seller(scene, amazon).listings
    listed(scene, amazon, CUP, PEN)
    listings.entries[CUP] = {"lead_time_to_ship_max_days": 5, "restock_date": "2026-12-31"}
    listings.by_amazon[PEN] = "AMAZON_JP"
    scene.push()
    answered = dict(zip(batches(scene, amazon)[0].listings, answers(scene, amazon)[0], strict=True))
    assert answered == {"cup:": "accepted", "pen:red": "rejected"}
    until_settled(scene, amazon)
    assert scene.shows(amazon, CUP) == 40
    kept = listings.entries[CUP]
    assert (kept["lead_time_to_ship_max_days"], kept["restock_date"]) == (5, "2026-12-31")
    assert listings.by_amazon[PEN] == "AMAZON_JP"
    ended = dict(zip(batches(scene, amazon)[0].listings, ends(scene, amazon)[0], strict=True))
    assert ended == {"cup:": "applied", "pen:red": "rejected"}


@pytest.mark.parametrize(("state", "outcome"), [("FATAL", "unknown"), ("CANCELLED", "transient")])
def test_a_feed_that_fails_is_told_again(scene: Stage, amazon: str, state: str, outcome: str) -> None:
    seller(scene, amazon).feeds.ends.append(state)
    listed(scene, amazon, CUP)
    scene.push()
    until_settled(scene, amazon)
    assert ends(scene, amazon)[0] == [outcome]
    scene.push_until(lambda: scene.shows(amazon, CUP) == 40, seconds=1_200, step=20.0)


def test_a_patch_beside_a_feed_is_not_undone_by_it(scene: Stage, amazon: str) -> None:
    """D8: the feed says 40 and is applied after the PATCH of 3."""
    listed(scene, amazon, CUP)
    scene.push()
    scene.stock("CUP", 3)
    scene.push()
    assert scene.shows(amazon, CUP) == 3
    assert [one.channel for one in sent(scene, amazon)] == ["feed", "api"]
    until_settled(scene, amazon)
    scene.push_until(lambda: scene.shows(amazon, CUP) == 3 and not scene.push(), seconds=600, step=10.0)
    assert scene.shows(amazon, CUP) == 3


def test_a_feed_whose_answer_was_lost_is_found_again(scene: Stage, amazon: str) -> None:
    listed(scene, amazon, CUP)
    scene.meets(amazon, "drop", path="/feeds/2021-06-30/feeds")
    scene.push()
    assert answers(scene, amazon) == [["unknown"]]
    until_settled(scene, amazon)
    assert len(seller(scene, amazon).feeds.feeds) == 1
    assert ends(scene, amazon) == [["applied"]], "nobody says which listings were in it, so it is read back"
    scene.push_until(lambda: scene.shows(amazon, CUP) == 40 and not scene.push(), seconds=600, step=10.0)


def test_very_many_changes_go_by_feed_and_few_by_patch(scene: Stage) -> None:
    def few_are_many(code: str) -> Mall:
        mall = adapters.mall(code)
        assert isinstance(mall.push_file, PushFile)
        return replace(mall, push_file=replace(mall.push_file, from_rows=3))

    accesses = ShopAccesses(scene.house, mall_of=few_are_many)
    scene.opened.append(accesses)
    pushing = replace(scene.pushing, accesses=accesses)
    keys = [ListingKey(f"item-{number}") for number in range(3)]
    with selling_at(scene, "amazon", "one") as code:
        for key in keys:
            scene.told(code, key, key.item.upper(), 50)
        patched = len(sent(scene, code))
        for key in keys:
            scene.stock(key.item.upper(), 40)
        push_due(pushing)
        (feed,) = sent(scene, code)[patched:]
        assert (feed.channel, len(feed.listings)) == ("feed", 3)
        scene.stock("ITEM-1", 12)
        push_due(pushing)
        assert (sent(scene, code)[-1].channel, scene.shows(code, keys[1])) == ("api", 12)
