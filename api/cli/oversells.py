"""``daicho oversells``: 売り越し, and why each could happen."""

import typer

from api.cli.lists import Rows, Shop, Since, Sku, Until, fed_house, paged, utc_of
from api.cli.output import Json, show_rows

commands = typer.Typer()

COLUMNS = ("recordedAt", "sku", "units", "shop", "orderNumber", "soldAt", "windowSeconds", "cause")


@commands.command()
def oversells(
    sku: Sku = None, shop: Shop = None, since: Since = None, until: Until = None, rows: Rows = 50, json: Json = False
) -> None:
    """Show 売り越し, newest first: the sale that should not have been possible, its window, and the step that caused it.

    With --json every step, and what each page had been told then. --rows counts shortages.
    """
    from api import oversells as reader

    filters = {"sku": sku, "shop": shop, "recorded_from": utc_of(since), "recorded_until": utc_of(until)}
    with fed_house() as house:
        found = paged(house, reader.page, rows, lambda row: {"before": row.position}, filters)
    show_rows(found, COLUMNS, as_json=json)
