"""Orders told before their product was there: their lines are linked when it is, and only to what they name."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import psycopg
import pytest

from adapters.kit.mail import write_mail
from api.database import Database
from api.jobs.intake import drain
from api.jobs.naming import CodedListing
from api.jobs.relink import ProjectedListings, Relink
from api.projecting import runner
from api.wiring import House
from ledger import keys
from ledger.book import shops
from ledger.order import FOLD, stated
from ledger.terms import ListingKey
from projections.runner import Runner
from tests.adapters.rakuten.mail_bodies import ORDER_SENDER, ORDER_SUBJECT, Item, order_text
from tests.api.intake_rig import (
    RAKUTEN,
    YAHOO,
    connect_shops,
    deliver,
    facts,
    link,
    nothing_waits,
    opened,
    rows,
    sample,
    set_stock,
    stock_of,
)

NUMBER = "402853-20261120-0000000001"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with opened(database, tmp_path) as house:
        connect_shops(house)
        yield house


@pytest.fixture
def projected(house: House) -> Iterator[Runner]:
    """Feeds the tables when it is asked to."""
    fed = runner(house)
    fed.run_once()
    yield fed
    fed.close()


@pytest.fixture
def relink(house: House) -> Relink:
    return Relink(house, ProjectedListings(house.database.schema))


def intake(house: House, projected: Runner) -> None:
    projected.run_once()
    nothing_waits(house, partial(drain, house, ProjectedListings(house.database.schema)))
    projected.run_once()


def lines(house: House, number: str = NUMBER) -> list[str]:
    return [line.sku for line in stated(house.look(keys.order(RAKUTEN, number), FOLD)).lines]


def test_a_mail_finds_its_listings_in_the_projection(house: House, projected: Runner) -> None:
    link(house, RAKUTEN, "page-1", "11", "SHIRT-11", codes=["c3ps390/11"])
    link(house, RAKUTEN, "page-2", "x", "MUG", codes=["abc-001", "abc-001/x"])
    link(house, RAKUTEN, "page-3", "y", "MUG", codes=["abc-002"])
    deliver(house, sample("rakuten", "order_iso2022jp"))
    intake(house, projected)
    assert lines(house) == ["SHIRT-11", "MUG"]


def test_a_code_of_another_shop_and_of_a_retired_listing_names_nothing(house: House, projected: Runner) -> None:
    link(house, YAHOO, "page-1", "11", "OTHER", codes=["c3ps390/11"])
    link(house, RAKUTEN, "page-0", "", "OLD", codes=["abc-001"])
    house.book.do(shops.retire_listings(RAKUTEN, [ListingKey("page-0")], "gone"), house.by())
    link(house, RAKUTEN, "page-2", "x", "MUG", codes=["abc-001"])
    deliver(house, sample("rakuten", "order_iso2022jp"))
    intake(house, projected)
    assert lines(house) == ["", "MUG"]


def test_a_code_that_is_another_listings_item_code_does_not_name_that_one(house: House, projected: Runner) -> None:
    link(house, RAKUTEN, "page-2", "x", "MUG", codes=["abc-001"])
    link(house, RAKUTEN, "abc-001", "", "ANOTHER", codes=["zzz"])
    deliver(house, sample("rakuten", "order_iso2022jp"))
    intake(house, projected)
    assert lines(house) == ["", "MUG"]


def test_a_line_is_linked_and_allocates_once_its_listing_is_there(
    house: House, projected: Runner, relink: Relink
) -> None:
    deliver(house, sample("rakuten", "order_iso2022jp"))
    intake(house, projected)
    assert lines(house) == ["", ""]
    nothing_waits(house, relink.step)
    assert facts(house, "LineLinked") == []
    set_stock(house, "SHIRT-11", 10)
    link(house, RAKUTEN, "page-1", "11", "SHIRT-11", codes=["c3ps390/11"])
    link(house, RAKUTEN, "page-2", "x", "OTHER", codes=["abc-001"])
    link(house, RAKUTEN, "page-3", "x", "ANOTHER", codes=["abc-001"])  # shared: it names none of the two
    assert relink.step() == 0  # the projection does not know of it yet
    projected.run_once()
    assert nothing_waits(house, relink.step) == 2
    assert lines(house) == ["SHIRT-11", ""]
    assert stock_of(house, "SHIRT-11") == (10, 2)
    projected.run_once()
    nothing_waits(house, relink.step)
    assert len(facts(house, "LineLinked")) == 1


def test_an_order_that_the_projection_was_too_late_for_is_linked_afterwards(
    house: House, projected: Runner, relink: Relink
) -> None:
    link(house, RAKUTEN, "page-2", "x", "MUG", codes=["abc-001"])
    projected.run_once()
    nothing_waits(house, relink.step)
    deliver(house, sample("rakuten", "order_iso2022jp"))
    nothing_waits(house, partial(drain, house, _Nothing(house.database.schema)))
    assert lines(house) == ["", ""]
    projected.run_once()
    nothing_waits(house, relink.step)
    assert lines(house) == ["", "MUG"]


def test_many_unlinked_lines_are_looked_at_page_by_page(house: House, projected: Runner, relink: Relink) -> None:
    for order in (1, 2):
        items = [Item(f"品{n}", f"code-{order}-{n}") for n in range(300)]
        number = f"402853-20261120-000000000{order}"
        raw = write_mail(
            subject=ORDER_SUBJECT,
            sender=ORDER_SENDER,
            recipient="shop@mail.test",
            sent_at=house.clock.now(),
            text=order_text(number, items),
            message_id=f"<{order}@example.com>",
        )
        deliver(house, raw)
    intake(house, projected)
    assert [row.state for row in rows(house)] == ["read", "read"]
    link(house, RAKUTEN, "last", "x", "LAST", codes=["code-2-299"])
    projected.run_once()
    assert relink.step() == 500
    assert relink.step() == 100
    assert lines(house, "402853-20261120-0000000002")[-1] == "LAST"


class _Nothing(ProjectedListings):
    """Listings that are not there yet."""

    def named(self, connection: psycopg.Connection, shop: str, codes: Sequence[str]) -> dict[str, list[CodedListing]]:
        return {}
