"""Staged rows by the page, as preview and apply decide them, each with what it is decided by.

Most rows of a file state a number and nothing else, or are of a SKU nobody knew; the database says which, and gives no more
of them than that. A test holds what it says against the rules of ``ledger.book.load_rows``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from api.tables.imports import ImportFile
from ledger import keys
from ledger.book.load_rows import How
from ledger.load import AnyRow, Linked, LoadRow, NewRow, PlainRow
from ledger.reading import LEVEL_COLUMNS, NO_LEVEL, level_of
from ledger.terms import MAIN_PLACE, UNITS_MAX, ListingKey

SAME_SKU_ROWS_MAX = 20_000  # of one SKU in one page; beyond it a preview counts them as if they were of two
OTHER, PLAIN, NEW = 0, 1, 2

_LEVEL = ", ".join(f"s.{column.strip()}" for column in LEVEL_COLUMNS.split(","))
# Everything that a row is decided by comes with it. Each table is asked row by row through its index, whatever the planner
# thinks of its size (LATERAL, OFFSET 0): rows that have just come are not in its statistics.
_BESIDE = """
LEFT JOIN LATERAL (
    SELECT * FROM listings WHERE shop = %(shop)s AND item = r.item AND variant = r.variant OFFSET 0
) AS l ON true
LEFT JOIN LATERAL (
    SELECT * FROM stock_levels WHERE place = %(place)s AND sku = coalesce(nullif(l.sku, ''), r.sku) OFFSET 0
) AS s ON true
LEFT JOIN LATERAL (
    SELECT true AS moved FROM stock_changes WHERE place = %(place)s AND sku = coalesce(nullif(l.sku, ''), r.sku) LIMIT 1
) AS c ON true
"""
_FULL = f"""
SELECT r.row, r.stream, r.sku, r.units, r.name, r.jan, r.product, r.codes, r.excluded, r.target, r.mode, r.counted_at,
    r.kept_back, r.called, coalesce(r.known_position, l.told_position, 0), c.moved IS NOT NULL, r.sells_at_zero,
    r.aside, r.sum_units, r.switched, CASE WHEN r.switched IS NOT NULL THEN (
        SELECT array_agg(ARRAY[p.shop, p.item, p.variant] ORDER BY p.shop, p.item, p.variant) FROM listings AS p WHERE p.sku = r.sku
    ) END,
    l.sku, l.units_per_listing, l.state = 'excluded', l.version, l.codes = r.codes,
    l.sells_at_zero = coalesce(r.sells_at_zero, l.sells_at_zero), {_LEVEL}
FROM {{rows}} AS r {_BESIDE}
"""
# A row that sets a newer number and does nothing else: load.PlainRow. One of which nothing is known: load.NewRow.
_KINDS = f"""
SELECT row, kind, CASE WHEN kind > 0 THEN stream END, code, CASE WHEN kind > 0 THEN units END,
    CASE WHEN kind = {PLAIN} THEN version END, CASE WHEN kind = {PLAIN} THEN on_hand END,
    CASE WHEN kind = {PLAIN} THEN allocated END,
    CASE WHEN kind = {NEW} THEN name END, CASE WHEN kind = {NEW} THEN jan END, CASE WHEN kind = {NEW} THEN product END,
    CASE WHEN kind = {NEW} THEN codes END, CASE WHEN kind = {NEW} THEN called END
