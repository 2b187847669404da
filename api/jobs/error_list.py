"""The error list (エラーリスト) of an import: the rows that were not taken, as they stand in the file, with what is wrong.

It has the columns, the delimiter and the encoding of the file, and one column more. Put right and sent again it is an import of
exactly these rows: that column says of which import they are, so that their numbers are of the same time as the others'.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from psycopg import Connection

import adapters
from adapters.kit.file_form import FileFormat
from adapters.kit.table import ASCII, ENCODINGS_ASKED, TableRefused, cell_of, open_table
from api.jobs.file_bytes import head_of
from api.jobs.sent_files import OpenedFile
from api.tables import import_parts, import_pieces, imports
from api.tables.import_parts import ImportPart
from api.tables.imports import ImportFile
from api.wiring import House
from ledger import load

COLUMN = "エラー"
CHUNK_CHARACTERS = 65_536
CELL_CHARACTERS_MAX = 500
_IMPORT = re.compile(r"\[取込 ([0-9A-Za-z-]{1,64})\]")

# Rows that were understood and applied to nothing, which a corrected file can mend. Others are as they should be.
REASONS: Mapping[str, str] = {
    load.NO_SKU: "商品SKUが空欄です。一致キーの列に商品SKUを入れてください",
    load.UNKNOWN_SKU: "未登録の商品SKUです。先に商品を登録するか、商品SKUを直してください",
    load.DISAGREES: "同じ商品SKUの行と在庫数が違います。すべて同じ数にしてください",
    load.TOO_MANY: "入数を掛けた在庫数が大きすぎます",
}

Sink = Callable[[bytes], object]


class ListNotKept(ValueError):
    """The bytes of the file are over their time, so that its rows can no longer be written as they were."""


class WrongMode(ValueError):
    """The error list of an added file was sent to overwrite, or the other way round."""


def write(house: House, file: ImportFile, sink: Sink, *, part: int = 0) -> int:
    """The error list of one of the import's files is given to ``sink``; how many rows it has. Raises ListNotKept."""
    with house.pool.connection() as connection:
        found = part_of(connection, file, part)
        wrong = _wrong(connection, file.import_id, found)
    file_format = _format_of(file, found)
    with house.pool.connection() as connection, connection.transaction():
        chunks = import_pieces.kept(connection, file.import_id, part)
        asked = found.encoding if found.encoding in ENCODINGS_ASKED else None
        try:
            table = open_table(chunks, delimiter=file_format.delimiter, encodings=file_format.encodings, encoding=asked)
            return _write(file, file_format, table.encoding, table.header, table.rows, wrong, sink)
        except TableRefused:
            raise ListNotKept(
                f"the file of import {file.import_id} is no longer kept; expected one of the last {house.settings.message_days} days"
            ) from None


def part_of(connection: Connection[Any], file: ImportFile, part: int) -> ImportPart:
    """One of the import's files. Raises ListNotKept."""
    parts = import_parts.of(connection, file.import_id)
    if not parts:
        raise ListNotKept(f"import {file.import_id} is of no file; expected one that was sent as a file")
    if part >= len(parts):
        raise ListNotKept(f"part {part}; expected 0 to {len(parts) - 1}, the files of import {file.import_id}")
    return parts[part]


def name_of(part: ImportPart) -> str:
    """What the list is called: by the file's name, so that it is recognised as one of the same mall."""
    stem, _, _ = part.file_name.replace("\\", "/").rsplit("/", 1)[-1].rpartition(".")
    suffix = part.file_name.rpartition(".")[2].lower()
    return f"{stem or part.file_name}-errors.{suffix if suffix in ('csv', 'txt', 'tsv') else 'csv'}"


