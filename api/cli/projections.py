"""``daicho rebuild``, ``lag``, ``set-aside`` and ``take-again``: the tables made from facts."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import Cell, Json, say, show_record, show_rows

if TYPE_CHECKING:
    from ledger.verify import Further
    from projections.rebuild import Place
    from projections.table import Connection, Table

commands = typer.Typer()

EXIT_DIFFERS = 1
STOCK_LEVELS = "stock_levels"
TableName = Annotated[str | None, typer.Argument(help="The table; all of them when not given.")]


@commands.command()
def rebuild(table: TableName = None, json: Json = False) -> None:
    """Replay tables beside the live ones, compare and swap them in, while everything runs on. Exit code 1: they differed.

    ``stock_levels`` belongs to the ledger: it is only compared with a replay.
    """
    from api.wiring import side_by_side
    from projections.rebuild import Lanes
    from projections.rebuild import rebuild as replay
    from projections.tables import LANES, TABLES, named

    if table == STOCK_LEVELS:
        _compare_stock_levels(as_json=json)
        return
    wanted = TABLES if table is None else (named(table),)
    with _place("rebuild") as place:
        results = replay(place, wanted, progress=_told(), lanes=Lanes(LANES, side_by_side))
    rows: list[dict[str, Cell]] = [
        {
            "table": each.table,
            "position": each.position,
            "compared": each.compared,
            "difference": None if each.difference is None else str(each.difference),
        }
        for each in results
    ]
    show_rows(rows, ("table", "position", "compared", "difference"), as_json=json)
    if any(each.difference is not None for each in results):
        say("the live table was not what its facts say; the replay has taken its place")
        raise typer.Exit(EXIT_DIFFERS)


@commands.command()
def lag(json: Json = False) -> None:
    """Say how far each table is behind the ledger, in facts and seconds, and what waits. Exit code 1 when one needs a rebuild."""
    from api.wiring import SystemClock
    from projections.lag import lag as behind
    from projections.tables import TABLES

    with _place("lag") as place, place.connect() as connection:
        found = behind(connection, place.schema, TABLES, SystemClock().now())
    rows: list[dict[str, Cell]] = [
        {
            "table": each.projection,
            "position": each.position,
            "head": each.head,
            "facts_behind": each.facts_behind,
            "seconds_behind": round(each.seconds_behind, 3),
            "fed": each.fed,
            "set_aside": each.set_aside,
            "version": each.version,
            "version_expected": each.version_expected,
        }
        for each in found
    ]
    columns = ("table", "position", "head", "facts_behind", "seconds_behind", "fed", "set_aside")
    show_rows(rows, columns, as_json=json)
    old = [each.projection for each in found if each.version != each.version_expected]
    if old:
        say(f"made by another version: {', '.join(old)}; run `daicho rebuild`")
        raise typer.Exit(EXIT_DIFFERS)


@commands.command(name="set-aside")
def set_aside(json: Json = False) -> None:
    """List streams whose facts a table could not take, with the reason; `daicho take-again` takes them. Exit code 1 when there are any."""
    from projections.quarantine import Quarantine

    with _place("set-aside") as place, place.connect() as connection:
        found = Quarantine(place.schema).page(connection)
    rows: list[dict[str, Cell]] = [
        {
            "table": each.projection,
            "stream": each.stream,
            "position": each.position,
            "fact": each.fact,
            "reason": each.reason,
            "waiting": each.waiting,
            "since": each.set_aside_at.isoformat(),
        }
        for each in found
    ]
    show_rows(rows, ("table", "stream", "position", "fact", "reason", "waiting"), as_json=json)
    if rows:
        raise typer.Exit(EXIT_DIFFERS)


@commands.command(name="take-again")
def take_again(
    table: Annotated[str, typer.Argument(help="The table that set the stream aside.")],
    stream: Annotated[str, typer.Argument(help="The stream, as `daicho set-aside` names it.")],
    json: Json = False,
) -> None:
    """Take the waiting facts of a stream into a table, in order, once the cause is mended."""
    from projections.rerun import rerun
    from projections.tables import named

    chosen = named(table)
    with _place("take-again") as place:
        taken = rerun(place, chosen, stream)
    show_record({"table": table, "stream": stream, "facts": taken}, as_json=json)


def replay_equals_live(connection: Any, schema: str) -> "Further":
    """I3 for ``daicho verify``: a replay of all facts, beside the live tables, equals them row by row at one position."""
    from api.wiring import side_by_side
    from ledger.chain import Opening
    from ledger.invariants import Finding
    from ledger.verify import Further
    from projections.rebuild import Lanes
    from projections.rebuild import rebuild as replay
    from projections.tables import LANES

    def run(_: Opening) -> Iterator[Finding]:
        place, tables = _beside(connection, schema)
        for each in replay(place, tables, swap=False, progress=_told(), lanes=Lanes(LANES, side_by_side)):
            if each.difference is not None:
                yield Finding("I3", f"{each.difference}; run `daicho rebuild {each.table}`", position=each.position)

    return Further("I3", run)


def _compare_stock_levels(*, as_json: bool) -> None:
    from projections.compare import stock_levels_findings

    with _place("rebuild") as place, place.connect() as connection:
        found = [str(finding) for finding in stock_levels_findings(connection, place.schema)]
    show_record({"table": STOCK_LEVELS, "difference": found[0] if found else None}, as_json=as_json)
    if found:
        say(
            "stock_levels is not what its facts say: nothing was changed; stop the pushes and find out how before anything else"
        )
        raise typer.Exit(EXIT_DIFFERS)


@contextmanager
def _place(name: str) -> "Iterator[Place]":
    """Where the commands work: the schema of the settings, migrated. Raises Unavailable, MigrationRefused."""
    from api import settings, wiring

    database = wiring.ready_database(settings.load())
    yield _made(lambda: database.conninfo(name=name), database.schema)


def _beside(connection: Any, schema: str) -> "tuple[Place, list[Table]]":
    """Connections like the one given, and the tables there are in this program's version."""
    from psycopg.conninfo import make_conninfo

    from projections.checkpoint import Checkpoints
    from projections.tables import TABLES

    place = _made(lambda: make_conninfo(connection.info.dsn, password=connection.info.password), schema)
    known = Checkpoints(schema).all(connection)
    return place, [table for table in TABLES if table.name in known and known[table.name].version == table.version]


def _made(conninfo: Callable[[], str], schema: str) -> "Place":
    import psycopg

    from api.wiring import SystemClock, new_id
    from projections.rebuild import Place

    def connect() -> "Connection":
        return psycopg.connect(conninfo(), autocommit=True)

    return Place(connect, schema, new_id(), SystemClock())


def _told() -> Callable[[int, int], None]:
    """Says how far a replay is, when somebody looks."""

    def tell(position: int, head: int) -> None:
        if sys.stderr.isatty():
            say(f"{position:,} of {head:,} facts")

    return tell
