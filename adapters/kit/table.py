"""Table files as malls give them out: bytes become a header and rows of cells, streaming, with every limit named.

The encoding is found by the bytes: a mark at the beginning, else UTF-8, else CP932, else UTF-16; decoding is strict, and
a bad byte, a NUL or a line without end is refused with its line, never skipped. 1,000,000 rows take about 1.5 s.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from adapters.kit.file_form import NotThisFormat, RowProblem
from adapters.kit.japanese import NO_CHARACTERS_OF_CP932, half_width_digits, label_key
from ledger.terms import UNITS_MAX

HEAD_BYTES = 262_144  # what recognising a file looks at
CELL_CHARACTERS_MAX = 131_072  # the longest cell; Rakuten's product texts are up to 10,240 bytes a column
LINE_CHARACTERS_MAX = 1_000_000  # a file without line breaks is not a table
ROWS_MAX = 5_000_000
COLUMNS_MAX = 2_000
ENCODINGS = ("utf-8", "cp932")
ENCODINGS_ASKED = ("utf-8", "cp932", "utf-16", "utf-16-le", "utf-16-be")

ASCII = "ascii"  # the head says nothing yet; the first byte above ASCII decides

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_COUNT = re.compile(r"(?:\d{1,18}|\d{1,3}(?:,\d{3}){1,5})", re.ASCII)

csv.field_size_limit(CELL_CHARACTERS_MAX)


class TableRefused(ValueError):
    """The file cannot be read as a table from ``problem.row`` on; nothing after it may be trusted."""

    def __init__(self, problem: RowProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True)
class Table:
    """An opened file. ``rows`` gives (line number where the row begins, cells), the header's line being 1; read it once."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: Iterator[tuple[int, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class NotUnits:
    """The cell is no count of units. ``expected`` says what would be."""

    expected: str


# ------------------------------------------------------------------ reading


def open_table(
    chunks: Iterable[bytes],
    *,
    delimiter: str = ",",
    encodings: Sequence[str] = ENCODINGS,
    encoding: str | None = None,
) -> Table:
    """The table in ``chunks`` of bytes (of any size); memory stays that of one chunk and one row.

    Blank lines are passed. ``encoding``: one of ENCODINGS_ASKED that a person named, instead of what the bytes look like.
    Raises TableRefused here for an empty file or an unreadable header, and from ``rows`` for bad bytes, NUL, an over-long
    cell or line, or more than ROWS_MAX rows.
    """
    source = iter(chunks)
    head = _head(source)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise TableRefused(RowProblem(1, "", "", "a header line; the file is empty"))
    encoding = _asked(head, encoding) if encoding else encoding_of(head, encodings)
    lines = _Lines(_joined(head, source), encoding, encodings)
    rows = _rows(lines, delimiter)
    header = next(rows, (1, []))[1]
    if len(header) > COLUMNS_MAX:
        raise TableRefused(RowProblem(1, "", f"{len(header)} columns", f"at most {COLUMNS_MAX}"))
    return Table(encoding, delimiter, tuple(cell.strip() for cell in header), rows)


def encoding_of(head: bytes, encodings: Sequence[str] = ENCODINGS) -> str:
    """The encoding of a file that begins with ``head``: by its mark, else UTF-8, else the first of ``encodings`` that fits.

    When none fits, the one that fits furthest: reading it then refuses the file at its first bad byte. ASCII when
    there is nothing else in ``head`` yet.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    unmarked = _utf_16_without_mark(head[:200])
    if unmarked is not None:
        return unmarked
    if head.isascii():
        return ASCII
    return max(dict.fromkeys(("utf-8", *encodings)), key=lambda name: _fits(head, name))


def columns_of(
    header: Sequence[str], wanted: Mapping[str, Sequence[str]], *, required: Sequence[str]
) -> dict[str, int] | NotThisFormat:
    """Where the ``wanted`` columns stand, by name: each may have several spellings, width, case and spaces do not matter.

    NotThisFormat names the first required column that is missing, or a column that stands there twice.
    """
    places: dict[str, int] = {}
    keys = [_key(cell) for cell in header]
    for name, spellings in wanted.items():
        wanted_keys = {_key(one) for one in spellings}
        found = [at for at, key in enumerate(keys) if key in wanted_keys]
        if len(found) > 1:
            return NotThisFormat(f"column {header[found[0]]} stands {len(found)} times; expected once")
        if found:
            places[name] = found[0]
        elif name in required:
            return NotThisFormat(f"column {spellings[0]} is missing")
    return places


@lru_cache(maxsize=2_000)
def _key(cell: str) -> str:
    return label_key(cell)


def cell_of(cells: Sequence[str], place: int | None) -> str:
    """The cell exactly as it stands; "" when the row is too short or the column is not in the file."""
    return cells[place] if place is not None and place < len(cells) else ""


def stands_on_a_line(text: str) -> bool:
    """Whether the text has no control character, so that it can be a mall's own text of a choice; any kind of space may be in it."""
    return _CONTROL.search(text) is None


def units_of(cell: str, *, units_max: int = UNITS_MAX) -> int | NotUnits | None:
    """The count in a cell: 0 to ``units_max``; None for a blank one, which is not zero.

    Full-width digits and "1,000" are counts. A sign, a fraction ("33.0"), "NaN" or anything else is NotUnits.
    """
    if cell.isdecimal() and cell.isascii() and len(cell) <= 7:
        units = int(cell)
        return units if units <= units_max else NotUnits(f"0 to {units_max}")
    text = half_width_digits(cell).strip()
    if not text:
        return None
    if not _COUNT.fullmatch(text):
        return NotUnits(f"a whole number from 0 to {units_max}")
    units = int(text.replace(",", ""))
    return units if units <= units_max else NotUnits(f"0 to {units_max}")


