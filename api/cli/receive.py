"""``daicho receive``: goods in (入荷) by a slip's CSV."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.load import ACTOR, FileNotFound, file_chunks, progress_bar
from api.cli.output import Json, say, show_record

commands = typer.Typer()
PROBLEMS_SHOWN_MAX = 20


@commands.command("receive")
def receive(
    file: Annotated[
        Path | None, typer.Argument(help="A CSV of 商品SKU and 入荷数, and 伝票番号 and 行番号 where there are any.")
    ] = None,
    slip: Annotated[str, typer.Option(help="The slip number of lines that say none.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would come in; change nothing.")] = False,
    take_back: Annotated[str | None, typer.Option("--take-back", help="Take this slip out again, instead.")] = None,
    json: Json = False,
) -> None:
    """Book goods in (入荷): each line of a slip counts once, for ever; other rows are shown, and exit code 1 says so."""
    from api.jobs import receiving
    from api.settings import load
    from api.wiring import open_house

    if take_back is None and (file is None or not file.is_file()):
        raise FileNotFound(f"{file or 'no file'} is not a file; expected the CSV of a slip")
    with open_house(load()) as house:
        by = house.by(ACTOR)
        if take_back is not None:
            done = receiving.take_back(house, take_back, by)
        else:
            assert file is not None
            bar = progress_bar("received", quiet=json)
            chunks = file_chunks(file)
            done = receiving.receive_file(house, file.name, chunks, by, slip=slip, dry_run=dry_run, progress=bar)
    record = done.cells()
    if done.problems:
        record["problemRows"] = [str(problem) for problem in done.problems[:PROBLEMS_SHOWN_MAX]]
    show_record(record, as_json=json)
    if done.same_as:
        say(
            f"the same file was received before ({', '.join(done.same_as)}), and is booked once more; if that is wrong:"
            f" daicho receive --take-back {done.slips[-1]}"
        )
    for problem in [] if json else done.problems[:PROBLEMS_SHOWN_MAX]:
        say(str(problem))
    if done.problems:
        raise typer.Exit(1)
