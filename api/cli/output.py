"""How every command prints: a table or lines for a person, JSON for a program; nothing else writes to the screen."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, TypeAlias

import typer

Cell: TypeAlias = "str | int | float | bool | Sequence[Cell] | Mapping[str, Cell] | None"
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
CELL_WIDTH_MAX = 60


def show_record(record: Mapping[str, Cell], *, as_json: bool) -> None:
    """One thing: ``name  value`` lines, or one JSON object."""
    if as_json:
        _print_json(record)
        return
    width = max((width_of(name) for name in record), default=0)
    for name, value in record.items():
        print(f"{padded(name, width)}  {text_of(value)}")


def show_rows(rows: Iterable[Mapping[str, Cell]], columns: Sequence[str], *, as_json: bool) -> None:
    """Many things: a table with these columns, or one JSON array with every field."""
    if as_json:
        _print_json(list(rows))
        return
    lines = [list(columns)] + [[shortened(text_of(row.get(column))) for column in columns] for row in rows]
    widths = [max(width_of(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        print("  ".join(padded(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip())


def say(sentence: str) -> None:
    """Progress and remarks, on standard error, so that standard output is only the answer."""
    print(sentence, file=sys.stderr, flush=True)


def text_of(value: Cell) -> str:
    """A cell as a person reads it; there is none: ``-``."""
    match value:
        case None:
            return "-"
        case True:
            return "yes"
        case False:
            return "no"
        case str() | int() | float():
            return str(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def width_of(text: str) -> int:
    """Columns on a terminal: a full-width character takes two."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )


def padded(text: str, width: int) -> str:
    """The text and the spaces that fill it to this many terminal columns."""
    return text + " " * (width - width_of(text))


def shortened(text: str) -> str:
    """At most CELL_WIDTH_MAX terminal columns, on one line."""
    text = " ".join(text.split())
    if width_of(text) <= CELL_WIDTH_MAX:
        return text
    while width_of(text) >= CELL_WIDTH_MAX:
        text = text[:-1]
    return f"{text}…"


def _print_json(value: Cell) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))
