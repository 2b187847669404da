"""``daicho imports``: runs in bulk, one by one: what they would do, did, could not do; stopped, gone on with, taken back."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from api.cli.load import ACTOR, progress_bar
from api.cli.output import Cell, Json, say, show_record, show_rows

if TYPE_CHECKING:
    from api.wiring import House

commands = typer.Typer(name="imports", help="Runs in bulk (取込の一覧): list, look, apply, answer, stop, take back.")

Import = Annotated[str, typer.Argument(metavar="IMPORT", help="The import's id, as `daicho imports` shows it.")]
Output = Annotated[
    Path | None, typer.Option(help="The file to write, which must not be there yet; else standard output.")
]
COLUMNS = ("import", "shop", "kind", "format", "mode", "state", "rows", "problems", "changed", "madeAt")
T = TypeVar("T")


class OutputExists(ValueError):
    """The file to be written is there already."""


@commands.callback(invoke_without_command=True)
def imports_list(
    context: typer.Context,
    before: Annotated[str | None, typer.Option(help="Only runs before this one: the next page.")] = None,
    json: Json = False,
) -> None:
    """List runs, newest first: files of stock and products, choices of the set-up, lists of listings and sets."""
    if context.invoked_subcommand is not None:
        return
    from api.jobs import runs

    show_rows(_in_house(lambda house: runs.listed(house, before=before)), COLUMNS, as_json=json)


@commands.command("show")
def show(import_id: Import, json: Json = False) -> None:
    """Show one run: how far it came, and the counts of its preview."""
    from api.jobs import runs

    show_record(_in_house(lambda house: runs.shown(house, import_id)), as_json=json)


@commands.command("preview")
def preview_again(import_id: Import, json: Json = False) -> None:
    """Preview a staged import as the ledger stands now; change nothing."""
    from api.jobs import preview

    bar = progress_bar("previewed", quiet=json)
    show_record(_in_house(lambda house: preview.preview(house, import_id, bar).cells()), as_json=json)


@commands.command("differences")
def differences(
    import_id: Import,
    only: Annotated[str, typer.Option(help="all, to_zero, or first (SKUs without a number yet).")] = "all",
    first: Annotated[int, typer.Option(help="How many, up to 1,000.")] = 100,
    after: Annotated[str, typer.Option(help="The `key` of the last one shown: the next page.")] = "0,0",
    json: Json = False,
) -> None:
    """Show each SKU's number before and after, as the last preview found it."""
    from api.tables import import_differences

    def read(house: "House") -> list[dict[str, Cell]]:
        key = import_differences.key_of(after)
        with house.pool.connection() as connection:
            found, more = import_differences.page(connection, import_id, first=first, after=key, kind=only)
        if more:
            say(f"more: --after {found[-1].key[0]},{found[-1].key[1]}")
        return [
            {
                "sku": one.sku,
                "row": one.row,
                "before": one.before,
                "after": one.after,
                "key": f"{one.key[0]},{one.key[1]}",
            }
            for one in found
        ]

    show_rows(_in_house(read), ("sku", "before", "after", "row", "key"), as_json=json)


@commands.command("apply")
def apply(
    import_id: Import,
    confirm: Annotated[str | None, typer.Option(help="The counts you saw, as in 412,120.")] = None,
    json: Json = False,
) -> None:
    """Apply a staged import, or go on with one that stopped in the middle."""
    from api.jobs import reviewed

    confirmed = reviewed.confirmation(confirm) if confirm else None
    bar = progress_bar("applied", quiet=json)
    done = _in_house(lambda house: reviewed.apply(house, import_id, house.by(ACTOR), bar, confirmed=confirmed))
    show_record({"import": import_id, **done.cells()}, as_json=json)


@commands.command("answer")
def answer(
    import_id: Import,
    owed: Annotated[str | None, typer.Option(help="before or after: how its numbers stand to 不足 lines.")] = None,
    together: Annotated[
        str | None, typer.Option(help="same or divided: what several pages of one SKU show in a file that is added.")
    ] = None,
    json: Json = False,
) -> None:
    """Say once for the whole file what its rows leave open; the preview is made anew."""
    from api.jobs import answering

    seen = _in_house(lambda house: answering.answer(house, import_id, owed=owed, together=together))
    show_record({"import": import_id, **seen.cells()}, as_json=json)


@commands.command("cancel")
def cancel(import_id: Import, json: Json = False) -> None:
    """Stop a running import; what is applied stays, and `daicho imports applied` lists it."""
    from api.jobs import runs

    done = _in_house(lambda house: runs.cancel(house, import_id, house.by(ACTOR)))
    show_record({"import": import_id, "position": done.position}, as_json=json)


@commands.command("undo")
def undo(
    import_id: Import,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be taken back; change nothing.")] = False,
    json: Json = False,
) -> None:
    """Take an import back: numbers as before it, where nothing moved since; what moved is named and left.

    SKUs it registered and listings it linked stay. Exit code 1 when SKUs were left.
    """
    from api.jobs import undoing

    bar = progress_bar("looked at", quiet=json)
    done = _in_house(
        lambda house: (
            undoing.look_back(house, import_id, bar)
            if dry_run
            else undoing.undo(house, import_id, house.by(ACTOR), bar)
        )
    )
    show_record(done.cells(), as_json=json)
    if done.moved:
        raise typer.Exit(1)


@commands.command("errors")
def errors(
    import_id: Import,
    output: Output = None,
    part: Annotated[int, typer.Option(help="Of several files in one import: which, from 0.")] = 0,
    json: Json = False,
) -> None:
    """Write the error list: the rows that were not taken, in the file's own form, to be corrected and imported again."""
    from api.jobs import error_list, runs

    def write(house: "House") -> Path | None:
        file = runs.file_of(house, import_id)
        with house.pool.connection() as connection:
            name = error_list.name_of(error_list.part_of(connection, file, part))
        chosen = output or (Path(name) if json or sys.stdout.isatty() else None)
        _fresh(chosen)
        count = 0
        if chosen is None:
            count = error_list.write(house, file, sys.stdout.buffer.write, part=part)
        else:
            with chosen.open("xb") as opened:
                count = error_list.write(house, file, opened.write, part=part)
        say(f"{count:,} rows" + (f" in {chosen}" if chosen else ""))
        return chosen

    written = _in_house(write)
    if json:
        show_record({"import": import_id, "file": str(written)}, as_json=True)


@commands.command("applied")
def applied(import_id: Import, output: Output = None, json: Json = False) -> None:
    """Write what an import set, as CSV: each SKU's number before and after, in the order it was set."""
    from api.jobs import runs

    def write(house: "House") -> None:
        chosen = output or (Path(f"{import_id}-applied.csv") if json else None)
        _fresh(chosen)
        chunks = runs.applied(house, import_id)
        if chosen is None:
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            return
        with chosen.open("xb") as opened:
            for chunk in chunks:
                opened.write(chunk)
        if json:
            show_record({"import": import_id, "file": str(chosen)}, as_json=True)

    _in_house(write)


def _in_house(what: "Callable[[House], T]") -> T:
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        return what(house)


def _fresh(path: Path | None) -> None:
    if path is not None and path.exists():
        raise OutputExists(f"{path} is there already; expected the name of a new file")
