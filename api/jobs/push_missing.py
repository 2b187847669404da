"""What looks found missing: units sold at a mall whose orders were not told yet, and what explains them. Pure.

They are withheld until their orders come, or ten minutes pass (要確認).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.expected import CLOCKS_APART, Numbers, Sale
from ledger.terms import ListingKey

UNSEEN_SECONDS_MAX = 600.0


@dataclass(frozen=True, slots=True)
class Unseen:
    """What a look found missing at one listing, counted in listings. ``certain`` are sold; ``possible`` may be: a known order
    was placed too near the push to say whether it explains them. Orders told after ``known_position`` explain them, when they
    were placed between ``sold_after`` (the number before the look was set then) and the look.
    """

    shop: str
    key: ListingKey
    sku: str
    units_per_listing: int
    certain: int
    possible: int
    sold_after: datetime
    seen_at: datetime
    known_position: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """Units not to be told: ``certain_units`` of the SKU anywhere, ``possible_units`` only by a raise of that listing."""

    certain_units: int = 0
    possible_units: int = 0


@dataclass(frozen=True, slots=True)
class Base:
    """A number the mall had or may have had, and between which times that began; orders told after ``position`` came on top."""

    units: int
    begin: datetime
    until: datetime
    position: int
    is_read: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """Listings that a look found missing, see ``Unseen``."""

    certain: int = 0
    possible: int = 0
    sold_after: datetime | None = None


def unseen_at(numbers: Numbers, *, read_units: int, read_at: datetime, doubts: Sequence[Base] = ()) -> Missing:
    """Listings sold at the mall that no told order explains, given what a look read just now.

    ``numbers`` are those before the look. Possible are those that only orders too near the last push would explain.
    ``doubts``: numbers that requests without a known answer may have set since.
    """
    base = base_of(numbers)
    if base is None or base.until > read_at:
        return Missing()
    most, least = 0, None
    # A request without an answer may have arrived behind the number told or read after it, as long as it was on its way.
    bases = (base, *(doubt for doubt in doubts if doubt.position >= base.position or doubt.until > base.begin))
    for one in bases:
        after, near = sold_since(numbers.sales, one)
        units = one.units - after
        if one is base and not base.is_read:  # what the mall put back by itself
            units = max(units, numbers.expected_units or 0)
        most = max(most, units - read_units)
        least = units - near - read_units if least is None else min(least, units - near - read_units)
    certain = max(0, least or 0)
    return Missing(certain, most - certain, max(one.until for one in bases))


def outstanding(entries: Sequence[Unseen], sales: Sequence[Sale], now: datetime) -> Withheld:
    """What is still withheld of one listing's entries; after UNSEEN_SECONDS_MAX nothing is any more (要確認)."""
    certain = possible = 0
    for entry, left_certain, left_possible in left_of(entries, sales):
        if now - entry.seen_at < timedelta(seconds=UNSEEN_SECONDS_MAX):
            certain += left_certain * entry.units_per_listing
            possible += left_possible * entry.units_per_listing
    return Withheld(certain, possible)


def left_of(entries: Sequence[Unseen], sales: Sequence[Sale]) -> list[tuple[Unseen, int, int]]:
    """Each entry of one listing, oldest first, with what no order explains: (certain, possible).

    An order explains a unit when it was told since and placed before the look; one order explains each unit once.
    """
    used: dict[int, int] = {}
    found = []
    for entry in sorted(entries, key=lambda one: one.seen_at):
        certain, possible = entry.certain, entry.possible
        for at, sale in enumerate(sales):
            if not _explains(sale, entry):
                continue
            take = min(sale.quantity - used.get(at, 0), certain + possible)
            used[at] = used.get(at, 0) + take
            possible -= max(0, take - certain)
            certain = max(0, certain - take)
        found.append((entry, certain, possible))
    return found


def explained_by_look(
    numbers: Numbers, entries: Sequence[Unseen], *, read_units: int, read_at: datetime
) -> list[tuple[Unseen, int, int]]:
    """Each entry of one listing, oldest first, after this look: (certain, possible). ``numbers`` are those before it.

    Between two looks with no push between them the number fell by what was sold between. Orders told since the first that
    its time cannot place, but of which more came than the number fell by, were placed before the first: they explain it.
    """
    base, found = base_of(numbers), left_of(entries, numbers.sales)
    if base is None or not base.is_read or base.until >= read_at or numbers.taken_back_position > base.position:
        return found  # what the mall puts back at a cancel hides what it sold
    after, near = sold_since(numbers.sales, base)
    # Those that explain by their time did so when they were told, and do not explain once more.
    by_time = sum(
        sale.quantity
        for sale in numbers.sales
        if sum(sold_since((sale,), base)) and any(_was_seen(sale, entry) for entry in entries)
    )
    left = after + near - max(0, base.units - read_units) - by_time
    told = []
    for entry, certain, possible in found:
        take = min(max(0, left), certain + possible) if entry.seen_at <= base.until else 0
        left -= take
        told.append((entry, max(0, certain - take), possible - max(0, take - certain)))
    return told


def sum_withheld(parts: Mapping[tuple[str, ListingKey], Withheld], own: tuple[str, ListingKey]) -> Withheld:
    """What is withheld from the listing ``own``: certain units of every listing of the SKU, possible ones of its own."""
    mine = parts.get(own, Withheld())
    return Withheld(sum(part.certain_units for part in parts.values()), mine.possible_units)


def _explains(sale: Sale, entry: Unseen) -> bool:
    """Whether the order is surely one of those the look found missing: told since, placed between the number and the look."""
    return sale.position > entry.known_position and _was_seen(sale, entry)


def _was_seen(sale: Sale, entry: Unseen) -> bool:
    """Whether its time says that it was placed between the number and the look."""
    return sale.ordered_at is not None and entry.sold_after < sale.ordered_at and sale.placed_before(entry.seen_at)


def base_of(numbers: Numbers) -> Base | None:
    """The newest number that is known: by a read, or by a push; None when there was neither."""
    read_at, until = numbers.read_at, numbers.applied_until
    if (
        read_at is not None
        and numbers.read_found
        and numbers.read_units is not None
        and (until is None or read_at >= until)
    ):
        return Base(numbers.read_units, read_at, read_at, numbers.read_known_position, is_read=True)
    if numbers.told_units is None or numbers.sent_at is None or until is None:
        return None
    return Base(numbers.told_units, numbers.sent_at, until, numbers.told_position)


def sold_since(sales: Sequence[Sale], base: Base) -> tuple[int, int]:
    """(surely after the base, too near it to say) listings sold by orders told after the base's position."""
    after = near = 0
    for sale in sales:
        if sale.position <= base.position:
            continue
        if sale.ordered_at is None:
            near += sale.quantity
        elif sale.ordered_at > base.until + CLOCKS_APART:
            after += sale.quantity
        elif not sale.placed_before(base.begin - CLOCKS_APART):
            near += sale.quantity
    return after, near
