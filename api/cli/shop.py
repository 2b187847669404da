"""``daicho shop``: connect a shop, show it, confirm its listings, turn its switches."""

import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Cell, Json, say, show_record, show_rows

if TYPE_CHECKING:
    from api.jobs.switching import Seen
    from api.wiring import House
    from ledger.writer import Done

commands = typer.Typer(
    name="shop", help="Connected shops (連携ショップ): add, test, show, start, stop.", no_args_is_help=True
)

ACTOR = "cli"
JST = timezone(timedelta(hours=9))


class PairNotAccepted(ValueError):
    """NAME=VALUE was expected."""


@commands.command()
def add(
    mall: Annotated[str, typer.Option(help="The mall's code; `daicho malls` lists them.")],
    shop_id: Annotated[str, typer.Option("--id", help="The mall's own id of this account.")],
    match_key: Annotated[str, typer.Option(help="同一商品判定キー; the mall's first when not given.")] = "",
    setting: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, as the mall declares.")] = None,
    secret: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE; NAME=- reads the value from a line of standard input.")
    ] = None,
    json: Json = False,
) -> None:
    """Connect a shop, or connect it again; prints its code and its own order-mail address."""
    from api.connecting import Connecting, connect_shop
    from api.settings import load
    from api.wiring import open_house

    asked = Connecting(mall, shop_id, match_key, _pairs(setting), _secrets(secret))
    with open_house(load()) as house:
        shop = connect_shop(house, asked, house.by(ACTOR))
    show_record({"shop": shop.code, "mail": shop.mail_address, "missing": list(shop.missing)}, as_json=json)
    if shop.missing:
        say(f"still missing, before this shop can be told numbers: {', '.join(shop.missing)}")


@commands.command()
def show(
    shop: Annotated[str | None, typer.Argument(help="One shop; all of them when not given.")] = None, json: Json = False
) -> None:
    """Show shops: switches, what is proven, the order-mail address, what is missing."""
    from api.connecting import described
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        rows = described(house, shop)
    if shop is not None and rows:
        show_record(rows[0], as_json=json)
    else:
        show_rows(rows, ("shop", "intake", "proven", "push", "paused", "mail"), as_json=json)


