"""``daicho setup``: numbers that malls state side by side before any of them is pushed, and the choice among them (D5)."""

import sys
from itertools import islice
from typing import Annotated

import typer

from api.cli.load import ACTOR, progress_bar
from api.cli.output import Cell, Json, say, show_record, show_rows

commands = typer.Typer(
    name="setup", help="Set-up (初期設定): malls whose numbers disagree, side by side.", no_args_is_help=True
)

SHOWN_MAX = 1_000


@commands.command("show")
def show(
    after: Annotated[str, typer.Option(help="Only SKUs behind this one: the next page.")] = "",
    first: Annotated[int, typer.Option(min=1, max=SHOWN_MAX, help="How many SKUs.")] = 100,
    csv: Annotated[bool, typer.Option("--csv", help="All of them, as CSV on standard output.")] = False,
    json: Json = False,
) -> None:
    """Show every SKU whose malls disagree, with all numbers, and what each choice would book."""
    from api.jobs import set_up
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        if csv:
            for chunk in set_up.as_csv(house):
                sys.stdout.buffer.write(chunk)
            return
        rows: list[dict[str, Cell]] = [one.cells() for one in islice(set_up.waiting(house, after), first)]
    shops = sorted({shop for row in rows for shop in row if shop not in ("sku", "available", "smallest")})
    show_rows(rows, ("sku", "available", "smallest", *shops), as_json=json)
    if len(rows) == first:
        say(f"more: --after {rows[-1]['sku']}")


@commands.command("choose")
def choose(
    choice: Annotated[
        str, typer.Argument(metavar="CHOICE", help="smallest, a shop whose numbers are right, or start_minus_sales.")
    ] = "smallest",
    start: Annotated[
        str | None,
        typer.Option(
            metavar="IMPORT",
            help="With start_minus_sales: our own CSV, sent by `daicho import --dry-run`, with the start numbers.",
        ),
    ] = None,
    owed: Annotated[str | None, typer.Option(help="before or after: how the numbers stand to 不足 lines.")] = None,
    json: Json = False,
) -> None:
    """Book one number for every SKU whose malls disagree, once, with all the numbers that were seen."""
    from api.jobs import set_up
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        bar = progress_bar("booked", quiet=json)
        done = set_up.choose(house, choice, house.by(ACTOR), start=start, owed=owed, progress=bar)
    show_record(done.cells(), as_json=json)
