"""The command line ``daicho``: one file per group of commands, found by scan.

A file here that has ``commands`` (a ``typer.Typer``) is a part of the command line: with a name it is a group
(``daicho db start``), without one its commands stand at the top (``daicho serve``). Files import only light things at
the top, so that ``daicho --help`` stays fast; what is heavy is imported inside the command.

Exit codes: 0 ok, 1 the answer is no or something wrong was found, 2 the user's error, 3 the environment's.
"""

import json
import pkgutil
import sys
from importlib import import_module

import typer

from api.unavailable import Unavailable

EXIT_NO = 1
EXIT_USER = 2
EXIT_ENVIRONMENT = 3
EXIT_INTERRUPTED = 130
OURS = ("adapters", "api", "ledger", "projections")


def build() -> typer.Typer:
    """The whole command line, every file of this folder included."""
    app = typer.Typer(
        name="daicho",
        help="Daicho 台帳: one stock ledger for many Japanese online malls.",
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_callback)
    for module in pkgutil.iter_modules(__path__):
        commands = getattr(import_module(f"{__name__}.{module.name}"), "commands", None)
        if isinstance(commands, typer.Typer):
            app.add_typer(commands)
    return app


def main() -> None:
    """Runs the command of sys.argv and exits; every error becomes one sentence and its exit code here and nowhere else."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code after the command has run and said what it had to say."""
    try:
        result = typer.main.get_command(build()).main(args=arguments, prog_name="daicho", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except typer.TyperException as error:
        if error.format_message().startswith("Usage:"):  # A group without its command.
            print(error.format_message(), file=sys.stderr)
            return EXIT_USER
        return _say(f"{error.format_message()}{_where_help_is(error)}", EXIT_USER, arguments)
    except Unavailable as error:
        return _say(str(error), EXIT_ENVIRONMENT, arguments)
    except BrokenPipeError:
        sys.stderr.close()  # The reader of our output left (``daicho changes | head``): nothing to say to nobody.
        return 0
    except ValueError as error:
        if type(error).__module__.split(".", 1)[0] not in OURS:
            raise  # A fault of ours, not the user's: the traceback is what helps.
        return _say(str(error), EXIT_USER, arguments)
    except _connection_errors() as error:
        return _say(f"the database connection failed: {' '.join(str(error).split())}", EXIT_ENVIRONMENT, arguments)
    return result if isinstance(result, int) else 0


def _callback() -> None:
    """One stock ledger for many malls."""


def _say(sentence: str, exit_code: int, arguments: list[str]) -> int:
    if "--json" in arguments:
        print(json.dumps({"error": sentence, "exit_code": exit_code}, ensure_ascii=False))
    print(f"daicho: {sentence}", file=sys.stderr)
    return exit_code


def _where_help_is(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f" `{context.command_path} --help` shows what there is." if context is not None else ""


def _connection_errors() -> tuple[type[BaseException], ...]:
    # Looked up only when something was raised, so that help need not import the driver.
    driver = sys.modules.get("psycopg")
    return (driver.OperationalError,) if driver is not None else ()
