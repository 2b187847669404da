"""``daicho sync``: full syncs (一括同期): begin one, see how far it is, let it wait, go on or end."""

from typing import Annotated

import typer

from api.cli.lists import cells
from api.cli.output import Cell, Json, show_record, show_rows

commands = typer.Typer(
    name="sync", help="Full syncs (一括同期): start, show, pause, resume, stop.", no_args_is_help=True
)

ACTOR = "cli"
COLUMNS = ("startedAt", "state", "trigger", "listings", "sent", "same", "rejected", "reason", "endedAt")


@commands.command()
def start(shop: str, json: Json = False) -> None:
    """State every linked listing again: the mall is read first where it can be, and differences are sent, orders before."""
    from api.jobs import sync
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        found = sync.start(house, shop, house.by(ACTOR), trigger="person")
    show_record({"shop": shop, "sync": found}, as_json=json)


@commands.command()
def show(
    shop: str, rows: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 20, json: Json = False
) -> None:
    """Show the shop's full syncs, newest first: how far the running one is, what the others did, which were skipped and why."""
    from api.settings import load
    from api.syncs import listed
    from api.wiring import open_house

    with open_house(load()) as house:
        found = listed(house, shop, first=rows)
    show_rows([cells(one) for one in found], COLUMNS, as_json=json)


@commands.command()
def pause(shop: str, json: Json = False) -> None:
    """Let the running full sync wait where it is; orders go on being told."""
    _turn(shop, "pause", as_json=json)


@commands.command()
def resume(shop: str, json: Json = False) -> None:
    """Let a paused full sync go on where it was."""
    _turn(shop, "resume", as_json=json)


@commands.command()
def stop(shop: str, json: Json = False) -> None:
    """End the running full sync with what it did."""
    _turn(shop, "stop", as_json=json)


def _turn(shop: str, how: str, *, as_json: bool) -> None:
    from api.jobs import sync
    from api.settings import load
    from api.wiring import open_house

    turned = {"pause": sync.pause, "resume": sync.resume, "stop": sync.stop}[how]
    record: dict[str, Cell] = {"shop": shop}
    with open_house(load()) as house:
        record["position"] = turned(house, shop, house.by(ACTOR))
    show_record(record, as_json=as_json)
