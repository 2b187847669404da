"""Rows of files on their way into the ledger: staged once, read by preview and apply from any process."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from adapters.kit.mall import FileRow, RowProblem
from ledger.load import LoadRow
from ledger.terms import ListingKey

PROBLEM_VALUE_CHARACTERS_MAX = 200
STAGING, STAGED, REFUSED = "staging", "staged", "refused"

_COLUMNS = (
    "import_id, row, item, variant, sku, units, name, jan, product, codes, excluded, target, mode, counted_at,"
    " kept_back, problem_column, problem_value, problem_expected"
)
_TYPES = [
    "text",
    "int8",
    "text",
    "text",
    "text",
    "int8",
    "text",
    "text",
    "text",
    "text",
    "bool",
    "text",
    "text",
    "timestamptz",
    "int8",
    "text",
    "text",
    "text",
]


@dataclass(frozen=True, slots=True)
class ImportFile:
    """One file that was sent, and how it is to be applied. ``shop`` None: our own form."""

    import_id: str
    shop: str | None
    mall: str
    kind: str
    format: str
    encoding: str
    reason: str
    mode: str
    owed: str | None
    file_name: str
    file_digest: str
    file_bytes: int
    rows: int
    problems: int
    counted_at: datetime
    made_at: datetime
    actor: str
    state: str
    refused: str | None


def begin(connection: Connection[Any], file: ImportFile) -> None:
    """The file is known; its rows may arrive."""
    connection.execute(
        "INSERT INTO import_files (import_id, shop, mall, kind, format, encoding, reason, mode, owed, file_name,"
        " counted_at, made_at, actor, state) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            file.import_id,
            file.shop,
            file.mall,
            file.kind,
            file.format,
            file.encoding,
            file.reason,
            file.mode,
            file.owed,
            file.file_name,
            file.counted_at,
            file.made_at,
            file.actor,
            STAGING,
        ),
    )


def append(connection: Connection[Any], import_id: str, rows: Iterable[FileRow | RowProblem], match_key: str) -> None:
    """These rows are stored; ``match_key`` names our SKU among each row's matches."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY import_rows ({_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(_TYPES)
        write = copy.write_row
        for row in rows:
            write(_problem(import_id, row) if isinstance(row, RowProblem) else _row(import_id, row, match_key))


def stage(connection: Connection[Any], import_id: str, *, digest: str, size: int) -> ImportFile:
    """Every row is here. Rows of one SKU whose numbers differ become problems: which is right is not ours to guess (D4)."""
    connection.execute(
        "WITH unequal AS (SELECT sku FROM import_rows WHERE import_id = %(id)s AND sku <> '' AND problem_expected IS NULL"
        " AND units IS NOT NULL GROUP BY sku HAVING count(*) > 1 AND min(units) <> max(units))"
        " UPDATE import_rows AS r SET problem_column = 'units', problem_value = r.units::text, problem_expected ="
        " 'the same number in every row of SKU ' || r.sku FROM unequal AS u WHERE r.import_id = %(id)s AND r.sku = u.sku"
        " AND r.problem_expected IS NULL",
        {"id": import_id},
    )
    connection.execute(
        "UPDATE import_files SET state = %s, file_digest = %s, file_bytes = %s,"
        " rows = (SELECT count(*) FROM import_rows WHERE import_id = %s),"
        " problems = (SELECT count(*) FROM import_rows WHERE import_id = %s AND problem_expected IS NOT NULL)"
        " WHERE import_id = %s",
        (STAGED, digest, size, import_id, import_id, import_id),
    )
    found = read(connection, import_id)
    assert found is not None, import_id
    return found


def refuse(connection: Connection[Any], import_id: str, reason: str) -> None:
    """The file is refused as a whole; the rows that had arrived are gone."""
    connection.execute("DELETE FROM import_rows WHERE import_id = %s", (import_id,))
    connection.execute(
        "UPDATE import_files SET state = %s, refused = %s WHERE import_id = %s", (REFUSED, reason, import_id)
    )


def read(connection: Connection[Any], import_id: str) -> ImportFile | None:
    """The file of this import, None when there is none."""
    row = connection.execute(
        "SELECT import_id, shop, mall, kind, format, encoding, reason, mode, owed, file_name, file_digest, file_bytes,"
        " rows, problems, counted_at, made_at, actor, state, refused FROM import_files WHERE import_id = %s",
        (import_id,),
    ).fetchone()
    return None if row is None else ImportFile(*row)