@commands.command()
def start(
    shop: str,
    intake: Annotated[bool, typer.Option("--intake", help="受注取込 起動.")] = False,
    push: Annotated[bool, typer.Option("--push", help="在庫反映 起動, after a reviewed dry run.")] = False,
    review: Annotated[bool, typer.Option("--review", help="Read the mall back and show the difference first.")] = False,
    seen: Annotated[
        str | None,
        typer.Option(help="CHANGED,TOZERO as the review before showed: the guard lets as many pass, not more."),
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option(help="Review with the mall's own stock file instead of its API; several times.")
    ] = None,
    backlog: Annotated[
        str | None,
        typer.Option(
            help="With --intake, for orders kept while it was stopped: take them, counted (計上済: the stock knows them), or skip."
        ),
    ] = None,
    up_to: Annotated[
        datetime | None,
        typer.Option(
            help="The choice is also for orders placed until then that come late (Japan time); now when not given."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Start order intake (受注取込), or review and start stock push (在庫反映).

    When messages were kept while intake was stopped, --backlog is needed: nobody chooses it for you.
    """
    from api.jobs import intake_start, switching
    from api.settings import load
    from api.wiring import open_house

    if not (intake or push or review):
        raise PairNotAccepted("nothing to start; expected --intake, --review or --push")
    if backlog is not None and not intake:
        raise PairNotAccepted("--backlog without --intake; expected both: it says what starting does with kept orders")
    record: dict[str, Cell] = {"shop": shop}
    with open_house(load()) as house:
        if intake:
            until = None if up_to is None else up_to.replace(tzinfo=JST)
            done = intake_start.start_intake(house, shop, house.by(ACTOR), backlog=backlog, up_to=until)
            record["position"] = done.position
        if review:
            record |= _cells(_review(house, shop, file, _seen(seen)).answer)
        if push:
            record["position"] = switching.start_push(house, shop, ACTOR).position
    show_record(record, as_json=json)


@commands.command()
def confirm(shop: str, json: Json = False) -> None:
    """Confirm every listing that waits (確認待ち) and was read, as the review showed it. Exit code 1 when some were not read."""
    from api.confirming import confirm_read
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        done = confirm_read(house, shop, house.by(ACTOR))
    record: dict[str, Cell] = {"shop": shop, "confirmed": done.confirmed, "notRead": done.not_read}
    show_record(record | {"position": done.position}, as_json=json)
    if done.not_read:
        say(
            f"{done.not_read} listings wait still: the mall did not show them; `daicho listings --state to_confirm` lists them"
        )
        raise typer.Exit(1)


@commands.command()
def stop(
    shop: str,
    intake: Annotated[bool, typer.Option("--intake", help="受注取込 停止; 在庫反映 stops with it.")] = False,
    push: Annotated[bool, typer.Option("--push", help="在庫反映 停止.")] = False,
    json: Json = False,
) -> None:
    """Stop stock push (在庫反映) or order intake (受注取込); mails that arrive are kept."""
    from api.jobs import switching
    from api.settings import load
    from api.wiring import open_house
    from ledger.book import shops

    if not (intake or push):
        raise PairNotAccepted("nothing to stop; expected --intake or --push")
    record: dict[str, Cell] = {"shop": shop}
    with open_house(load()) as house:
        if push:
            record |= _cells(switching.stop_push(house, shop, ACTOR).answer)
        if intake:
            record["position"] = house.book.do(shops.stop_intake(shop), house.by(ACTOR)).position
    show_record(record, as_json=json)


@commands.command("send-type")
def send_type(
    shop: str,
    way: Annotated[str, typer.Argument(help="api or file.")],
    json: Json = False,
) -> None:
    """送信タイプ: tell this shop by API or by file. Listings of a file that is not finished wait for its end."""
    from api import sending
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        done = sending.choose(house, shop, way, house.by(ACTOR))
    record = _cells(done.answer)
    show_record({"shop": shop, **record}, as_json=json)
    if record["onTheirWay"]:
        say(
            f"{record['onTheirWay']} numbers are still on their way; those listings wait for the end of what holds them"
        )


@commands.command("test")
def try_connections(
    shop: str,
    accept_host_key: Annotated[
        str, typer.Option(help="SHA256:… as the mall published it: you compared it and confirm it.")
    ] = "",
    json: Json = False,
) -> None:
    """Test a shop's connection by calls that change nothing: its mall's API, and the folders its files go to. Exit code 1: it failed."""
    from api import sending
    from api.settings import load
    from api.shop_access import ShopAccesses
    from api.wiring import open_house

    with open_house(load()) as house:
        accesses = ShopAccesses(house)
        try:
            found = sending.check_connections(accesses, house, shop, house.by(ACTOR), accept_host_key=accept_host_key)
            waits = found.files is not None and found.files.seen and not found.files.changed
            if waits and sys.stdin.isatty() and found.files is not None:
                say(found.files.message)
                if typer.confirm("この指紋はモールの案内と同じですか / Is it the one the mall published?"):
                    seen = found.files.seen
                    found = sending.check_connections(accesses, house, shop, house.by(ACTOR), accept_host_key=seen)
        finally:
            accesses.close()
    show_record({"shop": shop, **found.cells()}, as_json=json)
    if not found.ok:
        raise typer.Exit(1)


@commands.command()
def shipping(
    shop: str,
    source: Annotated[
        str, typer.Option(help="api: the mall says so; csv: 出荷実績CSV; none: nobody, so lines close after --days.")
    ],
    days: Annotated[int, typer.Option(help="With none: after so many days open lines count as shipped (推定).")] = 14,
    json: Json = False,
) -> None:
    """State where the shop's shipments are told from; where nobody tells them 実在庫 is an estimate (推定)."""
    from api.jobs.shipping_source import state_source
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        done = house.book.do(state_source(shop, source, days), house.by(ACTOR))
    show_record({"shop": shop, "source": source, "days": days, "position": done.position}, as_json=json)


def _seen(text: str | None) -> "Seen | None":
    from api.jobs.switching import Seen

    if text is None:
        return None
    changed, comma, to_zero = text.partition(",")
    if not (comma and changed.strip().isdecimal() and to_zero.strip().isdecimal()):
        raise PairNotAccepted(f"--seen {text!r}; expected the two counts that the review showed: wouldChange,toZero")
    return Seen(int(changed), int(to_zero))


def _review(house: "House", shop: str, files: list[Path] | None, seen: "Seen | None") -> "Done":
    from api.cli.listing import file_of
    from api.jobs import reviewing_files, switching

    if not files:
        return switching.review(house, shop, ACTOR, seen=seen)
    opened = [file_of(path) for path in files]
    made = min(datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in files)
    return reviewing_files.review_files(house, shop, opened, made, ACTOR, seen=seen)


def _pairs(given: list[str] | None, *, secret: bool = False) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for one in given or []:
        name, equals, value = one.partition("=")
        if not equals or not name:
            seen = "a secret without its name" if secret else repr(one)  # what was typed may be the secret itself
            raise PairNotAccepted(f"{seen}; expected NAME=VALUE")
        pairs[name] = value
    return pairs


def _secrets(given: list[str] | None) -> dict[str, str]:
    pairs = _pairs(given, secret=True)
    return {name: sys.stdin.readline().rstrip("\n") if value == "-" else value for name, value in pairs.items()}


def _cells(answer: object) -> dict[str, Cell]:
    assert isinstance(answer, dict), answer
    return answer
