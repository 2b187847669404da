"""``daicho inbox``: what arrived and what became of it; read a row again, ignore it, show what it says; a shop's address."""

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Cell, Json, say, show_record, show_rows

if TYPE_CHECKING:
    from api.tables.inbox import InboxRow

commands = typer.Typer(name="inbox", help="Messages from outside and what became of them.", invoke_without_command=True)

ACTOR = "cli"
JST = timezone(timedelta(hours=9))
ROWS_MAX = 1_000
Ids = Annotated[list[int], typer.Argument(help="Ids that `daicho inbox` shows.")]
COLUMNS = ("id", "shop", "receivedAt", "state", "reason", "rule", "line", "tries", "order", "proof")


class StateUnknown(ValueError):
    """No row of the inbox is ever in this state."""


@commands.callback()
def list_rows(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option(help="received, read, waiting, quarantined or ignored; all when not given.")
    ] = None,
    shop: Annotated[str | None, typer.Option(help="One shop; all of them when not given.")] = None,
    rows: Annotated[int, typer.Option(min=1, max=ROWS_MAX, help="How many, the newest first.")] = 50,
    json: Json = False,
) -> None:
    """List messages, the newest first, with what became of each; never what they say."""
    if context.invoked_subcommand is not None:
        return
    from api.settings import load
    from api.tables import inbox
    from api.wiring import open_house

    if state is not None and state not in inbox.STATES:
        raise StateUnknown(f"state {state!r}; expected one of {', '.join(inbox.STATES)}")
    with open_house(load()) as house, house.pool.connection() as connection:
        found = inbox.page(connection, state=state, shop=shop, rows_max=rows)
    show_rows([_cells(row) for row in found], COLUMNS, as_json=json)


@commands.command()
def resend(ids: Ids, json: Json = False) -> None:
    """Read messages again, as if they came now; an equal telling has no effect."""
    from api.settings import load
    from api.tables import inbox
    from api.wiring import open_house

    with open_house(load()) as house, house.pool.connection() as connection:
        for row_id in ids:
            inbox.resend(connection, house.database.schema, row_id)
    show_record({"resent": list(ids)}, as_json=json)


@commands.command()
def ignore(ids: Ids, json: Json = False) -> None:
    """Leave messages unread for good; one that was read keeps its facts and is refused."""
    from api.settings import load
    from api.tables import inbox
    from api.wiring import open_house

    with open_house(load()) as house, house.pool.connection() as connection:
        for row_id in ids:
            inbox.ignore(connection, row_id)
    show_record({"ignored": list(ids)}, as_json=json)


@commands.command()
def read(row_id: Annotated[int, typer.Argument(metavar="ID")], json: Json = False) -> None:
    """Show what one message says, opened for your eyes: a forwarding-confirmation mail, or one that was not understood."""
    from api.opened_message import opened_message
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        found = opened_message(house, row_id, ACTOR)
    show_record(
        {
            "id": found.id,
            "door": found.door,
            "rule": found.rule,
            "subject": found.subject,
            "from": found.sender,
            "sentAt": None if found.sent_at is None else found.sent_at.isoformat(),
            "text": found.text,
        },
        as_json=json,
    )


@commands.command()
def reread(
    shop: Annotated[str | None, typer.Option(help="One shop; all of them when not given.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", help="Messages that came from then on (Japan time); all that are kept when not given."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change; change nothing.")] = False,
    json: Json = False,
) -> None:
    """Read kept messages again by the present readers; what they tell differently becomes a correction, as facts.

    For a newer version, or a corrected profile or setting. Messages whose time is over are gone; their facts stay.
    """
    from api.jobs import rereading
    from api.settings import load
    from api.wiring import open_house

    begins = None if since is None else since.replace(tzinfo=JST)
    with open_house(load()) as house:
        seen = rereading.preview(house, code=shop, since=begins)
        record: dict[str, Cell] = {
            "messages": seen.messages,
            "same": seen.same,
            "corrected": seen.corrected,
            "understood": seen.understood,
            "notUnderstood": seen.not_understood,
            "otherOrder": seen.other_order,
            "stopped": seen.stopped,
            "availableChanges": dict(sorted(seen.changes.items())[:ROWS_MAX]),
        }
        if not dry_run:
            say(f"{len(seen.ids)} of {seen.messages} messages tell something else now")
            record["position"] = rereading.apply(house, seen).position
    show_record(record, as_json=json)


@commands.command()
def address(
    shop: Annotated[str, typer.Option(help="The shop's code.")],
    renew: Annotated[
        bool, typer.Option("--renew", help="Make a new one; mail to the old one is refused from here on.")
    ] = False,
    json: Json = False,
) -> None:
    """Print the shop's own order-mail address (受注メール転送先メールアドレス); it is made when there is none."""
    from api.connecting import mail_address
    from api.jobs.imports import shop_of
    from api.settings import load
    from api.tables import addresses
    from api.wiring import open_house

    with open_house(load()) as house:
        shop_of(house, shop)
        if renew:
            with house.pool.connection() as connection:
                made_at = house.clock.now()
                addresses.renew(connection, house.seals, shop=shop, new_secret=house.new_secret, made_at=made_at)
        show_record({"shop": shop, "mail": mail_address(house, shop)}, as_json=json)


def _cells(row: "InboxRow") -> dict[str, Cell]:
    return {
        "id": row.id,
        "shop": row.shop,
        "door": row.door,
        "receivedAt": row.received_at.isoformat(),
        "bytes": row.size_bytes,
        "state": row.state,
        "reason": row.reason,
        "rule": row.rule,
        "line": row.line,
        "sameAs": row.same_as,
        "tries": row.tries,
        "order": row.order_number,
        "position": row.position,
        "proof": row.proof,
        "trace": row.trace,
    }
