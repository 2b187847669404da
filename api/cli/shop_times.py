"""``daicho shop schedule`` and ``daicho shop put-back``: what a shop does by the clock, and the way back from a switch-on."""

from typing import Annotated

import typer

from api.cli.output import Cell, Json, show_record
from api.cli.shop import ACTOR
from api.cli.shop import commands as of_shop

EXIT_LEFT = 1


@of_shop.command()
def schedule(
    shop: str,
    sync_at: Annotated[str | None, typer.Option(help="HH:MM in Japan for the nightly full sync, or off.")] = None,
    shadow_at: Annotated[
        str | None, typer.Option(help="HH:MM in Japan for the daily comparison of a shadow run (push off), or off.")
    ] = None,
    maintenance: Annotated[
        list[str] | None,
        typer.Option(
            help="'daily 02:00-04:00' or '2026-12-01T02:00/2026-12-01T06:00': nothing is told then; several times. '' for none."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show or change when a shop's full sync and daily comparison begin, and its maintenance windows."""
    from api.jobs.imports import shop_of
    from api.settings import load
    from api.syncs import change_schedule, schedule_of
    from api.wiring import open_house

    record: dict[str, Cell] = {"shop": shop}
    with open_house(load()) as house:
        windows = None if maintenance is None else [each for each in maintenance if each]
        if (sync_at, shadow_at, windows) != (None, None, None):
            by = house.by(ACTOR)
            record["position"] = change_schedule(
                house, shop, by, sync_at=sync_at, shadow_at=shadow_at, maintenance=windows
            )
        record |= schedule_of(shop_of(house, shop).settings)  # type: ignore[arg-type]
    show_record(record, as_json=json)


@of_shop.command("put-back")
def put_back(
    shop: str,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be told; tell nothing.")] = False,
    json: Json = False,
) -> None:
    """After 停止: let the mall show the numbers again that were kept at switch-on. Exit code 1 when it did not take all of them."""
    from api.jobs.putting_back import put_back as putting
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        done = putting(house, shop, house.by(ACTOR), dry_run=dry_run)
    record: dict[str, Cell] = {
        "shop": shop,
        "kept": done.listings,
        "wouldSend" if dry_run else "sent": done.sent,
        "same": done.same,
        "rejected": done.rejected,
        "unlimited": done.unlimited,
        "differing": [f"{key}: {now} -> {kept}" for key, now, kept in done.differing],
    }
    show_record(record | ({} if dry_run else {"position": done.position}), as_json=json)
    if done.rejected:
        raise typer.Exit(EXIT_LEFT)
