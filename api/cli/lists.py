"""``daicho stock``, ``changes``, ``pushes`` and ``listings``: what is, and what happened, newest first.

Where no worker feeds the lists, the command itself brings them up to date first.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import Cell, Json, say, show_rows

if TYPE_CHECKING:
    from api.wiring import House
    from projections.reading import Found

commands = typer.Typer()

PAGE_ROWS = 100
REFUSED_COLUMNS = ("shop", "item", "variant", "sku", "code", "cause", "wantedUnits", "refusedAt", "attempts")
Rows = Annotated[int, typer.Option(min=1, max=10_000, help="How many.")]
Shop = Annotated[str | None, typer.Option(help="One shop; all of them when not given.")]
Sku = Annotated[str | None, typer.Option(help="One SKU; all of them when not given.")]
Since = Annotated[datetime | None, typer.Option("--from", help="Recorded at or after; this machine's time zone.")]
Until = Annotated[datetime | None, typer.Option(help="Recorded at or before; this machine's time zone.")]


@commands.command()
def stock(
    skus: Annotated[list[str], typer.Argument(metavar="SKU", help="The merchant's own codes.")], json: Json = False
) -> None:
    """Show the numbers of SKUs as they are now, and what each listing shows. Exit code 1 when one was never mentioned."""
    from api.stock_rows import COLUMNS, LISTING_COLUMNS, listings_of, stock_rows

    with fed_house() as house:
        rows = stock_rows(house, skus)
    show_rows(rows, COLUMNS, as_json=json)
    listed = [{"sku": row["sku"], **one} for row in rows for one in listings_of(row)]
    if listed and not json:
        say("")
        show_rows(listed, LISTING_COLUMNS, as_json=False)
    missing = sorted(set(skus) - {str(row["sku"]) for row in rows})
    if missing:
        say(f"never mentioned: {', '.join(missing)}")
        raise typer.Exit(1)


@commands.command()
def changes(
    sku: Sku = None,
    shop: Shop = None,
    order: Annotated[str | None, typer.Option(help="The mall's order number.")] = None,
    import_id: Annotated[str | None, typer.Option("--import", help="The id `daicho imports` shows.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="StockOverwritten, StockAllocated, …; several times.")] = None,
    since: Since = None,
    until: Until = None,
    rows: Rows = 50,
    json: Json = False,
) -> None:
    """Show 在庫変動ログ: every change of stock, newest first, with what caused it."""
    from projections import change_log

    filters = {
        "sku": sku,
        "shop": shop,
        "order_number": order,
        "import_id": import_id,
        "kinds": kind or (),
        "recorded_from": utc_of(since),
        "recorded_until": utc_of(until),
    }
    with fed_house() as house:
        found = paged(house, change_log.page, rows, lambda row: {"before": row.position}, filters)
    columns = ("position", "happenedAt", "sku", "kind", "units", "before", "after", "shop", "orderNumber", "actor")
    show_rows(found, columns, as_json=json)


@commands.command()
def pushes(
    shop: Shop = None,
    sku: Sku = None,
    outcome: Annotated[list[str] | None, typer.Option(help="applied, rejected, unknown, …; several times.")] = None,
    rejected: Annotated[
        bool,
        typer.Option("--rejected", help="The work list (反映エラー): what malls refuse now, with its plain cause."),
    ] = False,
    since: Since = None,
    until: Until = None,
    rows: Rows = 50,
    json: Json = False,
) -> None:
    """Show 想定在庫反映ログ: what each mall was told, newest first, what it answered, and why it did not take it."""
    from api.work_list import cause, refused
    from projections import push_log

    with fed_house() as house:
        if rejected:
            show_rows([cells(one) for one in refused(house, shop=shop, first=rows)], REFUSED_COLUMNS, as_json=json)
            return
        filters = {
            "shop": shop,
            "listings": None if sku is None else _listings_of(house, sku),
            "outcomes": outcome or (),
            "recorded_from": utc_of(since),
            "recorded_until": utc_of(until),
        }
        found = paged(house, push_log.page, rows, lambda row: {"before": (row.position, row.place_in_request)}, filters)
    for row in found:
        row["cause"] = cause(str(row["shop"]), _text(row["outcome"]), _text(row["mallCode"]))
    columns = (
        "position",
        "sentAt",
        "shop",
        "item",
        "variant",
        "units",
        "trigger",
        "attempt",
        "outcome",
        "mallCode",
        "cause",
    )
    show_rows(found, columns, as_json=json)


@commands.command()
def listings(
    shop: Shop = None,
    sku: Sku = None,
    state: Annotated[list[str] | None, typer.Option(help="linked, to_confirm, stopped, …; several times.")] = None,
    rejected: Annotated[bool, typer.Option("--rejected", help="Only the work list (反映エラー).")] = False,
    differing: Annotated[bool, typer.Option("--differing", help="Only those that are to be told.")] = False,
    rows: Rows = 50,
    json: Json = False,
) -> None:
    """Show ショップ商品 in order of shop and code: what each should show, was told, should show by itself, and showed."""
    from projections import listing_list

    filters = {"shop": shop, "sku": sku, "states": state or (), "rejected": rejected, "differing": differing}
    with fed_house() as house:
        found = paged(
            house, listing_list.page, rows, lambda row: {"after": (row.shop, row.key.item, row.key.variant)}, filters
        )
    for row in found:
        for name in ("key", "numbers"):
            inner = row.pop(name)
            assert isinstance(inner, dict), name
            row.update(inner)
    columns = ("shop", "item", "variant", "sku", "state", "wantedUnits", "toldUnits", "expectedUnits", "readUnits")
    show_rows(found, (*columns, "rejectedCode"), as_json=json)


# ------------------------------------------------------------------ how a list is read


@contextmanager
def fed_house() -> "Iterator[House]":
    """A house whose lists hold what was committed before."""
    from api.projecting import catch_up
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        behind = catch_up(house)
        if behind:
            say(f"the lists are {behind:,} facts behind the ledger; a worker is catching up")
        yield house


def paged(
    house: "House",
    reader: "Callable[..., Found[Any]]",
    rows: int,
    behind: Callable[[Any], Mapping[str, object]],
    filters: Mapping[str, object],
    shown: Callable[[Any], dict[str, Cell]] | None = None,
) -> list[dict[str, Cell]]:
    """Up to ``rows`` rows, page by page; ``behind`` is the cursor behind a row."""
    found: list[dict[str, Cell]] = []
    cursor: Mapping[str, object] = {}
    left = rows
    with house.pool.connection() as connection:
        while left > 0:
            first = min(PAGE_ROWS, left)
            page = reader(connection, house.database.schema, first=first, **filters, **cursor)
            found.extend((shown or cells)(row) for row in page.rows)
            if not page.more:
                break
            left -= first
            cursor = behind(page.rows[-1])
    return found


def _listings_of(house: "House", sku: str) -> list[tuple[str, str, str]]:
    from api.reading import listings_of_sku

    with house.pool.connection() as connection:
        return listings_of_sku(connection, house.database.schema, sku)


def cells(row: Any) -> dict[str, Cell]:
    """A row's fields under the names GraphQL gives them, and its word."""
    names = getattr(row, "__struct_fields__", None) or [field.name for field in fields(row)]
    named = {_camel(name): _cell(getattr(row, name)) for name in names}
    return named | ({"state": str(row.state)} if "state" not in named and hasattr(row, "state") else {})


def _text(value: Cell) -> str | None:
    return None if value is None else str(value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _cell(value: object) -> Cell:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(name): _cell(each) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [_cell(each) for each in value]
    return cells(value)


def utc_of(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
