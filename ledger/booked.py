"""What an order holds: allocations made, and what is left of them, read back from the booked lists of the order's facts."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ledger.facts.order import Booked

TAKES = ("allocated", "counted")


class Part(Struct, frozen=True):
    """What one allocation took from one SKU stream. ``each``: units for one of the SKU told; ``how``: allocated or counted."""

    sku: str
    each: int
    how: str


class Entry(Struct, frozen=True):
    """One allocation the order holds: ``open_units`` and ``shipped_units`` of the SKU told, by the recipe of that day."""

    told: str
    recipe_version: int
    parts: tuple[Part, ...]
    open_units: int
    shipped_units: int = 0


class Holding(Struct, frozen=True):
    """What is held: ``entries`` oldest first; ``ever_units`` allocated so far by SKU told, given back or not;
    ``undecided`` units by SKU stream that wait for a person (欠品調査中).
    """

    entries: tuple[Entry, ...] = ()
    ever_units: Mapping[str, int] = field(default_factory=dict)
    undecided: Mapping[str, int] = field(default_factory=dict)

    def held_units(self, told: str) -> int:
        """Open and shipped units of the SKU told."""
        return sum(entry.open_units + entry.shipped_units for entry in self.entries if entry.told == told)

    def shipped_units(self, told: str) -> int:
        """Units of the SKU told that have left."""
        return sum(entry.shipped_units for entry in self.entries if entry.told == told)

    def left_parts(self, told: str, units: int, *, already: int) -> dict[str, int]:
        """What ``units`` of the SKU told that have left took from each SKU stream, newest allocation first, behind the
        ``already`` first ones.
        """
        parts: dict[str, int] = {}
        for entry in reversed([one for one in self.entries if one.told == told]):
            passed = min(already, entry.shipped_units)
            count = min(units, entry.shipped_units - passed)
            already, units = already - passed, units - count
            for part in entry.parts if count else ():
                parts[part.sku] = parts.get(part.sku, 0) + part.each * count
        return parts


class Row(Struct, frozen=True):
    """One row of a fact's booked lists."""

    how: str
    told: str
    told_units: int
    sku: str
    units: int
    recipe: int
    to: str


def after(holding: Holding, fact: Booked) -> Holding:
    """What is held after the fact. Never raises."""
    if not fact.booked_how:
        return holding
    entries, ever, undecided = list(holding.entries), dict(holding.ever_units), dict(holding.undecided)
    rows = list(rows_of(fact))
    for how, told, units, recipe, parts in _groups(rows):
        if how == "allocated":
            entries.append(Entry(told, recipe, parts, units))
            ever[told] = ever.get(told, 0) + units
        elif how in ("released", "shipped"):
            entries = take(entries, told, units, ship=how == "shipped")
    for row in rows:
        if row.how == "released" and row.to == "undecided":
            undecided[row.sku] = undecided.get(row.sku, 0) + row.units
        elif row.how == "settled":
            undecided[row.sku] = undecided.get(row.sku, 0) - row.units
        elif row.how == "reversed":
            entries = [_not_counted(entry, row) for entry in entries]
    return Holding(tuple(entries), ever, {sku: units for sku, units in undecided.items() if units})


def moved(holding: Holding, from_sku: str, into_sku: str, told: str, *, undecided: bool) -> Holding:
    """What is held when the parts of ``from_sku`` are of ``into_sku``; ``told`` "": of all entries, else of that SKU told."""
    entries = tuple(
        replace(entry, parts=tuple(_moved(part, from_sku, into_sku) for part in entry.parts))
        if told in ("", entry.told)
        else entry
        for entry in holding.entries
    )
    waiting = dict(holding.undecided)
    if undecided and (units := waiting.pop(from_sku, 0)):
        waiting[into_sku] = waiting.get(into_sku, 0) + units
    return Holding(entries, holding.ever_units, waiting)


def _moved(part: Part, from_sku: str, into_sku: str) -> Part:
    return Part(into_sku, part.each, "allocated") if part.sku == from_sku else part


def rows_of(fact: Booked) -> Iterable[Row]:
    """The parallel lists of the fact, row by row."""
    columns = zip(
        fact.booked_how,
        fact.booked_told,
        fact.booked_told_units,
        fact.booked_skus,
        fact.booked_units,
        fact.booked_recipes,
        fact.booked_to,
        strict=True,
    )
    return (Row(*row) for row in columns)


def take(entries: Sequence[Entry], told: str, units: int, *, ship: bool) -> list[Entry]:
    """``units`` of the SKU told leave the open units, newest allocation first; shipped ones are remembered."""
    left, kept = units, list(entries)
    for n in range(len(kept) - 1, -1, -1):
        entry = kept[n]
        if entry.told != told or not left:
            continue
        count = min(left, entry.open_units)
        shipped = entry.shipped_units + (count if ship else 0)
        kept[n] = replace(entry, open_units=entry.open_units - count, shipped_units=shipped)
        left -= count
    return [e for e in kept if e.open_units or e.shipped_units]


def _not_counted(entry: Entry, row: Row) -> Entry:
    if entry.told != row.told:
        return entry
    return replace(entry, parts=tuple(replace(p, how="allocated") if p.sku == row.sku else p for p in entry.parts))


def _groups(rows: Sequence[Row]) -> Iterable[tuple[str, str, int, int, tuple[Part, ...]]]:
    """Rows of one booking stand together: one of a plain SKU, or one a component of a set.

    A release that goes to two places has its further rows behind, with ``told_units`` 0: they take nothing again.
    """
    at = 0
    while at < len(rows):
        first, parts = rows[at], []
        seen: set[str] = set()  # a recipe names a component once: the same one again begins the next booking
        while at < len(rows) and _same(rows[at], first) and rows[at].sku not in seen:
            seen.add(rows[at].sku)
            parts.append(Part(rows[at].sku, rows[at].units // max(1, first.told_units), rows[at].how))
            at += 1
        how = "allocated" if first.how in TAKES else first.how
        yield how, first.told, first.told_units, first.recipe, tuple(parts)


def _same(row: Row, first: Row) -> bool:
    if row is first:
        return True
    kind = row.how == first.how or (row.how in TAKES and first.how in TAKES)
    one = (row.told, row.told_units, row.recipe) == (first.told, first.told_units, first.recipe)
    return kind and one and first.recipe != 0
