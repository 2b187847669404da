"""商品SKU: one row a code with its name, what it means, and by what it looks like others.

A code that was made one with another SKU, or is its alias, has that SKU in ``stands_for``; '' is a SKU of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, LiteralString

from ledger import likeness
from ledger.codec import Record
from ledger.facts.sku import BecameAlias, CeasedAlias, SkuRegistered, SkuRenamed, SkusUnified, SkusUnifiedUndone
from ledger.keys import parts_of
from projections.page import Page
from projections.reading import Found, Query, checked_first, page_of
from projections.table import Connection, Index, Inserts, Names, Relation, Table, Upserts, names_of, select

DDL = """
CREATE TABLE {skus} (
    sku        text COLLATE "C" PRIMARY KEY,
    registered boolean NOT NULL,
    name       text COLLATE "C" NOT NULL,
    jan        text COLLATE "C" NOT NULL,
    product    text COLLATE "C" NOT NULL,
    stands_for text COLLATE "C" NOT NULL, -- '' is itself
    unified    boolean NOT NULL, -- it was made one with stands_for; else it is its alias
    like_code  text COLLATE "C" NOT NULL,
    like_jan   text COLLATE "C" NOT NULL,
    like_name  text COLLATE "C" NOT NULL,
    position   bigint NOT NULL
) WITH (fillfactor = 80);
"""

FIELDS = {
    "sku": "text",
    "registered": "bool",
    "name": "text",
    "jan": "text",
    "product": "text",
    "stands_for": "text",
    "unified": "bool",
    "like_code": "text",
    "like_jan": "text",
    "like_name": "text",
    "position": "int8",
}
NAME_LIKE_CHARACTERS_MAX = 200  # an index row holds no more than 2,700 bytes
CODE, JAN, NAME = "code", "jan", "name"
REASONS = (CODE, JAN, NAME)
GROUP_SKUS_MAX = 20


@dataclass(frozen=True, slots=True)
class SkuRow:
    """One code. ``stands_for`` "": a SKU of its own."""

    sku: str
    registered: bool = False
    name: str = ""
    jan: str = ""
    product: str = ""
    stands_for: str = ""
    unified: bool = False
    like_code: str = ""
    like_jan: str = ""
    like_name: str = ""
    position: int = 0


VALUES = attrgetter(*FIELDS)  # of a row, in their order


class _Writer:
    def __init__(self, names: Names) -> None:
        self._read = select(names, "skus", FIELDS, "sku = ANY (%s)")
        self._new = Inserts(names, "skus", FIELDS)
        self._save = Upserts(names, TABLE.relations[0], FIELDS)

    def forget(self) -> None:
        """Nothing is kept between pages."""

    def write(self, connection: Connection, page: Page) -> None:
        records = [record for record, _ in page.pairs()]
        new = {_sku_of(one) for one in records if one.version == 1 and isinstance(one.fact, SkuRegistered)}
        missing = sorted({_sku_of(one) for one in records} - new)
        rows = {sku: SkuRow(sku) for sku in (*new, *missing)}
        if missing:
            found: list[Any] = connection.execute(self._read, (missing,), prepare=True).fetchall()
            rows.update({values[0]: SkuRow(*values) for values in found})
        for record in records:
            sku = _sku_of(record)
            rows[sku] = _after(rows[sku], record)
        self._new.write(connection, [VALUES(rows[sku]) for sku in sorted(new)])
        if missing:
            self._save.write(connection, [VALUES(rows[sku]) for sku in missing])


def _sku_of(record: Record) -> str:
    return parts_of(record.stream)[0]


def _after(row: SkuRow, record: Record) -> SkuRow:
    """The row after a fact of the code's own stream."""
    row = replace(row, position=record.position, like_code=row.like_code or likeness.of_code(row.sku))
    match record.fact:
        case SkuRegistered(name=name, jan=jan, product=product) | SkuRenamed(name=name, jan=jan, product=product):
            return replace(
                row,
                registered=True,
                name=name,
                jan=jan,
                product=product,
                like_jan=likeness.of_jan(jan),
                like_name=likeness.of_name(name)[:NAME_LIKE_CHARACTERS_MAX],
            )
        case BecameAlias(sku=sku):
            return replace(row, stands_for=sku, unified=False)
        case SkusUnified(into_sku=sku):
            return replace(row, stands_for=sku, unified=True)
        case CeasedAlias() | SkusUnifiedUndone():
            return replace(row, stands_for="", unified=False)
        case _:
            return row


