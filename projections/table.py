"""What a table of the projections is: its name, its version, its DDL, the facts it needs, and who writes its pages.

A table has one or more relations, the first named as the table. Each making of it is a build: the live one, or one that
is replayed beside it under names with a suffix. Everything in it follows from facts, so that two builds at one position
are equal row by row.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, Protocol, TypeAlias, TypeVar, runtime_checkable

import psycopg
from psycopg import sql
from psycopg.pq import PipelineStatus

from ledger import arrays as literals
from projections.page import Page

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]
Row: TypeAlias = tuple[object, ...]
T = TypeVar("T")

NEXT = "__next"
COPY_ROWS_MIN = 200  # below it one unnest in a round trip is quicker than a COPY


class PoisonedFact(ValueError):
    """A table cannot take this fact; its stream is set aside for the table. ``reason`` is a code."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"position {position}: {reason}")
        self.position = position
        self.reason = reason


@dataclass(frozen=True)
class Names:
    """Where one build of a table stands: its schema, its number, and the suffix of its relations ("" is live)."""

    schema: str
    build: int
    suffix: str = ""

    def of(self, relation: str) -> sql.Identifier:
        return sql.Identifier(self.schema, f"{relation}{self.suffix}")

    def partition(self, relation: str, number: int) -> sql.Identifier:
        """Named by the build, so that a swap renames only what readers name."""
        return sql.Identifier(self.schema, f"{relation}_b{self.build}_{number}")

    def index(self, relation: str, number: int) -> sql.Identifier:
        """Named by the build: it keeps its name when the build is swapped in."""
        return sql.Identifier(f"{relation}_b{self.build}_i{number}")

    def sql(self, text: LiteralString) -> bytes:
        """The statement with every ``{relation}`` as this build's own; ``{ledger_…}`` and other tables of the schema stay.

        As bytes: a composed statement would be put together again at each execution.
        """
        own = _Relations(self)
        return sql.SQL(text).format(**{name: own[name] for name in _placeholders(text)}).as_bytes()


class _Relations:
    """Relations of the build by name; what belongs to the ledger has no suffix."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __getitem__(self, relation: str) -> sql.Identifier:
        if relation.startswith(("ledger_", "stock_levels", "projection_")):
            return sql.Identifier(self._names.schema, relation)
        return self._names.of(relation)


def _placeholders(text: LiteralString) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]


class Writer(Protocol):
    """The writing side of one build in one process. It may keep rows in memory between pages it wrote."""

    def write(self, connection: Connection, page: Page) -> None:
        """The page's facts, all of which the table needs, are in its rows, in the open transaction."""
        ...

    def forget(self) -> None:
        """Nothing is kept in memory: the transaction of a page did not commit, or another process wrote since."""
        ...


@runtime_checkable
class FoldingWriter(Writer, Protocol):
    """A writer of rows that nearly every page changes again: a replay folds many pages in memory, then writes each row once.

    ``write`` is ``take`` and ``save``. ``is_full``: it keeps as much as it may, and is to be saved.
    """

    @property
    def is_full(self) -> bool: ...

    def take(self, connection: Connection, page: Page) -> None:
        """The page's facts are in memory. Rows may be read, none is written."""
        ...

    def save(self, connection: Connection) -> None:
        """All that was taken is in the rows, in the open transaction."""
        ...


@dataclass(frozen=True)
class Relation:
    """One relation of a table. ``key`` are the columns that name a row."""

    name: str
    key: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    """An index that only readers need: a replay makes it when the rows are there. ``what`` is the SQL behind the relation."""

    relation: str
    what: LiteralString