# ------------------------------------------------------------------ private


def _head(source: Iterator[bytes]) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size < HEAD_BYTES:
        chunk = next(source, None)
        if chunk is None:
            break
        parts.append(chunk)
        size += len(chunk)
    return b"".join(parts)


def _asked(head: bytes, encoding: str) -> str:
    """The encoding a person named; a mark at the beginning is never a part of the first column's name."""
    assert encoding in ENCODINGS_ASKED, encoding
    marked = next((name for mark, name in _MARKS if head.startswith(mark) and name.startswith(encoding)), None)
    return marked or encoding


def _utf_16_without_mark(head: bytes) -> str | None:
    """A table in UTF-16 has commas, digits and line ends, so many NULs, all on the same side; a stray NUL is not that."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if min(even, odd) > 0 or max(even, odd) < len(head) / 10:
        return None
    return "utf-16-be" if even else "utf-16-le"


def _joined(head: bytes, source: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from source


def _fits(head: bytes, name: str) -> int:
    """How many bytes of ``head`` decode; a character cut by the end of ``head`` fits."""
    try:
        codecs.getincrementaldecoder(name)("strict").decode(head, final=False)
    except UnicodeDecodeError as error:
        return error.start
    return len(head) + 1


class _Lines:
    """Lines of text with their ends, decoded strictly as the bytes come; ``taken`` is the number of the last one."""

    def __init__(self, chunks: Iterator[bytes], encoding: str, encodings: Sequence[str]) -> None:
        self.taken = 0
        self._encodings = encodings
        self._chunks = chunks
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._ready: Iterator[str] = iter(())
        self._rest = ""
        self._ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while True:
            line = next(self._ready, None)
            if line is not None:
                self.taken += 1
                return line
            if self._ended:
                raise StopIteration
            self._fill()

    def _fill(self) -> None:
        chunk = next(self._chunks, None)
        self._ended = chunk is None
        text = self._rest + self._decoded(chunk or b"")
        if "\0" in text:
            line = self.taken + 1 + text[: text.index("\0")].count("\n")
            raise TableRefused(RowProblem(line, "", "NUL", "text; the file has a NUL character"))
        if "\r" in text:
            text = self._one_line_break(text)
        lines = text.split("\n")
        self._rest = lines.pop()
        longest = max((len(line) for line in lines), default=0)
        if max(longest, len(self._rest)) > LINE_CHARACTERS_MAX:
            raise TableRefused(
                RowProblem(
                    self.taken + 1,
                    "",
                    f"{max(longest, len(self._rest))} characters",
                    f"lines of at most {LINE_CHARACTERS_MAX}",
                )
            )
        if self._ended and self._rest:
            lines.append(self._rest)
            self._rest = ""
        self._ready = iter([line + "\n" for line in lines])

    def _one_line_break(self, text: str) -> str:
        """CRLF and a lone CR as LF. A CR at the end of the chunk waits for what comes."""
        held = "\r" if text.endswith("\r") and not self._ended else ""
        body = text[: len(text) - len(held)].replace("\r\n", "\n").replace("\r", "\n")
        return body + held

    def _decoded(self, chunk: bytes) -> str:
        if self._encoding == ASCII and not chunk.isascii():
            self._encoding = encoding_of(chunk, self._encodings)
            self._decoder = codecs.getincrementaldecoder(self._encoding)("strict")
        try:
            text = self._decoder.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            before = (
                error.object[: error.start].decode(self._encoding, "replace") if isinstance(error.object, bytes) else ""
            )
            line = self.taken + 1 + (self._rest + before).replace("\r\n", "\n").count("\n")
            bad = error.object[error.start : error.start + 1].hex().upper()
            raise TableRefused(RowProblem(line, "", f"byte 0x{bad}", f"text in {self._encoding}")) from None
        if self._encoding == "cp932":
            self._refuse_what_is_none(text)
        return text

    def _refuse_what_is_none(self, text: str) -> None:
        """Python decodes five bytes that are no character of CP932; a table has none of them."""
        bad = next((one for one in NO_CHARACTERS_OF_CP932 if one in text), None)
        if bad is not None:
            line = self.taken + 1 + (self._rest + text[: text.index(bad)]).replace("\r\n", "\n").count("\n")
            raise TableRefused(RowProblem(line, "", f"byte 0x{bad.encode('cp932').hex().upper()}", "text in cp932"))


def _rows(lines: _Lines, delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    # Malls write tab separated files without quoting: a name that begins with a quotation mark must not swallow rows.
    quoting: Literal[0, 3] = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    reader = csv.reader(lines, delimiter=delimiter, strict=False, quoting=quoting)
    count = 0
    while True:
        first = lines.taken + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            expected = (
                f"cells of at most {CELL_CHARACTERS_MAX} characters"
                if "field larger" in str(error)
                else "a row of comma or tab separated cells"
            )
            raise TableRefused(RowProblem(first, "", "", expected)) from None
        if cells is None:
            return
        if not cells:
            continue
        count += 1
        if count > ROWS_MAX + 1:
            raise TableRefused(RowProblem(first, "", f"{count - 1} rows", f"at most {ROWS_MAX} in one file"))
        yield first, cells