def same_file(connection: Connection[Any], file: ImportFile) -> str | None:
    """Another staged import of the same bytes for the same shop and mode; None when there is none."""
    row = connection.execute(
        "SELECT import_id FROM import_files WHERE file_digest = %s AND shop IS NOT DISTINCT FROM %s AND mode = %s"
        " AND state = %s AND import_id <> %s ORDER BY made_at DESC LIMIT 1",
        (file.file_digest, file.shop, file.mode, STAGED, file.import_id),
    ).fetchone()
    return None if row is None else str(row[0])


def page(connection: Connection[Any], import_id: str, after_row: int, limit: int, shop: str | None) -> list[LoadRow]:
    """The next understood rows behind ``after_row``, ready to be applied, with what each listing's mall was last told."""
    rows = connection.execute(
        "SELECT r.row, r.item, r.variant, r.sku, r.units, r.name, r.jan, r.product, r.codes, r.excluded, r.target, r.mode,"
        " r.counted_at, r.kept_back, coalesce(l.told_position, 0)"
        " FROM import_rows AS r LEFT JOIN listings AS l ON l.shop = %s AND l.item = r.item AND l.variant = r.variant"
        " WHERE r.import_id = %s AND r.row > %s AND r.problem_expected IS NULL ORDER BY r.row LIMIT %s",
        (shop, import_id, after_row, limit),
        prepare=True,
    ).fetchall()
    return [_load_row(row) for row in rows]


def note_skips(connection: Connection[Any], import_id: str, skips: Sequence[tuple[int, str]]) -> None:
    """These applied rows changed nothing, for these reasons. Twice is harmless."""
    connection.execute(
        "INSERT INTO import_skips (import_id, row, reason) SELECT %s, * FROM unnest(%s::bigint[], %s::text[])"
        " ON CONFLICT DO NOTHING",
        (import_id, [row for row, _ in skips], [reason for _, reason in skips]),
    )


def skips_of(connection: Connection[Any], import_id: str) -> dict[str, int]:
    """How many applied rows changed nothing, by reason."""
    rows = connection.execute(
        "SELECT reason, count(*) FROM import_skips WHERE import_id = %s GROUP BY reason ORDER BY reason", (import_id,)
    )
    return {str(reason): int(count) for reason, count in rows}


def problems_of(connection: Connection[Any], import_id: str, limit: int) -> Iterator[RowProblem]:
    """The first ``limit`` rows that were not understood."""
    rows = connection.execute(
        "SELECT row, problem_column, problem_value, problem_expected FROM import_rows WHERE import_id = %s"
        " AND problem_expected IS NOT NULL ORDER BY row LIMIT %s",
        (import_id, limit),
    )
    return (RowProblem(row, column, value, expected) for row, column, value, expected in rows.fetchall())


def _row(import_id: str, row: FileRow, match_key: str) -> tuple[object, ...]:
    own = row.own
    return (
        import_id,
        row.row,
        None if own else row.key.item,
        None if own else row.key.variant,
        row.key.item if own else row.matches.get(match_key, ""),
        row.units,
        row.name,
        row.jan,
        row.product,
        "\t".join(row.codes),
        "excluded" in row.flags or "preorder" in row.flags,
        own.target if own else "available",
        own.mode if own else "",
        own.counted_at if own else None,
        own.kept_back_units if own else None,
        None,
        None,
        None,
    )


def _problem(import_id: str, row: RowProblem) -> tuple[object, ...]:
    value = row.value[:PROBLEM_VALUE_CHARACTERS_MAX].replace("\x00", "\ufffd")
    nothing = (None, None, "", None, "", "", "", "", False, "available", "", None, None)
    return (import_id, row.row, *nothing, row.column, value, row.expected)


def _load_row(row: Sequence[Any]) -> LoadRow:
    number, item, variant, sku, units, name, jan, product, codes, excluded, target, mode, counted_at, kept, told = row
    key = None if item is None else ListingKey(item, variant)
    listed = tuple(codes.split("\t")) if codes else ()
    return LoadRow(number, key, sku, units, name, jan, product, listed, excluded, told, target, mode, counted_at, kept)
