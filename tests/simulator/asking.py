"""Orders of a world that come by asking the malls too: late, again, and before or behind their mails."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from api.jobs.intake import Intake
from api.jobs.order_polling import OrderPolling
from api.jobs.relink import ProjectedListings
from api.shop_access import ShopAccesses
from api.tables import order_polls
from api.wiring import House
from tests.simulator.malls import Shop
from tests.simulator.truth import Truth

PAGES_MAX = 20


class Asking:
    """The steps of a worker that asks the shops of ``asked`` for orders and takes what they say."""

    def __init__(self, house: House, accesses: ShopAccesses, asked: Mapping[str, Shop], truth: Truth) -> None:
        self._house = house
        self._asked = asked
        self._truth = truth
        self._polling = OrderPolling(house, accesses)
        self._intake = Intake(house, ProjectedListings(house.database.schema))

    def begin(self) -> None:
        """The shops are asked from now on."""
        now = self._house.clock.now()
        with self._house.pool.connection() as connection:
            connection.execute("DELETE FROM order_polls")
            for code in self._asked:
                order_polls.begin(connection, code, done_until=now - timedelta(minutes=1), now=now)

    def step(self, folded: Callable[[], object]) -> int:
        """Pages that are due were asked for and taken; how many orders are told now that were not."""
        for _ in range(PAGES_MAX):
            if not self._polling.step():
                break
        folded()
        while self._intake.step():
            folded()
        return self._told()

    def _told(self) -> int:
        """Orders that the allocation has by now, whichever way they came."""
        waiting = [
            sale for sale in self._truth.sales if sale.shop in self._asked and sale.order not in self._truth.told
        ]
        numbers = [sale.order.partition("/")[2] for sale in waiting]
        with self._house.pool.connection() as connection:
            rows = connection.execute(
                "SELECT DISTINCT shop, order_number FROM inbox"
                " WHERE state = 'read' AND order_number = ANY (%s) AND shop = ANY (%s)",
                (numbers, list(self._asked)),
            ).fetchall()
        found = {f"{code}/{number}" for code, number in rows}
        self._truth.told |= found
        return len(found)
