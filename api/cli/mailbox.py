"""``daicho mailbox``: a mailbox that a shop's order mails are taken from over IMAP: add, show, test, remove."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Cell, Json, say, show_record, show_rows

if TYPE_CHECKING:
    from api.mailboxes import Tried
    from api.tables.mailboxes import Mailbox, Polled

commands = typer.Typer(
    name="mailbox", help="Mailboxes order mails are taken from (IMAP): add, show, test, remove.", no_args_is_help=True
)

EXIT_NO = 1
COLUMNS = ("shop", "host", "folder", "after", "taken", "readAt", "problem")
Shop = Annotated[str, typer.Argument(help="The shop's code.")]


@commands.command()
def add(
    shop: Shop,
    host: Annotated[str, typer.Option(help="The mail server's name.")],
    user: Annotated[str, typer.Option(help="The mailbox's user; sealed, never shown again.")],
    password: Annotated[str | None, typer.Option(help="Read from a line of standard input when not given.")] = None,
    port: Annotated[int | None, typer.Option(help="993 with TLS, else 143, when not given.")] = None,
    tls: Annotated[str, typer.Option(help="tls, starttls, or none (only on this machine).")] = "tls",
    folder: Annotated[str, typer.Option(help="The folder or label the order mails are in.")] = "INBOX",
    after: Annotated[str, typer.Option(help="What becomes of mails that were taken: leave, seen or move.")] = "leave",
    move_to: Annotated[str, typer.Option(help="The folder they are moved to.")] = "",
    authserv_id: Annotated[
        str, typer.Option(help="Whose Authentication-Results are believed: your mailbox provider's (mx.google.com).")
    ] = "",
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The first day whose mails are taken (Japan); today when not given."),
    ] = None,
    json: Json = False,
) -> None:
    """Take a shop's order mails from this mailbox; it is tested at once. Exit code 1 when it cannot be read."""
    from api import mailboxes
    from api.settings import load
    from api.wiring import open_house

    given = sys.stdin.readline().rstrip("\n") if password is None else password
    asked = mailboxes.Asked(
        shop=shop,
        host=host,
        user=user,
        password=given,
        port=port,
        tls=tls,
        folder=folder,
        after_reading=after,
        move_to=move_to,
        authserv_id=authserv_id,
        since=None if since is None else since.date(),
    )
    with open_house(load()) as house:
        mailbox = mailboxes.declare(house, asked)
        found = mailboxes.tried(house, shop)
    _tell(_declared(mailbox) | _found(found), found, as_json=json)


@commands.command()
def show(
    shop: Annotated[str | None, typer.Argument(help="One shop; all of them when not given.")] = None, json: Json = False
) -> None:
    """Show mailboxes, how far each was read, and what is wrong with it; never user or password."""
    from api import mailboxes
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        found = mailboxes.shown(house, shop)
    if shop is not None and not found:
        raise mailboxes.MailboxNotAccepted(f"shop {shop!r} has no mailbox; add one with `daicho mailbox add`")
    show_rows([_read(one) for one in found], COLUMNS, as_json=json)


@commands.command("test")
def try_out(shop: Shop, json: Json = False) -> None:
    """Open the mailbox and look, without taking or changing anything. Exit code 1 when it cannot be read."""
    from api import mailboxes
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        found = mailboxes.tried(house, shop)
    _tell({"shop": shop} | _found(found), found, as_json=json)


@commands.command()
def remove(shop: Shop, json: Json = False) -> None:
    """Look at the mailbox no more, and forget its password; mails that were taken stay."""
    from api import mailboxes
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        mailboxes.remove(house, shop)
    show_record({"shop": shop, "removed": True}, as_json=json)


def _tell(record: dict[str, Cell], found: "Tried", *, as_json: bool) -> None:
    from api.mailboxes import FAULTS

    show_record(record, as_json=as_json)
    if found.code:
        japanese, english, step = FAULTS[found.code]
        say(f"{japanese} {english}\n{step}")
        raise typer.Exit(EXIT_NO)


def _declared(mailbox: "Mailbox") -> dict[str, Cell]:
    return {
        "shop": mailbox.shop,
        "host": mailbox.host,
        "port": mailbox.port,
        "tls": mailbox.tls,
        "folder": mailbox.folder,
        "after": mailbox.after_reading,
        "moveTo": mailbox.move_to,
        "authservId": mailbox.authserv_id,
        "since": mailbox.since.isoformat(),
    }


def _read(polled: "Polled") -> dict[str, Cell]:
    return _declared(polled) | {
        "taken": polled.taken,
        "tooLarge": polled.too_large,
        "readAt": None if polled.read_at is None else polled.read_at.isoformat(),
        "problem": polled.code,
        "failures": polled.failures,
    }


def _found(found: "Tried") -> dict[str, Cell]:
    return {
        "readable": not found.code,
        "problem": found.code,
        "messages": found.messages,
        "toTake": found.to_take,
        "folders": list(found.folders),
    }