@dataclass(frozen=True)
class Table:
    """One table: a new shape of its relations is a new ``version``. ``facts`` are the names of those it needs.

    ``ddl`` makes its relations with the indexes that its writer needs; ``indexes`` are those that readers need.
    """

    name: str
    version: int
    relations: tuple[Relation, ...]
    ddl: LiteralString
    facts: frozenset[str]
    open: Callable[[Names], Writer]
    indexes: tuple[Index, ...] = ()

    def __post_init__(self) -> None:
        assert self.relations[0].name == self.name, self.name

    def create(self, connection: Connection, names: Names) -> None:
        """The relations of this build exist and are empty; a replay's have no readers' indexes yet."""
        connection.execute(names.sql(self.ddl))
        if not names.suffix:
            self.create_indexes(connection, names)

    def create_indexes(self, connection: Connection, names: Names) -> None:
        """The indexes that readers need are there; those that were made before stay."""
        for number, index in enumerate(self.indexes):
            connection.execute(
                sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} {}").format(
                    names.index(index.relation, number), names.of(index.relation), sql.SQL(index.what)
                )
            )

    def drop(self, connection: Connection, names: Names) -> None:
        """The relations of this build are gone."""
        for relation in self.relations:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(names.of(relation.name)))


def names_of(facts: Iterable[type]) -> frozenset[str]:
    """The names on disk of these classes of facts."""
    return frozenset(fact.__name__ for fact in facts)


