"""Lines of an order: what tellings, cancels and shipments say of each, put together by the listing that a line names.

Two doors may name a product by different codes, and one order may have a listing in two lines: lines of one listing stand
together, and so do lines of one code while it is not linked.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ledger.facts.order import LineLinked, OrderTold, ShipmentTold
from ledger.terms import OrderState


class Line(Struct, frozen=True):
    """One line as the order states it after all tellings. ``sku`` "" is 未紐付; ``excluded`` is 対象外."""

    item: str
    variant: str
    codes: str
    listing: str
    sku: str
    quantity: int
    units: int
    units_known: bool
    excluded: bool

    @property
    def key(self) -> tuple[str, ...]:
        """What makes lines of two tellings one line: the listing, or else the code as told."""
        return (self.listing,) if self.listing else (self.item, self.variant)


class Name(Struct, frozen=True):
    """What a line's codes stand for."""

    listing: str
    sku: str
    units_per_listing: int
    excluded: bool


Names: TypeAlias = Mapping[tuple[str, str], Name]
Groups: TypeAlias = dict[tuple[str, ...], list[Line]]


def names_of(tellings: Iterable[OrderTold], links: Iterable[LineLinked]) -> Names:
    """What the codes of an order's lines stand for, as far as any of its tellings or links knows."""
    names: dict[tuple[str, str], Name] = {}
    for told in tellings:
        for n, sku in enumerate(told.skus):
            if sku:
                each = told.units[n] // told.quantities[n]
                names[told.items[n], told.variants[n]] = Name(told.listings[n], sku, each, told.marks[n] == "excluded")
    for link in links:
        names[link.item, link.variant] = Name(link.listing, link.sku, link.units_per_listing, link.mark == "excluded")
    return names


def lines_of(told: OrderTold, names: Names) -> Groups:
    """The lines of one telling, by ``Line.key``."""
    groups: Groups = {}
    for n, codes in enumerate(zip(told.items, told.variants, strict=True)):
        quantity, units = told.quantities[n], told.units[n]
        name = Name(told.listings[n], told.skus[n], 0, told.marks[n] == "excluded")
        if not name.sku and codes in names:
            name = names[codes]
            units = quantity * name.units_per_listing
        known = told.units_known[n]
        line = Line(*codes, told.codes[n], name.listing, name.sku, quantity, units, known, name.excluded)
        groups.setdefault(line.key, []).append(line)
    return groups


def together(tellings: Sequence[tuple[OrderTold, bool]], names: Names) -> list[Line]:
    """The lines that tellings, poorest first, state together; each with whether it is trusted.

    A trusted whole telling says all, a trusted other one what it names. An unverified one, or a parcel's, may add units and
    never take them away (D7). A cancel says nothing here, but a trusted one of the whole order names its lines.
    """
    groups: Groups = {}
    opens: list[Groups] = []
    for told, trusted in tellings:
        said = lines_of(told, names)
        if told.state != OrderState.CANCELLED:
            opens.append(said)
        elif not (trusted and told.complete and said):
            continue
        if trusted and told.complete:
            groups = dict(said)
        elif trusted and told.state != OrderState.SHIPPED:
            groups.update(said)
        else:
            groups.update({k: lines for k, lines in said.items() if quantity(lines) >= quantity(groups.get(k, []))})
    return [line for key, lines in groups.items() for line in _known(key, lines, opens)]


def quantity(lines: Iterable[Line]) -> int:
    """Quantities of the lines, counted in listings."""
    return sum(line.quantity for line in lines)


def units_of(lines: Iterable[Line]) -> dict[str, int]:
    """Units by SKU told; 未紐付 and 対象外 lines have none."""
    units: dict[str, int] = {}
    for line in lines:
        if line.sku and not line.excluded:
            units[line.sku] = units.get(line.sku, 0) + line.units
    return units


def _known(key: tuple[str, ...], lines: list[Line], told: Sequence[Groups]) -> list[Line]:
    """A quantity that one telling left out is taken from another that says it; never less than the one unit there is."""
    if all(line.units_known for line in lines):
        return lines
    better = [said[key] for said in told if key in said and all(line.units_known for line in said[key])]
    best = max(better, key=quantity, default=lines)
    return best if quantity(best) >= quantity(lines) else lines


def less_cancelled(lines: Iterable[Line], cancels: Iterable[OrderTold], names: Names) -> list[Line]:
    """The lines after cancels that name lines took their quantities off."""
    off: dict[tuple[str, ...], int] = {}
    for cancel in cancels:
        for key, named in lines_of(cancel, names).items():
            off[key] = max(off.get(key, 0), quantity(named))
    after = []
    for line in lines:
        less = min(off.get(line.key, 0), line.quantity)
        if less:
            off[line.key] -= less
            each = line.units // line.quantity
            after.append(replace(line, quantity=line.quantity - less, units=line.units - less * each))
        else:
            after.append(line)
    return after


def shipped_units(
    shipments: Iterable[ShipmentTold], tellings: Iterable[OrderTold], lines: Iterable[Line], names: Names
) -> dict[str, int]:
    """Units told to have left by shipments of SKUs or listings, and by tellings of parcels; by SKU told.

    A number that counts all parcels so far and parcels told one by one say the same thing twice: the larger holds.
    """
    each = {line.listing: line for line in lines if line.listing and line.sku}
    most: dict[str, int] = {}
    parcels: dict[tuple[str, str], int] = {}
    for shipment in shipments:
        for sku, units in _shipped_units(shipment, each).items():
            if shipment.cumulative:
                most[sku] = max(most.get(sku, 0), units)
            else:
                parcels[sku, shipment.slip] = max(parcels.get((sku, shipment.slip), 0), units)
    for told in tellings:
        for sku, units in units_of(line for named in lines_of(told, names).values() for line in named).items():
            most[sku] = max(most.get(sku, 0), units)
    for sku in {sku for sku, _ in parcels}:
        most[sku] = max(most.get(sku, 0), sum(units for (of, _), units in parcels.items() if of == sku))
    return most


def _shipped_units(shipment: ShipmentTold, each: Mapping[str, Line]) -> dict[str, int]:
    units: dict[str, int] = {}
    pairs: Iterable[tuple[str, int]] = zip(shipment.skus, shipment.units, strict=True)
    if shipment.scope == "listing":
        found = zip((each.get(name) for name in shipment.listings), shipment.units, strict=True)
        pairs = [(line.sku, count * line.units // line.quantity) for line, count in found if line is not None]
    for sku, count in pairs:
        units[sku] = units.get(sku, 0) + count
    return units
