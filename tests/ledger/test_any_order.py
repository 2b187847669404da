"""One order told by any doors, in any order and number, ends as it ends when it is told once and cleanly.

A history is a set of tellings, links and shipments of one order. It is told in its own order to one ledger, and shuffled,
repeated and partly joined into one commit to another; both must hold the same units and the same stock. I1, I2 and I4 are
checked after every commit (``given.Memory``). What is left out, and why, stands at the top of ``ledger/order.py``.
"""

from typing import Any

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as some

from ledger.book import Verb, orders, stock
from ledger.book.orders import Named
from ledger.facts.order import ShipmentTold
from ledger.terms import ListingKey
from tests.ledger.given import Memory, given, held_units, open_units
from tests.ledger.truths import LISTINGS, SKUS, Link, Step, arrivals, histories
from tests.ledger.words import NUMBER, R, at, counted, link


def shelf(stock_units: int, linked: set[str]) -> Memory:
    """So many of every SKU; only these listings are linked, the others wait."""
    ledger = given(now=at("23:00"))
    for code in SKUS:
        ledger.when(counted(code, stock_units, "08:00"))
    ledger.when(stock.define_set("SET", ["A", "D"], [2, 1]))
    for item in linked:
        ledger.when(_link(item))
    return ledger


def _link(item: str) -> Verb:
    sku, each = LISTINGS[item]
    return link(R, item, sku, each, excluded=item == "fba")


def tell(ledger: Memory, step: Step) -> list[Verb]:
    """The verbs of one step, as intake would ask them."""
    if isinstance(step, ShipmentTold):
        return [orders.tell_shipment(R, NUMBER, step)]
    if isinstance(step, Link):
        if not ledger.order(R, NUMBER).kept:
            return [_link(step.code)]
        codes = (step.code, f"goods-{step.code}")
        return [_link(step.code), *(orders.link_line(R, NUMBER, code, "", "", ListingKey(step.code)) for code in codes)]
    named = [Named(ListingKey(line.item.removeprefix("goods-"))) for line in step.lines]
    return [orders.take_order(R, step, named)]


def outcome(ledger: Memory) -> dict[str, Any]:
    """What must be the same: units held and open, stock, what is stated, and what waits to come back.

    Units that wait for a person (欠品調査中) count as on the shelf: whether the SKU was short when they were released is a
    matter of the moment.
    """
    order = ledger.order(R, NUMBER)
    said = ledger.stated(R, NUMBER)
    numbers = {
        code: ((now.on_hand_units or 0) + now.undecided_units, now.allocated_units, now.defective_units)
        for code in SKUS
        for now in (ledger.stock(code),)
    }
    return {
        "held": held_units(order),
        "open": open_units(order),
        "stock": numbers,
        "state": said.state,
        "verified": said.verified,
        "reviews": {code for code in said.reviews if not code.startswith("undecided")},
        "returned": dict(order.returned),
    }


def stated_units_bound(ledger: Memory) -> None:
    """The order holds exactly what is stated, or what has left of it."""
    order, said = ledger.order(R, NUMBER), ledger.stated(R, NUMBER)
    for told in said.ordered_units.keys() | {entry.told for entry in order.holding.entries}:
        most = max(said.units.get(told, 0), said.shipped.get(told, 0), order.holding.shipped_units(told))
        assert order.holding.held_units(told) == most, told
    for told, units in held_units(order).items():
        assert units <= said.ordered_units.get(told, 0) or order.holding.shipped_units(told) == units


@settings(max_examples=400)
@over(histories(), some.randoms(use_true_random=False), some.sampled_from([40, 40, 7]), some.booleans())
def test_any_order_of_arrival_ends_in_the_same_units(steps: list[Step], chance: Any, units: int, at_once: bool) -> None:
    late = {step.code for step in steps if isinstance(step, Link)}
    clean, mixed = shelf(units, set(LISTINGS) - late), shelf(units, set(LISTINGS) - late)
    for step in steps:
        for verb in tell(clean, step):
            clean.when(verb)
        stated_units_bound(clean)
    for step in arrivals(steps, chance):
        verbs = tell(mixed, step)
        if at_once:
            for answer in mixed.together(*verbs):
                assert not isinstance(answer, Exception), answer
        else:
            for verb in verbs:
                mixed.when(verb)
        stated_units_bound(mixed)
    for code in late:  # what was told after its listing was linked named it; what was told before waits for this
        for verb in tell(mixed, Link(code)):
            mixed.when(verb)
    assert outcome(mixed) == outcome(clean)
