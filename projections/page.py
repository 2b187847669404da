"""Pages of facts, read once for all tables of a process: gapless, in order, decoded, each with the time of its commit.

Positions are gapless by the ledger's lock: a hole is damage, and reading stops loudly. An unknown fact name is not damage:
a newer version wrote it, and reading stops there too, after what stands before it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import msgspec
import psycopg
from psycopg import sql

from ledger.codec import Record, UnknownFact, decode
from ledger.facts import FACTS

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]

PAGE_FACTS_MAX = 10_000


class Hole(RuntimeError):
    """A position is missing from the ledger, or has no seal: damage. `daicho verify` names the first thing wrong."""


@dataclass(frozen=True, slots=True)
class Commits:
    """Which commit a position belongs to: last positions, ascending, and the times of those commits."""

    last_positions: Sequence[int]
    committed_at: Sequence[datetime]

    def time_of(self, position: int) -> datetime:
        """When the fact of this position was recorded."""
        return self.committed_at[bisect_left(self.last_positions, position)]


@dataclass(frozen=True, slots=True)
class Page:
    """Facts of the positions ``first`` to ``last`` that somebody needs; ``times`` stand beside ``records``.

    ``damaged`` are (position, stream, name) of facts that could not be decoded.
    """

    first: int
    last: int
    records: Sequence[Record]
    times: Sequence[datetime]
    damaged: Sequence[tuple[int, str, str]] = ()

    def pairs(self) -> Iterator[tuple[Record, datetime]]:
        """Each record with the time it was recorded at."""
        return zip(self.records, self.times, strict=True)

    def split(self, wanted: Sequence[frozenset[str]]) -> "list[Page]":
        """For each set of fact names the page of those facts alone, made in one walk through the page."""
        chosen: list[tuple[list[Record], list[datetime]]] = [([], []) for _ in wanted]
        takers: dict[str, list[tuple[list[Record], list[datetime]]]] = {}
        for names, taken in zip(wanted, chosen, strict=True):
            for name in names:
                takers.setdefault(name, []).append(taken)
        nobody: list[tuple[list[Record], list[datetime]]] = []
        for record, time in self.pairs():
            for records, times in takers.get(record.name, nobody):
                records.append(record)
                times.append(time)
        return [Page(self.first, self.last, records, times, self.damaged) for records, times in chosen]

    def part(self, first: int, last: int) -> "Page":
        """The facts of these positions alone."""
        positions = [record.position for record in self.records]
        begin, end = bisect_left(positions, first), bisect_right(positions, last)
        damaged = [fact for fact in self.damaged if first <= fact[0] <= last]
        return Page(first, last, self.records[begin:end], self.times[begin:end], damaged)

    def without(self, streams: Collection[str]) -> "Page":
        """The page less the facts of these streams."""
        kept = [(record, time) for record, time in self.pairs() if record.stream not in streams]
        damaged = [fact for fact in self.damaged if fact[1] not in streams]
        return Page(self.first, self.last, [r for r, _ in kept], [t for _, t in kept], damaged)


class Asked(NamedTuple):
    """What a page is made of, on its way."""

    facts: psycopg.Cursor[Any]
    seals: psycopg.Cursor[Any]


class FactReader:
    """Reads pages of one merchant's ledger. ``wanted`` are the names of facts that are decoded; others are only counted."""

    def __init__(self, schema: str, wanted: Collection[str]) -> None:
        assert set(wanted) <= FACTS.keys(), set(wanted) - FACTS.keys()
        self._wanted = sorted(wanted)
        self._names = frozenset(wanted)

        def named(text: str) -> bytes:
            tables = {name: sql.Identifier(schema, f"ledger_{name}") for name in ("events", "seals", "head")}
            return sql.SQL(text).format(**tables).as_bytes()

        self._facts = named(
            "SELECT notification_id, originator_id, originator_version, topic,"
            " CASE WHEN topic = ANY (%s::text[]) THEN state END FROM {events}"
            " WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id"
        )
        self._seals = named(
            "SELECT last_position, committed_at FROM {seals} WHERE first_position <= %s AND first_position >="
            " coalesce((SELECT max(first_position) FROM {seals} WHERE first_position <= %s), 0) ORDER BY first_position"
        )
        self._head = named("SELECT position FROM {head}")

    def head(self, connection: Connection) -> int:
        """The position of the last fact."""
        row = connection.execute(self._head, prepare=True).fetchone()
        if row is None:
            raise Hole("the head row of the ledger is missing; expected exactly one")
        position = row[0]
        assert isinstance(position, int)
        return position

    def read(self, connection: Connection, after: int, until: int) -> Page:
        """The facts behind ``after`` up to ``until``, which is at or before the head. Raises Hole, UnknownFact, and
        psycopg errors. Facts before an unknown one are given first: it is raised only when it is the next one.
        """
        with connection.pipeline():
            asked = self.ask(connection, after, until)
        return self.answered(asked, after, until)

    def ask(self, connection: Connection, after: int, until: int) -> Asked:
        """The facts behind ``after`` and their seals are asked for, up to ``until``, which may be behind the head."""
        assert after < until, (after, until)
        facts = connection.execute(self._facts, (self._wanted, after, until), prepare=True, binary=True)
        return Asked(facts, connection.execute(self._seals, (until, after + 1), prepare=True))

    def answered(self, asked: Asked, after: int, until: int | None = None) -> Page:
        """The page that was asked for; without ``until`` it ends with the last fact there was, which is one at least."""
        rows: Sequence[Any] = asked.facts.fetchall()
        last = rows[-1][0] if until is None else until
        return self._decoded(rows, self._commits(asked.seals.fetchall(), last), after, last)

    def _commits(self, rows: Sequence[Any], until: int) -> Commits:
        last_positions = [row[0] for row in rows]
        if not last_positions or last_positions[-1] < until:
            raise Hole(f"position {until} has no seal; expected every fact to be sealed: run `daicho verify`")
        return Commits(last_positions, [row[1] for row in rows])

    def _decoded(self, rows: Sequence[Any], commits: Commits, after: int, until: int) -> Page:
        records: list[Record] = []
        damaged: list[tuple[int, str, str]] = []
        times: list[datetime] = []
        names, append, append_time = self._names, records.append, times.append
        ends = iter(zip(commits.last_positions, commits.committed_at, strict=True))
        end, moment = next(ends)
        position = after
        for at, stream, version, name, state in rows:
            position += 1
            if at != position:
                raise Hole(f"position {position} is missing (the next is {at}); run `daicho verify`")
            if name in names:
                while end < at:
                    end, moment = next(ends)
                try:
                    append(decode(at, stream, version, name, state))
                    append_time(moment)
                except msgspec.DecodeError:
                    damaged.append((at, stream, name))
            elif name not in FACTS:
                if position == after + 1:
                    raise UnknownFact(name, position)
                return Page(after + 1, position - 1, records, times, damaged)
        if position != until:
            raise Hole(f"position {position + 1} is missing; the ledger goes on to {until}: run `daicho verify`")
        return Page(after + 1, until, records, times, damaged)
