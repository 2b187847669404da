"""What malls say of orders, as hypothesis draws it: histories of one order, orders that are split and merged, and how they arrive.

A history is a set of tellings, links and shipments, in the order in which the mall says them. What is left out, and why,
stands at the top of ``ledger/order.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from hypothesis import strategies as some

from ledger.facts.order import ShipmentTold
from ledger.terms import CancelReason, Door, OrderState, Telling, TellingLine
from tests.ledger.words import DAY, NUMBER, telling

# Item code of the API to SKU and 入数; mails write the code with "goods-" before it.
LISTINGS = {"a": ("A", 1), "a3": ("A", 3), "b": ("B", 1), "set": ("SET", 1), "fba": ("C", 1)}
SKUS = ("A", "B", "C", "D")
DOORS = (Door.MAIL, Door.CSV, Door.WEBHOOK, Door.API)
SOLD_AGAIN = (CancelReason.BUYER, CancelReason.UNPAID)
REASONS = (*SOLD_AGAIN, CancelReason.OUT_OF_STOCK, CancelReason.DEFECTIVE)
USUAL_CLOCK, BEFORE_THE_COUNT = "09:30", "07:30"


@dataclass(frozen=True)
class Link:
    """A person or a job links the lines of this code."""

    code: str


Step: TypeAlias = Telling | ShipmentTold | Link
Order: TypeAlias = dict[str, int]

orders_of_lines = some.dictionaries(some.sampled_from(sorted(LISTINGS)), some.integers(1, 4), min_size=1, max_size=4)


def told_by(door: Door, minute: int, content: Order, *, verified: bool = True, **more: Any) -> Telling:
    """A door tells this content of an order at this minute; mails know no seconds of its time and use other codes."""
    prefix = "goods-" if door is Door.MAIL else ""
    lines = [
        TellingLine(f"{prefix}{item}", "", quantity, line_id=str(n))
        for n, (item, quantity) in enumerate(content.items())
    ]
    usual = {"ordered": USUAL_CLOCK, **more}
    return telling(*lines, told=f"10:{minute:02}", door=door, verified=verified, **usual)


@some.composite
def histories(
    draw: some.DrawFn,
    number: str = NUMBER,
    clock: str = USUAL_CLOCK,
    reasons: Sequence[CancelReason] = REASONS,
    more: str = "",
) -> list[Step]:
    """What one order's mall says of it, in the order it says it: never twice at one time by one door.

    Either the order changes, and may be cancelled by its buyer; or it stays as it is, and may end in any way. Units that
    left, or were missed on the shelf, while more was believed to be ordered do not come back by a telling. ``more``: "dates",
    a mail may know only the day; "counted", an order that does not change may be inside the number of 08:00 (計上済).
    """
    content, changes = draw(orders_of_lines), draw(some.booleans())
    if more == "counted" and not changes:
        clock = BEFORE_THE_COUNT
    named: dict[str, Any] = {"number": number, "ordered": clock}
    steps: list[Step] = []
    for minute in range(draw(some.integers(1, 4))):
        door = draw(some.sampled_from(DOORS))
        verified = door is not Door.MAIL or draw(some.booleans())
        if minute and changes and draw(some.booleans()):
            content = draw(orders_of_lines)
        said = told_by(door, minute, content, verified=verified, **named)
        match draw(some.integers(0, 5)):
            case 0:
                said = replace(said, complete=False, lines=said.lines[:1])
            case 1:
                first = replace(said.lines[0], quantity=1, quantity_known=False)
                said = replace(said, lines=(first, *said.lines[1:]))
            case 2:
                said = replace(said, revision=minute + 1) if door in (Door.API, Door.WEBHOOK) else said
            case 3 if more == "dates" and minute and door is Door.MAIL:
                said = replace(said, ordered_at=None, ordered_on=DAY.date())
            case _:
                pass
        steps.append(said)
    if draw(some.booleans()):
        ends = cancels(content, SOLD_AGAIN, **named) if changes else endings(content, reasons, **named)
        steps.extend(draw(ends))
    steps.extend(Link(item) for item in sorted(content) if draw(some.booleans()))
    return steps


def cancels(content: Order, reasons: Sequence[CancelReason], **named: Any) -> some.SearchStrategy[list[Step]]:
    """The order is cancelled, whole or one unit of its first line, by any door; a mail may be unverified."""

    def cancelled(door: Door, reason: CancelReason, verified: bool, whole: bool) -> list[Step]:
        lines = {} if whole else {sorted(content)[0]: 1}
        said = told_by(door, 30, lines, verified=verified or door is not Door.MAIL, **named)
        return [replace(said, complete=False, state=OrderState.CANCELLED, reason=reason)]

    return some.builds(
        cancelled, some.sampled_from(DOORS), some.sampled_from(list(reasons)), some.booleans(), some.booleans()
    )


def endings(content: Order, reasons: Sequence[CancelReason], **named: Any) -> some.SearchStrategy[list[Step]]:
    """How an order ends: cancelled, shipped whole, in parcels of one SKU, or shipped and then cancelled."""
    sku = LISTINGS[sorted(content)[0]][0]

    def parcel(number: int, units: int) -> Step:
        return shipment(scope="sku", skus=[sku], units=[units], cumulative=False, slip=f"p{number}")

    parcels = some.lists(some.integers(1, 3), min_size=1, max_size=2)
    whole: list[Step] = [shipment(scope="whole")]
    returned = replace(
        told_by(Door.API, 30, {}, **named), complete=False, state=OrderState.CANCELLED, reason=CancelReason.BUYER
    )
    return some.one_of(
        cancels(content, reasons, **named),
        parcels.map(lambda units: [parcel(number, count) for number, count in enumerate(units)]),
        some.just(whole),
        some.just([*whole, returned]),
    )


def shipment(**more: Any) -> ShipmentTold:
    """Units left, as a CSV says."""
    usual: dict[str, Any] = {
        "skus": [],
        "listings": [],
        "units": [],
        "cumulative": True,
        "slip": "",
        "shipped_on": None,
    }
    return ShipmentTold(**{**usual, "source": "csv", **more})


@some.composite
def split(draw: some.DrawFn, number: str, clock: str) -> dict[str, list[Step]]:
    """An order that its mall splits: the first keeps a part, a second order has the rest."""
    whole = draw(orders_of_lines.filter(lambda content: sum(content.values()) > 1))
    part = {item: draw(some.integers(0, quantity)) for item, quantity in whole.items()}
    part = {item: quantity for item, quantity in part.items() if quantity}
    if not part or part == whole:
        item = next(iter(whole))
        part = {item: 1}
    rest = {item: left for item, quantity in whole.items() if (left := quantity - part.get(item, 0))}
    door = draw(some.sampled_from((Door.API, Door.WEBHOOK)))
    other = f"{number}-2"
    return {
        number: [
            told_by(door, 0, whole, number=number, ordered=clock, revision=1),
            told_by(door, 5, rest, number=number, ordered=clock, revision=2),
        ],
        other: [told_by(door, 5, part, number=other, ordered=clock, revision=1)],
    }


@some.composite
def merged(draw: some.DrawFn, number: str, clock: str) -> dict[str, list[Step]]:
    """Two orders of one buyer that become one: the second is cancelled, the first holds what both did."""
    first, second = draw(orders_of_lines), draw(orders_of_lines)
    both = {item: first.get(item, 0) + second.get(item, 0) for item in sorted({*first, *second})}
    other, api = f"{number}-2", Door.API
    gone = told_by(api, 6, {}, number=other, ordered=clock, revision=2)
    return {
        number: [
            told_by(draw(some.sampled_from((Door.MAIL, Door.API))), 0, first, number=number, ordered=clock),
            told_by(api, 5, both, number=number, ordered=clock, revision=2),
        ],
        other: [
            told_by(api, 1, second, number=other, ordered=clock, revision=1),
            replace(gone, complete=False, state=OrderState.CANCELLED, reason=CancelReason.BUYER),
        ],
    }


def arrivals(steps: Sequence[Step], chance: Any) -> list[Step]:
    """The steps in any order, some of them twice. The API answers in the order in which it is asked."""
    shuffled = [step for step in steps for _ in range(chance.choice((1, 1, 2)))]
    chance.shuffle(shuffled)
    answers = iter(sorted((s for s in shuffled if _is_answer(s)), key=lambda s: s.told_at))  # type: ignore[union-attr]
    return [next(answers) if _is_answer(step) else step for step in shuffled]


def _is_answer(step: Step) -> bool:
    return isinstance(step, Telling) and step.door is Door.API
