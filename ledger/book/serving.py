"""Which lines the units on hand serve: a person's priority, and 引当の付け替え (D19)."""

from ledger import keys
from ledger.book import Verb
from ledger.book.evidence import alone_fact, known
from ledger.book.orders import OrderNotAccepted
from ledger.facts.order import PrioritySet, ServedMoved
from ledger.order import Order
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

PRIORITY_MAX = 1_000_000


def set_priority(shop: str, number: str, priority: int) -> Verb:
    """The order is served before those of lower priority; 0 is usual. Raises OrderNotKnown, OrderNotAccepted."""
    if abs(priority) > PRIORITY_MAX:
        raise OrderNotAccepted(f"priority {priority}; expected -{PRIORITY_MAX:,} to {PRIORITY_MAX:,}")
    return alone_fact(
        "set_priority",
        shop,
        number,
        priority,
        lambda order: None if order.priority == priority else PrioritySet(priority=priority),
    )


def move_served(shop: str, number: str, code: str, units: int, to_shop: str, to_number: str) -> Verb:
    """引当の付け替え: units on hand that served this order serve the other one, as far as they do and it waits for them.

    ``code`` is the SKU that is allocated (of a set: the component). Both orders have open units of it.
    Raises OrderNotKnown, OrderNotAccepted.
    """
    if units <= 0:
        raise OrderNotAccepted(f"{units} units to move; expected 1 or more")
    if (shop, number) == (to_shop, to_number):
        raise OrderNotAccepted(f"order {number} is both; expected another order to serve")
    streams = (keys.order(shop, number), keys.order(to_shop, to_number))

    def decide(view: View) -> Decision:
        view.need(streams=streams)
        giving, taking = known(view, shop, number), known(view, to_shop, to_number)
        for name, order in ((number, giving), (to_number, taking)):
            if not open_units(order, code):
                raise OrderNotAccepted(f"order {name} has no open units of {code}; expected an order that waits for it")
        if units > open_units(giving, code):
            raise OrderNotAccepted(
                f"{units} units to move; expected 1 to {open_units(giving, code)}, the open units of order {number}"
            )
        moved = ServedMoved(sku=code, to_order=keys.order_name(to_shop, to_number), units=units)
        return Decision([Draft(streams[0], moved)])

    says = (shop, number, code, units, to_shop, to_number)
    return Verb("move_served", decide, says, Wanted(streams=set(streams)))


def open_units(order: Order, code: str) -> int:
    """Units of the SKU stream that the order holds and that have not left."""
    return sum(
        part.each * entry.open_units for entry in order.holding.entries for part in entry.parts if part.sku == code
    )
