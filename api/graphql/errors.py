"""What a caller sees of an error: a user's error is its sentence; one of ours is only said to be in the log."""

from typing import TypedDict

import psycopg
import structlog
from graphql import GraphQLError

from api.logs import where
from ledger.writer import LedgerUnavailable, OutcomeUnknown

REFUSED, UNAVAILABLE, OURS = "REFUSED", "UNAVAILABLE", "OURS"
HOUSES = ("adapters", "api", "ledger", "projections")
AWAY_SENTENCE = (
    "the database does not answer; whether this was recorded is not certain: send it again with the same key"
)
OURS_SENTENCE = "an error of ours; it is in the log with its time"
log = structlog.get_logger()


class Extensions(TypedDict, total=False):
    """``code``: what kind it is. ``error``: the name of a user's error, for programs."""

    code: str
    error: str


class Shown(TypedDict, total=False):
    """One error of an answer."""

    message: str
    path: list[str | int]
    locations: list[dict[str, int]]
    extensions: Extensions


def shown(error: GraphQLError) -> Shown:
    """The error as JSON."""
    message, extensions = _said(error)
    seen = Shown(message=message, extensions=extensions)
    if error.path is not None:
        seen["path"] = list(error.path)
    if error.locations:
        seen["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    return seen


def record(error: GraphQLError) -> None:
    """An error that no caller can mend is in the log, by its class alone: its message may quote what arrived."""
    code = shown(error)["extensions"]["code"]
    if code in (OURS, UNAVAILABLE):
        field = str(error.path[0]) if error.path else None
        original = error.original_error
        places = where(original) if original is not None else []
        log.error("graphql_failed", code=code, error=type(original).__name__, where=places, field=field)


def _said(error: GraphQLError) -> tuple[str, Extensions]:
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if original is None or isinstance(original, GraphQLError):
        return error.message, Extensions(code=str((error.extensions or {}).get("code", REFUSED)))
    if isinstance(original, LedgerUnavailable | OutcomeUnknown | psycopg.OperationalError):
        return AWAY_SENTENCE, Extensions(code=UNAVAILABLE)
    if isinstance(original, ValueError) and type(original).__module__.partition(".")[0] in HOUSES:
        return str(original), Extensions(code=REFUSED, error=type(original).__name__)
    return OURS_SENTENCE, Extensions(code=OURS)
