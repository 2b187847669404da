"""PostgreSQL array literals from Python values, in text form: psycopg writes element by element, a join is many times quicker.

Syntax: PostgreSQL manual, "Arrays", "Array Input and Output Syntax". Every text element is quoted; NULL is not.
"""

from collections.abc import Iterable
from datetime import datetime


def integers(values: Iterable[int | None]) -> str:
    """For a parameter that is cast to an array of integers."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def booleans(values: Iterable[bool]) -> str:
    """For a parameter that is cast to an array of booleans."""
    return "{" + ",".join(["t" if value else "f" for value in values]) + "}"


def texts(values: Iterable[str]) -> str:
    """For a parameter that is cast to an array of text. A NUL is refused by the database, as in any text."""
    return "{" + ",".join([_quoted(value) for value in values]) + "}"


def moments(values: Iterable[datetime | None]) -> str:
    """For a parameter that is cast to an array of timestamptz."""
    known: dict[datetime, str] = {}  # a bulk repeats a few moments thousands of times
    out = []
    for value in values:
        if value is None:
            out.append("NULL")
            continue
        text = known.get(value)
        if text is None:
            text = known[value] = f'"{value.isoformat()}"'
        out.append(text)
    return "{" + ",".join(out) + "}"


def octets(values: Iterable[bytes]) -> str:
    """For a parameter that is cast to an array of bytea."""
    return "{" + ",".join(['"\\\\x' + value.hex() + '"' for value in values]) + "}"


def _quoted(value: str) -> str:
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'
