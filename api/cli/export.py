"""``daicho export``: the ledger's facts, or stock, lists and malls' stock files as tables, to a file or standard output."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from api.cli.ledger import appearing, export_facts
from api.cli.lists import Shop, Since, Sku, Until, fed_house, utc_of
from api.cli.output import Cell, Json, say, show_record

if TYPE_CHECKING:
    from api.wiring import House

commands = typer.Typer(name="export", invoke_without_command=True, no_args_is_help=False)

To = Annotated[
    Path | None, typer.Option(help="File to write; it appears when it is whole. Standard output when not given.")
]
Encoding = Annotated[str, typer.Option(help="utf-8 (with a mark, as Excel wants it) or cp932.")]
Excel = Annotated[
    bool,
    typer.Option(
        "--excel", help="Mark texts such as 007 or 1-2 with ', so that Excel leaves them; imports take it off."
    ),
]
EXIT_LEFT_OUT = 1


@commands.callback()
def export(context: typer.Context, to: To = None, json: Json = False) -> None:
    """Write the whole ledger as lines of JSON, each commit's seal and then its facts; `daicho verify --file` reads it anywhere.

    With a word behind it: that list as a CSV.
    """
    if context.invoked_subcommand is None:
        export_facts(to, as_json=json)
    elif to is not None or json:
        raise typer.BadParameter(f"options stand behind the word: daicho export {context.invoked_subcommand} --to …")


@commands.command()
def stock(
    skus: Annotated[list[str] | None, typer.Argument(metavar="SKU", help="All of them when none is given.")] = None,
    to: To = None,
    encoding: Encoding = "utf-8",
    excel: Excel = False,
    json: Json = False,
) -> None:
    """Write 在庫 in our own CSV form, to be edited and imported again: what is sold in between is applied on top.

    A code that CP932 cannot hold is refused, because another character would make another SKU of it.
    """
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        _table(house, "stock", {"skus": skus or ()}, to, encoding, excel=excel, as_json=json)


@commands.command()
def listings(
    shop: Shop = None,
    sku: Sku = None,
    state: Annotated[list[str] | None, typer.Option(help="linked, to_confirm, stopped, …; several times.")] = None,
    rejected: Annotated[bool, typer.Option("--rejected", help="Only the work list (反映エラー).")] = False,
    differing: Annotated[bool, typer.Option("--differing", help="Only those that are to be told.")] = False,
    to: To = None,
    encoding: Encoding = "utf-8",
    excel: Excel = False,
    json: Json = False,
) -> None:
    """Write ショップ商品: what each listing should show, was told, should show by itself, and showed."""
    filters = {"shop": shop, "sku": sku, "states": state or (), "rejected": rejected, "differing": differing}
    with fed_house() as house:
        _table(house, "listings", filters, to, encoding, excel=excel, as_json=json)


@commands.command()
def changes(
    sku: Sku = None,
    shop: Shop = None,
    order: Annotated[str | None, typer.Option(help="The mall's order number.")] = None,
    import_id: Annotated[str | None, typer.Option("--import", help="The id `daicho imports` shows.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="StockOverwritten, StockAllocated, …; several times.")] = None,
    since: Since = None,
    until: Until = None,
    to: To = None,
    encoding: Encoding = "utf-8",
    excel: Excel = False,
    json: Json = False,
) -> None:
    """Write 在庫変動ログ: every change of stock, newest first, with what caused it."""
    filters = {"sku": sku, "shop": shop, "order_number": order, "import_id": import_id, "kinds": kind or ()}
    with fed_house() as house:
        _table(house, "changes", filters | _period(since, until), to, encoding, excel=excel, as_json=json)


@commands.command()
def pushes(
    shop: Shop = None,
    sku: Sku = None,
    outcome: Annotated[list[str] | None, typer.Option(help="applied, rejected, unknown, …; several times.")] = None,
    since: Since = None,
    until: Until = None,
    to: To = None,
    encoding: Encoding = "utf-8",
    excel: Excel = False,
    json: Json = False,
) -> None:
    """Write 想定在庫反映ログ: what each mall was told, newest first, and what it answered."""
    filters = {"shop": shop, "sku": sku, "outcomes": outcome or ()}
    with fed_house() as house:
        _table(house, "pushes", filters | _period(since, until), to, encoding, excel=excel, as_json=json)


@commands.command()
def orders(
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
    to: To = None,
    encoding: Encoding = "utf-8",
    excel: Excel = False,
    json: Json = False,
) -> None:
    """Write 引当確認受注一覧: every line of orders, newest order first, and what it holds."""
    filters: dict[str, object] = {"shop": shop, "number": number, "sku": sku, "search": search, "states": state or ()}
    filters |= {"short": short, "unlinked": unlinked, "to_review": to_review, **_period(since, until)}
    with fed_house() as house:
        _table(house, "orders", filters, to, encoding, excel=excel, as_json=json)


@commands.command()
def drift(
    shop: Shop = None,
    run: Annotated[str | None, typer.Option(help="The run's id; of a shop the last one when not given.")] = None,
    drift_class: Annotated[
        list[str] | None, typer.Option("--class", help="edit, lost_push, lost_order, …; several times.")
    ] = None,
    to: To = None,
    encoding: Encoding = "utf-8",
    excel: Excel = False,
    json: Json = False,
) -> None:
    """Write 在庫照合の結果: each listing that differed, its class, evidence, and what was decided."""
    filters: dict[str, object] = {"classes": drift_class or ()}
    if shop is not None:
        filters["shop"] = shop
    if run is not None:
        filters["run"] = run
    with fed_house() as house:
        _table(house, "drift", filters, to, encoding, excel=excel, as_json=json)


@commands.command()
def oversells(
    sku: Sku = None,
    shop: Shop = None,
    since: Since = None,
    until: Until = None,
    to: To = None,
    encoding: Encoding = "utf-8",
    excel: Excel = False,
    json: Json = False,
) -> None:
    """Write 売り越し: each shortage with the sale that should not have been possible, its window, and why it was."""
    filters = {"sku": sku, "shop": shop, **_period(since, until)}
    with fed_house() as house:
        _table(house, "oversells", filters, to, encoding, excel=excel, as_json=json)


@commands.command()
def mall_file(
    shop: Annotated[str, typer.Option(help="The shop whose listings are written, in its mall's own form.")],
    differing: Annotated[bool, typer.Option("--differing", help="Only listings that are to be told.")] = False,
    rows: Annotated[
        int | None, typer.Option(min=1, help="Listings a file: the others go into NAME-2, NAME-3, …; needs --to.")
    ] = None,
    to: To = None,
    json: Json = False,
) -> None:
    """Write the mall's own stock file for upload by hand: what every listing is to be told now.

    Daicho is not told of the upload. Exit code 1 names listings that the mall's file cannot hold; the others are written.
    """
    from api.exports.mall_file import mall_file as made_for

    if rows is not None and to is None:
        raise typer.BadParameter("--rows makes several files; expected --to as well")
    with fed_house() as house:
        made = made_for(house, shop)
        files: list[Cell] = []
        for number, chunks in enumerate(made.parts(house, differing=differing, rows=rows), 1):
            name = to if to is None or number == 1 else to.with_name(f"{to.stem}-{number}{to.suffix}")
            _write(chunks, name)
            files.append(str(name))
    for one in [] if json and to is not None else made.left_out:
        say(f"left out: {one}")
    record: dict[str, Cell] = {"files": files, "listings": made.written, "leftOut": made.left_out_count}
    if json:
        record["leftOutListings"] = [str(one) for one in made.left_out]
    _done(record, to, as_json=json)
    if made.left_out_count:
        raise typer.Exit(EXIT_LEFT_OUT)


# ------------------------------------------------------------------ how a file is written


def _table(
    house: "House",
    what: str,
    filters: Mapping[str, object],
    to: Path | None,
    encoding: str,
    *,
    excel: bool,
    as_json: bool,
) -> None:
    from adapters.kit.table_writing import BLANK_FOR
    from api.exports.writing import table

    made = table(house, what, filters, encoding=encoding, excel=excel)
    _write(made.chunks, to)
    if made.writer.replaced:
        say(f"{made.writer.replaced:,} characters that CP932 lacks stand as {BLANK_FOR}; --encoding utf-8 keeps them")
    record: dict[str, Cell] = {"file": str(to), "rows": made.writer.rows, "replacedCharacters": made.writer.replaced}
    _done(record, to, as_json=as_json)
    skus = filters.get("skus")
    if isinstance(skus, list) and made.writer.rows < len(set(skus)):
        say(f"{len(set(skus)) - made.writer.rows} of the SKUs asked for are not registered")
        raise typer.Exit(EXIT_LEFT_OUT)


def _write(chunks: Iterable[bytes], to: Path | None) -> None:
    with _opened(to) as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()


@contextmanager
def _opened(to: Path | None) -> Iterator[IO[bytes]]:
    if to is None:
        yield sys.stdout.buffer
        return
    with appearing(to) as file:
        yield file


def _done(record: Mapping[str, Cell], to: Path | None, *, as_json: bool) -> None:
    """Standard output is the table's when there is no file, so nothing else stands there."""
    if to is not None:
        show_record(record, as_json=as_json)


def _period(since: datetime | None, until: datetime | None) -> dict[str, object]:
    return {"recorded_from": utc_of(since), "recorded_until": utc_of(until)}
