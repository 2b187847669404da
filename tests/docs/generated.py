"""The documents made from the code: the commands, the settings, the GraphQL schema. ``make docs`` writes them, a test compares them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer.main

import adapters
from api import cli
from api.graphql.schema import schema
from api.settings import Settings

ROOT = Path(__file__).parents[2]
MALLS_BEGIN = "<!-- malls: made by `make docs` -->"
MALLS_END = "<!-- /malls -->"
NOT_IN_TABLE = ("sandbox",)  # It exists only here.


@dataclass(frozen=True)
class Command:
    """One command of ``daicho`` with what its help says."""

    path: str
    help: str
    options: dict[str, str]
    arguments: list[str]


def commands() -> list[Command]:
    """Every command, in the order of its path."""
    return sorted(_below("daicho", typer.main.get_command(cli.build())), key=lambda command: command.path)


def _below(path: str, command: Any) -> list[Command]:
    inner = getattr(command, "commands", None)
    if inner is not None:
        own = [_command(path, command)] if command.invoke_without_command and path != "daicho" else []
        return own + [each for name, below in inner.items() for each in _below(f"{path} {name}", below)]
    return [_command(path, command)]


def _command(path: str, command: Any) -> Command:
    options: dict[str, str] = {}
    arguments: list[str] = []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            name = parameter.metavar or parameter.name.upper()
            arguments.append(f"{name}…" if parameter.nargs == -1 else name if parameter.required else f"[{name}]")
        else:
            options[parameter.opts[0]] = parameter.help or ""
    return Command(path, " ".join((command.help or "").split()), options, arguments)


def commands_page() -> str:
    lines = [
        "# Commands",
        "",
        "Made from the code by `make docs`. Every command takes `--json`; exit codes: 0 ok, 1 the answer is no or something",
        "wrong was found, 2 the user's error, 3 the environment's (no database).",
        "",
    ]
    for command in commands():
        lines += [f"## `{' '.join([command.path, *command.arguments])}`", "", command.help, ""]
        lines += [f"- `{name}`: {text}" for name, text in command.options.items()] + [""]
    return "\n".join(lines).rstrip() + "\n"


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "Made from the code by `make docs`. Each is an environment variable, or a line of `.env` in the working folder.",
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
    ]
    for field, description in Settings.model_fields.items():
        name = description.alias or f"DAICHO_{field.upper()}"
        default = "" if description.default is None else f"`{description.default}`"
        lines.append(f"| `{name}` | {default} | {description.description} |")
    return "\n".join(lines) + "\n"


def schema_page() -> str:
    head = "# The GraphQL schema. Made from the code by `make docs`.\n\n"
    text = schema(Settings()).as_str()
    return head + "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def readme() -> str:
    """The README with its table of malls made again from the declarations."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(MALLS_BEGIN)
    _, _, after = rest.partition(MALLS_END)
    return f"{before}{MALLS_BEGIN}\n{_malls_table()}{MALLS_END}{after}"


def _malls_table() -> str:
    malls = [mall for mall in adapters.malls().values() if mall.code not in NOT_IN_TABLE]
    lines = [f"| | {' | '.join(mall.name for mall in malls)} |", f"|---|{'---|' * len(malls)}"]
    reasons: list[str] = []
    skills = {mall.code: {name: (answer, why) for name, answer, why in adapters.skills(mall)} for mall in malls}
    for skill in next(iter(skills.values())):
        cells = []
        for mall in malls:
            answer, why = skills[mall.code][skill]
            if why:
                reasons.append(f"{len(reasons) + 1}. {mall.name}, {skill}: {answer}: {why}")
                answer = f"{answer} ({len(reasons)})"
            cells.append(answer)
        lines.append(f"| {skill} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *reasons]) + "\n"


PAGES = {
    "README.md": readme,
    "docs/commands.md": commands_page,
    "docs/settings.md": settings_page,
    "docs/schema.graphql": schema_page,
}


def write() -> None:
    """Every generated document is written again."""
    for path, page in PAGES.items():
        (ROOT / path).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
