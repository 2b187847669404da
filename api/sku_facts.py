"""Everything known of one SKU: its codes, numbers, listings, sets and holds; for the command line and GraphQL."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.jobs import unify
from api.projecting import catch_up
from api.stock_rows import stock_rows
from api.wiring import House
from ledger import hold as holds
from ledger import keys, sku
from ledger.codes import CHAIN_MAX
from ledger.sku import SkuState
from projections import skus
from projections.reading import PAGE_ROWS_MAX
from projections.skus import SkuRow

HOLDS_MAX = 100


@dataclass(frozen=True, slots=True)
class HoldNow:
    """A running hold of the SKU."""

    hold: str
    reference: str
    units: int
    ends_at: str | None


@dataclass(frozen=True, slots=True)
class SkuKnown:
    """One SKU. ``asked`` is the code that was asked for, which may be another code of it. ``stock`` as ``stock_rows`` has it.

    ``codes`` mean this SKU, up to a page of them; ``components`` are those of the set it is, with their units.
    """

    asked: str
    sku: str
    name: str
    jan: str
    product: str
    registered: bool
    codes: tuple[SkuRow, ...]
    components: tuple[tuple[str, int], ...]
    sets: tuple[str, ...]
    holds: tuple[HoldNow, ...]
    open_orders: int
    stock: Mapping[str, object] | None


def known(house: House, code: str) -> SkuKnown | None:
    """What the code means and all that is known of it; None: it was never mentioned."""
    catch_up(house)
    meant, state = _meant(house, code)
    rows = stock_rows(house, [meant])
    if not rows and state == sku.FOLD.initial:
        return None
    promised = unify.promised_of(house, meant)
    with house.pool.connection() as connection:
        codes = skus.meaning(connection, house.database.schema, meant, first=PAGE_ROWS_MAX)
    return SkuKnown(
        code,
        meant,
        state.name,
        state.jan,
        state.product,
        state.registered,
        codes.rows,
        tuple(zip(state.recipe.components, state.recipe.units, strict=True)),
        tuple(sorted(state.sets)),
        tuple(_hold(house, name) for name in sorted(promised.holds)[:HOLDS_MAX]),
        len(promised.orders),
        rows[0] if rows else None,
    )


def _meant(house: House, code: str) -> tuple[str, SkuState]:
    for _ in range(CHAIN_MAX):
        state = house.look(keys.sku(code), sku.FOLD)
        if state.stands_for is None:
            return code, state
        code = state.stands_for
    return code, house.look(keys.sku(code), sku.FOLD)


def _hold(house: House, name: str) -> HoldNow:
    hold = house.look(keys.hold(name), holds.FOLD)
    return HoldNow(name, hold.reference, hold.units, None if hold.ends_at is None else hold.ends_at.isoformat())
