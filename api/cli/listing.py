"""``daicho listing``: listings in bulk by CSV: linked to a shop, checked against the mall, their codes replaced, their rules set."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import Cell, Json, say, show_record, show_rows

if TYPE_CHECKING:
    from api.jobs.imports import Progress
    from api.jobs.listing_bulk import File, Outcome, Sink, Task
    from api.wiring import House

commands = typer.Typer(
    name="listing",
    help="Listings (ショップ商品) in bulk by CSV: link, check, replace, set.",
    no_args_is_help=True,
)

READ_BYTES = 1 << 20
ACTOR = "cli"
PROGRESS_ROWS = 10_000

Shop = Annotated[str, typer.Option(help="The shop's code, as `daicho shop show` lists it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]
Errors = Annotated[
    Path | None,
    typer.Option(help="Write the refused rows to this new CSV, each with what is wrong: correct it and send it again."),
]


class FileNotAccepted(ValueError):
    """There is no such file to read, or there is one already where a new one is to be written."""


@commands.command()
def link(
    file: Annotated[Path, typer.Argument(help="商品SKU, モール商品コード; モール枝番 and 入数 where there are.")],
    shop: Shop,
    dry_run: DryRun = False,
    relink: Annotated[
        bool, typer.Option("--relink", help="Rows may give listings another SKU than they sell now.")
    ] = False,
    errors: Errors = None,
    json: Json = False,
) -> None:
    """Link SKUs to a shop (一括更新:取り扱いショップ), variant by variant; what is new waits to be confirmed (確認待ち).

    Codes and texts of variants are taken exactly as written. Exit code 1 when rows were refused; the others are done.
    """
    from api.jobs import listing_bulk_tasks as tasks

    run_list(file, lambda house: tasks.linking(house, shop, relink=relink), dry_run=dry_run, errors=errors, json=json)


@commands.command("set")
def set_listings(
    file: Annotated[Path, typer.Argument(help="モール商品コード (and モール枝番) or 商品SKU, and what to change.")],
    shop: Shop,
    dry_run: DryRun = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="You saw the preview: the guard against many pages at 0 lets it pass.")
    ] = False,
    errors: Errors = None,
    json: Json = False,
) -> None:
    """Set 入数, 留保数, 配分率, 上限数, 停止しきい値, 再開数, 保留在庫数 and 連動状態 of listings, and their further rules.

    A blank cell leaves things as they are, なし takes a setting away. Exit code 1 when rows were refused; the others are done.
    """
    from api.jobs import listing_bulk_tasks as tasks
    from api.projecting import catch_up

    def task(house: "House") -> "Task[Any]":
        catch_up(house)
        return tasks.setting(house, shop)

    run_list(file, task, dry_run=dry_run, errors=errors, json=json, guard=None if confirm else shop)


@commands.command()
def replace(
    file: Annotated[Path, typer.Argument(help="The check list, with 新モール商品コード or 新モール枝番 filled in.")],
    shop: Shop,
    dry_run: DryRun = False,
    errors: Errors = None,
    json: Json = False,
) -> None:
    """Replace the mall codes of listings; SKU, 入数 and rules go on at the new code, which waits to be confirmed (確認待ち).

    Rows without a new code stay as they are. Exit code 1 when rows were refused; the others are done.
    """
    from api.jobs import listing_bulk_tasks as tasks

    run_list(file, lambda house: tasks.replacing(house, shop), dry_run=dry_run, errors=errors, json=json)


@commands.command()
def check(
    file: Annotated[Path, typer.Argument(help="Where the check list is written: a CSV that is not there yet.")],
    shop: Shop,
    mall_file: Annotated[
        list[Path] | None,
        typer.Option(help="The mall's own file; several times. What was read back last when not given."),
    ] = None,
    only_unknown: Annotated[
        bool, typer.Option("--only-unknown", help="Leave out the listings that the mall knows.")
    ] = False,
    json: Json = False,
) -> None:
    """Write the check list: every listing of the shop with whether the mall knows it (あり, なし, 未確認), and codes like it.

    Fill in 新モール商品コード or 新モール枝番 and send it by `daicho listing replace`. Exit code 1 when the mall lacks a listing.
    """
    from api.jobs.listing_bulk_check import check as checked
    from api.settings import load
    from api.wiring import open_house

    files = [file_of(one) for one in mall_file or []]
    with open_house(load()) as house, written(file) as sink:
        assert sink is not None
        done = checked(house, shop, files, sink, only_unknown=only_unknown, progress=_bar("read", quiet=json))
    record: dict[str, Cell] = {
        "file": str(file),
        "known": done.known,
        "unknown": done.unknown,
        "notLooked": done.not_looked,
        "proposed": done.proposed,
        "unlinked": done.unlinked,
        "problems": done.problems,
    }
    show_record(record, as_json=json)
    if done.not_looked:
        say(
            f"{done.not_looked} listings were not looked at: `daicho shop start {shop} --review` reads them, or give --mall-file"
        )
    if done.unknown:
        raise typer.Exit(1)


@commands.command()
def rekey(
    files: Annotated[list[Path], typer.Argument(help="The mall's own files, which say what each listing is called.")],
    shop: Shop,
    match_key: Annotated[str, typer.Option(help="The other match key (同一商品判定キー) of the shop's mall.")],
    out: Annotated[Path, typer.Option(help="Where the listings that would name another SKU are written: a new CSV.")],
    confirm: Annotated[
        bool, typer.Option("--confirm", help="You saw the list: relink its listings, and use the key from now on.")
    ] = False,
    json: Json = False,
) -> None:
    """Change the match key of a shop: first the list of listings that would name another SKU; with --confirm it is done.

    SKUs that do not exist yet are registered without a number; relinked listings wait to be confirmed (確認待ち).
    """
    from api.jobs import rekeying
    from api.jobs.sent_files import Sent
    from api.settings import load
    from api.wiring import open_house

    sent = [Sent(one.name, file_of(one).chunks()) for one in files]
    with open_house(load()) as house, written(out) as sink:
        assert sink is not None
        bar = _bar("read", quiet=json)
        seen = rekeying.rekey(house, shop, match_key, sent, ACTOR, sink, confirm=confirm, progress=bar)
    record: dict[str, Cell] = {
        "list": str(out),
        "matchKey": seen.match_key,
        "was": seen.now,
        "same": seen.same,
        "otherSku": seen.other,
        "newSkus": seen.new_skus,
        "joinedSkus": seen.joined,
        "blank": seen.unnamed,
        "notInFiles": seen.not_in_files,
        "problems": seen.problems,
    }
    if seen.done is not None:
        record |= {"done": dict(sorted(seen.done.became.items())), "position": seen.done.position}
    show_record(record, as_json=json)


@commands.command()
def resend(
    shop: Annotated[str | None, typer.Option(help="The shop; those of the SKUs when not given.")] = None,
    item: Annotated[list[str] | None, typer.Option("--item", help="ITEM or ITEM/VARIANT; several times.")] = None,
    sku: Annotated[list[str] | None, typer.Option("--sku", help="Every listing of this SKU; several times.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until the malls answered, at most 30 seconds a shop.")] = False,
    json: Json = False,
) -> None:
    """Tell listings again now (この商品を今すぐ反映); of a shop alone: its whole work list (反映エラー)."""
    from api.cli.reconcile import keys_of
    from api.settings import load
    from api.wiring import open_house
    from api.work_list import listings_of
    from api.work_list import resend as sent_again

    if shop is None and not sku:
        raise FileNotAccepted("nothing is named; expected --shop S, with --item or alone, or --sku SKU")
    rows: list[Mapping[str, Cell]] = []
    with open_house(load()) as house:
        named = {shop: keys_of(item)} if shop is not None and not sku else listings_of(house, sku or [])
        for code, keys in named.items():
            if shop in (None, code):
                done = sent_again(house, code, keys, house.by(ACTOR), wait=wait)
                rows.append(
                    {
                        "shop": code,
                        "listings": done.listings,
                        "outcomes": dict(done.outcomes),
                        "position": done.position,
                    }
                )
    show_rows(rows, ("shop", "listings", "outcomes", "position"), as_json=json)


# ------------------------------------------------------------------ one list


def run_list(
    file: Path,
    task_of: "Any",
    *,
    dry_run: bool,
    errors: Path | None,
    json: bool,
    guard: str | None = None,
) -> None:
    """The list is previewed and, unless ``dry_run``, sent; the answer is shown. ``guard``: the shop whose guard decides.

    Exit code 1 when rows were refused. Raises FileNotAccepted, FileRefused, NotConfirmed.
    """
    from api.jobs import listing_bulk
    from api.jobs.listing_bulk_tasks import check_guard
    from api.settings import load
    from api.wiring import open_house

    sent = file_of(file)
    with open_house(load()) as house, written(errors) as sink:
        by = house.by(ACTOR)
        bar = _bar("read", quiet=json)
        seen = listing_bulk.preview(house, sent, task_of(house), by, errors=sink if dry_run else None, progress=bar)
        done = seen
        if not dry_run:
            if guard is not None:
                check_guard(house, guard, seen)
            bar, shown = _bar("done", quiet=json), [0]
            try:
                done = listing_bulk.apply(house, sent, task_of(house), by, errors=sink, progress=_noting(shown, bar))
            except KeyboardInterrupt:
                say(f"stopped behind {shown[0]:,} rows; send the same file again: what is done says nothing new")
                raise
    _show(done, seen, dry_run=dry_run, errors=errors, json=json)


def _show(done: "Outcome", seen: "Outcome", *, dry_run: bool, errors: Path | None, json: bool) -> None:
    record: dict[str, Cell] = {
        "rows": done.rows,
        "blank": done.blank,
        "problems": done.problems,
        "wouldBe" if dry_run else "done": dict(sorted(done.became.items())),
        "states": dict(sorted(done.states.items())),
        **dict(seen.effects),
        "unknownColumns": list(done.unknown_columns),
    }
    if not dry_run:
        record["position"] = done.position
    if done.problems:
        record["problemRows"] = [str(problem) for problem in done.shown]
        record["errors"] = str(errors) if errors else None
    show_record(record, as_json=json)
    for problem in [] if json else done.shown:
        say(str(problem))
    if done.problems:
        raise typer.Exit(1)


def file_of(path: Path) -> "File":
    """The file to read. Raises FileNotAccepted."""
    from api.jobs.listing_bulk import File

    if not path.is_file():
        raise FileNotAccepted(f"{path} is not a file; expected a CSV or an Excel workbook")

    def chunks() -> Iterator[bytes]:
        with path.open("rb") as opened:
            while chunk := opened.read(READ_BYTES):
                yield chunk

    return File(path.name, chunks)


@contextmanager
def written(path: Path | None) -> "Iterator[Sink | None]":
    """What is written becomes the file, which was not there; nothing written, no file."""
    if path is None:
        yield None
        return
    if path.exists():
        raise FileNotAccepted(f"{path} is there already; expected the name of a new file")
    opened: list[Any] = []

    def write(chunk: bytes) -> None:
        if not opened:
            opened.append(path.open("xb"))
        opened[0].write(chunk)

    try:
        yield write
    finally:
        for one in opened:
            one.close()


def _noting(shown: list[int], bar: "Progress | None") -> "Progress":
    def progress(done: int, of: int) -> None:
        shown[0] = done
        if bar is not None:
            bar(done, of)

    return progress


def _bar(what: str, *, quiet: bool) -> "Progress | None":
    """Progress on standard error, every PROGRESS_ROWS rows."""
    shown = 0

    def progress(done: int, _of: int) -> None:
        nonlocal shown
        if done - shown >= PROGRESS_ROWS:
            shown = done
            say(f"{what} {done:,} rows")

    return None if quiet else progress