def corrects(
    house: House, files: Sequence[OpenedFile], *, shop: str | None, mode: str
) -> tuple[list[OpenedFile], ImportFile | None]:
    """The same files, and the import whose error list the only one of them is; None: it is none. Raises WrongMode."""
    if len(files) != 1 or COLUMN not in files[0].found.header:
        return list(files), None
    one = files[0]
    found = one.found
    head, body = head_of(one.body)
    files = [replace(one, body=body)]
    try:
        table = open_table(
            [head],
            delimiter=found.format.delimiter,
            encodings=found.format.encodings,
            encoding=found.asked_encoding,
        )
        _, cells = next(table.rows, (0, ()))
    except TableRefused:
        return files, None
    named = _IMPORT.search(cell_of(cells, table.header.index(COLUMN)))
    if named is None:
        return files, None
    with house.pool.connection() as connection:
        before = imports.read(connection, named.group(1))
    if before is None or before.shop != shop:
        return files, None
    if before.mode != mode:
        raise WrongMode(
            f"the file is the error list of import {before.import_id}, which was sent as {before.mode}; expected it to be sent so, not as {mode}"
        )
    return files, before


# ------------------------------------------------------------------ its rows


def _wrong(connection: Connection[Any], import_id: str, part: ImportPart) -> dict[int, str]:
    """What is wrong, by line of this file."""
    first, end = part.rows
    values = {"id": import_id, "first": first, "end": end, "reasons": list(REASONS)}
    line = "coalesce((SELECT l.line FROM import_lines AS l WHERE l.import_id = %(id)s AND l.row = r.row), r.row) - %(first)s"
    span = "r.import_id = %(id)s AND r.row >= %(first)s AND r.row < %(end)s"
    skips = connection.execute(
        f"SELECT {line}, r.reason FROM import_skips AS r WHERE {span} AND r.reason = ANY (%(reasons)s)".encode(), values
    ).fetchall()
    problems = connection.execute(
        f"SELECT {line}, r.problem_column, r.problem_value, r.problem_expected FROM import_rows AS r"
        f" WHERE {span} AND r.problem_expected IS NOT NULL ORDER BY r.row DESC".encode(),
        values,
    ).fetchall()
    said = {int(at): REASONS[reason] for at, reason in skips}
    for at, column, value, expected in problems:
        said[int(at)] = f"{column}: '{value}'; expected {expected}" if column else f"expected {expected}"
    return said


def _format_of(file: ImportFile, part: ImportPart) -> FileFormat:
    for candidate in adapters.candidates():
        if (candidate.mall, candidate.format.name) == (file.mall, part.format):
            return candidate.format
    raise ListNotKept(f"the form {file.mall}:{part.format} is not known any more; send the file again")


def _write(
    file: ImportFile,
    file_format: FileFormat,
    encoding: str,
    header: Sequence[str],
    rows: Iterable[tuple[int, Sequence[Any]]],
    wrong: Mapping[int, str],
    sink: Sink,
) -> int:
    kept = [at for at, name in enumerate(header) if name != COLUMN]
    out = _Out(file_format.encodings[0] if encoding == ASCII else encoding, file_format.delimiter, sink)
    out.add([*(header[at] for at in kept), COLUMN])
    count = 0
    for line, cells in rows:
        said = wrong.get(line)
        if said is not None:
            count += 1
            out.add([*(cell_of(cells, at) for at in kept), f"{said[:CELL_CHARACTERS_MAX]} [取込 {file.import_id}]"])
    out.end()
    return count


class _Out:
    """Rows as bytes of the file's own form. Mutable: holds what is not yet a chunk."""

    def __init__(self, encoding: str, delimiter: str, sink: Sink) -> None:
        self._text, self._sink, self._delimiter = io.StringIO(), sink, delimiter
        self._encoder = codecs.getincrementalencoder(encoding)("replace")
        self._writer = csv.writer(self._text, delimiter=delimiter, lineterminator="\r\n")

    def add(self, cells: Sequence[str]) -> None:
        if self._delimiter == "\t":  # such files have no quotation marks: what would need them cannot stand in one
            self._text.write("\t".join(" ".join(cell.split("\t")).replace("\n", " ") for cell in cells) + "\r\n")
        else:
            self._writer.writerow(cells)
        if self._text.tell() >= CHUNK_CHARACTERS:
            self._flush()

    def end(self) -> None:
        self._flush()

    def _flush(self) -> None:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        if text:
            self._sink(self._encoder.encode(text))
