"""R10: one poisonous message delays a page of others by a few commits, whatever it does to its reader."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs.intake import drain
from api.wiring import House
from tests.api.intake_rig import RAKUTEN, KnownListings, connect_shops, deliver, link, opened, set_stock, stock_of
from tests.bench.mail_senders import order_mail


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with opened(database, tmp_path) as house:
        connect_shops(house)
        yield house


def test_a_poisonous_row_delays_a_page_of_others_by_a_few_commits(house: House) -> None:
    listings = KnownListings(poison="poison-1")
    listings.codes[RAKUTEN, "abc-001"] = [link(house, RAKUTEN, "mug", "", "MUG")]
    set_stock(house, "MUG", 1_000)
    for n in range(100):
        deliver(house, order_mail(f"402853-20261120-{n:010}", "poison-1" if n == 37 else "abc-001"))
    before = house.writer.commits
    assert drain(house, listings)
    assert stock_of(house, "MUG")[1] == 99
    assert house.writer.commits - before <= 12
