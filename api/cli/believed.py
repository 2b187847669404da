"""``daicho believed``: what each mall showed of a SKU at a moment, and what made it so."""

from datetime import datetime
from typing import Annotated

import typer

from api.cli.lists import cells, utc_of
from api.cli.output import Cell, Json, say, show_rows

commands = typer.Typer()

COLUMNS = (
    "shop",
    "item",
    "variant",
    "expectedUnits",
    "expectedNowUnits",
    "toldUnits",
    "sentAt",
    "wantedUnits",
    "readUnits",
)
EVENT_COLUMNS = ("position", "at", "kind", "units", "name", "code", "later")


@commands.command()
def believed(
    sku: Annotated[str, typer.Argument(metavar="SKU", help="The merchant's own code.")],
    at: Annotated[datetime, typer.Option(help="The moment; this machine's time zone.")],
    shop: Annotated[str | None, typer.Option(help="One shop; all of them when not given.")] = None,
    json: Json = False,
) -> None:
    """Say what each mall's page showed at a moment, as known then and as known now, and which push and orders made it so."""
    from api.believed import believed as answered
    from api.settings import load
    from api.wiring import open_house

    moment = utc_of(at)
    assert moment is not None
    rows: list[dict[str, Cell]] = []
    with open_house(load()) as house:
        for one in answered(house, sku, moment, shop=shop):
            row = cells(one)
            key = row.pop("key")
            assert isinstance(key, dict), key
            rows.append({**row, **key, "sentence": one.sentence})
    show_rows(rows, COLUMNS, as_json=json)
    for row in [] if json else rows:
        say("")
        say(str(row["sentence"]))
        events = row["events"]
        assert isinstance(events, list), events
        show_rows(events, EVENT_COLUMNS, as_json=False)
