"""Batches that a mall took and has not finished: where each stands, and when it is asked for next.

Every function works in the caller's transaction. What is in a batch stands in its PushSent.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from ledger.terms import Outcome, Result

OPEN = (Result.ACCEPTED, Result.UNKNOWN)  # outcomes that a settlement follows


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch. ``code``: where it stood when it was last asked for. ``closed``: listings, by place, that its answer ended.

    ``handed`` False: its handing over never began. ``answered`` False: the worker that sent it never said what came of it.
    """

    request: str
    sent_at: datetime
    look_at: datetime
    ticket: str = ""
    code: str = ""
    handed: bool = False
    answered: bool = False
    closed: Mapping[int, Outcome] = field(default_factory=dict)


def begin(
    connection: psycopg.Connection, shop: str, request: str, *, sent_at: datetime, look_at: datetime, handed: bool
) -> None:
    """The batch is about to be recorded and to leave. One that is known already stays as it is."""
    connection.execute(
        "INSERT INTO push_batches (shop, request, sent_at, look_at, handed) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (shop, request, sent_at, look_at, handed),
        prepare=True,
    )


def hand_over(connection: psycopg.Connection, shop: str, request: str) -> None:
    """From here on the mall may have it."""
    connection.execute(
        "UPDATE push_batches SET handed = true WHERE shop = %s AND request = %s", (shop, request), prepare=True
    )


def named(connection: psycopg.Connection, shop: str, request: str, ticket: str) -> None:
    """The mall's own name of the batch is kept, before anything else is said of it."""
    connection.execute(
        "UPDATE push_batches SET ticket = %s WHERE shop = %s AND request = %s", (ticket, shop, request), prepare=True
    )


def answered(
    connection: psycopg.Connection, shop: str, request: str, outcomes: Sequence[Outcome], look_at: datetime
) -> None:
    """The answer is a fact; the batch is asked for from ``look_at`` on."""
    closed = {at: [str(one.result), one.code] for at, one in enumerate(outcomes) if one.result not in OPEN}
    connection.execute(
        "UPDATE push_batches SET answered = true, closed = %s, look_at = %s WHERE shop = %s AND request = %s",
        (json.dumps(closed), look_at, shop, request),
        prepare=True,
    )


def looked(connection: psycopg.Connection, shop: str, request: str, code: str, look_at: datetime) -> None:
    """It was asked for and stands at ``code``; it is asked for again at ``look_at``."""
    connection.execute(
        "UPDATE push_batches SET code = %s, look_at = %s WHERE shop = %s AND request = %s",
        (code, look_at, shop, request),
        prepare=True,
    )


def end(connection: psycopg.Connection, shop: str, request: str) -> None:
    """It is settled, or never was recorded."""
    connection.execute("DELETE FROM push_batches WHERE shop = %s AND request = %s", (shop, request), prepare=True)


def of_shop(connection: psycopg.Connection, shop: str) -> list[BatchRow]:
    """The shop's batches, oldest first."""
    rows = connection.execute(
        "SELECT request, sent_at, look_at, ticket, code, handed, answered, closed FROM push_batches WHERE shop = %s"
        " ORDER BY sent_at, request",
        (shop,),
        prepare=True,
    ).fetchall()
    return [
        BatchRow(request, sent_at, look_at, ticket, code, handed, was_answered, _closed(closed))
        for request, sent_at, look_at, ticket, code, handed, was_answered, closed in rows
    ]


def due(connection: psycopg.Connection, now: datetime) -> set[str]:
    """The shops with a batch that is to be asked for now."""
    rows = connection.execute("SELECT DISTINCT shop FROM push_batches WHERE look_at <= %s", (now,), prepare=True)
    return {str(row[0]) for row in rows}


def sign_of(connection: psycopg.Connection, shop: str) -> tuple[object, ...]:
    """A sign that changes when a batch of the shop begins, moves on or ends."""
    statement = "SELECT count(*), max(look_at) FROM push_batches WHERE shop = %s"
    return tuple(connection.execute(statement, (shop,), prepare=True).fetchone() or ())


def _closed(text: str) -> dict[int, Outcome]:
    return {int(at): Outcome(Result(result), code) for at, (result, code) in json.loads(text or "{}").items()}
