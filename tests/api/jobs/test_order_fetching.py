"""受注を期間指定で取り直す: the period is asked for at the mall, read, and changes nothing where all was known."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import order_fetching
from api.jobs.order_fetching import Fetching, NotAsked
from api.tables.inbox import READ
from ledger.book import shops
from tests.api.intake_rig import connect_shops, opened
from tests.api.jobs.test_order_polling import Asking, asking


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Iterator[Asking]:
    with asking(database, tmp_path, "rakuten") as found:
        yield found


def test_what_was_lost_is_fetched_again_and_what_is_known_stays(shop: Asking) -> None:
    shop.ask()
    known = shop.sell(2)
    shop.wait()
    shop.ask()
    lost = shop.sell(1)
    shop.wait(5)
    seen: list[int] = []
    house, now = shop.scene.house, shop.scene.clock.now()
    done, settled = order_fetching.fetch(
        house, shop.code, now - timedelta(hours=2), now, progress=lambda at: seen.append(at.orders)
    )
    assert (done.failures, dict(settled.states)) == (0, {(READ, ""): 1})
    assert (shop.allocated(), seen[0]) == (3, 0)
    assert {known.number, lost.number} == {number for number, _, _ in shop.kept()}
    again, settled = order_fetching.fetch(house, shop.code, now - timedelta(hours=2), now)
    assert (again.orders, settled.states.total(), shop.allocated()) == (0, 0, 3)


def test_asking_goes_on_where_it_was_after_a_period_of_long_ago(shop: Asking) -> None:
    shop.ask()
    before, now = shop.poll.done_until, shop.scene.clock.now()
    order_fetching.fetch(shop.scene.house, shop.code, now - timedelta(days=9), now - timedelta(days=8))
    assert shop.poll.done_until >= before
    order = shop.sell()
    shop.wait()
    shop.ask()
    assert (order.number, READ, "") in shop.kept()


def test_a_mall_that_does_not_answer_is_said_and_asked_again(shop: Asking) -> None:
    shop.ask()
    shop.scene.meets(shop.code, "status", status=503)
    done, _ = order_fetching.fetch(shop.scene.house, shop.code)
    assert done.failures == 1
    assert done.running, "the same page is asked for again"
    assert isinstance(order_fetching.standing(shop.scene.house, shop.code), Fetching)


def test_what_to_do_instead_is_said_where_the_mall_cannot_be_asked(shop: Asking) -> None:
    house, now = shop.scene.house, shop.scene.clock.now()
    with pytest.raises(NotAsked, match="within the last"):
        order_fetching.ask_for(house, shop.code, now - timedelta(days=4_000))
    house.book.do(shops.stop_intake(shop.code), house.by())
    with pytest.raises(NotAsked, match="--intake"):
        order_fetching.ask_for(house, shop.code)


def test_a_shop_without_keys_is_sent_to_its_order_csv(database: Database, tmp_path: Path) -> None:
    with opened(database, tmp_path) as house:
        connect_shops(house)
        with pytest.raises(NotAsked, match=r"service_secret.*daicho orders import FILE --shop rakuten-samplestore"):
            order_fetching.ask_for(house, "rakuten-samplestore")
