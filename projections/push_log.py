"""想定在庫反映ログ: one row for every listing of every push request: what was told, why, and what the mall answered.

A row is written when the request is about to leave and completed by its answer, and once more by its settlement (a file or
feed, or evidence after an unknown answer). ``position`` is that of the PushSent, ``place_in_request`` counts from 0.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from psycopg import sql

from ledger.codec import Record
from ledger.facts.push import PushAnswered, PushSent, PushSettled
from ledger.keys import listing_key, parts_of
from ledger.terms import ListingKey, utc_moment
from projections.page import Page
from projections.partitions import Partitions
from projections.reading import Found, Query, page_of, position_at
from projections.table import Connection, Index, Inserts, Names, Relation, Table, columns, names_of, texts

FIELDS = {
    "position": "int8",
    "place_in_request": "int4",
    "shop": "text",
    "request": "text",
    "item": "text",
    "variant": "text",
    "channel": "text",
    "trigger": "text",
    "attempt": "int4",
    "sync": "text",
    "computed_at": "int8",
    "expected_before": "int8",
    "units": "int8",
    "look_position": "int8",
    "trace": "text",
    "recorded_at": "timestamptz",
    "outcome": "text",
    "mall_code": "text",
    "answered_position": "int8",
    "sent_at": "timestamptz",
    "applied_from": "timestamptz",
    "applied_until": "timestamptz",
    "answer_milliseconds": "int8",
}

DDL = """
CREATE TABLE {push_log} (
    position            bigint NOT NULL,
    place_in_request    integer NOT NULL,
    shop                text COLLATE "C" NOT NULL,
    request             text COLLATE "C" NOT NULL,
    item                text COLLATE "C" NOT NULL,
    variant             text COLLATE "C" NOT NULL,
    channel             text COLLATE "C" NOT NULL,
    trigger             text COLLATE "C" NOT NULL,
    attempt             integer NOT NULL,
    sync                text COLLATE "C",
    computed_at         bigint NOT NULL,
    expected_before     bigint,
    units               bigint NOT NULL,
    look_position       bigint NOT NULL,
    trace               text COLLATE "C" NOT NULL,
    recorded_at         timestamptz NOT NULL,
    outcome             text COLLATE "C",
    mall_code           text COLLATE "C",
    answered_position   bigint,
    sent_at             timestamptz,
    applied_from        timestamptz,
    applied_until       timestamptz,
    answer_milliseconds bigint,
    PRIMARY KEY (position, place_in_request)
) PARTITION BY RANGE (position);
CREATE TABLE {push_log_open} (
    shop      text COLLATE "C" NOT NULL,
    request   text COLLATE "C" NOT NULL,
    position  bigint NOT NULL,
    sent_at   timestamptz,
    PRIMARY KEY (shop, request)
);
"""

OPEN_OUTCOMES = ("accepted", "unknown")  # a settlement may follow
Request: TypeAlias = tuple[str, str]


class _Writer:
    """Requests that may still be answered stand in push_log_open, so that an answer finds its rows by position."""

    def __init__(self, names: Names) -> None:
        self._rows = Inserts(names, "push_log", FIELDS)
        self._open_rows = Inserts(
            names, "push_log_open", {"shop": "text", "request": "text", "position": "int8", "sent_at": "timestamptz"}
        )
        self._partitions = Partitions(names, "push_log")
        self._find = names.sql(
            "SELECT o.shop, o.request, o.position, o.sent_at FROM unnest(%s::text[], %s::text[]) AS w (shop, request)"
            " JOIN {push_log_open} AS o ON o.shop = w.shop AND o.request = w.request"
        )
        self._close = names.sql(
            "DELETE FROM {push_log_open} AS o USING unnest(%s::text[], %s::text[]) AS w (shop, request)"
            " WHERE o.shop = w.shop AND o.request = w.request"
        )
        self._complete = names.sql(
            "UPDATE {push_log} AS p SET outcome = w.outcome, mall_code = w.mall_code, answered_position = w.answered_position,"
            " sent_at = w.sent_at, applied_from = w.applied_from, applied_until = w.applied_until,"
            " answer_milliseconds = coalesce(p.answer_milliseconds, w.answer_milliseconds)"
            " FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::timestamptz[],"
            " %s::timestamptz[], %s::bigint[]) AS w (position, place_in_request, outcome, mall_code, answered_position,"
            " sent_at, applied_from, applied_until, answer_milliseconds)"
            " WHERE p.position = w.position AND p.place_in_request = w.place_in_request"
            " AND p.position BETWEEN %s AND %s"
        )

    def forget(self) -> None:
        self._partitions.forget()

    def write(self, connection: Connection, page: Page) -> None:
        records = list(page.pairs())
        fresh: dict[int, list[list[object]]] = {}  # new rows by the position of their PushSent
        opened: dict[Request, tuple[int, datetime | None]] = {}
        known = self._known(connection, records)
        stored = frozenset(known)
        later: dict[tuple[int, int], list[object]] = {}
        closed: list[Request] = []
        for record, time in records:
            shop, fact = parts_of(record.stream)[0], record.fact
            if isinstance(fact, PushSent):
                fresh[record.position] = _new_rows(record, shop, fact, time)
                opened[shop, fact.request] = (record.position, None)
                continue
            assert isinstance(fact, PushAnswered | PushSettled), record.name
            request = (shop, fact.request)
            found = opened.get(request) or known.get(request)
            if found is None:
                continue  # settled twice, or answered after its settlement: the first one stands
            position, sent_at = found
            if isinstance(fact, PushAnswered):
                sent_at = utc_moment(fact.sent_at)
            answers = list(_answers(record, fact, sent_at))
            for place, answer in enumerate(answers):
                row = fresh[position][place] if position in fresh else later.get((position, place))
                if row is not None and answer[-1] is None:
                    answer[-1] = row[-1]  # a settlement does not say how long the answer took
                if position in fresh:
                    fresh[position][place][-len(answer) :] = answer
                else:
                    later[position, place] = [position, place, *answer]
            if isinstance(fact, PushSettled) or not any(o in OPEN_OUTCOMES for o in fact.outcomes):
                opened.pop(request, None)
                known.pop(request, None)
                closed.append(request)
            else:
                opened[request] = (position, sent_at)
        gone = {request for request in closed if request in stored} | opened.keys()
        self._save(connection, page, fresh, later, opened, gone)

    def _known(
        self, connection: Connection, records: Sequence[tuple[Record, datetime]]
    ) -> dict[Request, tuple[int, datetime | None]]:
        wanted = {
            (parts_of(record.stream)[0], record.fact.request)
            for record, _ in records
            if isinstance(record.fact, PushAnswered | PushSettled)
        }
        if not wanted:
            return {}
        rows: list[Any] = connection.execute(self._find, texts(sorted(wanted)), prepare=True).fetchall()
        return {(shop, request): (position, sent_at) for shop, request, position, sent_at in rows}

    def _save(
        self,
        connection: Connection,
        page: Page,
        fresh: dict[int, list[list[object]]],
        later: dict[tuple[int, int], list[object]],
        opened: dict[Request, tuple[int, datetime | None]],
        gone: Collection[Request],
    ) -> None:
        if gone:
            connection.execute(self._close, texts(sorted(gone)), prepare=True)
        if fresh:
            self._partitions.ensure(connection, page.first, page.last)
            self._rows.write(connection, [tuple(row) for rows in fresh.values() for row in rows])
        self._open_rows.write(connection, [(*request, *found) for request, found in opened.items()])
        if later:
            positions = [position for position, _ in later]
            values = (*columns(later.values(), 9), min(positions), max(positions))
            connection.execute(self._complete, values, prepare=True)


def _new_rows(record: Record, shop: str, fact: PushSent, time: datetime) -> list[list[object]]:
    trace, position = record.envelope.trace, record.position
    rows: list[list[object]] = []
    lists = zip(fact.listings, fact.triggers, fact.expected_before, fact.units, strict=True)
    for place, (text, trigger, expected, units) in enumerate(lists):
        key = listing_key(text)
        told = [fact.channel, trigger, fact.attempt, fact.sync, fact.computed_at, expected, units, fact.look_position]
        rows.append([position, place, shop, fact.request, key.item, key.variant, *told, trace, time, *[None] * 7])
    return rows


def _answers(record: Record, fact: PushAnswered | PushSettled, sent_at: datetime | None) -> Sequence[list[object]]:
    began, ended = utc_moment(fact.applied_from), utc_moment(fact.applied_until)
    wait = None
    if isinstance(fact, PushAnswered) and sent_at is not None:
        wait = round((ended - sent_at).total_seconds() * 1000)
    return [
        [outcome, code or None, record.position, sent_at, began, ended, wait]
        for outcome, code in zip(fact.outcomes, fact.codes, strict=True)
    ]


TABLE = Table(
    name="push_log",
    version=1,
    relations=(Relation("push_log", ("position", "place_in_request")), Relation("push_log_open", ("shop", "request"))),
    ddl=DDL,
    facts=names_of((PushSent, PushAnswered, PushSettled)),
    open=_Writer,
    indexes=(
        Index("push_log", "(shop, item, variant, position)"),
        Index("push_log", "(shop, position, place_in_request)"),
    ),
)


# ------------------------------------------------------------------ readers


@dataclass(frozen=True, slots=True)
class Told:
    """One row of the push log. ``outcome`` None: no answer yet. Times are those of the mall's request, UTC."""

    position: int
    place_in_request: int
    shop: str
    request: str
    item: str
    variant: str
    channel: str
    trigger: str
    attempt: int
    sync: str | None
    computed_at: int
    expected_before: int | None
    units: int
    look_position: int
    trace: str
    recorded_at: datetime
    outcome: str | None
    mall_code: str | None
    answered_position: int | None
    sent_at: datetime | None
    applied_from: datetime | None
    applied_until: datetime | None
    answer_milliseconds: int | None

    @property
    def listing(self) -> ListingKey:
        return ListingKey(self.item, self.variant)


