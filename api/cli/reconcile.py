"""``daicho reconcile``: read a mall back, explain each difference, and mend what a person chooses (在庫照合)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lists import cells, fed_house, utc_of
from api.cli.output import Cell, Json, say, show_record, show_rows

if TYPE_CHECKING:
    from api.jobs.reconcile import Ran
    from api.wiring import House
    from ledger.terms import ListingKey

commands = typer.Typer(name="reconcile", invoke_without_command=True, no_args_is_help=False)

ACTOR = "cli"
EXIT_DIFFERS = 1
PROGRESS_LISTINGS = 1_000
PAGE_ROWS = 100
COLUMNS = (
    "item",
    "variant",
    "drift",
    "sure",
    "readUnits",
    "expectedUnits",
    "toldUnits",
    "wantedUnits",
    "evidence",
    "mended",
)
RUN_COLUMNS = ("endedAt", "shop", "run", "door", "trigger", "listings", "same", "agree", "byClass")

Items = Annotated[list[str] | None, typer.Option("--item", help="ITEM or ITEM/VARIANT; several times.")]


class ReconcileNotAsked(ValueError):
    """What to reconcile was not said."""


@commands.callback()
def reconcile(
    context: typer.Context,
    shop: Annotated[str | None, typer.Option(help="The shop's code.")] = None,
    item: Items = None,
    file: Annotated[
        list[Path] | None, typer.Option(help="The mall's own stock file instead of its API; several times.")
    ] = None,
    counted_at: Annotated[
        datetime | None,
        typer.Option(help="When the mall made the file; this machine's time zone. Its time on disk when not given."),
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="The files hold everything the shop sells.")] = False,
    watch: Annotated[
        int, typer.Option(min=0, max=60, help="Minutes to go on reading what differs: shows another tool that writes.")
    ] = 0,
    json: Json = False,
) -> None:
    """Read a mall back (or its file) and explain every number that differs. Exit code 1 when a person may have to act."""
    if context.invoked_subcommand is not None:
        return
    if shop is None:
        raise ReconcileNotAsked("no shop; expected --shop S, as `daicho shop show` lists them")
    with fed_house() as house:
        ran = (
            _of_files(house, shop, file, counted_at, whole=whole)
            if file
            else _of_mall(house, shop, item, watch, quiet=json)
        )
        rows = _rows(house, shop, ran.run, ())
    record: dict[str, Cell] = {
        "shop": shop,
        "run": ran.run,
        "listings": ran.listings,
        "same": ran.same,
        "agree": ran.agree,
        "differing": ran.differing,
        "classes": dict(ran.counts),
        "position": ran.position,
    }
    show_record(record | ({"rows": rows} if json else {}), as_json=json)
    if rows and not json:
        say("")
        show_rows(rows, COLUMNS, as_json=False)
    if ran.differing:
        raise typer.Exit(EXIT_DIFFERS)


@commands.command()
def runs(
    shop: Annotated[str | None, typer.Option(help="One shop; all of them when not given.")] = None,
    shadow: Annotated[bool, typer.Option("--shadow", help="Only the daily comparisons of a shadow run.")] = False,
    rows: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 30,
    json: Json = False,
) -> None:
    """Show the runs, newest first: how many listings agreed, and what differed."""
    from api.jobs.reconcile import SHADOW
    from projections import drift

    with fed_house() as house, house.pool.connection() as connection:
        found = drift.runs(connection, house.database.schema, first=rows, shop=shop, trigger=SHADOW if shadow else None)
    listed = [{**cells(row), "byClass": dict(row.by_class), "otherTool": row.other_tool} for row in found.rows]
    show_rows(listed, RUN_COLUMNS, as_json=json)


@commands.command()
def show(
    shop: Annotated[str, typer.Option(help="The shop's code.")],
    run: Annotated[str | None, typer.Option(help="The run's id; the last one when not given.")] = None,
    drift_class: Annotated[
        list[str] | None, typer.Option("--class", help="edit, lost_push, lost_order, …; several times.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what a run found, listing by listing, with its evidence and what was decided."""
    with fed_house() as house:
        show_rows(_rows(house, shop, run, drift_class or ()), COLUMNS, as_json=json)


@commands.command()
def mend(
    shop: Annotated[str, typer.Option(help="The shop's code.")],
    how: Annotated[
        str, typer.Option(help="push_again: the mall is told our number; take_mall_number: its number is ours.")
    ],
    run: Annotated[str | None, typer.Option(help="The run's id; the last one when not given.")] = None,
    item: Items = None,
    drift_class: Annotated[
        list[str] | None, typer.Option("--class", help="edit, lost_push, lost_order, …; several times.")
    ] = None,
    json: Json = False,
) -> None:
    """Mend differences that a run found. Exit code 1 when some were left as they are; a second time does nothing."""
    from api.mending import mend as mended

    with fed_house() as house:
        done = mended(house, shop, how, house.by(ACTOR), run=run, only=keys_of(item), classes=drift_class or ())
    record: dict[str, Cell] = {"shop": shop, "mended": done.mended, "refused": done.refused}
    show_record(record | {"reasons": list(done.reasons), "position": done.position}, as_json=json)
    if done.refused:
        raise typer.Exit(EXIT_DIFFERS)


def keys_of(items: list[str] | None) -> "list[ListingKey]":
    """Listings as ITEM or ITEM/VARIANT."""
    return [key_of(text) for text in items or []]


def key_of(text: str) -> "ListingKey":
    """The listing behind ITEM or ITEM/VARIANT."""
    from ledger.terms import ListingKey

    return ListingKey(*text.split("/", 1))


def _of_mall(house: "House", shop: str, item: list[str] | None, watch: int, *, quiet: bool) -> "Ran":
    from api.jobs.reconcile import reconcile as run

    shown = [0]

    def progress(done: int, of: int) -> None:
        if not quiet and (done - shown[0] >= PROGRESS_LISTINGS or done == of):
            shown[0] = done
            say(f"read {done:,} of {of:,} listings")

    return run(house, shop, house.by(ACTOR), only=keys_of(item), watch_minutes=watch, progress=progress)


def _of_files(house: "House", shop: str, files: list[Path], counted_at: datetime | None, *, whole: bool) -> "Ran":
    from api.cli.listing import file_of
    from api.jobs.reconcile_file import reconcile_files

    given = utc_of(counted_at)
    made = given or min(datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in files if path.is_file())
    return reconcile_files(house, shop, [file_of(path) for path in files], made, house.by(ACTOR), whole=whole)


def _rows(house: "House", shop: str, run: str | None, classes: "list[str] | tuple[()]") -> list[dict[str, Cell]]:
    from api.projecting import catch_up
    from projections import drift

    catch_up(house)
    found: list[dict[str, Cell]] = []
    after, more = ("", "", "", ""), True
    with house.pool.connection() as connection:
        newest = drift.newest_run(connection, house.database.schema, shop) if run is None else None
        name = run or (newest.run if newest else "")
        while more:
            page = drift.page(
                connection, house.database.schema, first=PAGE_ROWS, after=after, shop=shop, run=name, classes=classes
            )
            more = page.more
            for row in page.rows:
                after = row.place
                found.append({**cells(row), "evidence": " ".join(row.shown)})
    return found