FROM (
    SELECT r.row, r.stream, coalesce(nullif(l.sku, ''), r.sku) AS code, r.units * coalesce(l.units_per_listing, 1) AS units,
        s.version, s.on_hand, s.allocated, r.name, r.jan, r.product, r.codes, r.called,
        CASE
            WHEN r.units IS NULL OR r.excluded OR r.target <> 'available' OR r.mode NOT IN ('', 'overwrite')
                OR r.counted_at IS NOT NULL OR r.known_position IS NOT NULL OR r.kept_back IS NOT NULL OR c.moved
                OR r.switched IS NOT NULL OR r.aside IS NOT NULL OR r.sum_units IS NOT NULL
                OR r.units * coalesce(l.units_per_listing, 1) NOT BETWEEN 0 AND {UNITS_MAX} THEN {OTHER}
            WHEN s.on_hand >= s.allocated AND s.sku_version > 0 AND s.recipe_version = 0 AND r.called IN (0, s.called)
                AND (s.counted_at IS NULL OR s.counted_at < %(counted_at)s)
                AND (NOT %(beside)s OR s.counted_by IN ('', %(shop)s)
                    OR s.on_hand - s.allocated = r.units * coalesce(l.units_per_listing, 1))
                AND (r.stream IS NULL OR (
                    l.sku <> '' AND l.state <> 'excluded' AND l.told_position = 0 AND (r.codes = '' OR l.codes = r.codes)
                    AND l.sells_at_zero = coalesce(r.sells_at_zero, l.sells_at_zero)
                    AND NOT EXISTS (
                        SELECT FROM ledger_events WHERE originator_id = r.stream AND originator_version > l.version
                    )
                )) THEN {PLAIN}
            WHEN %(registers)s AND r.stream IS NOT NULL AND r.sku <> '' AND l.sku IS NULL AND s.sku IS NULL AND r.sells_at_zero IS NOT TRUE
                AND NOT EXISTS (SELECT FROM ledger_events WHERE originator_id = r.stream) THEN {NEW}
            ELSE {OTHER}
        END AS kind
    FROM {{rows}} AS r {_BESIDE} OFFSET 0
) AS q
"""
_UNDERSTOOD = "SELECT * FROM import_rows WHERE import_id = %(id)s AND problem_expected IS NULL"
_NEXT = f"({_UNDERSTOOD} AND row > %(after)s ORDER BY import_id, row LIMIT %(limit)s)"
_NAMED = (
    "(SELECT i.* FROM unnest(%(rows)s::bigint[]) AS w (row),"
    " LATERAL (SELECT * FROM import_rows WHERE import_id = %(id)s AND row = w.row OFFSET 0) AS i)"
)
_PAGE = f"{_FULL.format(rows=_NEXT)} ORDER BY r.row".encode()
_PAGE_OF_KINDS = f"{_KINDS.format(rows=_NEXT)} ORDER BY row".encode()
_BY_SKU_OF_KINDS = f"{_KINDS.format(rows=f'({_UNDERSTOOD})')} ORDER BY code, row".encode()
_ROWS = _FULL.format(rows=_NAMED).encode()


def page(
    connection: Connection[Any], file: ImportFile, how: How, after_row: int, limit: int, *, full: bool = False
) -> list[AnyRow]:
    """The next understood rows behind ``after_row``, ready to be applied so. ``full``: none is a plain or a new row."""
    values = {**_values(file, how), "after": after_row, "limit": limit}
    if full or how.mode != "overwrite":
        return [_load_row(row) for row in connection.execute(_PAGE, values, prepare=True).fetchall()]
    return _ready(connection, file, connection.execute(_PAGE_OF_KINDS, values, prepare=True).fetchall())


@contextmanager
def by_sku(connection: Connection[Any], file: ImportFile, how: How, limit: int) -> Iterator[Iterator[list[AnyRow]]]:
    """All understood rows in pages of about ``limit``, rows of one SKU together. In a transaction, which it stays in."""
    with connection.cursor(name="import_rows_by_sku") as cursor:
        cursor.itersize = limit
        cursor.execute(_BY_SKU_OF_KINDS, _values(file, how))
        overwrites = how.mode == "overwrite"
        yield (_ready(connection, file, rows, kinds=overwrites) for rows in _pages(cursor, limit))


def in_full(connection: Connection[Any], file: ImportFile, rows: Sequence[AnyRow]) -> list[AnyRow]:
    """The same rows, each with all that it says, and what it is decided by read anew."""
    full = _by_row(connection, file, [row.row for row in rows])
    return [full[row.row] for row in rows]


def _values(file: ImportFile, how: How) -> dict[str, object]:
    return {
        "shop": file.shop,
        "place": MAIN_PLACE,
        "id": file.import_id,
        "counted_at": how.counted_at,
        "registers": how.registers,
        "beside": how.beside,
    }


def _pages(rows: Iterable[Sequence[Any]], limit: int) -> Iterator[list[Sequence[Any]]]:
    page: list[Sequence[Any]] = []
    for row in rows:
        same = bool(page) and row[3] == page[-1][3] != ""
        if len(page) >= (SAME_SKU_ROWS_MAX if same else limit):
            yield page
            page = []
        page.append(row)
    if page:
        yield page


def _ready(
    connection: Connection[Any], file: ImportFile, rows: Sequence[Sequence[Any]], *, kinds: bool = True
) -> list[AnyRow]:
    """The rows of these kinds; what is neither plain nor new, or comes with another row of its SKU, is read in full."""
    times = Counter(row[3] for row in rows)
    several = {code for code, count in times.items() if count > 1} if len(times) < len(rows) else frozenset()
    ready: list[AnyRow | None] = []
    others: list[int] = []
    for row in rows:
        kind, code = row[1], row[3]
        if not kinds or kind == OTHER or code in several:
            others.append(row[0])
            ready.append(None)
        elif kind == PLAIN:
            ready.append(PlainRow._make((row[0], *row[2:8])))
        else:
            ready.append(NewRow(row[0], row[2], code, row[4], *row[8:13]))
    if not others:
        return [row for row in ready if row is not None]
    full = _by_row(connection, file, others)
    return [full[other[0]] if row is None else row for row, other in zip(ready, rows, strict=True)]


def _by_row(connection: Connection[Any], file: ImportFile, rows: Sequence[int]) -> dict[int, LoadRow]:
    values = {"shop": file.shop, "place": MAIN_PLACE, "id": file.import_id, "rows": rows}
    return {row[0]: _load_row(row) for row in connection.execute(_ROWS, values, prepare=True).fetchall()}


def _load_row(row: Sequence[Any]) -> LoadRow:
    pages = tuple(keys.listing(shop, ListingKey(item, variant)) for shop, item, variant in row[20] or ())
    linked = None if row[24] is None else Linked._make(row[21:27])
    level = NO_LEVEL if row[27] is None else level_of(row[27:])
    return LoadRow._make((*row[:20], pages, linked, level))
