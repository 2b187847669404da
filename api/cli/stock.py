"""``daicho overwrite-stock`` and ``add-stock``: the number of one SKU, by a person."""

from typing import Annotated

import typer

from api.cli.output import Cell, Json, show_record

commands = typer.Typer()

ACTOR = "cli"
Sku = Annotated[str, typer.Argument(help="The merchant's own code.")]


@commands.command()
def overwrite_stock(
    sku: Sku,
    units: Annotated[int, typer.Argument(help="What can be sold now: 想定在庫数.")],
    owed: Annotated[str | None, typer.Option(help="before or after: how the number stands to 不足 lines.")] = None,
    json: Json = False,
) -> None:
    """Set what of a SKU can be sold now (上書き); the malls are told by the worker."""
    from api.settings import load
    from api.wiring import open_house
    from ledger.book import stock

    with open_house(load()) as house:
        now = house.clock.now()
        verb = stock.overwrite(sku, units, covers=stock.everything_up_to(now), counted_at=now, owed=owed)
        done = house.book.do(verb, house.by(ACTOR))
    record: dict[str, Cell] = {"sku": sku, "position": done.position, "facts": done.facts}
    show_record(record, as_json=json)


@commands.command(context_settings={"ignore_unknown_options": True})
def add_stock(
    sku: Sku,
    units: Annotated[int, typer.Argument(help="How many more; below zero takes away.")],
    json: Json = False,
) -> None:
    """Add units to a SKU (追加); below zero takes them away."""
    from api.settings import load
    from api.wiring import open_house
    from ledger.book import stock

    with open_house(load()) as house:
        done = house.book.do(stock.add(sku, units), house.by(ACTOR))
    show_record({"sku": sku, "position": done.position, "facts": done.facts}, as_json=json)
