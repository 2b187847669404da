"""``daicho up``, ``serve``, ``work`` and ``mail``: the parts that run on, all in one process or each alone."""

import sys
from typing import TYPE_CHECKING

import typer

from api.cli.output import Cell, Json, say, show_record

if TYPE_CHECKING:
    from api.processes import Parts

commands = typer.Typer()

EXIT_ENDED = 3


@commands.command()
def up(json: Json = False) -> None:
    """Run everything in this process: HTTP, mail receiver, worker. Ctrl-C stops it; nothing is lost by that."""
    from api.processes import Parts

    _run(Parts(doors=True, work=True, mail=True), as_json=json)


@commands.command()
def serve(json: Json = False) -> None:
    """Run HTTP alone: GraphQL, files in, mails in. Any number of processes may."""
    from api.processes import Parts

    _run(Parts(doors=True), as_json=json)


@commands.command()
def work(json: Json = False) -> None:
    """Run the worker alone: intake, tables, pushes, retention. Any number of processes may."""
    from api.processes import Parts

    _run(Parts(work=True), as_json=json)


@commands.command()
def mail(json: Json = False) -> None:
    """Run the mail receiver (SMTP, and LMTP where it is on) alone. Any number of processes may."""
    from api.processes import Parts

    _run(Parts(mail=True), as_json=json)


def _run(parts: "Parts", *, as_json: bool) -> None:
    from api.processes import Ended, run_until, running, told_to_stop
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house, running(house, parts) as seen:
        record: dict[str, Cell] = {}
        if seen.http is not None:
            record |= {"graphql": f"{seen.http}/graphql", "health": f"{seen.http}/readyz"}
        if seen.mail is not None:
            record["mail"] = f"smtp://{seen.mail[0]}:{seen.mail[1]} (@{house.settings.mail_domain})"
        if seen.lmtp is not None:
            record["lmtp"] = f"lmtp://{seen.lmtp[0]}:{seen.lmtp[1]} (@{house.settings.mail_domain})"
        if seen.worker is not None:
            record["loops"] = [state.name for state in seen.worker.states()]
        told = told_to_stop()
        show_record(record, as_json=as_json)
        sys.stdout.flush()  # whoever reads it waits for it while we run on
        try:
            run_until(told, seen)
        except Ended as ended:
            say(str(ended))
            raise typer.Exit(EXIT_ENDED) from None
