"""A shop of every mall that is pushed by API, connected to the mall's emulator: what the contract judges."""

from collections.abc import Iterator

import pytest

import adapters
from tests.adapters.emulated import Connected, connected, key_of

PUSHING = [code for code, mall in adapters.malls().items() if callable(mall.push_api)]


@pytest.fixture(scope="module", params=PUSHING)
def pushing_mall(request: pytest.FixtureRequest) -> Iterator[Connected]:
    with connected(adapters.mall(request.param)) as found:
        yield found


@pytest.fixture
def shop(pushing_mall: Connected) -> Iterator[Connected]:
    """A connected shop without faults whose mall shows 9 of the first three listings, after one call that went well."""
    pushing_mall.goes_well()
    pushing_mall.shop.stock.clear()
    pushing_mall.shop.pushes.clear()
    pushing_mall.shop.outbox.clear()
    for number in (1, 2, 3):
        pushing_mall.shop.set_stock(key_of(pushing_mall.mall, number), 9)
    pushing_mall.push((key_of(pushing_mall.mall, 3), 9))
    yield pushing_mall
    pushing_mall.goes_well()
