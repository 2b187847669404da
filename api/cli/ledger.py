"""``daicho verify`` and ``seal-head``: the ledger proven, and its head to keep; carried elsewhere by ``daicho export``."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import Cell, Json, say, show_record
from api.cli.projections import replay_equals_live

if TYPE_CHECKING:
    from ledger.snapshot import DatabaseLedger
    from ledger.verify import Further, Ledger, Report

commands = typer.Typer()

# Checks of what stands beside the facts, each made from the connection that holds the snapshot and the schema's name.
FURTHER: Sequence[Callable[[Any, str], "Further"]] = (replay_equals_live,)
EXIT_WRONG = 1
EXIT_OLD_PROGRAM = 3


@commands.command()
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option(
            help="A head kept elsewhere (`daicho seal-head`) that the ledger must contain: only this finds a cut tail. May be given again."
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(help="Verify this export instead of the database; '-' is standard input. Needs no database."),
    ] = None,
    chain: Annotated[
        bool, typer.Option("--chain", help="Only the hash chain (I4), not what the facts add up to.")
    ] = False,
    json: Json = False,
) -> None:
    """Prove the ledger: every fact is the one that was sealed, and stock, orders and pushes agree. Exit code 1 names what is wrong."""
    from ledger.chain import Unreadable
    from ledger.verify import heads_of

    heads = heads_of(head or [])
    try:
        if file is not None:
            with _opened(file) as ledger:
                report = _checked(ledger, heads, (), chain_only=chain)
        else:
            with _of_database("verify") as (database_ledger, connection, schema):
                further = [] if chain else [make(connection, schema) for make in FURTHER]
                report = _checked(database_ledger, heads, further, chain_only=chain)
    except Unreadable as damage:  # the head itself cannot be read
        show_record({"sound": False, "findings": [str(damage)]}, as_json=json)
        raise typer.Exit(EXIT_WRONG) from None
    _show(report, heads, as_json=json)


def export_facts(to: Path | None, *, as_json: bool) -> None:
    """The whole ledger is written as lines of JSON (``daicho export`` without a word)."""
    from ledger.export import export as write

    with _of_database("export") as (ledger, _, _):
        if to is None:
            write(ledger, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        with appearing(to) as written:
            facts = write(ledger, written)
        show_record(
            {"file": str(to), "facts": facts, "bytes": to.stat().st_size, "head": _head(ledger)}, as_json=as_json
        )


@commands.command()
def seal_head(json: Json = False) -> None:
    """Print the ledger's head as POSITION:HASH. Keep it elsewhere: `daicho verify --head` proves later that nothing before it changed."""
    with _of_database("seal-head") as (ledger, _, _):
        if json:
            opening = ledger.opening
            show_record(
                {
                    "ledger": opening.ledger_id,
                    "position": opening.position,
                    "hash": opening.hash.hex(),
                    "head": _head(ledger),
                },
                as_json=True,
            )
        else:
            print(_head(ledger))


@contextmanager
def appearing(to: Path) -> Iterator[IO[bytes]]:
    """A file that is there under its name only when it is whole and on the disk."""
    unfinished = to.with_name(f"{to.name}.part")
    try:
        opened = unfinished.open("wb")
    except OSError as error:
        raise typer.BadParameter(f"cannot write {unfinished}: {error.strerror}") from error
    with opened:
        yield opened
        opened.flush()
        os.fsync(opened.fileno())
    unfinished.replace(to)


def _checked(ledger: "Ledger", heads: dict[int, bytes], further: "Sequence[Further]", *, chain_only: bool) -> "Report":
    from ledger.verify import verify as check

    last = ledger.opening.position

    def tell(position: int) -> None:
        if sys.stderr.isatty():
            say(f"{position:,} of {last:,} facts")

    return check(ledger, heads=heads, further=further, chain_only=chain_only, progress=tell)


def _show(report: "Report", heads: dict[int, bytes], *, as_json: bool) -> None:
    from ledger.verify import head_text

    opening = report.opening
    answer: dict[str, Cell] = {
        "sound": report.sound,
        "ledger": opening.ledger_id,
        "head": head_text(opening),
        "facts": report.position,
        "commits": report.commits,
        "rules": list(report.rules),
        "heads_found": len(heads) if report.sound else 0,
        "to_send_again": report.behind,
    }
    if as_json:
        answer["findings"] = [
            {"rule": each.rule, "commit": each.commit, "position": each.position, "what": each.what}
            for each in report.findings
        ]
        answer["stopped"] = None if report.stopped is None else str(report.stopped)
    show_record(answer, as_json=as_json)
    for finding in report.findings:
        say(f"wrong: {finding}")
    if report.findings:
        raise typer.Exit(EXIT_WRONG)
    if report.stopped is not None:
        say(str(report.stopped))
        raise typer.Exit(EXIT_OLD_PROGRAM)


@contextmanager
def _of_database(name: str) -> "Iterator[tuple[DatabaseLedger, Any, str]]":
    """The ledger of this DAICHO_SCHEMA as it is now, its connection and the schema. Raises Unavailable."""
    import psycopg

    from api import migrations, settings, wiring
    from api.unavailable import Unavailable
    from ledger.snapshot import snapshot

    database = wiring.reached_database(settings.load())
    if migrations.pending(database):
        raise Unavailable(f"schema '{database.schema}' lacks tables of this version; run `daicho db migrate` first")
    with (
        psycopg.connect(database.conninfo(name=name), autocommit=True) as connection,
        snapshot(connection, database.schema) as ledger,
    ):
        yield ledger, connection, database.schema


@contextmanager
def _opened(file: str) -> "Iterator[Ledger]":
    from ledger.export import FileLedger

    if file == "-":
        with closing(FileLedger(sys.stdin.buffer)) as ledger:
            yield ledger
        return
    try:
        opened = Path(file).open("rb")  # noqa: SIM115 (closed below; only its opening may fail so)
    except OSError as error:
        raise typer.BadParameter(f"cannot read {file}: {error.strerror}") from error
    with opened, closing(FileLedger(opened)) as ledger:
        yield ledger


def _head(ledger: "DatabaseLedger") -> str:
    from ledger.verify import head_text

    return head_text(ledger.opening)
