"""``daicho demo``: two emulated malls on this machine, set up step by step, and one order shown on its way."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Cell, Json, say, show_record, show_rows

if TYPE_CHECKING:
    from api.demo.play import Played

commands = typer.Typer()


@commands.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Check the outcome and end: exit code 0 or 1.")] = False,
    skus: Annotated[
        int, typer.Option(min=40, max=1_000_000, help="SKUs at Rakuten; a quarter of them at Yahoo!.")
    ] = 12_000,
    json: Json = False,
) -> None:
    """Play the three steps of setting up with two emulated malls, and show an order on its way; then serve until Ctrl-C."""
    from api.demo.doors import DoorRefused
    from api.demo.play import LOG, played, settings_of_demo
    from api.demo.waiting import NotInTime
    from api.processes import run_until, told_to_stop
    from api.settings import load

    settings, teller = load(), _Said() if json else _Printed()
    try:
        with played(settings, teller, rakuten_skus=skus, yahoo_skus=skus // 4 + 10) as found:
            _show_points(found, teller)
            told = None if once else told_to_stop()
            if json or not once:
                _show_addresses(found, as_json=json)
            sys.stdout.flush()
            if told is not None:
                say("Ctrl-C で終了 / ends it")
                run_until(told, found.running)
            holds = found.as_it_should
    except (DoorRefused, NotInTime) as failed:
        say(f"daicho demo: {failed}; the log is {settings_of_demo(settings).home / LOG}")
        raise typer.Exit(1) from None
    if not holds:
        raise typer.Exit(1)


class _Printed:
    """Tells on standard output."""

    def heading(self, japanese: str, english: str) -> None:
        print(f"\n■ {japanese} / {english}", flush=True)

    def note(self, japanese: str, english: str) -> None:
        print(f"  {japanese}\n    {english}", flush=True)

    def command(self, line: str) -> None:
        print(f"  {line}", flush=True)

    def table(self, columns: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> None:
        show_rows(rows, columns, as_json=False)


class _Said:
    """Tells on standard error: standard output is the record for a program."""

    def heading(self, japanese: str, english: str) -> None:
        say(f"{japanese} / {english}")

    def note(self, japanese: str, english: str) -> None:
        say(f"  {japanese} / {english}")

    def command(self, line: str) -> None:
        say(f"  {line}")

    def table(self, columns: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> None:
        for row in rows:
            say("  " + ", ".join(f"{name} {row[name]}" for name in columns))


def _show_points(found: "Played", teller: "_Printed | _Said") -> None:
    teller.heading("7. 結果の確認", "What must be true")
    rows: list[Mapping[str, Cell]] = [
        {"": "○" if point.holds else "×", "確認": point.japanese, "checked": point.english, "seen": point.seen}
        for point in found.points
    ]
    teller.table(("", "確認", "checked", "seen"), rows)


def _show_addresses(found: "Played", *, as_json: bool) -> None:
    from api.demo.play import LOG

    malls = {mall.code: mall.base for mall in (found.malls.rakuten, found.malls.yahoo)}
    record: dict[str, Cell] = {
        "graphql": f"{found.doors.http}/graphql",
        "key": found.doors.key,
        "mail": f"smtp://{found.doors.mail[0]}:{found.doors.mail[1]}",
        "addresses": dict(found.addresses),
        "malls": malls,
        "home": str(found.doors.settings.home),
        "log": str(found.doors.settings.home / LOG),
    }
    if as_json:
        record |= {
            "asItShould": found.as_it_should,
            "toldSeconds": found.way.told_seconds,
            "points": [{"checked": point.english, "holds": point.holds, "seen": point.seen} for point in found.points],
        }
    else:
        print("\n■ このまま動いています / It goes on running")
    show_record(record, as_json=as_json)
    if not as_json:
        listing = next(iter(found.malls.rakuten_listings.values()))
        body = f'{{"item": "{listing.item}", "variant": "{listing.variant}"}}'
        print(f"  もう1個売る / sell another: curl -X POST {found.malls.rakuten.base}/_emulator/sell -d '{body}'")