TABLE = Table(
    name="skus",
    version=1,
    relations=(Relation("skus", ("sku",)),),
    ddl=DDL,
    facts=names_of((SkuRegistered, SkuRenamed, BecameAlias, CeasedAlias, SkusUnified, SkusUnifiedUndone)),
    open=_Writer,
    indexes=(
        Index("skus", "(like_code) WHERE registered AND stands_for = ''"),
        Index("skus", "(like_jan) WHERE registered AND stands_for = '' AND like_jan <> ''"),
        Index("skus", "(like_name) WHERE registered AND stands_for = '' AND like_name <> ''"),
        Index("skus", "(stands_for) WHERE stands_for <> ''"),
    ),
)


# ------------------------------------------------------------------ readers


@dataclass(frozen=True, slots=True)
class Alike:
    """SKUs that look the same by ``reason`` (code, jan or name), up to GROUP_SKUS_MAX of ``count``. ``key``: what they have in common."""

    reason: str
    key: str
    count: int
    skus: tuple[str, ...]


# One ordered walk over an index for each; a name alone says nothing of the variants of one product, nor of goods that each
# have a JAN of their own.
_OWN: LiteralString = "FROM {skus} WHERE registered AND stands_for = ''"
_GROUPS: dict[str, LiteralString] = {
    CODE: "SELECT like_code, count(*), (array_agg(sku ORDER BY sku))[1:%s] "
    + _OWN
    + " AND like_code > %s GROUP BY like_code HAVING count(*) > 1 ORDER BY like_code LIMIT %s",
    JAN: "SELECT like_jan, count(*), (array_agg(sku ORDER BY sku))[1:%s] "
    + _OWN
    + " AND like_jan <> '' AND like_jan > %s GROUP BY like_jan HAVING count(*) > 1 ORDER BY like_jan LIMIT %s",
    NAME: "SELECT like_name, count(*), (array_agg(sku ORDER BY sku))[1:%s] "
    + _OWN
    + " AND like_name <> '' AND like_name > %s GROUP BY like_name HAVING count(*) > 1"
    " AND (count(DISTINCT product) > 1 OR min(product) = '')"
    " AND count(DISTINCT like_jan) FILTER (WHERE like_jan <> '') < count(*) ORDER BY like_name LIMIT %s",
}


def alike(connection: Connection, schema: str, *, first: int, after: tuple[str, str] = ("", "")) -> Found[Alike]:
    """Up to ``first`` groups of SKUs of their own that look the same, behind ``after`` (reason, key). Raises PageNotAccepted."""
    checked_first(first)
    names, found = Names(schema, 0), list[Alike]()
    started = REASONS.index(after[0]) if after[0] in REASONS else 0
    for reason in REASONS[started:]:
        key = after[1] if reason == after[0] else ""
        values = (GROUP_SKUS_MAX, key, first + 1 - len(found))
        rows: list[Any] = connection.execute(names.sql(_GROUPS[reason]), values, prepare=True).fetchall()
        found.extend(Alike(reason, row[0], row[1], tuple(row[2])) for row in rows)
        if len(found) > first:
            break
    return Found(tuple(found[:first]), len(found) > first)


def like(connection: Connection, schema: str, codes: Sequence[str]) -> dict[str, list[str]]:
    """For each of these codes the registered SKUs, others than itself, that differ only by case, width, hyphens or spaces."""
    statement = Names(schema, 0).sql(
        "SELECT w.sku, s.sku FROM unnest(%s::text[], %s::text[]) AS w (sku, like_code), LATERAL (SELECT sku FROM {skus} AS k"
        " WHERE k.registered AND k.stands_for = '' AND k.like_code = w.like_code AND k.sku <> w.sku ORDER BY sku LIMIT %s) AS s"
    )
    values = (list(codes), [likeness.of_code(code) for code in codes], GROUP_SKUS_MAX)
    found: dict[str, list[str]] = {}
    rows: Iterable[Any] = connection.execute(statement, values, prepare=True).fetchall()
    for code, other in rows:
        found.setdefault(code, []).append(other)
    return found


def of_codes(connection: Connection, schema: str, codes: Sequence[str]) -> list[SkuRow]:
    """The rows of these codes, as far as they are known."""
    query = Query(schema, "skus", FIELDS, order="sku")
    query.where("sku = ANY (%s)", list(codes))
    return [SkuRow(*row) for row in query.rows(connection, len(codes) or 1)]


def meaning(connection: Connection, schema: str, sku: str, *, first: int, after: str = "") -> Found[SkuRow]:
    """The codes that mean this SKU: its aliases, and those made one with it. Raises PageNotAccepted."""
    query = Query(schema, "skus", FIELDS, order="sku")
    query.where("stands_for <> '' AND stands_for = %s", sku)
    query.where("sku > %s", after)
    return page_of(connection, query, first, SkuRow)
