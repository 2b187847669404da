"""Keyset pages: every list is read by named columns, from a cursor on, up to 100 rows, deep pages as quickly as the first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, LiteralString, TypeVar

from psycopg import sql

from projections.table import Connection

PAGE_ROWS_MAX = 100

T = TypeVar("T")


class PageNotAccepted(ValueError):
    """The page asked for is not one: 1 to 100 rows are expected."""


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """One page of rows; ``more``: further ones follow behind the last."""

    rows: tuple[T, ...]
    more: bool


class Query:
    """One SELECT of named columns, put together from conditions that are given. Mutable: a filter that is None is none."""

    def __init__(
        self, schema: str, relation: str, columns: Iterable[str], *, order: LiteralString, distinct: bool = False
    ) -> None:
        listed = sql.SQL(", ").join(map(sql.Identifier, columns))
        self._select = sql.SQL("SELECT DISTINCT {} FROM {}" if distinct else "SELECT {} FROM {}").format(
            listed, sql.Identifier(schema, relation)
        )
        self._order = sql.SQL(order)
        self._schema = sql.Identifier(schema)
        self._conditions: list[sql.Composed] = []
        self._values: list[object] = []

    def where(self, condition: LiteralString, *values: object) -> None:
        """The condition holds for every row, unless a value of it is None. ``{schema}`` in it is the merchant's."""
        if all(value is not None for value in values):
            self._conditions.append(sql.SQL(condition).format(schema=self._schema))
            self._values.extend(values)

    def rows(self, connection: Connection, limit: int) -> list[Any]:
        """The first ``limit`` rows."""
        conditions = sql.SQL(" AND ").join(self._conditions) if self._conditions else sql.SQL("true")
        statement = sql.SQL("{} WHERE {} ORDER BY {} LIMIT %s").format(self._select, conditions, self._order)
        return connection.execute(statement, (*self._values, limit), prepare=True).fetchall()


def page_of(connection: Connection, query: Query, first: int, make: Callable[..., T]) -> Found[T]:
    """The first rows of the query, each made by ``make``. Raises PageNotAccepted."""
    checked_first(first)
    rows = query.rows(connection, first + 1)
    return Found(tuple(make(*row) for row in rows[:first]), len(rows) > first)


def checked_first(first: int) -> int:
    """The number of rows itself, when a page may have it. Raises PageNotAccepted."""
    if not 1 <= first <= PAGE_ROWS_MAX:
        raise PageNotAccepted(f"first: {first}; expected 1 to {PAGE_ROWS_MAX}")
    return first


def position_at(connection: Connection, schema: str, moment: datetime, *, inclusive: bool = True) -> int:
    """The last position that was recorded at or before the moment; ``inclusive`` False: before it. 0: there was none.

    Commit times never go back, so this and nothing else maps a moment to a position.
    """
    compared = sql.SQL("<=" if inclusive else "<")
    row: Any = connection.execute(
        sql.SQL(
            "SELECT last_position FROM {} WHERE committed_at {} %s ORDER BY committed_at DESC, last_position DESC LIMIT 1"
        ).format(sql.Identifier(schema, "ledger_seals"), compared),
        (moment,),
        prepare=True,
    ).fetchone()
    return row[0] if row else 0
