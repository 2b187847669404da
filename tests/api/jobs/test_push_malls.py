"""Pushing shops at emulated Rakuten and Yahoo!: their batches, refusals, paces, tokens and keys."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import adapters
from adapters.kit.mall import Mall, ShopAccess
from adapters.rakuten.emulator import state_of as rakuten_state
from adapters.yahoo_shopping.emulator import state_of as yahoo_state
from api.database import Database
from api.jobs import push
from api.shop_access import ShopAccesses
from api.tables import secrets
from ledger.terms import ListingKey, ListingLevel, Outcome, Result
from tests.api.jobs.pushing import Stage, outcomes, selling_at, sent, stage


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Stage]:
    with stage(database, tmp_path) as found:
        yield found


@pytest.fixture
def rakuten(scene: Stage) -> Iterator[str]:
    with selling_at(scene, "rakuten", "402853") as code:
        yield code


@pytest.fixture
def yahoo(scene: Stage) -> Iterator[str]:
    with selling_at(scene, "yahoo_shopping", "samplestore") as code:
        yield code


def many(scene: Stage, code: str, count: int) -> list[ListingKey]:
    found = [ListingKey(f"item-{number}", f"v{number}") for number in range(count)]
    for number, key in enumerate(found):
        scene.stock(f"SKU-{number}", 1)
        scene.listing(code, key, f"SKU-{number}", shown=9)
    return found


def test_rakuten_sends_a_refused_batch_again_without_the_row_at_fault(scene: Stage, rakuten: str) -> None:
    found = many(scene, rakuten, 8)
    rakuten_state(scene.malls[rakuten]).preorders.add(found[3])
    scene.push_until(lambda: not scene.push(), seconds=60)
    assert [scene.shows(rakuten, key) for key in found] == [1, 1, 1, 9, 1, 1, 1, 1]
    assert outcomes(scene, rakuten) == [[*["refused"] * 3, "rejected", *["refused"] * 4], ["applied"] * 7]
    assert sent(scene, rakuten)[1].parent_request == sent(scene, rakuten)[0].request


def test_rakuten_is_called_no_faster_than_once_a_second(scene: Stage, rakuten: str) -> None:
    many(scene, rakuten, 3)
    for number in range(3):
        scene.stock(f"SKU-{number}", 0)
        scene.push()
    moments = [push.at for push in scene.malls[rakuten].pushes]
    assert all((after - before).total_seconds() >= 1.0 for before, after in itertools.pairwise(moments))
    assert all("throttled" not in one for one in outcomes(scene, rakuten))


def test_rakuten_stops_when_its_key_ends(scene: Stage, rakuten: str) -> None:
    many(scene, rakuten, 1)
    rakuten_state(scene.malls[rakuten]).key_ends_at = scene.clock.now()
    scene.push()
    assert scene.shop(rakuten).paused == "GE0011"


def test_yahoo_renews_its_token_durably_and_goes_on(scene: Stage, yahoo: str) -> None:
    found = many(scene, yahoo, 2)
    yahoo_state(scene.malls[yahoo]).login.expire_access()
    scene.push_until(lambda: not scene.push(), seconds=30)
    assert [scene.shows(yahoo, key) for key in found] == [1, 1]
    with scene.house.pool.connection() as connection:
        kept = secrets.of_shop(connection, scene.house.seals, yahoo)["access_token"]
    assert kept.startswith("samplestore-access-")


def test_yahoo_stops_when_a_person_has_to_log_in_again(scene: Stage, yahoo: str) -> None:
    many(scene, yahoo, 1)
    yahoo_state(scene.malls[yahoo]).login.expire_refresh()
    scene.push()
    assert scene.shop(yahoo).paused == "relogin_needed"


def test_yahoo_answers_some_rows_with_an_error(scene: Stage, yahoo: str) -> None:
    found = many(scene, yahoo, 3)
    yahoo_state(scene.malls[yahoo]).partial = {f"{found[1].item}:{found[1].variant}": "st-02104"}
    scene.push_until(lambda: not scene.push(), seconds=30)
    assert [scene.shows(yahoo, key) for key in found] == [1, 9, 1]
    assert outcomes(scene, yahoo) == [["applied", "rejected", "applied"]]


def refuses_whole(bad: ListingKey) -> Mall:
    """A sandbox that refuses a request with this listing as a whole and names no row, unless it is alone in it."""
    mall = adapters.mall("sandbox")
    tell = mall.push_api
    assert callable(tell)

    def push_api(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
        if all(level.key != bad for level in levels):
            return tell(access, levels)
        return [Outcome(Result.REJECTED if len(levels) == 1 else Result.REFUSED, "whole")] * len(levels)

    return replace(mall, push_api=push_api)


def test_a_batch_refused_without_naming_a_row_is_halved_down_to_one(scene: Stage) -> None:
    with selling_at(scene, "sandbox", "one") as code:
        found = many(scene, code, 7)
        mall = refuses_whole(found[5])
        accesses = ShopAccesses(scene.house, mall_of=lambda _: mall)
        scene.opened.append(accesses)
        push.push_due(replace(scene.pushing, accesses=accesses))
        assert [scene.shows(code, key) for key in found] == [1, 1, 1, 1, 1, 9, 1]
        assert [len(one.listings) for one in sent(scene, code)] == [7, 3, 4, 2, 2, 1, 1]
        assert outcomes(scene, code).count(["rejected"]) == 1


def test_a_mall_with_one_limit_for_every_call_is_looked_at_and_told_without_meeting_it(scene: Stage) -> None:
    with selling_at(scene, "futureshop", "sampleshop") as code:
        key = ListingKey("item-0", "v0")
        scene.stock("SKU-0", 3)
        scene.listing(code, key, "SKU-0", shown=1)
        for units in (3, 4):
            scene.stock("SKU-0", units)
            scene.push()
            assert scene.shows(code, key) == units
        assert outcomes(scene, code) == [["applied"], ["applied"]]
