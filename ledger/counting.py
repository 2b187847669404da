"""Numbers that are stated: 上書き (the number was n at a time, and knows these sales) and 追加 (a mall's part, summed in).

A count speaks of one moment and of some shops' sales; what it could not know is applied on top (D2). ``Covers`` says which.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.facts.stock import SetUpPartReplaced, StockAdded, StockOverwritten
from ledger.levels import EVERY_SHOP, Count, Level
from ledger.stock import Stock, set_to
from ledger.terms import UNITS_MAX, UnitsNotAccepted, checked_units, utc_text


class OwedUnits(ValueError):
    """The SKU has 不足 lines: say whether the number is before or after the owed orders (D14)."""


@dataclass(frozen=True, slots=True)
class Covers:
    """Which sales are inside a counted number: parallel lists, see StockOverwritten."""

    shops: tuple[str, ...]
    up_to: tuple[str, ...]
    up_to_position: tuple[int, ...]

    def __post_init__(self) -> None:
        assert len(self.shops) == len(self.up_to) == len(self.up_to_position), self


@dataclass(frozen=True, slots=True)
class Seen:
    """Numbers other malls stated when one was chosen (D5)."""

    shops: tuple[str, ...] = ()
    units: tuple[int, ...] = ()
    counted_at: tuple[str, ...] = ()


def carry_on(covers: Covers, counts: Iterable[Count], level: Level) -> Covers:
    """The covers with what the number takes over from the counts before it.

    A number that knows a shop's sales up to a position knows what the count of that position knew: orders placed before that
    count and told later are inside this number too. ``counts`` are all of the SKU's; those before its last 上書き are void.
    """
    if not any(covers.up_to_position):
        return covers
    own = () if level.own_count is None else (level.own_count,)
    valid = {count.shop: count for count in (*own, *counts) if count.position >= level.counted_position}
    entries: dict[str, tuple[str, int]] = {}
    for shop, up_to, known in zip(covers.shops, covers.up_to, covers.up_to_position, strict=True):
        before = valid.get(shop) or valid.get(EVERY_SHOP)
        entries[shop] = (up_to if known == 0 else _taken_over(before, known), known)
    known_of_every = entries.get(EVERY_SHOP, ("", 0))[1]
    if known_of_every:  # a shop that was counted by itself stays so
        for shop, count in valid.items():
            entries.setdefault(shop, (_taken_over(count, known_of_every), known_of_every))
    return Covers(
        tuple(entries), tuple(up_to for up_to, _ in entries.values()), tuple(known for _, known in entries.values())
    )


def _taken_over(count: Count | None, known_position: int) -> str:
    return "" if count is None or count.up_to is None or count.position > known_position else utc_text(count.up_to)


def owed_units(stock: Stock, applied_on_top: int, target: str = "available") -> int:
    """Units owed (不足) at the time of a number: those that are owed now, less what was sold since and comes on top anyway."""
    return max(0, stock.short_units + applied_on_top) if target == "available" and stock.short_units else 0


def overwrite(
    stock: Stock,
    units: int,
    *,
    covers: Covers,
    applied_on_top: int,
    target: str = "available",
    owed: str | None = None,
    import_id: str | None = None,
    row: int | None = None,
    seen: Seen | None = None,
) -> StockOverwritten:
    """上書き: the number was ``units`` at the envelope's time; ``applied_on_top`` moved since or could not be known.

    ``target`` on_hand (実): ``applied_on_top`` counts changes of on_hand. ``owed``: "before" (the number is before the
    owed orders: they come on top) or "after"; needed when the SKU had 不足 lines at that time (``owed_units``). An equal
    number with a newer time is a fact too. Raises UnitsNotAccepted, OwedUnits.
    """
    assert target in ("available", "on_hand"), target
    assert owed in (None, "before", "after"), owed
    checked_units(units)
    owing = owed_units(stock, applied_on_top, target)
    if owing and owed is None:
        raise OwedUnits(
            f"{owing} units are owed (不足); expected to be told whether {units} is before or after the owed orders"
        )
    if owed == "before":
        applied_on_top -= owing
    after = units + applied_on_top - (stock.allocated_units if target == "on_hand" else 0)
    return StockOverwritten(
        target=target,
        units=units,
        applied_on_top=applied_on_top,
        import_id=import_id,
        row=row,
        covers_shops=list(covers.shops),
        covers_up_to=list(covers.up_to),
        covers_up_to_position=list(covers.up_to_position),
        seen_shops=list(seen.shops) if seen else [],
        seen_units=list(seen.units) if seen else [],
        seen_counted_at=list(seen.counted_at) if seen else [],
        **set_to(stock, after),
    )


def add(
    stock: Stock,
    units: int,
    *,
    shop: str | None,
    applied_on_top: int = 0,
    import_id: str | None = None,
    row: int | None = None,
) -> StockAdded:
    """追加: ``units`` more. A SKU without a number gets one. Below zero is allowed and reported (D33). Raises UnitsNotAccepted."""
    if not -UNITS_MAX <= units <= UNITS_MAX:
        raise UnitsNotAccepted(f"units to add: {units}; expected -{UNITS_MAX:,} to {UNITS_MAX:,}")
    base = stock.available_units
    # A number set for the first time starts from the orders that are already open, as an overwrite does.
    start = 0 if base is None else base
    return StockAdded(
        units=units,
        shop=shop,
        applied_on_top=applied_on_top,
        import_id=import_id,
        row=row,
        **set_to(stock, start + units + applied_on_top),
    )


def replace_part(
    stock: Stock,
    shop: str,
    units_before: int,
    units: int,
    *,
    applied_on_top: int = 0,
    import_id: str | None,
    row: int | None,
) -> SetUpPartReplaced:
    """A second 追加 of one shop replaces the part it gave before (D6). Raises UnitsNotAccepted.

    ``applied_on_top`` gives back what the shop sold between the two times: it is inside the second number, and was taken off.
    """
    checked_units(units)
    start = stock.available_units or 0
    return SetUpPartReplaced(
        shop=shop,
        units_before=units_before,
        units_after=units,
        applied_on_top=applied_on_top,
        import_id=import_id,
        row=row,
        **set_to(stock, start + units - units_before + applied_on_top),
    )
