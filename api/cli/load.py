"""``daicho import``: files into stock (在庫一括更新)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Cell, Json, say, show_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.jobs.imports import Progress, Wish
    from api.tables.imports import ImportFile
    from api.wiring import House

commands = typer.Typer()

READ_BYTES = 1 << 20
ACTOR = "cli"


class FileNotFound(ValueError):
    """There is no such file."""


@commands.command("import")
def import_file(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="The file a mall gave out, or our own CSV; several of one download, or a zip of them."),
    ] = None,
    shop: Annotated[str, typer.Option(help="The shop whose file it is; `-` for our own CSV form.")] = "-",
    mode: Annotated[str, typer.Option(help="overwrite (上書き) or add (追加).")] = "overwrite",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")] = False,
    counted_at: Annotated[
        datetime | None,
        typer.Option(
            help="When the mall made the file. When not given: the time its name carries, else the file's own."
        ),
    ] = None,
    owed: Annotated[str | None, typer.Option(help="before or after: how the number stands to 不足 lines.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="The form of the file, when it is not the one it looks like.")
    ] = "",
    encoding: Annotated[
        str, typer.Option(help="utf-8, cp932 or utf-16, when it is not the one the bytes look like.")
    ] = "",
    from_mall: Annotated[bool, typer.Option("--from-mall", help="Read the mall by its API instead of a file.")] = False,
    together: Annotated[
        str | None, typer.Option(help="same or divided: what several pages of one SKU show in a file that is added.")
    ] = None,
    confirm: Annotated[
        str | None, typer.Option(help="The counts you saw: numbers that change and that go to 0, as in 412,120.")
    ] = None,
    json: Json = False,
) -> None:
    """Import a mall's files, or our own CSV: every row is stored, previewed, and applied chunk by chunk.

    Files of one download (products and their options, item and select, parts of a large one) are one import.

    More changes than the guard lets pass are refused; the file stays: `daicho imports apply` applies it with --confirm.

    Exit code 1 when rows were not understood; the others are applied.
    """
    from api.jobs import imports, preview, reviewed
    from api.settings import load
    from api.wiring import open_house

    given = counted_at if counted_at is None or counted_at.tzinfo else counted_at.astimezone(UTC)
    chosen = None if shop == "-" else shop
    wish = imports.Wish(chosen, mode, "", given, owed, format=form, encoding=encoding, together=together)
    confirmed = reviewed.confirmation(confirm) if confirm else None
    _check(files or [], wish, from_mall=from_mall)
    with open_house(load()) as house:
        staged = _staged(house, files or [], wish, progress_bar("read", quiet=json))
        seen = preview.preview(house, staged.import_id, progress_bar("previewed", quiet=json))
        record: dict[str, Cell] = {**_shown(staged), **seen.cells()}
        if not dry_run:
            bar = progress_bar("applied", quiet=json)
            record |= reviewed.apply(house, staged.import_id, house.by(ACTOR), bar, confirmed=confirmed).cells()
        problems = preview.problems(house, staged.import_id)
    _answer(record, [str(problem) for problem in problems], as_json=json)


def _answer(record: dict[str, Cell], problems: list[str], *, as_json: bool) -> None:
    """What was done, and the first rows that were not understood; exit code 1 when there are any."""
    show_record({**record, "problemRows": problems} if problems else record, as_json=as_json)
    for problem in [] if as_json else problems:
        say(problem)
    if problems:
        raise typer.Exit(1)


def _staged(house: "House", files: list[Path], wish: "Wish", progress: "Progress | None") -> "ImportFile":
    """The files, or without any what the mall answers, are staged."""
    from api.jobs import imports, mall_imports, staging
    from api.jobs.sent_files import Sent

    if not files:
        assert wish.shop is not None, wish
        return mall_imports.read_mall(house, wish.shop, wish.mode, ACTOR, progress, owed=wish.owed)
    connected = imports.shop_of(house, wish.shop) if wish.shop else None
    sent = [Sent(file.name, file_chunks(file), _changed_at(file)) for file in files]
    return staging.stage_files(house, sent, wish, ACTOR, connected, progress)


def _check(files: list[Path], wish: "Wish", *, from_mall: bool) -> None:
    mode = wish.mode
    if from_mall and (files or wish.counted_at or wish.format or wish.encoding or wish.shop is None):
        raise FileNotFound("--from-mall stands alone with --shop; expected no file and nothing that is said of one")
    if not files and not from_mall:
        raise FileNotFound("no file; expected a CSV a mall gave out, our own form, or --from-mall")
    for file in files:
        if not file.is_file():
            raise FileNotFound(f"{file} is not a file; expected a CSV a mall gave out, or our own form")
    if mode not in ("overwrite", "add"):
        raise FileNotFound(f"mode {mode!r}; expected overwrite (上書き) or add (追加)")


def _shown(file: "ImportFile") -> dict[str, Cell]:
    """What the files are."""
    shown: dict[str, Cell] = {
        "import": file.import_id,
        "format": f"{file.mall}:{file.format} ({file.encoding}, by {file.reason})",
        "countedAt": file.counted_at.isoformat(),
        "countedAtFrom": file.counted_from,
    }
    return {**shown, "notes": list(file.notes)} if file.notes else shown


def file_chunks(file: Path) -> "Iterator[bytes]":
    with file.open("rb") as opened:
        while chunk := opened.read(READ_BYTES):
            yield chunk


def _changed_at(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)


def progress_bar(what: str, *, quiet: bool) -> "Progress | None":
    """Progress on standard error, every 20,000 rows."""
    shown = 0

    def progress(done: int, of: int) -> None:
        nonlocal shown
        if done - shown >= 20_000 or (of and done >= of):
            shown = done
            say(f"{what} {done:,} rows" + (f" of {of:,}" if of else ""))

    return None if quiet else progress
