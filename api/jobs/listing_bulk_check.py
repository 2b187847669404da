"""The check list (チェックリスト): a shop's listings beside what the mall knows, for replacing codes the mall does not know.

What the mall knows comes from its own files, or from what was read back last. A code that differs from one of the mall only by
width, case, spaces or hyphens is proposed beside it, never taken by itself (D27, D30): a person copies it into the column of
the new code and sends the list back. Memory is that of a page of rows; the codes of the files wait in a table of the session.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

import adapters
from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.japanese import label_key
from adapters.kit.mall import Mall
from adapters.kit.recognise import NotRecognised, recognise
from adapters.kit.table import HEAD_BYTES, TableRefused, open_table
from adapters.kit.table_writing import TableWriter
from adapters.kit.workbook import as_table
from api.jobs.imports import FileRefused, Progress, profile_of, shop_of
from api.jobs.listing_bulk import File, Sink
from api.jobs.listing_bulk_rows import SHOWN_MAX
from api.projecting import catch_up
from api.wiring import House
from ledger import listing
from ledger.shop import Shop

HEADER = (
    "商品SKU",
    "モール商品コード",
    "モール枝番",
    "入数",
    "連動状態",
    "モール確認",
    "モール確認数",
    "新モール商品コード",
    "新モール枝番",
    "候補モール商品コード",
    "候補モール枝番",
    "モールの商品名",
)
KNOWN, UNKNOWN, NOT_LOOKED, UNLINKED = "あり", "なし", "未確認", "未連携"
STATES = {
    listing.LINKED: "連動",
    listing.STOPPED: "停止",
    listing.TO_CONFIRM: "確認待ち",
    listing.EXCLUDED: "対象外",
}
FETCH_ROWS = 1_000


@dataclass
class Checked:
    """How many listings the mall knows. Mutable: counted row by row.

    ``not_looked``: neither read back nor in a file. ``unlinked``: codes of the mall's files that no listing has.
    ``proposed``: unknown ones beside which a code of the mall stands. ``problems``: rows of the mall's files not understood.
    """

    known: int = 0
    unknown: int = 0
    not_looked: int = 0
    unlinked: int = 0
    proposed: int = 0
    problems: int = 0


def check(
    house: House,
    shop: str,
    files: Sequence[File],
    write: Sink,
    *,
    only_unknown: bool = False,
    progress: Progress | None = None,
) -> Checked:
    """The check list of the shop is written: its listings in order of their codes, then what only the mall's files know.

    Without ``files`` the mall knows what was read back last. ``only_unknown``: without the listings the mall knows.
    Raises ShopNotReady, FileRefused.
    """
    connected = shop_of(house, shop)
    catch_up(house)
    checked, writer = Checked(), TableWriter(HEADER)
    with house.pool.connection() as connection, connection.transaction():
        for way in (
            "seqscan",
            "hashjoin",
            "mergejoin",
        ):  # every code is looked up, whatever the planner thinks of a table's size
            connection.execute(f"SET LOCAL enable_{way} = off".encode())
        if files:
            _keep_codes(connection, connected, files, checked, progress)
        for row in _listed(connection, shop, of_files=bool(files)):
            cells = _cells(connection, shop, row, checked, of_files=bool(files))
            if only_unknown and cells[5] == KNOWN:
                continue
            for chunk in writer.add(cells):
                write(chunk)
        for item, variant, units, name in _only_at_the_mall(connection, shop) if files else ():
            checked.unlinked += 1
            for chunk in writer.add(("", item, variant, None, UNLINKED, KNOWN, units, "", "", "", "", name)):
                write(chunk)
    write(writer.rest())
    return checked


# ------------------------------------------------------------------ what the mall's files know


def _keep_codes(
    connection: psycopg.Connection[Any], shop: Shop, files: Sequence[File], checked: Checked, progress: Progress | None
) -> None:
    mall = adapters.declared(shop.mall)
    connection.execute(
        "CREATE TEMPORARY TABLE mall_codes (item text, variant text, likeness text, units bigint, name text) ON COMMIT DROP"
    )
    rows = 0
    with connection.cursor() as cursor, cursor.copy("COPY mall_codes FROM STDIN") as copy:
        for file in files:
            for row in mall_rows(file, mall, shop):
                rows += 1
                if isinstance(row, RowProblem):
                    checked.problems += 1
                    continue
                key = row.key
                copy.write_row(
                    (key.item, key.variant, _likeness(key.item, key.variant), row.units, row.name[:SHOWN_MAX])
                )
                if progress is not None:
                    progress(rows, 0)
    connection.execute("CREATE INDEX ON mall_codes (item, variant)")
    connection.execute("CREATE INDEX ON mall_codes (likeness)")
    connection.execute("ANALYZE mall_codes")


def mall_rows(file: File, mall: Mall, shop: Shop) -> Iterator[FileRow | RowProblem]:
    """The rows of one of the mall's own files. Raises FileRefused."""
    try:
        found = recognise(file.name, _head(as_table(file.chunks())), adapters.candidates(), mall=mall.code)
        if isinstance(found, NotRecognised):
            raise FileRefused(f"{file.name} is not a file of {mall.name}: {found}")
        form = found.format
        table = open_table(as_table(file.chunks()), delimiter=form.delimiter, encodings=form.encodings)
        reader = form.open(table.header, profile_of(mall, shop))
        if isinstance(reader, NotThisFormat):
            raise FileRefused(f"{file.name}: {reader.reason}")
        yield from reader(table.rows)
    except TableRefused as refused:
        raise FileRefused(f"{file.name}: {refused}") from None


