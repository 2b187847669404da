"""Writes tables that people open in Excel and that ``table.py`` reads again: CSV, CRLF, UTF-8 with a mark or CP932.

A text that a spreadsheet would take for a formula (OWASP, "CSV Injection": = + - @ tab CR LF and their full-width forms) gets an
apostrophe in front. ``unmarked`` takes it away again, so that writing and reading is the identity. Numbers get none.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from adapters.kit.japanese import NO_CHARACTERS_OF_CP932

TextOrNumber: TypeAlias = str | int | None  # None: blank, which is not zero

MARK = "'"
BLANK_FOR = "\N{GETA MARK}"  # 〓, what Japanese print shops set for a character they do not have
UTF_8, CP932 = "utf-8", "cp932"
CHUNK_CHARACTERS = 65_536
EXACT_DIGITS_MAX = 11  # Excel shows longer numbers as 4.90E+12

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# What Excel makes a number, a date, a time or a truth value of: anything that begins like a number, months, TRUE.
_CHANGES = re.compile(r"[(.$¥\\]*\d|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|(?:true|false)$", re.IGNORECASE)
_STAYS = re.compile(r"0|[1-9]\d{0,10}", re.ASCII)


class NotInCp932(ValueError):
    """CP932 has no such character, and another in its place would make it the code of something else."""


def marked(text: str, *, excel: bool = False) -> str:
    """The cell that says the text. ``excel``: also 007, 1-2 or a JAN code, of which Excel would make 7, a date and 4.9E+12."""
    bare = text.lstrip(MARK)
    if bare.startswith(_FORMULA):
        return MARK + text
    if (excel or bare != text) and _excel_changes(bare):
        return MARK + text
    return text


def unmarked(cell: str) -> str:
    """The text that the cell says, whether ``excel`` or not."""
    if not cell.startswith(MARK):
        return cell
    bare = cell.lstrip(MARK)
    return cell[1:] if bare.startswith(_FORMULA) or _excel_changes(bare) else cell


def _excel_changes(text: str) -> bool:
    plain = unicodedata.normalize("NFKC", text).strip()
    return _CHANGES.match(plain) is not None and not _STAYS.fullmatch(text)


class TableWriter:
    """Rows become chunks of bytes. Mutable: holds what is not yet a chunk, and counts.

    What CP932 lacks becomes 〓, and ``replaced`` counts them; 〜 becomes ～, which looks the same. ``exact``: the table is to be
    read again, so it is refused instead: another character would make a code that of something else.
    """

    def __init__(
        self, header: Sequence[str], *, encoding: str = UTF_8, excel: bool = False, exact: bool = False
    ) -> None:
        assert encoding in (UTF_8, CP932), encoding
        self.rows = 0
        self.replaced = 0
        self._header = header
        self._encoding = encoding
        self._excel = excel
        self._exact = exact
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        if encoding == UTF_8:
            self._text.write("\ufeff")
        self._writer.writerow(header)

    def add(self, row: Sequence[TextOrNumber]) -> Iterator[bytes]:
        """The row is written; gives a chunk when one is full. Raises NotInCp932."""
        assert len(row) == len(self._header), row
        self.rows += 1
        self._writer.writerow([self._cell(value, place) for place, value in enumerate(row)])
        if self._text.tell() >= CHUNK_CHARACTERS:
            yield self.rest()

    def rest(self) -> bytes:
        """What is left; nothing of it is held any more."""
        chunk = self._text.getvalue().encode(self._encoding)
        self._text.seek(0)
        self._text.truncate()
        return chunk

    def _cell(self, value: TextOrNumber, place: int) -> str | int | None:
        if not isinstance(value, str):
            return value
        text = marked(value, excel=self._excel)
        if self._encoding == UTF_8 or text.isascii():
            return text
        return self._in_cp932(text, place)

    def _in_cp932(self, text: str, place: int) -> str:
        if not self._exact:
            made = "".join(c if _as_cp932(c) else BLANK_FOR for c in text)
            self.replaced += made.count(BLANK_FOR) - text.count(BLANK_FOR)
            return made
        lacking = next((at for at, character in enumerate(text) if _as_cp932(character) != character), None)
        if lacking is not None:
            raise NotInCp932(
                f"row {self.rows + 1}, column {self._header[place]}: U+{ord(text[lacking]):04X} at place {lacking + 1};"
                " expected characters that CP932 has: ask for UTF-8, which Excel opens too"
            )
        return text


def _as_cp932(character: str) -> str:
    """What is read again of the character: itself, for six of them (〜 − ‖ ¢ £ ¬) the full-width twin, "" when CP932 has none."""
    if character in NO_CHARACTERS_OF_CP932:
        return ""
    try:
        return character.encode(CP932).decode(CP932)
    except UnicodeEncodeError:
        return ""
