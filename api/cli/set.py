"""``daicho set``: sets (セット商品) by CSV."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.listing import DryRun, Errors, run_list
from api.cli.output import Json

commands = typer.Typer(name="set", help="Sets (セット商品): define them by CSV.", no_args_is_help=True)


@commands.command()
def define(
    file: Annotated[Path, typer.Argument(help="セット商品SKU, 構成商品SKU, 構成数: a row for each component.")],
    dry_run: DryRun = False,
    errors: Errors = None,
    json: Json = False,
) -> None:
    """Define sets (セット商品) for orders from here on: all rows of a set are its recipe; なし as component makes it a set no more.

    Components are SKUs that are registered. Exit code 1 when sets were refused, each with all its rows; the others are done.
    """
    from api.jobs import listing_bulk_tasks as tasks

    run_list(file, lambda _house: tasks.defining(), dry_run=dry_run, errors=errors, json=json)
