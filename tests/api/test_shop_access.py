"""A shop's access to its mall: addresses, corrections, secrets, and one process that renews them at a time."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import adapters
from adapters.kit.mall import Mall
from adapters.kit.profile import ProfileNotReadable
from adapters.yahoo_shopping.emulator import state_of
from api.database import Database
from api.shop_access import ConnectedShop, ShopAccesses, TurnNotGot, bases, plain_settings, profile_of, renews_secrets
from api.tables import secrets
from ledger.shop import Shop, ShopNotReady
from ledger.terms import ListingKey
from tests.api.jobs.pushing import Stage, selling_at, stage
from tests.ledger.rig import RealClock

CUP = ListingKey("cup", "blue")


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Stage]:
    with stage(database, tmp_path) as found:
        yield found


def test_addresses_and_corrections_are_settings_of_their_own() -> None:
    settings = {
        "seller_id": "x",
        "base.api": "http://127.0.0.1:1",
        "profile.api.busy_wait_seconds": "5",
        "mall.units_max": "9",
    }
    assert plain_settings(settings) == {"seller_id": "x"}
    assert bases(settings) == {"api": "http://127.0.0.1:1"}
    assert profile_of(adapters.mall("yahoo_shopping"), settings).number("api.busy_wait_seconds") == 5


def test_a_correction_of_another_type_or_name_is_refused() -> None:
    mall = adapters.mall("yahoo_shopping")
    for name, value in (("profile.api.busy_wait_seconds", "soon"), ("profile.api.nothing", "1")):
        with pytest.raises(ProfileNotReadable):
            profile_of(mall, {name: value})


def test_only_malls_that_give_tokens_are_called_by_one_process_at_a_time() -> None:
    assert renews_secrets(adapters.mall("yahoo_shopping"))
    assert not renews_secrets(adapters.mall("rakuten"))


def test_how_long_a_call_may_take_is_declared_or_follows_from_its_requests() -> None:
    def seconds(mall: Mall) -> float:
        return ConnectedShop("shop", Shop(), mall).call_seconds_max

    rakuten, yahoo = adapters.mall("rakuten"), adapters.mall("yahoo_shopping")
    assert seconds(rakuten) == rakuten.request_seconds_max
    assert seconds(yahoo) == 3 * yahoo.request_seconds_max
    assert seconds(replace(rakuten, call_seconds_max=75.0)) == 75.0


def test_a_shop_nobody_connected_has_no_access(scene: Stage) -> None:
    with pytest.raises(ShopNotReady):
        scene.pushing.accesses.connected("rakuten-402853")


def test_a_renewed_secret_is_durable_and_seen_by_the_same_access_and_the_next(scene: Stage) -> None:
    with selling_at(scene, "yahoo_shopping", "samplestore") as code:
        accesses = scene.pushing.accesses
        one = accesses.connected(code)
        with accesses.of(one) as access:
            access.remember("access_token", "renewed-token")
            assert access.secrets["access_token"] == "renewed-token"
            with scene.house.pool.connection() as connection:
                assert secrets.of_shop(connection, scene.house.seals, code)["access_token"] == "renewed-token"
            access.remember("authorization_code", "")
            assert access.secrets["authorization_code"] == ""
        with accesses.of(one) as access:
            assert access.secrets["access_token"] == "renewed-token"
            assert "authorization_code" not in access.secrets
            assert "renewed-token" not in repr(access)


def test_of_two_processes_that_find_a_token_expired_one_renews_it(scene: Stage) -> None:
    with selling_at(scene, "yahoo_shopping", "samplestore") as code:
        emulated = scene.malls[code]
        emulated.set_stock(CUP, 3)
        state_of(emulated).login.expire_access()
        patient = replace(scene.house, clock=RealClock())
        accesses = [ShopAccesses(patient), ShopAccesses(patient)]
        scene.opened += accesses
        one = accesses[0].connected(code)
        found: list[tuple[object, str]] = []

        def reads(by: ShopAccesses) -> None:
            mall = one.mall
            assert callable(mall.read_back)
            with by.of(one) as access:
                scene.clock.sleep(2)
                found.append((mall.read_back(access, [CUP]), access.secrets["access_token"]))

        threads = [threading.Thread(target=reads, args=(by,)) for by in accesses]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        tokens = {token for _, token in found}
        assert len(found) == 2
        assert all(isinstance(read, list) and read[0].units == 3 for read, _ in found)
        assert tokens == {"samplestore-access-000001"}


def test_a_mall_that_another_process_never_stops_calling_is_given_up(scene: Stage) -> None:
    with selling_at(scene, "yahoo_shopping", "samplestore") as code:
        one = scene.pushing.accesses.connected(code)
        other = scene.another_worker().accesses
        with scene.pushing.accesses.of(one), pytest.raises(TurnNotGot), other.of(one):
            pass
