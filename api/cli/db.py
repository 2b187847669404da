"""``daicho db``: the database: start, stop, status, psql, migrate."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Cell, Json, say, show_record

if TYPE_CHECKING:
    from api.settings import Settings

commands = typer.Typer(
    name="db", help="The database: embedded, or the one of DAICHO_DATABASE_URL.", no_args_is_help=True
)


@commands.command()
def start(json: Json = False) -> None:
    """Start the embedded PostgreSQL of this DAICHO_HOME and make its tables; it goes on running."""
    from api import settings, wiring

    chosen = settings.load()
    _refuse_a_foreign_server(chosen)
    wiring.ready_database(chosen)
    seen = wiring.local_postgres(chosen).status()
    show_record(
        {"running": seen.running, "url": seen.url, "version": seen.version, "folder": str(seen.folder)}, as_json=json
    )


@commands.command()
def stop(json: Json = False) -> None:
    """Stop the embedded PostgreSQL of this DAICHO_HOME. Exit code 1 when it was not running."""
    from api import settings, wiring

    chosen = settings.load()
    _refuse_a_foreign_server(chosen)
    stopped = wiring.local_postgres(chosen).stop()
    show_record({"stopped": stopped}, as_json=json)
    if not stopped:
        raise typer.Exit(1)


@commands.command()
def status(json: Json = False) -> None:
    """Say where the database is, whether it answers, and which migrations wait. Exit code 1 when it does not run."""
    from api import database, migrations, settings, wiring

    chosen = settings.load()
    if chosen.database_url is None:
        seen = wiring.local_postgres(chosen).status()
        answer: dict[str, Cell] = {
            "kind": "embedded",
            "running": seen.running,
            "version": seen.version,
            "url": seen.url,
            "folder": str(seen.folder),
            "account": seen.account,
            "schema": chosen.schema_name,
        }
        reached = database.Database(seen.url, chosen.schema_name) if seen.running else None
    else:
        reached = wiring.reached_database(chosen)
        answer = {"kind": "DAICHO_DATABASE_URL", "running": True, "schema": chosen.schema_name}
    if reached is not None:
        answer["pending_migrations"] = migrations.pending(reached)
    show_record(answer, as_json=json)
    if reached is None:
        raise typer.Exit(1)


@commands.command()
def migrate(json: Json = False) -> None:
    """Make or renew the tables of DAICHO_SCHEMA; safe to run from many processes and again."""
    from api import migrations, settings, wiring

    database = wiring.reached_database(settings.load())
    show_record({"schema": database.schema, "applied": migrations.migrate(database)}, as_json=json)


@commands.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(
    context: typer.Context,
    json: Json = False,
    owner: Annotated[
        bool, typer.Option("--owner", help="As the login itself, not as daicho_app: can change history.")
    ] = False,
) -> None:
    """Open psql in this schema; what follows goes to psql (``daicho db psql -c 'SELECT 1'``). --json only says what it would run."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    from api import localpg_place, settings, wiring

    program = localpg_place.shipped_binaries() / "psql"
    database = wiring.reached_database(settings.load())
    parts = conninfo_to_dict(database.conninfo(role="none" if owner else "daicho_app", name="psql"))
    password = parts.pop("password", None)  # Never on a command line, where everybody on the machine can read it.
    command = [str(program), make_conninfo("", **parts), *context.args]
    if json:
        show_record({"command": command}, as_json=True)
        return
    if owner:
        say("You are the owner: an UPDATE or DELETE here breaks the seal, and `daicho verify` will find it.")
    os.execve(command[0], command, settings.child_environment(**({"PGPASSWORD": str(password)} if password else {})))


def _refuse_a_foreign_server(chosen: "Settings") -> None:
    if chosen.database_url is not None:
        raise typer.BadParameter("DAICHO_DATABASE_URL is set: that server is not ours to start or stop")
