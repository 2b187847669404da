"""Rows of files on their way into the ledger, as they are staged, and what became of them; ``import_pages`` reads them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection

from adapters.kit.file_form import FileRow, OwnColumns, RowProblem
from api.tables import import_agreement
from api.tables.import_parts import PART_ROWS
from ledger import keys
from ledger.book.stock import CountTooOld, check_counted_at
from ledger.levels import called_by
from ledger.terms import SKU_CHARACTERS_MAX, SkuNotAccepted, checked_sku

PROBLEM_VALUE_CHARACTERS_MAX = 200
NAME_CHARACTERS_MAX = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
STAGING, STAGED, REFUSED = "staging", "staged", "refused"

_COLUMNS = (
    "import_id, row, item, variant, stream, called, sku, units, name, jan, product, codes, excluded, sells_at_zero, target, mode,"
    " counted_at, kept_back, known_position, switched, problem_column, problem_value, problem_expected"
)
_TYPES = [
    "text",
    "int8",
    "text",
    "text",
    "text",
    "int8",
    "text",
    "int8",
    "text",
    "text",
    "text",
    "text",
    "bool",
    "bool",
    "text",
    "text",
    "timestamptz",
    "int8",
    "int8",
    "bool",
    "text",
    "text",
    "text",
]


@dataclass(frozen=True, slots=True)
class ImportFile:
    """One file that was sent, and how it is to be applied. ``shop`` None: our own form. ``counted_from``: where
    ``counted_at`` is from (given, name, file or now), as it is said to the sender; it is not kept. ``notes``: what a person is
    told of the files as a whole. Several files have their names in ``file_name``; each is a part (``import_parts``).
    ``together``: whether several listings of one SKU in an added file show the same stock or divided stock; None: not said.
    ``corrects``: the import whose error list it was.
    """

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
    counted_from: str = "given"
    notes: tuple[str, ...] = ()
    together: str | None = None
    corrects: str | None = None


def begin(connection: Connection[Any], file: ImportFile) -> None:
    """The file is known; its rows may arrive."""
    connection.execute(
        "INSERT INTO import_files (import_id, shop, mall, kind, format, encoding, reason, mode, owed, file_name,"
        " counted_at, made_at, actor, state, together, corrects)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
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
            file.together,
            file.corrects,
        ),
    )


def append(
    connection: Connection[Any],
    file: ImportFile,
    rows: Iterable[FileRow | RowProblem],
    match_key: str,
    *,
    flag_stated: bool = False,
) -> int:
    """These rows are stored; ``match_key`` names our SKU among each row's matches. The answer is how many were not understood.

    ``flag_stated``: the file has the mall's column that says whether a page sells at zero, so a row without the flag does not.
    """
    import_id = file.import_id
    listings = None if file.shop is None else keys.listings_of(file.shop)
    problems = 0
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY import_rows ({_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(_TYPES)
        write = copy.write_row
        for row in rows:
            found = (
                row if isinstance(row, RowProblem) else _row(file, row, match_key, listings, flag_stated=flag_stated)
            )
            if isinstance(found, RowProblem):
                problems += 1
                found = _problem(import_id, found)
            write(found)
    return problems


def stage(connection: Connection[Any], file: ImportFile, *, digest: str, size: int) -> ImportFile:
    """Every row is here. Rows that contradict each other become problems too."""
    found = import_agreement.check(connection, file.import_id, shop=file.shop, mode=file.mode, together=file.together)
    staged = replace(file, state=STAGED, file_digest=digest, file_bytes=size, problems=file.problems + found)
    connection.execute(
        "UPDATE import_files SET state = %s, file_digest = %s, file_bytes = %s, rows = %s, problems = %s, notes = %s,"
        " kind = %s, format = %s, file_name = %s, counted_at = %s WHERE import_id = %s",
        (
            *(staged.state, digest, size, staged.rows, staged.problems, list(staged.notes)),
            *(staged.kind, staged.format, staged.file_name, staged.counted_at, file.import_id),
        ),
    )
    return staged


class AnswerNotAccepted(ValueError):
    """The answer is none that is known."""


def answer(connection: Connection[Any], file: ImportFile, *, owed: str | None, together: str | None) -> ImportFile:
    """What a person says once for the whole file, before it is applied: how its numbers stand to owed units, and whether
    several listings of one SKU show the same stock or divided stock. None: as it was. Raises AnswerNotAccepted.
    """
    if owed not in (None, "before", "after"):
        raise AnswerNotAccepted(f"owed {owed!r}; expected before or after (the owed orders)")
    if together not in (None, import_agreement.SAME, import_agreement.DIVIDED):
        raise AnswerNotAccepted(f"together {together!r}; expected same (one stock) or divided (parts of it)")
    answered = replace(file, owed=owed or file.owed, together=together or file.together)
    connection.execute(
        "UPDATE import_files SET owed = %s, together = %s WHERE import_id = %s",
        (answered.owed, answered.together, file.import_id),
    )
    if together is not None and file.mode == "add" and file.shop is not None:
        import_agreement.put_together(connection, file.import_id, file.shop, together)
    return answered


def refuse(connection: Connection[Any], import_id: str, reason: str) -> None:
    """The file is refused as a whole; the rows that had arrived are gone."""
    for table in ("import_rows", "import_lines", "import_parents", "import_parts", "import_pieces"):
        connection.execute(f"DELETE FROM {table} WHERE import_id = %s".encode(), (import_id,))
    connection.execute(
        "UPDATE import_files SET state = %s, refused = %s WHERE import_id = %s", (REFUSED, reason, import_id)
    )


def read(connection: Connection[Any], import_id: str) -> ImportFile | None:
    """The file of this import, None when there is none."""
    row = connection.execute(
        "SELECT import_id, shop, mall, kind, format, encoding, reason, mode, owed, file_name, file_digest, file_bytes,"
        " rows, problems, counted_at, made_at, actor, state, refused, notes, together, corrects FROM import_files WHERE import_id = %s",
        (import_id,),
    ).fetchone()
    if row is None:
        return None
    return replace(ImportFile(*row[:-3]), notes=tuple(row[-3]), together=row[-2], corrects=row[-1])


def same_file(connection: Connection[Any], file: ImportFile) -> str | None:
    """Another staged import of the same bytes for the same shop and mode; None when there is none."""
    row = connection.execute(
        "SELECT import_id FROM import_files WHERE file_digest = %s AND shop IS NOT DISTINCT FROM %s AND mode = %s"
        " AND state = %s AND import_id <> %s ORDER BY made_at DESC LIMIT 1",
        (file.file_digest, file.shop, file.mode, STAGED, file.import_id),
    ).fetchone()
    return None if row is None else str(row[0])


def forget_skips(connection: Connection[Any], import_id: str, after_row: int) -> None:
    """What was noted of rows behind ``after_row`` is forgotten: they are decided again."""
    connection.execute("DELETE FROM import_skips WHERE import_id = %s AND row > %s", (import_id, after_row))


def note_skips(connection: Connection[Any], import_id: str, skips: Sequence[tuple[int, str]]) -> None:
    """These applied rows changed nothing, for these reasons. Twice is harmless."""
    connection.execute(
        "INSERT INTO import_skips (import_id, row, reason) SELECT %s, * FROM unnest(%s::bigint[], %s::text[])"
        " ON CONFLICT DO NOTHING",
        (import_id, [row for row, _ in skips], [reason for _, reason in skips]),
    )


def selling_at_zero(connection: Connection[Any], import_id: str) -> int:
    """How many understood rows say that 0 does not stop their page."""
    row = connection.execute(
        "SELECT count(*) FROM import_rows WHERE import_id = %s AND sells_at_zero AND problem_expected IS NULL",
        (import_id,),
    ).fetchone()
    assert row is not None
    return int(row[0])


def skips_of(connection: Connection[Any], import_id: str) -> dict[str, int]:
    """How many applied rows changed nothing, by reason."""
    rows = connection.execute(
        "SELECT reason, count(*) FROM import_skips WHERE import_id = %s GROUP BY reason ORDER BY reason", (import_id,)
    )
    return {str(reason): int(count) for reason, count in rows}


def problems_of(connection: Connection[Any], import_id: str, limit: int) -> Iterator[RowProblem]:
    """The first ``limit`` rows that were not understood."""
    rows = connection.execute(
        "SELECT coalesce(l.line, r.row), r.problem_column, r.problem_value, r.problem_expected, p.file_name"
        " FROM import_rows AS r LEFT JOIN import_lines AS l ON l.import_id = r.import_id AND l.row = r.row"
        " LEFT JOIN import_parts AS p ON p.import_id = r.import_id AND p.part = r.row / %(rows)s"
        " AND (SELECT count(*) FROM import_parts WHERE import_id = %(id)s) > 1"
        " WHERE r.import_id = %(id)s AND r.problem_expected IS NOT NULL ORDER BY r.row LIMIT %(limit)s",
        {"id": import_id, "limit": limit, "rows": PART_ROWS},
    )
    return (
        RowProblem(row if file is None else row % PART_ROWS, column, value, expected, file=file or "")
        for row, column, value, expected, file in rows.fetchall()
    )


def _row(
    file: ImportFile, row: FileRow, match_key: str, listings: str | None, *, flag_stated: bool
) -> tuple[object, ...] | RowProblem:
    """``listings``: what the names of the shop's listing streams begin with, None: the file is of no shop."""
    own, key = row.own, row.key
    if own is not None and (problem := _problem_of_own(own, row.row, file.made_at)) is not None:
        return problem
    code = key.item if own else row.matches.get(match_key, "")
    if code and (len(code) > SKU_CHARACTERS_MAX or not code.isprintable()):
        try:
            checked_sku(code)
        except SkuNotAccepted as refused:
            return RowProblem(row.row, match_key, code, f"a SKU of 1 to {SKU_CHARACTERS_MAX} characters ({refused})")
    flags, name, jan, product = row.flags, row.name[:NAME_CHARACTERS_MAX], row.jan, row.product[:NAME_CHARACTERS_MAX]
    return (
        file.import_id,
        row.row,
        None if own else key.item,
        None if own else key.variant,
        None if listings is None else f"{listings}{keys.part(key.item)}:{keys.part(key.variant)}",
        called_by(name, jan, product),
        code,
        row.units,
        name,
        jan,
        product,
        _codes(row.codes),
        bool(flags) and ("excluded" in flags or "preorder" in flags),
        _sells_at_zero(row, flag_stated=flag_stated),
        (own.target or "available") if own else "available",
        own.mode if own else "",
        own.counted_at if own else None,
        own.kept_back_units if own else None,
        own.known_position if own else None,
        own.linked if own else None,
        None,
        None,
        None,
    )


def _codes(codes: Sequence[str]) -> str:
    """The codes that a mail can hold; a tab within one would make two of it."""
    return "\t".join(code for code in codes if not _CONTROL.search(code))


def _sells_at_zero(row: FileRow, *, flag_stated: bool) -> bool | None:
    """Whether 0 does not stop the page: its flag says so, or it has no limit (D10). None: the file does not say."""
    if row.unlimited or "sells_at_zero" in row.flags:
        return True
    return False if flag_stated else None


def _problem_of_own(own: OwnColumns, row: int, now: datetime) -> RowProblem | None:
    """What of our own columns cannot be done, though it was understood."""
    if own.counted_at is None:
        return None
    try:
        check_counted_at(own.counted_at, now)
    except CountTooOld as refused:
        return RowProblem(row, "counted_at", own.counted_at.isoformat(), str(refused))
    return None


def _problem(import_id: str, row: RowProblem) -> tuple[object, ...]:
    value = row.value[:PROBLEM_VALUE_CHARACTERS_MAX].replace("\x00", "\ufffd")
    nothing = (None, None, 0, "", None, "", "", "", "", False, None, "available", "", None, None, None, None)
    return (import_id, row.row, row.item or None, *nothing, row.column, value, row.expected)
