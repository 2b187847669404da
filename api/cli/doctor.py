"""``daicho doctor``: why no orders come in or a mall is not told, with the next step."""

from typing import Annotated

import typer

from api.cli.output import Cell, Json, show_record, show_rows

commands = typer.Typer()

EXIT_PROBLEM = 1


@commands.command()
def doctor(
    shop: Annotated[str | None, typer.Argument(help="One shop; all of them when not given.")] = None,
    item: Annotated[
        str | None,
        typer.Option(help="ITEM or ITEM/VARIANT: why this one listing of the shop does not show what it should."),
    ] = None,
    about: Annotated[str | None, typer.Option(help="orders or pushes; both when not given.")] = None,
    json: Json = False,
) -> None:
    """Say why no orders come in, and why a mall is not told: cause and next step. Exit code 1 when a person has to act."""
    from api.cli.reconcile import key_of
    from api.connecting import described
    from api.diagnosis import findings
    from api.diagnosis_told import findings_of_listing
    from api.finding import PROBLEM
    from api.settings import load
    from api.wiring import open_house

    rows: list[dict[str, Cell]] = []
    with open_house(load()) as house:
        codes = [shop] if shop is not None else [str(one["shop"]) for one in described(house, None)]
        for code in codes:
            for one in findings(house, code) if item is None else findings_of_listing(house, code, key_of(item)):
                if about in (None, one.about):
                    rows.append(
                        {
                            "shop": code,
                            "about": one.about,
                            "level": one.level,
                            "code": one.code,
                            "cause": f"{one.japanese} {one.english}",
                            "next": one.next_step,
                        }
                    )
    if json:
        show_rows(rows, (), as_json=True)
    for row in [] if json else rows:  # whole sentences: a table would cut the step that is to be done
        show_record({name: value for name, value in row.items() if value}, as_json=False)
        print()
    if any(row["level"] == PROBLEM for row in rows):
        raise typer.Exit(EXIT_PROBLEM)