def page(
    connection: Connection,
    schema: str,
    *,
    first: int,
    before: tuple[int, int] | None = None,
    shop: str | None = None,
    listings: Sequence[tuple[str, str, str]] | None = None,
    outcomes: Sequence[str] = (),
    recorded_from: datetime | None = None,
    recorded_until: datetime | None = None,
) -> Found[Told]:
    """Up to ``first`` rows, newest first, older than ``before`` (position, place_in_request).

    ``listings`` are (shop, item, variant): those of one SKU come from the listings table. Raises PageNotAccepted.
    """
    query = Query(schema, "push_log", FIELDS, order="position DESC, place_in_request DESC")
    query.where("shop = %s", shop)
    if listings is not None:
        query.where(
            "(shop, item, variant) IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]))", *columns(listings, 3)
        )
    query.where("outcome = ANY (%s)", list(outcomes) or None)
    if before is not None:
        query.where("position <= %s", before[0])  # lets the newer partitions be left out
        query.where("(position, place_in_request) < (%s, %s)", *before)
    if recorded_from is not None:
        query.where("position > %s", position_at(connection, schema, recorded_from, inclusive=False))
    if recorded_until is not None:
        query.where("position <= %s", position_at(connection, schema, recorded_until))
    return page_of(connection, query, first, Told)


def rows_of_request(connection: Connection, schema: str, position: int) -> list[Told]:
    """Every listing of the request whose PushSent stands at this position, in its order."""
    names = sql.SQL(", ").join(map(sql.Identifier, FIELDS))
    statement = sql.SQL("SELECT {} FROM {} WHERE position = %s ORDER BY place_in_request").format(
        names, sql.Identifier(schema, "push_log")
    )
    rows: list[Any] = connection.execute(statement, (position,), prepare=True).fetchall()
    return [Told(*row) for row in rows]
