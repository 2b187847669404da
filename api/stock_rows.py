"""SKUs as they are now, each with what its listings show: for the command line."""

from collections.abc import Mapping, Sequence

from api.cli.output import Cell
from api.wiring import House
from ledger.reading import Selects, stock_levels
from ledger.terms import MAIN_PLACE
from projections import listing_list
from projections.assumed import estimated

COLUMNS = (
    "sku",
    "onHandUnits",
    "onHandEstimated",
    "allocatedUnits",
    "availableUnits",
    "freeUnits",
    "keptBackUnits",
    "heldUnits",
    "shortUnits",
)
LISTING_COLUMNS = ("sku", "shop", "item", "variant", "state", "wantedUnits", "toldUnits", "expectedUnits", "readUnits")


def stock_rows(house: House, skus: Sequence[str]) -> list[Mapping[str, Cell]]:
    """One row for each of these SKUs that was ever mentioned, in the order asked for. ``onHandUnits`` None: 在庫未登録.

    ``onHandEstimated``: 推定, it rests on shipments that were only assumed since the last count.
    """
    asked = list(dict.fromkeys(skus))
    schema = house.database.schema
    with house.pool.connection() as connection:
        levels = stock_levels(connection, Selects(schema), [(MAIN_PLACE, sku) for sku in asked])
        listed = listing_list.of_skus(connection, schema, asked)
        counted = {sku: level.counted_position for (_, sku), level in levels.items()}
        assumed = estimated(connection, schema, counted)
    rows: list[Mapping[str, Cell]] = []
    for sku in asked:
        if (MAIN_PLACE, sku) not in levels:
            continue
        stock = levels[MAIN_PLACE, sku].stock
        rows.append(
            {
                "sku": sku,
                "onHandUnits": stock.on_hand_units,
                "onHandEstimated": sku in assumed,
                "allocatedUnits": stock.allocated_units,
                "availableUnits": stock.available_units,
                "freeUnits": stock.free_units,
                "keptBackUnits": stock.kept_back_units,
                "heldUnits": stock.held_units,
                "auctionKeptUnits": stock.auction_kept_units,
                "defectiveUnits": stock.defective_units,
                "undecidedUnits": stock.undecided_units,
                "shortUnits": stock.short_units,
                "listings": [
                    {
                        "shop": one.shop,
                        "item": one.key.item,
                        "variant": one.key.variant,
                        "state": one.state,
                        "wantedUnits": one.wanted_units,
                        "toldUnits": one.numbers.told_units,
                        "expectedUnits": one.numbers.expected_units,
                        "readUnits": one.numbers.read_units,
                    }
                    for one in listed
                    if one.sku == sku
                ],
            }
        )
    return rows


def listings_of(row: Mapping[str, Cell]) -> list[Mapping[str, Cell]]:
    """The listings of one such row."""
    listed = row["listings"]
    assert isinstance(listed, list), type(listed)
    return listed
