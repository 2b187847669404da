"""Turns an Excel workbook (.xlsx) into the table it is: the first visible sheet as CSV in UTF-8, with every limit named.

A row of the sheet is a line of the table, blank ones too, so that a problem names the row a person sees: a line break inside
a cell becomes a vertical tab. Text cells come out exactly; a number cell is the number (12, not 12.0), because Excel has
already taken its leading zeros. Formulas are never computed: the value Excel kept is read.
"""

import csv
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import IO

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from adapters.kit.file_form import RowProblem
from adapters.kit.table import COLUMNS_MAX, TableRefused

MARK = b"PK\x03\x04"
PACKED_BYTES_MAX = 100_000_000
PARTS_MAX = 1_000  # files inside the workbook
UNPACKED_BYTES_MAX = 256_000_000  # its texts are held in memory
UNPACKED_TIMES_MAX = 200  # XML packs to a tenth or a fortieth; a bomb to a thousandth
ROWS_MAX = 1_048_576  # Excel's own
BLANK_ROWS_MAX = 1_000  # in a row; a sheet with formatted empty rows below its table ends there
CHUNK_ROWS = 500
LINE_BREAK = "\v"  # stands for one inside a cell

_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_HEAD_BYTES = 4_096
_UNREADABLE = (
    LookupError,
    ArithmeticError,
    ValueError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
)


def as_table(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks of a table file as they are; a workbook's become its CSV. Memory: a workbook's packed bytes.

    Raises TableRefused while reading, as ``csv_of_workbook`` does, and for a workbook of more than PACKED_BYTES_MAX.
    """
    source = iter(chunks)
    first: list[bytes] = []
    while sum(map(len, first)) < len(MARK) and (chunk := next(source, None)) is not None:
        first.append(chunk)
    if not b"".join(first).startswith(MARK):
        yield from first
        yield from source
        return
    packed = io.BytesIO()
    for chunk in (one for several in (first, source) for one in several):
        packed.write(chunk)
        if packed.tell() > PACKED_BYTES_MAX:
            raise _refused(f"a workbook of at most {PACKED_BYTES_MAX:,} bytes")
    packed.seek(0)
    yield from csv_of_workbook(packed)


def csv_of_workbook(file: IO[bytes]) -> Iterator[bytes]:
    """The CSV of the first visible sheet, in chunks. ``file`` can be searched; nothing is written to disk.

    Raises TableRefused: here and while reading for what is no workbook, is larger than the limits, or declares entities.
    """
    _check(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions it does not know; no cell is lost by them
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except _UNREADABLE:
        raise _refused("a readable Excel workbook (.xlsx)") from None
    try:
        sheet = next((one for one in book.worksheets if one.sheet_state == "visible"), None)
        if sheet is None:
            raise _refused("a workbook with a visible sheet")
        sheet.reset_dimensions()  # what the file says of its own size may be wrong
        yield from _chunks(sheet.iter_rows(values_only=True))
    finally:
        book.close()


# ------------------------------------------------------------------ private


def _check(file: IO[bytes]) -> None:
    """Refuses what would unpack to more than the limits, by what the zip says of itself; a lie there ends the unpacking."""
    try:
        with zipfile.ZipFile(file) as packed:
            parts = packed.infolist()
            size = sum(part.file_size for part in parts)
            small = sum(part.compress_size for part in parts)
            if len(parts) > PARTS_MAX:
                raise _refused(f"a workbook of at most {PARTS_MAX} parts")
            if size > UNPACKED_BYTES_MAX or size > max(small, 1) * UNPACKED_TIMES_MAX:
                raise _refused(
                    f"a workbook that unpacks to at most {UNPACKED_BYTES_MAX:,} bytes and {UNPACKED_TIMES_MAX} times"
                )
            if any(part.flag_bits & 0x1 for part in parts):
                raise _refused("a workbook without a password")
            for part in parts:
                if part.filename.lower().endswith((".xml", ".rels")):
                    with packed.open(part) as inside:
                        if _DECLARES.search(inside.read(_HEAD_BYTES)):
                            raise _refused("XML without a document type or entities")
    except TableRefused:
        raise
    except (*_UNREADABLE, RuntimeError, NotImplementedError):
        raise _refused("a readable Excel workbook (.xlsx)") from None
    file.seek(0)


def _chunks(rows: Iterator[Sequence[object]]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    blank = 0
    for count, row in enumerate(_readable(rows), start=1):
        cells = [_cell(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        if count > ROWS_MAX:
            raise _refused(f"at most {ROWS_MAX:,} rows", row=count)
        if len(cells) > COLUMNS_MAX:
            raise _refused(f"at most {COLUMNS_MAX} columns", row=count)
        if not cells:
            blank += 1
            if blank > BLANK_ROWS_MAX:
                break
            continue
        text.write("\r\n" * blank)
        blank = 0
        writer.writerow(cells)
        if count % CHUNK_ROWS == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _readable(rows: Iterator[Sequence[object]]) -> Iterator[Sequence[object]]:
    """The rows; a sheet that breaks off or is no sheet is refused."""
    count = 0
    while True:
        count += 1
        try:
            row = next(rows, None)
        except _UNREADABLE:
            raise _refused("a readable sheet", row=count) from None
        if row is None:
            return
        yield row


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value).replace("\r\n", LINE_BREAK).replace("\n", LINE_BREAK).replace("\r", LINE_BREAK)


def _refused(expected: str, *, row: int = 1) -> TableRefused:
    return TableRefused(RowProblem(row, "", "", expected))