def _head(chunks: Iterable[bytes]) -> bytes:
    parts: list[bytes] = []
    for chunk in chunks:
        parts.append(chunk)
        if sum(map(len, parts)) >= HEAD_BYTES:
            break
    return b"".join(parts)[:HEAD_BYTES]


def _likeness(item: str, variant: str) -> str:
    """The same text for codes that differ only by width, case, spaces or hyphens."""
    return f"{label_key(item).replace('-', '')}\t{label_key(variant).replace('-', '')}"


# ------------------------------------------------------------------ the list

_OF_FILES = """
    SELECT l.item, l.variant, l.sku, l.units_per_listing, l.state, k.item IS NOT NULL, k.units, k.name
    FROM listings AS l LEFT JOIN LATERAL (
        SELECT item, units, name FROM mall_codes AS m WHERE m.item = l.item AND m.variant = l.variant LIMIT 1
    ) AS k ON true
    WHERE l.shop = %(shop)s AND l.sku <> '' AND l.state <> %(retired)s ORDER BY l.item, l.variant
"""
_OF_READS = """
    SELECT item, variant, sku, units_per_listing, state, CASE WHEN read_at IS NULL THEN NULL ELSE read_found END, read_units, ''
    FROM listings WHERE shop = %(shop)s AND sku <> '' AND state <> %(retired)s ORDER BY item, variant
"""
_ALIKE = """
    SELECT DISTINCT m.item, m.variant FROM mall_codes AS m WHERE m.likeness = %(likeness)s AND NOT EXISTS (
        SELECT FROM listings AS l
        WHERE l.shop = %(shop)s AND l.item = m.item AND l.variant = m.variant AND l.sku <> '' AND l.state <> %(retired)s
    ) LIMIT 2
"""
_UNLINKED = """
    SELECT DISTINCT ON (m.item, m.variant) m.item, m.variant, m.units, m.name FROM mall_codes AS m WHERE NOT EXISTS (
        SELECT FROM listings AS l
        WHERE l.shop = %(shop)s AND l.item = m.item AND l.variant = m.variant AND l.sku <> '' AND l.state <> %(retired)s
    ) ORDER BY m.item, m.variant
"""


def _listed(connection: psycopg.Connection[Any], shop: str, *, of_files: bool) -> Iterator[Any]:
    return _streamed(connection, "check_list", _OF_FILES if of_files else _OF_READS, shop)


def _only_at_the_mall(connection: psycopg.Connection[Any], shop: str) -> Iterator[Any]:
    return _streamed(connection, "check_unlinked", _UNLINKED, shop)


def _streamed(connection: psycopg.Connection[Any], name: str, statement: str, shop: str) -> Iterator[Any]:
    with connection.cursor(name) as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(statement.encode(), _values(shop))
        yield from cursor


def _values(shop: str) -> Mapping[str, object]:
    return {"shop": shop, "retired": listing.RETIRED}


def _cells(
    connection: psycopg.Connection[Any], shop: str, row: Any, checked: Checked, *, of_files: bool
) -> tuple[str | int | None, ...]:
    """The line of one listing, counted."""
    item, variant, code, units_per_listing, state, known, units, name = row
    alike: tuple[str, str] = ("", "")
    if known is None:
        checked.not_looked += 1
    elif known:
        checked.known += 1
    else:
        checked.unknown += 1
        alike = _proposal(connection, shop, item, variant) if of_files else alike
        checked.proposed += alike != ("", "")
    said = NOT_LOOKED if known is None else KNOWN if known else UNKNOWN
    return (
        code,
        item,
        variant,
        units_per_listing,
        STATES[state],
        said,
        units if known else None,
        "",
        "",
        *alike,
        name or "",
    )


def _proposal(connection: psycopg.Connection[Any], shop: str, item: str, variant: str) -> tuple[str, str]:
    """The only code of the mall, not linked yet, that looks like this one; blank where there is none or are several."""
    values = {**_values(shop), "likeness": _likeness(item, variant)}
    found = connection.execute(_ALIKE.encode(), values).fetchall()
    return (str(found[0][0]), str(found[0][1])) if len(found) == 1 else ("", "")
