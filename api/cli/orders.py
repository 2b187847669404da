"""``daicho orders``: 引当確認受注一覧, and orders as a person fetches them again."""

from datetime import datetime, timedelta, timezone
from typing import Annotated

import typer

from api.cli.lists import Rows, Shop, Since, Sku, Until, fed_house, paged, utc_of
from api.cli.output import Cell, Json, say, show_record, show_rows

commands = typer.Typer(
    name="orders", help="Orders: the allocation list, and orders by hand.", invoke_without_command=True
)

JST = timezone(timedelta(hours=9))


@commands.callback()
def list_orders(
    context: typer.Context,
    shop: Shop = None,
    number: Annotated[str | None, typer.Option(help="The mall's order number.")] = None,
    sku: Sku = None,
    search: Annotated[str | None, typer.Option(help="Order numbers that begin so.")] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(help="served, partly_served, short, unlinked, to_review, unverified, …; several times."),
    ] = None,
    short: Annotated[bool, typer.Option("--short", help="Only orders that wait for units owed (不足).")] = False,
    unlinked: Annotated[bool, typer.Option("--unlinked", help="Only orders with 未紐付 lines.")] = False,
    to_review: Annotated[bool, typer.Option("--to-review", help="Only 要確認 and 未検証.")] = False,
    since: Since = None,
    until: Until = None,
    rows: Rows = 50,
    json: Json = False,
) -> None:
    """Show 引当確認受注一覧: every line of orders, newest order first, and what it holds. --rows counts orders."""
    if context.invoked_subcommand is not None:
        return
    from projections import order_list

    filters = {
        "shop": shop,
        "number": number,
        "sku": sku,
        "search": search,
        "states": state or (),
        "short": short,
        "unlinked": unlinked,
        "to_review": to_review,
        "recorded_from": utc_of(since),
        "recorded_until": utc_of(until),
    }
    with fed_house() as house:
        found = paged(house, order_list.page, rows, lambda row: {"before": row.first_position}, filters)
    columns = ("shop", "number", "orderedAt", "state", "sku", "item", "quantity", "openUnits", "servedUnits", "reviews")
    show_rows(found, columns, as_json=json)


@commands.command()
def fetch(
    shop: Annotated[str, typer.Option(help="The shop's code.")],
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from", help="Orders placed or changed from then on (Japan time); a day before the end when not given."
        ),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", help="And before then (Japan time); now when not given.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until all was fetched and read; a worker goes on without.")] = True,
    json: Json = False,
) -> None:
    """Ask the mall for the orders of a period again (受注を期間指定で取り直す); an order that is known already changes nothing.

    Exit code 1 when the mall did not answer: it is asked again by itself.
    """
    from api.jobs import order_fetching
    from api.jobs.order_fetching import Fetching
    from api.settings import load
    from api.wiring import open_house

    begins, ends = _in_japan(since), _in_japan(until)
    said = -1

    def progress(now: Fetching) -> None:
        nonlocal said
        if now.orders != said:
            said = now.orders
            say(f"{said} new or changed orders so far")

    with open_house(load()) as house:
        if not wait:
            begins, ends = order_fetching.ask_for(house, shop, begins, ends)
            show_record({"shop": shop, "from": begins.isoformat(), "to": ends.isoformat()}, as_json=json)
            return
        now, settled = order_fetching.fetch(house, shop, begins, ends, progress=progress)
    states = {f"{state} {reason}".strip(): count for (state, reason), count in sorted(settled.states.items())}
    record: dict[str, Cell] = {"shop": shop, "orders": now.orders, "became": states, "problem": now.code}
    show_record(record | {"position": settled.position}, as_json=json)
    if now.failures:
        say(f"the mall did not answer ({now.code}); a worker asks again by itself")
        raise typer.Exit(1)


def _in_japan(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=JST)
