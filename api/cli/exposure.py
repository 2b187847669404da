"""``daicho exposure``: listings that show more than they should, and shops whose orders have stopped coming."""

from typing import Annotated

import typer

from api.cli.lists import cells, fed_house
from api.cli.output import Json, say, show_record, show_rows

commands = typer.Typer()

EXIT_EXPOSED = 1
COLUMNS = ("shop", "item", "variant", "sku", "wantedUnits", "expectedUnits", "units", "since", "why")
INTAKE_COLUMNS = ("shop", "state", "since", "usualGapSeconds", "lastAt", "code")


@commands.command()
def exposure(
    shop: Annotated[str | None, typer.Option(help="One shop; all of them when not given.")] = None,
    older: Annotated[int, typer.Option(min=0, help="Only what differs for so many seconds.")] = 60,
    json: Json = False,
) -> None:
    """Show listings whose page shows more than it should, units at risk and since when, and how orders come in. Exit code 1 when any."""
    from api.exposure import exposed, intake_states

    with fed_house() as house:
        rows = [cells(one) for one in exposed(house, shop=shop, older_seconds=older)]
        states = [cells(one) for one in intake_states(house, shop=shop)]
    if json:
        show_record({"exposed": rows, "intake": states}, as_json=True)
    else:
        show_rows(rows, COLUMNS, as_json=False)
        say("")
        show_rows(states, INTAKE_COLUMNS, as_json=False)
    if rows or any(state["state"] in ("silent", "failing") for state in states):
        raise typer.Exit(EXIT_EXPOSED)
