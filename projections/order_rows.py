"""From an order as its stream says to the rows of the allocation list: one row for each line and each SKU that it takes.

What the order holds is shared out to its lines in their order. A set line has a row for each component; a line that takes
nothing (未紐付, 対象外, released) has one row without a ``part_sku``. Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import TypeAlias

from ledger.booked import Entry, Part
from ledger.facts.order import OrderTold
from ledger.order import Order, Stated, rank, stated
from ledger.terms import OrderState, utc_moment

JAPAN = timezone(timedelta(hours=9))
Row: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the first fact of an order's stream says: where it stands, when it was recorded, which way it came."""

    position: int
    recorded_at: datetime
    trace: str


@dataclass(slots=True)
class _Share:
    """What is left of one allocation to share out. Mutable: lines take from it one after the other."""

    entry: Entry
    open_units: int
    shipped_units: int


def rows_of(shop: str, number: str, order: Order, began: Beginning, position: int) -> Iterator[Row]:
    """The rows of one order after the fact of ``position``, in the order of ``orders.FIELDS``."""
    said = stated(order)
    head = _head(shop, number, order, said, began, position)
    shares = _shares(order)
    lines = list(zip(said.ordered_lines, said.lines, strict=True))
    last = {line.sku: n for n, (line, _) in enumerate(lines)}
    for n, (ordered, left) in enumerate(lines):
        quantity_left = 0 if said.cancelled else left.quantity
        codes = (ordered.item, ordered.variant, ordered.codes, ordered.listing, ordered.sku or None)
        line = (*codes, ordered.quantity, quantity_left, ordered.units, ordered.units_known, ordered.excluded)
        returned = order.awaited_units(ordered.sku) if last[ordered.sku] == n else 0
        units = None if last[ordered.sku] == n else ordered.units
        taken = [] if ordered.excluded else _taken(shares.get(ordered.sku, []), units)
        yield from _parts(head, n, line, returned, taken)
    without = [sku for sku in sorted(shares) if sku not in last]
    for n, sku in enumerate(without, start=len(lines)):  # held although no telling names it any more
        line = ("", "", "", "", sku, 0, 0, 0, True, False)
        yield from _parts(head, n, line, order.awaited_units(sku), _taken(shares[sku], None))
    if not lines and not without:  # a cancel or a shipment that came before its order
        yield from _parts(head, 0, ("", "", "", "", None, 0, 0, 0, True, False), 0, [])


def _shares(order: Order) -> dict[str, list[_Share]]:
    """What the order holds by SKU told: allocations of one kind together, however many tellings it took to make them."""
    alike: dict[tuple[str, int, tuple[Part, ...]], _Share] = {}
    for entry in order.holding.entries:
        share = alike.setdefault((entry.told, entry.recipe_version, entry.parts), _Share(entry, 0, 0))
        share.open_units += entry.open_units
        share.shipped_units += entry.shipped_units
    shares: dict[str, list[_Share]] = {}
    for (told, _, _), share in alike.items():
        shares.setdefault(told, []).append(share)
    return shares


def _taken(shares: list[_Share], units: int | None) -> list[tuple[Entry, int, int]]:
    """Up to ``units`` of the shares, oldest first: (allocation, open, shipped). None: all that is left."""
    taken = []
    for share in shares:
        held = share.open_units + share.shipped_units
        count = held if units is None else min(units, held)
        if count <= 0:
            continue
        shipped = min(count, share.shipped_units)
        share.shipped_units -= shipped
        share.open_units -= count - shipped
        taken.append((share.entry, count - shipped, shipped))
        if units is not None:
            units -= count
    return taken


def _parts(head: Row, n: int, line: Row, returned: int, taken: Iterable[tuple[Entry, int, int]]) -> Iterator[Row]:
    number = 0
    for entry, open_units, shipped_units in taken:
        for part in entry.parts:
            held = (part.sku, part.each, entry.recipe_version, part.how == "counted", open_units, shipped_units)
            yield (*head, n, number, *line, returned, *held)
            number += 1
    if number == 0:
        yield (*head, n, 0, *line, returned, None, 1, 0, False, 0, 0)


def _head(shop: str, number: str, order: Order, said: Stated, began: Beginning, position: int) -> Row:
    told = sorted((kept.told for kept in order.kept), key=rank)
    opens = [one for one in told if one.state != OrderState.CANCELLED]
    best = opens[-1] if opens else told[-1] if told else None
    reviews = " ".join(sorted(said.reviews))
    ordered_at, precision = _ordered(told)
    return (
        shop,
        number,
        began.position,
        position,
        began.recorded_at,
        began.trace,
        said.state,
        said.cancelled,
        said.reason,
        said.verified,
        reviews,
        None if best is None else best.door,
        ordered_at,
        precision,
        None if best is None else utc_moment(best.told_at),
        order.priority,
        order.assumed_shipped,
    )


def _ordered(told: Sequence[OrderTold]) -> tuple[datetime | None, str]:
    """When the mall took the order, as the richest exact telling says; a date alone is taken as its end in Japan (D2)."""
    dates = []
    for one in reversed(told):
        if one.ordered_at is not None and one.ordered_precision == "second":
            return utc_moment(one.ordered_at), "second"
        if one.ordered_at is not None:
            dates.append(one.ordered_at)
    if not dates:
        return None, "none"
    day = date.fromisoformat(dates[0])
    return datetime.combine(day + timedelta(days=1), time(), JAPAN), "date"
