"""``daicho malls``: what Daicho can do with each mall, from the declarations."""

import typer

from api.cli.output import Cell, Json, show_rows

commands = typer.Typer()


@commands.command()
def malls(json: Json = False) -> None:
    """List every mall and each of its skills: yes, not offered (source), or gap (reason)."""
    import adapters

    rows: list[dict[str, Cell]] = []
    for mall in adapters.malls().values():
        row: dict[str, Cell] = {"mall": mall.code, "name": mall.name}
        for skill, answer, why in adapters.skills(mall):
            row[skill] = {"answer": answer, "why": why} if json and why else answer
        rows.append(row)
    columns = list(rows[0]) if rows else ["mall"]
    show_rows(rows, columns, as_json=json)