def columns(rows: Iterable[Sequence[object]], count: int) -> list[list[object]]:
    """The rows turned to columns, as unnest takes them."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in range(count)]


def arrays(rows: Iterable[Sequence[Any]], kinds: Sequence[str]) -> list[str]:
    """The rows turned to array literals, one a column of these types: psycopg would write element by element."""
    turned = zip(*rows, strict=True)
    return [ARRAYS[kind](column) for kind, column in zip(kinds, turned, strict=True)]


def texts(rows: Iterable[Sequence[str]]) -> list[str]:
    """The rows, at least one, of columns that are all text, as array literals."""
    return [literals.texts(column) for column in zip(*rows, strict=True)]


def _texts_or_null(values: Iterable[str | None]) -> str:
    known = list(values)
    if None not in known:
        return literals.texts(known)  # type: ignore[arg-type]
    return "{" + ",".join("NULL" if text is None else literals.texts((text,))[1:-1] for text in known) + "}"


ARRAYS: Mapping[str, Callable[[Iterable[Any]], str]] = {
    "int8": literals.integers,
    "int4": literals.integers,
    "text": _texts_or_null,
    "bool": literals.booleans,
    "timestamptz": literals.moments,
}


class Inserts:
    """Appends rows to one relation: by COPY when there are many, else by one INSERT of arrays."""

    def __init__(self, names: Names, relation: str, fields: Mapping[str, str]) -> None:
        listed = sql.SQL(", ").join(map(sql.Identifier, fields))
        target = names.of(relation)
        self._types = list(fields.values())
        self._copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(target, listed).as_bytes()
        arrays = sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(_type(kind))) for kind in self._types)
        self._insert = sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({})").format(target, listed, arrays).as_bytes()

    def write(self, connection: Connection, rows: Sequence[Row]) -> None:
        """The rows are in the relation."""
        self.write_each(connection, rows, _itself)

    def write_each(self, connection: Connection, things: Collection[T], row_of: Callable[[T], Row]) -> None:
        """The row of each thing is in the relation; many rows are never in memory together."""
        if _by_copy(connection, things):
            _copy_rows(connection, self._copy, self._types, map(row_of, things))
        elif things:
            connection.execute(self._insert, arrays(map(row_of, things), self._types), prepare=True)


class Upserts:
    """Writes whole rows of one relation: a row of the same key is replaced. Many come by COPY into a temporary table."""

    def __init__(self, names: Names, relation: Relation, fields: Mapping[str, str]) -> None:
        self._types = list(fields.values())
        listed = sql.SQL(", ").join(map(sql.Identifier, fields))
        arrays = sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(_type(kind))) for kind in self._types)
        changes = sql.SQL(", ").join(
            sql.SQL("{} = EXCLUDED.{}").format(sql.Identifier(name), sql.Identifier(name))
            for name in fields
            if name not in relation.key
        )
        target, passing = names.of(relation.name), sql.Identifier("pg_temp", f"{relation.name}_b{names.build}")
        key = sql.SQL(", ").join(map(sql.Identifier, relation.key))
        head = sql.SQL("INSERT INTO {} ({})").format(target, listed)
        tail = sql.SQL("ON CONFLICT ({}) DO UPDATE SET {}").format(key, changes)
        self._few = sql.SQL("{} SELECT * FROM unnest({}) {}").format(head, arrays, tail).as_bytes()
        self._many = sql.SQL("{} SELECT * FROM {} {}").format(head, passing, tail).as_bytes()
        self._make = sql.SQL(
            "CREATE TEMPORARY TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS AS SELECT {} FROM {} WITH NO DATA"
        ).format(passing, listed, target)
        self._copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(passing, listed).as_bytes()

    def write(self, connection: Connection, rows: Sequence[Row]) -> None:
        """The rows are in the relation; no key comes twice."""
        if _by_copy(connection, rows):
            connection.execute(self._make)
            _copy_rows(connection, self._copy, self._types, rows)
            connection.execute(self._many)
        elif rows:
            connection.execute(self._few, arrays(rows, self._types), prepare=True)


class Updates:
    """Changes some columns of rows that are there; ``fields`` are the key first. Many come by COPY."""

    def __init__(self, names: Names, relation: Relation, fields: Mapping[str, str]) -> None:
        self._types = list(fields.values())
        listed = sql.SQL(", ").join(map(sql.Identifier, fields))
        arrays = sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(_type(kind))) for kind in self._types)
        target = names.of(relation.name)
        passing = sql.Identifier("pg_temp", f"{relation.name}_b{names.build}_{len(fields)}")
        changes = sql.SQL(", ").join(
            sql.SQL("{} = n.{}").format(sql.Identifier(name), sql.Identifier(name))
            for name in fields
            if name not in relation.key
        )
        same = sql.SQL(" AND ").join(
            sql.SQL("t.{} = n.{}").format(sql.Identifier(name), sql.Identifier(name)) for name in relation.key
        )
        update = sql.SQL("UPDATE {} AS t SET {} FROM {} WHERE {}")
        few = sql.SQL("unnest({}) AS n ({})").format(arrays, listed)
        self._few = update.format(target, changes, few, same).as_bytes()
        self._many = update.format(target, changes, sql.SQL("{} AS n").format(passing), same).as_bytes()
        self._make = sql.SQL(
            "CREATE TEMPORARY TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS AS SELECT {} FROM {} WITH NO DATA"
        ).format(passing, listed, target)
        self._copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(passing, listed).as_bytes()

    def write_each(self, connection: Connection, things: Collection[T], row_of: Callable[[T], Row]) -> None:
        """The rows that are there have the values of the things; no key comes twice."""
        if _by_copy(connection, things):
            connection.execute(self._make)
            _copy_rows(connection, self._copy, self._types, map(row_of, things))
            connection.execute(self._many)
        elif things:
            connection.execute(self._few, arrays(map(row_of, things), self._types), prepare=True)


def _itself(row: Row) -> Row:
    return row


def _by_copy(connection: Connection, rows: Collection[object]) -> bool:
    return len(rows) >= COPY_ROWS_MIN and connection.pgconn.pipeline_status == PipelineStatus.OFF


def _copy_rows(connection: Connection, statement: bytes, types: Sequence[str], rows: Iterable[Row]) -> None:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types)
        write_row = copy.write_row
        for row in rows:
            write_row(row)


def select(names: Names, relation: str, fields: Iterable[str], condition: LiteralString) -> bytes:
    """SELECT of these columns of the build's relation, where the condition holds."""
    listed = sql.SQL(", ").join(map(sql.Identifier, fields))
    return sql.SQL("SELECT {} FROM {} WHERE {}").format(listed, names.of(relation), sql.SQL(condition)).as_bytes()


def _type(kind: str) -> LiteralString:
    """The type's name when it is one that rows have; a column of arrays cannot be unnested and is text here."""
    known: dict[str, LiteralString] = {name: name for name in ("int8", "int4", "text", "bool", "timestamptz")}
    return known[kind]
