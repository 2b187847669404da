"""``daicho hold``: 取り置き: place, extend, release, and list what is held and ends soon."""

from datetime import datetime, timedelta, timezone
from typing import Annotated

import typer

from api.cli.lists import Rows, Sku, cells, fed_house, paged
from api.cli.output import Json, show_record, show_rows

commands = typer.Typer(name="hold", help="Holds (取り置き): place, extend, release, list.", invoke_without_command=True)

ACTOR = "cli"
JST = timezone(timedelta(hours=9))
Hold = Annotated[str, typer.Argument(metavar="HOLD", help="The id `daicho hold` shows.")]
EndsAt = Annotated[datetime, typer.Option("--until", help="Until when (Japan time).")]


@commands.callback()
def list_holds(
    context: typer.Context,
    sku: Sku = None,
    reference: Annotated[str | None, typer.Option(help="The merchant's own number.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Those that ended, too.")] = False,
    rows: Rows = 50,
    json: Json = False,
) -> None:
    """List holds (取り置き), newest first; what ends within 24 hours, within 1 hour, or is over says so."""
    if context.invoked_subcommand is not None:
        return
    from projections import holds

    with fed_house() as house:
        filters = {"sku": sku, "reference": reference, "held": not ended}
        now = house.clock.now()

        def shown(row: holds.HoldRow) -> dict[str, object]:
            return {"before": row.first_position}

        found = paged(house, holds.page, rows, shown, filters, lambda row: cells(row) | {"warning": row.warning(now)})
    columns = ("hold", "state", "warning", "reference", "sku", "units", "heldUnits", "endsAt", "onExpiry", "orders")
    show_rows(found, columns, as_json=json)


@commands.command()
def place(
    sku: Annotated[str, typer.Option(help="The merchant's own code.")],
    units: Annotated[int, typer.Option(min=1, help="How many.")],
    reference: Annotated[str, typer.Option(help="The merchant's own number of the promise; never a name.")],
    until: EndsAt,
    on_expiry: Annotated[str, typer.Option(help="ask a person when its time is over, or release by itself.")] = "ask",
    hold: Annotated[str | None, typer.Option("--id", help="An id of your own; a new one when not given.")] = None,
    json: Json = False,
) -> None:
    """Promise units (取り置き), never more than are free; prints the hold's id."""
    from api.settings import load
    from api.wiring import open_house
    from ledger.book import stock

    with open_house(load()) as house:
        name = hold or house.new_id()
        verb = stock.place_hold(
            name, reference=reference, code=sku, units=units, ends_at=until.replace(tzinfo=JST), on_expiry=on_expiry
        )
        done = house.book.do(verb, house.by(ACTOR))
    free = done.answer["free"]
    assert isinstance(free, int), free
    show_record({"hold": name, "free": free, "position": done.position}, as_json=json)


@commands.command()
def extend(hold: Hold, until: EndsAt, json: Json = False) -> None:
    """Let a hold end later, also one that is over and waits for an answer."""
    from api.settings import load
    from api.wiring import open_house
    from ledger.book import stock

    with open_house(load()) as house:
        done = house.book.do(stock.extend_hold(hold, until.replace(tzinfo=JST)), house.by(ACTOR))
    show_record({"hold": hold, "position": done.position, "facts": done.facts}, as_json=json)


@commands.command()
def release(hold: Hold, json: Json = False) -> None:
    """Give the units of a hold back to sale; twice is harmless. An order takes them by `daicho orders take --hold`."""
    from api.settings import load
    from api.wiring import open_house
    from ledger.book import stock

    with open_house(load()) as house:
        done = house.book.do(stock.end_hold(hold, expired=False), house.by(ACTOR))
    show_record({"hold": hold, "position": done.position, "facts": done.facts}, as_json=json)
