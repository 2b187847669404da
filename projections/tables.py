"""Every table of the projections, in the order they are shown."""

from projections import change_log, drift, holds, imports, listings, orders, oversells, push_log, shops, skus
from projections.table import Table

TABLES: tuple[Table, ...] = (
    change_log.TABLE,
    push_log.TABLE,
    listings.TABLE,
    orders.TABLE,
    shops.TABLE,
    imports.TABLE,
    drift.TABLE,
    holds.TABLE,
    oversells.TABLE,
    skus.TABLE,
)

# Which tables a long replay feeds side by side, each lane by a process of its own.
LANES: tuple[tuple[Table, ...], ...] = (
    (listings.TABLE,),
    (change_log.TABLE, push_log.TABLE, imports.TABLE, drift.TABLE, holds.TABLE),
    (orders.TABLE, shops.TABLE, oversells.TABLE, skus.TABLE),
)


class TableUnknown(ValueError):
    """There is no table of this name."""


def named(name: str) -> Table:
    """The table of this name. Raises TableUnknown."""
    found = next((table for table in TABLES if table.name == name), None)
    if found is None:
        raise TableUnknown(f"there is no table {name!r}; expected one of {', '.join(table.name for table in TABLES)}")
    return found
