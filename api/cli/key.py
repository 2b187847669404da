"""``daicho key``: API keys: add, list, revoke."""

from typing import Annotated

import typer

from api.cli.output import Json, show_record, show_rows

commands = typer.Typer(name="key", help="API keys for GraphQL and files.", no_args_is_help=True)


@commands.command()
def add(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        list[str],
        typer.Option(
            help="read, stock, orders, listings, shops, files, messages (other people's text); several times."
        ),
    ],
    json: Json = False,
) -> None:
    """Make a key; it is shown once and never again."""
    from api import keys
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        show_record({"key": keys.add(house, name, scope)}, as_json=json)


@commands.command("list")
def list_keys(json: Json = False) -> None:
    """List keys by id, with their scopes; the keys themselves are not kept."""
    from api import keys
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        rows = keys.page(house)
    show_rows(
        [
            {
                "id": row.key_id,
                "name": row.name,
                "scopes": list(row.scopes),
                "madeAt": row.made_at.isoformat(),
                "revokedAt": row.revoked_at.isoformat() if row.revoked_at else None,
            }
            for row in rows
        ],
        ("id", "name", "scopes", "madeAt", "revokedAt"),
        as_json=json,
    )


@commands.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id that `daicho key list` shows.")], json: Json = False
) -> None:
    """Revoke a key: it works no more, everywhere within 5 seconds."""
    from api import keys
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        keys.revoke(house, key_id)
    show_record({"revoked": key_id}, as_json=json)
